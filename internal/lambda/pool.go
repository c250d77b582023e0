package lambda

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// pool holds a function's execution environments.
type pool struct {
	// open makes an environment for a revision and version.
	open func(rev *revision, version string, idle func(*environment.Environment)) (*environment.Environment, error)
	// most is how many there may be at once.
	most int

	mu      sync.Mutex
	idle    []*slot // the one used last is last
	busy    map[*slot]struct{}
	waiters []chan struct{}
	// reserved is ReservedConcurrentExecutions; -1 when there is none.
	reserved int
	revision *revision // of environments worth keeping
	closed   bool
	closing  sync.WaitGroup // environments that are being ended
}

// slot is an environment's place in the pool.
type slot struct {
	env      *environment.Environment
	revision *revision
	version  string
	since    time.Time // when it became idle
}

// finishing is how long a call waits for an environment that has answered and
// is about to come back, before another one is started: starting one takes
// longer and costs memory.
const finishing = 25 * time.Millisecond

var errPoolClosed = &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "Suiro is shutting down"}

// throttled is the refusal of a function at its reserved concurrency.
var throttled = &invoke.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded."}

// acquire takes an environment for one invocation; it comes back by itself.
func (p *pool) acquire(ctx context.Context, version string) (*slot, error) {
	var patience *time.Timer
	var lost <-chan time.Time // fires when patience is at its end
	for {
		s, wait, soon, err := p.try(version, lost != nil && patience == nil)
		if s != nil || err != nil {
			return s, err
		}
		if soon && lost == nil {
			patience = time.NewTimer(finishing)
			defer patience.Stop()
			lost = patience.C
		}
		select {
		case <-wait:
		case <-lost:
			patience = nil
			p.forget(wait)
		case <-ctx.Done():
			p.forget(wait)
			return nil, ctx.Err()
		}
	}
}

// try takes an idle environment or starts one. Without either it returns a
// channel that tells when to try again; soon means that one is on its way.
// impatient callers do not wait for those.
func (p *pool) try(version string, impatient bool) (s *slot, wait chan struct{}, soon bool, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, nil, false, errPoolClosed
	}
	if s := p.takeIdle(version); s != nil {
		p.mu.Unlock()
		return s, nil, false, nil
	}
	soon = !impatient && p.anyFinishing()
	full := len(p.busy) >= p.most
	switch {
	case p.reserved >= 0 && len(p.busy) >= p.reserved && !soon:
		p.mu.Unlock()
		return nil, nil, false, throttled
	case soon || full:
		wait = make(chan struct{}, 1)
		p.waiters = append(p.waiters, wait)
		p.mu.Unlock()
		return nil, wait, soon, nil
	}
	if len(p.busy)+len(p.idle) >= p.most { // an idle one of another version makes room
		p.retire(p.idle[0])
		p.idle = p.idle[1:]
	}
	s = &slot{revision: p.revision, version: version}
	p.busy[s] = struct{}{}
	p.mu.Unlock()
	env, err := p.open(s.revision, version, func(*environment.Environment) { p.release(s) })
	if err != nil {
		p.drop(s)
		return nil, nil, false, err
	}
	p.mu.Lock()
	s.env = env
	closed := p.closed
	p.mu.Unlock()
	if closed {
		p.drop(s)
		env.Close()
		return nil, nil, false, errPoolClosed
	}
	return s, nil, false, nil
}

// takeIdle finds the environment of a version that was used last. p.mu is held.
func (p *pool) takeIdle(version string) *slot {
	for i := len(p.idle) - 1; i >= 0; i-- {
		if s := p.idle[i]; s.version == version && s.revision == p.revision {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.busy[s] = struct{}{}
			return s
		}
	}
	return nil
}

func (p *pool) anyFinishing() bool {
	for s := range p.busy {
		if s.env != nil && s.revision == p.revision && s.env.Finishing() {
			return true
		}
	}
	return false
}

// release takes an environment back that can take another invocation.
func (p *pool) release(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.busy[s]; !ok {
		return
	}
	delete(p.busy, s)
	if p.closed || s.revision != p.revision {
		p.retire(s)
	} else {
		s.since = time.Now()
		p.idle = append(p.idle, s)
	}
	p.wake()
}

// drop forgets an environment that could not be made or is closed.
func (p *pool) drop(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, s)
	p.wake()
}

// wake lets the caller who waits longest try again. p.mu is held.
func (p *pool) wake() {
	if len(p.waiters) > 0 {
		p.waiters[0] <- struct{}{}
		p.waiters = p.waiters[1:]
	}
}

// forget stops waiting; a wake-up that came meanwhile goes to the next.
func (p *pool) forget(wait chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiters {
		if w == wait {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			return
		}
	}
	p.wake()
}

// retire ends an environment. p.mu is held.
func (p *pool) retire(s *slot) { p.closing.Go(s.env.Close) }

// replace makes rev the revision of new environments; those of others end when
// they are idle.
func (p *pool) replace(rev *revision, reserved int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision, p.reserved = rev, reserved
	for _, s := range p.idle {
		p.retire(s)
	}
	p.idle = nil
}

// reap ends environments that are idle for longer than timeout.
func (p *pool) reap(timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && time.Since(p.idle[0].since) > timeout {
		p.retire(p.idle[0])
		p.idle = p.idle[1:]
	}
}

// warm starts one environment before it is asked for.
func (p *pool) warm() {
	s, _, _, err := p.try(latest, true)
	if err == nil && s != nil {
		s.env.Warm()
	}
}

// count tells how many environments there are.
func (p *pool) count() (idle, busy int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle), len(p.busy)
}

// close takes no more calls, waits for running ones until ctx ends, and ends
// all environments.
func (p *pool) close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	for _, s := range p.idle {
		p.retire(s)
	}
	p.idle = nil
	for len(p.waiters) > 0 {
		p.wake()
	}
	for len(p.busy) > 0 && ctx.Err() == nil {
		wait := make(chan struct{}, 1)
		p.waiters = append(p.waiters, wait)
		p.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
		}
		p.mu.Lock()
	}
	for s := range p.busy {
		if s.env != nil {
			p.retire(s)
		}
	}
	clear(p.busy) // who comes back now comes too late
	p.mu.Unlock()
	p.closing.Wait()
}

// invoke runs one invocation in an environment of the pool.
func (p *pool) invoke(ctx context.Context, version string, in environment.Invocation) (*invoke.Result, error) {
	for {
		s, err := p.acquire(ctx, version)
		if err != nil {
			return nil, err
		}
		res, err := s.env.Invoke(ctx, in)
		if errors.Is(err, environment.ErrClosed) {
			p.drop(s)
			continue // it was ended just now
		}
		return res, err
	}
}
