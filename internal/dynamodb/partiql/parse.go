package partiql

import (
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
)

// parser reads a statement by recursive descent. The first error sticks and
// moves it to the end, where every rule ends.
type parser struct {
	text   string
	tokens []token
	at     int
	out    *Statement
	err    string
}

func (p *parser) fail(message string) {
	if p.err == "" {
		p.err = message
	}
	p.at = len(p.tokens) - 1
}

func (p *parser) malformed(detail string) { p.fail(notWellFormed + detail) }

func (p *parser) peek() token { return p.tokens[p.at] }

// ahead is the token n places on, the last one behind the end.
func (p *parser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

func (p *parser) symbolAt(at int, symbol string) bool {
	t := p.tokens[min(at, len(p.tokens)-1)]
	return t.kind == tokenSymbol && t.text == symbol
}

func (p *parser) is(symbol string) bool { return p.symbolAt(p.at, symbol) }

func (p *parser) accept(symbol string) bool {
	if p.is(symbol) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(symbol, detail string) {
	if !p.accept(symbol) {
		p.malformed(detail)
	}
}

// keyword takes keywords that follow one another, or nothing.
func (p *parser) keyword(words ...string) bool {
	for i, w := range words {
		if p.ahead(i).key != w {
			return false
		}
	}
	for range words {
		p.take()
	}
	return true
}

// isName tells whether a token can name a table or an attribute.
func isName(t token) bool { return t.kind == tokenName || t.kind == tokenWord && t.key == "" }

// infix are the operators between two operands, from the weakest to the
// strongest; those that no condition takes are read to be named in errors.
var infix = [][]string{
	{"=", "<>", "!=", "<", "<=", ">", ">="},
	{"||"},
	{"+", "-"},
	{"*", "/", "%"},
}

func (p *parser) or() *expr {
	left := p.and()
	for p.peek().key == "OR" {
		t := p.take()
		left = p.operator("OR", t, left, p.right(p.and))
	}
	return left
}

func (p *parser) and() *expr {
	left := p.not()
	for p.peek().key == "AND" {
		t := p.take()
		left = p.operator("AND", t, left, p.right(p.not))
	}
	return left
}

func (p *parser) not() *expr {
	if t := p.peek(); p.keyword("NOT") {
		return p.operator("NOT", t, p.not())
	}
	return p.comparison()
}

// right reads the operand behind an infix operator.
func (p *parser) right(read func() *expr) *expr {
	if p.peek().kind == tokenEnd || p.is(";") {
		p.malformed("Missing right-hand side expression of infix operator")
	}
	return read()
}

func (p *parser) operator(name string, at token, args ...*expr) *expr {
	return &expr{kind: exprOperator, name: name, at: at, args: args}
}

// comparison reads comparisons and the tests that are words.
func (p *parser) comparison() *expr {
	left := p.binary(0)
	for {
		negated := p.peek().key == "NOT"
		word := p.peek()
		if negated {
			word = p.ahead(1)
		}
		var test *expr
		switch word.key {
		case "IN":
			p.skipWords(negated)
			test = p.operator("IN", word, left, p.right(func() *expr { return p.binary(1) }))
		case "BETWEEN":
			p.skipWords(negated)
			low := p.right(func() *expr { return p.binary(1) })
			if !p.keyword("AND") {
				p.malformed("Expected AND after BETWEEN")
			}
			test = p.operator("BETWEEN", word, left, low, p.right(func() *expr { return p.binary(1) }))
		case "LIKE":
			p.skipWords(negated)
			test = p.operator("like", word, left, p.right(func() *expr { return p.binary(1) }))
		case "IS":
			if negated {
				return left
			}
			p.take()
			negated = p.keyword("NOT")
			test = p.operator("IS", word, left)
			test.args = append(test.args, p.typeName())
		default:
			return left
		}
		if negated {
			test = p.operator("NOT", word, test)
		}
		left = test
	}
}

func (p *parser) skipWords(negated bool) {
	p.take()
	if negated {
		p.take()
	}
}

// binary reads operators of a level of infix and the stronger ones.
func (p *parser) binary(level int) *expr {
	if level == len(infix) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for {
		t := p.peek()
		if t.kind != tokenSymbol || !contains(infix[level], t.text) {
			return left
		}
		p.take()
		left = p.operator(strings.Replace(t.text, "!=", "<>", 1), t, left, p.right(func() *expr { return p.binary(level + 1) }))
	}
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

func (p *parser) unary() *expr {
	t := p.peek()
	if t.kind != tokenSymbol || t.text != "-" && t.text != "+" {
		return p.primary()
	}
	p.take()
	if n := p.peek(); n.kind == tokenNumber {
		p.take()
		return &expr{kind: exprScalar, at: t, name: t.text + n.text}
	}
	return p.operator(t.text, t, p.unary())
}

// primary reads a literal, a parameter, a path, a call or a group.
func (p *parser) primary() *expr {
	t := p.peek()
	switch {
	case t.kind == tokenEnd:
		p.malformed("Unexpected term")
	case t.kind == tokenString:
		p.take()
		return p.bare(&expr{kind: exprScalar, at: t, value: attribute.String(t.text)})
	case t.kind == tokenNumber:
		p.take()
		return p.bare(&expr{kind: exprScalar, at: t, name: t.text})
	case t.kind == tokenParameter:
		p.take()
		p.out.Parameters++
		return p.bare(&expr{kind: exprParameter, at: t, param: p.out.Parameters - 1})
	case t.kind == tokenWord && p.symbolAt(p.at+1, "(") && !isOperatorWord(t.key):
		return p.call()
	case isName(t):
		return p.path()
	case t.key != "":
		return p.word()
	}
	return p.group()
}

// bare refuses a path that begins with a value.
func (p *parser) bare(e *expr) *expr {
	if p.is(".") {
		p.fail("Unexpected path component " + place(p.text, e.at))
	}
	return e
}

func isOperatorWord(key string) bool {
	switch key {
	case "IN", "IS", "LIKE", "BETWEEN", "AND", "OR", "NOT":
		return true
	}
	return false
}

// word reads a literal that is a keyword.
func (p *parser) word() *expr {
	t := p.take()
	e := &expr{kind: exprScalar, at: t}
	switch t.key {
	case "TRUE", "FALSE":
		e.value = attribute.Bool(t.key == "TRUE")
	case "NULL":
		e.value = attribute.Null()
	case "MISSING":
		e.kind, e.name = exprMissing, t.key
	default:
		if isOperatorWord(t.key) {
			p.malformed("Unexpected operator")
		} else {
			p.malformed("Unexpected keyword")
		}
	}
	return e
}

// group reads what stands in brackets of any kind.
func (p *parser) group() *expr {
	t := p.take()
	e := &expr{at: t, kind: exprList}
	switch t.text {
	case "(":
		inner := p.or()
		if !p.is(",") {
			p.expect(")", leftover)
			return inner
		}
		p.take()
		e.args = append([]*expr{inner}, p.elements(")")...)
	case "[":
		e.args = p.elements("]")
	case "<<":
		e.kind, e.args = exprBag, p.elements(">>")
	case "{":
		e.kind = exprTuple
		p.members(e)
	case "=", "<>", "!=", "<", "<=", ">", ">=", "||", "*", "/", "%":
		p.malformed("Unexpected operator")
	default:
		p.malformed("Unexpected term")
	}
	return e
}

// elements reads expressions up to a closing bracket.
func (p *parser) elements(closing string) (list []*expr) {
	if p.accept(closing) {
		return nil
	}
	for again := true; again && p.err == ""; again = p.accept(",") {
		list = append(list, p.or())
	}
	p.expect(closing, "Unexpected term")
	return list
}

func (p *parser) members(e *expr) {
	if p.accept("}") {
		return
	}
	for again := true; again && p.err == ""; again = p.accept(",") {
		name := p.or()
		p.expect(":", "Unexpected term")
		e.args = append(e.args, name, p.or())
	}
	p.expect("}", "Unexpected term")
}

// call reads a function; its name is lower-case, as errors show it.
func (p *parser) call() *expr {
	t := p.take()
	p.take() // the parenthesis
	e := &expr{kind: exprCall, at: t, name: strings.ToLower(t.text)}
	if p.accept("*") { // COUNT(*)
		p.expect(")", "Unexpected term")
		return e
	}
	e.args = p.elements(")")
	return e
}

// path reads a document path.
func (p *parser) path() *expr {
	t := p.take()
	e := &expr{kind: exprPath, at: t, name: t.text, path: expression.Path{{Name: t.text}}}
	if t.text == "" {
		p.fail(noDots)
	}
	for p.err == "" {
		switch {
		case p.accept("."):
			p.dot(e)
		case p.accept("["):
			p.bracket(e)
		default:
			return e
		}
	}
	return e
}

func (p *parser) dot(e *expr) {
	switch t := p.take(); {
	case t.text == "*" && t.kind == tokenSymbol:
		p.fail("Unpivot path component like a.*.b are not supported " + place(p.text, t))
	case !isName(t):
		p.malformed("Invalid path dot component")
	case t.text == "":
		p.fail(noDots)
	default:
		e.path = append(e.path, expression.Step{Name: t.text})
	}
}

func (p *parser) bracket(e *expr) {
	switch t := p.take(); {
	case t.text == "*" && t.kind == tokenSymbol:
		p.fail("Wildcard path component like a[*].b are not supported " + place(p.text, t))
		return
	case t.kind == tokenString && t.text != "":
		e.path = append(e.path, expression.Step{Name: t.text})
	case t.kind == tokenNumber:
		index, err := strconv.Atoi(t.text)
		if err != nil || index > 1<<31-1 {
			p.fail("List index is not within the allowable range; index: [" + t.text + "]")
		}
		e.path = append(e.path, expression.Step{Index: index})
	default:
		p.fail("Unexpected path component " + place(p.text, t))
		return
	}
	p.expect("]", "Unexpected term")
}

func indexText(i int) string { return "[" + strconv.Itoa(i) + "]" }

// typeName reads the type behind IS.
func (p *parser) typeName() *expr {
	t := p.take()
	e := &expr{kind: exprMissing, at: t, name: t.key}
	for _, second := range []string{"PRECISION", "VARYING"} {
		if p.keyword(second) {
			e.name += " " + second
		}
	}
	if t.kind == tokenWord && t.key == "" {
		e.name = strings.ToUpper(t.text)
	}
	if _, known := types[e.name]; !known {
		p.malformed("Expected type name")
	}
	return e
}
