package expression

import (
	"strconv"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// check finds the first error that the text alone decides, in the order in
// which DynamoDB ranks the kinds; within a kind the leftmost wins.
func (p *parser) check() string {
	order := []func() string{p.checkOperatorCount, p.checkParens, p.checkFunctionNames, p.checkFunctionUse, p.checkReserved}
	if p.out.parameter == UpdateExpression {
		order = []func() string{p.checkOperatorCount, p.checkParens, p.checkReserved, p.checkFunctionNames, p.checkFunctionUse}
	}
	if p.badIndex != "" {
		return p.badIndex
	}
	for _, check := range order {
		if message := check(); message != "" {
			return message
		}
	}
	if p.tooDeep != "" {
		return p.tooDeep
	}
	return p.repeated
}

func (p *parser) checkOperatorCount() string {
	if p.ops > maxOperators {
		return "The expression contains too many operators; operator count: " + strconv.Itoa(p.ops)
	}
	return ""
}

// checkParens refuses a pair of parentheses directly inside another.
func (p *parser) checkParens() string {
	roots := []*node{p.out.condition}
	for _, a := range p.out.actions {
		roots = append(roots, a.value)
	}
	for _, root := range roots {
		if root.find(func(n *node) bool { return n.parens > 1 }) {
			return "The expression has redundant parentheses;"
		}
	}
	return ""
}

// find says whether a node or one below it is what is looked for.
func (n *node) find(wanted func(*node) bool) bool {
	if n == nil {
		return false
	}
	if wanted(n) {
		return true
	}
	for _, a := range n.args {
		if a.find(wanted) {
			return true
		}
	}
	return false
}

func (p *parser) checkFunctionNames() string {
	update := p.out.parameter == UpdateExpression
	for _, n := range p.nodes {
		switch {
		case n.op != opFunction:
		case n.function == unknownFunction:
			return "Invalid function name; function: " + n.name
		case update && !n.function.inUpdate():
			return "The function is not allowed in an update expression; function: " + n.name
		case !update && n.function.inUpdate():
			return "The function is not allowed in a condition expression; function: " + n.name
		}
	}
	return ""
}

// checkFunctionUse refuses functions in places where their result has no
// meaning: a condition as an operand, a size as a condition.
func (p *parser) checkFunctionUse() string {
	const refusal = "The function is not allowed to be used this way in an expression; function: "
	for _, n := range p.nodes {
		for _, a := range n.args {
			if a.op == opFunction && misplaced(n, a.function) {
				return refusal + a.name
			}
		}
	}
	if c := p.out.condition; c != nil && c.op == opFunction && c.function == sizeOf {
		return refusal + c.name
	}
	return ""
}

func misplaced(parent *node, f function) bool {
	switch {
	case parent.isConnective():
		return f == sizeOf
	case f.inUpdate():
		return f == listAppend && parent.op == opFunction && parent.function == listAppend
	}
	return f != sizeOf
}

func (p *parser) checkReserved() string {
	for _, steps := range p.out.allPaths {
		for _, e := range steps {
			if e.slot == noSlot && !e.isIndex() && isReserved(e.name) {
				return "Attribute name is a reserved keyword; reserved keyword: " + e.name
			}
		}
	}
	return ""
}

// checkClause finds the first error of one condition without connectives,
// given the request's names and values.
func (b *binding) checkClause(n *node) string {
	for _, check := range []func(*node) string{b.checkDefined, b.checkCount, b.checkDistinct, b.checkTypes} {
		if message := check(n); message != "" {
			return message
		}
	}
	return ""
}

// checkDefined finds the leftmost placeholder that the request lacks.
func (b *binding) checkDefined(n *node) string {
	if !b.incomplete {
		return ""
	}
	switch n.op {
	case opPath:
		for _, e := range n.path {
			if e.slot != noSlot && !b.defined[e.slot] {
				return undefinedName(e.name)
			}
		}
	case opValue:
		if !b.values[n.slot].Exists() {
			return undefinedValue(b.expr.values[n.slot])
		}
	}
	return b.firstOf(n, b.checkDefined)
}

// firstOf applies a check to the arguments in turn.
func (b *binding) firstOf(n *node, check func(*node) string) string {
	for _, a := range n.args {
		if message := check(a); message != "" {
			return message
		}
	}
	return ""
}

func undefinedName(name string) string {
	return "An expression attribute name used in the document path is not defined; attribute name: " + name
}

func undefinedValue(name string) string {
	return "An expression attribute value used in expression is not defined; attribute value: " + name
}

// maxInOperands is how many operands IN takes, the one on its left included.
const maxInOperands = 100

func (b *binding) checkCount(n *node) string {
	if message := b.firstOf(n, b.checkCount); message != "" {
		return message
	}
	switch {
	case n.op == opFunction && len(n.args) != functions[n.name].operands:
		return "Incorrect number of operands for operator or function; operator or function: " + n.name +
			", number of operands: " + strconv.Itoa(len(n.args))
	case n.op == opIn && len(n.args) > maxInOperands:
		return "The IN operator is provided with too many operands; number of operands: " + strconv.Itoa(len(n.args))
	}
	return ""
}

// checkDistinct refuses a path that is compared with itself.
func (b *binding) checkDistinct(n *node) string {
	if message := b.firstOf(n, b.checkDistinct); message != "" {
		return message
	}
	if !n.isComparison() && n.op != opFunction || len(n.args) != 2 || n.args[0].op != opPath || n.args[1].op != opPath {
		return ""
	}
	first, second := n.args[0].path.resolve(b.names), n.args[1].path.resolve(b.names)
	if first.String() != second.String() {
		return ""
	}
	return "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
		n.label() + ", first operand: " + first.String()
}

// checkTypes refuses operands written in the request that the operator can
// never take. What is read from an item is not known here.
func (b *binding) checkTypes(n *node) string {
	if message := b.firstOf(n, b.checkTypes); message != "" {
		return message
	}
	switch n.op {
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return b.requireKinds(n, n.args, attribute.Kind.IsScalarKey)
	case opBetween:
		if message := b.requireKinds(n, n.args, attribute.Kind.IsScalarKey); message != "" {
			return message
		}
		return b.checkBounds(n.args[1], n.args[2])
	case opFunction:
		return b.checkFunctionTypes(n)
	}
	return ""
}

func (b *binding) checkFunctionTypes(n *node) string {
	switch n.function {
	case attributeExists, attributeNotExists, ifNotExists:
		if n.args[0].op != opPath {
			return "Operator or function requires a document path; operator or function: " + n.name
		}
	case beginsWith:
		return b.requireKinds(n, n.args, func(k attribute.Kind) bool { return k == attribute.S || k == attribute.B })
	case attributeType:
		return b.checkTypeName(n)
	case sizeOf:
		return b.requireKinds(n, n.args, func(k attribute.Kind) bool {
			return k != attribute.N && k != attribute.BOOL && k != attribute.NULL
		})
	case listAppend:
		return b.requireKinds(n, n.args, func(k attribute.Kind) bool { return k == attribute.L })
	}
	return ""
}

// requireKinds refuses the first operand whose type is known and wrong.
func (b *binding) requireKinds(n *node, operands []*node, fits func(attribute.Kind) bool) string {
	for _, a := range operands {
		if k := b.kindOf(a); k != attribute.None && !fits(k) {
			return wrongOperand(n, k.String())
		}
	}
	return ""
}

func wrongOperand(n *node, kind string) string {
	return "Incorrect operand type for operator or function; operator or function: " + n.label() + ", operand type: " + kind
}

// kindOf is an operand's type as far as the request decides it.
func (b *binding) kindOf(n *node) attribute.Kind {
	switch n.op {
	case opValue:
		return b.values[n.slot].Kind()
	case opFunction:
		switch {
		case n.function == sizeOf:
			return attribute.N
		case !n.function.inUpdate():
			return attribute.BOOL
		}
	}
	return attribute.None
}

func (b *binding) checkTypeName(n *node) string {
	t := n.args[1]
	if t.op != opValue {
		return wrongOperand(n, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	}
	v := b.values[t.slot]
	if v.Kind() != attribute.S {
		return wrongOperand(n, v.Kind().String())
	}
	if _, known := attribute.ParseKind(v.Text()); !known {
		return "Invalid attribute type name found; type: " + v.Text() + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
	}
	return ""
}

// checkBounds compares the bounds of a BETWEEN that are both in the request.
func (b *binding) checkBounds(low, high *node) string {
	if low.op != opValue || high.op != opValue {
		return ""
	}
	l, h := b.values[low.slot], b.values[high.slot]
	order, comparable := attribute.Compare(l, h)
	shown := "lower bound operand: AttributeValue: " + showScalar(l) + ", upper bound operand: AttributeValue: " + showScalar(h)
	switch {
	case !comparable:
		return "The BETWEEN operator requires same data type for lower and upper bounds; " + shown
	case order > 0:
		return "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + shown
	}
	return ""
}
