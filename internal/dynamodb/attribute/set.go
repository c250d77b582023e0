package attribute

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Set makes a set of kind SS, NS or BS from members in their stored form:
// text, canonical numbers, raw bytes. It keeps and sorts the slice, drops
// repeats, and is the zero Value when there are no members, because DynamoDB
// has no empty sets.
func Set(kind Kind, members []string) Value {
	if len(members) == 0 || !kind.IsSet() {
		return Value{}
	}
	slices.SortFunc(members, kind.memberOrder())
	return sortedSet(kind, slices.Compact(members))
}

// sortedSet wraps members that are in order and differ.
func sortedSet(kind Kind, members []string) Value {
	return Value{kind: kind, more: &compound{set: members}}
}

// memberOrder is the order in which DynamoDB returns a set's members: numbers
// by value, the others by their bytes.
func (k Kind) memberOrder() func(a, b string) int {
	if k == NS {
		return func(a, b string) int { return Number(a).Compare(Number(b)) }
	}
	return strings.Compare
}

// HasMember says whether a set contains a scalar of its element type.
func (v Value) HasMember(member Value) bool {
	if !v.kind.IsSet() || v.kind.Element() != member.kind {
		return false
	}
	_, found := slices.BinarySearchFunc(v.more.set, member.text, v.kind.memberOrder())
	return found
}

// Union is the set with the members of both, which must be of one type.
func Union(a, b Value) Value {
	order := a.kind.memberOrder()
	merged := make([]string, 0, len(a.Set())+len(b.Set()))
	x, y := a.Set(), b.Set()
	for len(x) > 0 && len(y) > 0 {
		switch c := order(x[0], y[0]); {
		case c < 0:
			merged, x = append(merged, x[0]), x[1:]
		case c > 0:
			merged, y = append(merged, y[0]), y[1:]
		default:
			merged, x, y = append(merged, x[0]), x[1:], y[1:]
		}
	}
	merged = append(append(merged, x...), y...)
	return sortedSet(a.kind, merged)
}

// Difference is the set without the members of the other, which must be of
// the same type; the zero Value when nothing is left.
func Difference(a, b Value) Value {
	order := a.kind.memberOrder()
	var kept []string
	for _, m := range a.Set() {
		if _, found := slices.BinarySearchFunc(b.Set(), m, order); !found {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return Value{}
	}
	return sortedSet(a.kind, kept)
}

// NewSet makes a set from members as a request sent them, and refuses empty
// sets and repeats.
func NewSet(kind Kind, sent []string, layer Layer) (Value, error) {
	v, e := newSet(kind, sent, layer)
	if e != nil {
		return Value{}, e
	}
	return v, nil
}

func newSet(kind Kind, sent []string, layer Layer) (Value, *Error) {
	if len(sent) == 0 {
		switch kind {
		case SS:
			return Value{}, InvalidParameter("An string set  may not be empty")
		case NS:
			return Value{}, InvalidParameter("An number set  may not be empty")
		}
		return Value{}, InvalidParameter("Binary sets should not be empty")
	}
	order := kind.memberOrder()
	sorted := sent
	if !slices.IsSortedFunc(sent, order) {
		sorted = slices.Clone(sent)
		slices.SortFunc(sorted, order)
	}
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return Value{}, duplicates(kind, sent, layer)
		}
	}
	return sortedSet(kind, sorted), nil
}

// duplicates words the refusal of a set that names a member twice. The new
// validation quotes the members and lists them sorted up to the first repeat,
// then the rest as sent; the old one lists them as sent.
func duplicates(kind Kind, sent []string, layer Layer) *Error {
	if kind == NS {
		if layer == Old {
			return Invalid("Input collection contains duplicates")
		}
		return InvalidParameter("Input collection contains duplicates.")
	}
	shown := slices.Clone(sent)
	before, after, separator := `"`, `"`, ", "
	if layer == Old {
		before, after = "", ""
	} else {
		slices.Sort(shown[:firstRepeat(sent)])
	}
	suffix := ""
	if kind == BS {
		suffix = "of type BS"
		if layer == New {
			separator = ","
		}
		for i := range shown {
			shown[i] = base64.StdEncoding.EncodeToString([]byte(shown[i]))
		}
	}
	for i := range shown {
		shown[i] = before + shown[i] + after
	}
	return InvalidParameter("Input collection [" + strings.Join(shown, separator) + "]" + suffix + " contains duplicates.")
}

// firstRepeat is the position of the first member that was there before.
func firstRepeat(members []string) int {
	seen := make(map[string]bool, len(members))
	for i, m := range members {
		if seen[m] {
			return i
		}
		seen[m] = true
	}
	return len(members)
}
