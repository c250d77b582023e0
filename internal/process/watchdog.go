package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watchdogArgument is the hidden first argument that makes a second start of
// the binary the watchdog.
const watchdogArgument = "__suiro-watchdog"

// watchdogVariable is set in the watchdog's environment. A program that sees
// it and starts a Keeper all the same has not called Main.
const watchdogVariable = "_SUIRO_WATCHDOG"

// Main turns this process into the watchdog, or into a child with mounts, when
// it was started as one, and does not return then. Call it before anything else.
func Main() {
	mountMain()
	if len(os.Args) == 3 && os.Args[1] == watchdogArgument {
		watch(os.Stdin, os.Stdout, os.Args[2])
		os.Exit(0)
	}
}

// readyLine is what the watchdog says once it listens.
const readyLine = "suiro watchdog ready"

// watchdog is our end of the pipe to the watchdog process.
type watchdog struct {
	id  string
	end sync.WaitGroup

	mu     sync.Mutex
	groups map[int]struct{}
	pipe   io.WriteCloser // nil between a death and the next start
	closed bool

	answered chan struct{} // closed after the first start's answer
	err      error         // set before answered closes
}

// startWatchdog starts it and keeps it alive.
func startWatchdog(id string) (*watchdog, error) {
	w := &watchdog{id: id, groups: make(map[int]struct{}), answered: make(chan struct{})}
	if !needsWatchdog {
		close(w.answered)
		return w, nil
	}
	if os.Getenv(watchdogVariable) != "" {
		return nil, fmt.Errorf("process.Main was not called")
	}
	cmd, out, err := w.spawn()
	if err != nil {
		return nil, err
	}
	w.end.Go(func() { w.keep(cmd, out) })
	return w, nil
}

// spawn starts the watchdog process and tells it the groups there are.
func (w *watchdog) spawn() (*exec.Cmd, io.Reader, error) {
	self, err := selfPath()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, watchdogArgument, w.id)
	// A race-enabled build would otherwise wait a second before it exits.
	cmd.Env = []string{watchdogVariable + "=1", "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = watchdogAttributes()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = in.Close()
		return cmd, out, nil
	}
	w.pipe = in
	for pid := range w.groups {
		w.tell('+', pid)
	}
	return cmd, out, nil
}

// keep waits for the watchdog and starts another when it dies before its time.
func (w *watchdog) keep(cmd *exec.Cmd, out io.Reader) {
	line, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != readyLine {
		w.err = fmt.Errorf("the watchdog did not start: the program does not call process.Main first (it said %q)", line)
	}
	close(w.answered)
	if w.err != nil {
		w.closePipe()
	}
	for {
		_ = cmd.Wait()
		w.mu.Lock()
		w.pipe = nil
		over := w.closed || w.err != nil
		w.mu.Unlock()
		if over {
			return
		}
		time.Sleep(100 * time.Millisecond) // something killed it: do not race with that
		next, _, err := w.spawn()
		if err != nil {
			return
		}
		cmd = next
	}
}

// ready waits until the watchdog answered, and tells why it did not.
func (w *watchdog) ready() error {
	<-w.answered
	return w.err
}

func (w *watchdog) add(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[pid] = struct{}{}
	w.tell('+', pid)
}

func (w *watchdog) remove(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.groups, pid)
	w.tell('-', pid)
}

// tell writes one line; a pipe that broke is noticed by keep.
func (w *watchdog) tell(sign byte, pid int) {
	if w.pipe != nil {
		_, _ = fmt.Fprintf(w.pipe, "%c%d\n", sign, pid)
	}
}

func (w *watchdog) closePipe() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.pipe != nil {
		_ = w.pipe.Close()
	}
}

func (w *watchdog) close() {
	w.closePipe()
	w.end.Wait()
}

// watch is the watchdog: it follows the groups until its input ends, which is
// when Suiro does, and kills those that are left.
func watch(in io.Reader, out io.Writer, id string) {
	ignoreSignals()
	_, _ = fmt.Fprintln(out, readyLine)
	groups := make(map[int]struct{})
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		text := lines.Text()
		pid, err := strconv.Atoi(text[min(1, len(text)):])
		if err != nil || pid <= 1 {
			continue
		}
		if text[0] == '+' {
			groups[pid] = struct{}{}
		} else {
			delete(groups, pid)
		}
	}
	for pid := range groups {
		killGroup(pid)
	}
	killMarked(id)
}
