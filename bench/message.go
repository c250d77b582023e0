package main

import (
	"fmt"
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

// chain measures a message to a function that posts it back, against the
// least code between the same parts.
func (b *bench) chain() error {
	suiro, err := b.startSuiro(socketApp())
	defer suiro.close()
	if err != nil {
		return err
	}
	var offline []*server
	if b.peers {
		peer, err := startOffline()
		if err != nil {
			return err
		}
		defer peer.close()
		offline = append(offline, peer)
	}
	for _, sockets := range []int{1, 10, 100} {
		least, err := startFloor("chain", floor.Options{Environments: sockets, Handler: "post"})
		if err != nil {
			return err
		}
		err = b.talk("chain", append([]*server{suiro, least}, offline...), sockets, message("post", 64), "", goal{}, atLeast(0.8))
		least.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// talk keeps a message in flight on every socket of each server.
func (b *bench) talk(benchmark string, servers []*server, sockets int, text, of string, cpu, rate goal) error {
	of = fmt.Sprintf("%s%d sockets", of, sockets)
	clients := make([]*client, len(servers))
	for i, s := range servers {
		c, _, err := dial(s, sockets)
		if err != nil {
			return err
		}
		defer c.close()
		clients[i] = c
		if _, err := c.do(load.Command{Do: "echo", Message: text, Reply: len(text), Millis: b.millis / 2}); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for range b.rounds {
		for i, s := range servers {
			before := s.cpu()
			r, err := clients[i].do(load.Command{Do: "echo", Message: text, Reply: len(text), Millis: b.millis})
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			b.add(benchmark, of, "CPU, µs/message", s.name, (s.cpu()-before)/float64(r.Count), cpu)
			b.add(benchmark, of, "messages/s", s.name, float64(r.Count)/r.Seconds, rate)
			b.add(benchmark, of, "median, µs", s.name, r.P50, goal{})
			b.add(benchmark, of, "99 %, µs", s.name, r.P99, goal{})
		}
	}
	return nil
}

func (b *bench) idlePlain() error { return b.idleSockets("idle", false, b.idle, atMost(1.5)) }

// idleTLS has half as many: their client needs memory too.
func (b *bench) idleTLS() error { return b.idleSockets("idle-tls", true, b.idle/2, atMost(1.3)) }

// idleSockets measures what connections cost that are only open, and opening
// them.
func (b *bench) idleSockets(benchmark string, secure bool, count int, memory goal) error {
	of := fmt.Sprintf("%d sockets", count)
	for range b.rounds {
		for _, start := range []func() (*server, error){
			func() (*server, error) { return b.startSuiro(socketApp()) },
			func() (*server, error) { return startFloor("hijack", floor.Options{TLS: secure}) },
		} {
			s, err := start()
			if err == nil {
				s.tls = secure
				err = b.idleRound(benchmark, of, s, count, memory)
			}
			if s != nil {
				s.close()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) idleRound(benchmark, of string, s *server, count int, memory goal) error {
	c, _, err := dial(s, 16) // what the first connections alone need is no cost of each
	if err != nil {
		return err
	}
	defer c.close()
	time.Sleep(500 * time.Millisecond)
	rss, cpu := s.rss(), s.cpu()
	many, r, err := dial(s, count)
	if err != nil {
		return err
	}
	defer many.close()
	time.Sleep(time.Second)
	b.add(benchmark, of, "RSS, B/socket", s.name, (s.rss()-rss)/float64(count), memory)
	b.add(benchmark, of, "CPU, µs/handshake", s.name, (s.cpu()-cpu)/float64(count), atMost(1.5))
	b.add(benchmark, of, "handshakes/s", s.name, float64(count)/r.Seconds, goal{})
	return nil
}
