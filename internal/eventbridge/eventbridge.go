// Package eventbridge is the part of Amazon EventBridge that runs without
// other services: rules with a schedule and the schedules of EventBridge
// Scheduler, both calling functions. There is no event bus.
package eventbridge

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/eventbridge/schedule"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Config makes a Service.
type Config struct {
	Region, AccountID string
	Invoker           invoke.Invoker
	Journal           *journal.Journal
}

// Service runs what is scheduled. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu    sync.Mutex
	jobs  map[string]*job // by physical id
	ended bool
}

// New makes a service without schedules.
func New(cfg Config) *Service { return &Service{cfg: cfg, jobs: make(map[string]*job)} }

// Handlers are the resource types the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{ruleType: ruleHandler{s}, scheduleType: scheduleHandler{s}}
}

// job is one schedule with its targets.
type job struct {
	resource string // logical id
	when     schedule.Schedule
	start    time.Time // nothing happens before it; zero for none
	end      time.Time // nor behind it
	caller   invoke.Caller
	targets  []target

	stop context.CancelFunc
	done chan struct{}
}

// target is a function and what it gets.
type target struct {
	function string
	event    func(at time.Time) []byte
}

var errEnded = errors.New("Suiro is shutting down")

// run replaces the job of a name; a nil job only ends the one there is.
func (s *Service) run(name string, j *job) error {
	s.mu.Lock()
	old := s.jobs[name]
	delete(s.jobs, name)
	ended := s.ended
	if j != nil && !ended {
		ctx, cancel := context.WithCancel(context.Background())
		j.stop, j.done = cancel, make(chan struct{})
		s.jobs[name] = j
		go func() {
			defer close(j.done)
			s.keep(ctx, j)
		}()
	}
	s.mu.Unlock()
	if old != nil {
		old.stop()
		<-old.done
	}
	if ended && j != nil {
		return errEnded
	}
	return nil
}

// Close ends all schedules.
func (s *Service) Close() {
	s.mu.Lock()
	s.ended = true
	all := s.jobs
	s.jobs = make(map[string]*job)
	s.mu.Unlock()
	for _, j := range all {
		j.stop()
		<-j.done
	}
}

// keep calls the targets whenever it is time, until ctx ends.
func (s *Service) keep(ctx context.Context, j *job) {
	begin := time.Now().Truncate(time.Second)
	for last := begin; ; {
		next, ok := j.when.Next(begin, last)
		if !ok || !j.end.IsZero() && next.After(j.end) {
			return
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		if last = next; !next.Before(j.start) {
			s.fire(ctx, j, next)
		}
		if now := time.Now(); now.Sub(last) > time.Minute {
			last = now // the machine slept: what was missed is not made up for
		}
	}
}

// fire calls the targets asynchronously, as EventBridge does.
func (s *Service) fire(ctx context.Context, j *job, at time.Time) {
	for _, t := range j.targets {
		res, err := s.cfg.Invoker.Invoke(ctx, &invoke.Request{Function: t.function, Type: invoke.Event, Payload: t.event(at), Caller: j.caller})
		if err != nil {
			s.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: j.resource, Text: "the schedule did not reach " + t.function, Err: err.Error()})
			continue
		}
		_ = res.Body.Close()
	}
}
