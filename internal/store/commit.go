package store

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

const (
	// queueLength bounds the writes that wait for their turn; Commit waits for
	// a place beyond it.
	queueLength = 1024
	// batchLength and batchBytes bound one transaction, so that the first
	// writer in it does not wait for an unbounded number of others.
	batchLength = 512
	batchBytes  = 16 << 20
)

// write is one function and what became of it.
type write struct {
	fn   func(Tx) error
	done chan error
	// state goes from waiting to running or to abandoned, whoever is first:
	// whoever has the turn and runs it or the caller whose context ended.
	state atomic.Int32
}

const (
	waiting = iota
	running
	abandoned
)

// committer lets those that write take turns: whoever has the turn runs all
// writes that wait, on its own goroutine, so that one that writes alone is
// never handed over to another. Nothing else opens a batch.
type committer struct {
	engine engine
	queue  chan *write
	turn   chan struct{} // holds the turn while nobody has it

	mu      sync.RWMutex // held for reading during a Commit
	stopped bool
}

func newCommitter(e engine) *committer {
	c := &committer{engine: e, queue: make(chan *write, queueLength), turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// Commit runs fn inside the next transaction and returns after it is on disk.
// When fn fails its writes are undone and Commit returns its error. fn may run
// on another goroutine but never after Commit returned; it runs once or, when
// ctx ends first or the store is closed, not at all. A failed transaction (a
// full disk) fails every function in it and leaves the store as it was.
func (s *Store) Commit(ctx context.Context, fn func(Tx) error) error {
	return s.committer.do(ctx, &write{fn: fn, done: make(chan error, 1)})
}

func (c *committer) do(ctx context.Context, w *write) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.stopped {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Enqueued by itself first, because a select may choose the turn and find
	// that nobody waits; where the queue is full, whoever comes empties it.
	queue := c.queue
	select {
	case queue <- w:
		queue = nil
	default:
	}
	for {
		select {
		case queue <- w:
			queue = nil // it waits
		case err := <-w.done:
			return err
		case <-c.turn:
			// Those who are about to queue a write, and would find the flush of
			// this one begun, do so first. Who writes alone waits for nobody.
			runtime.Gosched()
			// Those that still wait take the turn after this one.
			if first := c.next(0, 0); first != nil {
				c.commit(first)
			}
			c.turn <- struct{}{}
		case <-ctx.Done():
			if w.state.CompareAndSwap(waiting, abandoned) {
				return ctx.Err()
			}
			// Already running: its outcome is a flush away and must be told.
			return <-w.done
		}
	}
}

// stop waits until everything that has begun is answered.
func (c *committer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

// commit runs first and whatever else is waiting in one transaction. It never
// waits for company: while this transaction is flushed the queue fills, and
// that is the next one.
func (c *committer) commit(first *write) {
	b, err := c.engine.begin()
	if err != nil {
		first.answer(err)
		return
	}
	// What the functions of a batch write is held back and applied once, in
	// order: rows that each of them changes, such as a table's counts, cost the
	// engine one write.
	var (
		all     = &overlay{base: b}
		ran     []*write
		results []error
		dirty   int // bytes written
		failure error
	)
	for w := first; w != nil; w = c.next(len(ran), dirty) {
		if !w.state.CompareAndSwap(waiting, running) {
			continue
		}
		tx := &overlay{base: all}
		fnErr := call(w.fn, tx)
		ran, results = append(ran, w), append(results, fnErr)
		if fnErr == nil {
			dirty += all.absorb(tx)
		}
	}
	if dirty > 0 {
		failure = b.commit(all.writes)
	} else {
		b.rollback()
	}
	for i, w := range ran {
		// A function that failed may have failed over what an earlier one of
		// this batch wrote, so it too is told when that never came to be.
		if failure != nil {
			w.answer(fmt.Errorf("write to the store: %w", failure))
		} else {
			w.answer(results[i])
		}
	}
}

// next takes another waiting write, nil when none waits or the batch is full.
func (c *committer) next(n, dirty int) *write {
	if n >= batchLength || dirty >= batchBytes {
		return nil
	}
	select {
	case w := <-c.queue:
		return w
	default:
		return nil
	}
}

func (w *write) answer(err error) { w.done <- err }

// call runs fn; a panic in it fails this write, not the others in the batch.
func call(fn func(Tx) error, tx Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a commit: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
