package socket

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// Descriptors are used again at once by the next connection. Nobody may get
// what another connection was sent, or be woken for ever, whatever happens to
// connections at the same time.
func TestDescriptorsAreUsedAgain(t *testing.T) {
	lives := 4000
	if testing.Short() {
		lives = 400
	}
	o := lotOf(t, limits())
	o.CloseWait = 100 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var all sync.WaitGroup
	places := make(chan struct{}, 50)
	for i := range lives {
		places <- struct{}{}
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer func() { <-places }()
			live(t, i, newConn(server, o), client.(*net.TCPConn))
		})
	}
	all.Wait()
}

// live is the life of connection i, with pushes and its end at random times.
func live(t *testing.T, i int, c *Conn, client *net.TCPConn) {
	random := rand.New(rand.NewPCG(7, uint64(i)))
	h := &echo{}
	c.out.queue, c.out.bytes = []message{{shared: []byte(answerText)}}, len(answerText)
	var group sync.WaitGroup
	group.Go(func() { c.Serve(h) })
	got := receive(client)
	name := fmt.Sprintf("of %d", i)
	act := func(do func()) {
		wait := time.Duration(random.IntN(3000)) * time.Microsecond
		if random.IntN(20) == 0 {
			wait += 2 * linger // it was parked again
		}
		group.Go(func() {
			time.Sleep(wait)
			do()
		})
	}
	for range random.IntN(4) {
		act(func() { _ = c.Send([]byte(name)) })
	}
	for range random.IntN(4) {
		act(func() { _, _ = client.Write(text(name)) })
	}
	act([]func(){
		c.Abort,
		func() { c.Close(1000, "") },
		func() { _ = client.Close() },
		func() { _, _ = client.Write(closing(1000, "")) },
		func() { _ = client.SetLinger(0); _ = client.Close() },
		func() { _ = client.CloseWrite() },
	}[random.IntN(6)])
	group.Wait()
	<-got.done
	_ = client.Close()
	for h.end() == "" {
		time.Sleep(time.Millisecond)
	}
	rest := bytes.TrimPrefix(got.got, []byte(answerText))
	for r := bytes.NewReader(rest); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err == nil && f.Header.OpCode == ws.OpText && string(f.Payload) != name {
			t.Errorf("connection %s received %q", name, f.Payload)
		}
		if err != nil || f.Header.OpCode != ws.OpText {
			break
		}
	}
}

// Pushes that never pause meet the end of a parked connection and the next one,
// which gets the same descriptor.
func TestPushesMissTheNextConnection(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	o := lotOf(t, limits())
	for range rounds {
		c, client, _ := serveTCP(t, o, false)
		for !parked(c) {
			time.Sleep(50 * time.Microsecond)
		}
		var pushing sync.WaitGroup
		for range 3 {
			pushing.Go(func() {
				for c.Send([]byte("astray")) == nil {
					continue
				}
			})
		}
		pushing.Go(func() { _, _ = io.Copy(io.Discard, client) })
		c.Abort()
		next, other, _ := serveTCP(t, o, false)
		pushing.Wait()
		_ = next.Send([]byte("own"))
		expect(t, other, "text own")
		next.Abort()
		_, _ = client.Close(), other.Close()
	}
}
