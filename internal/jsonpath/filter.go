package jsonpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// condition is a filter, or a part of one.
type condition interface {
	holds(s *search, item Value) bool
}

type (
	anyOf      struct{ left, right condition }
	allOf      struct{ left, right condition }
	opposite   struct{ of condition }
	comparison struct {
		op          string // "" asks whether left leads anywhere
		left, right operand
	}
)

// operand is a path from the item ("@") or the document ("$"), or a literal.
type operand struct {
	path    *Path
	root    bool
	literal Value
}

func (p *parser) or() (condition, error) {
	left, err := p.and()
	for err == nil {
		if p.blanks(); !p.take("||") {
			return left, nil
		}
		var right condition
		right, err = p.and()
		left = anyOf{left, right}
	}
	return nil, err
}

func (p *parser) and() (condition, error) {
	left, err := p.not()
	for err == nil {
		if p.blanks(); !p.take("&&") {
			return left, nil
		}
		var right condition
		right, err = p.not()
		left = allOf{left, right}
	}
	return nil, err
}

func (p *parser) not() (condition, error) {
	if p.depth++; p.depth > maxFilter {
		return nil, fmt.Errorf("%q: the filter is nested over %d levels", p.text, maxFilter)
	}
	defer func() { p.depth-- }()
	p.blanks()
	switch {
	case p.take("!"):
		of, err := p.not()
		return opposite{of}, err
	case p.take("("):
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.blanks(); !p.take(")") {
			return nil, fmt.Errorf("%q: a parenthesis of the filter is not closed", p.text)
		}
		return inner, nil
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.blanks()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.take(op) {
			right, err := p.operand()
			return comparison{op, left, right}, err
		}
	}
	return comparison{left: left}, nil
}

func (p *parser) operand() (operand, error) {
	p.blanks()
	root := strings.HasPrefix(p.rest(), "$")
	switch {
	case root, strings.HasPrefix(p.rest(), "@"):
		p.pos++
		path, err := p.path(true)
		return operand{path: &path, root: root}, err
	case strings.HasPrefix(p.rest(), "'"), strings.HasPrefix(p.rest(), `"`):
		text, err := p.quoted()
		raw, _ := json.Marshal(text) // a string can be marshalled
		return operand{literal: Value{Kind: String, Raw: raw, Escaped: true}}, err
	}
	end := strings.IndexAny(p.rest(), " )&|=!<>")
	if end < 0 {
		end = len(p.rest())
	}
	word := p.text[p.pos : p.pos+end]
	v, ok := Root([]byte(word))
	if !ok || v.Kind >= List {
		return operand{}, fmt.Errorf("%q: %q cannot be compared in a filter", p.text, word)
	}
	p.pos += end
	return operand{literal: v}, nil
}

func (o operand) value(s *search, item Value) (Value, bool) {
	if o.path == nil {
		return o.literal, true
	}
	from := item
	if o.root {
		from = s.root
	}
	inner := &search{root: s.root, left: s.left}
	inner.walk(from, o.path.steps)
	s.left = inner.left
	if len(inner.found) == 0 {
		return Value{}, false
	}
	return inner.found[0], true
}

func (c anyOf) holds(s *search, item Value) bool {
	return c.left.holds(s, item) || c.right.holds(s, item)
}

func (c allOf) holds(s *search, item Value) bool {
	return c.left.holds(s, item) && c.right.holds(s, item)
}

func (c opposite) holds(s *search, item Value) bool { return !c.of.holds(s, item) }

func (c comparison) holds(s *search, item Value) bool {
	left, found := c.left.value(s, item)
	if c.op == "" {
		return found
	}
	right, there := c.right.value(s, item)
	if !found || !there {
		return c.op == "!=" && found != there
	}
	order, comparable := compare(left, right)
	switch c.op {
	case "==":
		return comparable && order == 0
	case "!=":
		return !comparable || order != 0
	case "<":
		return comparable && order < 0
	case "<=":
		return comparable && order <= 0
	case ">":
		return comparable && order > 0
	}
	return comparable && order >= 0
}

// compare orders two values of one kind.
func compare(a, b Value) (order int, comparable bool) {
	switch {
	case a.Kind != b.Kind:
		return 0, false
	case a.Kind == Number:
		x, _ := strconv.ParseFloat(string(a.Raw), 64)
		y, _ := strconv.ParseFloat(string(b.Raw), 64)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case a.Kind == String:
		return strings.Compare(a.Text(), b.Text()), true
	}
	return bytes.Compare(a.Raw, b.Raw), true
}
