package environment

import (
	"fmt"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/process"
)

// state is the runtime's, by the names that stand in the Runtime API's 403
// answers (AWS's runtime interface emulator prints them).
type state string

const (
	stateStarted       state = "Started"
	stateInitError     state = "InitError"
	stateReady         state = "Ready"
	stateRunning       state = "Running"
	stateResponse      state = "InvocationResponse"
	stateErrorResponse state = "InvocationErrorResponse"
	stateResponseSent  state = "RuntimeResponseSentState"
)

// life is one run of the process. All but the channels' closing is guarded by
// the environment's mu.
type life struct {
	process     *process.Process
	begun       time.Time
	state       state
	suppressed  bool // this init is part of an invocation
	initialized bool
	ending      bool // killed by us, or ended already
	// waiting takes the next event to the runtime's blocked call; nil when
	// there is none.
	waiting    chan<- *invocation
	extensions map[string]*extension
	exit       process.Exit // before ended closes

	ready      chan struct{} // closed when init is over
	initFailed chan struct{} // closed by /init/error
	initError  *failure      // before initFailed closes
	ended      chan struct{} // closed when the process is gone

	conns  int           // connections to the Runtime API
	silent chan struct{} // when not nil: closed when conns reaches 0
}

// quiet tells whether the runtime and all extensions wait for an event.
func (l *life) quiet() bool {
	if l.waiting == nil {
		return false
	}
	for _, x := range l.extensions {
		if x.waiting == nil {
			return false
		}
	}
	return true
}

// internalGrace is what internal extensions have between SIGTERM and SIGKILL;
// without any extension there is no SIGTERM (Developer Guide, Shutdown phase).
const internalGrace = 500 * time.Millisecond

// exitNews bounds the waits between a process's end and the last it sent.
const exitNews = 250 * time.Millisecond

// start begins a life.
func (e *Environment) start(suppressed bool) (*life, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	l := &life{
		begun:      time.Now(),
		state:      stateStarted,
		suppressed: suppressed,
		ready:      make(chan struct{}),
		initFailed: make(chan struct{}),
		ended:      make(chan struct{}),
	}
	c := e.cfg.Command
	c.Output = e.output
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "AWS_LAMBDA_LOG_STREAM_NAME="+e.logStream)
	if !e.cfg.RPC {
		c.Env = append(c.Env, "AWS_LAMBDA_RUNTIME_API="+e.server.address())
		return l, e.run(l, c)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	c.Env = append(c.Env, "_LAMBDA_SERVER_PORT="+port)
	if err := e.run(l, c); err != nil {
		return nil, err
	}
	e.work.Go(func() { e.serveRPC(l, port) })
	return l, nil
}

// run starts the process of l. e.mu is held, so that nothing the process sends
// is looked at before l stands.
func (e *Environment) run(l *life, c process.Command) error {
	p, err := e.cfg.Keeper.Start(c)
	if err != nil {
		return err
	}
	l.process = p
	e.life = l
	e.work.Go(func() { e.await(l) })
	return nil
}

// await sees a life to its end.
func (e *Environment) await(l *life) {
	<-l.process.Done()
	e.hearOut(l)
	e.mu.Lock()
	unexpected := !l.ending
	l.ending, l.exit = true, l.process.Exit()
	e.life, e.peak = nil, l.exit.PeakMemory
	e.broken = e.broken || unexpected
	inv := e.current
	if unexpected && l.initialized && inv != nil && !inv.dispatched {
		// It came while the runtime was finishing the one before.
		e.beginInit()
		inv = nil
	}
	e.mu.Unlock()
	entry := e.entry(journal.Stopped)
	if unexpected {
		entry.Err = exitMessage(l.exit)
	}
	e.cfg.Journal.Publish(entry)
	if unexpected && l.initialized && inv != nil {
		e.fail(inv, exitFailure(inv, l.exit))
	}
	close(l.ended)
	e.released()
}

// hearOut waits until what a process sent before it ended has been read: an
// answer may still lie in a socket.
func (e *Environment) hearOut(l *life) {
	e.mu.Lock()
	if l.ending || l.conns == 0 {
		e.mu.Unlock()
		return
	}
	silent := make(chan struct{})
	l.silent = silent
	var answered chan struct{}
	if e.current != nil {
		answered = e.current.answered
	}
	if e.current != nil && e.current.response != nil {
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	t := time.NewTimer(exitNews)
	defer t.Stop()
	select {
	case <-silent:
	case <-answered:
	case <-t.C:
	}
}

// connected and disconnected are told by the transport.
func (e *Environment) connected() *life {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life != nil {
		e.life.conns++
	}
	return e.life
}

func (e *Environment) disconnected(l *life) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.conns--
	if l.conns == 0 && l.silent != nil {
		close(l.silent)
		l.silent = nil
	}
}

// reset ends a life; l.ending is set. The next init will be a suppressed one.
func (e *Environment) reset(l *life) {
	e.mu.Lock()
	e.broken = true
	grace := time.Duration(0)
	if len(l.extensions) > 0 {
		grace = internalGrace
	}
	e.mu.Unlock()
	l.process.Stop(grace)
	<-l.ended
}

// exitMessage is Lambda's wording for the end of a runtime.
func exitMessage(x process.Exit) string {
	if x.Code == 0 {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + x.String()
}

func exitFailure(inv *invocation, x process.Exit) *failure {
	return &failure{
		outcome:   invoke.FunctionError,
		errorType: "Runtime.ExitError",
		body:      platformError("Runtime.ExitError", inv.RequestID, exitMessage(x)),
		status:    "error",
	}
}

// startFailure is a process that could not be started at all.
func startFailure(inv *invocation, err error) *failure {
	return &failure{
		outcome:   invoke.FunctionError,
		errorType: "Runtime.InvalidEntrypoint",
		body:      platformError("Runtime.InvalidEntrypoint", inv.RequestID, err.Error()),
		status:    "error",
	}
}

// beginInit starts initialize unless it runs already. e.mu is held.
func (e *Environment) beginInit() {
	if !e.initializing {
		e.initializing = true
		e.work.Go(e.initialize)
	}
}

// initialize brings the environment to where its runtime waits for an event:
// first within the init phase; when that fails, again as part of the
// invocation that needs it.
func (e *Environment) initialize() {
	defer e.released()
	for {
		e.mu.Lock()
		inv, l, broken := e.current, e.life, e.broken
		up := l != nil && l.initialized && !l.ending
		if e.closed || up || broken && inv == nil {
			e.initializing = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		switch {
		case l != nil:
			<-l.ended // it was being reset
		case broken:
			e.suppressedInit(inv)
		default:
			e.initPhase()
		}
	}
}

// initPhase starts a life and gives it the time of the init phase.
func (e *Environment) initPhase() {
	begun := time.Now()
	e.platform(nil, "INIT_START Runtime Version: "+e.cfg.Function.Runtime)
	l, err := e.start(false)
	if err != nil {
		e.initReport(begun, "error", "Runtime.InvalidEntrypoint")
		e.mu.Lock()
		e.broken = true
		e.mu.Unlock()
		return
	}
	t := time.NewTimer(e.cfg.InitTimeout)
	defer t.Stop()
	status, errorType := "error", ""
	select {
	case <-l.ready:
		return
	case <-l.initFailed:
		e.letExit(l)
		errorType = l.initError.errorType
	case <-l.ended:
		errorType = "Runtime.ExitError"
	case <-t.C:
		status = "timeout"
	}
	if e.condemn(l) { // else it became ready in the last moment
		e.initReport(begun, status, errorType)
		e.reset(l)
	}
}

// suppressedInit is an init within inv and its time.
func (e *Environment) suppressedInit(inv *invocation) {
	e.mu.Lock()
	if inv.finished || inv.failure != nil {
		e.mu.Unlock()
		return
	}
	e.arm(inv)
	e.mu.Unlock()
	l, err := e.start(true)
	if err != nil {
		e.fail(inv, startFailure(inv, err))
		return
	}
	select {
	case <-l.ready:
		return
	case <-l.initFailed:
		e.letExit(l)
		e.fail(inv, l.initError)
	case <-l.ended:
		e.fail(inv, exitFailure(inv, l.exit))
	case <-inv.answered: // timed out
	}
	if e.condemn(l) {
		e.reset(l)
	}
}

// letExit gives a runtime that reported an init error the moment it needs to
// say so in its log and exit by itself.
func (e *Environment) letExit(l *life) {
	t := time.NewTimer(2 * exitNews)
	defer t.Stop()
	select {
	case <-l.ended:
	case <-t.C:
	}
}

// condemn marks a life whose init failed as ending; false when it is up.
func (e *Environment) condemn(l *life) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.initialized {
		return false
	}
	l.ending = true
	return true
}

// initialized notes that init is over. e.mu is held.
func (e *Environment) initialized(l *life) {
	l.initialized = true
	e.broken = false
	close(l.ready)
	took := time.Since(l.begun)
	if inv := e.current; inv != nil && !l.suppressed {
		inv.initTime = took
	}
	entry := e.entry(journal.Started)
	entry.Duration = took
	e.cfg.Journal.Publish(entry)
}

func (e *Environment) entry(kind journal.Kind) journal.Entry {
	return journal.Entry{Kind: kind, Resource: e.cfg.Function.LogicalID, Function: e.cfg.Function.Name}
}

// initReport is the line a failed init leaves.
func (e *Environment) initReport(begun time.Time, status, errorType string) {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: init\tStatus: %s", milliseconds(time.Since(begun)), status)
	if errorType != "" {
		line += "\tError Type: " + strings.TrimSpace(errorType)
	}
	e.platform(nil, line)
}
