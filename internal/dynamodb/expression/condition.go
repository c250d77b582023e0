package expression

import (
	"strings"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// Condition is a condition or filter, ready to be asked.
type Condition struct {
	b      *binding
	legacy *legacyCondition
}

// Eval says whether an item meets the condition. A nil item is a missing one;
// a nil Condition is always met.
func (c *Condition) Eval(it attribute.Item) bool {
	switch {
	case c == nil:
		return true
	case c.legacy != nil:
		return c.legacy.eval(it)
	}
	return c.b.holds(c.b.expr.condition, it)
}

// Names are the top-level attributes the condition reads.
func (c *Condition) Names() []string {
	switch {
	case c == nil:
		return nil
	case c.legacy != nil:
		return c.legacy.names()
	}
	return c.b.topLevel(c.b.expr.allPaths)
}

func (b *binding) holds(n *node, it attribute.Item) bool {
	switch n.op {
	case opAnd:
		return b.holds(n.args[0], it) && b.holds(n.args[1], it)
	case opOr:
		return b.holds(n.args[0], it) || b.holds(n.args[1], it)
	case opNot:
		return !b.holds(n.args[0], it)
	case opBetween:
		v := b.operand(n.args[0], it)
		return compare(opGreaterEqual, v, b.operand(n.args[1], it)) &&
			compare(opLessEqual, v, b.operand(n.args[2], it))
	case opIn:
		return b.oneOf(n, it)
	case opFunction:
		return b.call(n, it)
	}
	return b.compares(n, it)
}

func (b *binding) oneOf(n *node, it attribute.Item) bool {
	v := b.operand(n.args[0], it)
	if !v.Exists() {
		return false
	}
	for _, a := range n.args[1:] {
		if attribute.Equal(v, b.operand(a, it)) {
			return true
		}
	}
	return false
}

func (b *binding) compares(n *node, it attribute.Item) bool {
	return compare(n.op, b.operand(n.args[0], it), b.operand(n.args[1], it))
}

// compare applies a comparator. With a missing side = is false and <> true;
// the size of something without one is missing too (DynamoDB Local).
func compare(op operation, left, right attribute.Value) bool {
	switch op {
	case opEqual:
		return left.Exists() && attribute.Equal(left, right)
	case opNotEqual:
		return !left.Exists() || !attribute.Equal(left, right)
	}
	order, ok := attribute.Compare(left, right)
	if !ok {
		return false
	}
	switch op {
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	case opGreater:
		return order > 0
	}
	return order >= 0
}

// operand is the value of a path, a placeholder or a size.
func (b *binding) operand(n *node, it attribute.Item) attribute.Value {
	switch n.op {
	case opPath:
		return b.lookup(it, n.path)
	case opValue:
		return b.values[n.slot]
	}
	return size(b.operand(n.args[0], it))
}

// size is what size() gives: characters of a string, bytes of a binary,
// members of a collection; nothing for other types. That strings count in
// characters and not in bytes is unconfirmed.
func size(v attribute.Value) attribute.Value {
	switch v.Kind() {
	case attribute.S:
		return attribute.Int(int64(utf8.RuneCountInString(v.Text())))
	case attribute.B, attribute.SS, attribute.NS, attribute.BS, attribute.L, attribute.M:
		return attribute.Int(int64(v.Len()))
	}
	return attribute.Value{}
}

// call evaluates the functions that are conditions.
func (b *binding) call(n *node, it attribute.Item) bool {
	v := b.operand(n.args[0], it)
	switch n.function {
	case attributeExists:
		return v.Exists()
	case attributeNotExists:
		return !v.Exists()
	case attributeType:
		return v.Exists() && v.Kind().String() == b.values[n.args[1].slot].Text()
	case beginsWith:
		return startsWith(v, b.operand(n.args[1], it))
	}
	return holdsInside(v, b.operand(n.args[1], it))
}

func startsWith(v, prefix attribute.Value) bool {
	return v.Kind() == prefix.Kind() && (v.Kind() == attribute.S || v.Kind() == attribute.B) &&
		strings.HasPrefix(v.Text(), prefix.Text())
}

// holdsInside is contains(): a part of a string or binary, a member of a set,
// an element of a list.
func holdsInside(v, part attribute.Value) bool {
	switch v.Kind() {
	case attribute.S, attribute.B:
		return v.Kind() == part.Kind() && strings.Contains(v.Text(), part.Text())
	case attribute.SS, attribute.NS, attribute.BS:
		return v.HasMember(part)
	case attribute.L:
		for _, e := range v.Elements() {
			if attribute.Equal(e, part) {
				return true
			}
		}
	}
	return false
}
