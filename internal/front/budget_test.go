//go:build !race

package front

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// wire is a connection that yields one request over and over.
type wire struct {
	net.Conn
	request string
	left    int
}

func (w *wire) Read(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, net.ErrClosed
	}
	return copy(p, w.request), nil
}

func (*wire) Write(p []byte) (int, error)       { return len(p), nil }
func (*wire) SetReadDeadline(t time.Time) error { return nil }
func (*wire) RemoteAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// What a push may allocate before and after its handler: a copy of the header
// and its URL. Raise the number only with a reason.
func TestAllocationBudget(t *testing.T) {
	l := &Listener{front: &Front{}, fresh: map[*conn]struct{}{}, endpoint: Endpoint{Direct: pushes,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })}}
	w := &wire{request: "POST /dev/push/a%3D HTTP/1.1\r\nHost: localhost:3001\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 2\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=a\r\nX-Amz-Date: 20261130T000000Z\r\nAccept-Encoding: gzip\r\n\r\nab"}
	c := &conn{Conn: w, owner: l}
	p := make([]byte, 4096)
	const each = 100
	n := testing.AllocsPerRun(20, func() {
		w.left = each
		if _, err := c.Read(p); err == nil {
			t.Fatal("the request was net/http's")
		}
	}) / each
	if most := 3.0; n > most {
		t.Errorf("a request: %v allocations, %v are allowed", n, most)
	}
}
