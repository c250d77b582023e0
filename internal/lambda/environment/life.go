package environment

import (
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/telemetry"
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

// life is one run of the processes. All but the channels' closing is guarded
// by the environment's mu.
type life struct {
	process     *process.Process // the runtime; nil until the external extensions have registered
	begun       time.Time
	state       state
	suppressed  bool          // this init is part of an invocation
	initTime    time.Duration // of the init phase, until an invocation reports it
	initialized bool
	ending      bool // on its way out
	parted      bool // the first departure has been taken
	concluding  bool
	// waiting takes the next event to the runtime's blocked call; nil when
	// there is none.
	waiting    waiter
	extensions map[string]*extension // those that registered, by identifier
	externals  []*extension          // those we started, in order
	shutdown   *shutdownEvent        // not nil: extensions are being shut down
	peak       int64                 // of the runtime that has ended
	hub        *telemetry.Hub
	told       *invocation // finished, and not yet reported to hub

	registered chan struct{} // closed when all external extensions have registered
	ready      chan struct{} // closed when init is over
	initFailed chan struct{} // closed by /init/error
	initError  *failure      // before initFailed closes
	lost       chan struct{} // closed when a process is gone that should not be
	loss       *failure      // before lost closes; its body is made for each invocation
	ended      chan struct{} // closed when all processes are gone

	conns  int           // connections of the runtime to the Runtime API
	silent chan struct{} // when not nil: closed when conns reaches 0
}

// departure is a process that has ended; of the runtime when extension is nil.
type departure struct {
	extension *extension
	exit      process.Exit
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

// exitNews bounds the waits between a process's end and the last it sent.
const exitNews = 250 * time.Millisecond

// start begins a life: with the external extensions when there are any, else
// with the runtime.
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
		hub:        telemetry.NewHub(),
		registered: make(chan struct{}),
		ready:      make(chan struct{}),
		initFailed: make(chan struct{}),
		lost:       make(chan struct{}),
		ended:      make(chan struct{}),
	}
	e.life = l
	e.tellInitStart(l)
	e.startExtensions(l)
	return l, nil
}

// startRuntime starts the runtime's process once the extensions are there.
func (e *Environment) startRuntime(l *life) error {
	link, err := e.link()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.ending {
		return nil // whoever ends it says why
	}
	c := e.cfg.Command
	c.Output = func(line process.Line) { e.output(l, telemetry.Function, line) }
	c.Ended = func(x process.Exit) { e.depart(l, departure{nil, x}) }
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "AWS_LAMBDA_LOG_STREAM_NAME="+e.logStream)
	port := ""
	if e.cfg.RPC {
		if port, err = freePort(); err != nil {
			return err
		}
		c.Env = append(c.Env, "_LAMBDA_SERVER_PORT="+port)
	} else {
		c.Env = append(c.Env, "AWS_LAMBDA_RUNTIME_API="+e.server.address())
	}
	if link != nil {
		c = link.Command(c)
	}
	p, err := e.cfg.Keeper.Start(c)
	if err != nil {
		return err
	}
	l.process = p
	if e.cfg.RPC {
		e.work.Go(func() { e.serveRPC(l, port) })
	}
	if link != nil {
		e.work.Go(func() { e.serve(l, link) })
	}
	return nil
}

// depart takes the end of a process of a life: the first that is not on its way
// already ends all.
func (e *Environment) depart(l *life, d departure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.parted || l.concluding {
		return
	}
	l.parted = true
	e.work.Go(func() {
		if e.miss(l, d) {
			e.end(l, "failure")
		}
	})
}

// end sees to the end of a life, if nobody does yet.
func (e *Environment) end(l *life, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !l.concluding {
		l.concluding = true
		e.work.Go(func() { e.conclude(l, reason) })
	}
}

// conclude ends a life.
func (e *Environment) conclude(l *life, reason string) {
	e.tellDone(l)
	e.shutDown(l, reason)
	l.hub.Close()
	e.mu.Lock()
	if l.process != nil {
		l.peak = l.process.Exit().PeakMemory
	}
	e.life, e.peak = nil, l.peak
	waiting, loss := l.waiting, l.loss
	l.waiting = nil
	e.mu.Unlock()
	if waiting != nil {
		waiting.take(nil)
	}
	entry := e.entry(journal.Stopped)
	if loss != nil {
		entry.Err = loss.message
	}
	e.cfg.Journal.Publish(entry)
	close(l.ended)
	e.released()
}

// miss deals with a process that has ended. It is false when its end was on
// the way already.
func (e *Environment) miss(l *life, d departure) bool {
	if d.extension == nil {
		e.hearOut(l)
	}
	e.mu.Lock()
	if l.ending {
		e.mu.Unlock()
		return false
	}
	l.ending, e.broken = true, true
	l.loss = departed(d)
	inv := e.current
	switch {
	case !l.initialized:
		inv = nil // initialize knows what to do
	case inv != nil && !inv.dispatched:
		// It came while the runtime was finishing the one before.
		e.beginInit()
		inv = nil
	}
	e.mu.Unlock()
	if inv != nil {
		e.fail(inv, l.loss.of(inv))
	}
	close(l.lost)
	return true
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
func (e *Environment) reset(l *life, reason string) {
	e.mu.Lock()
	e.broken = true
	e.mu.Unlock()
	e.end(l, reason)
	<-l.ended
}

// flush hands over what the life's processes have written so far.
func (e *Environment) flush(l *life) {
	for _, p := range e.processes(l) {
		p.Flush()
	}
}

// processes are those of a life that were started.
func (e *Environment) processes(l *life) []*process.Process {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []*process.Process
	for _, x := range l.externals {
		out = append(out, x.proc)
	}
	if l.process != nil {
		out = append(out, l.process)
	}
	return out
}

// exitMessage is Lambda's wording for the end of a runtime.
func exitMessage(x process.Exit) string {
	if x.Code == 0 {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + x.String()
}

// departed is the failure that the end of a process is. What an extension said
// about itself before it ended counts, else it crashed.
func departed(d departure) *failure {
	f := &failure{outcome: invoke.FunctionError, errorType: "Runtime.ExitError", message: exitMessage(d.exit), status: "error"}
	if d.extension != nil {
		f.errorType, f.message = "Extension.Crash", d.exit.String()
		if d.exit.Code == 0 {
			f.message = "exit code 0"
		}
		if d.extension.fault != "" {
			f.errorType = d.extension.fault
		}
		f.abort = true
	}
	return f
}

// of is the failure as an invocation meets it: the platform's message names
// the request.
func (f *failure) of(inv *invocation) *failure {
	g := *f
	if g.message != "" {
		g.body = platformError(g.errorType, inv.RequestID, g.message)
	}
	return &g
}

func (e *Environment) entry(kind journal.Kind) journal.Entry {
	return journal.Entry{Kind: kind, Resource: e.cfg.Function.LogicalID, Function: e.cfg.Function.Name}
}
