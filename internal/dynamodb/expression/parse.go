package expression

import (
	"strconv"
	"strings"
)

// parser reads one expression by recursive descent. The first syntax error
// sticks and moves it to the end of the text, where every rule ends.
type parser struct {
	text   string
	tokens []token
	at     int
	out    *parsed
	nodes  []*node // operators and functions in the order they end, inner ones first
	ops    int

	failed   string // the syntax error
	badIndex string // the error of a list index that is too large
	tooDeep  string // the error of a path with too many elements
	repeated string // the error of a clause that stands twice
}

// parse reads text as one kind of expression. The message, if any, is the
// error without its "Invalid <Parameter>: ".
func parse(parameter Parameter, text string) (out *parsed, message string) {
	if text == "" {
		return nil, "The expression can not be empty;"
	}
	if len(text) > maxExpressionSize {
		message = "Expression size has exceeded the maximum allowed size;"
		if parameter != UpdateExpression {
			message += " expression size: " + strconv.Itoa(len(text))
		}
		return nil, message
	}
	p := &parser{text: text, tokens: lex(text), out: &parsed{parameter: parameter}}
	switch parameter {
	case UpdateExpression:
		p.update()
	case ProjectionExpression:
		p.projection()
	default:
		p.out.condition = p.needCondition(p.or())
	}
	if p.tokens[p.at].kind != tokenEnd {
		p.fail()
	}
	if p.failed != "" {
		return nil, p.failed
	}
	p.out.deferred = p.check()
	return p.out, ""
}

// maxExpressionSize is the largest expression in bytes, as it is sent.
const maxExpressionSize = 4096

// maxLevels is how many elements a path may have.
const maxLevels = 32

// maxOperators is how many operators one expression may have.
const maxOperators = 300

// fail reports the syntax error at the current token. It quotes the token and,
// with the original spacing, the text from the token before to the one after.
func (p *parser) fail() {
	if p.failed != "" {
		return
	}
	from, to := p.tokens[p.at], p.tokens[p.at]
	shown := endOfText
	if from.kind != tokenEnd {
		shown = p.text[from.start:from.end]
		if next := p.tokens[p.at+1]; next.kind != tokenEnd {
			to = next
		}
	}
	if p.at > 0 {
		from = p.tokens[p.at-1]
		if to.kind == tokenEnd {
			to = from
		}
	}
	near := p.text[from.start:to.end]
	if shown == endOfText {
		near = p.text[from.start:] // with the spaces at the end (DynamoDB Local)
	}
	p.failed = `Syntax error; token: "` + shown + `", near: "` + near + `"`
	p.at = len(p.tokens) - 1
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) is(symbol string) bool { return p.isAt(p.at, symbol) }

func (p *parser) isAt(at int, symbol string) bool {
	t := p.tokens[at]
	return t.kind == tokenSymbol && p.text[t.start:t.end] == symbol
}

func (p *parser) accept(symbol string) bool {
	if p.is(symbol) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(symbol string) {
	if !p.accept(symbol) {
		p.fail()
	}
}

// advance goes to the next token; the last one is never left.
func (p *parser) advance() {
	if p.at < len(p.tokens)-1 {
		p.at++
	}
}

// take returns the text of the current token and goes on.
func (p *parser) take() string {
	t := p.tokens[p.at]
	p.advance()
	return p.text[t.start:t.end]
}

// keyword tells the keyword that the current token is, in upper case.
func (p *parser) keyword() string {
	t := p.peek()
	if t.kind != tokenWord {
		return ""
	}
	word := p.text[t.start:t.end]
	for _, k := range p.keywords() {
		if strings.EqualFold(word, k) {
			return k
		}
	}
	return ""
}

// keywords are the words that cannot be names in this kind of expression. All
// others may be reserved, which is reported as such.
func (p *parser) keywords() []string {
	switch p.out.parameter {
	case UpdateExpression:
		return clauseNames[:]
	case ProjectionExpression:
		return nil
	}
	return operatorNames[opBetween : opNot+1]
}

func (p *parser) acceptKeyword(word string) bool {
	if p.keyword() == word {
		p.advance()
		return true
	}
	return false
}

// operator makes a node that counts as an operator.
func (p *parser) operator(op operation, args ...*node) *node {
	p.ops++
	n := &node{op: op, args: args}
	p.nodes = append(p.nodes, n)
	return n
}

// needCondition refuses a bare operand where a condition belongs, at the token
// that should have been a comparator.
func (p *parser) needCondition(n *node) *node {
	if n.op == opPath || n.op == opValue {
		p.fail()
	}
	return n
}

func (p *parser) or() *node {
	left := p.and()
	for p.keyword() == "OR" {
		p.needCondition(left)
		p.advance()
		left = p.operator(opOr, left, p.needCondition(p.and()))
	}
	return left
}

func (p *parser) and() *node {
	left := p.not()
	for p.keyword() == "AND" {
		p.needCondition(left)
		p.advance()
		left = p.operator(opAnd, left, p.needCondition(p.not()))
	}
	return left
}

func (p *parser) not() *node {
	if p.acceptKeyword("NOT") {
		return p.operator(opNot, p.needCondition(p.not()))
	}
	return p.primary()
}

// primary reads a condition without connectives, or an operand that whoever
// called must refuse or continue: what follows "(" is known only at its ")".
func (p *parser) primary() *node {
	var left *node
	if p.accept("(") {
		left = p.or()
		p.expect(")")
		left.parens++
		if !left.isOperand() {
			return left
		}
	} else {
		left = p.operand()
	}
	return p.comparison(left)
}

var comparators = map[string]operation{
	"=": opEqual, "<>": opNotEqual, "<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual,
}

// comparison reads what may follow an operand.
func (p *parser) comparison(left *node) *node {
	if t := p.peek(); t.kind == tokenSymbol {
		if op, ok := comparators[p.text[t.start:t.end]]; ok {
			p.advance()
			return p.operator(op, left, p.grouped())
		}
		return left
	}
	switch p.keyword() {
	case "BETWEEN":
		p.advance()
		low := p.grouped()
		if !p.acceptKeyword("AND") {
			p.fail()
		}
		return p.operator(opBetween, left, low, p.grouped())
	case "IN":
		p.advance()
		p.expect("(")
		args := append([]*node{left}, p.operands()...)
		return p.operator(opIn, args...)
	}
	return left
}

// grouped reads an operand with or without parentheses.
func (p *parser) grouped() *node {
	if p.accept("(") {
		n := p.grouped()
		p.expect(")")
		n.parens++
		return n
	}
	return p.operand()
}

// operands reads a list up to its closing parenthesis.
func (p *parser) operands() []*node {
	list := []*node{p.grouped()}
	for p.accept(",") {
		list = append(list, p.grouped())
	}
	p.expect(")")
	return list
}

func (p *parser) operand() *node {
	switch t := p.peek(); t.kind {
	case tokenValue:
		return &node{op: opValue, slot: slot(&p.out.values, p.take())}
	case tokenWord:
		if p.keyword() == "" && p.isAt(p.at+1, "(") {
			return p.call()
		}
	}
	return &node{op: opPath, path: p.path()}
}

func (p *parser) call() *node {
	n := &node{op: opFunction, name: p.take()}
	n.function = functions[n.name].function
	p.advance() // the parenthesis
	n.args = p.operands()
	p.nodes = append(p.nodes, n)
	return n
}

// path reads a document path.
func (p *parser) path() path {
	steps := path{p.name()}
	for {
		switch {
		case p.accept("."):
			steps = append(steps, p.name())
		case p.accept("["):
			steps = append(steps, p.index())
			p.expect("]")
		default:
			if n := len(steps); n > maxLevels && p.tooDeep == "" {
				p.tooDeep = "The document path has too many nesting levels; nesting levels: " + strconv.Itoa(n)
			}
			p.out.allPaths = append(p.out.allPaths, steps)
			return steps
		}
	}
}

func (p *parser) name() element {
	switch t := p.peek(); {
	case t.kind == tokenName:
		text := p.take()
		return element{name: text, slot: slot(&p.out.names, text), index: noIndex}
	case t.kind == tokenWord && p.keyword() == "":
		return element{name: p.take(), slot: noSlot, index: noIndex}
	}
	p.fail()
	return element{}
}

// maxIndex is the largest list index; larger ones become this one and are
// refused when the rest is known to be well formed.
const maxIndex = 1<<31 - 1

func (p *parser) index() element {
	if p.peek().kind != tokenDigits {
		p.fail()
		return element{slot: noSlot, index: 0}
	}
	text := p.take()
	n, err := strconv.Atoi(text)
	if err != nil || n > maxIndex {
		n = maxIndex
		if p.badIndex == "" {
			// The words are unconfirmed.
			p.badIndex = "List index is not within the allowable range; index: [" + text + "]"
		}
	}
	return element{slot: noSlot, index: n}
}

// slot finds or adds a placeholder.
func slot(list *[]string, name string) int {
	for i, s := range *list {
		if s == name {
			return i
		}
	}
	*list = append(*list, name)
	return len(*list) - 1
}

func (p *parser) projection() {
	p.out.paths = append(p.out.paths, p.path())
	for p.accept(",") {
		p.out.paths = append(p.out.paths, p.path())
	}
}

// update reads the clauses of an update.
func (p *parser) update() {
	for first := true; first || p.peek().kind != tokenEnd; first = false {
		word := p.keyword()
		if word == "" {
			p.fail()
			return
		}
		p.advance()
		for c, name := range clauseNames {
			if name == word {
				p.clause(clause(c))
			}
		}
	}
}

func (p *parser) clause(c clause) {
	for _, a := range p.out.actions {
		if a.clause == c && p.repeated == "" {
			p.repeated = `The "` + clauseNames[c] + `" section can only be used once in an update expression;`
		}
	}
	for again := true; again; again = p.accept(",") {
		a := action{clause: c, path: p.path()}
		switch c {
		case clauseSet:
			p.expect("=")
			a.value = p.sum()
		case clauseAdd, clauseDelete:
			if p.peek().kind != tokenValue {
				p.fail()
			}
			a.value = p.operand()
		}
		p.out.actions = append(p.out.actions, a)
	}
}

// sum reads the right side of an assignment: at most one + or -.
func (p *parser) sum() *node {
	left := p.term()
	switch {
	case p.accept("+"):
		return p.operator(opPlus, left, p.term())
	case p.accept("-"):
		return p.operator(opMinus, left, p.term())
	}
	return left
}

func (p *parser) term() *node {
	if p.accept("(") {
		n := p.sum()
		p.expect(")")
		n.parens++
		return n
	}
	return p.operand()
}
