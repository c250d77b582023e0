package vtl

import (
	"regexp"
	"strings"
)

// maxDepth bounds directives and expressions within one another.
const maxDepth = 100

// parser reads a text from left to right. src may be a part of the template
// (a text in double quotes); base is where it begins in whole.
type parser struct {
	whole  string
	src    string
	base   int
	pos    int
	depth  int
	macros map[string]*macro
}

// definition finds macros ahead of the parse: a macro may be called before it
// is defined.
var definition = regexp.MustCompile(`#\{?macro\}?\s*\(\s*([A-Za-z_][A-Za-z0-9_-]*)`)

// Parse reads a template. The error is an *Error.
func Parse(source string) (*Template, error) {
	p := &parser{whole: source, src: source, macros: map[string]*macro{}}
	for _, m := range definition.FindAllStringSubmatch(source, -1) {
		p.macros[m[1]] = &macro{}
	}
	nodes, _, err := p.block()
	if err != nil {
		return nil, err
	}
	return &Template{text: source, nodes: nodes, macros: p.macros}, nil
}

func (p *parser) fail(offset int, format string, args ...any) error {
	return errorAt(p.whole, p.base+offset, format, args...)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.pos, "the template is nested over %d levels", maxDepth)
	}
	return nil
}

// block reads nodes up to the end of the text, or to an #end, #elseif or #else
// of the directive around it, whose name it returns and whose # is where the
// parser is left. Outside of directives these are errors.
func (p *parser) block() (nodes []node, end string, err error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	inside := p.depth > 1
	start := p.pos
	flush := func(to int) {
		if to > start {
			nodes = append(nodes, text(p.src[start:to]))
		}
	}
	for p.pos < len(p.src) {
		at := p.pos
		var n node
		switch p.src[p.pos] {
		case '$':
			n, err = p.referenceOrNil()
		case '\\':
			n, err = p.backslashes()
		case '#':
			word, size := p.directive()
			if word == "end" || word == "else" || word == "elseif" {
				if !inside {
					return nil, "", p.fail(at, "#%s without an #if or #foreach", word)
				}
				flush(at)
				return nodes, word, nil
			}
			n, err = p.hash(word, size)
			if _, isSet := n.(*set); isSet { // #set takes the blanks before it along
				flush(start + len(strings.TrimRight(p.src[start:at], " \t")))
				nodes, start = append(nodes, n), p.pos
				continue
			}
		}
		if err != nil {
			return nil, "", err
		}
		if p.pos == at {
			p.pos++ // ordinary text
			continue
		}
		flush(at)
		if n != nil {
			nodes = append(nodes, n)
		}
		start = p.pos
	}
	flush(p.pos)
	return nodes, "", nil
}

// directive looks at "#word" or "#{word}" at the parser's place.
func (p *parser) directive() (word string, size int) {
	rest := p.src[p.pos+1:]
	if inner, ok := strings.CutPrefix(rest, "{"); ok {
		n := nameLength(inner)
		if n > 0 && strings.HasPrefix(inner[n:], "}") {
			return inner[:n], n + 3
		}
		return "", 0
	}
	n := 0
	for n < len(rest) && isNameByte(rest[n]) && rest[n] != '-' {
		n++
	}
	if n == 0 || !isNameStart(rest[0]) {
		return "", 0
	}
	// "#end-x" ends, but a macro's name may have hyphens.
	if full := nameLength(rest); p.macros[rest[:full]] != nil {
		n = full
	}
	return rest[:n], n + 1
}

// hash reads what begins with "#". A parser that has not moved and a nil node
// are ordinary text.
func (p *parser) hash(word string, size int) (node, error) {
	at := p.pos
	rest := p.src[at:]
	switch {
	case strings.HasPrefix(rest, "##"):
		p.pos = len(p.src)
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			p.pos = at + n + 1
		}
		return nil, nil
	case strings.HasPrefix(rest, "#*"):
		n := strings.Index(rest[2:], "*#")
		if n < 0 {
			return nil, p.fail(at, "this comment has no *#")
		}
		p.pos = at + n + 4
		return nil, nil
	case strings.HasPrefix(rest, "#[["):
		n := strings.Index(rest, "]]#")
		if n < 0 {
			return nil, p.fail(at, "#[[ without ]]#")
		}
		p.pos = at + n + 3
		return text(rest[3:n]), nil
	}
	p.pos += size
	switch word {
	case "set":
		return p.set(at)
	case "if":
		return p.conditional(at)
	case "foreach":
		return p.loop(at)
	case "macro":
		return nil, p.macro(at)
	case "break":
		p.lineEnd()
		return breaking{}, nil
	case "stop":
		p.lineEnd()
		return stopping{}, nil
	case "return":
		return p.returning()
	case "include", "parse", "evaluate", "define":
		if p.peekParenthesis() {
			return nil, p.fail(at, "#%s is not supported", word)
		}
	}
	if p.macros[word] != nil && p.peekParenthesis() {
		return p.call(at, word)
	}
	p.pos = at
	return nil, nil
}

// lineEnd takes the rest of the line when it is blank, as directives do.
func (p *parser) lineEnd() {
	n := p.pos
	for n < len(p.src) && (p.src[n] == ' ' || p.src[n] == '\t') {
		n++
	}
	switch {
	case strings.HasPrefix(p.src[n:], "\r\n"):
		p.pos = n + 2
	case strings.HasPrefix(p.src[n:], "\n"), strings.HasPrefix(p.src[n:], "\r"):
		p.pos = n + 1
	}
}

func (p *parser) peekParenthesis() bool {
	n := p.pos
	for n < len(p.src) && (p.src[n] == ' ' || p.src[n] == '\t') {
		n++
	}
	return n < len(p.src) && p.src[n] == '('
}

// open takes the parenthesis after a directive's name.
func (p *parser) open(at int, word string) error {
	p.blanks()
	if !p.take("(") {
		return p.fail(at, "#%s needs a parenthesis after it", word)
	}
	return nil
}

// close takes the closing parenthesis of a directive and the blank rest of
// its line.
func (p *parser) close(at int, word string) error {
	p.blanks()
	if !p.take(")") {
		return p.fail(p.pos, "#%s has no closing parenthesis where this is", word)
	}
	p.lineEnd()
	return nil
}

func (p *parser) set(at int) (node, error) {
	if err := p.open(at, "set"); err != nil {
		return nil, err
	}
	p.blanks()
	target, err := p.referenceOrNil()
	if err != nil {
		return nil, err
	}
	ref, ok := target.(*reference)
	if !ok {
		return nil, p.fail(p.pos, "#set needs a reference, such as $name")
	}
	if n := len(ref.steps); n > 0 && ref.steps[n-1].called {
		return nil, p.fail(at, "#set cannot set a method's result")
	}
	p.blanks()
	if strings.HasPrefix(p.src[p.pos:], "==") || !p.take("=") {
		return nil, p.fail(p.pos, "#set needs = after the reference")
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &set{offset: p.base + at, target: ref, value: value}, p.close(at, "set")
}

// condition reads "(expression)" of #if and #elseif.
func (p *parser) condition(at int, word string) (expression, error) {
	if err := p.open(at, word); err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	return e, p.close(at, word)
}

func (p *parser) conditional(at int) (node, error) {
	c := &conditional{}
	word := "if"
	for {
		var b branch
		var err error
		if word != "else" {
			if b.condition, err = p.condition(p.pos, word); err != nil {
				return nil, err
			}
		} else {
			p.lineEnd()
		}
		var end string
		if b.body, end, err = p.block(); err != nil {
			return nil, err
		}
		c.branches = append(c.branches, b)
		switch {
		case end == "":
			return nil, p.fail(at, "this #if has no #end")
		case end == "end":
			p.takeWord()
			p.lineEnd()
			return c, nil
		case word == "else":
			return nil, p.fail(p.pos, "#%s after #else", end)
		}
		word = end
		p.takeWord()
	}
}

// takeWord takes the directive that a block ended at.
func (p *parser) takeWord() {
	_, size := p.directive()
	p.pos += size
}

func (p *parser) loop(at int) (node, error) {
	if err := p.open(at, "foreach"); err != nil {
		return nil, err
	}
	p.blanks()
	item, err := p.referenceOrNil()
	if err != nil {
		return nil, err
	}
	ref, ok := item.(*reference)
	if !ok || len(ref.steps) > 0 {
		return nil, p.fail(p.pos, "#foreach needs a reference, such as $item")
	}
	p.blanks()
	if !p.takeKeyword("in") {
		return nil, p.fail(p.pos, "#foreach needs \"in\" after its reference")
	}
	over, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.close(at, "foreach"); err != nil {
		return nil, err
	}
	body, err := p.body(at, "foreach")
	return &loop{offset: p.base + at, name: ref.name, over: over, body: body}, err
}

// body reads up to and with a directive's #end.
func (p *parser) body(at int, word string) ([]node, error) {
	nodes, end, err := p.block()
	switch {
	case err != nil:
		return nil, err
	case end == "":
		return nil, p.fail(at, "this #%s has no #end", word)
	case end != "end":
		return nil, p.fail(p.pos, "#%s without an #if", end)
	}
	p.takeWord()
	p.lineEnd()
	return nodes, nil
}

func (p *parser) macro(at int) error {
	if err := p.open(at, "macro"); err != nil {
		return err
	}
	p.blanks()
	n := nameLength(p.src[p.pos:])
	if n == 0 {
		return p.fail(p.pos, "#macro needs a name")
	}
	m := p.macros[p.src[p.pos:p.pos+n]]
	if m == nil {
		m = &macro{} // defined inside of a text in quotes; nobody can call it
	}
	p.pos += n
	var parameters []string
	for p.separators(); !p.take(")"); p.separators() {
		item, err := p.referenceOrNil()
		if err != nil {
			return err
		}
		ref, ok := item.(*reference)
		if !ok || len(ref.steps) > 0 {
			return p.fail(p.pos, "a parameter of #macro is a reference, such as $name")
		}
		parameters = append(parameters, ref.name)
	}
	p.lineEnd()
	body, err := p.body(at, "macro")
	m.parameters, m.body = parameters, body
	return err
}

// call reads a macro's call; its arguments are parted by blanks or commas.
func (p *parser) call(at int, name string) (node, error) {
	if err := p.open(at, name); err != nil {
		return nil, err
	}
	c := &call{offset: p.base + at, name: name}
	for p.separators(); !p.take(")"); p.separators() {
		arg, err := p.primary()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
	}
	p.lineEnd()
	c.source = p.src[at:p.pos]
	return c, nil
}

// returning reads #return, with or without a value.
func (p *parser) returning() (node, error) {
	at := p.pos
	if !p.peekParenthesis() {
		p.lineEnd()
		return &returning{}, nil
	}
	if err := p.open(at, "return"); err != nil {
		return nil, err
	}
	p.blanks()
	if p.take(")") {
		p.lineEnd()
		return &returning{}, nil
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &returning{value: value}, p.close(at, "return")
}

// backslashes reads backslashes before a reference or a directive; elsewhere
// they are ordinary text.
func (p *parser) backslashes() (node, error) {
	at := p.pos
	n := 0
	for p.pos < len(p.src) && p.src[p.pos] == '\\' {
		p.pos++
		n++
	}
	if p.pos == len(p.src) {
		return text(p.src[at:]), nil
	}
	switch p.src[p.pos] {
	case '$':
		item, err := p.referenceOrNil()
		if err != nil {
			return nil, err
		}
		if ref, ok := item.(*reference); ok {
			return &escaped{slashes: n, ref: ref}, nil
		}
	case '#':
		word, size := p.directive()
		if !directives[word] && p.macros[word] == nil {
			break
		}
		half := strings.Repeat(`\`, n/2)
		if n%2 == 1 {
			p.pos += size
			return text(half + p.src[p.pos-size:p.pos]), nil
		}
		return text(half), nil
	}
	return text(p.src[at:p.pos]), nil
}

var directives = map[string]bool{
	"set": true, "if": true, "elseif": true, "else": true, "end": true, "foreach": true, "macro": true,
	"break": true, "stop": true, "return": true,
}
