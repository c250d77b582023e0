package environment

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/process"
)

// Bridge makes, for each life of an environment, what stands between it and a
// process that does not speak the Runtime API (package webadapter: an HTTP
// server). It is called before the process starts, and its error is that of a
// process which could not be started. It may wait, until stop closes.
type Bridge func(stop <-chan struct{}) (Link, error)

// Link serves one life.
type Link interface {
	// Command is what to start, made from the environment's own.
	Command(process.Command) process.Command
	// Serve takes events and answers them until Next returns nil; then it
	// returns. Until the first Next the life is in its init phase.
	Serve(*Session)
}

// Session is the runtime's side of a life, for a [Link]. Its methods are
// called by one goroutine.
type Session struct {
	// Context ends with the process.
	Context context.Context
	env     *Environment
	life    *life
	inv     *invocation
}

// Event is an invocation with the time at which it will be over.
type Event struct {
	Invocation
	Deadline time.Time
}

// link makes the link of a life that is about to start, if there is one.
func (e *Environment) link() (Link, error) {
	if e.cfg.Bridge == nil {
		return nil, nil
	}
	return e.cfg.Bridge(e.closing)
}

// serve runs the link of l until l ends.
func (e *Environment) serve(l *life, link Link) {
	ctx, cancel := context.WithCancel(context.Background())
	e.work.Go(func() { <-l.process.Done(); cancel() })
	link.Serve(&Session{Context: ctx, env: e, life: l})
}

// LogStream is the environment's log stream.
func (s *Session) LogStream() string { return s.env.logStream }

// Log writes a line of the platform's into the current invocation's log.
func (s *Session) Log(line string) { s.env.platform(s.inv, line) }

// Next waits for an event; nil when there will be none.
func (s *Session) Next() *Event {
	inv, refusal := s.env.next(s.life, nil)
	if inv == nil || refusal != nil {
		return nil
	}
	s.inv = inv
	return &Event{Invocation: inv.Invocation, Deadline: inv.deadline}
}

// Respond answers the event; whoever invoked reads body. abort makes reads of
// it fail. Respond returns when the body was read to its end.
func (s *Session) Respond(contentType string, body io.Reader, abort func()) {
	_, _ = s.env.respond(s.life, s.inv.RequestID, post{
		contentType: contentType,
		mode:        "streaming",
		hasMode:     true,
		length:      -1,
		body:        body,
		trailer:     func(string) string { return "" },
		abort:       abort,
	})
}

// Fail answers the event with an error, unless the process has ended or is
// about to: then its end is the error.
func (s *Session) Fail(errorType, message string) {
	t := time.NewTimer(exitNews)
	defer t.Stop()
	select {
	case <-s.life.lost:
		return
	case <-s.life.ended:
		return
	case <-s.inv.answered:
		return
	case <-t.C:
	}
	s.env.mu.Lock()
	if s.env.life == s.life && s.life.state == stateRunning {
		s.life.state = stateErrorResponse
	}
	s.env.mu.Unlock()
	body, _ := json.Marshal(struct { // strings always marshal
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message})
	s.env.fail(s.inv, &failure{outcome: invoke.FunctionError, errorType: errorType, body: body})
	s.env.sent(s.life)
}
