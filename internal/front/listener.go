package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// Time limits of a connection. They hold for HTTP only: whoever hijacks a
// connection (a WebSocket) gets it without deadlines.
const (
	// headerTimeout is for a request's header, and so also for the first byte
	// of a connection and for a TLS handshake.
	headerTimeout = 30 * time.Second
	// idleTimeout is for the next request on an open connection. It is longer
	// than the keep-alive of the AWS SDKs and of common proxies (60 s), so
	// that the client closes first and no request meets a closing connection.
	idleTimeout = 3 * time.Minute
)

// Listener is an open endpoint.
type Listener struct {
	front     *Front
	endpoint  Endpoint
	port      int
	server    *http.Server
	tlsConfig *tls.Config // nil without TLS
	serving   sync.WaitGroup
	held      []net.Listener // before Admit; front.mu guards it
	// keepsHeads: handshakes are kept as they came, see RawHeader.
	keepsHeads bool

	// Of connections that a Stream had: those that come back to net/http, and
	// the end of that.
	back    chan *conn
	over    chan struct{}
	ending  sync.Once
	streams sync.WaitGroup

	mu       sync.Mutex
	fresh    map[*conn]struct{} // connections that have not sent a byte
	detached map[*conn]struct{} // connections that a Stream has
	shut     bool
	// directs are the direct requests that are being answered, of which
	// net/http does not know; none closes with the last one once shut.
	directs int
	none    chan struct{}
}

func (f *Front) newListener(e Endpoint, port int) *Listener {
	l := &Listener{front: f, endpoint: e, port: port, keepsHeads: e.Kind == "websocket",
		back: make(chan *conn), over: make(chan struct{}), fresh: map[*conn]struct{}{}, detached: map[*conn]struct{}{}}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(e.Kind != "websocket")
	l.server = &http.Server{
		Handler:           l,
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          f.errorLog(e.Resource),
		ConnContext:       withConn,
	}
	if l.keepsHeads {
		l.server.ConnState = forgetHead
	}
	if f.tls != nil {
		l.tlsConfig = f.tls.config(e.Kind != "websocket")
	}
	return l
}

func (l *Listener) serve(sockets []net.Listener) {
	l.serving.Go(func() { _ = l.server.Serve(returning{l}) }) // ends by ErrServerClosed only
	for _, s := range sockets {
		l.serving.Go(func() {
			if err := l.server.Serve(&sniffing{s, l}); !errors.Is(err, http.ErrServerClosed) {
				l.front.notice(l.endpoint.Resource, err, "port %d no longer accepts connections", l.port)
			}
		})
	}
}

// sniffing makes a conn of every accepted connection.
type sniffing struct {
	net.Listener
	owner *Listener
}

func (s *sniffing) Accept() (net.Conn, error) {
	raw, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nonblock.Conn(raw), owner: s.owner}
	s.owner.silent(c)
	return c, nil
}

// silent adds a connection to those that have not sent anything, which Close
// ends at once: browsers open some in advance, and net/http would wait seconds
// for their first request.
func (l *Listener) silent(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		_ = c.Conn.Close()
		return
	}
	l.fresh[c] = struct{}{}
}

// spoken takes it out again, when its first byte came or it was closed.
func (l *Listener) spoken(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.fresh, c)
}

// began and ended count direct requests, of connections that are silent before
// and after them. After Close none begins.
func (l *Listener) began(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return false
	}
	delete(l.fresh, c)
	l.directs++
	return true
}

func (l *Listener) ended(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.directs--; l.directs == 0 && l.none != nil {
		close(l.none)
	}
	if l.shut {
		_ = c.Conn.Close()
		return
	}
	l.fresh[c] = struct{}{}
}

// endDirects waits for the direct requests that have begun.
func (l *Listener) endDirects(ctx context.Context) {
	l.mu.Lock()
	if l.directs > 0 && l.none == nil {
		l.none = make(chan struct{})
	}
	none := l.none
	l.mu.Unlock()
	if none == nil {
		return
	}
	select {
	case <-none:
	case <-ctx.Done():
	}
}

// ServeHTTP implements http.Handler for the server of this port.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.TLS = connectionState(r)
	l.route(w, r)
}

func (l *Listener) route(w http.ResponseWriter, r *http.Request) {
	if l.endpoint.Kind == KindAWS {
		l.front.routeByHost(w, r, l)
		return
	}
	l.endpoint.Handler.ServeHTTP(w, r)
}

// Port is the port the endpoint listens on.
func (l *Listener) Port() int { return l.port }

// Authority is the host and port that clients and functions on this machine
// use: "localhost:3001". It is "localhost" also when the front listens on
// every address.
func (l *Listener) Authority() string {
	host := l.front.config.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(l.port))
}

// URL is the endpoint's address with a scheme: "http", "https", "ws", "wss".
func (l *Listener) URL(scheme string) string { return scheme + "://" + l.Authority() }

// Close stops accepting, lets requests end until ctx is done, then cuts what
// is left. Hijacked connections are their owners' business. Clients that still
// wait for Admit are answered 503.
func (l *Listener) Close(ctx context.Context) error {
	if held := l.front.letGo(l); held != nil {
		l.turnAway(held)
	}
	l.mu.Lock()
	l.shut = true
	for c := range l.fresh {
		_ = c.Conn.Close()
	}
	l.mu.Unlock()
	l.endDirects(ctx)
	err := l.server.Shutdown(ctx)
	if err != nil {
		if cut := l.server.Close(); cut != nil {
			err = errors.Join(err, cut)
		}
	}
	err = errors.Join(err, l.endStreams(ctx))
	l.serving.Wait()
	l.front.forget(l)
	return err
}

// handshakeFailed tells the developer, once, when a client does not trust us:
// such a client says nothing but an alert.
func (l *Listener) handshakeFailed(err error) {
	if !isDistrust(err) {
		return
	}
	l.front.distrust.Do(func() {
		l.front.notice(l.endpoint.Resource, err,
			"a client on port %d does not trust Suiro's certificate; make it trust %s or use plain http or ws on the same port",
			l.port, l.front.CA().CertFile)
	})
}

// isDistrust tells whether the peer refused our certificate (RFC 8446, 6.2:
// bad_certificate, unknown_ca, certificate_unknown).
func isDistrust(err error) bool {
	var alert *net.OpError
	if !errors.As(err, &alert) || alert.Op != "remote error" {
		return false
	}
	text := alert.Err.Error()
	return strings.Contains(text, "certificate")
}
