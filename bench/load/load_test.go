package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A response is whole with its last byte, not before, and what is no answer is
// an error: else a server that fails is a fast one.
func TestComplete(t *testing.T) {
	const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for _, whole := range []string{sized, chunked, "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"} {
		for n := range len(whole) {
			if done, err := complete([]byte(whole[:n])); done || err != nil {
				t.Errorf("%q: %v, %v", whole[:n], done, err)
			}
		}
		if done, err := complete([]byte(whole)); !done || err != nil {
			t.Errorf("%q: %v, %v", whole, done, err)
		}
	}
	for _, bad := range []string{
		"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: 2\r\n\r\n{}",
	} {
		if _, err := complete([]byte(bad)); err == nil {
			t.Errorf("taken for an answer: %q", bad)
		}
	}
}

func TestQuantile(t *testing.T) {
	l := latencies{3000, 1000, 2000, 4000}
	if r := l.result(2e9); r.P50 != 3 || r.P99 != 4 || r.Count != 4 || r.Seconds != 2 {
		t.Errorf("%+v", r)
	}
	if latencies(nil).quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

// A server may speak first, in the same packet as its handshake; every socket
// sends a text of its own.
func TestTell(t *testing.T) {
	heard := make(chan string, 2)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\nINFO"))
		b := make([]byte, 100)
		n, _ := conn.Read(b)
		for i := range b[6:n] {
			b[6+i] ^= b[2+i&3]
		}
		heard <- string(b[6:n])
		_, _ = conn.Write([]byte("+OK PO"))
		_, _ = conn.Write([]byte("NG\r\n"))
	}))
	defer s.Close()
	var k sockets
	if _, err := k.dial(&Command{Address: strings.TrimPrefix(s.URL, "http://"), Path: "/", Count: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.tell("SUB {i}", "PONG\r\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SUB 00000", "SUB 00001"} {
		if got := <-heard; got != want {
			t.Errorf("the server heard %q, not %q", got, want)
		}
	}
}
