// Package environment is one Lambda execution environment: a process that runs
// a function's code, and the Runtime API it is served by, on an IPv4 loopback
// listener of its own (AWS's clients split the address at its only colon).
//
// An [Environment] takes one invocation at a time. It starts its process when
// the first one comes (or when told to [Environment.Warm] up), keeps it while
// it behaves, and resets it when it exits, times out or breaks: the process is
// killed and the next invocation initialises a new one in the same place, with
// the same temporary folder, as AWS does.
//
// Words: a life is one run of the processes, from their start to their end:
// the runtime's and those of the external extensions, with their states; an
// invocation is one event on its way.
// The Runtime API's meaning is in api.go; how its usual requests travel is
// loop.go's, all others are server.go's affair alone.
//
// Nothing here waits in the middle of a response: what a function writes is
// read from its connection by the caller's own Read.
package environment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/process"
)

// Function is what an environment must know of its function.
type Function struct {
	LogicalID  string
	Name       string
	Version    string // "$LATEST" or a number
	Runtime    string // e.g. "nodejs22.x", for INIT_START
	Handler    string
	AccountID  string
	MemorySize int // MB
	Timeout    time.Duration
}

// Config makes an environment.
type Config struct {
	Function Function
	// Command is the runtime's process. Env is complete except for what the
	// environment adds: AWS_LAMBDA_RUNTIME_API and AWS_LAMBDA_LOG_STREAM_NAME.
	// Output is the environment's.
	Command process.Command
	// RPC speaks Go's net/rpc on _LAMBDA_SERVER_PORT instead of the Runtime
	// API, for go1.x binaries built with aws-lambda-go before 1.18.0.
	RPC bool
	// Extensions are the external ones, in the order in which they start.
	Extensions []Extension
	// Bridge stands between the environment and a process that serves
	// something else than the Runtime API; nil: it speaks it.
	Bridge  Bridge
	Keeper  *process.Keeper
	Journal *journal.Journal
	// InitTimeout is how long init may take; 0 is AWS's 10 seconds.
	InitTimeout time.Duration
	// Idle is called each time the environment can take an invocation again:
	// after Warm, after every invocation and after the reset that followed one.
	Idle func(*Environment)
	// Started is called when an init is over, however it ended, before Idle.
	Started func(*Environment)
	// Closed is called at the end of Close.
	Closed func()
}

// initTimeout is the limit of the init phase (Developer Guide, Understanding
// the Lambda execution environment lifecycle).
const initTimeout = 10 * time.Second

var (
	// ErrClosed is returned by Invoke after Close.
	ErrClosed = errors.New("the execution environment is closed")
	errBusy   = errors.New("the execution environment runs another invocation")
)

// Environment is one execution environment. Its methods may be called from any
// goroutine.
type Environment struct {
	cfg       Config
	logStream string
	server    transport
	work      sync.WaitGroup // goroutines that outlive the call that began them
	closing   chan struct{}
	closeOnce sync.Once
	// logging is the invocation that output belongs to.
	logging atomic.Pointer[invocation]

	mu      sync.Mutex
	life    *life // nil: no process
	current *invocation
	// initializing: a goroutine is in initialize and will look at current.
	initializing bool
	// broken: the last life failed, so the next init is part of an invocation
	// and under the function's timeout (AWS calls it a suppressed init).
	broken bool
	// offered: Idle was called, or is about to be, and no invocation has come
	// since; offers counts those calls.
	offered bool
	offers  int
	closed  bool
	// alarm rings when the time of current may be over; alarmed: it will.
	alarm   *time.Timer
	alarmed bool
	// peak is the last life's, for the REPORT of an invocation it died in.
	peak int64
}

// New makes an environment and its listener. No process is started yet.
func New(cfg Config) (*Environment, error) {
	if cfg.InitTimeout == 0 {
		cfg.InitTimeout = initTimeout
	}
	if cfg.Idle == nil {
		cfg.Idle = func(*Environment) {}
	}
	if cfg.Started == nil {
		cfg.Started = func(*Environment) {}
	}
	if cfg.Closed == nil {
		cfg.Closed = func() {}
	}
	e := &Environment{cfg: cfg, closing: make(chan struct{})}
	e.logStream = logStream(cfg.Function.Version, time.Now())
	server, err := listen(e)
	if err != nil {
		return nil, fmt.Errorf("listen for the Runtime API of %s: %w", cfg.Function.Name, err)
	}
	e.server = server
	return e, nil
}

// logStream has the form of AWS's names: 2025/03/09/[$LATEST]0123….
func logStream(version string, now time.Time) string {
	id := awsapi.NewRequestID()
	hex := id[0:8] + id[9:13] + id[14:18] + id[19:23] + id[24:36]
	return now.UTC().Format("2006/01/02/[") + version + "]" + hex
}

// LogStream is the log stream's name.
func (e *Environment) LogStream() string { return e.logStream }

// Pid is the process id of the running life, 0 when there is none.
func (e *Environment) Pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life == nil || e.life.process == nil {
		return 0
	}
	return e.life.process.Pid()
}

// Invocation is one event for the function.
type Invocation struct {
	RequestID     string
	Payload       []byte // must not change until the invocation has ended
	InvokedARN    string // the function's ARN as it was invoked
	TraceID       string
	ClientContext []byte
	Mode          invoke.Mode
	LogTail       bool
}

// Start begins one invocation and returns: answered gets, once, what Invoke
// would have returned, from the goroutine that learns of it. That is nearly
// always the one that reads the runtime's connection, which goes on when
// answered returns; so answered must not wait for anything. It is not called
// after an error. abandon lets go of the result, the function goes on;
// answered is called all the same.
func (e *Environment) Start(in Invocation, answered func(*invoke.Result)) (abandon func(), err error) {
	inv := e.newInvocation(in, answered)
	d, err := e.accept(inv)
	if err != nil {
		return nil, err
	}
	d.make()
	return inv.abandon, nil
}

// Invoke runs one invocation, as invoke.Invoker describes. The result's
// ExecutedVersion is the function's.
func (e *Environment) Invoke(ctx context.Context, in Invocation) (*invoke.Result, error) {
	answer := make(chan *invoke.Result, 1)
	abandon, err := e.Start(in, func(res *invoke.Result) { answer <- res })
	if err != nil {
		return nil, err
	}
	select {
	case res := <-answer:
		return res, nil
	case <-ctx.Done():
		abandon()
		return nil, ctx.Err()
	}
}

// accept gives inv to the runtime when that waits for it, and otherwise sees
// to it that it soon does.
func (e *Environment) accept(inv *invocation) (d delivery, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return d, ErrClosed
	case e.current != nil:
		return d, errBusy
	}
	e.current, e.offered = inv, false
	l := e.life
	switch {
	case l == nil || !l.initialized || l.ending:
		e.beginInit()
	case l.quiet():
		d = e.dispatch(l, inv)
	default:
		// The runtime has answered and not asked for the next event yet; when
		// it does, settle dispatches. The time until then is the invocation's.
		e.arm(inv)
	}
	return d, nil
}

// Finishing tells whether the last invocation was answered and Idle will soon
// be called, which is usually a matter of microseconds: the runtime has not come
// back for the next one, or the owner, who has seen idles calls of Idle, has not
// heard of it yet.
func (e *Environment) Finishing(idles int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.life
	if e.current != nil || l == nil || !l.initialized || l.ending {
		return false
	}
	return !e.offered || e.offers != idles
}

// arm starts an invocation's clock. e.mu is held.
func (e *Environment) arm(inv *invocation) {
	if inv.armed() {
		return
	}
	inv.started = time.Now()
	inv.deadline = inv.started.Add(e.cfg.Function.Timeout)
	e.setAlarm(e.cfg.Function.Timeout)
	e.logging.Store(inv)
	inv.log("START RequestId: " + inv.RequestID + " Version: " + e.cfg.Function.Version)
}

// setAlarm sets the alarm, unless it rings anyway: all invocations have the same
// time, so that it then rings no later than it must for this one. It is not
// stopped when an invocation ends, since a timer that is set for each may wake a
// thread each time. e.mu is held.
func (e *Environment) setAlarm(after time.Duration) {
	switch {
	case e.alarmed:
		return
	case e.alarm == nil:
		e.alarm = time.AfterFunc(after, e.ring)
	default:
		e.alarm.Reset(after)
	}
	e.alarmed = true
}

// ring ends the invocation whose time is over, or goes on to wait for that.
func (e *Environment) ring() {
	e.mu.Lock()
	e.alarmed = false
	inv := e.current
	if e.closed || inv == nil || !inv.armed() {
		e.mu.Unlock()
		return
	}
	left := time.Until(inv.deadline)
	if left > 0 {
		e.setAlarm(left)
	}
	e.mu.Unlock()
	if left <= 0 {
		e.timedOut(inv)
	}
}

// dispatch hands inv to the runtime and the extensions, who all wait. e.mu is
// held.
func (e *Environment) dispatch(l *life, inv *invocation) delivery {
	e.arm(inv)
	e.tellStart(l, inv)
	inv.initTime, l.initTime = l.initTime, 0
	l.state = stateRunning
	inv.dispatched = true
	for _, x := range l.extensions {
		x.offer(inv)
	}
	d := delivery{to: l.waiting, inv: inv, apart: len(inv.Payload) > atOnce}
	if d.apart {
		e.work.Add(1)
	}
	l.waiting = nil
	return d
}

// settle is called when the runtime or an extension asked for its next event.
// Once all of them have, init is over, or the next invocation starts, or the
// environment is idle. e.mu is held.
func (e *Environment) settle(l *life) (d delivery) {
	if e.life != l || l.ending || !l.quiet() {
		return d
	}
	if !l.initialized {
		e.initialized(l)
	}
	if l.told != nil {
		e.tellFinished(l, l.told, l.told.failure, toldReport)
		l.told = nil
	}
	if inv := e.current; inv != nil && !inv.dispatched && inv.failure == nil {
		d = e.dispatch(l, inv)
	}
	return d
}

// released tells the owner that the environment is free, once, if it is.
func (e *Environment) released() {
	e.mu.Lock()
	l := e.life
	free := !e.closed && !e.offered && e.current == nil && !e.initializing &&
		(l == nil || !l.ending && l.initialized && l.quiet())
	if free {
		e.offered = true
		e.offers++
	}
	e.mu.Unlock()
	if free {
		e.cfg.Idle(e)
	}
}

// timedOut ends an invocation whose time is over. The runtime is not told: it
// is killed.
func (e *Environment) timedOut(inv *invocation) {
	e.mu.Lock()
	if e.closed || inv.finished {
		e.mu.Unlock()
		return
	}
	e.work.Add(1)
	l := e.life
	if l != nil {
		l.ending = true
	}
	e.mu.Unlock()
	defer e.work.Done()
	seconds := strconv.FormatFloat(e.cfg.Function.Timeout.Seconds(), 'f', 2, 64)
	f := &failure{
		outcome:   invoke.TimedOut,
		errorType: "Sandbox.Timedout",
		body:      platformError("Sandbox.Timedout", inv.RequestID, "Task timed out after "+seconds+" seconds"),
		status:    "timeout",
		abort:     true,
	}
	e.fail(inv, f)
	if l != nil {
		e.reset(l, "timeout")
	}
	e.finish(inv, f) // also when its reader is slow or gone
	e.released()
}

// Warm starts the process before the first invocation comes. Idle is called
// when it is ready, and also when it failed: the first invocation tries again.
func (e *Environment) Warm() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed && e.life == nil && e.current == nil {
		e.beginInit()
	}
}

// Close ends the environment: extensions get the time AWS gives them, the
// process is killed and all its connections end. An invocation still running
// fails. It returns when nothing is left.
func (e *Environment) Close() {
	e.closeOnce.Do(func() { close(e.closing) })
	e.mu.Lock()
	e.closed = true
	if e.alarm != nil {
		e.alarm.Stop()
	}
	inv, l := e.current, e.life
	if l != nil {
		l.ending = true
	}
	e.mu.Unlock()
	var f *failure
	if inv != nil {
		f = &failure{
			outcome:   invoke.FunctionError,
			errorType: "Sandbox.Failure",
			body:      platformError("Sandbox.Failure", inv.RequestID, "the execution environment was shut down"),
			status:    "error",
			abort:     true,
		}
		e.fail(inv, f)
	}
	if l != nil {
		e.reset(l, "spindown")
	}
	if inv != nil {
		e.finish(inv, f)
	}
	e.server.close()
	e.work.Wait()
	e.cfg.Closed()
}
