package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tool is one run of a program that builds or fetches: go, make, npm, pip.
type Tool struct {
	Path string // a name to look up in PATH, or a path
	Args []string
	Dir  string
	Env  []string // laid over Suiro's own environment
}

// ToolError is a failed run, with what the program said.
type ToolError struct {
	Command string // as the user would type it
	Output  string // the end of stdout and stderr, together
	Err     error
}

func (e *ToolError) Error() string {
	if line := e.FirstLine(); line != "" {
		return fmt.Sprintf("%s: %v: %s", e.Command, e.Err, line)
	}
	return fmt.Sprintf("%s: %v", e.Command, e.Err)
}

func (e *ToolError) Unwrap() error { return e.Err }

// FirstLine is the first line that is not empty.
func (e *ToolError) FirstLine() string {
	for line := range strings.Lines(e.Output) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// Missing tells whether the program itself was not found.
func (e *ToolError) Missing() bool { return errors.Is(e.Err, exec.ErrNotFound) }

// maxOutput is how much of a tool's output is kept. Compilers say the first
// error first, package managers the cause last: both ends are kept.
const maxOutput = 32 << 10

// Run runs the tool to its end and returns its standard output. When ctx
// ends, the tool and everything it started are killed. Errors of the tool are
// *ToolError.
func (t Tool) Run(ctx context.Context) ([]byte, error) {
	// The kernel ends the tool with the thread that started it (see ownGroup),
	// so the thread must not end before.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, t.Path, t.Args...)
	cmd.Dir = t.Dir
	cmd.Env = append(ownEnviron(), t.Env...)
	var stdout bytes.Buffer
	both := &endsBuffer{}
	cmd.Stdout = io.MultiWriter(&stdout, both)
	cmd.Stderr = both
	// A grandchild that keeps the pipe open must not keep us.
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &ToolError{
			Command: strings.Join(append([]string{t.Path}, t.Args...), " "),
			Output:  both.String(), Err: err,
		}
	}
	return stdout.Bytes(), nil
}

// endsBuffer keeps the first and the last half of maxOutput. os/exec writes
// stdout and stderr from one goroutine each, hence the lock.
type endsBuffer struct {
	mu         sync.Mutex
	head, tail []byte
}

func (b *endsBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(p)
	if room := maxOutput/2 - len(b.head); room > 0 {
		take := min(room, len(p))
		b.head = append(b.head, p[:take]...)
		p = p[take:]
	}
	b.tail = append(b.tail, p...)
	if over := len(b.tail) - maxOutput/2; over > 0 {
		b.tail = append(b.tail[:0], b.tail[over:]...)
	}
	return n, nil
}

func (b *endsBuffer) String() string { return string(b.head) + string(b.tail) }

// ownEnviron is the user's environment without what a make that started Suiro
// tells its own children: a make of ours would take itself for one of them.
func ownEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "MAKEFLAGS" || name == "MFLAGS" || name == "MAKELEVEL" || name == "MAKEOVERRIDES"
	})
}
