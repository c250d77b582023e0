package config

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

//go:embed driver.js
var driver string

// script is one node process that evaluates all code of a configuration: the
// file itself and every ${file(x.js)}. It lives as long as the Load.
type script struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
	next   int
	done   map[int]scriptMessage // answers that came before those asked later
}

// scriptMessage is a line from node: an answer (ID), or a question about a
// variable (Ask).
type scriptMessage struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Rest  []string        `json:"rest"`
	Error string          `json:"error"`
	Stack string          `json:"stack"`

	Ask  int             `json:"ask"`
	Kind string          `json:"kind"`
	What json.RawMessage `json:"what"`
}

// tail keeps the last few kilobytes written to it.
type tail struct{ data []byte }

// Write keeps the end of all that was written.
func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if n := len(t.data) - 4096; n > 0 {
		t.data = t.data[n:]
	}
	return len(p), nil
}

// Cache holds evaluated configurations by what went into them. It is safe for
// concurrent use; the zero value is ready.
type Cache struct {
	mu      sync.Mutex
	results map[[sha256.Size]byte][]byte
}

// get returns the stored result, or makes and stores it.
func (c *Cache) get(key [sha256.Size]byte, evaluate func() ([]byte, error)) ([]byte, error) {
	if c == nil {
		return evaluate()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.results[key]; ok {
		return data, nil
	}
	data, err := evaluate()
	if err != nil {
		return nil, err
	}
	if c.results == nil || len(c.results) > 32 {
		c.results = map[[sha256.Size]byte][]byte{}
	}
	c.results[key] = data
	return data, nil
}

// startNode finds and starts node in the service's folder.
func (l *loader) startNode() (*script, error) {
	if l.node != nil {
		return l.node, nil
	}
	bin := l.o.Node
	if bin == "" {
		bin = "node"
	}
	path, err := exec.LookPath(bin)
	if err != nil {
		return nil, diag.Errorf(diag.Position{File: l.file}, "", "the configuration is code, and there is no node on this machine to run it").
			WithHint("install Node.js 20 or newer, or name its binary in suiro.yaml")
	}
	s := &script{done: map[int]scriptMessage{}}
	s.cmd = exec.CommandContext(l.ctx, path, "--enable-source-maps", "-e", driver)
	s.cmd.Dir = l.dir
	s.cmd.Stderr = &s.stderr
	s.cmd.WaitDelay = 2 * time.Second
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReaderSize(stdout, 64<<10)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	l.node = s
	return s, nil
}

// close ends node: it exits when its input ends, and is killed if it does not.
func (l *loader) close() {
	if l.node == nil {
		return
	}
	_ = l.node.in.Close()
	timer := time.AfterFunc(2*time.Second, func() { _ = l.node.cmd.Process.Kill() })
	_ = l.node.cmd.Wait()
	timer.Stop()
	l.node = nil
}

// configCode evaluates the service file itself.
func (l *loader) configCode() (*document.Node, error) {
	code, err := l.bundled(l.file)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), l.file, l.o.Node, string(l.options()))
	sort.Strings(env)
	key := sha256.Sum256([]byte(string(code) + "\x00" + strings.Join(env, "\x00")))
	data, err := l.o.Cache.get(key, func() ([]byte, error) {
		m, err := l.run(l.ctx, l.file, code, nil)
		return m.Value, err
	})
	if err != nil {
		return nil, err
	}
	return document.FromJSON(data, diag.Position{File: l.file})
}

// fileCode evaluates ${file(x.js):a.b}.
func (l *loader) fileCode(ctx context.Context, file string, keys []string, at diag.Position) (*document.Node, error) {
	code, err := l.bundled(file)
	if err != nil {
		return nil, err
	}
	m, err := l.run(ctx, file, code, keys)
	if err != nil {
		return nil, err
	}
	n, err := document.FromJSON(m.Value, diag.Position{File: file})
	if err != nil {
		return nil, err
	}
	return l.vars.Walk(ctx, n, m.Rest)
}

// bundled returns what to run for a file; nothing when it runs as it stands.
func (l *loader) bundled(file string) ([]byte, error) {
	l.read(file)
	if l.o.Bundler != nil {
		code, files, err := l.o.Bundler.Config(l.ctx, file)
		for _, f := range files {
			l.read(f)
		}
		return code, err
	}
	if strings.HasSuffix(file, "ts") {
		return nil, diag.Errorf(diag.Position{File: file}, "", "the configuration is TypeScript, and no bundler is at hand to run it")
	}
	return nil, nil
}

// run has node evaluate a file and waits for the answer. Questions that the
// code asks meanwhile are answered on the way, which may run other files.
func (l *loader) run(ctx context.Context, file string, code []byte, keys []string) (scriptMessage, error) {
	s, err := l.startNode()
	if err != nil {
		return scriptMessage{}, err
	}
	s.next++
	id := s.next
	if keys == nil {
		keys = []string{}
	}
	err = s.write(map[string]any{"id": id, "file": file, "code": string(code), "keys": keys, "options": l.options(), "env": l.dotEnv})
	for err == nil {
		if m, ok := s.done[id]; ok {
			delete(s.done, id)
			if m.Error != "" {
				return m, l.scriptError(file, m)
			}
			return m, nil
		}
		var m scriptMessage
		if m, err = s.receive(); err != nil {
			break
		}
		if m.Ask == 0 {
			s.done[m.ID] = m
			continue
		}
		err = s.write(l.reply(ctx, m, file))
	}
	l.close() // what node said last is complete only now
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return scriptMessage{}, diag.Errorf(diag.Position{File: file}, "", "node ended before the configuration was read: %v%s", err, s.stderr.text())
}

// text is what was kept, on lines of its own.
func (t *tail) text() string {
	if s := strings.TrimSpace(string(t.data)); s != "" {
		return "\n" + s
	}
	return ""
}

// write sends one line to node.
func (s *script) write(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = s.in.Write(append(data, '\n'))
	return err
}

// receive reads one line from node.
func (s *script) receive() (m scriptMessage, err error) {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(line, &m)
}

// reply answers what code asks: resolveVariable and
// resolveConfigurationProperty.
func (l *loader) reply(ctx context.Context, m scriptMessage, file string) map[string]any {
	n, err := l.question(ctx, m, diag.Position{File: file})
	if err != nil {
		return map[string]any{"answer": m.Ask, "error": err.Error()}
	}
	return map[string]any{"answer": m.Ask, "value": json.RawMessage(n.JSON())}
}

// question finds the value that code asks for.
func (l *loader) question(ctx context.Context, m scriptMessage, at diag.Position) (*document.Node, error) {
	if l.vars == nil {
		return nil, errors.New("variables can be asked for in ${file(...)}, not while the service file itself is read")
	}
	if m.Kind == "variable" {
		var text string
		if err := json.Unmarshal(m.What, &text); err != nil {
			return nil, err
		}
		return l.vars.Evaluate(ctx, "${"+text+"}", at)
	}
	var keys []string
	if err := json.Unmarshal(m.What, &keys); err != nil {
		return nil, fmt.Errorf("resolveConfigurationProperty takes a list of keys")
	}
	n, err := l.vars.Lookup(ctx, keys)
	if err != nil || n == nil {
		return n, err
	}
	return l.vars.Evaluate(ctx, "${self:"+strings.Join(keys, ".")+", null}", at)
}

// stackPlace finds a file, line and column in a JavaScript stack.
var stackPlace = regexp.MustCompile(`(?m)(?:file://)?((?:[A-Za-z]:)?[/\\][^\s():]+):(\d+)(?::(\d+))?`)

// scriptError says where in the user's files the code failed.
func (l *loader) scriptError(file string, m scriptMessage) error {
	at := diag.Position{File: file}
	for _, g := range stackPlace.FindAllStringSubmatch(m.Stack, -1) {
		if path := filepath.Clean(g[1]); strings.HasPrefix(path, l.dir+string(filepath.Separator)) && !strings.Contains(path, "node_modules") {
			at.File = path
			at.Line, _ = strconv.Atoi(g[2])
			at.Column, _ = strconv.Atoi(g[3])
			break
		}
	}
	return diag.Errorf(at, "", "running the configuration failed: %s", m.Error)
}
