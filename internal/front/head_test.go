package front

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rawDial opens a connection by hand, so that the test says every byte.
func rawDial(t *testing.T, f *Front, l *Listener, secure bool) net.Conn {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", l.Port())
	var c net.Conn
	var err error
	if secure {
		data, readErr := os.ReadFile(f.CA().BundleFile)
		if readErr != nil {
			t.Fatal(readErr)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(data)
		c, err = tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	} else {
		c, err = net.Dial("tcp", address)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRawHeaderIsTheClientsOwn(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	var got atomic.Pointer[[]Field]
	l := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fields := RawHeader(r)
		got.Store(&fields)
	})})
	other := open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Handler: l.endpoint.Handler})
	handshake := "GET /dev?a=1 HTTP/1.1\r\nhOsT: localhost\r\nX-b: 2\r\nSec-WebSocket-Key:  abc \r\nx-A: 1\r\nX-b: 3\r\nfolded: one\r\n two\r\n\r\n"
	want := []Field{{"hOsT", "localhost"}, {"X-b", "2"}, {"Sec-WebSocket-Key", "abc"}, {"x-A", "1"}, {"X-b", "3"}, {"folded", "one two"}}
	post := "POST /dev/@connections/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nGET "
	long := "GET / HTTP/1.1\r\nHost: localhost\r\nX-long: " + strings.Repeat("x", maxHead) + "\r\n\r\n"
	for _, secure := range []bool{false, true} {
		for _, c := range []struct {
			name     string
			listener *Listener
			requests []string // one after the other on one connection
			want     []Field  // of the last
		}{
			{"one request", l, []string{handshake}, want},
			{"after a push", l, []string{post, handshake}, want},
			{"after another", l, []string{"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", handshake}, want},
			{"a push", l, []string{handshake, post}, nil},
			{"a long one", l, []string{long}, nil},
			{"after a long one", l, []string{long, handshake}, want},
			{"another endpoint", other, []string{handshake}, nil},
		} {
			t.Run(fmt.Sprintf("%s, TLS %v", c.name, secure), func(t *testing.T) {
				conn := rawDial(t, f, c.listener, secure)
				r := bufio.NewReader(conn)
				for i, request := range c.requests {
					parts := []string{request}
					if i == len(c.requests)-1 { // in pieces, cut inside the end of the header
						parts = []string{request[:1], request[1:30], request[30 : len(request)-2], request[len(request)-2:]}
					}
					for _, p := range parts {
						if _, err := io.WriteString(conn, p); err != nil {
							t.Fatal(err)
						}
					}
					res, err := http.ReadResponse(r, nil)
					if err != nil || res.StatusCode != http.StatusOK {
						t.Fatal(res, err)
					}
					_ = res.Body.Close()
				}
				if diff := cmp.Diff(c.want, *got.Load()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestPipelinedRequestsAreNotTakenForOneAnother(t *testing.T) {
	f := newFront(t, Config{})
	seen := make(chan []Field, 2)
	l := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- RawHeader(r)
	})})
	conn := rawDial(t, f, l, false)
	_, _ = io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: one\r\n\r\nGET /b HTTP/1.1\r\nHost: two\r\n\r\n")
	if got := <-seen; len(got) != 1 || got[0].Value != "one" {
		t.Errorf("the first: %v", got)
	}
	if got := <-seen; got != nil {
		t.Errorf("the second: %v", got)
	}
}

func TestNothingOfAHandshakeIsKept(t *testing.T) {
	f := newFront(t, Config{})
	taken := make(chan *conn, 1)
	l := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(RawHeader(r)) != 1 {
			t.Error("no header")
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		if RawHeader(r) != nil {
			t.Error("the header is still held")
		}
		taken <- c.(*conn)
	})})
	conn := rawDial(t, f, l, false)
	_, _ = io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: one\r\n\r\n")
	c := <-taken
	if c.head.raw != nil {
		t.Error("the header is still held")
	}
	_ = c.Close()
}
