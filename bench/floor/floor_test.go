package floor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Both WebSocket floors answer every message with itself, in one frame, however
// its bytes arrive: else what they cost is not the cost of the same thing.
func TestFloorsEcho(t *testing.T) {
	parking, err := newHybrid()
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.Handler{"hijack": newHub(nil), "hybrid": parking} {
		for _, piece := range []int{1, 5, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d bytes at a time", name, piece), func(t *testing.T) { echoes(t, handler, piece) })
		}
	}
}

// Clients that go while their socket is being parked take no other with them.
func TestHybridChurn(t *testing.T) {
	parking, err := newHybrid()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(parking)
	defer s.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.(*net.TCPConn).SetLinger(0)
				fmt.Fprint(conn, "GET /dev HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
				if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
		})
	}
	all.Wait()
	echoes(t, parking, 1<<20)
}

func echoes(t *testing.T, handler http.Handler, piece int) {
	s := httptest.NewServer(handler)
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /dev HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455, 1.3
		t.Fatalf("%+v %v", answer, err)
	}
	for _, message := range []string{"hello", strings.Repeat("x", 125), strings.Repeat("y", 126), strings.Repeat("z", 4096)} {
		var sent []byte
		for range 2 { // at once
			sent = append(sent, client(message)...)
		}
		for len(sent) > 0 {
			n, err := conn.Write(sent[:min(piece, len(sent))])
			if err != nil {
				t.Fatal(err)
			}
			sent = sent[n:]
		}
		for range 2 {
			got := make([]byte, len(frame([]byte(message))))
			if _, err := io.ReadFull(r, got); err != nil || string(got) != string(frame([]byte(message))) {
				t.Fatalf("%d bytes were answered with %q, %v", len(message), got, err)
			}
		}
	}
}

// client makes a masked frame.
func client(message string) []byte {
	b := frame([]byte(message))
	b[1] |= 0x80
	header := len(b) - len(message)
	key := [4]byte{1, 2, 3, 4}
	out := append(append([]byte{}, b[:header]...), key[:]...)
	for i := range len(message) {
		out = append(out, message[i]^key[i&3])
	}
	return out
}
