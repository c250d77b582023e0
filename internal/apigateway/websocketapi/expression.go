package websocketapi

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

// part is literal text, or a path into the body when variable is true.
type part struct {
	literal  string
	variable bool
	path     jsonpath.Path
}

// ParseExpression compiles an expression. The error says what cannot be read,
// and where.
func ParseExpression(text string) (*Expression, error) {
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
			p, err := bodyPath(name)
			if err != nil {
				return nil, fmt.Errorf("at character %d: %w", i+1, err)
			}
			flush()
			e.parts = append(e.parts, part{variable: true, path: p})
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

// bodyPath reads "request.body.a.b"; nothing but the body can be read for a
// message, and a key is made of single values.
func bodyPath(name string) (jsonpath.Path, error) {
	rest, ok := strings.CutPrefix(name, "request.body")
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return jsonpath.Path{}, fmt.Errorf("a message has only $request.body, not $%s", name)
	}
	p, err := jsonpath.Parse(rest)
	if err == nil && !p.Definite() {
		err = fmt.Errorf("%s leads to more than one value: use names and positions", rest)
	}
	return p, err
}

// Key evaluates the expression for a message and appends the result to room,
// or returns a part of body when that is the result. A path that leads nowhere
// is empty text; so is every path in a body that is not JSON.
func (e *Expression) Key(room, body []byte) []byte {
	if len(e.parts) == 1 && e.parts[0].variable {
		v, ok := e.parts[0].path.Find(body)
		if !ok || v.Kind == jsonpath.Null {
			return nil
		}
		if v.Kind == jsonpath.String && !v.Escaped {
			return v.Raw[1 : len(v.Raw)-1] // the usual case: no copy
		}
		return v.AppendText(room)
	}
	for _, p := range e.parts {
		if !p.variable {
			room = append(room, p.literal...)
			continue
		}
		if v, ok := p.path.Find(body); ok && v.Kind != jsonpath.Null {
			room = v.AppendText(room)
		}
	}
	return room
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c >= 0x80
}
