// Package suiro runs the real program for tests: SUIRO names it, else it is
// bin/suiro, which make builds.
package suiro

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every wait: long enough for a first build on a slow machine.
const Patience = 5 * time.Minute

// Running is a suiro dev --output json in a process of its own.
type Running struct {
	Dir   string
	Ready Ready
	Ended chan struct{} // closed when its output is at its end

	t      testing.TB
	cmd    *exec.Cmd
	stderr lockedBuffer

	mu      sync.Mutex
	entries []Entry
	more    chan struct{} // closed and replaced with each entry
}

// Ready is the first line of its output; Type is "ready".
type Ready struct {
	Type      string
	Endpoints []struct{ Resource, Kind, URL string }
	Outputs   map[string]string
	Resources map[string]string
	AWS       struct{ Endpoint, Region, AccountID, AccessKeyID, SecretAccessKey string }
}

// Entry is a line of the journal.
type Entry struct {
	Type, Resource, Function, Route, ConnectionID, Path, Stream, Text, Error string
	Status                                                                   int
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

// Program is the path of the program.
func Program(t testing.TB) string {
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

// Tool is a client that tools/install put into test/.tools.
func Tool(t testing.TB, path string) string {
	t.Helper()
	p, _ := filepath.Abs(filepath.Join("../.tools", path))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s is not installed (run: make tools)", path)
	}
	return p
}

// Copy is a copy of a folder, for the test alone; what is executable stays so.
func Copy(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// Start runs suiro dev on a folder and waits until it is ready. It is stopped
// at the end of the test.
func Start(t testing.TB, dir string, args ...string) *Running {
	t.Helper()
	r := Launch(t, dir, args...)
	if r.Ready.Type != "ready" {
		t.Fatalf("suiro did not start:\n%s", r.Said())
	}
	return r
}

// Launch is Start for what may not become ready.
func Launch(t testing.TB, dir string, args ...string) *Running {
	t.Helper()
	r := &Running{Dir: dir, t: t, Ended: make(chan struct{}), more: make(chan struct{})}
	r.cmd = exec.Command(Program(t), append([]string{"dev", "--output", "json", dir}, args...)...)
	r.cmd.Stderr = &r.stderr
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan struct{})
	go r.read(out, first)
	t.Cleanup(r.Stop)
	select {
	case <-first:
	case <-r.Ended:
	case <-time.After(Patience):
		t.Fatalf("suiro is not ready after %v:\n%s", Patience, r.Said())
	}
	return r
}

// Said is what the program wrote to stderr until now.
func (r *Running) Said() string { return r.stderr.String() }

func (r *Running) read(out io.Reader, first chan struct{}) {
	defer close(r.Ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		if r.Ready.Type == "" {
			var ready Ready
			if json.Unmarshal(lines.Bytes(), &ready) == nil && ready.Type == "ready" {
				r.Ready = ready
				close(first)
				continue
			}
		}
		var e Entry
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

// Entries are those until now.
func (r *Running) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[:len(r.entries):len(r.entries)]
}

// Await waits for an entry that fits, from a place in Entries on.
func (r *Running) Await(from int, what string, fits func(Entry) bool) Entry {
	r.t.Helper()
	late := time.After(Patience)
	for {
		r.mu.Lock()
		list, more := r.entries, r.more
		r.mu.Unlock()
		for ; from < len(list); from++ {
			if fits(list[from]) {
				return list[from]
			}
		}
		select {
		case <-more:
		case <-r.Ended:
			r.t.Fatalf("suiro ended before %s\n%s", what, r.Said())
		case <-late:
			r.t.Fatalf("no %s in %v\n%s", what, Patience, r.Said())
		}
	}
}

// PID is the process's number.
func (r *Running) PID() int { return r.cmd.Process.Pid }

// Signal sends a signal; Stop and Kill wait for the end, too.
func (r *Running) Signal(s os.Signal) { _ = r.cmd.Process.Signal(s) }

// Stop ends the program as Ctrl-C does.
func (r *Running) Stop() {
	if r.cmd.ProcessState == nil {
		r.Signal(os.Interrupt)
		r.Wait()
	}
}

// Kill ends it at once.
func (r *Running) Kill() {
	r.Signal(syscall.SIGKILL)
	r.Wait()
}

// Wait waits for its end and gives its exit status.
func (r *Running) Wait() int {
	select {
	case <-r.Ended:
	case <-time.After(time.Minute):
		_ = r.cmd.Process.Kill()
		r.t.Errorf("suiro did not stop in a minute\n%s", r.Said())
	}
	_ = r.cmd.Wait()
	if r.t.Failed() {
		r.t.Logf("suiro said:\n%s", r.Said())
	}
	return r.cmd.ProcessState.ExitCode()
}

// URL is the address of the endpoint of a resource.
func (r *Running) URL(resource string) string {
	r.t.Helper()
	for _, e := range r.Ready.Endpoints {
		if e.Resource == resource {
			return e.URL
		}
	}
	r.t.Fatalf("no endpoint of %s in %+v", resource, r.Ready.Endpoints)
	return ""
}
