package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTime bounds a start: a first build fetches packages.
const startTime = 10 * time.Minute

// running is a suiro dev in a process of its own.
type running struct {
	cmd   *exec.Cmd
	ready ready
	ended chan struct{} // its output is at its end

	mu      sync.Mutex
	said    strings.Builder // on stderr
	entries []entry
	more    chan struct{} // closed and replaced with each entry
}

type ready struct {
	Type      string
	Endpoints []struct{ Resource, Kind, URL string }
	Outputs   map[string]string
	Resources map[string]string
	AWS       struct{ Endpoint, Region, AccountID, AccessKeyID, SecretAccessKey string }
}

// entry is a line of suiro's output after the first.
type entry struct{ Type, Function, Text, Error, Stream string }

// start runs suiro dev and waits until it is ready. An error tells what suiro
// said.
func start(ctx context.Context, program, dir string, d *description, env []string, log io.Writer) (*running, error) {
	target := dir
	if d.Template != "" {
		target = dir + string(os.PathSeparator) + d.Template
	}
	args := append([]string{"dev", "--output", "json"}, d.Args...)
	for name, value := range d.Parameters {
		args = append(args, "--param", name+"="+value)
	}
	r := &running{cmd: exec.Command(program, append(args, target)...), ended: make(chan struct{}), more: make(chan struct{})}
	r.cmd.Dir, r.cmd.Env = dir, env
	r.cmd.Stderr = io.MultiWriter(log, lockedWriter{r})
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	first := make(chan struct{})
	go r.read(io.TeeReader(out, log), first)
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-first:
		return r, nil
	case <-r.ended:
		_ = r.cmd.Wait()
		return nil, fmt.Errorf("suiro dev ended: %s", firstErrors(r.stderr()))
	case <-timer.C:
		err = fmt.Errorf("suiro dev is not ready after %v", startTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.stop()
	return nil, err
}

// read is the only reader of suiro's output; it ends with the process.
func (r *running) read(out io.Reader, first chan struct{}) {
	defer close(r.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		if r.ready.Type == "" {
			var ready ready
			if json.Unmarshal(lines.Bytes(), &ready) == nil && ready.Type == "ready" {
				r.ready = ready
				close(first)
				continue
			}
		}
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		r.mu.Lock()
		r.entries = append(r.entries, e)
		close(r.more)
		r.more = make(chan struct{})
		r.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, out)
}

// await waits for an entry of the output.
func (r *running) await(within time.Duration, fits func(entry) bool) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for seen := 0; ; {
		r.mu.Lock()
		list, more := r.entries, r.more
		r.mu.Unlock()
		for ; seen < len(list); seen++ {
			if fits(list[seen]) {
				return true
			}
		}
		select {
		case <-more:
		case <-r.ended:
			return false
		case <-deadline.C:
			return false
		}
	}
}

// stop ends suiro as Ctrl-C does, and by force when that does not help.
func (r *running) stop() {
	_ = r.cmd.Process.Signal(os.Interrupt)
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-timer.C:
		_ = r.cmd.Process.Signal(syscall.SIGKILL)
		<-r.ended
	}
	_ = r.cmd.Wait()
}

func (r *running) stderr() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

type lockedWriter struct{ r *running }

func (w lockedWriter) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	return w.r.said.Write(p)
}

// firstErrors are the first lines that suiro calls errors, else its last line.
func firstErrors(text string) string {
	var errs []string
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Contains(strings.ToLower(line), "error") {
			errs = append(errs, line)
		}
		if line != "" {
			last = line
		}
	}
	if len(errs) == 0 {
		return last
	}
	return strings.Join(errs[:min(3, len(errs))], "; ")
}
