package lambda

import (
	"slices"
	"time"
)

// waiter is a call without an environment. Calls of a version are served in
// the order in which they came, also those whose patience has ended. No
// goroutine waits with it: whoever brings what it waits for serves it.
type waiter struct {
	version string
	// serve gets an environment or the reason why there is none, once, unless
	// the call is forgotten. p.mu is not held.
	serve func(*slot, error)

	// Guarded by pool.mu.
	queued    bool
	settled   bool          // served, refused or forgotten
	told      bool          // it is about to try again
	patience  time.Duration // how long it may wait before another one is started; 0: until it is served
	until     time.Time     // when that is over; zero without patience
	impatient bool          // waits no more for one that is busy
}

// try takes an idle environment or starts one; when it can do neither, or one
// will be back before another had started, w waits in the queue, and try
// returns nothing.
func (p *pool) try(w *waiter) (*slot, error) {
	p.mu.Lock()
	w.told = false
	if w.settled {
		p.mu.Unlock()
		return nil, nil
	}
	if p.closed {
		p.settle(w)
		p.mu.Unlock()
		return nil, errPoolClosed
	}
	first := p.first(w.version)
	mine := first == nil || first == w
	if mine {
		if s := p.takeIdle(w.version); s != nil {
			p.settle(w)
			p.mu.Unlock()
			return s, nil
		}
	}
	if verdict := p.judge(w, mine); verdict != start {
		if verdict == refuse {
			p.settle(w)
			p.mu.Unlock()
			return nil, throttled
		}
		p.enqueue(w)
		p.mu.Unlock()
		return nil, nil
	}
	s := p.place(w.version)
	p.settle(w)
	p.mu.Unlock()
	return p.start(s)
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
	if p.reserved < 0 && p.full() {
		return queue // before anything is looked for among hundreds that are busy, by hundreds that wait
	}
	soon := !w.impatient && p.anyFinishing()
	switch {
	case p.reserved >= 0 && len(p.busy) >= p.reserved && !soon:
		return refuse
	case soon, len(p.busy) >= p.most:
		w.patience = p.patience
		return queue
	case p.reserved < 0 && !w.impatient && p.attend(w):
		return queue
	case !mine:
		w.patience = p.patience
		return queue
	}
	return start
}

// full tells that no more environments may start now; when one of them is
// ready, everybody tries again. p.mu is held.
func (p *pool) full() bool { return p.starting >= p.starts }

// started hears that an environment's first init is over.
func (p *pool) started(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.starting {
		if _, ok := p.busy[s]; ok {
			p.starting--
		}
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
		p.tell(w)
	}
}

// enqueue lets w wait behind the others. p.mu is held.
func (p *pool) enqueue(w *waiter) {
	if !w.queued {
		w.queued = true
		p.waiters = append(p.waiters, w)
	}
	if w.patience > 0 && w.until.IsZero() {
		w.until = time.Now().Add(w.patience)
		p.arm(w.patience)
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
		p.tell(next)
	}
}

// settle ends the wait of w: nobody else serves it. p.mu is held.
func (p *pool) settle(w *waiter) {
	w.settled = true
	p.dequeue(w)
}

// tell lets w try again, in a goroutine made for that: it happens when a start
// is over or patience is, not when an environment comes back. p.mu is held.
func (p *pool) tell(w *waiter) {
	if w.told || w.settled {
		return
	}
	w.told = true
	p.closing.Go(func() {
		if s, err := p.try(w); s != nil || err != nil {
			w.serve(s, err)
		}
	})
}

// arm sets the alarm, unless it rings already. One alarm is there for all, and
// it is not stopped when they are served: a timer for each call that waits a
// moment would wake a thread for each. p.mu is held.
func (p *pool) arm(after time.Duration) {
	switch {
	case p.armed:
		return
	case p.alarm == nil:
		p.alarm = time.AfterFunc(after, p.lapse)
	default:
		p.alarm.Reset(after)
	}
	p.armed = true
}

// lapse ends the patience of those who have waited for so long.
func (p *pool) lapse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = false
	var next time.Duration
	for _, w := range p.waiters {
		if w.until.IsZero() || w.impatient {
			continue
		}
		if left := time.Until(w.until); left <= 0 {
			w.impatient = true
			p.tell(w)
		} else if next == 0 || left < next {
			next = left
		}
	}
	if next > 0 && !p.closed {
		p.arm(next)
	}
}

// wake lets everybody who waits try again: there is room for another
// environment, or there will be none. p.mu is held.
func (p *pool) wake() {
	for _, w := range p.waiters {
		p.tell(w)
	}
	if p.drained != nil && len(p.busy) == 0 {
		close(p.drained)
		p.drained = nil
	}
}

// forget takes a call out of the queue that nobody waits for any more; false
// when it has been served.
func (p *pool) forget(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.settled {
		return false
	}
	p.settle(w)
	return true
}

// reopen lets w wait again after what it was served with turned out useless.
func (p *pool) reopen(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.settled = false
}
