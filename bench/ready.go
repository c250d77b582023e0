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
// the chat example, already built, against the floor of starting and reading
// from any program of the same size (`suiro version`).
func ready(suiro string) error {
	suiro, err := filepath.Abs(suiro)
	if err != nil {
		return err
	}
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
	if _, err := untilLine(suiro, dev, `"type":"ready"`); err != nil { // builds
		return err
	}
	floor, whole := &sample{name: "floor: suiro version"}, &sample{name: "suiro dev, chat-go, built"}
	for range 11 {
		f, err := untilLine(suiro, []string{"version"}, "suiro")
		if err != nil {
			return err
		}
		d, err := untilLine(suiro, dev, `"type":"ready"`)
		if err != nil {
			return err
		}
		floor.times, whole.times = append(floor.times, f), append(whole.times, d)
	}
	fmt.Printf("ready\n  %v\n  %v\n  ratio %.1f\n", floor, whole, ms(whole.median())/ms(floor.median()))
	return nil
}

// untilLine runs a command until it prints a line that holds text, then
// interrupts it and waits for its end.
func untilLine(program string, args []string, text string) (time.Duration, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(os.Interrupt)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("%s %v ended before it printed %s", program, args, text)
}
