package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/bench/load"
)

// natsServer is the peer of a fan-out: a message bus whose subscribers come by
// WebSocket.
const (
	natsServer  = "github.com/nats-io/nats-server/v2@v2.15.2"
	natsAddress = "127.0.0.1:14222" // of publishers
	natsConfig  = `host: 127.0.0.1
port: 14222
ping_interval: "1h"
websocket {host: 127.0.0.1, port: 14223, no_tls: true}
`
)

// bus is the running peer and its subscribers, each to the subject all and to
// one of its own.
type bus struct {
	*server
	sockets   *client
	publisher net.Conn
	count     int
}

func startNATS() (*server, error) {
	program, err := install(natsServer)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config")
	c := new(child)
	if err = os.WriteFile(config, []byte(natsConfig), 0o644); err == nil {
		c, err = start(nil, program, "-c", config)
	}
	if err != nil {
		return &server{dir: dir}, err
	}
	s, err := c.serving("127.0.0.1:14223")
	if s != nil {
		s.dir = dir
	}
	return s, err
}

// subscribers is the peer with its subscribers; nil where it takes no part.
func (b *bench) subscribers(count int) *bus {
	s := b.peer("nats-server", startNATS)
	if s == nil {
		return nil
	}
	n := &bus{server: s, count: count}
	if err := n.subscribe(); err != nil {
		b.miss(s.name, err)
		n.close()
		return nil
	}
	return n
}

func (n *bus) subscribe() (err error) {
	if n.sockets, _, err = dial(n.server, n.count); err != nil {
		return err
	}
	const connect = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
	tell := load.Command{Do: "tell", Message: connect + "SUB all 1\r\nSUB one.{i} 2\r\nPING\r\n", Until: "PONG\r\n"}
	if _, err := n.sockets.do(tell); err != nil {
		return err
	}
	// The server asks each client for a sign of life after two seconds, and then
	// not for an hour. That is read here, so that only messages come later.
	time.Sleep(4 * time.Second)
	tell.Message = "PONG\r\nPING\r\n"
	if _, err := n.sockets.do(tell); err != nil {
		return err
	}
	if n.publisher, err = net.Dial("tcp", natsAddress); err != nil {
		return err
	}
	_, err = n.publisher.Write([]byte(connect))
	return err
}

// round publishes one message to all, and then one to each, as Suiro's posts
// are. Nobody acknowledges them to the publisher.
func (n *bus) round(b *bench, of string) error {
	text := message("x", postSize)
	one := new(strings.Builder)
	for i := range n.count {
		fmt.Fprintf(one, "PUB one.%05d %d\r\n%s\r\n", i, postSize, text)
	}
	for _, x := range []struct {
		name, publish, delivery string
	}{
		{"nats-server, a message to each", one.String(), fmt.Sprintf("MSG one.00000 2 %d\r\n%s\r\n", postSize, text)},
		{"nats-server, one to all", fmt.Sprintf("PUB all %d\r\n%s\r\n", postSize, text), fmt.Sprintf("MSG all 1 %d\r\n%s\r\n", postSize, text)},
	} {
		if err := n.sockets.send(load.Command{Do: "receive", Bytes: n.count * load.FrameSize(len(x.delivery))}); err != nil {
			return err
		}
		if _, err := n.sockets.result(); err != nil { // it reads now
			return err
		}
		cpu, began := n.cpu(), time.Now()
		if _, err := n.publisher.Write([]byte(x.publish)); err != nil {
			return err
		}
		r, err := n.sockets.result()
		if err != nil {
			return err
		}
		b.delivered(of, x.name, n.count, time.Unix(0, r.Last).Sub(began), n.cpu()-cpu)
	}
	return nil
}

func (n *bus) close() {
	if n == nil {
		return
	}
	if n.publisher != nil {
		_ = n.publisher.Close()
	}
	if n.sockets != nil {
		n.sockets.close()
	}
	n.server.close()
}
