package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// condition is one entry of a field's list.
type condition interface {
	// match judges a text, a json.Number, a bool or nil.
	match(leaf any) bool
	// absent tells whether a field that is not there satisfies it.
	absent() bool
}

// present is embedded by conditions that need the field.
type present struct{}

func (present) absent() bool { return false }

func parseConditions(list []any, path string) (all []condition, err error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: an empty list matches nothing", path)
	}
	for _, v := range list {
		c, err := parseCondition(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func parseCondition(v any) (condition, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) != 1 {
			return nil, errors.New("a condition has one operator")
		}
		for operator, operand := range v {
			return parseOperator(operator, operand)
		}
	case []any:
		return nil, errors.New("a list in a list matches nothing")
	}
	return equals{leaf: v}, nil
}

func parseOperator(operator string, v any) (condition, error) {
	switch operator {
	case "exists":
		if b, ok := v.(bool); ok {
			return exists{b}, nil
		}
		return nil, errors.New("exists is true or false")
	case "anything-but":
		return parseAnythingBut(v)
	case "numeric":
		return parseNumeric(v)
	case "cidr":
		if s, ok := v.(string); ok {
			if p, err := netip.ParsePrefix(s); err == nil {
				return cidr{prefix: p}, nil
			}
		}
		return nil, errors.New("cidr is a range of addresses, such as 10.0.0.0/24")
	}
	return parseText(operator, v)
}

// parseText reads the operators on texts.
func parseText(operator string, v any) (condition, error) {
	fold := false
	if m, ok := v.(map[string]any); ok && (operator == "prefix" || operator == "suffix") && len(m) == 1 {
		if v, fold = m["equals-ignore-case"]; !fold {
			return nil, fmt.Errorf("%s takes a text, or equals-ignore-case", operator)
		}
	}
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s takes a text", operator)
	}
	switch operator {
	case "prefix":
		return prefix{text: s, fold: fold}, nil
	case "suffix":
		return suffix{text: s, fold: fold}, nil
	case "equals-ignore-case":
		return equalFold{text: s}, nil
	case "wildcard":
		return parseWildcard(s)
	}
	return nil, fmt.Errorf("there is no operator %q", operator)
}

type equals struct {
	present
	leaf any
}

func (c equals) match(leaf any) bool {
	if n, ok := c.leaf.(json.Number); ok {
		other, ok := leaf.(json.Number)
		return ok && (n == other || sameNumber(n, other))
	}
	return c.leaf == leaf
}

func sameNumber(a, b json.Number) bool {
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
}

type prefix struct {
	present
	text string
	fold bool
}

func (c prefix) match(leaf any) bool {
	s, ok := leaf.(string)
	if !ok || !c.fold {
		return ok && strings.HasPrefix(s, c.text)
	}
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(c.text))
}

type suffix struct {
	present
	text string
	fold bool
}

func (c suffix) match(leaf any) bool {
	s, ok := leaf.(string)
	if !ok || !c.fold {
		return ok && strings.HasSuffix(s, c.text)
	}
	return strings.HasSuffix(strings.ToLower(s), strings.ToLower(c.text))
}

type equalFold struct {
	present
	text string
}

func (c equalFold) match(leaf any) bool {
	s, ok := leaf.(string)
	return ok && strings.EqualFold(s, c.text)
}

// wildcard is a text whose parts stand around stars.
type wildcard struct {
	present
	parts []string
}

// parseWildcard reads a pattern in which * is any text; \* and \\ are
// themselves.
func parseWildcard(s string) (condition, error) {
	c := wildcard{}
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			if i++; i == len(s) || s[i] != '*' && s[i] != '\\' {
				return nil, errors.New(`wildcard: \ must be followed by * or \`)
			}
			part.WriteByte(s[i])
		case s[i] == '*':
			if i > 0 && s[i-1] == '*' && part.Len() == 0 && len(c.parts) > 0 {
				return nil, errors.New("wildcard: two stars in a row")
			}
			c.parts = append(c.parts, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	c.parts = append(c.parts, part.String())
	return c, nil
}

func (c wildcard) match(leaf any) bool {
	s, ok := leaf.(string)
	if !ok {
		return false
	}
	last := len(c.parts) - 1
	if last == 0 {
		return s == c.parts[0]
	}
	rest, ok := strings.CutPrefix(s, c.parts[0])
	for i := 1; ok && i < last; i++ {
		_, rest, ok = strings.Cut(rest, c.parts[i])
	}
	return ok && strings.HasSuffix(rest, c.parts[last])
}

type exists struct{ want bool }

func (c exists) match(any) bool { return c.want }
func (c exists) absent() bool   { return !c.want }

// anythingBut is met by a leaf that none of some conditions meets.
type anythingBut struct {
	present
	none []condition
}

func (c anythingBut) match(leaf any) bool {
	for _, n := range c.none {
		if n.match(leaf) {
			return false
		}
	}
	return true
}

func parseAnythingBut(v any) (condition, error) {
	c := anythingBut{}
	operator := ""
	if m, ok := v.(map[string]any); ok {
		if len(m) != 1 {
			return nil, errors.New("anything-but takes one operator")
		}
		for operator, v = range m {
		}
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("anything-but takes a value or a list of values")
	}
	for _, v := range list {
		switch v.(type) {
		case string, json.Number:
		default:
			return nil, errors.New("anything-but takes texts and numbers")
		}
		n := condition(equals{leaf: v})
		if operator != "" {
			var err error
			if n, err = parseText(operator, v); err != nil {
				return nil, err
			}
		}
		c.none = append(c.none, n)
	}
	return c, nil
}

// numeric is a lower and an upper bound, or one number.
type numeric struct {
	present
	tests []comparison
}

type comparison struct {
	operator string
	number   float64
}

func parseNumeric(v any) (condition, error) {
	list, _ := v.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, errors.New(`numeric takes an operator and a number, such as ["=", 5], or two of each, such as [">", 0, "<=", 5]`)
	}
	c := numeric{}
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		n, ok := list[i+1].(json.Number)
		if !ok {
			return nil, errors.New("numeric compares with numbers")
		}
		number, err := n.Float64()
		if err != nil {
			return nil, errors.New("numeric: " + n.String() + " is out of range")
		}
		c.tests = append(c.tests, comparison{operator, number})
	}
	return c, c.check()
}

// check: one comparison, or a lower bound and then an upper one.
func (c numeric) check() error {
	lower := func(op string) bool { return op == ">" || op == ">=" }
	upper := func(op string) bool { return op == "<" || op == "<=" }
	first := c.tests[0].operator
	switch {
	case len(c.tests) == 1 && (first == "=" || lower(first) || upper(first)):
		return nil
	case len(c.tests) == 2 && lower(first) && upper(c.tests[1].operator):
		if c.tests[0].number >= c.tests[1].number {
			return errors.New("numeric: the lower bound is not below the upper one")
		}
		return nil
	}
	return errors.New("numeric knows =, >, >=, < and <=, a range begins with its lower bound")
}

func (c numeric) match(leaf any) bool {
	n, ok := leaf.(json.Number)
	if !ok {
		return false
	}
	x, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return false
	}
	for _, t := range c.tests {
		if !t.holds(x) {
			return false
		}
	}
	return true
}

func (t comparison) holds(x float64) bool {
	switch t.operator {
	case "=":
		return x == t.number
	case ">":
		return x > t.number
	case ">=":
		return x >= t.number
	case "<":
		return x < t.number
	}
	return x <= t.number
}

type cidr struct {
	present
	prefix netip.Prefix
}

func (c cidr) match(leaf any) bool {
	s, ok := leaf.(string)
	if !ok {
		return false
	}
	a, err := netip.ParseAddr(s)
	return err == nil && c.prefix.Contains(a)
}
