// Package async keeps Lambda's asynchronous events: what is accepted is on
// disk, and stays there until the function has succeeded or the event is given
// up (Lambda Developer Guide, "Invoking a Lambda function asynchronously").
// Suiro may be killed meanwhile; an event may then be delivered twice.
//
// Each function has a queue. Its rows are in the order in which they are due,
// and only those that are being tried are in memory, so that a queue of any
// length costs nothing but disk.
package async

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/store"
)

// Event is one asynchronous event.
type Event struct {
	Function    string // name
	FunctionARN string // unqualified
	Qualifier   string // "" when it was invoked without one
	RequestID   string // the same at every attempt
	TraceID     string
	Payload     []byte
	Accepted    time.Time
	// Tried is how often the function ran, Refused how often it could not.
	Tried, Refused int
}

// Policy is what a function's EventInvokeConfig and DeadLetterConfig say.
type Policy struct {
	Retries              int
	MaxAge               time.Duration
	OnSuccess, OnFailure string // ARNs; "" for none
	DeadLetters          string // ARN of a queue or topic; "" for none
}

// Default is what applies without an EventInvokeConfig: two retries, six hours.
func Default() Policy { return Policy{Retries: 2, MaxAge: 6 * time.Hour} }

// Attempt is what came of running a function with an event.
type Attempt struct {
	Version string // that ran
	Body    []byte
	Failed  bool
}

// What an attempt may fail with when the function did not run. Any other error
// gives the event up.
var (
	// ErrEnding: Suiro ends; the event waits for the next start.
	ErrEnding = errors.New("Suiro is shutting down")
	// ErrRefused: there was no capacity; it is tried again as long as the
	// event is young enough.
	ErrRefused = errors.New("no capacity")
	// ErrReserved: the function's reserved concurrency is 0.
	ErrReserved = errors.New("the reserved concurrency is 0")
)

// Config makes Queues.
type Config struct {
	Store   *store.Store
	Journal *journal.Journal
	// Most is how many events of one function are tried at once.
	Most int
	// Policy is what applies to a function and qualifier now.
	Policy func(function, qualifier string) Policy
	// Try runs a function with an event and waits for its end.
	Try func(Event) (Attempt, error)
	// Event addresses an event to the function that a destination names; false
	// when it names none.
	Event func(destination string, payload []byte) (Event, bool)
}

// Queues are the queues of all functions. They are safe for concurrent use.
type Queues struct {
	cfg Config

	mu     sync.Mutex
	queues map[string]*queue // of functions that can be called
	last   uint64            // number of the last event
	// before is the last number of an earlier run; those wait for Resume.
	before  uint64
	resumed bool
	closed  bool
	stop    chan struct{}
	work    sync.WaitGroup
}

// Open reads what is left of earlier runs.
func Open(cfg Config) (*Queues, error) {
	q := &Queues{cfg: cfg, queues: make(map[string]*queue), stop: make(chan struct{})}
	err := cfg.Store.View(func(v store.Snapshot) error {
		return v.Scan(store.Prefix([]byte{rowEvent}), store.Ascending, func(key, _ []byte) bool {
			_, number := splitRow(key)
			q.last = max(q.last, number)
			return true
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the asynchronous events: %w", err)
	}
	q.before = q.last
	return q, nil
}

// Start makes the queue of a function that can be called from now on. Events
// of earlier runs wait for Resume, because what says how to treat them may
// still be missing.
func (q *Queues) Start(function string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.queues[function] != nil {
		return
	}
	one := &queue{all: q, function: function, wake: make(chan struct{}, 1), stop: make(chan struct{}), running: make(map[string]bool)}
	q.queues[function] = one
	q.work.Go(one.run)
}

// Resume lets events of earlier runs go.
func (q *Queues) Resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.resumed = true
	for _, one := range q.queues {
		one.tell()
	}
}

// Drop ends the queue of a function that is gone and forgets its events.
func (q *Queues) Drop(ctx context.Context, function string) error {
	q.mu.Lock()
	one := q.queues[function]
	delete(q.queues, function)
	q.mu.Unlock()
	if one != nil {
		close(one.stop)
	}
	return q.cfg.Store.Commit(ctx, func(tx store.Tx) error {
		var rows [][]byte
		err := tx.Scan(store.Prefix(prefixOf(function)), store.Ascending, func(key, _ []byte) bool {
			rows = append(rows, append([]byte(nil), key...))
			return true
		})
		for _, row := range rows {
			err = errors.Join(err, tx.Delete(row))
		}
		return err
	})
}

// Stop takes no more events and begins no more attempts.
func (q *Queues) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.stop)
	}
}

// Close stops, and waits for the attempts that run, which must be ended
// otherwise. Everything that is left is there at the next start.
func (q *Queues) Close() {
	q.Stop()
	q.work.Wait()
}

// Put accepts an event. It returns when the event is on disk.
func (q *Queues) Put(ctx context.Context, e Event) error {
	q.mu.Lock()
	closed := q.closed
	q.mu.Unlock()
	if closed {
		return ErrEnding
	}
	row, value, err := q.row(e, e.Accepted)
	if err != nil {
		return err
	}
	if err := q.cfg.Store.Commit(ctx, func(tx store.Tx) error { return tx.Put(row, value) }); err != nil {
		return err
	}
	q.tell(e.Function)
	return nil
}

// row numbers an event that is due at a time.
func (q *Queues) row(e Event, due time.Time) (row, value []byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	value, err = encode(e)
	return rowOf(e.Function, due, q.last), value, err
}

// tell wakes a function's queue.
func (q *Queues) tell(function string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if one := q.queues[function]; one != nil {
		one.tell()
	}
}

// waiting tells whether an event must wait for Resume.
func (q *Queues) waiting(number uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.resumed && number <= q.before
}
