package environment

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/telemetry"
	"github.com/suiro-dev/suiro/internal/process"
)

// Extension is an external extension: an executable of a layer's extensions
// folder.
type Extension struct {
	// Name is the executable's base name, by which it must register.
	Name string
	// Command starts it; the environment adds AWS_LAMBDA_RUNTIME_API. Output is
	// the environment's.
	Command process.Command
}

// What processes have between being asked to end and being killed (Developer
// Guide, Shutdown phase). Without any extension nothing is asked.
const (
	internalGrace = 500 * time.Millisecond
	externalGrace = 2 * time.Second
	runtimeTerm   = 300 * time.Millisecond // of externalGrace
	flushGrace    = 500 * time.Millisecond // of externalGrace, for telemetry to be sent
)

// shutdownEvent is what extensions get instead of another INVOKE.
type shutdownEvent struct {
	body []byte
	sent map[*extension]bool
}

// offer gives the event to an extension that asked for its next one, once.
// env.mu is held.
func (s *shutdownEvent) offer(x *extension) {
	if x.waiting != nil && x.subscribed("SHUTDOWN") && !s.sent[x] {
		s.sent[x] = true
		x.give(s.body)
	}
}

// startExtensions starts the external extensions, in the order of their names
// as RIE reads the folder. e.mu is held: none is looked at before l stands.
func (e *Environment) startExtensions(l *life) {
	for i, given := range e.cfg.Extensions {
		if i == maxExtensions {
			e.refuseLaunch(l, given.Name, fmt.Errorf("there are %d extensions and Lambda starts at most %d", len(e.cfg.Extensions), maxExtensions))
			return
		}
		x := &extension{name: given.Name, state: extensionStarted, wanted: true}
		c := given.Command
		c.Output = func(line process.Line) { e.output(l, telemetry.Extension, line) }
		c.Env = append(c.Env[:len(c.Env):len(c.Env)], "AWS_LAMBDA_RUNTIME_API="+e.server.address())
		c.Ended = func(end process.Exit) { e.depart(l, departure{x, end}) }
		p, err := e.cfg.Keeper.Start(c)
		if err != nil {
			e.refuseLaunch(l, given.Name, err)
			return
		}
		x.proc = p
		l.externals = append(l.externals, x)
	}
	if len(l.externals) == 0 {
		close(l.registered)
	}
}

// refuseLaunch fails an init by an extension that cannot be started. e.mu is
// held.
func (e *Environment) refuseLaunch(l *life, name string, err error) {
	l.failInit(&failure{outcome: invoke.FunctionError, errorType: "Extension.LaunchError",
		message: strings.TrimSpace(name + ": " + err.Error()), status: "error"})
	l.hub.Tell("platform.extension", extensionRecord{Name: name, State: "LaunchError", Events: []string{}, ErrorType: "Extension.LaunchError"})
}

// shutDown ends the processes of a life: as AWS does, by whether there are
// extensions, and of which kind. It returns when none is left.
func (e *Environment) shutDown(l *life, reason string) {
	e.mu.Lock()
	runtime, externals, internal := l.process, l.externals, len(l.extensions) > 0
	l.ending = true
	e.mu.Unlock()
	switch {
	case len(externals) > 0:
		begun := time.Now()
		if runtime != nil {
			runtime.Stop(runtimeTerm)
		}
		l.hub.Flush(flushGrace)
		e.shutDownExtensions(l, reason, begun.Add(externalGrace))
	case runtime == nil:
	case e.cfg.Bridge != nil: // it stands for an external extension
		runtime.Stop(runtimeTerm)
	case internal:
		runtime.Stop(internalGrace)
	default:
		runtime.Stop(0)
	}
}

// shutDownExtensions tells those who want to know and kills the others, and
// those that are still there at the deadline.
func (e *Environment) shutDownExtensions(l *life, reason string, deadline time.Time) {
	body, _ := json.Marshal(struct { // texts and numbers always marshal
		EventType  string `json:"eventType"`
		Reason     string `json:"shutdownReason"`
		DeadlineMs int64  `json:"deadlineMs"`
	}{"SHUTDOWN", reason, deadline.UnixMilli()})
	e.mu.Lock()
	l.shutdown = &shutdownEvent{body, make(map[*extension]bool)}
	var asked []*process.Process
	for _, x := range l.externals {
		if !x.subscribed("SHUTDOWN") {
			x.proc.Kill()
			continue
		}
		l.shutdown.offer(x)
		asked = append(asked, x.proc)
	}
	e.mu.Unlock()
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	over := make(chan struct{})
	var kill sync.Once
	for _, p := range asked {
		select {
		case <-p.Done():
		case <-late.C:
			kill.Do(func() { close(over) })
			p.Kill()
		case <-over:
			p.Kill()
		}
	}
	for _, x := range l.externals {
		<-x.proc.Done()
	}
}
