package expression

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd       tokenKind = iota
	tokenWord                // a name, keyword or function
	tokenName                // #name
	tokenValue               // :value
	tokenDigits              // a list index
	tokenSymbol              // ( ) [ ] , . + - and the comparators
	tokenForeign             // a character that no expression has
	endOfText      = "<EOF>" // how errors print tokenEnd
	symbols        = "()[],.+-=<>"
	doubledSymbols = "<> <= >="
)

// token is a piece of the text with its place, which errors quote.
type token struct {
	kind       tokenKind
	start, end int
}

// lex cuts an expression into tokens, ending with tokenEnd. It never fails:
// a foreign character is a token that no rule takes.
func lex(text string) []token {
	tokens := make([]token, 0, 16)
	for at := 0; ; {
		for at < len(text) && isSpace(text[at]) {
			at++
		}
		if at == len(text) {
			return append(tokens, token{tokenEnd, at, at})
		}
		t := lexOne(text, at)
		tokens = append(tokens, t)
		at = t.end
	}
}

func lexOne(text string, at int) token {
	c := text[at]
	switch {
	case isLetter(c):
		return token{tokenWord, at, wordEnd(text, at)}
	case c == '#' || c == ':':
		kind := tokenName
		if c == ':' {
			kind = tokenValue
		}
		if end := wordEnd(text, at+1); end > at+1 {
			return token{kind, at, end}
		}
	case isDigit(c):
		end := at + 1
		for end < len(text) && isDigit(text[end]) {
			end++
		}
		return token{tokenDigits, at, end}
	case strings.IndexByte(symbols, c) >= 0:
		if at+2 <= len(text) && strings.Contains(doubledSymbols, text[at:at+2]) && text[at+1] != ' ' {
			return token{tokenSymbol, at, at + 2}
		}
		return token{tokenSymbol, at, at + 1}
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	return token{tokenForeign, at, at + size}
}

func isSpace(c byte) bool  { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func wordEnd(text string, at int) int {
	for at < len(text) && (isLetter(text[at]) || isDigit(text[at]) || text[at] == '_') {
		at++
	}
	return at
}
