package stack

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
)

// apply is one run over a template's resources.
type apply struct {
	stack    *Stack
	template *template.Template
	bound    *template.Bound
	results  map[string]*result // complete before any goroutine starts

	mu       sync.Mutex // guards messages, and bound, which is not concurrent
	messages diag.List
}

// result is one resource's outcome; done is closed when it is known.
type result struct {
	done chan struct{}
	err  error
}

// errNotMade marks a resource whose own dependency failed: the cause is told
// there, and is not repeated.
var errNotMade = errors.New("something it needs was not made")

// run starts every resource at once; each waits for what it needs. Handlers
// that build code take the time of the slowest, not of all.
func (a *apply) run(ctx context.Context, order []*template.Resource) {
	for _, r := range order {
		a.results[r.LogicalID] = &result{done: make(chan struct{})}
	}
	var wg sync.WaitGroup
	for _, r := range order {
		wg.Go(func() {
			res := a.results[r.LogicalID]
			defer close(res.done)
			res.err = a.one(ctx, r)
		})
	}
	wg.Wait()
}

func (a *apply) one(ctx context.Context, r *template.Resource) error {
	a.mu.Lock()
	needs := a.bound.Dependencies(r)
	a.mu.Unlock()
	for _, id := range needs {
		dep := a.results[id]
		if dep == nil || id == r.LogicalID {
			continue
		}
		<-dep.done // order has no cycle, so this ends
		if dep.err != nil {
			return errNotMade
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	props, msgs := a.bound.Resolve(r.Properties)
	a.messages.Add(msgs...)
	spec := a.stack.spec(a.template, a.bound, r, props)
	a.mu.Unlock()
	if msgs.HasErrors() {
		return errNotMade // said among the messages
	}
	checked := a.stack.checkSpec(spec)
	a.mu.Lock()
	a.messages.Add(checked...)
	a.mu.Unlock()
	if checked.HasErrors() {
		return errNotMade
	}
	return a.make(ctx, r, spec)
}

func (a *apply) make(ctx context.Context, r *template.Resource, spec resource.Spec) error {
	h := a.stack.config.Handler(r.Type)
	a.stack.mu.Lock()
	before := a.stack.made[r.LogicalID]
	a.stack.mu.Unlock()

	var instance *resource.Instance
	var err error
	switch {
	case before != nil && before.spec.Type != r.Type:
		if err := a.stack.config.Handler(before.spec.Type).Delete(ctx, before.spec, before.instance); err != nil {
			return fmt.Errorf("replacing %s (%s): %w", r.LogicalID, before.spec.Type, err)
		}
		instance, err = h.Create(ctx, spec)
	case before == nil:
		instance, err = h.Create(ctx, spec)
	case before.spec.Properties.Equal(spec.Properties) && before.spec.Metadata.Equal(spec.Metadata) && before.spec.Dir == spec.Dir && !stale(h, before.instance):
		instance = before.instance
	default:
		instance, err = h.Update(ctx, spec, before.instance, before.spec.Properties)
	}
	if err != nil {
		return explain(spec, err)
	}
	a.stack.mu.Lock()
	defer a.stack.mu.Unlock()
	if a.stack.made[r.LogicalID] == nil {
		a.stack.order = append(a.stack.order, r.LogicalID)
	}
	a.stack.made[r.LogicalID] = &made{spec: spec, instance: instance, retain: r.DeletionPolicy == "Retain"}
	return nil
}

// stale tells whether a resource is made of more than its properties say, and
// of that something changed.
func stale(h resource.Handler, i *resource.Instance) bool {
	s, ok := h.(resource.Staler)
	return ok && s.Stale(i)
}

// explain gives an error the resource's name and place, unless it has a place
// of its own.
func explain(spec resource.Spec, err error) error {
	var m *diag.Message
	var l diag.List
	if errors.As(err, &m) || errors.As(err, &l) || errors.Is(err, context.Canceled) {
		return err
	}
	return diag.Errorf(spec.Pos, spec.LogicalID, "%v", err)
}

// failures joins what failed, in template order, each cause once. Failures
// that are messages already do not repeat: those of Resolve and Check are
// among the messages, so the list of them stands in for the error.
func (a *apply) failures(order []*template.Resource) error {
	var errs []error
	for _, r := range order {
		if err := a.results[r.LogicalID].err; err != nil && !errors.Is(err, errNotMade) {
			errs = append(errs, err)
		}
	}
	if err := a.messages.Err(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
