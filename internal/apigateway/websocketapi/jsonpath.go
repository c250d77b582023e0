package websocketapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// path is a JSONPath of names and positions: ".data.items[0]['a key']".
type path []step

type step struct {
	name  string
	index int // when name is not used
	list  bool
}

// parsePath reads what follows the root. Wildcards, filters and the like are
// refused, not ignored.
func parsePath(text string) (path, error) {
	var p path
	for text != "" {
		var s step
		var err error
		if s, text, err = parseStep(text); err != nil {
			return nil, err
		}
		p = append(p, s)
	}
	return p, nil
}

func parseStep(text string) (step, string, error) {
	if text[0] == '.' {
		n := 1
		for n < len(text) && isNameByte(text[n]) {
			n++
		}
		if n == 1 {
			return step{}, "", fmt.Errorf("%q is no JSON path: a name must follow the dot", text)
		}
		return step{name: text[1:n]}, text[n:], nil
	}
	inner, rest, closed := strings.Cut(text, "]")
	inner, opened := strings.CutPrefix(inner, "[")
	if !opened || !closed {
		return step{}, "", fmt.Errorf("%q is no JSON path", text)
	}
	if n := len(inner); n >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner[n-1] == inner[0] {
		return step{name: inner[1 : n-1]}, rest, nil
	}
	i, err := strconv.Atoi(inner)
	if err != nil || i < 0 {
		return step{}, "", fmt.Errorf("[%s] is not supported in a JSON path: use a name in quotes or a position", inner)
	}
	return step{index: i, list: true}, rest, nil
}

type jsonKind byte

const (
	jsonString jsonKind = iota
	jsonNumber
	jsonBool
	jsonList
	jsonObject
)

// jsonValue is a value inside a document, as it is written there.
type jsonValue struct {
	kind    jsonKind
	raw     []byte
	escaped bool // a string with backslashes
}

// find follows p through a document; false when it is no JSON, when the path
// leads nowhere, or to null. Of equal names the last counts.
func (p path) find(doc []byte) (jsonValue, bool) {
	if !validJSON(doc) {
		return jsonValue{}, false
	}
	v, _ := scanValue(doc, 0)
	for _, s := range p {
		next, ok := v.child(s)
		if !ok {
			return jsonValue{}, false
		}
		v = next
	}
	return v, !v.isNull()
}

func (v jsonValue) isNull() bool { return v.kind == jsonBool && v.raw[0] == 'n' }

// child is the member or item that s names.
func (v jsonValue) child(s step) (found jsonValue, ok bool) {
	if s.list && v.kind != jsonList || !s.list && v.kind != jsonObject {
		return jsonValue{}, false
	}
	for m := range v.members {
		if s.list && m.position == s.index {
			return m.value, true
		}
		if !s.list && m.named(s.name) {
			found, ok = m.value, true
		}
	}
	return found, ok
}

// member is one entry of an object or a list.
type member struct {
	key      jsonValue // objects only
	position int
	value    jsonValue
}

func (m member) named(name string) bool {
	if !m.key.escaped {
		return string(m.key.raw[1:len(m.key.raw)-1]) == name
	}
	return string(m.key.appendText(nil)) == name
}

// members yields the entries of a list or object, which is valid JSON.
func (v jsonValue) members(yield func(member) bool) {
	i := skipSpace(v.raw, 1)
	for position := 0; v.raw[i] != ']' && v.raw[i] != '}'; position++ {
		m := member{position: position}
		if v.kind == jsonObject {
			m.key, i = scanValue(v.raw, i)
			i = skipSpace(v.raw, i) + 1 // the colon
		}
		m.value, i = scanValue(v.raw, i)
		if !yield(m) {
			return
		}
		if i = skipSpace(v.raw, i); v.raw[i] == ',' {
			i = skipSpace(v.raw, i+1)
		}
	}
}

// scanValue takes the value at i of valid JSON and returns where it ends.
func scanValue(b []byte, i int) (jsonValue, int) {
	i = skipSpace(b, i)
	start := i
	switch b[i] {
	case '"':
		end, escaped := scanString(b, i)
		return jsonValue{kind: jsonString, raw: b[start:end], escaped: escaped}, end
	case '{', '[':
		kind := jsonList
		if b[i] == '{' {
			kind = jsonObject
		}
		end := scanNested(b, i)
		return jsonValue{kind: kind, raw: b[start:end]}, end
	}
	for i < len(b) && strings.IndexByte(",]} \t\r\n", b[i]) < 0 {
		i++
	}
	kind := jsonNumber
	if c := b[start]; c == 't' || c == 'f' || c == 'n' {
		kind = jsonBool
	}
	return jsonValue{kind: kind, raw: b[start:i]}, i
}

func scanString(b []byte, i int) (end int, escaped bool) {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			escaped = true
			i++
		}
	}
	return i + 1, escaped
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

// appendText turns a value into text as API Gateway does: a string without
// quotes, numbers as they are written, a list as "[a, b]". The form of an
// object, "{a=1}", is not documented; it is what a list's form suggests.
func (v jsonValue) appendText(b []byte) []byte {
	switch v.kind {
	case jsonString:
		var s string
		if !v.escaped {
			return append(b, v.raw[1:len(v.raw)-1]...)
		}
		_ = json.Unmarshal(v.raw, &s) // valid JSON
		return append(b, s...)
	case jsonList, jsonObject:
		b = append(b, v.raw[0])
		for m := range v.members {
			if m.position > 0 {
				b = append(b, ", "...)
			}
			if v.kind == jsonObject {
				b = append(m.key.appendText(b), '=')
			}
			b = m.value.appendText(b)
		}
		return append(b, v.raw[len(v.raw)-1])
	}
	return append(b, v.raw...)
}
