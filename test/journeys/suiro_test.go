// Package journeys runs real apps with the real program and real clients:
// wscat, the AWS CLI, browsers, old and new SDKs. SUIRO names the program
// (make builds it); the clients come from tools/install.
package journeys

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// running is a suiro dev --output json in a process of its own.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  ready
	stderr *lockedBuffer

	mu      sync.Mutex
	entries []entry
	more    chan struct{} // closed and replaced with each entry
	ended   chan struct{} // stdout is at its end
}

type ready struct {
	Type      string
	Endpoints []struct{ Resource, Kind, URL string }
	Outputs   map[string]string
	Resources map[string]string
	AWS       struct{ Endpoint, Region, AccountID, AccessKeyID, SecretAccessKey string }
}

type entry struct {
	Type, Function, Route, ConnectionID, Text, Stream, Error string
	Status                                                   int
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// patience bounds every wait: long enough for a first build and an install
// on a slow machine.
const patience = 5 * time.Minute

func program(t *testing.T) string {
	t.Helper()
	p := os.Getenv("SUIRO")
	if p == "" {
		p, _ = filepath.Abs("../../bin/suiro")
	}
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("no suiro program: %v (run: make build)", err)
	}
	return p
}

// tool is a client that tools/install put into test/.tools.
func tool(t *testing.T, path string) string {
	t.Helper()
	p, _ := filepath.Abs(filepath.Join("../.tools", path))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s is not installed (run: make tools)", path)
	}
	return p
}

// example is a copy of examples/name in a folder of its own.
func example(t *testing.T, name string) string {
	t.Helper()
	return copyTree(t, filepath.Join("../../examples", name))
}

func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// start runs suiro dev on dir and waits for its ready line.
func start(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := launch(t, dir, args...)
	if r.ready.Type != "ready" {
		t.Fatalf("suiro did not start:\n%s", r.stderr)
	}
	return r
}

func launch(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := &running{t: t, stderr: &lockedBuffer{}, more: make(chan struct{}), ended: make(chan struct{})}
	r.cmd = exec.Command(program(t), append([]string{"dev", "--output", "json", dir}, args...)...)
	r.cmd.Stderr = r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	go r.read(out, first)
	t.Cleanup(r.stop)
	select {
	case <-first:
	case <-r.ended:
	case <-time.After(patience):
		t.Fatalf("suiro is not ready after %v:\n%s", patience, r.stderr)
	}
	return r
}

func (r *running) read(out io.Reader, first chan struct{}) {
	defer close(r.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if r.ready.Type == "" {
			if json.Unmarshal(lines.Bytes(), &r.ready) == nil && r.ready.Type == "ready" {
				close(first)
				continue
			}
			r.ready.Type = ""
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
}

// await waits for a journal entry that fits.
func (r *running) await(what string, fits func(entry) bool) entry {
	r.t.Helper()
	deadline := time.After(patience)
	seen := 0
	for {
		r.mu.Lock()
		list, more := r.entries, r.more
		r.mu.Unlock()
		for ; seen < len(list); seen++ {
			if fits(list[seen]) {
				return list[seen]
			}
		}
		select {
		case <-more:
		case <-r.ended:
			r.t.Fatalf("suiro ended before %s\n%s", what, r.stderr)
		case <-deadline:
			r.t.Fatalf("no %s in %v\n%s", what, patience, r.stderr)
		}
	}
}

// url is the address of the endpoint of a kind.
func (r *running) url(kind string) string {
	r.t.Helper()
	for _, e := range r.ready.Endpoints {
		if e.Kind == kind {
			return e.URL
		}
	}
	r.t.Fatalf("no %s endpoint in %+v", kind, r.ready.Endpoints)
	return ""
}

// stop ends suiro as Ctrl-C does.
func (r *running) stop() {
	if r.cmd.ProcessState != nil {
		return
	}
	_ = r.cmd.Process.Signal(os.Interrupt)
	r.wait()
}

// wait waits for the end of suiro and gives its exit status.
func (r *running) wait() int {
	select {
	case <-r.ended:
	case <-time.After(30 * time.Second):
		_ = r.cmd.Process.Kill()
		r.t.Errorf("suiro did not stop in 30 s\n%s", r.stderr)
	}
	_ = r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) kill() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	_ = r.cmd.Wait()
}

// client is a WebSocket client with a bound on every wait.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, url string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatalf("dialing %s: %v", url, err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t, conn}
}

func (c *client) send(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

func (c *client) receive() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	if err != nil {
		c.t.Fatalf("receiving: %v", err)
	}
	return string(data)
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got := c.receive(); got != want {
		c.t.Fatalf("received %q, want %q", got, want)
	}
}

// aws runs the AWS CLI as a user would, with suiro's endpoint and keys.
func (r *running) aws(args ...string) (stdout string, err error) {
	r.t.Helper()
	cmd := exec.Command(tool(r.t, "python/bin/aws"), args...)
	cmd.Env = append(os.Environ(),
		"AWS_ACCESS_KEY_ID="+r.ready.AWS.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+r.ready.AWS.SecretAccessKey,
		"AWS_REGION="+r.ready.AWS.Region, "AWS_DEFAULT_REGION="+r.ready.AWS.Region, "AWS_PAGER=")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = cmd.Run(); err != nil {
		return strings.TrimSpace(errs.String()), err
	}
	return strings.TrimSpace(out.String()), nil
}
