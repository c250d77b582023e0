package socket

import (
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// What does a message cost, client included, that finds its connection idle?
// The difference is that of being woken and parked again.
func BenchmarkMessageToAnIdleConnection(b *testing.B) {
	for name, parks := range map[string]bool{"goroutine": false, "parked": true} {
		b.Run(name, func(b *testing.B) {
			o := limits()
			var lot *Lot
			if parks {
				lot = &Lot{Linger: linger}
			}
			o.IdleTimeout, o.MaxAge, o.Lot = time.Hour, time.Hour, lot
			const connections = 2000
			var serving sync.WaitGroup
			conns, clients := make([]*Conn, connections), make([]io.ReadWriteCloser, connections)
			for i := range conns {
				server, client := kernelPair(b, false)
				conns[i], clients[i] = newConn(server, o), client
				conns[i].out.queue, conns[i].out.bytes = []message{{shared: []byte(answerText)}}, len(answerText)
				serving.Go(func() { conns[i].Serve(&echo{}) })
				_, _ = io.ReadFull(client, make([]byte, len(answerText)))
			}
			send := text(strings.Repeat("x", 64))
			back := make([]byte, 64+len(appendHeader(nil, ws.OpText, 64)))
			cpu := used()
			for b.Loop() {
				for _, client := range clients {
					_, _ = client.Write(send)
				}
				for _, client := range clients {
					_, _ = io.ReadFull(client, back)
				}
				for lot != nil && slices.ContainsFunc(conns, func(c *Conn) bool { return !parked(c) }) {
					time.Sleep(linger / 2)
				}
			}
			b.ReportMetric(float64((used()-cpu).Nanoseconds())/float64(b.N)/connections, "cpu-ns/message")
			for _, client := range clients {
				_ = client.Close()
			}
			serving.Wait()
			if lot != nil {
				lot.Close()
			}
		})
	}
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
