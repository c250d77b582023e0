// Package events holds the real program to what calls functions without a
// client: a table's stream, asynchronous events and schedules, through real
// functions and SDKs, and over kill -9. SUIRO names the program.
package events

import (
	"bufio"
	"bytes"
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
)

// patience bounds every wait: long enough for a first build.
const patience = 2 * time.Minute

// suiro is a running suiro dev.
type suiro struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ready  struct {
		Type      string
		Resources map[string]string
		AWS       struct{ Endpoint, Region, AccessKeyID, SecretAccessKey string }
	}
	ended chan struct{}

	mu   sync.Mutex
	got  []string // what the functions printed: the part behind GOT
	more chan struct{}
}

func program() string {
	if p := os.Getenv("SUIRO"); p != "" {
		return p
	}
	p, _ := filepath.Abs("../../bin/suiro")
	return p
}

// copyOf is a copy of an app, for the test alone.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := exec.Command("cp", "-r", from, to).Run(); err != nil {
		t.Fatal(err)
	}
	return to
}

// start runs the app in a folder.
func start(t *testing.T, dir string) *suiro {
	t.Helper()
	s := &suiro{t: t, dir: dir, ended: make(chan struct{}), more: make(chan struct{})}
	s.cmd = exec.Command(program(), "dev", "--output", "json", dir)
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%v (run: make build)", err)
	}
	first := make(chan struct{})
	go s.read(out, first)
	t.Cleanup(func() { s.end(os.Interrupt) })
	select {
	case <-first:
	case <-s.ended:
		t.Fatal("suiro did not start")
	case <-time.After(patience):
		t.Fatal("suiro is not ready")
	}
	return s
}

// end stops the program by a signal and waits for it.
func (s *suiro) end(signal os.Signal) {
	select {
	case <-s.ended:
		return
	default:
	}
	_ = s.cmd.Process.Signal(signal)
	<-s.ended
	_ = s.cmd.Wait()
	if s.t.Failed() {
		s.t.Logf("suiro said:\n%s", s.stderr.String())
	}
}

func (s *suiro) kill() { s.end(syscall.SIGKILL) }

func (s *suiro) read(out io.Reader, first chan struct{}) {
	defer close(s.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if s.ready.Type == "" && json.Unmarshal(lines.Bytes(), &s.ready) == nil && s.ready.Type == "ready" {
			close(first)
			continue
		}
		var e struct{ Text string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if _, text, ok := strings.Cut(e.Text, "GOT "); ok {
			s.mu.Lock()
			s.got = append(s.got, text)
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
		}
	}
}

// await waits until a function has printed something that holds all parts.
func (s *suiro) await(parts ...string) string {
	s.t.Helper()
	late := time.After(patience)
	for seen := 0; ; {
		s.mu.Lock()
		got, more := s.got, s.more
		s.mu.Unlock()
		for ; seen < len(got); seen++ {
			fits := true
			for _, part := range parts {
				fits = fits && strings.Contains(got[seen], part)
			}
			if fits {
				return got[seen]
			}
		}
		select {
		case <-more:
		case <-s.ended:
			s.t.Fatalf("suiro ended before a function got %q", parts)
		case <-late:
			s.t.Fatalf("no function got %q, only %q", parts, got)
		}
	}
}
