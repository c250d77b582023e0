package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// child is a process that the bench started; it dies with the bench.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors *bytes.Buffer // what it wrote to standard error, to be read when it has ended
}

// living are the processes that run, so that a benchmark that takes too long
// can be ended.
type living struct {
	mu   sync.Mutex
	pids map[int]struct{}
}

var children = &living{pids: make(map[int]struct{})}

func (l *living) add(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pids[pid] = struct{}{}
}

func (l *living) remove(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pids, pid)
}

// kill ends them all.
func (l *living) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pid := range l.pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func start(env []string, program string, args ...string) (*child, error) {
	return startIn("", env, program, args...)
}

func startIn(dir string, env []string, program string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(program, args...), errors: new(bytes.Buffer)}
	c.cmd.Dir = dir
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stderr = c.errors
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = in, bufio.NewReaderSize(out, 64<<10)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	children.add(c.pid())
	return c, nil
}

// stop interrupts, and kills what does not end soon.
func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(8*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	_ = c.cmd.Wait()
	children.remove(c.pid())
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// cpu is what the process used so far, in microseconds, by its CPU clock
// (clock_getcpuclockid(3)): /proc/PID/stat counts in steps of 10 ms.
func (c *child) cpu() float64 {
	var t unix.Timespec
	if unix.ClockGettime(int32(^c.pid()<<3|2), &t) != nil {
		return 0
	}
	return float64(t.Nano()) / 1000
}

// rss is the process's resident memory in bytes.
func (c *child) rss() float64 { return c.status("VmRSS") }

func (c *child) status(field string) float64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid()))
	_, rest, _ := strings.Cut(string(data), field+":")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(words[0], 64)
	return kib * 1024
}

// server is one side of a comparison, running.
type server struct {
	*child
	name    string
	address string // of its sockets or requests
	tls     bool
	peer    bool // it may fail without an end to the benchmark

	ready ready  // Suiro's
	dir   string // Suiro's app
}

// ready is the first line of suiro dev --output json, as far as it is used.
type ready struct {
	Type      string
	Endpoints []struct{ Resource, Kind, URL string }
	Resources map[string]string
	AWS       struct{ Endpoint, Region, AccessKeyID, SecretAccessKey string }
}

func (r *ready) endpoint(kind string) string {
	for _, e := range r.Endpoints {
		if e.Kind == kind {
			_, rest, _ := strings.Cut(e.URL, "://")
			host, _, _ := strings.Cut(rest, "/")
			return strings.Replace(host, "localhost", "127.0.0.1", 1)
		}
	}
	return ""
}

func startFloor(name string, o floor.Options) (*server, error) {
	c, err := start(nil, os.Args[0], "floor", name, strconv.FormatBool(o.TLS), strconv.Itoa(o.Environments), o.Handler)
	if err != nil {
		return nil, err
	}
	var ready floor.Ready
	if err := c.readJSON(&ready); err != nil {
		c.stop()
		return nil, fmt.Errorf("starting the floor %s: %w\n%s", name, err, c.errors)
	}
	return &server{child: c, name: name, address: ready.Address, tls: o.TLS}, nil
}

// readJSON reads one line.
func (c *child) readJSON(v any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// startSuiro runs an app, whose folder it makes, as a user would.
func (b *bench) startSuiro(template string, more ...string) (*server, error) {
	return b.startApp(template, nil, more...)
}

// startApp is startSuiro with more files in the app's folder, by path, and
// more arguments.
func (b *bench) startApp(template string, files map[string]string, more ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return nil, err
	}
	s := &server{name: "suiro", dir: dir}
	if err := writeApp(dir, template, files); err != nil {
		return s, err
	}
	return b.runSuiro(s, append(more, dir)...)
}

// startSuiroAt runs the app in a folder that exists.
func (b *bench) startSuiroAt(app string) (*server, error) {
	dir, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return nil, err
	}
	return b.runSuiro(&server{name: "suiro", dir: dir}, "--data", dir, app)
}

func (b *bench) runSuiro(s *server, args ...string) (*server, error) {
	args = append([]string{"dev", "--output", "json"}, args...)
	var err error
	if s.child, err = start([]string{"XDG_CONFIG_HOME=" + filepath.Join(s.dir, ".config")}, b.suiro, args...); err != nil {
		return s, err
	}
	for s.ready.Type != "ready" {
		line, err := s.out.ReadBytes('\n')
		if err != nil {
			s.stop()
			return &server{name: s.name, dir: s.dir}, fmt.Errorf("starting suiro: %w\n%s", err, s.errors)
		}
		if _, url, ok := strings.Cut(string(line), "ws://"); ok && line[0] != '{' { // the table for a person
			s.ready.Type = "ready"
			s.ready.Endpoints = []struct{ Resource, Kind, URL string }{{"", "websocket", "ws://" + strings.TrimSpace(url)}}
		} else if line[0] == '{' {
			if err := json.Unmarshal(line, &s.ready); err != nil {
				return s, err
			}
		}
	}
	s.address = s.ready.endpoint("websocket")
	go func() { _, _ = io.Copy(io.Discard, s.out) }() // what happens, told as it does
	return s, nil
}

func (s *server) close() {
	if s.child != nil {
		s.stop()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// client is a load process.
type client struct{ *child }

func startClient() (*client, error) {
	c, err := start(nil, os.Args[0], "load")
	if err != nil {
		return nil, err
	}
	return &client{c}, nil
}

func (c *client) close() {
	_ = c.cmd.Process.Kill()
	c.stop()
}

func (c *client) send(command load.Command) error { return json.NewEncoder(c.in).Encode(command) }

func (c *client) result() (*load.Result, error) {
	var r load.Result
	if err := c.readJSON(&r); err != nil {
		return nil, err
	}
	if r.Error != "" {
		return nil, errors.New(r.Error)
	}
	return &r, nil
}

func (c *client) do(command load.Command) (*load.Result, error) {
	if err := c.send(command); err != nil {
		return nil, err
	}
	return c.result()
}

// dial opens a server's sockets in a new client.
func dial(s *server, count int) (*client, *load.Result, error) { return dialed(s, "dial", count) }

// churn opens so many, and closes each at once.
func churn(s *server, count int) error {
	c, _, err := dialed(s, "churn", count)
	if err == nil {
		c.close()
	}
	return err
}

func dialed(s *server, how string, count int) (*client, *load.Result, error) {
	c, err := startClient()
	if err != nil {
		return nil, nil, err
	}
	r, err := c.do(load.Command{Do: how, Address: s.address, Path: "/dev", TLS: s.tls, Count: count})
	if err != nil {
		c.close()
		return nil, nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return c, r, nil
}
