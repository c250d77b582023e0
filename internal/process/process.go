// Package process starts, logs, limits and surely ends child processes.
//
// A [Keeper] owns every child it starts. Each child leads a
// process group of its own, and as a rule a session, so that a Ctrl-C in the terminal reaches Suiro
// alone and a child can be ended with everything it started. What a child
// leaves behind when it exits is ended too.
//
// No child outlives Suiro, not even when Suiro is killed with SIGKILL:
//   - on Linux the kernel kills the direct child (PR_SET_PDEATHSIG);
//   - on Linux and macOS a watchdog, Suiro's own binary started a second time,
//     reads the process groups from a pipe and kills them when the pipe
//     closes, which it does however Suiro ends. On Linux it also finds those
//     that left their group, by an environment variable every child inherits;
//   - on Windows each child runs in a job object that dies with Suiro.
//
// A program that uses this package calls [Main] first thing in its main
// function, and its tests do so in TestMain: that is where the second start
// becomes the watchdog.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Command is what to start.
type Command struct {
	Path string
	Args []string // without the program's own name
	Dir  string
	Env  []string // complete; nothing is inherited
	// Output gets every line of stdout and stderr, one call at a time. It must
	// not block for long: the writes of all children wait for it.
	Output func(Line)
	// Mounts are in effect where CanMount says so, and not elsewhere.
	Mounts []Mount
	// MemoryLimit, when above zero, is the resident size in bytes at which the
	// child is killed. It counts the child alone, not what it starts, and is
	// looked at ten times a second (Linux only).
	MemoryLimit int64
	// Ended, when set, is called once the child has ended and Done is closed.
	// It must not block; it spares a goroutine that waits for Done.
	Ended func(Exit)
}

// Line is one line a child wrote, without its line end. Bytes are passed as
// they came, text or not. A line longer than [MaxLine] arrives in pieces.
type Line struct {
	Stream string // "stdout" or "stderr"
	Text   []byte // valid during the call only
}

// MaxLine is the longest line handed over in one piece: the size of one
// CloudWatch Logs event (256 KB).
const MaxLine = 256 << 10

// Exit is how a child ended.
type Exit struct {
	Code   int    // -1 when a signal ended it
	Signal string // e.g. "killed", empty when it exited by itself
	// OverLimit: it was killed because it passed Command.MemoryLimit.
	OverLimit bool
	// PeakMemory is the largest resident size it had, in bytes; 0 when the
	// system does not say.
	PeakMemory int64
	text       string
}

// String is Go's and Lambda's wording: "exit status 1", "signal: killed".
func (e Exit) String() string { return e.text }

// Process is a running child.
type Process struct {
	keeper *Keeper
	child  *os.Process // what started it, the exec.Cmd, is let go of
	group  group
	output [2]output // stdout, stderr
	// reading counts the output that has not ended.
	reading sync.WaitGroup
	peak    peak
	over    atomic.Bool
	done    chan struct{}
	exit    Exit // set before done closes

	mu     sync.Mutex
	reaped bool // its number may belong to somebody else
}

// drainTime is how long output may still arrive after everything that could
// write it was killed; only a process that hid from us can need it.
const drainTime = 500 * time.Millisecond

// Pid is the child's process id.
func (p *Process) Pid() int { return p.child.Pid }

// Done is closed once the child and what it started have ended and the last
// line was handed over.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the child ended; valid after Done.
func (p *Process) Exit() Exit { return p.exit }

// Flush hands over what the child has written so far, an unfinished line
// included, and returns when that is done. It never waits for more.
func (p *Process) Flush() {
	for i := range p.output {
		p.output[i].flush()
	}
}

// PeakMemory is the largest resident size so far in bytes, at most a quarter
// of a second old; 0 where the system does not tell (macOS, Windows).
func (p *Process) PeakMemory() int64 { return p.peak.read(p.Pid()) }

// Terminate asks the whole group to end (SIGTERM) and does not wait. On
// Windows, which has no such request for a process without a window, it kills.
func (p *Process) Terminate() { p.signal(p.group.terminate) }

// Kill ends the child and everything it started, without waiting.
func (p *Process) Kill() { p.signal(p.group.kill) }

func (p *Process) signal(send func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		send()
	}
}

// Stop terminates the child, kills it when grace has passed, and returns when
// it is gone. A grace of zero kills at once.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		p.Terminate()
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-p.done:
			return
		case <-t.C:
		}
	}
	p.Kill()
	<-p.done
}

// start makes the child; it runs on the keeper's thread.
func (k *Keeper) start(c Command) (*Process, error) {
	p := &Process{keeper: k, done: make(chan struct{})}
	k.count++
	mark := fmt.Sprintf("%s=%s.%d", markVariable, k.id, k.count)
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, append(c.Env[:len(c.Env):len(c.Env)], mark)
	cmd.SysProcAttr = attributes()
	cmd = mounted(cmd, c)
	var writers [len(p.output)]*os.File
	closeAll := func() {
		for i, w := range writers { // closing none is an error and no harm
			_ = w.Close()
			_ = p.output[i].file.Close()
		}
	}
	for i, stream := range []string{"stdout", "stderr"} {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("make a pipe for %s: %w", stream, err)
		}
		o := &p.output[i]
		o.file, o.stream, o.emit = r, stream, c.Output
		writers[i] = w
	}
	cmd.Stdout, cmd.Stderr = writers[0], writers[1]
	if err := cmd.Start(); err != nil {
		closeAll()
		return nil, err
	}
	for _, w := range writers {
		_ = w.Close()
	}
	p.child = cmd.Process
	g, err := newGroup(cmd.Process, mark)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		closeAll()
		return nil, err
	}
	p.group = g
	k.added(p)
	p.reading.Add(len(p.output))
	for i := range p.output {
		k.watcher.read(&p.output[i], p.reading.Done)
	}
	p.watch(c.MemoryLimit, c.Ended)
	return p, nil
}

// watch sees to the child's end, and that it comes when it takes too much
// memory. It is by itself so that nothing else of the command is kept.
func (p *Process) watch(limit int64, ended func(Exit)) {
	k, watched := p.keeper, make(chan struct{})
	if limit > 0 {
		k.children.Go(func() { p.watchMemory(limit, watched) })
	}
	k.children.Add(1)
	k.watcher.whenEnded(p.Pid(), func() {
		defer k.children.Done()
		p.conclude(watched, ended)
	})
}

// conclude sees the child's end through. It may wait for that, where nothing
// else does.
func (p *Process) conclude(watched chan struct{}, ended func(Exit)) {
	state, err := p.group.wait(p.child, p.ended)
	close(watched)
	p.group.sweep()
	p.finishOutput()
	p.exit = p.exitOf(state, err)
	p.keeper.removed(p)
	close(p.done)
	if ended != nil {
		ended(p.exit)
	}
}

// ended kills what the child leaves behind; its number is still its own.
func (p *Process) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.group.kill()
	p.reaped = true
}

// finishOutput waits until the pipes are empty, but not for ever: a process
// that escaped, or an Output that hangs, must not keep the child from ending.
func (p *Process) finishOutput() {
	read := make(chan struct{})
	p.keeper.children.Go(func() { p.reading.Wait(); close(read) })
	t := time.NewTimer(drainTime)
	defer t.Stop()
	select {
	case <-read:
	case <-t.C:
	}
	for i := range p.output {
		p.keeper.watcher.cut(&p.output[i], p.reading.Done)
	}
}

func (p *Process) exitOf(state *os.ProcessState, err error) Exit {
	e := Exit{OverLimit: p.over.Load()}
	if state == nil {
		e.Code, e.text = -1, fmt.Sprint(err)
		return e
	}
	e.Code, e.text = state.ExitCode(), state.String()
	e.Signal = signalName(state)
	e.PeakMemory = max(peakOf(state), p.peak.last())
	return e
}

func (p *Process) watchMemory(limit int64, ended <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if residentSize(p.Pid()) > limit {
				p.over.Store(true)
				p.Kill()
				return
			}
		}
	}
}

// peak remembers the last peak read, so that a caller who asks after each of
// thousands of invocations costs little.
type peak struct {
	mu    sync.Mutex
	at    time.Time
	bytes int64
}

func (m *peak) read(pid int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.at) > 250*time.Millisecond {
		m.at, m.bytes = now, max(m.bytes, peakResidentSize(pid))
	}
	return m.bytes
}

func (m *peak) last() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}
