// Package eventpattern is the event patterns of Amazon EventBridge, which
// event source mappings of Lambda filter with too: JSON that looks like the
// event it matches, with lists of what each field may be (Amazon EventBridge
// User Guide, "Creating Amazon EventBridge event patterns").
//
// A pattern matches an event when each of its fields does, and a field when
// one entry of its list does. Where the event has a list, one of its elements
// must match; the fields of a pattern below it must be met by the same one.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Pattern is a compiled pattern. It never changes.
type Pattern struct {
	root *object
}

// object is what a map of the event must satisfy.
type object struct {
	fields []field
	// or holds the alternatives of each $or: one of every list must match.
	or [][]*object
}

// field is one key: below it another object, or a list of conditions.
type field struct {
	name       string
	below      *object
	conditions []condition
}

// maxDepth bounds how deep patterns and events are followed.
const maxDepth = 200

var errDepth = errors.New("the pattern is nested too deeply")

// Parse compiles a pattern; the error says what is wrong with it, and where.
func Parse(text []byte) (*Pattern, error) {
	v, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("the pattern is no JSON: %w", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the pattern must be a JSON object")
	}
	root, err := parseObject(m, "", 0)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

// Decode reads JSON into the form that Match takes: numbers stay text.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("there is more behind the JSON value")
	}
	return v, nil
}

func parseObject(m map[string]any, path string, depth int) (*object, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	o := new(object)
	for name, v := range m {
		at := strings.TrimPrefix(path+"."+name, ".")
		switch v := v.(type) {
		case map[string]any:
			below, err := parseObject(v, at, depth+1)
			if err != nil {
				return nil, err
			}
			if len(v) == 0 {
				return nil, fmt.Errorf("%s: an empty object matches nothing", at)
			}
			o.fields = append(o.fields, field{name: name, below: below})
		case []any:
			if name == "$or" && isAlternatives(v) {
				alternatives, err := parseAlternatives(v, path, depth+1)
				if err != nil {
					return nil, err
				}
				o.or = append(o.or, alternatives)
				continue
			}
			conditions, err := parseConditions(v, at)
			if err != nil {
				return nil, err
			}
			o.fields = append(o.fields, field{name: name, conditions: conditions})
		default:
			return nil, fmt.Errorf("%s: a field must be matched by an object or a list", at)
		}
	}
	return o, nil
}

// isAlternatives tells a $or from a field of that name: it is a list of at
// least two patterns.
func isAlternatives(list []any) bool {
	for _, v := range list {
		if m, ok := v.(map[string]any); !ok || len(m) == 0 {
			return false
		}
	}
	return len(list) >= 2
}

func parseAlternatives(list []any, path string, depth int) (all []*object, err error) {
	for _, v := range list {
		o, err := parseObject(v.(map[string]any), path, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// MatchJSON tells whether an event, given as JSON, matches.
func (p *Pattern) MatchJSON(event []byte) bool {
	v, err := Decode(event)
	return err == nil && p.Match(v)
}

// Match tells whether an event as Decode returns it matches.
func (p *Pattern) Match(event any) bool { return p.root.match(event, 0) }

func (o *object) match(v any, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if list, ok := v.([]any); ok {
		for _, element := range list {
			if o.match(element, depth+1) {
				return true
			}
		}
		return false
	}
	m, _ := v.(map[string]any) // of another value: without any field
	for i := range o.fields {
		if !o.fields[i].match(m, depth) {
			return false
		}
	}
	for _, alternatives := range o.or {
		met := false
		for _, a := range alternatives {
			if met = a.match(m, depth+1); met {
				break
			}
		}
		if !met {
			return false
		}
	}
	return true
}

func (f *field) match(m map[string]any, depth int) bool {
	v, there := m[f.name]
	if f.below != nil {
		return f.below.match(v, depth+1)
	}
	for _, c := range f.conditions {
		if !there {
			if c.absent() {
				return true
			}
			continue
		}
		if matchValue(c, v, depth) {
			return true
		}
	}
	return false
}

// matchValue matches a leaf, or one element of a list.
func matchValue(c condition, v any, depth int) bool {
	switch v := v.(type) {
	case []any:
		if depth > maxDepth {
			return false
		}
		for _, element := range v {
			if matchValue(c, element, depth+1) {
				return true
			}
		}
		return false
	case map[string]any:
		return false // conditions are about leaves
	}
	return c.match(v)
}
