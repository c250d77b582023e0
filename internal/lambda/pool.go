package lambda

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

	mu      sync.Mutex
	pace    pace    // of environments of the revision
	idle    []*slot // the one used last is last
	busy    map[*slot]struct{}
	waiters []*waiter // first come, first served
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

// waiter is a call without an environment. Calls of a version are served in
// the order in which they came, also those whose patience has ended.
type waiter struct {
	version string
	// nudge says that something changed: a slot was handed over, or trying
	// again may help.
	nudge     chan struct{}
	slot      *slot // handed over; pool.mu guards it and the rest
	queued    bool
	patience  time.Duration // how long it may wait before another one is started; 0: until it is served
	impatient bool          // waits no more for one that is busy
}

// acquire takes an environment for one invocation; it comes back by itself.
// queued is called when the call has to wait and has its place in the queue.
func (p *pool) acquire(ctx context.Context, version string, queued func()) (*slot, error) {
	w := &waiter{version: version, nudge: make(chan struct{}, 1)}
	s, err := p.try(w)
	if s != nil || err != nil {
		return s, err
	}
	queued()
	var patience *time.Timer
	var over <-chan time.Time
	for {
		if patience == nil && w.patience > 0 {
			patience = time.NewTimer(w.patience)
			defer patience.Stop()
			over = patience.C
		}
		select {
		case <-w.nudge:
		case <-over:
			p.mu.Lock()
			w.impatient = true
			p.mu.Unlock()
		case <-ctx.Done():
			p.forget(w)
			return nil, ctx.Err()
		}
		if s, err := p.try(w); s != nil || err != nil {
			return s, err
		}
	}
}

// try takes an idle environment or starts one; when it can do neither, or one
// will be back before another had started, w waits in the queue.
func (p *pool) try(w *waiter) (*slot, error) {
	p.mu.Lock()
	if s := w.slot; s != nil {
		p.mu.Unlock()
		return s, nil
	}
	if p.closed {
		p.dequeue(w)
		p.mu.Unlock()
		return nil, errPoolClosed
	}
	first := p.first(w.version)
	mine := first == nil || first == w
	if mine {
		if s := p.takeIdle(w.version); s != nil {
			p.dequeue(w)
			p.mu.Unlock()
			return s, nil
		}
	}
	if verdict := p.judge(w, mine); verdict != start {
		if verdict == refuse {
			p.dequeue(w)
			p.mu.Unlock()
			return nil, throttled
		}
		p.enqueue(w)
		p.mu.Unlock()
		return nil, nil
	}
	s := p.place(w.version)
	p.dequeue(w)
	p.mu.Unlock()
	return p.start(s)
}

// place makes room for an environment that is to be started. p.mu is held.
func (p *pool) place(version string) *slot {
	if len(p.busy)+len(p.idle) >= p.most { // an idle one of another version makes room
		p.retire(p.idle[0])
		p.idle = p.idle[1:]
	}
	s := &slot{revision: p.revision, version: version, since: time.Now(), starting: true}
	p.busy[s] = struct{}{}
	return s
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

// first is who waits longest for an environment of a version. p.mu is held.
func (p *pool) first(version string) *waiter {
	for _, w := range p.waiters {
		if w.version == version {
			return w
		}
	}
	return nil
}

// verdict is what becomes of a call for which no environment is idle.
type verdict int

const (
	start  verdict = iota // another environment
	queue                 // until one comes back
	refuse                // the reserved concurrency is used up
)

// judge decides about a call for which no environment is idle; mine: nobody is
// before it. It says how long the call may wait. p.mu is held.
func (p *pool) judge(w *waiter, mine bool) verdict {
	w.patience = 0
	if len(p.busy) >= p.most && p.reserved < 0 {
		return queue // for as long as it takes
	}
	soon := !w.impatient && p.anyFinishing()
	switch {
	case p.reserved >= 0 && len(p.busy) >= p.reserved && !soon:
		return refuse
	case soon, len(p.busy) >= p.most:
		w.patience = p.patience
		return queue
	case p.reserved < 0 && (p.full() || !w.impatient && p.attend(w)):
		return queue
	case !mine:
		w.patience = p.patience
		return queue
	}
	return start
}

// full tells that no more environments may start now; when one of them is
// ready, everybody tries again. p.mu is held.
func (p *pool) full() bool {
	n := 0
	for s := range p.busy {
		if s.starting {
			n++
		}
	}
	return n >= p.starts
}

// started hears that an environment's first init is over.
func (p *pool) started(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.starting {
		s.starting = false
		p.wake()
	}
}

// attend sees that one environment starts for each call that waits, and tells
// whether w is served by the first of them, or of those that are busy now,
// before one that were started for it alone. Reserved concurrency counts calls,
// not environments, and has none that start for nobody. p.mu is held.
func (p *pool) attend(w *waiter) bool {
	waiting, spares, busy, oldest := 0, 0, 0, time.Now()
	for _, other := range p.waiters {
		if other.version == w.version {
			waiting++
		}
	}
	if !w.queued {
		waiting++
	}
	for s := range p.busy {
		switch {
		case s.version != w.version || s.revision != p.revision: // does not come back for w
		case s.spare:
			spares++
		default:
			busy++
			if s.since.Before(oldest) {
				oldest = s.since
			}
		}
	}
	if spares >= waiting {
		return true
	}
	if !p.pace.worth(waiting, busy, time.Since(oldest)) {
		return false
	}
	s := p.place(w.version)
	s.spare = true
	p.closing.Go(func() { p.startSpare(s) })
	return true
}

// startSpare starts an environment for whoever waits when it is ready. When it
// cannot be made, who waits tries for himself and hears why.
func (p *pool) startSpare(s *slot) {
	if _, err := p.start(s); err == nil {
		s.env.Warm()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiters {
		w.impatient = true
		w.tell()
	}
}

// enqueue lets w wait behind the others. p.mu is held.
func (p *pool) enqueue(w *waiter) {
	if !w.queued {
		w.queued = true
		p.waiters = append(p.waiters, w)
	}
}

// dequeue takes w out of the queue. The next one may have lost its patience
// while it was not its turn. p.mu is held.
func (p *pool) dequeue(w *waiter) {
	if !w.queued {
		return
	}
	w.queued = false
	p.waiters = slices.Delete(p.waiters, slices.Index(p.waiters, w), slices.Index(p.waiters, w)+1)
	if next := p.first(w.version); next != nil && next.impatient {
		next.tell()
	}
}

func (w *waiter) tell() {
	select {
	case w.nudge <- struct{}{}:
	default: // it was told already
	}
}

// takeIdle finds the environment of a version that was used last. p.mu is held.
func (p *pool) takeIdle(version string) *slot {
	for i := len(p.idle) - 1; i >= 0; i-- {
		if s := p.idle[i]; s.version == version && s.revision == p.revision {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.take(s)
			return s
		}
	}
	return nil
}

// take notes that an environment has a call. p.mu is held.
func (p *pool) take(s *slot) {
	p.busy[s], s.since = struct{}{}, time.Now()
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
	defer p.mu.Unlock()
	s.idles++
	s.spare = false
	if _, ok := p.busy[s]; ok && s.revision == p.revision {
		p.pace.note(time.Since(s.since), s.idles == 1)
	}
	p.release(s)
}

// release takes an environment back that can take another invocation. p.mu is
// held.
func (p *pool) release(s *slot) {
	if _, ok := p.busy[s]; !ok {
		return
	}
	delete(p.busy, s)
	if p.closed || s.revision != p.revision {
		p.retire(s)
		p.wake()
		return
	}
	if w := p.first(s.version); w != nil { // at once, so that nobody can come between
		p.take(s)
		w.slot = s
		p.dequeue(w)
		w.tell()
		return
	}
	s.since = time.Now()
	p.idle = append(p.idle, s)
	p.wake()
}

// drop forgets an environment that could not be made or is closed.
func (p *pool) drop(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, s)
	p.wake()
}

// wake lets everybody who waits try again: there is room for another
// environment. p.mu is held.
func (p *pool) wake() {
	for _, w := range p.waiters {
		w.tell()
	}
}

// forget stops waiting. What was handed over meanwhile goes to the next.
func (p *pool) forget(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dequeue(w)
	if w.slot != nil {
		p.release(w.slot)
	}
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
	w := &waiter{version: latest, nudge: make(chan struct{}, 1), impatient: true}
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
			delete(p.busy, s)
			if s.env != nil { // else start sees that the pool is closed
				p.retire(s)
			}
		}
	}
	last := &waiter{nudge: make(chan struct{}, 1), queued: true}
	p.waiters = append(p.waiters, last)
	p.wake()
	for len(p.busy) > 0 && ctx.Err() == nil {
		p.mu.Unlock()
		select {
		case <-last.nudge:
		case <-ctx.Done():
		}
		p.mu.Lock()
	}
	p.dequeue(last)
	for s := range p.busy {
		if s.env != nil {
			p.retire(s)
		}
	}
	clear(p.busy) // who comes back now comes too late
	p.mu.Unlock()
	p.closing.Wait()
}

// invoke runs one invocation in an environment of the pool. accepted is called
// once the invocation has an environment or a place in the queue; no later call
// overtakes it then.
func (p *pool) invoke(ctx context.Context, version string, in environment.Invocation, accepted func()) (*invoke.Result, error) {
	once := func() {
		if accepted != nil {
			accepted()
			accepted = nil
		}
	}
	for {
		s, err := p.acquire(ctx, version, once)
		if err != nil {
			return nil, err
		}
		once()
		res, err := s.env.Invoke(ctx, in)
		if errors.Is(err, environment.ErrClosed) {
			p.drop(s)
			continue // it was ended just now
		}
		return res, err
	}
}
