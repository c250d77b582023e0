package socket

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// linger is shorter than what others have, so that tests end.
const linger = 100 * time.Millisecond

// lotOf gives the options of a test a Lot, which ends with the test.
func lotOf(t *testing.T, o *Options) *Options {
	o.Lot = &Lot{Linger: linger}
	t.Cleanup(o.Lot.Close)
	return o
}

func parked(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.awake == nil
}

// serveParked is a connection with a client that has read the handshake's
// answer, parked.
func serveParked(t *testing.T, o *Options) (*Conn, *net.TCPConn, *echo) {
	t.Helper()
	c, client, h := serveTCP(t, lotOf(t, o), false)
	eventually(t, "the connection is parked", func() bool { return parked(c) })
	return c, client.(*net.TCPConn), h
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	f, err := ws.ReadFrame(r)
	if got := describe(f.Header.OpCode, f.Payload); err != nil || got != want {
		t.Fatalf("received %q, %v, want %q", got, err, want)
	}
}

func TestAParkedConnectionGetsPushesAsItIs(t *testing.T) {
	c, client, _ := serveParked(t, limits())
	for i := range 10 {
		if err := c.Send(fmt.Appendf(nil, "push %d", i)); err != nil {
			t.Fatal(err)
		}
		if !parked(c) {
			t.Fatal("a push took it out of the lot")
		}
		expect(t, client, fmt.Sprintf("text push %d", i))
	}
}

func TestAParkedConnectionIsReadAndParkedAgain(t *testing.T) {
	c, client, _ := serveParked(t, limits())
	for range 3 {
		for _, size := range []int{0, 5, 125, 126, 30000} {
			body := strings.Repeat("x", size)
			if _, err := client.Write(text(body)); err != nil {
				t.Fatal(err)
			}
			expect(t, client, describe(ws.OpText, []byte(body)))
		}
		_, _ = client.Write(ping("p"))
		expect(t, client, "pong p")
		eventually(t, "it is parked again", func() bool { return parked(c) })
	}
}

// What is half there is waited for by the goroutine.
func TestAConnectionWithinAMessageIsNotParked(t *testing.T) {
	c, client, _ := serveParked(t, limits())
	large := strings.Repeat("x", 500)
	for _, row := range []struct {
		half, rest []byte
		whole      string
	}{
		{text("hello")[:1], text("hello")[1:], "text hello"},
		{text("hello")[:8], text("hello")[8:], "text hello"},
		{text(large)[:300], text(large)[300:], "text 500 bytes"},
		{frame(more, ws.OpText, "he"), frame(fin, ws.OpContinuation, "llo"), "text hello"},
	} {
		_, _ = client.Write(row.half)
		eventually(t, "it reads", func() bool { return !parked(c) })
		time.Sleep(3 * linger)
		if parked(c) {
			t.Fatalf("parked after %d bytes", len(row.half))
		}
		_, _ = client.Write(row.rest)
		expect(t, client, row.whole)
		eventually(t, "it is parked again", func() bool { return parked(c) })
	}
}

func TestAParkedConnectionEndsAsOthersDo(t *testing.T) {
	rows := []struct {
		name     string
		act      func(c *Conn, client *net.TCPConn)
		received string
		ended    string
	}{
		{"the client's close frame", func(_ *Conn, client *net.TCPConn) { _, _ = client.Write(closing(4001, "bye")) }, "close 4001 bye", "4001 bye"},
		{"its close frame without a code", func(_ *Conn, client *net.TCPConn) { _, _ = client.Write(frame(fin, ws.OpClose, "")) }, "close", "1005"},
		{"its close frame and end", func(_ *Conn, client *net.TCPConn) {
			_, _ = client.Write(closing(1000, ""))
			_ = client.CloseWrite()
		}, "close 1000", "1000"},
		{"half its connection", func(_ *Conn, client *net.TCPConn) { _ = client.CloseWrite() }, "", "1006"},
		{"a message and half its connection", func(_ *Conn, client *net.TCPConn) {
			_, _ = client.Write(text("last"))
			_ = client.CloseWrite()
		}, "text last", "1006"},
		{"half a frame and the end", func(_ *Conn, client *net.TCPConn) {
			_, _ = client.Write(text("last")[:4])
			_ = client.CloseWrite()
		}, "", "1006"},
		{"a reset", func(_ *Conn, client *net.TCPConn) {
			_ = client.SetLinger(0)
			_ = client.Close()
		}, "", "1006"},
		{"against the protocol", func(_ *Conn, client *net.TCPConn) { _, _ = client.Write([]byte{0x81, 1, 'x'}) }, violated, "1002 Protocol error"},
		{"the server's close", func(c *Conn, client *net.TCPConn) {
			c.Close(1001, "Going away")
			_, _ = client.Write(closing(1001, ""))
		}, "close 1001 Going away", "1001 Going away"},
		{"the server's close, unanswered", func(c *Conn, _ *net.TCPConn) { c.Close(1001, "Going away") }, "close 1001 Going away", "1001 Going away"},
		{"a push, the server's close, a message", func(c *Conn, client *net.TCPConn) {
			_ = c.Send([]byte("push"))
			c.Close(1000, "")
			_, _ = client.Write(join(text("dropped"), closing(1000, "")))
		}, "text push; close 1000", "1000"},
		{"an abort", func(c *Conn, _ *net.TCPConn) { c.Abort() }, "", "1006"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := limits()
			o.CloseWait = 500 * time.Millisecond
			c, client, h := serveParked(t, o)
			got := receive(client)
			row.act(c, client)
			<-got.done
			eventually(t, "the end", func() bool { return h.end() != "" })
			if f := got.frames(t); f != row.received || h.end() != row.ended {
				t.Errorf("received %q, ended with %q; want %q, %q", f, h.end(), row.received, row.ended)
			}
			if err := c.Send([]byte("late")); !errors.Is(err, ErrClosed) {
				t.Errorf("Send after the end: %v", err)
			}
		})
	}
}

// The cases of TestConformance, met by a connection that was parked.
func TestConformanceOfParkedConnections(t *testing.T) {
	ways := map[string]int{"at once": 1 << 20, "by 7": 7}
	o := lotOf(t, limits())
	o.CloseWait = 300 * time.Millisecond
	var all sync.WaitGroup
	defer all.Wait()
	for _, row := range conformance {
		for how, step := range ways {
			if step < len(row.send)/1000 {
				continue // 18,000 writes say nothing more
			}
			c, client, h := serveTCP(t, o, false)
			all.Go(func() {
				for !parked(c) {
					time.Sleep(time.Millisecond)
				}
				got := receive(client)
				for send := range slices.Chunk(row.send, step) {
					if _, err := client.Write(send); err != nil {
						break // the server has ended, as it may
					}
				}
				if row.end == "1006" {
					_ = client.(*net.TCPConn).CloseWrite()
				}
				<-got.done
				for h.end() == "" {
					time.Sleep(time.Millisecond)
				}
				if frames := got.frames(t); frames != row.want || h.end() != row.end {
					t.Errorf("%s, %s: the server sent %q and ended with %q, want %q, %q", row.name, how, frames, h.end(), row.want, row.end)
				}
			})
		}
	}
}

func TestTimersOfParkedConnections(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		o := limits()
		o.IdleTimeout, o.CloseWait = 4*linger, 2*linger
		_, client, h := serveParked(t, o)
		expect(t, client, "close 1001 Going away")
		_, _ = client.Write(closing(1001, ""))
		eventually(t, "the end", func() bool { return h.end() == "1001 Going away" })
	})
	t.Run("a push counts", func(t *testing.T) {
		o := limits()
		o.IdleTimeout, o.CloseWait = time.Second, linger
		c, client, h := serveParked(t, o)
		var last time.Time
		for range 8 { // longer than the time-out in all
			time.Sleep(200 * time.Millisecond)
			last = time.Now()
			if err := c.Send([]byte("x")); err != nil {
				t.Skip("the machine is too busy to send in time")
			}
			expect(t, client, "text x")
		}
		expect(t, client, "close 1001 Going away")
		if idle := time.Since(last); idle < o.IdleTimeout {
			t.Errorf("closed %v after a push", idle)
		}
		_, _ = client.Write(closing(1001, ""))
		eventually(t, "the end", func() bool { return h.end() == "1001 Going away" })
	})
	t.Run("age", func(t *testing.T) {
		o := limits()
		o.MaxAge, o.IdleTimeout, o.CloseWait = 5*linger, time.Hour, 2*linger
		_, client, h := serveParked(t, o)
		expect(t, client, "close 1001 Going away")
		_ = client.Close()
		eventually(t, "the end", func() bool { return h.end() == "1001 Going away" })
	})
}

// The earliest alarm rings first, whatever comes and goes.
func TestAlarmsRingInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const descriptors = 200
	places := make([]place, descriptors)
	for i := range places {
		places[i].alarm = -1
	}
	var a alarms
	model := map[int32]int64{}
	for range 20000 {
		fd, at := int32(random.IntN(descriptors)), random.Int64N(1000)*int64(time.Millisecond)
		switch _, known := model[fd]; {
		case !known:
			a.add(places, newAlarm(at, fd))
			model[fd] = at
		case random.IntN(2) == 0:
			a.remove(places, int(places[fd].alarm))
			delete(model, fd)
		default:
			first := a[0]
			model[first.fd()] = first.at() + at
			a.postpone(places, first.at()+at)
		}
		if len(a) != len(model) {
			t.Fatalf("%d alarms, want %d", len(a), len(model))
		}
		least := int64(1 << 62)
		for fd, at := range model {
			least = min(least, at)
			if i := places[fd].alarm; a[i] != newAlarm(at, fd) {
				t.Fatalf("descriptor %d has the alarm %v, want %d", fd, a[i], at)
			}
		}
		if len(a) > 0 && a[0].at() != least {
			t.Fatalf("the first is at %d, want %d", a[0].at(), least)
		}
	}
}

// A push that the kernel has no room for makes an ordinary connection of a
// parked one; nothing is lost or out of order.
func TestPushesToAParkedClientThatReadsSlowly(t *testing.T) {
	o := limits()
	o.QueueBytes = 64 << 20
	c, client, _ := serveParked(t, o)
	const messages = 3000
	for i := range messages {
		body := append(binary.BigEndian.AppendUint32(nil, uint32(i)), strings.Repeat("x", i%9000)...)
		if err := c.Send(body); err != nil {
			t.Fatal(err)
		}
	}
	if parked(c) {
		t.Fatal("12 MB fit a socket's buffer: the test tests nothing")
	}
	r := bufio.NewReader(client)
	for i := range messages {
		f, err := ws.ReadFrame(r)
		if err != nil || len(f.Payload) != 4+i%9000 || binary.BigEndian.Uint32(f.Payload) != uint32(i) {
			t.Fatalf("message %d came as %d bytes, %v", i, len(f.Payload), err)
		}
	}
	if _, err := client.Write(text("and now")); err != nil {
		t.Fatal(err)
	}
	expect(t, r, "text and now")
	eventually(t, "it is parked again", func() bool { return parked(c) })
}

// Without free descriptors a connection keeps its goroutine, and works.
func TestWithoutDescriptorsNothingIsParked(t *testing.T) {
	o := lotOf(t, limits())
	server, client := kernelPair(t, false)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	none := old
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	c, h := newConn(server, o), &echo{}
	c.out.queue, c.out.bytes = []message{{shared: []byte(answerText)}}, len(answerText)
	var serving sync.WaitGroup
	serving.Go(func() { c.Serve(h) })
	_, err := io.ReadFull(client, make([]byte, len(answerText)))
	for range 3 {
		_, _ = client.Write(text("x"))
		f, failed := ws.ReadFrame(client)
		err = cmp.Or(err, failed)
		if string(f.Payload) != "x" || parked(c) {
			t.Errorf("received %q, parked: %v", f.Payload, parked(c))
		}
		time.Sleep(2 * linger)
	}
	if err := errors.Join(err, unix.Setrlimit(unix.RLIMIT_NOFILE, &old)); err != nil {
		t.Error(err)
	}
	eventually(t, "it is parked when there are some", func() bool { return parked(c) })
	_ = client.Close()
	serving.Wait()
	eventually(t, "the end", func() bool { return h.end() == "1006" })
}

// A Lot that ends gives every connection its goroutine back.
func TestTheLotEndsBeforeItsConnections(t *testing.T) {
	o := limits()
	c, client, h := serveParked(t, o)
	var closing sync.WaitGroup
	closing.Go(o.Lot.Close)
	eventually(t, "it is not parked", func() bool { return !parked(c) })
	_, _ = client.Write(text("still here"))
	expect(t, client, "text still here")
	time.Sleep(3 * linger)
	if parked(c) || h.end() != "" {
		t.Errorf("parked: %v, ended with %q", parked(c), h.end())
	}
	_ = client.Close()
	closing.Wait()
	if h.end() != "1006" {
		t.Errorf("ended with %q", h.end())
	}
}

// The same seeded clients meet a server with a Lot and one without, and cannot
// tell which is which. All of them talk at once, and then none, so that
// thousands of parked connections become readable together.
func TestClientsCannotTellParkedConnections(t *testing.T) {
	clients := 5000
	if testing.Short() {
		clients = 500
	}
	with := transcripts(t, lotOf(t, limits()), clients)
	without := transcripts(t, limits(), clients)
	for i := range with {
		if with[i] != without[i] {
			t.Fatalf("client %d: %q with a lot, %q without", i, with[i], without[i])
		}
	}
}

func transcripts(t *testing.T, o *Options, clients int) []string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conns, ends, handlers := make([]*Conn, clients), make([]*net.TCPConn, clients), make([]*echo, clients)
	randoms, all := make([]*rand.Rand, clients), make([]string, clients)
	var serving sync.WaitGroup
	for i := range clients {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		ends[i], conns[i], handlers[i] = client.(*net.TCPConn), newConn(server, o), &echo{}
		randoms[i] = rand.New(rand.NewPCG(11, uint64(i)))
		conns[i].out.queue, conns[i].out.bytes = []message{{shared: []byte(answerText)}}, len(answerText)
		serving.Go(func() { conns[i].Serve(handlers[i]) })
		if _, err := io.ReadFull(client, make([]byte, len(answerText))); err != nil {
			t.Fatal(err)
		}
	}
	each := func(do func(i int) string) {
		var group sync.WaitGroup
		for part := range 50 {
			group.Go(func() {
				for i := part; i < clients; i += 50 {
					all[i] += do(i) + "\n"
				}
			})
		}
		group.Wait()
	}
	for range 3 {
		if o.Lot != nil {
			eventually(t, "all are parked", func() bool { return !slices.ContainsFunc(conns, func(c *Conn) bool { return !parked(c) }) })
		}
		each(func(i int) string { return talk(randoms[i], conns[i], ends[i]) })
	}
	each(func(i int) string { return part(randoms[i], conns[i], ends[i]) })
	serving.Wait()
	for i := range all {
		eventually(t, "the end", func() bool { return handlers[i].end() != "" })
		all[i] += handlers[i].end()
		_ = ends[i].Close()
	}
	return all
}

// talk sends something and reads all that comes of it.
func talk(random *rand.Rand, c *Conn, client *net.TCPConn) string {
	var send []byte
	answers := random.IntN(4)
	for range answers {
		body := strings.Repeat("x", random.IntN(200))
		switch random.IntN(5) {
		case 0:
			send = append(send, ping("p")...)
		case 1:
			send = append(send, join(frame(more, ws.OpText, body), frame(fin, ws.OpContinuation, body))...)
		case 2:
			send = append(send, text(strings.Repeat("y", random.IntN(20000)))...)
		default:
			send = append(send, text(body)...)
		}
	}
	if cut := random.IntN(len(send) + 1); random.IntN(2) == 0 {
		_, _ = client.Write(send[:cut])
		send = send[cut:]
	}
	_, _ = client.Write(send)
	var heard []string
	for range answers {
		f, err := ws.ReadFrame(client)
		heard = append(heard, fmt.Sprint(describe(f.Header.OpCode, f.Payload), err))
	}
	if random.IntN(3) == 0 {
		_ = c.Send([]byte("push"))
		f, err := ws.ReadFrame(client)
		heard = append(heard, fmt.Sprint(describe(f.Header.OpCode, f.Payload), err))
	}
	return strings.Join(heard, "; ")
}

// part ends a connection.
func part(random *rand.Rand, c *Conn, client *net.TCPConn) string {
	switch random.IntN(5) {
	case 0:
		_, _ = client.Write(closing(3000+random.IntN(1000), "bye"))
	case 1:
		c.Close(1001, "Going away")
		_, _ = client.Write(closing(1001, ""))
	case 2:
		_, _ = client.Write([]byte{0x81, 1, 'x'})
		_ = client.CloseWrite()
	case 3:
		_ = client.CloseWrite()
	case 4:
		_ = client.SetLinger(0)
		_ = client.Close()
		return "reset"
	}
	rest, _ := io.ReadAll(client)
	return fmt.Sprintf("%q", rest)
}
