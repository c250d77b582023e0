package lambda

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// call is one invocation on its way through a pool. No goroutine goes with it:
// who asks brings it to an environment that is idle, else who frees one does,
// and whoever learns of its end tells it.
type call struct {
	waiter
	pool     *pool
	ctx      context.Context
	in       environment.Invocation
	answered func(*invoke.Result, error)
	unwatch  func() bool // ends the watch over ctx; nil without one

	mu      sync.Mutex
	over    bool   // answered was called, or is about to be
	left    bool   // by ctx
	abandon func() // lets go of the result; nil before the invocation has begun
}

// invoke runs one invocation in an environment of the pool. When it returns the
// invocation has an environment or a place in the queue, and no later call
// overtakes it. answered is called once, perhaps before that.
func (p *pool) invoke(ctx context.Context, version string, in environment.Invocation, answered func(*invoke.Result, error)) {
	c := &call{waiter: waiter{version: version}, pool: p, ctx: ctx, in: in, answered: answered}
	c.serve = c.begin
	if ctx.Done() != nil {
		c.mu.Lock() // canceled may run at once
		c.unwatch = context.AfterFunc(ctx, c.canceled)
		c.mu.Unlock()
	}
	if s, err := p.try(&c.waiter); s != nil || err != nil {
		c.begin(s, err)
	}
}

// begin runs the invocation in an environment, or ends the call with the reason
// why there is none.
func (c *call) begin(s *slot, err error) {
	for err == nil {
		if c.ctx.Err() != nil {
			c.pool.giveBack(s)
			err = fmt.Errorf("%w: %w", c.ctx.Err(), invoke.ErrQueued)
			break
		}
		var abandon func()
		if abandon, err = s.env.Start(c.in, c.complete); err == nil {
			c.begun(abandon)
			return
		}
		if !errors.Is(err, environment.ErrClosed) {
			break
		}
		c.pool.drop(s) // it was ended just now
		c.pool.reopen(&c.waiter)
		if s, err = c.pool.try(&c.waiter); s == nil && err == nil {
			return
		}
	}
	c.end(nil, err)
}

func (c *call) complete(res *invoke.Result) { c.end(res, nil) }

// begun notes how to let go of the invocation, and does when that was wanted
// meanwhile.
func (c *call) begun(abandon func()) {
	c.mu.Lock()
	c.abandon = abandon
	left := c.left
	c.mu.Unlock()
	if left {
		abandon()
	}
}

// canceled ends the call for who asked: one that waits does not begin, one that
// runs goes on to its end.
func (c *call) canceled() {
	err := c.ctx.Err()
	if c.pool.forget(&c.waiter) {
		err = fmt.Errorf("%w: %w", err, invoke.ErrQueued)
	}
	if !c.end(nil, err) {
		return
	}
	c.mu.Lock()
	c.left = true
	abandon := c.abandon
	c.mu.Unlock()
	if abandon != nil {
		abandon()
	}
}

// end tells the result; only the first one counts.
func (c *call) end(res *invoke.Result, err error) bool {
	c.mu.Lock()
	over, unwatch := c.over, c.unwatch
	c.over = true
	c.mu.Unlock()
	if over {
		return false
	}
	if unwatch != nil {
		unwatch()
	}
	c.answered(res, err)
	return true
}
