//go:build linux

package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the program that TestNothingSurvivesSIGKILL kills.
func TestMain(m *testing.M) {
	Main()
	if file := os.Getenv("PROCESS_TEST_PARENT"); file != "" {
		parent(file)
	}
	goleak.VerifyTestMain(m)
}

// shell runs a script and collects its lines.
func shell(t *testing.T, k *Keeper, script string, change ...func(*Command)) (*Process, *lines) {
	t.Helper()
	l := &lines{}
	c := Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Output: l.add}
	for _, f := range change {
		f(&c)
	}
	p, err := k.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	return p, l
}

func keeper(t *testing.T) *Keeper {
	t.Helper()
	k, err := NewKeeper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := k.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return k
}

type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line.Stream+":"+string(line.Text))
}

func (l *lines) get() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.all...)
}

// await waits for a line; the deadline only ends a test that failed.
func (l *lines) await(t *testing.T, want string) {
	t.Helper()
	within(t, "line "+want, func() bool {
		for _, got := range l.get() {
			if got == want {
				return true
			}
		}
		return false
	})
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestExit(t *testing.T) {
	k := keeper(t)
	for _, c := range []struct{ name, script, want, signal string }{
		{"zero", "exit 0", "exit status 0", ""},
		{"status", "exit 3", "exit status 3", ""},
		{"command not found", "exec /does/not/exist 2>/dev/null", "exit status 127", ""},
		{"killed", "kill -9 $$", "signal: killed", "killed"},
		{"terminated", "kill -15 $$", "signal: terminated", "terminated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := shell(t, k, c.script)
			<-p.Done()
			if got := p.Exit(); got.String() != c.want || got.Signal != c.signal {
				t.Errorf("exit %q, signal %q; want %q, %q", got, got.Signal, c.want, c.signal)
			}
			if p.Exit().PeakMemory == 0 {
				t.Error("peak memory is unknown")
			}
		})
	}
}

func TestStartReportsWhatCannotRun(t *testing.T) {
	_, err := keeper(t).Start(Command{Path: "/does/not/exist"})
	if err == nil || !strings.Contains(err.Error(), "fork/exec /does/not/exist: no such file or directory") {
		t.Errorf("error %v", err)
	}
}

func TestOutput(t *testing.T) {
	k := keeper(t)
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"lines", `echo a; echo b`, []string{"stdout:a", "stdout:b"}},
		{"no newline at the end", `printf 'a\nb'`, []string{"stdout:a", "stdout:b"}},
		{"empty lines", `printf '\n\nx\n'`, []string{"stdout:", "stdout:", "stdout:x"}},
		{"carriage return", `printf 'a\r\nb\r\n'`, []string{"stdout:a", "stdout:b"}},
		{"stderr", `echo oops >&2`, []string{"stderr:oops"}},
		{"binary", `printf '\000\377\001\nz\n'`, []string{"stdout:\x00\xff\x01", "stdout:z"}},
		{"nothing", ``, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, l := shell(t, k, c.script)
			<-p.Done()
			if got := l.get(); strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLongLineArrivesInPieces(t *testing.T) {
	p, l := shell(t, keeper(t), fmt.Sprintf(`head -c %d /dev/zero | tr '\0' x; echo; echo end`, 2*MaxLine+10))
	<-p.Done()
	var sizes []int
	for _, line := range l.get() {
		sizes = append(sizes, len(line)-len("stdout:"))
	}
	if want := []int{MaxLine, MaxLine, 10, 3}; fmt.Sprint(sizes) != fmt.Sprint(want) {
		t.Errorf("pieces of %v bytes, want %v", sizes, want)
	}
}

func TestFlushHandsOverWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	p, l := shell(t, keeper(t), `echo whole; printf part; touch written; sleep 60`,
		func(c *Command) { c.Dir = dir })
	within(t, "the child's writes", func() bool { _, err := os.Stat(filepath.Join(dir, "written")); return err == nil })
	p.Flush()
	if got := fmt.Sprint(l.get()); got != "[stdout:whole stdout:part]" {
		t.Errorf("after Flush: %s", got)
	}
	p.Stop(0)
}

func TestFlushReturnsWhileTheChildWritesOn(t *testing.T) {
	p, l := shell(t, keeper(t), `yes`)
	within(t, "output", func() bool { return len(l.get()) > 0 })
	p.Flush()
	p.Stop(0)
}

func TestStopGivesTimeToEnd(t *testing.T) {
	p, l := shell(t, keeper(t), `trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done`)
	l.await(t, "stdout:up")
	p.Stop(20 * time.Second)
	if got := p.Exit().String(); got != "exit status 7" {
		t.Errorf("ended with %q", got)
	}
	l.await(t, "stdout:bye")
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	p, l := shell(t, keeper(t), `trap '' TERM; echo up; while :; do sleep 0.01; done`)
	l.await(t, "stdout:up")
	p.Stop(50 * time.Millisecond)
	if got := p.Exit().String(); got != "signal: killed" {
		t.Errorf("ended with %q", got)
	}
}

// A child's family ends with it, in its group, out of its group (job control)
// or as a daemon in a session of its own.
func TestGrandchildrenEndWithTheChild(t *testing.T) {
	k := keeper(t)
	for _, c := range []struct{ name, spawn string }{
		{"in the group", `sleep 600 & echo $!`},
		{"in a group of its own", `set -m 2>/dev/null; sleep 600 & echo $!`},
		{"as a daemon", `setsid sh -c 'echo $$; exec sleep 600' &`},
		{"holding stdout while ignoring TERM", `(trap '' TERM; sleep 600) & echo $!`},
	} {
		for _, end := range []string{"exits", "is killed"} {
			t.Run(c.name+", child "+end, func(t *testing.T) {
				script := c.spawn + "\nread x; exit 0"
				if end == "exits" {
					script = c.spawn + "\nsleep 0.2; exit 0"
				}
				p, l := shell(t, k, script, func(c *Command) {
					if end != "exits" {
						c.Args[1] = strings.Replace(c.Args[1], "read x", "sleep 600", 1)
					}
				})
				within(t, "a grandchild", func() bool { return len(l.get()) > 0 })
				pid, err := strconv.Atoi(strings.TrimPrefix(l.get()[0], "stdout:"))
				if err != nil {
					t.Fatal(err)
				}
				if end == "is killed" {
					p.Kill()
				}
				<-p.Done()
				within(t, "the grandchild's end", func() bool { return gone(pid) })
			})
		}
	}
}

// gone tells whether a process has ended; a zombie counts.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return len(state) > 0 && state[0] == 'Z'
}

func TestCloseEndsEverything(t *testing.T) {
	k := keeper(t)
	p, l := shell(t, k, `sleep 600 & echo $!; sleep 600`)
	within(t, "a line", func() bool { return len(l.get()) == 1 })
	if err := k.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if _, err := k.Start(Command{Path: "/bin/true"}); err != ErrClosed {
		t.Errorf("Start after Close: %v", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("fills memory for half a second")
	}
	p, _ := shell(t, keeper(t), `a=$(head -c 60000000 /dev/zero | tr '\0' x); b=$a$a; sleep 600`,
		func(c *Command) { c.MemoryLimit = 40 << 20 })
	<-p.Done()
	if e := p.Exit(); !e.OverLimit || e.Signal != "killed" {
		t.Errorf("exit %v, over limit %v", e, e.OverLimit)
	}
}

func TestWatchdogIsReplaced(t *testing.T) {
	k := keeper(t)
	p, _ := shell(t, k, "sleep 600")
	pid := watchdogPid(t, k.id)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, "another watchdog", func() bool {
		other := findWatchdog(k.id)
		return other != 0 && other != pid
	})
	p.Stop(0)
}

func watchdogPid(t *testing.T, id string) (pid int) {
	t.Helper()
	if _, err := exec.LookPath("pgrep"); err != nil {
		t.Skip("pgrep is not installed")
	}
	within(t, "the watchdog", func() bool { pid = findWatchdog(id); return pid != 0 })
	return pid
}

func findWatchdog(id string) int {
	out, _ := exec.Command("pgrep", "-f", watchdogArgument+" "+id).Output()
	pid, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	return pid
}

// parent starts families of every kind, writes their process ids to a file and
// waits to be killed.
func parent(file string) {
	k, err := NewKeeper()
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	_, err = k.Start(Command{
		Path: "/bin/sh",
		Args: []string{"-c", `echo $$
			sleep 600 & echo $!
			sh -c 'trap "" TERM HUP; sleep 600 & echo $!; echo $$; wait' &
			setsid sh -c 'echo $$; exec sleep 600' &
			sleep 0.5; echo all; wait`},
		Env: []string{"PATH=/usr/bin:/bin"},
		Output: func(l Line) {
			mu.Lock()
			defer mu.Unlock()
			f, _ := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			_, _ = fmt.Fprintf(f, "%s\n", l.Text)
			_ = f.Close()
		},
	})
	if err != nil {
		panic(err)
	}
	select {}
}

func TestNothingSurvivesSIGKILL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROCESS_TEST_PARENT="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	within(t, "the family", func() bool {
		data, _ := os.ReadFile(file)
		pids = nil
		for _, f := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
		return strings.Contains(string(data), "all")
	})
	if len(pids) != 5 {
		t.Fatalf("family of %v", pids)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, pid := range pids {
		within(t, fmt.Sprintf("the end of %d", pid), func() bool { return gone(pid) })
	}
}
