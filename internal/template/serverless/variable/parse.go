// Package variable reads and resolves the variables of a Serverless Framework
// configuration: ${source:address}, ${source(parameter):address}, fallbacks
// after commas, variables inside variables.
//
// CloudFormation writes ${...} too, inside Fn::Sub. The two never collide,
// because a variable begins with a lower-case source name and a colon or
// parenthesis: ${AWS::Region}, ${Table}, ${Table.Arn} and ${!Literal} are left
// alone. A backslash before ${ keeps it as text (\${self:a} is ${self:a}).
package variable

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Text is a string cut into literal pieces and variables, in order.
type Text []Piece

// Piece is either literal text or a variable.
type Piece struct {
	Literal  string
	Variable *Variable
}

// Variable is one ${...}: sources tried in order until one has a value.
type Variable struct {
	// Raw is what stands between the braces.
	Raw     string
	Sources []Source
}

// Source is one alternative of a variable: a named source, or a literal.
type Source struct {
	Type    string
	Params  []Text
	Address Text
	// Raw is the source as written, without fallbacks: "cf:stack.Out".
	Raw     string
	Literal *document.Node
}

// SyntaxError is a variable that cannot be read; Offset is a byte offset in
// the parsed text.
type SyntaxError struct {
	Offset int
	Text   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("at character %d: %s", e.Offset+1, e.Text) }

// maxDepth bounds variables inside variables.
const maxDepth = 32

// Parse cuts s into pieces. A text without variables is one literal piece, in
// which escapes are undone.
func Parse(s string) (Text, error) {
	p := parser{s: s}
	return p.text(0, "")
}

// Plain tells whether s holds nothing to parse, the common case.
func Plain(s string) bool { return !strings.Contains(s, "${") }

// whole returns the variable that t consists of, or nil.
func (t Text) whole() *Variable {
	if len(t) == 1 {
		return t[0].Variable
	}
	return nil
}

// parser reads s from i on.
type parser struct {
	s string
	i int
}

// fail makes a SyntaxError.
func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Offset: at, Text: fmt.Sprintf(format, args...)}
}

// peek is the byte at the cursor, 0 at the end.
func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// space skips space.
func (p *parser) space() {
	for p.peek() == ' ' || p.peek() == '\n' || p.peek() == '\t' || p.peek() == '\r' {
		p.i++
	}
}

// text reads pieces up to one of the bytes in stop, which is not consumed;
// an empty stop reads to the end. Inside a variable (stop is not empty) every
// ${ has to begin another variable, as in the framework.
func (p *parser) text(depth int, stop string) (Text, error) {
	var out Text
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			out = append(out, Piece{Literal: lit.String()})
			lit.Reset()
		}
	}
	for p.i < len(p.s) {
		c := p.s[p.i]
		if stop != "" && strings.IndexByte(stop, c) >= 0 {
			break
		}
		if c == '\\' {
			p.backslashes(&lit)
			continue
		}
		if c != '$' || !strings.HasPrefix(p.s[p.i:], "${") {
			lit.WriteByte(c)
			p.i++
			continue
		}
		if !p.startsVariable() {
			if stop != "" {
				return nil, p.fail(p.i, "a variable inside a variable has to name its source")
			}
			lit.WriteString("${") // CloudFormation's, or plain text
			p.i += 2
			continue
		}
		if depth >= maxDepth {
			return nil, p.fail(p.i, "variables nest deeper than %d levels", maxDepth)
		}
		v, err := p.variable(depth + 1)
		if err != nil {
			return nil, err
		}
		flush()
		out = append(out, Piece{Variable: v})
	}
	flush()
	return out, nil
}

// backslashes copies a run of backslashes. Before ${ they pair up, and an odd
// one takes the meaning of ${ away.
func (p *parser) backslashes(lit *strings.Builder) {
	start := p.i
	for p.peek() == '\\' {
		p.i++
	}
	n := p.i - start
	if !strings.HasPrefix(p.s[p.i:], "${") {
		lit.WriteString(p.s[start:p.i])
		return
	}
	lit.WriteString(strings.Repeat(`\`, n/2))
	if n%2 == 1 {
		lit.WriteString("${")
		p.i += 2
	}
}

// startsVariable tells whether the ${ at the cursor begins a variable.
func (p *parser) startsVariable() bool {
	rest := p.s[p.i+2:]
	n := typeLength(rest)
	if n == 0 || n >= len(rest) || rest[0] < 'a' || rest[0] > 'z' {
		return false
	}
	return rest[n] == '(' || rest[n] == ':' && !strings.HasPrefix(rest[n:], "::")
}

// typeLength is the length of the word that s begins with.
func typeLength(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return i
		}
	}
	return len(s)
}

// variable reads from ${ to its closing brace.
func (p *parser) variable(depth int) (*Variable, error) {
	open := p.i
	p.i += 2
	v := &Variable{}
	for {
		start := p.i
		src, err := p.source(depth)
		if err != nil {
			return nil, err
		}
		src.Raw = strings.TrimSpace(p.s[start:p.i])
		v.Sources = append(v.Sources, src)
		p.space()
		switch p.peek() {
		case '}':
			v.Raw = p.s[open+2 : p.i]
			p.i++
			return v, nil
		case ',':
			if src.Literal != nil {
				return nil, p.fail(p.i, "nothing can follow the literal %s: it always has a value", src.Raw)
			}
			p.i++
			p.space()
		case 0:
			return nil, p.fail(open, "the variable has no closing brace")
		default:
			return nil, p.fail(p.i, "unexpected %q in a variable", p.peek())
		}
	}
}

// source reads type:address, type(params):address or a literal.
func (p *parser) source(depth int) (Source, error) {
	if c := p.peek(); c == '\'' || c == '"' {
		s, err := p.quoted()
		if err != nil {
			return Source{}, err
		}
		return Source{Literal: document.Str(s, diag.Position{})}, nil
	}
	at := p.i
	n := typeLength(p.s[p.i:])
	word := p.s[p.i : p.i+n]
	p.i += n
	switch c := p.peek(); {
	case n > 0 && c == ':':
		p.i++
		addr, err := p.address(depth)
		return Source{Type: word, Address: addr}, err
	case n > 0 && c == '(':
		p.i++
		params, err := p.params(depth)
		if err != nil {
			return Source{}, err
		}
		src := Source{Type: word, Params: params}
		p.space()
		if p.peek() == ':' {
			p.i++
			src.Address, err = p.address(depth)
		}
		return src, err
	}
	if lit := literal(word); lit != nil {
		return Source{Literal: lit}, nil
	}
	if word == "" {
		return Source{}, p.fail(at, "a source or a literal is missing")
	}
	return Source{}, p.fail(at, "%q is neither a source (it has no colon) nor a literal; text needs quotes", word)
}

// literal reads an unquoted fallback: true, false, null or a number.
func literal(word string) *document.Node {
	switch word {
	case "true", "false":
		return &document.Node{Kind: document.Bool, Text: word}
	case "null":
		return &document.Node{Kind: document.Null}
	}
	if _, err := strconv.ParseFloat(word, 64); err == nil && strings.Trim(word, "0123456789.-+eE") == "" {
		return &document.Node{Kind: document.Number, Text: word}
	}
	return nil
}

// address reads up to the comma or brace that ends the source.
func (p *parser) address(depth int) (Text, error) {
	p.space()
	if c := p.peek(); c == '\'' || c == '"' {
		s, err := p.quoted()
		return Text{{Literal: s}}, err
	}
	t, err := p.text(depth, ",}")
	return trim(t), err
}

// params reads up to and including the closing parenthesis.
func (p *parser) params(depth int) ([]Text, error) {
	var out []Text
	open := p.i - 1
	for {
		p.space()
		var t Text
		var err error
		if c := p.peek(); c == '\'' || c == '"' {
			var s string
			s, err = p.quoted()
			t = Text{{Literal: s}}
			p.space()
		} else {
			t, err = p.text(depth, ",)}")
			t = trim(t)
		}
		if err != nil {
			return nil, err
		}
		c := p.peek()
		if len(t) > 0 || len(out) > 0 || c == ',' {
			out = append(out, t)
		}
		switch c {
		case ',':
			p.i++
		case ')':
			p.i++
			return out, nil
		default:
			return nil, p.fail(open, "the parenthesis is not closed")
		}
	}
}

// quoted reads a string in single quotes (taken as it stands) or double
// quotes (JSON escapes).
func (p *parser) quoted() (string, error) {
	at, q := p.i, p.s[p.i]
	p.i++
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '\\' && q == '"':
			p.i += 2
			continue
		case c == q:
			p.i++
			raw := p.s[at:p.i]
			if q == '\'' {
				return raw[1 : len(raw)-1], nil
			}
			s, err := strconv.Unquote(raw)
			if err != nil {
				return "", p.fail(at, "%s is not a valid string", raw)
			}
			return s, nil
		}
		p.i++
	}
	return "", p.fail(at, "the string has no closing quote")
}

// trim takes the space around a text away.
func trim(t Text) Text {
	if len(t) > 0 && t[0].Variable == nil {
		t[0].Literal = strings.TrimLeft(t[0].Literal, " \t\r\n")
		if t[0].Literal == "" {
			t = t[1:]
		}
	}
	if n := len(t); n > 0 && t[n-1].Variable == nil {
		t[n-1].Literal = strings.TrimRight(t[n-1].Literal, " \t\r\n")
		if t[n-1].Literal == "" {
			t = t[:n-1]
		}
	}
	return t
}
