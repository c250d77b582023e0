// Package document is structured text with a position on every value: the
// form in which templates, settings and resource properties travel through
// Suiro. YAML (with CloudFormation's short tags) and JSON are read into the
// same tree, so nothing downstream knows which one a user wrote.
//
// Scalars keep the text the user wrote. They are not converted while parsing,
// because CloudFormation coerces by the type of the property and not by the
// look of the value: "012" stays "012", 2010-09-09 stays a string, and an
// account id with leading zeros keeps them.
//
// Trees are read-only once built; a change makes new nodes (see [Node.Clone]).
package document

import (
	"math"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
)

// Kind is what a node is.
type Kind int

const (
	Null Kind = iota
	// Scalar text; Plain tells how it was written.
	Bool
	Number
	String
	List
	Map
)

func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "list", "object"}[k]
}

// Node is one value. Kind says which of the other fields count: Text for
// Bool ("true" or "false"), Number (as written) and String; Items for List;
// Members for Map, in the order written.
type Node struct {
	Kind    Kind
	Pos     diag.Position
	Text    string
	Items   []*Node
	Members []Member
}

// Member is one key and its value in a Map node.
type Member struct {
	Key    string
	KeyPos diag.Position
	Value  *Node
}

// Str makes a String node at a position.
func Str(text string, at diag.Position) *Node { return &Node{Kind: String, Text: text, Pos: at} }

// Int makes a Number node at a position.
func Int(n int, at diag.Position) *Node {
	return &Node{Kind: Number, Text: strconv.Itoa(n), Pos: at}
}

// Boolean makes a Bool node at a position.
func Boolean(v bool, at diag.Position) *Node {
	return &Node{Kind: Bool, Text: strconv.FormatBool(v), Pos: at}
}

// Seq makes a List node at a position.
func Seq(at diag.Position, items ...*Node) *Node { return &Node{Kind: List, Pos: at, Items: items} }

// Object makes an empty Map node at a position; fill it with Set.
func Object(at diag.Position) *Node { return &Node{Kind: Map, Pos: at} }

// Set puts a member, replacing one with the same key, and returns n, so that
// trees can be built in one expression. A nil value is ignored.
func (n *Node) Set(key string, value *Node) *Node {
	if value == nil {
		return n
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			n.Members[i].Value = value
			return n
		}
	}
	n.Members = append(n.Members, Member{Key: key, KeyPos: value.Pos, Value: value})
	return n
}

// Remove drops a member and tells whether it was there.
func (n *Node) Remove(key string) bool {
	for i := range n.Members {
		if n.Members[i].Key == key {
			n.Members = append(n.Members[:i:i], n.Members[i+1:]...)
			return true
		}
	}
	return false
}

// Get returns the value under key of a Map, or nil. It is safe on nil and on
// other kinds, so that n.Get("A").Get("B") needs no checks between.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return n.Members[i].Value
		}
	}
	return nil
}

// Member returns the member under key, or nil, for its key position.
func (n *Node) Member(key string) *Member {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return &n.Members[i]
		}
	}
	return nil
}

// Keys lists the keys of a Map in order; nil for anything else.
func (n *Node) Keys() []string {
	if n == nil || n.Kind != Map {
		return nil
	}
	keys := make([]string, len(n.Members))
	for i, m := range n.Members {
		keys[i] = m.Key
	}
	return keys
}

// IsNull tells whether n is absent or an explicit null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Null }

// IsScalar tells whether n is a Bool, Number or String.
func (n *Node) IsScalar() bool {
	return n != nil && (n.Kind == Bool || n.Kind == Number || n.Kind == String)
}

// Position is n.Pos, or the zero position of a nil node.
func (n *Node) Position() diag.Position {
	if n == nil {
		return diag.Position{}
	}
	return n.Pos
}

// Scalar returns the text of any scalar, as CloudFormation coerces scalars to
// strings, and false for nil, null, lists and maps.
func (n *Node) Scalar() (string, bool) {
	if !n.IsScalar() {
		return "", false
	}
	return n.Text, true
}

// TextOr returns the text of a scalar, or the fallback for anything else.
func (n *Node) TextOr(fallback string) string {
	if s, ok := n.Scalar(); ok {
		return s
	}
	return fallback
}

// Integer returns a whole number, also one written as a string, as
// CloudFormation coerces it.
func (n *Node) Integer() (int, bool) {
	s, ok := n.Scalar()
	if !ok {
		return 0, false
	}
	if v, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
		return v, true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int(f), true
	}
	return 0, false
}

// IntegerOr returns a whole number or the fallback.
func (n *Node) IntegerOr(fallback int) int {
	if v, ok := n.Integer(); ok {
		return v
	}
	return fallback
}

// Truth returns a boolean, also one written as the string "true" or "false",
// as CloudFormation coerces it.
func (n *Node) Truth() (bool, bool) {
	s, ok := n.Scalar()
	if !ok {
		return false, false
	}
	switch strings.ToLower(s) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// TruthOr returns a boolean or the fallback.
func (n *Node) TruthOr(fallback bool) bool {
	if v, ok := n.Truth(); ok {
		return v
	}
	return fallback
}

// Strings returns the scalar texts of a List; a single scalar counts as a
// list of one, as CloudFormation takes it. Other items are skipped.
func (n *Node) Strings() []string {
	if s, ok := n.Scalar(); ok {
		return []string{s}
	}
	if n == nil || n.Kind != List {
		return nil
	}
	out := make([]string, 0, len(n.Items))
	for _, it := range n.Items {
		if s, ok := it.Scalar(); ok {
			out = append(out, s)
		}
	}
	return out
}

// Clone copies the tree; the copy may be changed freely.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := *n
	if n.Items != nil {
		c.Items = make([]*Node, len(n.Items))
		for i, it := range n.Items {
			c.Items[i] = it.Clone()
		}
	}
	if n.Members != nil {
		c.Members = make([]Member, len(n.Members))
		for i, m := range n.Members {
			c.Members[i] = Member{Key: m.Key, KeyPos: m.KeyPos, Value: m.Value.Clone()}
		}
	}
	return &c
}

// Equal compares values, not positions. Map members compare in any order.
func (n *Node) Equal(o *Node) bool {
	if n.IsNull() || o.IsNull() {
		return n.IsNull() && o.IsNull()
	}
	if n.Kind != o.Kind || n.Text != o.Text || len(n.Items) != len(o.Items) || len(n.Members) != len(o.Members) {
		return false
	}
	for i := range n.Items {
		if !n.Items[i].Equal(o.Items[i]) {
			return false
		}
	}
	for _, m := range n.Members {
		other := o.Member(m.Key)
		if other == nil || !m.Value.Equal(other.Value) {
			return false
		}
	}
	return true
}
