package attribute

import (
	"slices"
	"strings"
)

// Equal is DynamoDB's =: values of different types differ, sets compare as
// sets, lists by position, maps by name, numbers by value.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case S, N, B:
		return a.text == b.text
	case BOOL:
		return a.truth == b.truth
	case SS, NS, BS:
		return slices.Equal(a.more.set, b.more.set)
	case L:
		return slices.EqualFunc(a.more.list, b.more.list, Equal)
	case M:
		return EqualItems(a.more.members, b.more.members)
	}
	return true
}

// EqualItems compares two items attribute by attribute.
func EqualItems(a, b Item) bool {
	return slices.EqualFunc(a, b, func(x, y Attribute) bool {
		return x.Name == y.Name && Equal(x.Value, y.Value)
	})
}

// Compare orders two values of one scalar type: numbers by value, strings and
// binaries by their bytes. ok is false when they have no order.
func Compare(a, b Value) (order int, ok bool) {
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case S, B:
		return strings.Compare(a.text, b.text), true
	case N:
		return Number(a.text).Compare(Number(b.text)), true
	}
	return 0, false
}

// maxNesting is how many levels of lists and maps DynamoDB stores, the
// attribute itself being the first.
const maxNesting = 32

// ErrNesting is the refusal of a value nested deeper than 32 levels.
var ErrNesting error = errNesting

var errNesting = Invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")

// CheckNesting refuses an item one of whose attributes is nested too deep.
func CheckNesting(it Item) error {
	for i := range it {
		if it[i].Value.deeperThan(maxNesting) {
			return ErrNesting
		}
	}
	return nil
}

func (v Value) deeperThan(levels int) bool {
	if levels == 0 {
		return true
	}
	switch v.kind {
	case L:
		return slices.ContainsFunc(v.more.list, func(e Value) bool { return e.deeperThan(levels - 1) })
	case M:
		return slices.ContainsFunc(v.more.members, func(m Attribute) bool { return m.Value.deeperThan(levels - 1) })
	}
	return false
}
