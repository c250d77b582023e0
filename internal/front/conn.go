package front

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// handshakeType is the first byte of every TLS connection: a handshake record
// (RFC 8446, 5.1). No HTTP request begins with it.
const handshakeType = 0x16

// conn is a connection that becomes TLS when its first byte says so.
//
// The decision falls in the first Read, which net/http makes in the
// connection's own goroutine and under the deadline for the request's header.
// So there is no goroutine that only sniffs, no hand-over from one to another,
// no buffer beside net/http's, and nothing of TLS is allocated for plaintext.
// net/http sees a connection that is not a *tls.Conn; HTTP/2 after ALPN works
// all the same, because the client then begins with the same preface as one
// that knows beforehand that we speak HTTP/2 (RFC 9113, 3.4), which net/http
// recognises itself. Only Request.TLS has to be filled in, by Listener.ServeHTTP.
type conn struct {
	net.Conn
	owner   *Listener
	settled bool // the first byte came; touched by the reading goroutine only
	tls     atomic.Pointer[tls.Conn]
	state   *tls.ConnectionState // of tls, for Request.TLS
	head    head
	early   []byte // of the next request, read already when a Stream ended

	direct *direct // nil before the first direct request
	passed bool    // a request was net/http's, and all that follow are
	failed error   // what ended the connection before that
	peer   string  // the client's address, once a direct request asked
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	var n int
	var err error
	if c.owner.endpoint.Direct == nil || c.passed {
		n, err = c.read(p)
	} else {
		n, err = c.readDirect(p)
	}
	if c.owner.keepsHeads {
		c.head.add(p[:n])
	}
	return n, err
}

func (c *conn) read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	if c.settled {
		if t := c.tls.Load(); t != nil {
			return t.Read(p)
		}
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	c.settled = true
	c.owner.spoken(c)
	config := c.owner.tlsConfig
	if p[0] != handshakeType || config == nil {
		return n, err
	}
	t := tls.Server(&rewound{Conn: c.Conn, first: append([]byte(nil), p[:n]...)}, config)
	c.tls.Store(t)
	if err := t.HandshakeContext(context.Background()); err != nil { // bounded by the header's deadline
		c.owner.handshakeFailed(err)
		return 0, io.EOF // nobody is there to be told
	}
	state := t.ConnectionState()
	c.state = &state
	return t.Read(p)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if t := c.tls.Load(); t != nil {
		return t.Write(p)
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn. It is safe beside Read and Write.
func (c *conn) Close() error {
	c.owner.spoken(c)
	if t := c.tls.Load(); t != nil {
		return t.Close()
	}
	return c.Conn.Close()
}

// CloseWrite ends our direction, as net/http does before it drops a client
// whose request it did not read to the end.
func (c *conn) CloseWrite() error {
	if t := c.tls.Load(); t != nil {
		return t.CloseWrite()
	}
	if tcp, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return nil
}

// Settled returns what the connection turned out to be: the TCP connection of
// a plaintext client, or the *tls.Conn. Whoever hijacks a connection can go on
// with that one; nothing of what was read is held back here.
func (c *conn) Settled() net.Conn {
	if t := c.tls.Load(); t != nil {
		return t
	}
	return c.Conn
}

// Settled returns what is below a connection that came from a Listener, for
// those who keep it for long and want to write to it without a detour. Other
// connections are returned as they are.
func Settled(c net.Conn) net.Conn {
	if own, ok := c.(*conn); ok {
		return own.Settled()
	}
	return c
}

// rewound gives back the bytes that were read to decide.
type rewound struct {
	net.Conn
	first []byte
}

func (r *rewound) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		if r.first = r.first[n:]; len(r.first) == 0 {
			r.first = nil // let go of the client's hello
		}
		return n, nil
	}
	return r.Conn.Read(p)
}

// connKey is where a request's context holds its *conn.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connectionState is nil for plaintext.
func connectionState(r *http.Request) *tls.ConnectionState {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		return c.state
	}
	return nil
}
