package lambda

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/async"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/store"
)

// Asynchronous events: what package async needs to know of functions.

// openEvents opens the queues. s.mu is held.
func (s *Service) openEvents() (err error) {
	kept := s.cfg.Store
	if kept == nil {
		s.memory = store.OpenMemory()
		kept = s.memory
	}
	s.events, err = async.Open(async.Config{
		Store: kept, Journal: s.cfg.Journal, Most: s.cfg.MaxConcurrency,
		Policy: s.policy, Try: s.tryEvent, Event: s.eventFor,
	})
	return err
}

// ResumeEvents lets the asynchronous events of earlier runs go, once the app
// is as its template says.
func (s *Service) ResumeEvents() {
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	if events != nil {
		events.Resume()
	}
}

// queueEvent accepts an asynchronous event; it is on disk when this returns.
func (s *Service) queueEvent(ctx context.Context, fn *function, qualifier string, in environment.Invocation) error {
	err := s.events.Put(ctx, async.Event{
		Function: fn.name, FunctionARN: fn.arn, Qualifier: qualifier, RequestID: in.RequestID, TraceID: in.TraceID,
		Payload: in.Payload, Accepted: time.Now(),
	})
	if errors.Is(err, async.ErrEnding) {
		return errPoolClosed
	}
	return err
}

// policy is how a function's events are treated.
func (s *Service) policy(name, qualifier string) async.Policy {
	fn := s.function(name)
	if fn == nil {
		return async.Default()
	}
	c, _ := fn.async.Get(unqualified(qualifier))
	p := c.Policy()
	p.DeadLetters = fn.current().deadLetters
	return p
}

// tryEvent runs a function with an event. Nobody cancels it: when Suiro ends,
// the pool does.
func (s *Service) tryEvent(e async.Event) (async.Attempt, error) {
	fn := s.function(e.Function)
	if fn == nil {
		return async.Attempt{}, async.ErrEnding // it was removed just now, its queue with it
	}
	version, err := fn.version(e.Qualifier)
	if err != nil {
		return async.Attempt{}, err
	}
	if fn.current().reserved == 0 {
		return async.Attempt{}, async.ErrReserved
	}
	in := fn.invocation(&invoke.Request{Type: invoke.Event, RequestID: e.RequestID, TraceID: e.TraceID, Payload: e.Payload}, e.Qualifier)
	res, err := invoke.Wait(func(answered func(*invoke.Result, error)) {
		fn.pool.invoke(context.Background(), version, in, answered)
	}, nil)
	var refused *invoke.Error
	switch {
	case errors.Is(err, error(errPoolClosed)):
		return async.Attempt{}, async.ErrEnding
	case errors.As(err, &refused) && (refused.Status == http.StatusTooManyRequests || refused.Status >= http.StatusInternalServerError):
		return async.Attempt{}, async.ErrRefused
	case err != nil:
		return async.Attempt{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return async.Attempt{}, err
	}
	return async.Attempt{Version: version, Body: body, Failed: res.End().Outcome != invoke.Complete}, nil
}

// eventFor addresses an event to a destination; only functions are.
func (s *Service) eventFor(destination string, payload []byte) (async.Event, bool) {
	arn, ok := functionDestination(destination)
	if !ok {
		return async.Event{}, false
	}
	fn, qualifier, err := s.resolve(arn, "")
	if err != nil {
		return async.Event{}, false
	}
	return async.Event{
		Function: fn.name, FunctionARN: fn.arn, Qualifier: qualifier, RequestID: awsapi.NewRequestID(), TraceID: invoke.NewTrace(time.Now()),
		Payload: payload, Accepted: time.Now(),
	}, true
}

// functionDestination is the function that a destination names, if it does.
func functionDestination(arn string) (string, bool) {
	ref, ok := parseReference(arn)
	return arn, ok && ref.region != ""
}
