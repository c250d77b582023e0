package jsonpath

import "encoding/binary"

// maxNesting is encoding/json's bound, too.
const maxNesting = 10000

// Valid tells whether b is one JSON value (RFC 8259). Every message is
// checked, and encoding/json's checker, a step per byte, would be the largest
// part of a message's cost; this one takes strings eight bytes at a time.
func Valid(b []byte) bool {
	end := checkValue(b, skipSpace(b, 0), 0)
	return end > 0 && skipSpace(b, end) == len(b)
}

// checkValue returns where the value at i ends, 0 when there is none.
func checkValue(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxNesting {
		return 0
	}
	switch b[i] {
	case '"':
		return checkString(b, i)
	case '{':
		return checkEntries(b, i, '}', depth)
	case '[':
		return checkEntries(b, i, ']', depth)
	case 't':
		return checkWord(b, i, "true")
	case 'f':
		return checkWord(b, i, "false")
	case 'n':
		return checkWord(b, i, "null")
	}
	return checkNumber(b, i)
}

// checkEntries checks an object or a list from its opening bracket on.
func checkEntries(b []byte, i int, closing byte, depth int) int {
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1
	}
	for {
		if closing == '}' {
			if i >= len(b) || b[i] != '"' {
				return 0
			}
			if i = checkString(b, i); i == 0 {
				return 0
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return 0
			}
			i = skipSpace(b, i+1)
		}
		if i = checkValue(b, i, depth+1); i == 0 {
			return 0
		}
		i = skipSpace(b, i)
		switch {
		case i >= len(b):
			return 0
		case b[i] == closing:
			return i + 1
		case b[i] != ',':
			return 0
		}
		i = skipSpace(b, i+1)
	}
}

func checkString(b []byte, i int) int {
	for i++; ; {
		i += PlainText(b[i:])
		if i >= len(b) {
			return 0
		}
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			n := escapeLength(b[i:])
			if n == 0 {
				return 0
			}
			i += n
		default: // a control character
			return 0
		}
	}
}

// escapeLength is the length of the escape at the start of p, 0 when it is
// none.
func escapeLength(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	switch p[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(p) < 6 {
			return 0
		}
		for _, c := range p[2:6] {
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

func checkWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return 0
	}
	return i + len(word)
}

func checkNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start || b[start] == '0' && i > start+1 {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, i); i == start {
			return 0
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

// PlainText counts the bytes at the start of p that stand for themselves in a
// JSON string: no quote, no backslash, no control character.
func PlainText(p []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	n := 0
	for ; len(p)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(p[n:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		// The high bit of a byte is set where w's is under 0x20, and where
		// quote's or slash's is zero; bytes over 0x7f are masked out.
		if ((w-0x20*ones)|(quote-ones)|(slash-ones))&^w&highs != 0 {
			break
		}
	}
	for n < len(p) && p[n] >= 0x20 && p[n] != '"' && p[n] != '\\' {
		n++
	}
	return n
}
