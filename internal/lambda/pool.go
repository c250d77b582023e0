package lambda

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// pool holds a function's execution environments.
type pool struct {
	// open makes an environment for a revision and version.
	open func(rev *revision, version string, idle, started func(*environment.Environment)) (*environment.Environment, error)
	// most is how many there may be at once.
	most int
	// starts is how many may start at once: more of them than there are
	// processors for take longer together than one after the other, until none
	// is ready within the time that init has. Whoever waits is served by the
	// first that is ready.
	starts int
	// patience is how long a call waits for an environment that has answered
	// and is about to come back, before another one is started.
	patience time.Duration

	mu   sync.Mutex
	pace pace    // of environments of the revision
	idle []*slot // in the order in which they became so
	busy map[*slot]struct{}
	// starting is how many of the busy are in their first init.
	starting int
	waiters  []*waiter // first come, first served
	// reserved is ReservedConcurrentExecutions; -1 when there is none.
	reserved int
	revision *revision   // of environments worth keeping
	alarm    *time.Timer // ends the patience of waiters; made by the first that has any
	armed    bool
	closed   bool
	drained  chan struct{}  // made by close; closed when no environment is busy any more
	closing  sync.WaitGroup // environments that are being ended, and what goes on for waiters
}

// slot is an environment's place in the pool.
type slot struct {
	env      *environment.Environment
	revision *revision
	version  string
	since    time.Time // when it became idle, or busy
	idles    int       // how often its environment said that it is
	starting bool      // its first init is not over yet
	spare    bool      // starts for nobody in particular
}

// finishing is the patience of a pool. An environment comes back within
// microseconds on a quiet machine; on a busy one starting another takes longer
// than this, costs memory, and refuses calls that came one after the other to a
// function with reserved concurrency.
const finishing = 100 * time.Millisecond

var errPoolClosed = &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "Suiro is shutting down"}

// throttled is the refusal of a function at its reserved concurrency.
var throttled = &invoke.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.",
	Reason: "ReservedFunctionConcurrentInvocationLimitExceeded"}

// place makes room for an environment that is to be started. p.mu is held.
func (p *pool) place(version string) *slot {
	if len(p.busy)+len(p.idle) >= p.most { // an idle one of another version makes room
		p.retire(p.idle[0])
		p.idle = p.idle[1:]
	}
	s := &slot{revision: p.revision, version: version, starting: true}
	p.take(s)
	return s
}

// leave takes an environment out of the busy. p.mu is held.
func (p *pool) leave(s *slot) {
	if _, ok := p.busy[s]; ok && s.starting {
		p.starting--
	}
	delete(p.busy, s)
}

// start makes the environment of a slot that is taken already.
func (p *pool) start(s *slot) (*slot, error) {
	env, err := p.open(s.revision, s.version, func(*environment.Environment) { p.idled(s) }, func(*environment.Environment) { p.started(s) })
	if err != nil {
		p.drop(s)
		return nil, err
	}
	p.mu.Lock()
	s.env = env
	closed := p.closed
	p.mu.Unlock()
	if closed {
		p.drop(s)
		env.Close()
		return nil, errPoolClosed
	}
	return s, nil
}

// takeIdle finds the environment of a version that was used most: a JavaScript
// engine has compiled there what it has not elsewhere, and takes half the time
// after two thousand calls. Of those used equally often it is the last one.
// p.mu is held.
func (p *pool) takeIdle(version string) *slot {
	found := -1
	for i, s := range p.idle {
		if s.version == version && s.revision == p.revision && (found < 0 || s.idles >= p.idle[found].idles) {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	s := p.idle[found]
	p.idle = append(p.idle[:found], p.idle[found+1:]...)
	p.take(s)
	return s
}

// take notes that an environment has a call. p.mu is held.
func (p *pool) take(s *slot) {
	p.busy[s], s.since = struct{}{}, time.Now()
	if s.starting {
		p.starting++
	}
}

func (p *pool) anyFinishing() bool {
	for s := range p.busy {
		if s.env != nil && s.revision == p.revision && s.env.Finishing(s.idles) {
			return true
		}
	}
	return false
}

// idled hears that an environment can take another invocation.
func (p *pool) idled(s *slot) {
	p.mu.Lock()
	s.idles++
	s.spare = false
	if _, ok := p.busy[s]; ok && s.revision == p.revision {
		p.pace.note(time.Since(s.since), s.idles == 1)
	}
	w := p.release(s)
	p.mu.Unlock()
	if w != nil {
		w.serve(s, nil)
	}
}

// release takes an environment back that can take another invocation, and
// returns who is to be served with it once p.mu, which is held, is free.
func (p *pool) release(s *slot) *waiter {
	if _, ok := p.busy[s]; !ok {
		return nil
	}
	p.leave(s)
	if p.closed || s.revision != p.revision {
		p.retire(s)
		p.wake()
		return nil
	}
	if w := p.first(s.version); w != nil { // at once, so that nobody can come between
		p.take(s)
		p.settle(w)
		return w
	}
	s.since = time.Now()
	p.idle = append(p.idle, s)
	p.wake()
	return nil
}

// giveBack takes an environment back whose call has gone. One that has not
// started does so for whoever comes next.
func (p *pool) giveBack(s *slot) {
	p.mu.Lock()
	if s.idles == 0 {
		s.spare = true
		p.mu.Unlock()
		s.env.Warm()
		return
	}
	w := p.release(s)
	p.mu.Unlock()
	if w != nil {
		w.serve(s, nil)
	}
}

// drop forgets an environment that could not be made or is closed.
func (p *pool) drop(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(s)
	p.wake()
}

// retire ends an environment. p.mu is held.
func (p *pool) retire(s *slot) { p.closing.Go(s.env.Close) }

// replace makes rev the revision of new environments; those of others end when
// they are idle.
func (p *pool) replace(rev *revision, reserved int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision, p.reserved, p.pace = rev, reserved, pace{}
	for _, s := range p.idle {
		p.retire(s)
	}
	p.idle = nil
}

// limit sets how many environments there may be at once.
func (p *pool) limit(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most != most {
		p.most = most
		p.wake()
	}
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
	w := &waiter{version: latest, impatient: true, serve: func(s *slot, err error) {
		if err == nil {
			p.giveBack(s)
		}
	}}
	s, err := p.try(w)
	if err == nil && s != nil {
		s.env.Warm()
		return
	}
	p.forget(w) // all of them are busy, so there is one
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
	for s := range p.busy {
		if s.spare {
			p.leave(s)
			if s.env != nil { // else start sees that the pool is closed
				p.retire(s)
			}
		}
	}
	drained := make(chan struct{})
	p.drained = drained
	p.wake()
	p.mu.Unlock()
	select {
	case <-drained:
	case <-ctx.Done():
	}
	p.mu.Lock()
	for s := range p.busy {
		if s.env != nil {
			p.retire(s)
		}
	}
	clear(p.busy) // who comes back now comes too late
	p.mu.Unlock()
	p.closing.Wait()
}
