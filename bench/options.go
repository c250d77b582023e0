package main

import (
	"fmt"
	"os"
	"time"

	"github.com/suiro-dev/suiro/bench/load"
)

// switched are things that a template may switch on, as properties of a stage,
// or a person, as arguments. What is off must cost nothing, so what each costs
// is its difference from the plain app.
var switched = []struct {
	name     string
	property string
	args     []string
}{
	{"plain", "", nil},
	{"throttle", "DefaultRouteSettings: {ThrottlingRateLimit: 1000000, ThrottlingBurstLimit: 1000000}", nil},
	{"detailed metrics", "DefaultRouteSettings: {DetailedMetricsEnabled: true}", nil},
	{"access log", "AccessLogSettings: {DestinationArn: 'arn:aws:logs:us-east-1:000000000000:log-group:x', Format: '$context.requestId $context.connectionId $context.routeKey $context.status'}", nil},
	{"execution log", "DefaultRouteSettings: {LoggingLevel: INFO}", nil},
	{"lines for a person", "", []string{"--output", "text"}},
	{unread, "", nil},
}

// unread is the one case that has less than the plain app: what happens is told
// to nobody, as when standard output is /dev/null. dev has no other way not to
// tell it.
const unread = "lines that nobody reads"

// startUnread runs the plain app with its output thrown away.
func (b *bench) startUnread() (*server, error) {
	dir, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return nil, err
	}
	s := &server{name: "suiro", dir: dir, address: "127.0.0.1:14690"}
	if err := writeApp(dir, socketApp(), nil); err != nil {
		return s, err
	}
	s.child, err = start([]string{"XDG_CONFIG_HOME=" + dir}, "sh", "-c", `exec "$0" "$@" >/dev/null`, b.suiro, "dev", "--output", "json", "--port", "14690", dir)
	if err != nil {
		return s, err
	}
	// It listens before its stage is there, and tells nobody when it is.
	for range 100 {
		var c *client
		if c, _, err = dial(s, 1); err == nil {
			c.close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return s, err
}

// options measures a message with each of them.
func (b *bench) options() error {
	const of = "64 B, 100 sockets"
	text := message("mock64", 64)
	type side struct {
		server *server
		client *client
	}
	sides := make([]side, len(switched))
	defer func() {
		for _, s := range sides {
			if s.client != nil {
				s.client.close()
			}
			if s.server != nil {
				s.server.close()
			}
		}
	}()
	for i, x := range switched {
		var properties []string
		if x.property != "" {
			properties = []string{x.property}
		}
		launch := func() (*server, error) { return b.startSuiro(socketApp(properties...), x.args...) }
		if x.name == unread {
			launch = b.startUnread
		}
		s, err := launch()
		sides[i].server = s
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		if sides[i].client, _, err = dial(s, 100); err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
	}
	for round := range b.rounds + 1 {
		var plain float64
		for i, x := range switched {
			s := sides[i]
			before := s.server.cpu()
			r, err := s.client.do(load.Command{Do: "echo", Message: text, Reply: len(text), Millis: b.millis / 2})
			if err != nil {
				return fmt.Errorf("%s: %w", x.name, err)
			}
			if round == 0 {
				continue
			}
			cpu := (s.server.cpu() - before) / float64(r.Count)
			if i == 0 {
				plain = cpu
				continue
			}
			b.add("options", x.name+", "+of, "CPU, µs/message", "with", cpu, goal{})
			b.add("options", x.name+", "+of, "CPU, µs/message", "without", plain, goal{})
			b.add("options", x.name+", "+of, "difference, µs/message", "with less without", cpu-plain, goal{})
		}
	}
	return nil
}
