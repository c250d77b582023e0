package vtl

import (
	"strconv"
	"strings"
)

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

// isNameByte includes the hyphen, as Velocity 1.7 does: $a-b is one name.
func isNameByte(c byte) bool {
	return isNameStart(c) || '0' <= c && c <= '9' || c == '-'
}

// nameLength is how much of s is a name.
func nameLength(s string) int {
	if s == "" || !isNameStart(s[0]) {
		return 0
	}
	n := 1
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	return n
}

// blanks skips white space inside of directives, line ends included.
func (p *parser) blanks() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) separators() {
	for p.blanks(); p.take(","); p.blanks() {
	}
}

func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.src[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

// takeKeyword takes a word that is not the beginning of a longer one.
func (p *parser) takeKeyword(word string) bool {
	rest := p.src[p.pos:]
	if strings.HasPrefix(rest, word) && (len(rest) == len(word) || !isNameByte(rest[len(word)])) {
		p.pos += len(word)
		return true
	}
	return false
}

// referenceOrNil reads a reference at the parser's place; nil, and a parser
// that has not moved, when there is none: "$", "$5", "${" are ordinary text.
func (p *parser) referenceOrNil() (node, error) {
	at := p.pos
	if !p.take("$") {
		return nil, nil
	}
	ref := &reference{offset: p.base + at, quiet: p.take("!")}
	braced := p.take("{")
	n := nameLength(p.src[p.pos:])
	if n == 0 {
		p.pos = at
		return nil, nil
	}
	ref.name = p.src[p.pos : p.pos+n]
	p.pos += n
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		if s == nil {
			break
		}
		ref.steps = append(ref.steps, *s)
	}
	if braced && !p.take("}") {
		p.pos = at
		return nil, nil
	}
	ref.source = p.src[at:p.pos]
	return ref, nil
}

// step reads ".name", ".name(…)" or "[…]"; nil when there is none.
func (p *parser) step() (*step, error) {
	at := p.pos
	s := &step{offset: p.base + at}
	switch {
	case p.take("."):
		n := nameLength(p.src[p.pos:])
		if n == 0 {
			p.pos = at // the full stop of a sentence
			return nil, nil
		}
		s.name = p.src[p.pos : p.pos+n]
		p.pos += n
		if !p.take("(") {
			return s, nil
		}
		s.called = true
		args, err := p.items(")")
		s.args = args
		return s, err
	case p.take("["):
		e, err := p.expression()
		if err == nil {
			if p.blanks(); p.take("]") {
				s.index = e
				return s, nil
			}
		}
		p.pos = at // a bracket of the text around
	}
	return nil, nil
}

// items reads expressions parted by commas, up to and with the end.
func (p *parser) items(end string) ([]expression, error) {
	var items []expression
	if p.blanks(); p.take(end) {
		return nil, nil
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		p.blanks()
		switch {
		case p.take(end):
			return items, nil
		case !p.take(","):
			return nil, p.fail(p.pos, "a comma or %q is missing here", end)
		}
	}
}

// levels are the binary operators, loosest first. Of two that begin alike the
// longer one is first; words must not run on.
var levels = [][]operator{
	{{"||", "||"}, {"or", "||"}},
	{{"&&", "&&"}, {"and", "&&"}},
	{{"==", "=="}, {"!=", "!="}, {"eq", "=="}, {"ne", "!="}},
	{{"<=", "<="}, {">=", ">="}, {"<", "<"}, {">", ">"}, {"le", "<="}, {"ge", ">="}, {"lt", "<"}, {"gt", ">"}},
	{{"+", "+"}, {"-", "-"}},
	{{"*", "*"}, {"/", "/"}, {"%", "%"}},
}

type operator struct{ written, op string }

func (p *parser) expression() (expression, error) { return p.level(0) }

func (p *parser) level(n int) (expression, error) {
	if n == len(levels) {
		return p.unary()
	}
	left, err := p.level(n + 1)
	if err != nil {
		return nil, err
	}
	for {
		p.blanks()
		at := p.pos
		op := p.operator(n)
		if op == "" {
			return left, nil
		}
		right, err := p.level(n + 1)
		if err != nil {
			return nil, err
		}
		left = &binary{offset: p.base + at, op: op, left: left, right: right}
	}
}

func (p *parser) operator(n int) string {
	for _, o := range levels[n] {
		if isNameStart(o.written[0]) && p.takeKeyword(o.written) || !isNameStart(o.written[0]) && p.take(o.written) {
			return o.op
		}
	}
	return ""
}

func (p *parser) unary() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.blanks()
	at := p.pos
	switch {
	case p.take("!") || p.takeKeyword("not"):
		e, err := p.unary()
		return &not{e}, err
	case p.take("-"):
		e, err := p.unary()
		return &negative{p.base + at, e}, err
	}
	return p.primary()
}

// primary reads a value: a literal, a reference, an expression in parentheses.
func (p *parser) primary() (expression, error) {
	p.blanks()
	if p.pos == len(p.src) {
		return nil, p.fail(p.pos, "the template ends where a value should be")
	}
	at := p.pos
	switch c := p.src[p.pos]; {
	case c == '$':
		item, err := p.referenceOrNil()
		if ref, ok := item.(*reference); ok || err != nil {
			return ref, err
		}
	case c == '"' || c == '\'':
		return p.quoted(c)
	case '0' <= c && c <= '9', c == '-':
		return p.number()
	case p.take("("):
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.blanks(); !p.take(")") {
			return nil, p.fail(at, "this parenthesis is not closed")
		}
		return e, nil
	case p.take("["):
		return p.list()
	case p.take("{"):
		return p.mapping()
	case p.takeKeyword("true"):
		return literal{true}, nil
	case p.takeKeyword("false"):
		return literal{false}, nil
	case p.takeKeyword("null"):
		return literal{nil}, nil
	}
	return nil, p.fail(at, "a value should be here: a reference, a text in quotes, a number, a list or a map")
}

func (p *parser) number() (expression, error) {
	start := p.pos
	p.take("-")
	p.digits()
	rest := p.src[p.pos:]
	if len(rest) > 1 && rest[0] == '.' && '0' <= rest[1] && rest[1] <= '9' { // not a range's ".."
		p.pos++
		p.digits()
	}
	if n := p.pos; p.take("e") || p.take("E") {
		if !p.take("-") {
			p.take("+")
		}
		if p.digits() == 0 {
			p.pos = n
		}
	}
	written := p.src[start:p.pos]
	if written == "-" {
		return nil, p.fail(start, "a number should follow the minus sign")
	}
	if len(written) > 400 {
		return nil, p.fail(start, "this number is too long")
	}
	return literal{readNumber(written)}, nil
}

func (p *parser) digits() int {
	start := p.pos
	for p.pos < len(p.src) && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

// quoted reads a text in quotes. A quote inside is written twice; backslashes
// mean nothing but \uXXXX. In double quotes references and directives count.
func (p *parser) quoted(quote byte) (expression, error) {
	at := p.pos
	p.pos++
	start, doubled := p.pos, false
	for {
		n := strings.IndexByte(p.src[p.pos:], quote)
		if n < 0 {
			return nil, p.fail(at, "this text has no closing quote")
		}
		p.pos += n + 1
		if p.pos == len(p.src) || p.src[p.pos] != quote {
			break
		}
		p.pos++
		doubled = true
	}
	inner := p.src[start : p.pos-1]
	if doubled {
		q := string(quote)
		inner = strings.ReplaceAll(inner, q+q, q)
	}
	inner = unicodeEscapes(inner)
	if quote == '\'' || !strings.ContainsAny(inner, "$#") {
		return literal{inner}, nil
	}
	// A text within this one needs its quotes doubled, so that depth is no concern.
	sub := &parser{whole: p.whole, src: inner, base: p.base + start, macros: p.macros}
	nodes, _, err := sub.block()
	return &template{nodes}, err
}

// unicodeEscapes decodes \uXXXX.
func unicodeEscapes(s string) string {
	if !strings.Contains(s, `\u`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if strings.HasPrefix(s[i:], `\u`) && len(s) >= i+6 {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(n))
				i += 6
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// list reads "[a, b]" or "[1..5]" after the bracket.
func (p *parser) list() (expression, error) {
	if p.blanks(); p.take("]") {
		return &list{}, nil
	}
	first, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.take("..") {
		last, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.blanks(); !p.take("]") {
			return nil, p.fail(p.pos, `"]" is missing after this range`)
		}
		return &interval{first, last}, nil
	}
	items := []expression{first}
	if p.take(",") {
		rest, err := p.items("]")
		return &list{append(items, rest...)}, err
	}
	if !p.take("]") {
		return nil, p.fail(p.pos, `a comma or "]" is missing here`)
	}
	return &list{items}, nil
}

// mapping reads `{"a": 1}` after the brace.
func (p *parser) mapping() (expression, error) {
	m := &mapping{}
	if p.blanks(); p.take("}") {
		return m, nil
	}
	for {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if p.blanks(); !p.take(":") {
			return nil, p.fail(p.pos, `":" is missing between a key and its value`)
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, key), append(m.values, value)
		p.blanks()
		switch {
		case p.take("}"):
			return m, nil
		case !p.take(","):
			return nil, p.fail(p.pos, `a comma or "}" is missing here`)
		}
	}
}
