package environment

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

// beginInit starts initialize unless it runs already. e.mu is held.
func (e *Environment) beginInit() {
	if !e.initializing {
		e.initializing = true
		e.work.Go(e.initialize)
	}
}

// initialize brings the environment to where its runtime and extensions wait
// for an event: first within the init phase; when that fails, again as part of
// the invocation that needs it.
func (e *Environment) initialize() {
	defer e.released()
	defer e.cfg.Started(e)
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
		return // it is closed
	}
	over, cancel := context.WithTimeout(context.Background(), e.cfg.InitTimeout)
	defer cancel()
	f := e.bringUp(l, over.Done())
	if f == nil {
		return
	}
	if e.condemn(l) { // else it became ready in the last moment
		e.initReport(begun, f)
		e.tellInitReport(l, f)
		e.reset(l, reasonOf(f))
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
		return // it is closed, which fails inv
	}
	f := e.bringUp(l, inv.answered)
	if f == nil {
		return
	}
	if f.status != "timeout" {
		e.fail(inv, f.of(inv))
	}
	if e.condemn(l) {
		e.tellInitReport(l, f)
		e.reset(l, reasonOf(f))
	}
}

// reasonOf is why extensions are shut down after an init that failed.
func reasonOf(f *failure) string {
	if f.status == "timeout" {
		return "timeout"
	}
	return "failure"
}

// bringUp sees a life through its init and says how that failed, nil when it
// did not. over ends the time it has.
func (e *Environment) bringUp(l *life, over <-chan struct{}) *failure {
	registered := l.registered
	for {
		select {
		case <-registered:
			registered = nil
			if err := e.startRuntime(l); err != nil {
				return startFailure(err)
			}
		case <-l.ready:
			return nil
		case <-l.initFailed:
			e.letExit(l)
			return l.initError
		case <-l.lost:
			select {
			case <-l.initFailed: // and exited so fast that both are known
				return l.initError
			default:
				return l.loss
			}
		case <-l.ended: // somebody reset it
			return &failure{outcome: invoke.TimedOut, status: "timeout"}
		case <-over:
			return &failure{outcome: invoke.TimedOut, status: "timeout"}
		}
	}
}

// failInit ends an init by what the runtime or an extension says of itself; the
// first to say so counts. The runtime may be further than that. e.mu is held.
func (l *life) failInit(f *failure) {
	if l.initError != nil {
		return
	}
	l.initError = f
	if l.state == stateStarted {
		l.state = stateInitError
	}
	close(l.initFailed)
}

// startFailure is a runtime that could not be started at all.
func startFailure(err error) *failure {
	return &failure{outcome: invoke.FunctionError, errorType: "Runtime.InvalidEntrypoint", message: err.Error(), status: "error"}
}

// letExit gives a process that reported an init error the moment it needs to
// say so in its log and exit by itself.
func (e *Environment) letExit(l *life) {
	t := time.NewTimer(2 * exitNews)
	defer t.Stop()
	select {
	case <-l.lost:
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
	if !l.suppressed {
		l.initTime = took
	}
	e.tellInit(l, took)
	entry := e.entry(journal.Started)
	entry.Duration = took
	e.cfg.Journal.Publish(entry)
}

// initReport is the line a failed init leaves.
func (e *Environment) initReport(begun time.Time, f *failure) {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: init\tStatus: %s", milliseconds(time.Since(begun)), f.status)
	if f.errorType != "" {
		line += "\tError Type: " + strings.TrimSpace(f.errorType)
	}
	e.platform(nil, line)
}
