package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// message measures a message to a two-way MOCK route, whose answer is as long,
// against a server that sends every message back.
func (b *bench) message() error {
	suiro, err := b.startSuiro(socketApp())
	defer suiro.close()
	if err != nil {
		return err
	}
	hijack, err := startFloor("hijack", floor.Options{})
	if err != nil {
		return err
	}
	defer hijack.close()
	for _, sockets := range []int{1, 100, 1000} {
		for _, size := range messageSizes {
			text := message(fmt.Sprintf("mock%d", size), size)
			if err := b.talk("message", []*server{suiro, hijack}, sockets, text, fmt.Sprintf("%d B, ", size), atMost(2), goal{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// talk keeps a message in flight on every socket of each server, which answer
// with as many bytes.
func (b *bench) talk(benchmark string, servers []*server, sockets int, text, of string, cpu, rate goal) error {
	return b.converse(benchmark, servers, sockets, text, len(text), fmt.Sprintf("%s%d sockets", of, sockets), cpu, rate)
}

// converse is talk with answers of another length.
func (b *bench) converse(benchmark string, servers []*server, sockets int, text string, reply int, of string, cpu, rate goal) error {
	clients := make([]*client, len(servers))
	for i, s := range servers {
		c, _, err := dial(s, sockets)
		if err != nil {
			return &sideError{s, err}
		}
		defer c.close()
		clients[i] = c
		if _, err := c.do(load.Command{Do: "echo", Message: text, Reply: reply, Millis: b.millis / 2}); err != nil {
			return &sideError{s, err}
		}
	}
	for range b.rounds {
		for i, s := range servers {
			before := s.cpu()
			r, err := clients[i].do(load.Command{Do: "echo", Message: text, Reply: reply, Millis: b.millis})
			if err != nil {
				return &sideError{s, err}
			}
			b.add(benchmark, of, "CPU, µs/message", s.name, (s.cpu()-before)/float64(r.Count), cpu)
			b.add(benchmark, of, "messages/s", s.name, float64(r.Count)/r.Seconds, rate)
			b.add(benchmark, of, "median, µs", s.name, r.P50, goal{})
			b.add(benchmark, of, "99 %, µs", s.name, r.P99, goal{})
		}
	}
	return nil
}

// idlePlain has ten times as many in one more round.
func (b *bench) idlePlain() error {
	if err := b.idleSockets("idle", false, b.idle, atMost(1.5)); err != nil {
		return err
	}
	return b.idleRound("idle", fmt.Sprintf("%d sockets", b.many), false, b.many, atMost(1.5))
}

// idleTLS has half as many: their client needs memory too.
func (b *bench) idleTLS() error { return b.idleSockets("idle-tls", true, b.idle/2, atMost(1.3)) }

// idleSockets measures what connections cost that are only open, and opening
// them: their memory is the same in every round within a few hundredths.
func (b *bench) idleSockets(benchmark string, secure bool, count int, memory goal) error {
	of := fmt.Sprintf("%d sockets", count)
	for range min(b.rounds, 3) {
		if err := b.idleRound(benchmark, of, secure, count, memory); err != nil {
			return err
		}
	}
	return nil
}

// idleRound measures each server once.
func (b *bench) idleRound(benchmark, of string, secure bool, count int, memory goal) error {
	sides := []struct {
		start  func() (*server, error)
		memory goal // against this side
	}{
		{func() (*server, error) { return b.startSuiro(socketApp()) }, memory},
		{func() (*server, error) { return startFloor("hijack", floor.Options{TLS: secure}) }, memory},
		{func() (*server, error) { return startFloor("hybrid", floor.Options{}) }, atMost(3)},
	}
	if secure {
		sides = sides[:2]
	}
	for i, side := range sides {
		m, err := idleMeasured(side.start, secure, count, false)
		if err != nil {
			return err
		}
		if i < 2 {
			b.add(benchmark, of, "RSS, B/socket", m.name, m.memory, side.memory)
		} else {
			b.against(benchmark, of, "RSS, B/socket", m.name, m.memory, side.memory)
		}
		b.add(benchmark, of, "CPU, µs/handshake", m.name, m.cpu, atMost(1.5))
		b.add(benchmark, of, "handshakes/s", m.name, m.rate, goal{})
	}
	return nil
}

// idleMeasure is what one socket of a server cost.
type idleMeasure struct {
	name   string
	memory float64 // bytes
	cpu    float64 // µs for its handshake
	rate   float64 // handshakes a second
}

// idleMeasured opens sockets to as many servers as it takes. Settled, they
// have made many handshakes before, and are several that have count sockets
// each where that is few: what one server's memory grows by is as much its
// heap's next step as theirs.
func idleMeasured(start func() (*server, error), secure bool, count int, settled bool) (m idleMeasure, err error) {
	each := perProcess(count)
	servers := (count + each - 1) / each
	if settled {
		servers = max(servers, min(10, 30_000/count))
	}
	s := idleSockets{secure: secure, settled: settled}
	defer s.close()
	for n := 0; n < servers && err == nil; n++ {
		err = s.add(start, each)
	}
	if err != nil {
		return m, err
	}
	time.Sleep(time.Second)
	n := float64(each * servers)
	return idleMeasure{s.servers[0].name, s.grown() / n, s.cpu / n, n / s.seconds}, nil
}

// idleSockets are open over one server or several.
type idleSockets struct {
	secure  bool
	settled bool // see idleMeasured

	servers      []*server
	clients      []*client
	rss          []float64 // before
	cpu, seconds float64
}

func (m *idleSockets) add(start func() (*server, error), count int) error {
	s, err := start()
	if s != nil {
		s.tls = m.secure
		m.servers = append(m.servers, s)
	}
	if err != nil {
		return err
	}
	if m.settled {
		if err := churn(s, 2000); err != nil {
			return err
		}
	}
	first, _, err := dial(s, 16) // what the first connections alone need is no cost of each
	if err != nil {
		return err
	}
	m.clients = append(m.clients, first)
	time.Sleep(500 * time.Millisecond)
	m.rss = append(m.rss, s.rss())
	cpu := s.cpu()
	many, r, err := dial(s, count)
	if err != nil {
		return err
	}
	m.clients = append(m.clients, many)
	m.cpu += s.cpu() - cpu
	m.seconds += r.Seconds
	return nil
}

func (m *idleSockets) grown() (sum float64) {
	for i, s := range m.servers {
		sum += s.rss() - m.rss[i]
	}
	return sum
}

func (m *idleSockets) close() {
	for _, c := range m.clients {
		c.close()
	}
	for _, s := range m.servers {
		s.close()
	}
}

// perProcess is how many of count sockets one process takes, which may not
// have so many file descriptors.
func perProcess(count int) int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(count)+500 <= limit.Max {
		return count
	}
	most := int(limit.Max) - 500
	processes := (count + most - 1) / most
	return (count + processes - 1) / processes
}
