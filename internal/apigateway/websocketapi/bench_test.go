package websocketapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/invoke"
)

// benchmark serves an API with a MOCK route "ping", a Lambda route "fn", and
// one client.
func benchmark(b testing.TB) (api *API, client net.Conn, r *bufio.Reader, server *httptest.Server) {
	b.Helper()
	chosen, err := selection.Parse("$request.body.action")
	if err != nil {
		b.Fatal(err)
	}
	api = New(Config{ID: "a1b2c3d4e5", Connections: cluster.NewLocal(), Invoker: &nothing{}})
	server = httptest.NewServer(api)
	api.Update(&Definition{
		Authority: server.Listener.Addr().String(),
		Stages:    map[string]*Stage{"dev": {Name: "dev"}},
		Deployment: Deployment{Selection: chosen, Routes: map[string]*Route{
			"ping": {Key: "ping", Replies: true, Integration: mock("", "pong")},
			"fn":   {Key: "fn", Replies: true, Integration: &Integration{Type: Lambda, Function: "fn"}},
		}},
	})
	client, err = net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = client.Close()
		_ = api.Close(context.Background())
		server.Close()
	})
	_, _ = io.WriteString(client, "GET /dev HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r = bufio.NewReader(client)
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 101 {
		b.Fatal(res, err)
	}
	return api, client, r, server
}

// nothing is a function that answers at once.
type nothing struct{}

func (*nothing) Invoke(context.Context, *invoke.Request) (*invoke.Result, error) {
	return &invoke.Result{
		Body: io.NopCloser(strings.NewReader(`{"statusCode":200,"body":"pong"}`)),
		End:  func() invoke.End { return invoke.End{} },
	}, nil
}

func (n *nothing) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	answered(n.Invoke(ctx, req))
}

// What does a message cost that is answered without a function, and one whose
// function takes no time? Client included.
func BenchmarkMessage(b *testing.B) {
	for _, route := range []string{"ping", "fn"} {
		for _, size := range []int{64, 4096} {
			b.Run(fmt.Sprintf("%s/%d", route, size), func(b *testing.B) {
				_, client, r, _ := benchmark(b)
				text := `{"action":"` + route + `","data":"`
				text += strings.Repeat("x", size-len(text)-2) + `"}`
				frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text))))
				answer := make([]byte, 2+len("pong"))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := client.Write(frame); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(r, answer); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What does a push over HTTP cost? The client of both is included; "handler"
// leaves net/http's part out.
func BenchmarkPostConnection(b *testing.B) {
	b.Run("http", func(b *testing.B) {
		api, client, _, server := benchmark(b)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		request := "POST /dev/@connections/" + api.connections()[0].id + " HTTP/1.1\r\nHost: x\r\nContent-Length: 64\r\n\r\n" + strings.Repeat("x", 64)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = io.WriteString(conn, request)
			for line := ""; line != "\r\n"; {
				if line, err = r.ReadString('\n'); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("handler", func(b *testing.B) {
		api, client, _, _ := benchmark(b)
		go func() { _, _ = io.Copy(io.Discard, client) }()
		body := strings.NewReader("")
		r := httptest.NewRequest("POST", "/dev/@connections/"+api.connections()[0].id, body)
		w := &discard{header: http.Header{}}
		text := strings.Repeat("x", 64)
		b.ReportAllocs()
		for b.Loop() {
			body.Reset(text)
			api.ServeHTTP(w, r)
		}
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	})
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
