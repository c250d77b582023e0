package expression

import (
	"slices"
	"strconv"
	"strings"
)

// operation is what a node of an expression does.
type operation uint8

const (
	opPath operation = iota // operands
	opValue
	opFunction
	opEqual // comparisons
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opBetween
	opIn
	opAnd // connectives
	opOr
	opNot
	opPlus // arithmetic in updates
	opMinus
)

// operatorNames are the operators as errors name them.
var operatorNames = [...]string{
	opEqual: "=", opNotEqual: "<>", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
	opBetween: "BETWEEN", opIn: "IN", opAnd: "AND", opOr: "OR", opNot: "NOT", opPlus: "+", opMinus: "-",
}

// node is a part of a parsed expression. It is shared by all requests that
// send the same text, so it holds no names or values of a request, only the
// slots where a binding keeps them.
type node struct {
	op       operation
	function function // of opFunction
	name     string   // of opFunction, as written
	path     path     // of opPath
	slot     int      // of opValue
	args     []*node
	parens   int // pairs written directly around it
}

// label is how errors name an operator or function.
func (n *node) label() string {
	if n.op == opFunction {
		return n.name
	}
	return operatorNames[n.op]
}

func (n *node) isComparison() bool { return n.op >= opEqual && n.op <= opGreaterEqual }
func (n *node) isConnective() bool { return n.op >= opAnd && n.op <= opNot }

// isOperand says whether a node can stand beside a comparator.
func (n *node) isOperand() bool { return n.op <= opFunction }

// function is one of the functions DynamoDB knows.
type function uint8

const (
	unknownFunction function = iota
	attributeExists
	attributeNotExists
	attributeType
	beginsWith
	contains
	sizeOf
	ifNotExists
	listAppend
)

// functions by name, with the number of operands each takes.
var functions = map[string]struct {
	function function
	operands int
}{
	"attribute_exists":     {attributeExists, 1},
	"attribute_not_exists": {attributeNotExists, 1},
	"attribute_type":       {attributeType, 2},
	"begins_with":          {beginsWith, 2},
	"contains":             {contains, 2},
	"size":                 {sizeOf, 1},
	"if_not_exists":        {ifNotExists, 2},
	"list_append":          {listAppend, 2},
}

func (f function) inUpdate() bool { return f == ifNotExists || f == listAppend }

// path is a document path. Its first element is a name.
type path []element

// element is a step of a path: a list index, a name, or the slot of a #name.
type element struct {
	name  string // as written, "#" included
	slot  int    // of a #name, else noSlot
	index int    // of a list index, else noIndex
}

const (
	noSlot  = -1
	noIndex = -1
)

func (e element) isIndex() bool { return e.index != noIndex }

// resolve replaces #names, so that paths can be compared and shown.
func (p path) resolve(names []string) path {
	if !slices.ContainsFunc(p, func(e element) bool { return e.slot != noSlot }) {
		return p
	}
	resolved := make(path, len(p))
	for i, e := range p {
		if e.slot != noSlot {
			e.name, e.slot = names[e.slot], noSlot
		}
		resolved[i] = e
	}
	return resolved
}

// String is a resolved path as errors show it, such as [a, b, [0]].
func (p path) String() string {
	parts := make([]string, len(p))
	for i, e := range p {
		parts[i] = e.name
		if e.isIndex() {
			parts[i] = "[" + strconv.Itoa(e.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// action is one assignment of an update.
type action struct {
	clause clause
	path   path
	value  *node // nil for REMOVE
}

// clause is a section of an update.
type clause uint8

const (
	clauseSet clause = iota
	clauseRemove
	clauseAdd
	clauseDelete
)

var clauseNames = [...]string{"SET", "REMOVE", "ADD", "DELETE"}

// parsed is an expression without the request it came with.
type parsed struct {
	parameter Parameter
	condition *node    // of conditions, filters and key conditions
	actions   []action // of updates, in the order written
	paths     []path   // of projections: what is asked for
	allPaths  []path   // every path anywhere, for the rules on keys
	names     []string // the #names used, by slot
	values    []string // the :values used, by slot
	// deferred is the first error of the kinds that do not depend on the
	// request and that come after syntax errors, without its prefix.
	deferred string
}
