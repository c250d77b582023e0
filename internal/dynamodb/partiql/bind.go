package partiql

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
)

// Bound is a statement with its parameters, checked as far as it can be
// without its table.
type Bound struct {
	*Statement
	Item   attribute.Item        // of Insert
	Update *expression.Update    // of Update
	Filter *expression.Condition // all of WHERE; nil without one

	parameters []attribute.Value
}

// Bind gives a statement its parameters, of which there may be too many but
// not too few.
func (s *Statement) Bind(parameters []attribute.Value) (*Bound, error) {
	if len(parameters) < s.Parameters {
		return nil, attribute.Invalid("Number of parameters in request and statement don't match.")
	}
	b := &Bound{Statement: s, parameters: parameters}
	var err error
	if b.Filter, err = b.condition(s.where); err != nil {
		return nil, err
	}
	switch s.Verb {
	case Insert:
		b.Item, err = b.inserted()
	case Update:
		b.Update, err = b.update()
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// inserted is the item of an INSERT.
func (b *Bound) inserted() (attribute.Item, error) {
	if b.item.kind != exprTuple {
		return nil, attribute.Invalid("Unsupported format in item expression. Please use struct format {...} to express item values for insert statement. " +
			place(b.text, b.item.at))
	}
	item, err := b.tuple(b.item, root, func(e *expr, _ string) (attribute.Value, error) { return b.constant(e) })
	if err != nil {
		return nil, err
	}
	return item, attribute.CheckNesting(item)
}

// condition builds a condition; nil from nil.
func (b *Bound) condition(e *expr) (*expression.Condition, error) {
	if e == nil {
		return nil, nil
	}
	if !e.isCondition() {
		return nil, attribute.Invalid("WHERE clause must contain an expression that resolves to a boolean")
	}
	c := &builder{b, expression.NewBuilder()}
	part, err := c.condition(e)
	if err != nil {
		return nil, err
	}
	return c.to.Condition(part)
}

// builder turns parts of a statement into those of an expression.
type builder struct {
	*Bound
	to *expression.Builder
}

func (c *builder) condition(e *expr) (expression.Part, error) {
	if e.kind == exprCall {
		return c.call(e)
	}
	switch e.name {
	case "AND", "OR", "NOT":
		return c.connective(e)
	case "IN":
		return c.membership(e)
	case "IS":
		return c.test(e)
	case "BETWEEN", "<", "<=", ">", ">=":
		return c.operator(e.name, e.args...)
	case "=", "<>":
		return c.equality(e)
	}
	return expression.Part{}, attribute.Invalid("Unsupported operator in Condition Expression. Operator: " + e.name)
}

func (c *builder) connective(e *expr) (expression.Part, error) {
	parts := make([]expression.Part, len(e.args))
	for i, a := range e.args {
		if !a.isCondition() {
			if e.name == "NOT" {
				return expression.Part{}, attribute.Invalid("The argument to NOT must be a Type or Expression")
			}
			return expression.Part{}, attribute.Invalid("The arguments to AND/OR must be Expressions")
		}
		var err error
		if parts[i], err = c.condition(a); err != nil {
			return expression.Part{}, err
		}
	}
	return c.to.Operator(e.name, parts...), nil
}

// membership is IN, whose right side is written out.
func (c *builder) membership(e *expr) (expression.Part, error) {
	args := []*expr{e.args[0]}
	switch right := e.args[1]; {
	case right.kind == exprList || right.kind == exprBag:
		args = append(args, right.args...)
	case right.kind == exprScalar && c.parenthesized(right):
		args = append(args, right)
	case right.kind == exprParameter && c.parenthesized(right):
		args = append(args, right)
	}
	if len(args) < 2 {
		return expression.Part{}, attribute.Invalid("IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member")
	}
	return c.operator("IN", args...)
}

// parenthesized tells whether a single value stands in parentheses, which
// makes it a list behind IN.
func (c *builder) parenthesized(e *expr) bool {
	for i := e.at.start - 1; i >= 0; i-- {
		switch c.text[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return c.text[i] == '('
		}
	}
	return false
}

// types are those that IS can name, as DynamoDB calls them; the empty ones it
// knows but cannot test.
var types = map[string]string{
	"MISSING": "MISSING", "NULL": "NULL", "BOOL": "BOOL", "BOOLEAN": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N",
	"STRUCT": "M", "TUPLE": "M", "LIST": "L",
	"BAG": "", "DECIMAL": "", "DEC": "", "VARCHAR": "", "CHAR": "", "CHARACTER": "", "CHARACTER VARYING": "", "INT": "", "INTEGER": "",
	"INT2": "", "INT4": "", "INT8": "", "SMALLINT": "", "FLOAT": "", "REAL": "", "DOUBLE PRECISION": "", "SYMBOL": "", "TIMESTAMP": "",
	"CLOB": "", "SEXP": "", "ANY": "", "DATE": "", "TIME": "",
}

// fullTypes are the names that errors give to types written otherwise.
var fullTypes = map[string]string{
	"DEC": "DECIMAL", "VARCHAR": "CHARACTER_VARYING", "CHARACTER VARYING": "CHARACTER_VARYING", "CHAR": "CHARACTER", "INT": "INTEGER",
	"INT2": "SMALLINT", "INT4": "INTEGER4", "INT8": "INTEGER8", "DOUBLE PRECISION": "DOUBLE_PRECISION",
}

// test is IS.
func (c *builder) test(e *expr) (expression.Part, error) {
	name := e.args[1].name
	is := types[name]
	if is == "" {
		if full := fullTypes[name]; full != "" {
			name = full
		}
		return expression.Part{}, attribute.Invalid("Unsupported data type for IS operator: " + name +
			". Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST] " + place(c.text, e.at))
	}
	operand, err := c.operand(e.args[0])
	if err != nil {
		return operand, err
	}
	if is == "MISSING" {
		return c.to.Call("attribute_not_exists", operand), nil
	}
	return c.to.Call("attribute_type", operand, c.to.Value(attribute.String(is))), nil
}

// equality is = or <>; a function that is a condition may be compared with
// true or false.
func (c *builder) equality(e *expr) (expression.Part, error) {
	for i, a := range e.args {
		other := e.args[1-i]
		if a.kind != exprCall || a.name == "size" || other.kind != exprScalar || other.value.Kind() != attribute.BOOL {
			continue
		}
		part, err := c.call(a)
		if err == nil && other.value.Truth() != (e.name == "=") {
			part = c.to.Operator("NOT", part)
		}
		return part, err
	}
	return c.operator(e.name, e.args...)
}

func (c *builder) operator(name string, args ...*expr) (expression.Part, error) {
	parts, err := c.operands(args)
	return c.to.Operator(name, parts...), err
}

func (c *builder) operands(args []*expr) ([]expression.Part, error) {
	parts := make([]expression.Part, len(args))
	for i, a := range args {
		var err error
		if parts[i], err = c.operand(a); err != nil {
			return parts, err
		}
	}
	return parts, nil
}

// operand is what a condition compares.
func (c *builder) operand(e *expr) (expression.Part, error) {
	switch e.kind {
	case exprPath:
		return c.to.Path(e.path), nil
	case exprCall:
		return c.call(e)
	case exprMissing:
		return expression.Part{}, attribute.Invalid("MISSING must be compared using IS operator")
	case exprOperator:
		return expression.Part{}, attribute.Invalid("Unsupported operator in Condition Expression. Operator: " + e.name)
	}
	v, err := c.constant(e)
	if err != nil {
		return expression.Part{}, err
	}
	return c.to.Value(v), nil
}

func (c *builder) call(e *expr) (expression.Part, error) {
	if !expression.IsFunction(e.name) {
		return expression.Part{}, c.unknown(e)
	}
	parts, err := c.operands(e.args)
	if err != nil {
		return expression.Part{}, err
	}
	if len(parts) == 0 {
		return expression.Part{}, attribute.Invalid("Incorrect number of operands for operator or function; operator or function: " + e.name + ", number of operands: 0")
	}
	return c.to.Call(e.name, parts...), nil
}

func (c *builder) unknown(e *expr) error {
	return attribute.Invalid("Unrecognized function: " + e.name + " " + place(c.text, e.at))
}

// update builds the update of an UPDATE.
func (b *Bound) update() (*expression.Update, error) {
	c := &builder{b, expression.NewBuilder()}
	for _, change := range b.changes {
		if change.value == nil {
			c.to.Remove(change.path)
			continue
		}
		if e := change.value; e.kind == exprCall && (e.name == "set_add" || e.name == "set_delete") {
			if err := c.changeSet(change.path, e); err != nil {
				return nil, err
			}
			continue
		}
		part, err := c.assigned(change.value)
		if err != nil {
			return nil, err
		}
		c.to.Set(change.path, part)
	}
	return c.to.Update()
}

// changeSet is set_add or set_delete, which change the attribute that they
// are assigned to.
func (c *builder) changeSet(path expression.Path, e *expr) error {
	name := map[string]string{"set_add": "SET_ADD", "set_delete": "SET_DELETE"}[e.name]
	switch {
	case len(e.args) != 2:
		return attribute.Invalid(name + " must have exactly two arguments " + place(c.text, e.at))
	case e.args[0].kind != exprPath || !slices.Equal(e.args[0].path, path):
		return attribute.Invalid("The first argument to " + name + " must equal the assignment value " + place(c.text, e.at))
	}
	notSet := attribute.Invalid("The second argument to " + name + " must be a value with type SET " + place(c.text, e.args[0].at))
	if !e.args[1].isConstant() {
		return notSet
	}
	v, err := c.constant(e.args[1])
	switch {
	case err != nil:
		return err
	case !v.Kind().IsSet():
		return notSet
	case e.name == "set_add":
		c.to.Add(path, c.to.Value(v))
	default:
		c.to.Delete(path, c.to.Value(v))
	}
	return nil
}

// assigned is the right side of a SET.
func (c *builder) assigned(e *expr) (expression.Part, error) {
	switch e.kind {
	case exprPath:
		return c.to.Path(e.path), nil
	case exprOperator, exprCall:
	default:
		v, err := c.constant(e)
		return c.to.Value(v), err
	}
	switch {
	case e.kind == exprCall && !expression.IsFunction(e.name):
		return expression.Part{}, c.unknown(e)
	case e.kind == exprOperator && (len(e.args) != 2 || e.name != "+" && e.name != "-"):
		return expression.Part{}, attribute.Invalid("Unsupported operator in Update Expression. Operator: " + e.name)
	}
	parts := make([]expression.Part, len(e.args))
	for i, a := range e.args {
		var err error
		if parts[i], err = c.assigned(a); err != nil {
			return expression.Part{}, err
		}
	}
	switch {
	case e.kind == exprOperator:
		return c.to.Operator(e.name, parts...), nil
	case len(parts) == 0:
		return expression.Part{}, attribute.Invalid("Incorrect number of operands for operator or function; operator or function: " + e.name + ", number of operands: 0")
	}
	return c.to.Call(e.name, parts...), nil
}
