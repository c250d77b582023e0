package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// postSize is how long the posted messages are.
const postSize = 64

// poster is a server with open sockets, and the requests that post to each.
type poster struct {
	*server
	sockets  *client
	requests []string
}

// posters open sockets to Suiro and to the floor.
func (b *bench) posters(count int) (both []*poster, done func(), err error) {
	done = func() {
		for _, p := range both {
			if p.sockets != nil {
				p.sockets.close()
			}
			p.close()
		}
	}
	suiro, err := b.startSuiro(socketApp())
	both = append(both, &poster{server: suiro})
	if err != nil {
		return both, done, err
	}
	hijack, err := startFloor("hijack", floor.Options{})
	if err != nil {
		return both, done, err
	}
	both = append(both, &poster{server: hijack})
	text := message("x", postSize)
	for _, p := range both {
		if p.sockets, _, err = dial(p.server, count); err != nil {
			return both, done, err
		}
		r, err := p.sockets.do(load.Command{Do: "ids"})
		if err != nil {
			return both, done, err
		}
		for _, id := range r.IDs {
			path := "/dev/@connections/" + url.PathEscape(id)
			request := plain("POST", p.address, path, text)
			if p.server == suiro {
				if request, err = p.signed("execute-api", "http://"+p.address+path, text); err != nil {
					return both, done, err
				}
			}
			p.requests = append(p.requests, request)
		}
	}
	return both, done, nil
}

// post measures posts to connections: signed and verified, against unsigned
// ones to the floor.
func (b *bench) post() error {
	both, done, err := b.posters(1000)
	defer done()
	if err != nil {
		return err
	}
	for _, p := range both {
		if err := p.sockets.send(load.Command{Do: "receive"}); err != nil { // until it is killed
			return err
		}
	}
	for _, connections := range []int{1, 16, 64} {
		of := fmt.Sprintf("%d publishers", connections)
		for round := range b.rounds + 1 {
			for _, p := range both {
				r, cpu, err := b.request(p.server, p.address, p.requests, connections)
				if err != nil {
					return err
				}
				if round > 0 {
					b.add("post", of, "CPU, µs/post", p.name, cpu, atMost(2))
					b.add("post", of, "posts/s", p.name, float64(r.Count)/r.Seconds, goal{})
					b.add("post", of, "median, µs", p.name, r.P50, goal{})
				}
			}
		}
	}
	return nil
}

// request loads a server with requests over a number of connections, and
// tells what CPU each took.
func (b *bench) request(s *server, address string, requests []string, connections int) (*load.Result, float64, error) {
	c, err := startClient()
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	before := s.cpu()
	r, err := c.do(load.Command{Do: "http", Address: address, Count: connections, Millis: b.millis, Requests: requests})
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", s.name, err)
	}
	return r, (s.cpu() - before) / float64(r.Count), nil
}

// fanout measures one message to every one of many sockets, by one program's
// posts over 16 connections.
func (b *bench) fanout() error {
	both, done, err := b.posters(b.idle)
	defer done()
	if err != nil {
		return err
	}
	nats := b.subscribers(b.idle)
	defer func() { nats.close() }()
	of := fmt.Sprintf("%d sockets", b.idle)
	for range b.rounds {
		for _, p := range both {
			if err := p.sockets.send(load.Command{Do: "receive", Bytes: b.idle * load.FrameSize(postSize)}); err != nil {
				return err
			}
			if _, err := p.sockets.result(); err != nil { // it reads now
				return err
			}
			c, err := startClient()
			if err != nil {
				return err
			}
			cpu, began := p.cpu(), time.Now()
			_, err = c.do(load.Command{Do: "http", Address: p.address, Count: 16, Total: b.idle, Requests: p.requests})
			c.close()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			r, err := p.sockets.result()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			b.delivered(of, p.name, b.idle, time.Unix(0, r.Last).Sub(began), p.cpu()-cpu)
		}
		if nats == nil {
			continue
		}
		if err := nats.round(b, of); err != nil {
			b.miss(nats.name, err)
			nats.close()
			nats = nil
		}
	}
	return nil
}

func (b *bench) delivered(of, name string, count int, took time.Duration, cpu float64) {
	b.add("fanout", of, "deliveries/s", name, float64(count)/took.Seconds(), atLeast(0.7))
	b.add("fanout", of, "CPU, µs/delivery", name, cpu/float64(count), goal{})
}
