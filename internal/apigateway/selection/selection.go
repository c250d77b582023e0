// Package selection evaluates the selection expressions of WebSocket APIs,
// which pick routes, models, templates and integration responses.
package selection

import (
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/jsonpath"
)

// Expression is a compiled selection expression over a message (API Gateway
// Developer Guide, "WebSocket selection expressions"): literal text mixed with
// variables, "$request.body.action" or "${request.body.service}/x"; "\$" is a
// dollar sign. It is evaluated once, not recursively.
type Expression struct{ parts []part }

// part is literal text, or a variable: a path into the body, or a part of a
// backend's answer.
type part struct {
	literal  string
	variable bool
	path     jsonpath.Path
	many     bool   // the path leads to a list of values
	answer   string // "statuscode", "header.x": behind "integration.response."
}

// Parse compiles an expression. The error says what cannot be read,
// and where.
func Parse(text string) (*Expression, error) { return parse(text, bodyPart) }

// ParseResponse compiles an expression that may also name parts of a
// backend's answer: "${integration.response.statuscode}".
func ParseResponse(text string) (*Expression, error) {
	return parse(text, answerPart)
}

func parse(text string, variable func(name string) (part, error)) (*Expression, error) {
	e := &Expression{}
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			e.parts = append(e.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], `\$`):
			literal.WriteByte('$')
			i += 2
		case text[i] == '$':
			name, size, err := variableAt(text, i)
			if err != nil {
				return nil, err
			}
			p, err := variable(name)
			if err != nil {
				return nil, fmt.Errorf("at character %d: %w", i+1, err)
			}
			flush()
			e.parts = append(e.parts, p)
			i += size
		default:
			literal.WriteByte(text[i])
			i++
		}
	}
	flush()
	if len(e.parts) == 0 {
		return nil, fmt.Errorf("the expression is empty")
	}
	return e, nil
}

// variableAt takes the variable that begins with the dollar sign at i: up to
// the brace, or as far as a path reaches.
func variableAt(text string, i int) (name string, size int, err error) {
	rest := text[i+1:]
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return "", 0, fmt.Errorf(`at character %d: "${" without "}"`, i+1)
		}
		return rest[1:end], end + 2, nil
	}
	n := 0
	for n < len(rest) && (isNameByte(rest[n]) || rest[n] == '.' || rest[n] == '[') {
		if rest[n] == '[' {
			end := strings.IndexByte(rest[n:], ']')
			if end < 0 {
				return "", 0, fmt.Errorf(`at character %d: "[" without "]"`, i+n+2)
			}
			n += end
		}
		n++
	}
	return rest[:n], n + 1, nil
}

// bodyPart reads "request.body.a.b"; nothing but the body can be read for a
// message.
func bodyPart(name string) (part, error) {
	rest, ok := strings.CutPrefix(name, "request.body")
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return part{}, fmt.Errorf("a message has only $request.body, not $%s", name)
	}
	p, err := jsonpath.Parse(rest)
	return part{variable: true, path: p, many: err == nil && !p.Definite()}, err
}

func answerPart(name string) (part, error) {
	rest, ok := strings.CutPrefix(name, "integration.response.")
	if !ok {
		return bodyPart(name)
	}
	switch where, _, named := strings.Cut(rest, "."); {
	case rest == "statuscode", where == "body":
	case named && (where == "header" || where == "multivalueheader"):
	default:
		return part{}, fmt.Errorf("an answer has statuscode, header, multivalueheader and body, not %s", rest)
	}
	return part{variable: true, answer: rest}, nil
}

// Default is what an expression that is nil gives.
const Default = "$default"

// Text evaluates an expression over a message and the parts of an answer, which
// answer returns by the name behind "integration.response.".
func (e *Expression) Text(body []byte, answer func(name string) string) string {
	if e == nil {
		return Default
	}
	var b []byte
	for i := range e.parts {
		switch p := &e.parts[i]; {
		case p.answer != "" && answer != nil:
			b = append(b, answer(p.answer)...)
		case p.answer == "":
			b = p.append(b, body)
		}
	}
	return string(b)
}

// append appends literal text, or what a path leads to.
func (p *part) append(b, body []byte) []byte {
	if !p.variable {
		return append(b, p.literal...)
	}
	if p.many {
		return appendList(b, p.path.All(body))
	}
	if v, ok := p.path.Find(body); ok && v.Kind != jsonpath.Null {
		return v.AppendText(b)
	}
	return b
}

// Key evaluates the expression for a message and appends the result to room,
// or returns a part of body when that is the result. A path that leads nowhere
// is empty text; so is every path in a body that is not JSON.
func (e *Expression) Key(room, body []byte) []byte {
	if len(e.parts) == 1 && e.parts[0].variable && !e.parts[0].many {
		v, ok := e.parts[0].path.Find(body)
		if !ok || v.Kind == jsonpath.Null {
			return nil
		}
		if v.Kind == jsonpath.String && !v.Escaped {
			return v.Raw[1 : len(v.Raw)-1] // the usual case: no copy
		}
		return v.AppendText(room)
	}
	for i := range e.parts {
		room = e.parts[i].append(room, body)
	}
	return room
}

// appendList appends the values that a path with wildcards or filters leads to,
// "[item1, item2]"; none are empty text, as a path that leads nowhere is.
func appendList(b []byte, values []jsonpath.Value) []byte {
	before := "["
	for _, v := range values {
		b = v.AppendText(append(b, before...))
		before = ", "
	}
	if len(values) > 0 {
		b = append(b, ']')
	}
	return b
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c >= 0x80
}
