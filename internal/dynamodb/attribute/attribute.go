// Package attribute is DynamoDB's data model: attribute values and items, the
// exact decimal numbers in them, their JSON on the wire, their size in
// DynamoDB's accounting, and the two byte forms they are stored in (one that
// keeps key order, one that is compact).
//
// A [Value] is immutable by convention: nothing in this package or above it
// writes into the slices it hands out, so values and whole items are shared
// freely between snapshots, results and stream records.
package attribute

// Kind is an attribute's type, in DynamoDB's own names.
type Kind uint8

// The ten types. None is the kind of the zero Value, which stands for
// "no such attribute".
const (
	None Kind = iota
	S
	N
	B
	SS
	NS
	BS
	M
	L
	NULL
	BOOL
)

var kindNames = [...]string{"", "S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}

// String is the type's name on the wire, such as "NS".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind reads a type's name on the wire.
func ParseKind(name string) (Kind, bool) {
	for i, n := range kindNames[1:] {
		if n == name {
			return Kind(i + 1), true
		}
	}
	return None, false
}

// IsScalarKey says whether values of this type may be keys.
func (k Kind) IsScalarKey() bool { return k == S || k == N || k == B }

// IsSet says whether k is one of the three set types.
func (k Kind) IsSet() bool { return k == SS || k == NS || k == BS }

// Element is the type of a set's members, None for other types.
func (k Kind) Element() Kind {
	if k.IsSet() {
		return k - SS + S
	}
	return None
}

// Value is one attribute value. The zero Value is no value at all.
type Value struct {
	kind  Kind
	truth bool
	// text holds an S, the bytes of a B, or an N in canonical form.
	text string
	// more holds what does not fit: it is shared, never written to.
	more *compound
}

type compound struct {
	list    []Value
	members Item
	set     []string // sorted; NS in canonical form, BS as raw bytes
}

// String makes an S.
func String(s string) Value { return Value{kind: S, text: s} }

// Num makes an N.
func Num(n Number) Value { return Value{kind: N, text: string(n.canonical())} }

// Int makes an N from a Go integer.
func Int(i int64) Value { return Num(NumberFromInt(i)) }

// Binary makes a B; it copies b.
func Binary(b []byte) Value { return Value{kind: B, text: string(b)} }

// Null is the NULL value.
func Null() Value { return Value{kind: NULL, truth: true} }

// Bool makes a BOOL.
func Bool(b bool) Value { return Value{kind: BOOL, truth: b} }

// List makes an L of the elements, which it keeps.
func List(elements ...Value) Value {
	return Value{kind: L, more: &compound{list: elements}}
}

// Map makes an M of the members, which it keeps.
func Map(members Item) Value { return Value{kind: M, more: &compound{members: members}} }

// Kind is the value's type.
func (v Value) Kind() Kind { return v.kind }

// Exists is false for the zero Value.
func (v Value) Exists() bool { return v.kind != None }

// Text is the text of an S, or the raw bytes of a B as a string.
func (v Value) Text() string {
	if v.kind == S || v.kind == B {
		return v.text
	}
	return ""
}

// Number is the number of an N, 0 for other types.
func (v Value) Number() Number {
	if v.kind == N {
		return Number(v.text)
	}
	return "0"
}

// Truth is the value of a BOOL.
func (v Value) Truth() bool { return v.kind == BOOL && v.truth }

// Elements are the elements of an L.
func (v Value) Elements() []Value {
	if v.kind == L {
		return v.more.list
	}
	return nil
}

// Members are the members of an M.
func (v Value) Members() Item {
	if v.kind == M {
		return v.more.members
	}
	return nil
}

// Set holds the members of a set in their order: SS as text, NS as canonical
// numbers, BS as raw bytes.
func (v Value) Set() []string {
	if v.kind.IsSet() {
		return v.more.set
	}
	return nil
}

// Len is how many bytes (S, B), members (sets, M) or elements (L) there are.
func (v Value) Len() int {
	switch v.kind {
	case S, B:
		return len(v.text)
	case SS, NS, BS:
		return len(v.more.set)
	case L:
		return len(v.more.list)
	case M:
		return len(v.more.members)
	}
	return 0
}
