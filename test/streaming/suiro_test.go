// Package streaming holds the real program to how responses stream: real
// functions in Node, Go and Python behind function URLs and the Invoke API,
// called by curl, Go, and the AWS SDKs for Go, JavaScript and Python. SUIRO
// names the program; the clients come from tools/install.
package streaming

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait: long enough for a first build.
const patience = 3 * time.Minute

// suiro is a running suiro dev.
type suiro struct {
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	stderr bytes.Buffer // to be read when the process has ended
	ready  struct {
		Type      string
		Endpoints []struct{ Resource, Kind, URL string }
		Resources map[string]string
		AWS       struct{ Endpoint, Region, AccessKeyID, SecretAccessKey string }
	}
	ended chan struct{}

	mu      sync.Mutex
	entries []entry
	more    chan struct{} // closed and replaced with each entry
}

type entry struct {
	Type, Resource, Function, Text, Error string
	Path                                  string
	Status                                int
}

func program() string {
	if p := os.Getenv("SUIRO"); p != "" {
		return p
	}
	p, _ := filepath.Abs("../../bin/suiro")
	return p
}

func tool(t *testing.T, path string) string {
	t.Helper()
	p, _ := filepath.Abs(filepath.Join("../.tools", path))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s is not installed (run: make tools)", path)
	}
	return p
}

// copyOf is a copy of a folder, for the test alone.
func copyOf(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := exec.Command("cp", "-r", from, to).Run(); err != nil { // keeps what is executable
		t.Fatal(err)
	}
	return to
}

// start runs a copy of an app.
func start(t *testing.T, from string) *suiro {
	t.Helper()
	s := &suiro{t: t, dir: copyOf(t, from), ended: make(chan struct{}), more: make(chan struct{})}
	s.cmd = exec.Command(program(), "dev", "--output", "json", s.dir)
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
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(os.Interrupt)
		<-s.ended
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("suiro said:\n%s", s.stderr.String())
		}
	})
	select {
	case <-first:
	case <-s.ended:
		t.Fatal("suiro did not start")
	case <-time.After(patience):
		t.Fatal("suiro is not ready")
	}
	return s
}

func (s *suiro) read(out io.Reader, first chan struct{}) {
	defer close(s.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if s.ready.Type == "" && json.Unmarshal(lines.Bytes(), &s.ready) == nil && s.ready.Type == "ready" {
			close(first)
			continue
		}
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		s.mu.Lock()
		s.entries = append(s.entries, e)
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

// await waits for an entry that fits.
func (s *suiro) await(what string, fits func(entry) bool) entry {
	s.t.Helper()
	late := time.After(patience)
	for seen := 0; ; {
		s.mu.Lock()
		entries, more := s.entries, s.more
		s.mu.Unlock()
		for ; seen < len(entries); seen++ {
			if fits(entries[seen]) {
				return entries[seen]
			}
		}
		select {
		case <-more:
		case <-s.ended:
			s.t.Fatalf("suiro ended before %s", what)
		case <-late:
			s.t.Fatalf("no %s", what)
		}
	}
}

// url is the address of a function's URL.
func (s *suiro) url(function string) string {
	s.t.Helper()
	for _, e := range s.ready.Endpoints {
		if e.Resource == function+"Url" || e.Resource == function+"LambdaFunctionUrl" { // SAM's name, Serverless's
			return e.URL
		}
	}
	s.t.Fatalf("no URL of %s in %+v", function, s.ready.Endpoints)
	return ""
}

// env is the environment of an AWS client.
func (s *suiro) env(more ...string) []string {
	return append(append(os.Environ(),
		"AWS_ACCESS_KEY_ID="+s.ready.AWS.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+s.ready.AWS.SecretAccessKey,
		"AWS_REGION="+s.ready.AWS.Region, "AWS_DEFAULT_REGION="+s.ready.AWS.Region, "AWS_PAGER=",
		"ENDPOINT="+s.ready.AWS.Endpoint, "FUNCTION="+s.ready.Resources["Node"]), more...)
}
