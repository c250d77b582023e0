// Package partiql is the PartiQL of DynamoDB: SELECT, INSERT, UPDATE, DELETE
// and EXISTS statements, read, checked and turned into what the other
// operations use: keys, ranges of keys, and the conditions and updates of
// package expression, which evaluates them.
//
// [Parse] reads a statement, [Statement.Bind] gives it its parameters and
// makes every check that needs no table.
//
// The wording of refusals is what paritysuite/dynamodb-conformance recorded of
// AWS, and what DynamoDB Local answers where that records nothing. Many carry
// a place, "at line:column:length".
package partiql

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
)

// Verb is what a statement does.
type Verb uint8

// The statements there are. Exists is a condition of a transaction that holds
// a SELECT.
const (
	Select Verb = iota
	Insert
	Update
	Delete
	Exists
)

// Statement is a parsed statement, still without its parameters.
type Statement struct {
	Verb         Verb
	Table, Index string // Index is empty for the table itself
	Parameters   int    // how many ? there are
	Returning    string // as ReturnValues says it, such as ALL_OLD; empty: nothing

	text    string
	columns []column // of Select; nil is *
	where   *expr
	order   []ordering
	item    *expr // of Insert
	changes []change
}

// column is one attribute a SELECT shows, under the last name of its path.
type column struct {
	path expression.Path
	name string
}

type ordering struct {
	name       string
	descending bool
}

// change is a SET, or a REMOVE when value is nil.
type change struct {
	path  expression.Path
	value *expr
}

// expr is a part of a statement that has a value.
type expr struct {
	kind  exprKind
	at    token           // for places in errors; of operators, the operator
	name  string          // of an operator, function or type
	path  expression.Path // of exprPath
	value attribute.Value // of a scalar
	param int             // of a parameter, from 0
	args  []*expr         // operands, elements; of a tuple names and values in turn
}

type exprKind uint8

const (
	exprPath exprKind = iota
	exprScalar
	exprParameter
	exprMissing
	exprList // [ ] or ( , )
	exprBag  // << >>
	exprTuple
	exprCall
	exprOperator
)

// isCondition tells whether it can be true or false.
func (e *expr) isCondition() bool { return e.kind == exprOperator || e.kind == exprCall }

// isConstant tells whether the request alone gives its value.
func (e *expr) isConstant() bool { return e.kind != exprPath && !e.isCondition() }

func (e *expr) is(operator string) bool { return e.kind == exprOperator && e.name == operator }

// attribute is the name when the expression is a path of one name.
func (e *expr) attribute() string {
	if e.kind == exprPath && len(e.path) == 1 {
		return e.path[0].Name
	}
	return ""
}

// notWellFormed begins the refusal of what cannot be read.
const notWellFormed = "Statement wasn't well formed, can't be processed: "

const (
	noKeys   = "Where clause does not contain a mandatory equality on all key attributes"
	noDots   = "Path component cannot be an empty string"
	noAlias  = "Aliasing is not supported"
	leftover = "Unexpected token after expression"
)

// Parse reads one statement.
func Parse(text string) (*Statement, error) {
	p := &parser{text: text, tokens: lex(text), out: &Statement{text: text}}
	for _, t := range p.tokens {
		if t.kind == tokenBad {
			return nil, attribute.Invalid(notWellFormed)
		}
	}
	p.statement()
	p.accept(";")
	if p.peek().kind != tokenEnd {
		p.malformed(leftover)
	}
	if p.err != "" {
		return nil, attribute.Invalid(p.err)
	}
	return p.out, nil
}

// statement reads whichever statement begins here.
func (p *parser) statement() {
	switch {
	case p.keyword("SELECT"):
		p.selection()
	case p.keyword("INSERT", "INTO"):
		p.insertion()
	case p.keyword("UPDATE"):
		p.update()
	case p.keyword("DELETE", "FROM"):
		p.deletion()
	case p.keyword("FROM"):
		p.updateFrom()
	case p.peek().key == "EXISTS" && p.symbolAt(p.at+1, "(") && p.ahead(2).key == "SELECT":
		p.at += 3
		p.selection()
		p.expect(")", leftover)
		p.out.Verb = Exists
	case p.keyword("CREATE", "TABLE"):
		p.fail("Unsupported operation: CreateTable")
	case p.keyword("DROP", "TABLE"):
		p.fail("Unsupported operation: DropTable")
	default:
		p.malformed("Expected data manipulation")
	}
}

func (p *parser) selection() {
	p.out.Verb = Select
	switch {
	case p.peek().key == "DISTINCT":
		p.fail("Unsupported token in expression: DISTINCT")
	case !p.accept("*"):
		p.columns()
	}
	if !p.keyword("FROM") {
		p.malformed(leftover)
	}
	p.source("Unexpected term")
	switch {
	case p.is(",") || p.peek().key == "JOIN" || p.peek().key == "CROSS" || p.peek().key == "INNER" || p.peek().key == "LEFT":
		p.fail("Only select from a single table or index is supported.")
	case p.peek().kind == tokenSymbol && !p.is(";") && !p.is(")"):
		p.fail("Unexpected from source")
	}
	p.condition()
	if p.keyword("ORDER", "BY") {
		p.orderings()
	}
	for _, clause := range []string{"GROUP BY", "LIMIT", "HAVING"} {
		if words := strings.Fields(clause); p.keyword(words...) {
			if clause == "LIMIT" {
				clause += " " + place(p.text, p.peek())
			}
			p.fail("Unsupported clause: " + clause)
		}
	}
}

func (p *parser) columns() {
	seen := map[string]bool{}
	for again := true; again; again = p.accept(",") {
		e := p.or()
		if p.err != "" {
			return
		}
		if e.kind != exprPath {
			p.fail("Unexpected path component " + place(p.text, e.at))
			return
		}
		if next := p.peek(); next.key == "AS" || isName(next) {
			p.fail(noAlias)
		}
		c := column{path: e.path, name: columnName(e.path)}
		if seen[c.name] {
			p.fail("Duplicate identifiers in select clause: " + c.name)
		}
		seen[c.name] = true
		p.out.columns = append(p.out.columns, c)
	}
}

// columnName is what a SELECT calls a path: its last name with the list
// indexes behind it.
func columnName(path expression.Path) (name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i].Name != "" {
			return path[i].Name + name
		}
		name = indexText(path[i].Index) + name
	}
	return name
}

func (p *parser) orderings() {
	if p.out.where == nil {
		p.fail("Must have WHERE clause in the statement when using ORDER BY clause.")
	}
	for again := true; again; again = p.accept(",") {
		e := p.or()
		if p.err != "" {
			return
		}
		o := ordering{name: e.attribute()}
		if o.name == "" {
			p.fail("Unexpected path component " + place(p.text, e.at))
		}
		if o.descending = p.keyword("DESC"); !o.descending {
			p.keyword("ASC")
		}
		p.out.order = append(p.out.order, o)
	}
}

func (p *parser) insertion() {
	p.out.Verb = Insert
	p.source("Expected identifier for simple path")
	if p.out.Index != "" {
		p.fail("FROM clause may only contain a single table name in data manipulation statements")
	}
	switch {
	case p.keyword("VALUE"):
	case p.is("{") || p.is("<<") || p.is("["):
		p.fail("Unsupported operation: InsertOp")
	case p.peek().key != "":
		p.malformed("Unexpected keyword")
	default:
		p.malformed(leftover)
	}
	p.out.item = p.or()
	if p.keyword("RETURNING") {
		p.fail("RETURNING is not supported in INSERT")
	}
}

func (p *parser) update() {
	p.out.Verb = Update
	p.source("Expected identifier for simple path")
	p.unqualified()
	p.clauses()
	p.condition()
	p.returning()
}

// updateFrom reads the form that begins with FROM.
func (p *parser) updateFrom() {
	p.out.Verb = Update
	p.source("Unexpected term")
	p.unqualified()
	p.condition()
	p.clauses()
	p.returning()
}

func (p *parser) deletion() {
	p.out.Verb = Delete
	p.source("Expected identifier for simple path")
	p.unqualified()
	p.condition()
	p.returning()
	if r := p.out.Returning; r != "" && r != "ALL_OLD" {
		p.fail("Invalid returning clause: RETURNING " + strings.ReplaceAll(strings.Replace(r, "UPDATED", "MODIFIED", 1), "_", " ") +
			" *. Only RETURNING ALL OLD * is allowed in DELETE statements.")
	}
}

// unqualified refuses an index where a table belongs.
func (p *parser) unqualified() {
	if p.out.Index != "" {
		p.fail("This operation is not supported on an index")
	}
}

// clauses reads what an UPDATE does: SET with any number of assignments,
// REMOVE with one path, in any order and number.
func (p *parser) clauses() {
	for {
		switch {
		case p.keyword("SET"):
			for again := true; again && p.err == ""; again = p.accept(",") {
				c := change{path: p.target()}
				p.expect("=", "Expected '=' for assignment")
				c.value = p.or()
				p.out.changes = append(p.out.changes, c)
			}
		case p.keyword("REMOVE"):
			p.out.changes = append(p.out.changes, change{path: p.target()})
		case len(p.out.changes) == 0:
			p.malformed("Expected data manipulation")
			return
		default:
			return
		}
	}
}

// target reads the path that a clause changes.
func (p *parser) target() expression.Path {
	if !isName(p.peek()) {
		p.malformed("Expected identifier for simple path")
		return nil
	}
	e := p.path()
	return e.path
}

// source reads the name of a table, perhaps with that of an index; missing is
// what is wrong when there is none.
func (p *parser) source(missing string) {
	t := p.peek()
	if !isName(t) {
		switch {
		case t.kind == tokenParameter || t.kind == tokenNumber || t.kind == tokenString:
			p.fail("Unexpected from source")
		case t.key != "" && missing == "Unexpected term":
			p.malformed("Unexpected keyword")
		}
		p.malformed(missing)
		return
	}
	names := []string{p.take().text}
	for p.accept(".") {
		if !isName(p.peek()) {
			p.malformed("Invalid path dot component")
			return
		}
		names = append(names, p.take().text)
	}
	for _, name := range names {
		if name == "" {
			p.fail(noDots)
		}
	}
	switch next := p.peek(); {
	case len(names) > 2:
		p.fail("A path may contain at most 2 components in the FROM clause")
	case (next.key == "AS" || isName(next)) && p.out.Verb != Insert:
		p.fail(noAlias)
	}
	p.out.Table = names[0]
	if len(names) > 1 {
		p.out.Index = names[1]
	}
}

func (p *parser) condition() {
	if p.keyword("WHERE") {
		p.out.where = p.or()
	}
}

func (p *parser) returning() {
	if !p.keyword("RETURNING") {
		return
	}
	what := map[string]string{"ALL": "ALL", "MODIFIED": "UPDATED"}[p.take().key]
	which := p.take().key
	if what == "" || which != "OLD" && which != "NEW" {
		p.malformed("Expected ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
		return
	}
	if !p.accept("*") {
		p.fail("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
	}
	if p.is(",") {
		p.fail("Invalid syntax with multiple returning elements in RETURNING clause")
	}
	p.out.Returning = what + "_" + which
}
