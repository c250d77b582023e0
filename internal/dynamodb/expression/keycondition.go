package expression

import (
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// KeyAttribute is one attribute of a key.
type KeyAttribute struct {
	Name string
	Kind attribute.Kind
}

// KeySchema is the key of a table or index. Tables and local indexes have one
// HASH and at most one RANGE attribute, global indexes up to four of each.
type KeySchema struct {
	Hash  []KeyAttribute
	Range []KeyAttribute
}

// RangeOperator is how a key condition limits a sort key.
type RangeOperator uint8

// The operators. The values of Equal conditions are in [KeyRange.Equal].
const (
	Everything RangeOperator = iota
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	Between
	BeginsWith
)

// KeyRange is what a Query reads: one partition, and in it the items whose
// sort key begins with Equal and then meets Operator.
type KeyRange struct {
	Hash     []attribute.Value // one for each HASH attribute
	Equal    []attribute.Value // of the leading RANGE attributes with =
	Operator RangeOperator     // on the next RANGE attribute
	Low      attribute.Value   // the operand; the lower bound of Between
	High     attribute.Value   // the upper bound of Between
}

// KeyCondition is the key condition of a Query, still without a table.
type KeyCondition struct {
	clauses []keyClause
	layer   attribute.Layer
	legacy  bool
}

// keyClause is the condition on one attribute.
type keyClause struct {
	name     string
	operator string // as errors name it
	kind     RangeOperator
	equal    bool
	operands []attribute.Value
	// unindexable marks operators of KeyConditions that no key can be read by.
	unindexable bool
}

// keyOperators translates comparators, and those with the sides exchanged.
var keyOperators = map[operation][2]RangeOperator{
	opLess: {Less, Greater}, opLessEqual: {LessOrEqual, GreaterOrEqual},
	opGreater: {Greater, Less}, opGreaterEqual: {GreaterOrEqual, LessOrEqual},
}

// newKeyCondition applies the rules of key conditions that need no table.
func newKeyCondition(b *binding, layer attribute.Layer) (*KeyCondition, error) {
	k := &KeyCondition{layer: layer}
	if err := k.collect(b, b.expr.condition); err != nil {
		return nil, err
	}
	if layer == attribute.Old && len(k.clauses) > 2 {
		return nil, attribute.Invalid("Conditions can be of length 1 or 2 only")
	}
	return k, nil
}

func (k *KeyCondition) collect(b *binding, n *node) error {
	switch n.op {
	case opAnd:
		if err := k.collect(b, n.args[0]); err != nil {
			return err
		}
		return k.collect(b, n.args[1])
	case opOr, opNot, opIn, opNotEqual:
		return attribute.Invalid("Invalid operator used in KeyConditionExpression: " + n.label())
	case opFunction:
		if n.function != beginsWith {
			return attribute.Invalid("Invalid operator used in KeyConditionExpression: " + n.name)
		}
	}
	at, err := keyOperand(b, n)
	if err != nil {
		return err
	}
	name := b.elementName(n.args[at].path[0])
	if k.find(name) != nil {
		message := "KeyConditionExpressions must only contain one condition per key"
		if k.layer == attribute.New {
			message = "Invalid KeyConditionExpression: " + message
		}
		return attribute.Invalid(message)
	}
	k.clauses = append(k.clauses, newKeyClause(b, n, at, name))
	return nil
}

// keyOperand finds the one operand that names the key attribute.
func keyOperand(b *binding, n *node) (int, error) {
	first := n.args[0].op == opPath
	if (n.op == opBetween || n.op == opFunction) && !first {
		return 0, attribute.Invalid("Invalid condition in KeyConditionExpression: " + n.label() +
			" operator must have the key attribute as its first operand")
	}
	at := -1
	for i, a := range n.args {
		switch a.op {
		case opFunction:
			return 0, attribute.Invalid("KeyConditionExpressions cannot contain nested operations")
		case opPath:
			if at >= 0 {
				return 0, attribute.Invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if len(a.path) > 1 {
				return 0, attribute.Invalid("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			at = i
		}
	}
	if at < 0 {
		return 0, attribute.Invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	return at, nil
}

func newKeyClause(b *binding, n *node, at int, name string) keyClause {
	c := keyClause{name: name, operator: n.label(), equal: n.op == opEqual}
	switch n.op {
	case opBetween:
		c.kind = Between
	case opFunction:
		c.kind = BeginsWith
	default:
		c.kind = keyOperators[n.op][at]
	}
	for i, a := range n.args {
		if i != at {
			c.operands = append(c.operands, b.values[a.slot])
		}
	}
	return c
}

func (k *KeyCondition) find(name string) *keyClause {
	for i := range k.clauses {
		if k.clauses[i].name == name {
			return &k.clauses[i]
		}
	}
	return nil
}

// For fits the condition to the key of the table or index that is read.
func (k *KeyCondition) For(schema KeySchema) (KeyRange, error) {
	if err := k.checkNumber(schema); err != nil {
		return KeyRange{}, err
	}
	var r KeyRange
	for _, attr := range schema.Hash {
		c, err := k.clause(attr)
		switch {
		case err != nil:
			return r, err
		case len(schema.Hash) > 1 && (c == nil || !c.equal):
			// The words are unconfirmed but for HASH and equality.
			return r, attribute.Invalid("HASH key attributes " + attr.Name + " must have equality conditions specified in the query")
		case c == nil:
			return r, missedKey(attr.Name)
		case !c.equal:
			return r, attribute.Invalid("Query key condition not supported")
		}
		if err := c.checkNotEmpty(); err != nil {
			return r, err
		}
		r.Hash = append(r.Hash, c.operands[0])
	}
	used, err := k.fitRange(&r, schema.Range)
	if err != nil {
		return r, err
	}
	if used+len(schema.Hash) < len(k.clauses) {
		// A condition is on something that is no key attribute.
		if used < len(schema.Range) {
			return r, missedKey(schema.Range[used].Name)
		}
		return r, attribute.Invalid("Query key condition not supported")
	}
	return r, nil
}

func (k *KeyCondition) checkNumber(schema KeySchema) error {
	keys := len(schema.Hash) + len(schema.Range)
	if len(k.clauses) <= keys {
		return nil
	}
	if k.layer == attribute.Old || k.legacy {
		return attribute.Invalid("Query key condition not supported")
	}
	return attribute.Invalid(fmt.Sprintf("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)",
		len(k.clauses), keys))
}

func missedKey(name string) error {
	return attribute.Invalid("Query condition missed key schema element: " + name)
}

// clause finds the condition on a key attribute and checks its operands' type.
func (k *KeyCondition) clause(attr KeyAttribute) (*keyClause, error) {
	c := k.find(attr.Name)
	if c == nil {
		return nil, nil
	}
	if c.unindexable {
		return nil, attribute.Invalid("Attempted conditional constraint is not an indexable operation")
	}
	for _, v := range c.operands {
		if v.Kind() != attr.Kind {
			return nil, attribute.InvalidParameter("Condition parameter type does not match schema type")
		}
	}
	return c, nil
}

// checkNotEmpty refuses a key value that no item can have.
func (c *keyClause) checkNotEmpty() error {
	v := c.operands[0]
	word := "string"
	switch v.Kind() {
	case attribute.B:
		word = "binary"
	case attribute.N:
		return nil
	}
	if v.Text() != "" {
		return nil
	}
	return attribute.Invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
		word + " value. Key: " + c.name)
}

// fitRange takes the conditions on the sort key: = on leading attributes, then
// at most one other. It returns how many there are.
func (k *KeyCondition) fitRange(r *KeyRange, keys []KeyAttribute) (int, error) {
	used, open := 0, []string(nil) // open: attributes before c without =
	for _, attr := range keys {
		c, err := k.clause(attr)
		if err != nil {
			return used, err
		}
		if c == nil {
			open = append(open, attr.Name)
			continue
		}
		if len(open) > 0 {
			return used, attribute.Invalid("RANGE key attributes " + strings.Join(open, ", ") +
				" must have equality conditions specified in the query because a condition is present on key attribute " + attr.Name)
		}
		used++
		if c.equal {
			if err := c.checkNotEmpty(); err != nil {
				return used, err
			}
			r.Equal = append(r.Equal, c.operands[0])
			continue
		}
		open = append(open, attr.Name)
		r.Operator, r.Low = c.kind, c.operands[0]
		if c.kind == Between {
			r.High = c.operands[1]
		}
	}
	return used, nil
}
