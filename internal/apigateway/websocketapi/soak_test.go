package websocketapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/invoke"
)

// ledger is a Starter that keeps account of every connection.
type ledger struct {
	t        *testing.T
	mu       sync.Mutex
	accounts map[string]*account
	messages atomic.Int64
}

type account struct{ accepted, refused, disconnects int }

func (l *ledger) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	answered(l.Invoke(ctx, req))
}

func (l *ledger) Invoke(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
	e := decode(l.t, req.Payload)
	answer := ok
	l.mu.Lock()
	a := l.accounts[e.RequestContext.ConnectionID]
	if a == nil {
		a = new(account)
		l.accounts[e.RequestContext.ConnectionID] = a
	}
	switch e.RequestContext.EventType {
	case "CONNECT":
		if e.Headers["X-Refuse"] != "" {
			a.refused++
			answer = `{"statusCode":403}`
		} else {
			a.accepted++
		}
	case "DISCONNECT":
		a.disconnects++
	default:
		if a.accepted == 0 {
			l.t.Errorf("a message of %s, which never connected", e.RequestContext.ConnectionID)
		}
		if a.disconnects > 0 {
			l.t.Errorf("a message of %s after its $disconnect", e.RequestContext.ConnectionID)
		}
		l.messages.Add(1)
		answer = `{"statusCode":200,"body":"` + e.Body[:min(len(e.Body), 5)] + `"}`
	}
	l.mu.Unlock()
	if req.Accepted != nil {
		req.Accepted()
	}
	return &invoke.Result{Body: io.NopCloser(strings.NewReader(answer)), End: func() invoke.End { return invoke.End{} }}, nil
}

// A seeded crowd of clients that connect, talk and vanish in every way there
// is. Nothing of them may be left, and each one that connected is told of
// exactly once.
func TestNothingIsLeftOfTenThousandSockets(t *testing.T) {
	sockets, wave := 10000, 500
	if testing.Short() {
		sockets, wave = 1000, 250
	}
	seed := uint64(20261121)
	l := &ledger{t: t, accounts: map[string]*account{}}
	f := newFixture(t, map[string]function{"$connect": nil, "$disconnect": nil, "$default2": nil}, func(c *Config, _ *Definition) {
		c.Invoker = l
	})
	first := f.dial("/dev") // the API keeps what waits for idle sockets
	_ = first.conn.Close()
	eventually(t, "the end of the first", func() bool { return f.api.Connections() == 0 })
	descriptors, goroutines := openDescriptors(), runtime.NumGoroutine()
	var group sync.WaitGroup
	places := make(chan struct{}, wave)
	for i := range sockets {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			f.visit(rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
	group.Wait()
	eventually(t, "the end of every connection", func() bool { return f.api.Connections() == 0 })
	f.server.CloseClientConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	connected := 0
	for id, a := range l.accounts {
		connected += a.accepted
		if a.accepted+a.refused != 1 || a.disconnects != a.accepted {
			t.Errorf("%s: %+v", id, *a)
		}
		if err := f.config.Connections.Deliver(t.Context(), cluster.Address{API: f.config.ID, Connection: id}, nil); err == nil {
			t.Errorf("%s can still be reached", id)
		}
	}
	if connected < sockets/2 || l.messages.Load() < int64(sockets/2) {
		t.Errorf("only %d connected and sent %d messages: the test tests nothing", connected, l.messages.Load())
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "no descriptor is left", func() bool { return openDescriptors() <= descriptors })
	t.Logf("seed %d: %d of %d connected, %d messages", seed, connected, len(l.accounts), l.messages.Load())
}

// openDescriptors counts them where the system says so.
func openDescriptors() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

// visit is the life of one client. Whatever goes wrong is part of it.
func (f *fixture) visit(random *rand.Rand) {
	conn, err := net.Dial("tcp", f.server.Listener.Addr().String())
	if err != nil {
		f.t.Errorf("dialing: %v", err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute)) // a hang; not how fast a busy machine is
	handshake := "GET /dev HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if random.IntN(10) == 0 {
		handshake += "x-refuse: 1\r\n"
	}
	handshake += "\r\n"
	switch random.IntN(20) {
	case 0: // gone within the handshake
		_, _ = io.WriteString(conn, handshake[:random.IntN(len(handshake))])
		return
	case 1: // gone without reading the answer
		_, _ = io.WriteString(conn, handshake)
		return
	}
	_, _ = io.WriteString(conn, handshake)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		f.t.Errorf("the answer to a handshake: %v", err)
		return
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	for range random.IntN(6) {
		f.act(random, conn, r)
	}
	f.leave(random, conn, r)
}

// act sends something, and mostly waits for the answer.
func (f *fixture) act(random *rand.Rand, conn net.Conn, r *bufio.Reader) {
	text := strings.Repeat("x", random.IntN(200))
	if random.IntN(50) == 0 {
		text = strings.Repeat("x", maxFrame)
	}
	frames := []ws.Frame{ws.NewTextFrame([]byte(text))}
	switch random.IntN(4) {
	case 0:
		frames = []ws.Frame{ws.NewPingFrame([]byte("p"))}
	case 1:
		frames = []ws.Frame{ws.NewFrame(ws.OpText, false, []byte("ab")), ws.NewPingFrame(nil), ws.NewFrame(ws.OpContinuation, true, []byte(text))}
	}
	for _, frame := range frames {
		_ = ws.WriteFrame(conn, ws.MaskFrame(frame))
	}
	if random.IntN(3) > 0 && len(text) > 0 {
		_, _ = ws.ReadFrame(r)
	}
}

// leave ends a connection in one of the ways in which clients do.
func (f *fixture) leave(random *rand.Rand, conn net.Conn, r *bufio.Reader) {
	tcp := conn.(*net.TCPConn)
	end := func(frame ws.Frame) {
		_ = ws.WriteFrame(conn, ws.MaskFrame(frame))
		_, _ = io.Copy(io.Discard, r) // until the server has closed
	}
	switch random.IntN(9) {
	case 0:
		end(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "bye")))
	case 1:
		end(ws.NewCloseFrame(nil))
	case 2: // a reset
		_ = tcp.SetLinger(0)
	case 3: // half a frame, then the end
		_, _ = conn.Write([]byte{0x81, 0x85, 1, 2})
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, r)
	case 4:
		_ = ws.WriteFrame(conn, ws.MaskFrame(ws.NewBinaryFrame([]byte("x"))))
		end(ws.NewCloseFrame(ws.NewCloseFrameBody(1003, "")))
	case 5: // against the protocol: not masked
		_ = ws.WriteFrame(conn, ws.NewTextFrame([]byte("x")))
		_, _ = io.Copy(io.Discard, r)
	case 6: // a close frame and gone
		_ = ws.WriteFrame(conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(3000+random.IntN(2000)), fmt.Sprint(random.Int())))))
	case 7: // too large
		_ = ws.WriteHeader(conn, ws.Header{Fin: true, OpCode: ws.OpText, Masked: true, Length: maxFrame + 1})
		end(ws.NewCloseFrame(nil))
	}
}
