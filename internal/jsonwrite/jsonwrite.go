// Package jsonwrite appends JSON to a buffer: the wire formats that are written
// thousands of times a second, without reflection and without memory of their
// own. A comma goes where one is needed, which the byte in front tells.
package jsonwrite

import (
	"strconv"
	"unicode/utf8"
)

// String appends s in quotes. Only what JSON asks for is escaped: not "<", ">"
// and "&", which programs compare, nor U+2028. What is not UTF-8 becomes U+FFFD.
func String(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) && plain(s[i:i+8]) {
			i += 8
			continue
		}
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = Escape(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(append(b, s[start:i]...), "\uFFFD"...)
			start = i + n
		}
		i += n
	}
	return append(append(b, s[start:]...), '"')
}

// plain tells of eight bytes at once that all are ASCII and need no escape.
func plain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56 // one load
	quote, backslash := x^'"'*ones, x^'\\'*ones
	// The top bit of a byte is set where it is below a space, or zero; what a
	// borrow sets beyond that stands above such a byte.
	found := (x-' '*ones)&^x | (quote-ones)&^quote | (backslash-ones)&^backslash | x
	return found&tops == 0
}

// Escape appends the escape of a byte that cannot stand in a string as it is.
func Escape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// Comma appends a comma, unless an object or list has just begun.
func Comma(b []byte) []byte {
	if last := b[len(b)-1]; last != '{' && last != '[' {
		b = append(b, ',')
	}
	return b
}

// Member appends a member's name, which needs no escapes; its value must follow.
func Member(b []byte, name string) []byte {
	b = append(Comma(b), '"')
	return append(append(b, name...), '"', ':')
}

// Object appends the beginning of a member that is an object.
func Object(b []byte, name string) []byte { return append(Member(b, name), '{') }

// List appends the beginning of a member that is a list.
func List(b []byte, name string) []byte { return append(Member(b, name), '[') }

// Text appends a member that is a string.
func Text(b []byte, name, value string) []byte { return String(Member(b, name), value) }

// Texts appends a member that is a list of strings.
func Texts(b []byte, name string, values []string) []byte {
	b = List(b, name)
	for _, v := range values {
		b = String(Comma(b), v)
	}
	return append(b, ']')
}

// Int appends a member that is a whole number.
func Int(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(Member(b, name), value, 10)
}

// Bool appends a member that is true or false.
func Bool(b []byte, name string, value bool) []byte {
	return strconv.AppendBool(Member(b, name), value)
}
