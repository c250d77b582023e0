package jsonpath

import (
	"slices"
	"strconv"
)

// maxWork bounds the bytes that a search looks at, of which descents within
// descents look at many.
const maxWork = 64 << 20

// Find follows the path through a document; false when that is no JSON, or
// when the path leads nowhere. A path that is not definite gives its first
// value. Of equal names the last counts.
func (p Path) Find(doc []byte) (Value, bool) {
	v, ok := Root(doc)
	if !ok {
		return Value{}, false
	}
	if p.many {
		all := p.all(v)
		if len(all) == 0 {
			return Value{}, false
		}
		return all[0], true
	}
	for i := range p.steps {
		if v, ok = v.child(&p.steps[i]); !ok {
			return Value{}, false
		}
	}
	if p.size {
		return v.count()
	}
	return v, true
}

// All finds every value that the path leads to.
func (p Path) All(doc []byte) []Value {
	v, ok := Root(doc)
	if !ok {
		return nil
	}
	return p.all(v)
}

func (p Path) all(v Value) []Value {
	s := &search{root: v, left: maxWork}
	s.walk(v, p.steps)
	if p.size {
		return []Value{{Kind: Number, Raw: strconv.AppendInt(nil, int64(len(s.found)), 10)}}
	}
	return s.found
}

// count is length(): of a list, an object or a text.
func (v Value) count() (Value, bool) {
	n := 0
	switch v.Kind {
	case List, Object:
		n = v.length()
	case String:
		n = len([]rune(v.Text()))
	default:
		return Value{}, false
	}
	return Value{Kind: Number, Raw: strconv.AppendInt(nil, int64(n), 10)}, true
}

// child is the member or item that a step of one name or position names.
func (v Value) child(s *step) (found Value, ok bool) {
	if s.kind == byIndex && v.Kind != List || s.kind == byName && v.Kind != Object {
		return Value{}, false
	}
	index := s.index
	if index < 0 {
		index += v.length()
	}
	for m := range v.Members {
		if s.kind == byIndex && m.Position == index {
			return m.Value, true
		}
		if s.kind == byName && m.named(s.name) {
			found, ok = m.Value, true
		}
	}
	return found, ok
}

// search collects what a path leads to.
type search struct {
	root  Value
	found []Value
	left  int // of the work allowed
}

func (s *search) walk(v Value, steps []step) {
	if s.left -= len(v.Raw); s.left < 0 {
		return
	}
	if len(steps) == 0 {
		s.found = append(s.found, v)
		return
	}
	first := steps[0]
	if first.deep {
		first.deep = false
		s.descend(v, &first, steps[1:])
		return
	}
	s.take(v, &first, steps[1:])
}

// descend applies a step to a value and to everything in it.
func (s *search) descend(v Value, first *step, rest []step) {
	if s.left -= len(v.Raw); s.left < 0 {
		return
	}
	s.take(v, first, rest)
	if v.Kind == List || v.Kind == Object {
		for m := range v.Members {
			s.descend(m.Value, first, rest)
		}
	}
}

// take follows one step from a value.
func (s *search) take(v Value, first *step, rest []step) {
	if first.kind == byName || first.kind == byIndex {
		if child, ok := v.child(first); ok {
			s.walk(child, rest)
		}
		return
	}
	if v.Kind != List && v.Kind != Object {
		return
	}
	if first.kind == byFilter && v.Kind == Object { // Jayway asks the object itself
		if first.filter.holds(s, v) {
			s.walk(v, rest)
		}
		return
	}
	size := 0
	if first.kind == bySlice || first.kind == byIndexes {
		size = v.length()
	}
	for m := range v.Members {
		if s.left < 0 {
			return
		}
		if s.takes(v, m, first, size) {
			s.walk(m.Value, rest)
		}
	}
}

func (s *search) takes(v Value, m Member, by *step, size int) bool {
	switch by.kind {
	case every:
		return true
	case byFilter:
		return by.filter.holds(s, m.Value)
	case byNames:
		return v.Kind == Object && slices.Contains(by.names, m.Key.Text())
	case byIndexes:
		return v.Kind == List && (slices.Contains(by.indexes, m.Position) || slices.Contains(by.indexes, m.Position-size))
	}
	from, to := 0, size
	if by.from.set {
		from = by.from.n
	}
	if by.to.set {
		to = by.to.n
	}
	if from < 0 {
		from += size
	}
	if to < 0 {
		to += size
	}
	return v.Kind == List && m.Position >= from && m.Position < to
}
