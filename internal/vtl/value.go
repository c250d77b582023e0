package vtl

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Value is what a template computes with. It is one of
//
//	nil       null
//	bool
//	int64     Java's Integer and Long: a result too large becomes a *big.Int
//	*big.Int  Java's BigInteger
//	float64   Java's Double
//	string
//	*List
//	*Map
//	Object    something of the host's
type Value any

// Object is a value of the host, such as $input.
type Object interface {
	// Property returns $object.name; nil is undefined.
	Property(name string) Value
	// Call calls a method. known is false when there is no such method for
	// these arguments, which makes the reference undefined; an error ends the
	// run.
	Call(name string, args []Value) (v Value, known bool, err error)
}

// Texter is an Object that can be printed.
type Texter interface{ Text() string }

// Ranger is an Object that #foreach can go through.
type Ranger interface{ Items() []Value }

// Setter is an Object with properties that a template may set.
type Setter interface{ Set(name string, v Value) }

// Truther is an Object that #if can find false.
type Truther interface{ Truth() bool }

// List is an ordered collection that templates may change.
type List struct{ Items []Value }

// Map keeps its keys in the order in which they were put. Keys are text: a
// number as a key is its text, other than in Java.
type Map struct {
	keys   []string
	values map[string]Value
}

// NewMap makes an empty map.
func NewMap() *Map { return &Map{values: map[string]Value{}} }

// Get returns the value of a key.
func (m *Map) Get(key string) (Value, bool) {
	v, ok := m.values[key]
	return v, ok
}

// Put sets the value of a key and returns the map.
func (m *Map) Put(key string, v Value) *Map {
	if _, known := m.values[key]; !known {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
	return m
}

// Remove takes a key out.
func (m *Map) Remove(key string) {
	if _, known := m.values[key]; known {
		delete(m.values, key)
		m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == key })
	}
}

// Keys lists the keys in order.
func (m *Map) Keys() []string { return m.keys }

// Len counts the keys.
func (m *Map) Len() int { return len(m.keys) }

// entry is one of Map.entrySet().
type entry struct {
	key   string
	value Value
}

func (e *entry) Property(name string) Value {
	switch name {
	case "key":
		return e.key
	case "value":
		return e.value
	}
	return nil
}

func (e *entry) Call(name string, args []Value) (Value, bool, error) {
	if len(args) > 0 {
		return nil, false, nil
	}
	switch name {
	case "getKey":
		return e.key, true, nil
	case "getValue":
		return e.value, true, nil
	}
	return nil, false, nil
}

// truth is what #if makes of a value: only null and false are false, an empty
// text is true (Velocity 1.7 user guide, "Conditionals").
func truth(v Value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case Truther:
		return v.Truth()
	}
	return true
}

// isNumber tells whether v can be computed with.
func isNumber(v Value) bool {
	switch v.(type) {
	case int64, float64, *big.Int:
		return true
	}
	return false
}

func toFloat(v Value) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f
	}
	return math.NaN()
}

func toBig(v Value) *big.Int {
	switch n := v.(type) {
	case int64:
		return big.NewInt(n)
	case *big.Int:
		return n
	}
	return new(big.Int)
}

// small makes a big integer an int64 when it is one.
func small(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// equal is Velocity's ==: numbers by value, the same kind by content, anything
// else by its text.
func (r *run) equal(a, b Value) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b) == 0, nil
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x == y, nil
		}
	}
	if _, object := a.(Object); object && a == b {
		return true, nil
	}
	x, err := r.text(a)
	if err != nil {
		return false, err
	}
	y, err := r.text(b)
	return x == y, err
}

func compareNumbers(a, b Value) int {
	_, fa := a.(float64)
	_, fb := b.(float64)
	if !fa && !fb {
		return toBig(a).Cmp(toBig(b))
	}
	switch x, y := toFloat(a), toFloat(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return 2 // not a number
}

// maxNesting bounds collections within collections, which may hold themselves.
const maxNesting = 500

// text is a value's toString().
func (r *run) text(v Value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	var b strings.Builder
	if err := r.writeText(&b, v, 0); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (r *run) writeText(b *strings.Builder, v Value, depth int) error {
	if depth > maxNesting {
		return r.fail("a collection holds itself, or collections over %d levels", maxNesting)
	}
	before := b.Len()
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatText(v))
	case *big.Int:
		b.WriteString(v.String())
	case string:
		b.WriteString(v)
	case *List:
		return r.writeList(b, v, depth)
	case *Map:
		return r.writeMap(b, v, depth)
	case *entry:
		b.WriteString(v.key + "=")
		return r.writeText(b, v.value, depth+1)
	case Texter:
		b.WriteString(v.Text())
	default:
		b.WriteString("[object]")
	}
	return r.charge(b.Len() - before)
}

// writeList writes "[a, b]", as Java's collections print themselves.
func (r *run) writeList(b *strings.Builder, l *List, depth int) error {
	b.WriteByte('[')
	for i, item := range l.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := r.writeText(b, item, depth+1); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return r.charge(2 * len(l.Items))
}

// writeMap writes "{a=1, b=2}".
func (r *run) writeMap(b *strings.Builder, m *Map, depth int) error {
	b.WriteByte('{')
	for i, key := range m.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key + "=")
		if err := r.charge(len(key) + 3); err != nil {
			return err
		}
		if err := r.writeText(b, m.values[key], depth+1); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// floatText is Java's Double.toString: "1.0", "1.0E10".
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}
