package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ready measures how long `suiro dev` takes from exec to its ready line for
// the chat example, already built, against starting and reading from a program
// of the same size (`suiro version`); and its memory a second later.
func (b *bench) ready() error {
	state, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	app, err := filepath.Abs("../examples/chat-go")
	if err != nil {
		return err
	}
	dev := []string{"dev", "--output", "json", "--data", state, app}
	if _, _, err := b.untilLine(dev, `"type":"ready"`, 0); err != nil { // builds
		return err
	}
	for range 2*b.rounds + 1 {
		whole, _, err := b.untilLine(dev, `"type":"ready"`, 0)
		if err != nil {
			return err
		}
		least, _, err := b.untilLine([]string{"version"}, "suiro", 0)
		if err != nil {
			return err
		}
		b.add("ready", "chat-go, built", "exec to ready, ms", "suiro dev", whole, below(150, "ms"))
		b.add("ready", "chat-go, built", "exec to ready, ms", "suiro version", least, goal{})
	}
	for range b.rounds {
		_, rss, err := b.untilLine(dev, `"type":"ready"`, time.Second)
		if err != nil {
			return err
		}
		b.add("ready", "chat-go, idle", "RSS, MiB", "suiro dev", rss/(1<<20), below(30, "MiB"))
	}
	info, err := os.Stat(b.suiro)
	if err != nil {
		return err
	}
	b.add("ready", "program", "MB", "suiro", float64(info.Size())/1e6, below(32, "MB"))
	return b.readyOffline()
}

// untilLine runs Suiro until it prints a line that holds text, and a while
// longer, then interrupts it and waits for its end.
func (b *bench) untilLine(args []string, text string, stay time.Duration) (ms, rss float64, err error) {
	c := &child{cmd: exec.Command(b.suiro, args...)}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = c.cmd.Process.Signal(os.Interrupt)
		_ = c.cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			took := time.Since(began)
			time.Sleep(stay)
			return float64(took.Microseconds()) / 1000, c.rss(), nil
		}
	}
	return 0, 0, fmt.Errorf("suiro %v ended before it printed %s", args, text)
}
