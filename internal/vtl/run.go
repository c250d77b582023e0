package vtl

import (
	"errors"
	"strings"
)

// run is one rendering of a template.
type run struct {
	template *Template
	vars     map[string]Value
	limits   Limits
	out      []byte

	offset int // of what is being evaluated, for errors
	steps  int
	memory int
	depth  int // of macros

	returned bool
	value    Value
	regexps  map[string]*pattern
}

// How a block ends early.
var (
	errBreak = errors.New("#break outside of a #foreach")
	errStop  = errors.New("#stop")
)

func (r *run) fail(format string, args ...any) error {
	return errorAt(r.template.text, r.offset, format, args...)
}

// charge counts bytes that a run makes.
func (r *run) charge(n int) error {
	if r.memory += n; r.memory > r.limits.Memory {
		return r.fail("the template makes more than %d bytes of texts and collections", r.limits.Memory)
	}
	return nil
}

func (r *run) step() error {
	if r.steps++; r.steps > r.limits.Steps {
		return r.fail("the template takes more than %d steps", r.limits.Steps)
	}
	return nil
}

func (r *run) write(s string) error {
	if len(r.out)+len(s) > r.limits.Output {
		return r.fail("the template's output is over %d bytes", r.limits.Output)
	}
	r.out = append(r.out, s...)
	return nil
}

func (r *run) block(nodes []node) error {
	for _, n := range nodes {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.render(r); err != nil {
			return err
		}
	}
	return nil
}

func (t text) render(r *run) error { return r.write(string(t)) }

// render prints a reference's value; one without a value prints itself, or
// nothing when it is quiet.
func (f *reference) render(r *run) error {
	v, err := f.eval(r)
	if err != nil {
		return err
	}
	if v == nil {
		if f.quiet {
			return nil
		}
		return r.write(f.source)
	}
	s, err := r.text(v)
	if err != nil {
		return err
	}
	return r.write(s)
}

// render prints "\$a": an odd number of backslashes keeps a reference that is
// defined from being replaced, and one that is not prints as it is written.
func (e *escaped) render(r *run) error {
	v, err := e.ref.eval(r)
	if err != nil {
		return err
	}
	slashes := e.slashes
	if v != nil {
		slashes /= 2
	}
	if err := r.write(strings.Repeat(`\`, slashes)); err != nil {
		return err
	}
	if v == nil || e.slashes%2 == 1 {
		return r.write(e.ref.source)
	}
	return e.ref.render(r)
}

// render assigns. A value of null makes the reference undefined, as Velocity 2
// does; Velocity 1 keeps the old value, which surprises in loops.
func (s *set) render(r *run) error {
	v, err := s.value.eval(r)
	if err != nil {
		return err
	}
	r.offset = s.offset
	f := s.target
	if len(f.steps) == 0 {
		r.vars[f.name] = v
		return nil
	}
	last := f.steps[len(f.steps)-1]
	owner, err := r.follow(r.vars[f.name], f.steps[:len(f.steps)-1])
	if err != nil {
		return err
	}
	var key Value = last.name
	if last.index != nil {
		if key, err = last.index.eval(r); err != nil {
			return err
		}
	}
	switch o := owner.(type) {
	case *Map:
		k, err := r.text(key)
		if err != nil {
			return err
		}
		o.Put(k, v)
		return r.charge(len(k) + 32)
	case *List:
		if i, ok := o.position(key); ok {
			o.Items[i] = v
		}
	case Setter:
		k, err := r.text(key)
		if err != nil {
			return err
		}
		o.Set(k, v)
	}
	return nil
}

func (c *conditional) render(r *run) error {
	for _, b := range c.branches {
		if b.condition != nil {
			v, err := b.condition.eval(r)
			if err != nil {
				return err
			}
			if !truth(v) {
				continue
			}
		}
		return r.block(b.body)
	}
	return nil
}

// iteration is $foreach.
type iteration struct {
	index, size int
	parent      Value
}

func (i *iteration) Property(name string) Value {
	switch name {
	case "index":
		return int64(i.index)
	case "count":
		return int64(i.index + 1)
	case "hasNext":
		return i.index+1 < i.size
	case "first":
		return i.index == 0
	case "last":
		return i.index+1 == i.size
	case "parent":
		return i.parent
	case "topmost":
		var top Value = i
		for {
			outer, ok := top.(*iteration)
			if !ok || outer.parent == nil {
				return top
			}
			top = outer.parent
		}
	}
	return nil
}

func (i *iteration) Call(name string, args []Value) (Value, bool, error) {
	if name == "hasNext" && len(args) == 0 {
		return i.Property(name), true, nil
	}
	return nil, false, nil
}

// render goes through a list's items, or a map's values; anything else is
// skipped. What the loop defines is as before afterwards.
func (l *loop) render(r *run) error {
	over, err := l.over.eval(r)
	if err != nil {
		return err
	}
	r.offset = l.offset
	var items []Value
	switch o := over.(type) {
	case *List:
		items = o.Items
	case *Map:
		for _, key := range o.keys {
			items = append(items, o.values[key])
		}
		if err := r.charge(16 * len(items)); err != nil {
			return err
		}
	case Ranger:
		items = o.Items()
	}
	if len(items) > r.limits.Iterations {
		return r.fail("#foreach goes through %d items, at most %d are allowed", len(items), r.limits.Iterations)
	}
	defer r.restore(l.name, "foreach", "velocityCount", "velocityHasNext")()
	it := &iteration{size: len(items), parent: r.vars["foreach"]}
	for i, item := range items {
		it.index = i
		r.vars[l.name], r.vars["foreach"] = item, it
		r.vars["velocityCount"], r.vars["velocityHasNext"] = it.Property("count"), it.Property("hasNext")
		if err := r.step(); err != nil {
			return err
		}
		if err := r.block(l.body); err == errBreak {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// restore remembers variables and returns what puts them back.
func (r *run) restore(names ...string) func() {
	old := make([]Value, len(names))
	for i, name := range names {
		old[i] = r.vars[name]
	}
	return func() {
		for i, name := range names {
			if old[i] == nil {
				delete(r.vars, name)
			} else {
				r.vars[name] = old[i]
			}
		}
	}
}

// render runs a macro. Arguments are evaluated once, before the call; Velocity
// evaluates them wherever the macro mentions them. One that is missing is
// undefined.
func (c *call) render(r *run) error {
	m := r.template.macros[c.name]
	if r.depth++; r.depth > r.limits.Depth {
		r.offset = c.offset
		return r.fail("macros call one another over %d levels deep", r.limits.Depth)
	}
	defer func() { r.depth-- }()
	args := make([]Value, len(m.parameters))
	for i := range args {
		if i < len(c.args) {
			v, err := c.args[i].eval(r)
			if err != nil {
				return err
			}
			args[i] = v
		}
	}
	defer r.restore(m.parameters...)()
	for i, name := range m.parameters {
		r.vars[name] = args[i]
	}
	if err := r.block(m.body); err != errBreak {
		return err
	}
	return nil // #break leaves the macro, too
}

func (breaking) render(*run) error { return errBreak }
func (stopping) render(*run) error { return errStop }

// render ends the run with a value (AppSync resolver mapping templates).
func (n *returning) render(r *run) error {
	r.returned = true
	if n.value != nil {
		v, err := n.value.eval(r)
		if err != nil {
			return err
		}
		r.value = v
	}
	return errStop
}
