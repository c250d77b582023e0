package attribute

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The tokens of JSON, below what Reader knows of types.

// number takes the text of a JSON number.
func (r *Reader) number() string {
	start := r.pos
	if r.pos < len(r.text) && r.text[r.pos] == '-' {
		r.pos++
	}
	zero := r.pos < len(r.text) && r.text[r.pos] == '0'
	if n := r.digits(); n == 0 || zero && n > 1 {
		r.malformed()
		return ""
	}
	if r.pos < len(r.text) && r.text[r.pos] == '.' {
		r.pos++
		if r.digits() == 0 {
			r.malformed()
		}
	}
	if r.pos < len(r.text) && (r.text[r.pos] == 'e' || r.text[r.pos] == 'E') {
		r.pos++
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
		}
		if r.digits() == 0 {
			r.malformed()
		}
	}
	return r.text[start:r.pos]
}

func (r *Reader) digits() int {
	start := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}

// Skip reads any value and forgets it, without recursion.
func (r *Reader) Skip() {
	r.Raw()
}

// Raw reads any value and returns its text, for values read later or compared
// as a whole.
func (r *Reader) Raw() string {
	r.peek()
	start := r.pos
	var open []byte // the closing bracket of each open one
	for r.err == nil {
		if r.opens(&open) {
			continue
		}
		for r.err == nil && len(open) > 0 && r.accept(open[len(open)-1]) {
			open = open[:len(open)-1]
		}
		if r.err != nil || len(open) == 0 {
			break
		}
		r.expect(',')
		if open[len(open)-1] == '}' {
			r.name()
		}
	}
	if r.err != nil {
		return ""
	}
	return r.text[start:r.pos]
}

// opens reads a scalar, an empty bracket, or an opening bracket, and is true
// when a value inside the bracket comes next.
func (r *Reader) opens(open *[]byte) bool {
	switch c := r.peek(); {
	case c == '{':
		r.pos++
		if r.accept('}') {
			return false
		}
		*open = append(*open, '}')
		r.name()
		return true
	case c == '[':
		r.pos++
		if r.accept(']') {
			return false
		}
		*open = append(*open, ']')
		return true
	case c == '"':
		r.quoted()
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		r.malformed()
	}
	return false
}

// name reads a member's name and the colon.
func (r *Reader) name() string {
	if r.peek() != '"' {
		r.malformed()
		return ""
	}
	name := r.quoted()
	r.expect(':')
	return name
}

// quoted reads a string whose opening quote is next. Without escapes it is a
// part of the body.
func (r *Reader) quoted() string {
	r.pos++
	start, ascii := r.pos, true
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			s := r.text[start:r.pos]
			r.pos++
			if !ascii && !utf8.ValidString(s) {
				return strings.ToValidUTF8(s, "\ufffd")
			}
			return s
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			r.malformed()
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
		r.pos++
	}
	r.malformed()
	return ""
}

// escaped continues a string that has escapes from the first of them.
func (r *Reader) escaped(start int) string {
	b := []byte(r.text[start:r.pos])
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch {
		case c == '"':
			return strings.ToValidUTF8(string(b), "\ufffd")
		case c < 0x20:
			r.malformed()
			return ""
		case c != '\\':
			b = append(b, c)
		default:
			b = r.escape(b)
		}
	}
	r.malformed()
	return ""
}

func (r *Reader) escape(b []byte) []byte {
	if r.pos == len(r.text) {
		return b
	}
	c := r.text[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		return utf8.AppendRune(b, r.unicode())
	}
	r.malformed()
	return b
}

// unicode reads the digits of \uXXXX and, for the first half of a surrogate
// pair, the second; a half alone is U+FFFD.
func (r *Reader) unicode() rune {
	first := r.hex4()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if strings.HasPrefix(r.text[r.pos:], `\u`) {
		at := r.pos
		r.pos += 2
		if pair := utf16.DecodeRune(first, r.hex4()); pair != utf8.RuneError {
			return pair
		}
		r.pos = at
	}
	return utf8.RuneError
}

func (r *Reader) hex4() rune {
	if r.pos+4 > len(r.text) {
		r.malformed()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 16)
	if err != nil || strings.ContainsAny(r.text[r.pos:r.pos+4], "+_") {
		r.malformed()
		return utf8.RuneError
	}
	r.pos += 4
	return rune(n)
}
