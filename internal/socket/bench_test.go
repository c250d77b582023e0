package socket

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// tcpPair is a client and a served connection over loopback TCP.
func tcpPair(b *testing.B, h Handler) (client net.Conn, c *Conn) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	c = newConn(server, limits())
	c.out.queue = []message{{shared: []byte(answerText)}}
	c.out.bytes = len(answerText)
	var wg sync.WaitGroup
	wg.Go(func() { c.Serve(h) })
	b.Cleanup(func() {
		_ = client.Close()
		wg.Wait()
	})
	if _, err := io.ReadFull(client, make([]byte, len(answerText))); err != nil {
		b.Fatal(err)
	}
	return client, c
}

// What does one message there and back cost, client included?
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 4096, 32768} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, _ := tcpPair(b, &echo{})
			send := text(strings.Repeat("x", size))
			back := make([]byte, size+len(appendHeader(nil, ws.OpText, size)))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := client.Write(send); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(client, back); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What does a push cost?
func BenchmarkSend(b *testing.B) {
	client, c := tcpPair(b, &echo{})
	go func() { _, _ = io.Copy(io.Discard, client) }()
	payload := []byte(strings.Repeat("x", 64))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(payload); err != nil {
			b.Fatal(err)
		}
	}
}
