package environment

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/chunked"
	"github.com/suiro-dev/suiro/internal/nonblock"
)

// The Runtime API on net/http was most of an invocation's cost: two requests
// with their maps of headers, contexts, buffers and background reads. What a
// runtime asks for every event is therefore served by a loop over the
// connection, and everything else, with the connection, goes to net/http.

// loopServer is the transport: the listener of an environment, its
// connections, and the net/http server that takes over those whose requests
// are not the usual ones.
type loopServer struct {
	env      *Environment
	listener net.Listener
	handed   chan net.Conn // to rest
	over     chan struct{}
	loops    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	unwait func() // ends the wait for the next connection; nil when a goroutine waits
	conns  map[*loopConn]struct{}
	rest   *httpServer // nil until a connection is handed to it: most never are
}

// headSize is what a connection reads at once: several times the usual head.
// What has a longer one is for net/http, and bodies are read past it.
const headSize = 2 << 10

// listen makes the transport of an environment.
func listen(e *Environment) (transport, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &loopServer{
		env: e, listener: l, handed: make(chan net.Conn), over: make(chan struct{}), conns: make(map[*loopConn]struct{}),
	}
	s.await()
	return s, nil
}

// await sees to it that the next connection is accepted. Where it can it keeps
// no goroutine for that, since most runtimes open one connection in their life.
func (s *loopServer) await() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if c, ok := s.listener.(syscall.Conn); ok && s.env.cfg.Keeper != nil {
		if s.unwait, ok = s.env.cfg.Keeper.WhenReadable(c, s.arrived); ok {
			return
		}
	}
	s.loops.Go(func() {
		for s.accept() != nil {
		}
	})
}

// arrived is told of a connection that can be accepted.
func (s *loopServer) arrived() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.loops.Go(func() {
		c := s.accept()
		if c != nil {
			s.await()
		}
	})
}

func (s *loopServer) address() string { return s.listener.Addr().String() }

func (s *loopServer) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.over)
		if s.unwait != nil {
			s.unwait()
		}
	}
	for c := range s.conns {
		_ = c.Close()
		if c.held != nil {
			c.held.goOn()
		}
	}
	rest := s.rest
	s.mu.Unlock()
	_ = s.listener.Close()
	if rest != nil {
		rest.close()
	}
	s.loops.Wait()
}

// accept takes one connection and has it served; nil when there will be none
// any more: a listener on loopback has no end but its close.
func (s *loopServer) accept() *loopConn {
	accepted, err := s.listener.Accept()
	if err != nil {
		return nil
	}
	c := &loopConn{
		conn: conn{Conn: nonblock.Conn(accepted), env: s.env, life: s.env.connected()}, server: s, given: make(chan struct{}, 1),
	}
	c.r = bufio.NewReaderSize(&c.conn, headSize)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return nil
	}
	s.conns[c] = struct{}{}
	s.loops.Add(1)
	go c.serve() // close waits for loops
	return c
}

// handover is the listener of the net/http server.
type handover struct{ *loopServer }

func (h handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.handed:
		return c, nil
	case <-h.over:
		return nil, net.ErrClosed
	}
}

func (h handover) Close() error   { return nil }
func (h handover) Addr() net.Addr { return h.listener.Addr() }

// loopConn is a connection. It is the waiter of its own request for the next
// event: who invokes writes the event to it, so that no goroutine has to be
// woken for that.
type loopConn struct {
	conn
	server *loopServer
	r      *bufio.Reader
	head   head
	given  chan struct{} // the next event was written
	held   *response     // being read by others, and no goroutine is in serve; guarded by server.mu
}

// errGone ends a loop whose connection has nothing more to say.
var errGone = errors.New("the connection has ended")

// serve serves until the connection ends, or resume does.
func (c *loopConn) serve() {
	for {
		held := false
		usual, err := c.readHead()
		switch {
		case err == nil && !usual:
			c.handOver()
			c.leave()
			return
		case err == nil && c.head.kind == hotNext:
			err = c.next()
		case err == nil:
			held, err = c.answer()
		}
		if err != nil {
			_ = c.Close()
			c.leave()
		}
		if err != nil || held {
			return
		}
	}
}

// leave is the end of serve.
func (c *loopConn) leave() {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	c.server.loops.Done()
}

// hold notes a response that others read; when the server has closed, nobody
// might.
func (c *loopConn) hold(r *response) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.held = r
	if c.server.closed {
		r.goOn()
	}
}

// resume goes on after a response that was held, in a goroutine of its own.
func (c *loopConn) resume(r *response) {
	c.server.mu.Lock()
	c.held = nil
	closed := c.server.closed
	c.server.mu.Unlock()
	var err error
	if closed { // somebody may still read what comes late
		err = errGone
	} else {
		c.env.sent(c.life)
		err = c.answered(r.loop, r.refusal)
	}
	if err != nil {
		_ = c.Close()
		c.leave()
		return
	}
	c.serve()
}

// readHead waits for a request; usual is false when it is one for net/http.
// Nothing of such a request is consumed.
func (c *loopConn) readHead() (usual bool, err error) {
	for want := 1; ; want = c.r.Buffered() + 1 {
		if _, err := c.r.Peek(want); err != nil {
			// A full buffer; or the end, on which net/http need not look.
			return false, ignore(err, bufio.ErrBufferFull)
		}
		b, _ := c.r.Peek(c.r.Buffered()) // what is there, so it cannot fail
		end, plain := endOfHead(b)
		switch {
		case !plain:
			return false, nil
		case end == 0:
			continue
		case c.life == nil || !c.head.parse(b[:end]):
			return false, nil
		}
		_, _ = c.r.Discard(end)
		return true, nil
	}
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// handOver gives the connection to net/http, with what was read of it.
func (c *loopConn) handOver() {
	early, _ := c.r.Peek(c.r.Buffered())
	c.unread(early)
	s := c.server
	s.mu.Lock()
	if s.rest == nil && !s.closed {
		s.rest = serveHTTP(s.env, handover{s})
	}
	s.mu.Unlock()
	select {
	case s.handed <- &c.conn:
	case <-s.over:
		_ = c.Close()
	}
}

// next asks for an event and waits until it was given and the client has
// something to say again, or has gone.
func (c *loopConn) next() error {
	again, refusal := c.env.ask(c.life, c)
	switch {
	case refusal != nil:
		return c.refuse(refusal)
	case again != nil:
		return c.write(again)
	}
	if _, err := c.r.Peek(1); err != nil {
		c.env.unask(c.life, c)
		return err
	}
	select { // the client may have spoken before its turn
	case <-c.given:
		return nil
	case <-c.life.ended:
		return errGone
	}
}

// take implements waiter.
func (c *loopConn) take(inv *invocation) {
	if inv == nil || c.write(inv) != nil {
		_ = c.Close() // which wakes the loop
	}
	if inv != nil {
		inv.Payload = nil // an event is given once, and its response may stream for minutes
	}
	c.given <- struct{}{}
}

// outs are for responses that are being made; a connection that waits, for the
// next event or the end of a stream, has none.
var outs = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// write answers with an event; headers without a value are left out, as by
// AWS.
func (c *loopConn) write(inv *invocation) error {
	out := outs.Get().(*[]byte)
	defer outs.Put(out)
	b := append((*out)[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: "...)
	b = append(b, inv.RequestID...)
	b = append(b, "\r\nLambda-Runtime-Deadline-Ms: "...)
	b = strconv.AppendInt(b, inv.deadline.UnixMilli(), 10)
	b = appendHeader(b, "\r\nLambda-Runtime-Invocation-Id: ", inv.attempt)
	b = appendHeader(b, "\r\nLambda-Runtime-Invoked-Function-Arn: ", inv.InvokedARN)
	b = appendHeader(b, "\r\nLambda-Runtime-Trace-Id: ", inv.TraceID)
	b = appendHeader(b, "\r\nLambda-Runtime-Client-Context: ", string(inv.ClientContext))
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(inv.Payload)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(inv.Payload) <= copied {
		*out = append(b, inv.Payload...)
		_, err := c.Write(*out)
		return err
	}
	*out = b
	_, err := (&net.Buffers{b, inv.Payload}).WriteTo(c.Conn)
	return err
}

// copied is the largest payload that is copied behind its header, to be one
// write.
const copied = 16 << 10

// appendHeader appends a header unless its value is empty. A value is one
// line, as net/http sees to it.
func appendHeader(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, name...)
	for i := range len(value) {
		if ch := value[i]; ch == '\r' || ch == '\n' {
			ch = ' '
			b = append(b, ch)
			continue
		}
		b = append(b, value[i])
	}
	return b
}

// answer takes a runtime's response or error. held says that resume goes on.
func (c *loopConn) answer() (held bool, err error) {
	h := &c.head
	in := &incoming{conn: c, left: h.length, chunks: chunked.New(c.r)}
	p := post{
		contentType: h.contentType, errorType: h.errorType, attempt: h.attempt, mode: h.mode, hasMode: h.hasMode,
		length: h.length, body: in, trailer: in.trailer, abort: c.abort, loop: in,
	}
	var refusal *apiError
	if h.kind == hotResponse {
		refusal, held = c.env.respond(c.life, h.id, p)
	} else {
		refusal = c.env.fault(c.life, h.id, p)
	}
	if held {
		return true, nil
	}
	err = c.answered(in, refusal)
	if in.told != nil {
		in.told.answer()
	}
	return false, err
}

// answered tells the runtime what became of its response or error.
func (c *loopConn) answered(in *incoming, refusal *apiError) error {
	if in.err == nil { // refused unread
		_, _ = io.CopyN(io.Discard, in, 2*MaxResponse)
	}
	if in.err != io.EOF {
		if refusal != nil { // who sends no more may still listen
			_ = c.refuse(refusal)
		}
		return errGone
	}
	if refusal != nil {
		return c.refuse(refusal)
	}
	_, err := io.WriteString(c.Conn, accepted)
	return err
}

// abort makes reads fail, now and later.
func (c *loopConn) abort() { _ = c.SetReadDeadline(time.Unix(1, 0)) }

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

func (c *loopConn) refuse(refusal *apiError) error {
	body, err := json.Marshal(refusal.body())
	if err != nil {
		return err
	}
	body = append(body, '\n')
	out := outs.Get().(*[]byte)
	defer outs.Put(out)
	b := append((*out)[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(refusal.status), 10)
	b = append(append(b, ' '), http.StatusText(refusal.status)...)
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	*out = append(append(b, "\r\n\r\n"...), body...)
	_, err = c.Write(*out)
	return err
}

// incoming is the body of a request. Its end is known exactly, so that the
// next request is read from where it begins.
type incoming struct {
	conn   *loopConn
	left   int64        // of a body whose length is known; negative when it is not
	chunks chunked.Body // of one whose length is not
	err    error        // what ended it
	told   *invocation  // whose caller is told when the runtime has been

	errorType, errorBody string // trailers
}

func (in *incoming) Read(p []byte) (n int, err error) {
	switch {
	case in.err != nil:
		return 0, in.err
	case in.left < 0:
		if n, err = in.chunks.Read(p); err == io.EOF {
			err = in.readTrailers()
		}
	case in.left == 0:
		err = io.EOF
	default:
		n, err = in.conn.r.Read(p[:min(int64(len(p)), in.left)])
		if in.left -= int64(n); in.left == 0 {
			err = io.EOF // with the last bytes: nobody has to ask again
		} else if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	in.err = err
	return n, err
}

// pass writes what is left of a body in chunks to w as they come, and returns
// how many bytes of body that is. The error is io.EOF at its end, or w's.
func (in *incoming) pass(w io.Writer) (n int64, err error) {
	to := &sink{w: w}
	n, err = in.chunks.Pass(to, &in.conn.conn, in.conn.unread)
	if to.err != nil {
		return n, to.err
	}
	if err == io.EOF {
		err = in.readTrailers()
	}
	in.err = err
	return n, err
}

// sink remembers that it failed.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (n int, err error) {
	if n, err = s.w.Write(p); err != nil {
		s.err = &invoke.WriteError{Err: err}
	}
	return n, err
}

// trailer returns a trailer, after the end of the body.
func (in *incoming) trailer(name string) string {
	if is([]byte(name), errorTypeTrailer) {
		return in.errorType
	}
	return in.errorBody
}

// The trailers that count (Developer Guide, "Building a custom runtime").
const (
	errorTypeTrailer = "lambda-runtime-function-error-type"
	errorBodyTrailer = "lambda-runtime-function-error-body"
)

// maxTrailers bounds what follows a chunked body: an error in base64, which is
// no larger than a response may be.
const maxTrailers = 2 * MaxResponse

// readTrailers returns io.EOF when all is well.
func (in *incoming) readTrailers() error {
	var line []byte
	for total := 0; total <= maxTrailers; {
		part, err := in.conn.r.ReadSlice('\n')
		total += len(part)
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil, len(line) < 2, line[len(line)-2] != '\r':
			return io.ErrUnexpectedEOF
		case len(line) == 2:
			return io.EOF
		}
		name, value, ok := field(line[:len(line)-2])
		switch {
		case !ok:
			return io.ErrUnexpectedEOF
		case is(name, errorTypeTrailer):
			setOnce(&in.errorType, value)
		case is(name, errorBodyTrailer):
			setOnce(&in.errorBody, value)
		}
		line = line[:0]
	}
	return io.ErrUnexpectedEOF
}
