package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Stream is a chunked response (RFC 9112, 7.1) that goes on without net/http.
//
// For each connection whose handler runs, net/http keeps two goroutines and
// two buffers of 4 KiB, and makes every chunk anew. A stream that lasts for
// minutes and sends little is hardly anything else, so that its connection is
// taken over after its first bytes, and given back with its last.
type Stream struct {
	conn *conn
}

// Detach takes the connection of a response over whose header and first bytes
// were flushed, with this status. It is false where net/http has to go on: for
// responses that are not chunked (HTTP/1.0, HEAD, 204, 304) or the last ones of
// their connection, for HTTP/2 and TLS, and on connections that are not a
// Listener's or whose Listener closes. The handler must have read the
// request's body; afterwards w and r are of no use to it, and a goroutine of
// [Stream.Go] has to end the stream.
func Detach(w http.ResponseWriter, r *http.Request, status int) (*Stream, bool) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok || c.tls.Load() != nil || !chunked(w.Header(), r, status) || !c.owner.detach(c) {
		return nil, false
	}
	_, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.owner.attached(c)
		return nil, false
	}
	if n := buffered.Reader.Buffered(); n > 0 { // of the next request
		early, _ := buffered.Reader.Peek(n)
		c.early = append([]byte(nil), early...)
	}
	return &Stream{c}, true
}

// chunked tells whether net/http made a response with such a header chunked,
// and meant to keep the connection.
func chunked(h http.Header, r *http.Request, status int) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor >= 1 && !r.Close && r.Method != http.MethodHead &&
		status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusNotModified &&
		h.Get("Content-Length") == "" && h.Get("Transfer-Encoding") == "" && h.Get("Trailer") == "" &&
		!strings.Contains(strings.ToLower(h.Get("Connection")), "close")
}

// Go runs what writes the rest of the stream. It has to call End or Cut last.
// Closing the Listener waits for it. A panic ends this connection and is
// reported, as net/http does, and the others go on.
func (s *Stream) Go(f func()) { // counted by Detach
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				s.conn.owner.server.ErrorLog.Printf("panic in a stream to %s: %v\n%s", s.conn.remote(), cause, debug.Stack())
				s.Cut()
			}
		}()
		f()
	}()
}

// chunks are for pieces on their way, with what is around them.
var chunks = sync.Pool{New: func() any { b := make([]byte, 0, copied+32); return &b }}

// copied is the largest piece that is copied between its chunk's header and
// end, to be one write.
const copied = 4 << 10

// Write sends p as one chunk, at once.
func (s *Stream) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // would be the last
	}
	held := chunks.Get().(*[]byte)
	defer chunks.Put(held)
	b := append(strconv.AppendUint((*held)[:0], uint64(len(p)), 16), '\r', '\n')
	var err error
	if len(p) <= copied {
		b = append(append(b, p...), '\r', '\n')
		_, err = s.conn.Conn.Write(b)
	} else {
		_, err = (&net.Buffers{b, p, []byte("\r\n")}).WriteTo(s.conn.Conn)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Chunks takes the bytes of chunks that have been made already.
func (s *Stream) Chunks() io.Writer { return s.conn.Conn }

// Gone tells whether the client has hung up, as far as is known yet. One that
// only has nothing more to ask counts too, and may still read.
func (s *Stream) Gone() bool { return len(s.conn.early) == 0 && hungUp(s.conn.Conn) }

// End sends the last chunk, and net/http gets the connection back for the next
// request.
func (s *Stream) End() {
	defer s.conn.owner.attached(s.conn)
	if _, err := io.WriteString(s.conn.Conn, "0\r\n\r\n"); err != nil {
		_ = s.conn.Close()
		return
	}
	s.conn.owner.giveBack(s.conn)
}

// Cut ends the connection without the last chunk, by which the client knows
// that something is missing.
func (s *Stream) Cut() {
	_ = s.conn.Close()
	s.conn.owner.attached(s.conn)
}

// detach notes a connection that leaves net/http; false when it may not.
func (l *Listener) detach(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	l.detached[c] = struct{}{}
	l.streams.Add(1)
	return true
}

func (l *Listener) attached(c *conn) {
	l.mu.Lock()
	delete(l.detached, c)
	l.mu.Unlock()
	l.streams.Done()
}

// nextRead is what the first bytes of the next request are read into: most
// have no more.
const nextRead = 512

// giveBack waits for the connection's next request as net/http would, but with
// less, and hands it over then.
func (l *Listener) giveBack(c *conn) {
	if len(c.early) == 0 {
		l.silent(c) // closing the Listener ends it
		_ = c.Conn.SetReadDeadline(time.Now().Add(idleTimeout))
		first := make([]byte, nextRead)
		n, err := c.Conn.Read(first)
		if n == 0 || err != nil {
			_ = c.Close()
			return
		}
		l.spoken(c)
		_ = c.Conn.SetReadDeadline(time.Time{})
		c.early = first[:n]
	}
	select {
	case l.back <- c:
	case <-l.over:
		_ = c.Close()
	}
}

// returning is the net.Listener of the connections that come back.
type returning struct{ *Listener }

func (r returning) Accept() (net.Conn, error) {
	select {
	case c := <-r.back:
		return c, nil
	case <-r.over:
		return nil, net.ErrClosed
	}
}

func (r returning) Close() error {
	r.ending.Do(func() { close(r.over) })
	return nil
}

func (r returning) Addr() net.Addr { return &net.TCPAddr{Port: r.port} }

// endStreams waits for the responses that net/http knows nothing of, and cuts
// them when ctx ends first.
func (l *Listener) endStreams(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { l.streams.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for c := range l.detached {
		_ = c.Conn.Close()
	}
	l.mu.Unlock()
	<-ended
	return ctx.Err()
}
