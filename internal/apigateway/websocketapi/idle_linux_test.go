package websocketapi

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/cluster"
)

// Sockets that are only open hold no goroutine; they are pushed to, asked and
// closed as others are, and an API that stops ends all of them in order.
func TestIdleSocketsHoldNoGoroutine(t *testing.T) {
	f := newFixture(t, map[string]function{"ping2": returns(ok), "$disconnect": returns(ok)})
	const sockets = 100
	clients := []*client{f.open()}
	before := runtime.NumGoroutine()
	for len(clients) < sockets {
		clients = append(clients, f.open())
	}
	idle := func() bool { return runtime.NumGoroutine() < before+sockets/2 }
	eventually(t, "idle sockets without goroutines", idle)
	for _, c := range f.api.connections() {
		address := cluster.Address{API: f.config.ID, Connection: c.id}
		if err := f.config.Connections.Deliver(t.Context(), address, []byte("push")); err != nil {
			t.Fatal(err)
		}
		if info, err := f.config.Connections.Info(t.Context(), address); err != nil || info.LastActiveAt.Before(info.ConnectedAt) {
			t.Errorf("%+v, %v", info, err)
		}
	}
	for _, c := range clients {
		c.want("push")
	}
	if !idle() {
		t.Error("pushes woke the sockets")
	}
	for _, c := range clients {
		c.send(`{"action":"nothing"}`)
	}
	for _, c := range clients {
		if got := c.receive(); !strings.Contains(got, forbidden) {
			t.Errorf("received %q", got)
		}
	}
	eventually(t, "no goroutine after the last message", idle)
	var reading sync.WaitGroup
	for i, c := range clients {
		reading.Go(func() {
			if frame, err := ws.ReadFrame(c.r); err != nil || frame.Header.OpCode != ws.OpClose {
				t.Errorf("client %d: %v %v", i, frame.Header.OpCode, err)
			}
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, ""))))
		})
	}
	if err := f.api.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	ended := map[string]bool{}
	for _, call := range f.calls(sockets) {
		e := decode(t, call.Payload).RequestContext
		ended[e.ConnectionID] = true
		if got := fmt.Sprint(e.RouteKey, e.DisconnectStatusCode, e.DisconnectReason); got != "$disconnect1001Going away" {
			t.Errorf("%s", got)
		}
	}
	if len(ended) != sockets {
		t.Errorf("%d sockets ended, want %d", len(ended), sockets)
	}
}
