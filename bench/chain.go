package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/bench/floor"
	functions "github.com/suiro-dev/suiro/bench/function"
	"github.com/suiro-dev/suiro/bench/load"
)

// chain measures a message to a function that posts it back, against the
// least code between the same parts and as many of the function's processes.
func (b *bench) chain() error {
	suiro, err := b.startSuiro(socketApp())
	defer suiro.close()
	if err != nil {
		return err
	}
	for _, environments := range fixed {
		if err := b.chainFixed(suiro, environments); err != nil {
			return err
		}
	}
	for _, sockets := range []int{1, 10, 100} {
		if err := b.chainFree(suiro, sockets); err != nil {
			return err
		}
	}
	return b.chainOffline()
}

// fixed are the reserved concurrencies of functions that post and answer.
var fixed = []int{1, 4}

// chainFixed has as many sockets as the function may have environments. Its
// route answers too, and the next message is sent after both: so there are never
// more invocations than environments, and nothing is refused, as it would be on
// AWS.
func (b *bench) chainFixed(suiro *server, environments int) error {
	least, err := startFloor("chain", floor.Options{Environments: environments, Handler: "both"})
	if err != nil {
		return err
	}
	defer least.close()
	text := message(fmt.Sprintf("both%d", environments), 64)
	reply := len(text) + load.FrameSize(len(functions.Answer)) // two frames
	of := fmt.Sprintf("%d sockets, %[1]d environments", environments)
	return b.converse("chain", []*server{suiro, least}, environments, text, reply, of, goal{}, atLeast(0.8))
}

// chainFree lets Suiro have as many environments as it starts, and gives the
// floor the same number.
func (b *bench) chainFree(suiro *server, sockets int) error {
	text := message("post", 64)
	c, _, err := dial(suiro, sockets)
	if err != nil {
		return err
	}
	_, err = c.do(load.Command{Do: "echo", Message: text, Reply: len(text), Millis: b.millis})
	c.close()
	if err != nil {
		return err
	}
	least, err := startFloor("chain", floor.Options{Environments: max(1, suiro.functions("post")), Handler: "post"})
	if err != nil {
		return err
	}
	defer least.close()
	if err := b.talk("chain", []*server{suiro, least}, sockets, text, "", goal{}, atLeast(0.8)); err != nil {
		return err
	}
	for _, s := range []*server{suiro, least} {
		b.add("chain", fmt.Sprintf("%d sockets", sockets), "environments", s.name, float64(s.functions("post")), goal{})
	}
	return nil
}

// functions counts the server's processes that run a handler.
func (c *child) functions(handler string) (count int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(data), ") ")
		if f := strings.Fields(rest); len(f) < 2 || f[1] != strconv.Itoa(c.pid()) {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		for v := range strings.SplitSeq(string(environ), "\x00") {
			if v == "_HANDLER="+handler {
				count++
			}
		}
	}
	return count
}
