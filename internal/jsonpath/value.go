package jsonpath

import (
	"encoding/json"
	"strings"
)

// Kind is what a value is.
type Kind byte

// The kinds of JSON values.
const (
	String Kind = iota
	Number
	Bool
	Null
	List
	Object
)

// Value is a value inside a document, as it is written there.
type Value struct {
	Kind Kind
	Raw  []byte
	// Escaped: a string with backslashes, which Raw[1:len(Raw)-1] is not.
	Escaped bool
}

// Root is the value that a document is; false when it is no JSON.
func Root(doc []byte) (Value, bool) {
	start := skipSpace(doc, 0)
	end := checkValue(doc, start, 0)
	if end == 0 || skipSpace(doc, end) != len(doc) {
		return Value{}, false
	}
	switch doc[start] {
	case '{':
		return Value{Kind: Object, Raw: doc[start:end]}, true
	case '[':
		return Value{Kind: List, Raw: doc[start:end]}, true
	}
	v, _ := scanValue(doc, start)
	return v, true
}

// Member is one entry of an object or a list.
type Member struct {
	Key      Value // objects only
	Position int
	Value    Value
}

func (m Member) named(name string) bool {
	if !m.Key.Escaped {
		return string(m.Key.Raw[1:len(m.Key.Raw)-1]) == name
	}
	return m.Key.Text() == name
}

// Members yields the entries of a list or object.
func (v Value) Members(yield func(Member) bool) {
	i := skipSpace(v.Raw, 1)
	for position := 0; v.Raw[i] != ']' && v.Raw[i] != '}'; position++ {
		m := Member{Position: position}
		if v.Kind == Object {
			m.Key, i = scanValue(v.Raw, i)
			i = skipSpace(v.Raw, i) + 1 // the colon
		}
		m.Value, i = scanValue(v.Raw, i)
		if !yield(m) {
			return
		}
		if i = skipSpace(v.Raw, i); v.Raw[i] == ',' {
			i = skipSpace(v.Raw, i+1)
		}
	}
}

func (v Value) length() int {
	n := 0
	for range v.Members {
		n++
	}
	return n
}

// scanValue takes the value at i of valid JSON and returns where it ends.
func scanValue(b []byte, i int) (Value, int) {
	i = skipSpace(b, i)
	start := i
	switch b[i] {
	case '"':
		end, escaped := scanString(b, i)
		return Value{Kind: String, Raw: b[start:end], Escaped: escaped}, end
	case '{', '[':
		kind := List
		if b[i] == '{' {
			kind = Object
		}
		end := scanNested(b, i)
		return Value{Kind: kind, Raw: b[start:end]}, end
	}
	for i < len(b) && strings.IndexByte(",]} \t\r\n", b[i]) < 0 {
		i++
	}
	kind := Number
	switch b[start] {
	case 't', 'f':
		kind = Bool
	case 'n':
		kind = Null
	}
	return Value{Kind: kind, Raw: b[start:i]}, i
}

func scanString(b []byte, i int) (end int, escaped bool) {
	for i++; ; i += 2 {
		i += PlainText(b[i:])
		if b[i] == '"' {
			return i + 1, escaped
		}
		escaped = true // the string is valid, so this is a backslash
	}
}

func scanNested(b []byte, i int) int {
	for depth := 0; ; i++ {
		switch b[i] {
		case '"':
			end, _ := scanString(b, i)
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// Text is AppendText as a string.
func (v Value) Text() string { return string(v.AppendText(nil)) }

// AppendText turns a value into text as API Gateway does: a string without
// quotes, numbers as they are written, a list as "[a, b]". The form of an
// object, "{a=1}", is not documented; it is what a list's form suggests.
func (v Value) AppendText(b []byte) []byte {
	switch v.Kind {
	case String:
		if !v.Escaped {
			return append(b, v.Raw[1:len(v.Raw)-1]...)
		}
		var s string
		_ = json.Unmarshal(v.Raw, &s) // valid JSON
		return append(b, s...)
	case List, Object:
		b = append(b, v.Raw[0])
		for m := range v.Members {
			if m.Position > 0 {
				b = append(b, ", "...)
			}
			if v.Kind == Object {
				b = append(m.Key.AppendText(b), '=')
			}
			b = m.Value.AppendText(b)
		}
		return append(b, v.Raw[len(v.Raw)-1])
	}
	return append(b, v.Raw...)
}
