package socket

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestClientTalksToServer(t *testing.T) {
	h := &echo{}
	var serving sync.WaitGroup
	var seen http.Header
	var server *Conn
	ready := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		if r.URL.Path == "/no" {
			http.Error(w, "go away", http.StatusForbidden)
			return
		}
		c, err := upgrade(w, r, http.Header{"Sec-WebSocket-Protocol": {"chat"}}, limits())
		if err != nil {
			t.Error(err)
			return
		}
		server = c
		close(ready)
		serving.Go(func() { c.Serve(h) })
	}))
	defer s.Close()
	defer serving.Wait()
	connect := func(path string) (*Client, error) {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return Dial(t.Context(), conn, Target{Host: "localhost", Path: path, Header: []Field{{"x-token", "a"}}, Subprotocols: []string{"mqtt", "chat"}})
	}
	_, err := connect("/no")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != "403 Forbidden" || string(refused.Body) != "go away\n" {
		t.Errorf("refused with %v", err)
	}
	c, err := connect("/dev?a=b")
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	if seen.Get("X-Token") != "a" || seen.Get("Sec-Websocket-Protocol") != "mqtt, chat" || c.Header.Get("Sec-Websocket-Protocol") != "chat" {
		t.Errorf("sent %v, got %v", seen, c.Header)
	}
	long := strings.Repeat("grüezi ", 3000)
	for _, text := range []string{"hello", "", long} {
		if err := c.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if in, err := c.Receive(); err != nil || string(in.Data) != text || in.Binary || in.Pong {
			t.Errorf("received %.40q, %v", in.Data, err)
		}
	}
	_ = c.Ping([]byte("p"))
	if in, err := c.Receive(); err != nil || !in.Pong || string(in.Data) != "p" {
		t.Errorf("received %+v, %v", in, err)
	}
	server.Close(1001, "Going away")
	_, err = c.Receive()
	var end *CloseCode
	if !errors.As(err, &end) || *end != (CloseCode{1001, "Going away"}) {
		t.Errorf("ended with %v", err)
	}
	if err := c.Send(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestClientAndFramesThatServersSend(t *testing.T) {
	frames := func(fs ...ws.Frame) []byte {
		var b []byte
		for _, f := range fs {
			p, _ := ws.CompileFrame(f)
			b = append(b, p...)
		}
		return b
	}
	rows := []struct {
		name string
		sent []byte
		want string // of the first Receive
	}{
		{"fragments with a ping between", frames(ws.NewFrame(ws.OpText, false, []byte("a")), ws.NewPingFrame(nil), ws.NewFrame(ws.OpContinuation, true, []byte("b"))), "ab"},
		{"a close without a code", frames(ws.NewCloseFrame(nil)), "websocket closed: 1005 "},
		{"a close with one byte", frames(ws.NewCloseFrame([]byte("x"))), "websocket closed: 1002 Protocol error"},
		{"a masked frame", frames(ws.MaskFrame(ws.NewTextFrame([]byte("x")))), "the server broke the protocol with a frame of 1 bytes"},
		{"the end", nil, "EOF"},
		{"half a frame", []byte{0x81, 5, 'x'}, "unexpected EOF"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			server, client := kernelPair(t, false)
			go func() {
				r := make([]byte, 4096)
				n, _ := server.Read(r)
				_, key, _ := strings.Cut(string(r[:n]), "Sec-WebSocket-Key: ")
				key, _, _ = strings.Cut(key, "\r\n")
				_, _ = server.Write(append(appendAnswer(nil, key, nil), row.sent...))
				_ = server.(*net.TCPConn).CloseWrite()
			}()
			c, err := Dial(t.Context(), client, Target{Host: "x", Path: "/"})
			if err != nil {
				t.Fatal(err)
			}
			in, err := c.Receive()
			got := string(in.Data)
			if err != nil {
				got = err.Error()
			}
			if got != row.want {
				t.Errorf("received %q, want %q", got, row.want)
			}
			c.Abort()
			_ = server.Close()
		})
	}
}

func TestDialIsBoundByItsContext(t *testing.T) {
	server, client := kernelPair(t, false)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, client, Target{Host: "x", Path: "/"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	_, other := kernelPair(t, false)
	if _, err := Dial(t.Context(), other, Target{Host: "x", Path: "/", Header: []Field{{"a", "b\r\nc: d"}}}); err == nil {
		t.Error("a line break in a header was sent")
	}
}
