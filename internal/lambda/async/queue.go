package async

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/store"
)

// queue is the events of one function.
type queue struct {
	all      *Queues
	function string
	wake     chan struct{}
	stop     chan struct{} // closed when the function is gone

	mu      sync.Mutex
	running map[string]bool // rows that are being tried
}

func (q *queue) tell() {
	select {
	case q.wake <- struct{}{}:
	default: // it was told already
	}
}

// afterFailure is the pause after the store could not be read or written.
const afterFailure = 5 * time.Second

// run hands out events when they are due.
func (q *queue) run() {
	for {
		next, err := q.handOut(time.Now())
		if err != nil {
			q.failed(err)
			next = time.Now().Add(afterFailure)
		}
		var due <-chan time.Time
		var timer *time.Timer
		if !next.IsZero() {
			timer = time.NewTimer(time.Until(next))
			due = timer.C
		}
		select {
		case <-q.wake:
		case <-due:
		case <-q.stop:
			return
		case <-q.all.stop:
			return
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

type dueEvent struct {
	row   string
	event Event
}

// handOut starts attempts with the events that are due, as many as may run at
// once. It returns when the next one is due; zero when none is waiting, or
// when the end of an attempt will tell.
func (q *queue) handOut(now time.Time) (next time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var due []dueEvent
	var broken error
	err = q.all.cfg.Store.View(func(v store.Snapshot) error {
		return v.Scan(store.Prefix(prefixOf(q.function)), store.Ascending, func(key, value []byte) bool {
			at, number := splitRow(key)
			switch {
			case q.running[string(key)], q.all.waiting(number):
				return true
			case len(q.running)+len(due) >= q.all.cfg.Most:
				return false
			case at.After(now):
				next = at
				return false
			}
			e, err := decode(value)
			if err != nil {
				broken = err
				return true
			}
			due = append(due, dueEvent{string(key), e})
			return true
		})
	})
	for _, d := range due {
		q.running[d.row] = true
		q.all.work.Go(func() { q.take(d) })
	}
	return next, errors.Join(err, broken)
}

// take tries an event once and writes down what follows.
func (q *queue) take(d dueEvent) {
	f := q.try(d.event)
	for f.settled {
		err := q.settle(d, f)
		if err == nil {
			break
		}
		q.failed(err)
		select { // else the event would be tried again at once, over and over
		case <-time.After(afterFailure):
			continue
		case <-q.all.stop:
		}
		break
	}
	q.mu.Lock()
	delete(q.running, d.row)
	q.mu.Unlock()
	q.tell()
}

func (q *queue) failed(err error) {
	q.all.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Function: q.function, Text: "asynchronous events wait: the store fails", Err: err.Error()})
}

// follow is what follows an attempt.
type follow struct {
	settled bool   // false: nothing, the event waits for the next start
	again   *Event // to be tried again
	due     time.Time
	to      *Event // for a destination
}

const (
	// firstWait and longestWait are the pauses while there is no capacity.
	firstWait   = time.Second
	longestWait = 5 * time.Minute
)

// try runs the function once.
func (q *queue) try(e Event) follow {
	p := q.all.cfg.Policy(e.Function, e.Qualifier)
	a, err := q.all.cfg.Try(e)
	var wait time.Duration
	condition := exhausted
	switch {
	case errors.Is(err, ErrEnding):
		return follow{}
	case errors.Is(err, ErrReserved):
		return q.giveUp(p, e, a, zeroReserved)
	case errors.Is(err, ErrRefused):
		wait = longestWait
		if e.Refused < 9 {
			wait = min(firstWait<<e.Refused, longestWait)
		}
		e.Refused++
	case err != nil:
		q.note(e, "an asynchronous event could not be delivered", err)
		return q.giveUp(p, e, a, condition)
	default:
		if e.Tried++; !a.Failed {
			return q.succeed(p, e, a)
		}
		if e.Tried > p.Retries {
			return q.giveUp(p, e, a, condition)
		}
		wait = time.Duration(e.Tried) * time.Minute // one minute, then two
	}
	if time.Since(e.Accepted)+wait > p.MaxAge {
		return q.giveUp(p, e, a, ageExceeded)
	}
	return follow{settled: true, again: &e, due: time.Now().Add(wait)}
}

// settle writes what follows an attempt, all of it or nothing.
func (q *queue) settle(d dueEvent, f follow) error {
	var puts [2]struct{ row, value []byte }
	for i, e := range []*Event{f.again, f.to} {
		if e == nil {
			continue
		}
		due := f.due
		if i == 1 {
			due = e.Accepted
		}
		var err error
		if puts[i].row, puts[i].value, err = q.all.row(*e, due); err != nil {
			return err
		}
	}
	err := q.all.cfg.Store.Commit(context.Background(), func(tx store.Tx) error {
		if old, err := tx.Get([]byte(d.row)); old == nil || err != nil {
			return err // the function is gone, and its events with it
		}
		err := tx.Delete([]byte(d.row))
		for _, p := range puts {
			if p.row != nil {
				err = errors.Join(err, tx.Put(p.row, p.value))
			}
		}
		return err
	})
	if err == nil && f.to != nil {
		q.all.tell(f.to.Function)
	}
	return err
}
