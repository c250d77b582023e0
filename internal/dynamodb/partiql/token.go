package partiql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a name, keyword or function, without quotes
	tokenName             // a name in double quotes
	tokenString           // a string in single quotes
	tokenNumber
	tokenParameter // ?
	tokenSymbol
	tokenBad // what no statement has: an open quote or comment, a foreign character
)

// token is a piece of a statement with its place.
type token struct {
	kind       tokenKind
	text       string // what it says, without quotes; keywords are upper-case in key
	key        string // of a keyword, upper case
	start, end int    // bytes in the statement
}

// symbols that consist of two characters stand before their first one.
var symbols = []string{"<<", ">>", "<>", "<=", ">=", "!=", "||", "(", ")", "[", "]", "{", "}", ",", ".", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%"}

// lex cuts a statement into tokens, ending with tokenEnd. It never fails.
func lex(text string) []token {
	tokens := make([]token, 0, 24)
	for at := 0; ; {
		var bad bool
		if at, bad = skipSpace(text, at); bad {
			tokens = append(tokens, token{kind: tokenBad, start: at, end: len(text)})
			at = len(text)
		}
		if at == len(text) {
			return append(tokens, token{kind: tokenEnd, start: at, end: at})
		}
		t := lexOne(text, at)
		tokens = append(tokens, t)
		at = t.end
	}
}

// skipSpace skips blanks and comments; an open comment is bad.
func skipSpace(text string, at int) (next int, bad bool) {
	for at < len(text) {
		rest := text[at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			at++
		case strings.HasPrefix(rest, "--"):
			line := strings.IndexByte(rest, '\n')
			if line < 0 {
				return len(text), false
			}
			at += line
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return at, true
			}
			at += end + 2
		default:
			return at, false
		}
	}
	return at, false
}

func lexOne(text string, at int) token {
	c := text[at]
	switch {
	case isLetter(c):
		end := at
		for end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
			end++
		}
		t := token{kind: tokenWord, text: text[at:end], start: at, end: end}
		if upper := strings.ToUpper(t.text); isKeyword(upper) {
			t.key = upper
		}
		return t
	case c == '"' || c == '\'':
		return lexQuoted(text, at)
	case isDigit(c) || c == '.' && at+1 < len(text) && isDigit(text[at+1]):
		return lexNumber(text, at)
	case c == '?':
		return token{kind: tokenParameter, text: "?", start: at, end: at + 1}
	}
	for _, s := range symbols {
		if strings.HasPrefix(text[at:], s) {
			return token{kind: tokenSymbol, text: s, start: at, end: at + len(s)}
		}
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	return token{kind: tokenBad, text: text[at : at+size], start: at, end: at + size}
}

// lexQuoted reads a name or string; a doubled quote inside stands for one.
func lexQuoted(text string, at int) token {
	quote := text[at]
	kind := tokenString
	if quote == '"' {
		kind = tokenName
	}
	var b strings.Builder
	for end := at + 1; end < len(text); end++ {
		if text[end] != quote {
			b.WriteByte(text[end])
			continue
		}
		if end+1 < len(text) && text[end+1] == quote {
			b.WriteByte(quote)
			end++
			continue
		}
		return token{kind: kind, text: b.String(), start: at, end: end + 1}
	}
	return token{kind: tokenBad, start: at, end: len(text)}
}

// lexNumber reads digits with a point and an exponent.
func lexNumber(text string, at int) token {
	end := at
	digits := func() {
		for end < len(text) && isDigit(text[end]) {
			end++
		}
	}
	digits()
	scale := 0 // digits behind the point
	if end < len(text) && text[end] == '.' {
		end++
		from := end
		digits()
		scale = end - from
	}
	if end < len(text) && (text[end] == 'e' || text[end] == 'E') {
		mark := end
		end++
		if end < len(text) && (text[end] == '+' || text[end] == '-') {
			end++
		}
		from := end
		digits()
		if end == from {
			end = mark
		} else if n, err := strconv.ParseInt(text[mark+1:end], 10, 32); err != nil || int64(scale)-n > math.MaxInt32 {
			// DynamoDB reads exponent and scale into 32 bits.
			return token{kind: tokenBad, start: at, end: end}
		}
	}
	return token{kind: tokenNumber, text: text[at:end], start: at, end: end}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// place is where a token stands, as errors show it: line and column from 1 in
// characters, and the token's length.
func place(text string, t token) string {
	before := text[:t.start]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("at %d:%d:%d", line, column, utf8.RuneCountInString(text[t.start:t.end]))
}
