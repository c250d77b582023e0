package expression

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// The parameters from before expressions: Expected, QueryFilter, ScanFilter,
// KeyConditions, AttributeUpdates and AttributesToGet. They become the same
// conditions, key conditions, updates and projections.

// Comparison is one entry of Expected, QueryFilter, ScanFilter or
// KeyConditions. The caller has checked that Operator is one of the enum.
type Comparison struct {
	Attribute string
	Operator  string            // ComparisonOperator; "" if absent
	Values    []attribute.Value // AttributeValueList; nil if absent
	Value     attribute.Value   // Expected only
	Exists    *bool             // Expected only
}

// comparisonRules say how many operands an operator takes and of which types;
// nil is any type.
var comparisonRules = map[string]struct {
	min, max int
	kinds    []attribute.Kind
}{
	"EQ":           {1, 1, nil},
	"NE":           {1, 1, nil},
	"LE":           {1, 1, scalars},
	"LT":           {1, 1, scalars},
	"GE":           {1, 1, scalars},
	"GT":           {1, 1, scalars},
	"BETWEEN":      {2, 2, scalars},
	"CONTAINS":     {1, 1, scalars},
	"NOT_CONTAINS": {1, 1, scalars},
	"BEGINS_WITH":  {1, 1, []attribute.Kind{attribute.S, attribute.B}},
	"IN":           {1, 1 << 30, scalars},
	"NULL":         {0, 0, nil},
	"NOT_NULL":     {0, 0, nil},
}

var scalars = []attribute.Kind{attribute.S, attribute.N, attribute.B}

// check applies the rules for an operator and its operands.
func (c *Comparison) check(operands []attribute.Value) error {
	rule := comparisonRules[c.Operator]
	if len(operands) < rule.min || len(operands) > rule.max {
		return attribute.InvalidParameter("Invalid number of argument(s) for the " + c.Operator + " ComparisonOperator")
	}
	for _, v := range operands {
		if rule.kinds != nil && !slices.Contains(rule.kinds, v.Kind()) {
			return attribute.InvalidParameter("ComparisonOperator " + c.Operator + " is not valid for " +
				v.Kind().String() + " AttributeValue type")
		}
	}
	for _, v := range operands {
		if v.Kind() != operands[0].Kind() {
			return attribute.InvalidParameter("AttributeValues inside AttributeValueList must be of same type")
		}
	}
	if c.Operator == "BETWEEN" {
		if order, _ := attribute.Compare(operands[0], operands[1]); order > 0 {
			return attribute.Invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return nil
}

// CompileFilter makes a condition of QueryFilter or ScanFilter. operator is
// ConditionalOperator, "" if absent.
func CompileFilter(filter []Comparison, operator string) (*Condition, error) {
	if err := checkConditionalOperator(filter, operator); err != nil {
		return nil, err
	}
	tests := make([]Comparison, len(filter))
	for i, c := range filter {
		if err := c.check(c.Values); err != nil {
			return nil, err
		}
		tests[i] = c
	}
	return newLegacyCondition(tests, operator), nil
}

// CompileExpected makes a condition of Expected.
func CompileExpected(expected []Comparison, operator string) (*Condition, error) {
	if err := checkConditionalOperator(expected, operator); err != nil {
		return nil, err
	}
	tests := make([]Comparison, len(expected))
	for i := range expected {
		var err error
		if tests[i], err = expected[i].expect(); err != nil {
			return nil, err
		}
	}
	return newLegacyCondition(tests, operator), nil
}

func checkConditionalOperator(entries []Comparison, operator string) error {
	switch {
	case operator == "" || len(entries) > 1:
		return nil
	case len(entries) == 0:
		return attribute.Invalid("ConditionalOperator cannot be used without Filter or Expected")
	}
	return attribute.Invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
}

// expect turns an entry of Expected, which may have a Value or Exists in place
// of an operator and a list, into a plain comparison.
func (c Comparison) expect() (Comparison, error) {
	of := " for Attribute: " + c.Attribute
	switch {
	case c.Value.Exists() && c.Values != nil:
		return c, attribute.InvalidParameter("Value and AttributeValueList cannot be used together" + of)
	case c.Operator != "" && c.Exists != nil:
		return c, attribute.InvalidParameter("Exists and ComparisonOperator cannot be used together" + of)
	case c.Operator == "" && c.Values != nil:
		return c, attribute.InvalidParameter("AttributeValueList can only be used with a ComparisonOperator" + of)
	case c.Operator == "":
		return c.expectExistence(of)
	}
	if c.Value.Exists() {
		c.Values = []attribute.Value{c.Value}
	} else if c.Values == nil && c.Operator != "NULL" && c.Operator != "NOT_NULL" {
		return c, attribute.InvalidParameter("Value or AttributeValueList must be used with ComparisonOperator: " + c.Operator + of)
	}
	return c, c.check(c.Values)
}

func (c Comparison) expectExistence(of string) (Comparison, error) {
	switch {
	case c.Exists != nil && !*c.Exists:
		if c.Value.Exists() {
			return c, attribute.InvalidParameter("Value cannot be used when Exists is false" + of)
		}
		return Comparison{Attribute: c.Attribute, Operator: "NULL"}, nil
	case !c.Value.Exists():
		given := "null"
		if c.Exists != nil {
			given = "true"
		}
		return c, attribute.InvalidParameter("Value must be provided when Exists is " + given + of)
	}
	return Comparison{Attribute: c.Attribute, Operator: "EQ", Values: []attribute.Value{c.Value}}, nil
}

// legacyCondition is a list of comparisons of which all, or any, must hold.
type legacyCondition struct {
	tests []Comparison
	any   bool
}

func newLegacyCondition(tests []Comparison, operator string) *Condition {
	if len(tests) == 0 {
		return nil
	}
	return &Condition{legacy: &legacyCondition{tests: tests, any: operator == "OR"}}
}

func (l *legacyCondition) names() []string {
	names := make([]string, len(l.tests))
	for i := range l.tests {
		names[i] = l.tests[i].Attribute
	}
	return names
}

func (l *legacyCondition) eval(it attribute.Item) bool {
	for i := range l.tests {
		if l.tests[i].holds(it.Get(l.tests[i].Attribute)) == l.any {
			return l.any
		}
	}
	return !l.any
}

// legacyComparators are the operators that compare with one operand.
var legacyComparators = map[string]operation{
	"EQ": opEqual, "NE": opNotEqual, "LT": opLess, "LE": opLessEqual, "GT": opGreater, "GE": opGreaterEqual,
}

func (c *Comparison) holds(v attribute.Value) bool {
	switch c.Operator {
	case "NULL":
		return !v.Exists()
	case "NOT_NULL":
		return v.Exists()
	case "CONTAINS":
		return holdsInside(v, c.Values[0])
	case "NOT_CONTAINS": // false, too, for a missing attribute
		return v.Exists() && !holdsInside(v, c.Values[0])
	case "BEGINS_WITH":
		return startsWith(v, c.Values[0])
	case "BETWEEN":
		return compare(opGreaterEqual, v, c.Values[0]) && compare(opLessEqual, v, c.Values[1])
	case "IN":
		return slices.ContainsFunc(c.Values, func(o attribute.Value) bool { return attribute.Equal(v, o) })
	}
	return compare(legacyComparators[c.Operator], v, c.Values[0])
}

// legacyRanges are the operators a sort key can be read by; EQ is the other.
var legacyRanges = map[string]RangeOperator{
	"LT": Less, "LE": LessOrEqual, "GT": Greater, "GE": GreaterOrEqual, "BETWEEN": Between, "BEGINS_WITH": BeginsWith,
}

// CompileKeyConditions makes a key condition of KeyConditions.
func CompileKeyConditions(conditions []Comparison) (*KeyCondition, error) {
	k := &KeyCondition{legacy: true}
	for i := range conditions {
		c := &conditions[i]
		if err := c.check(c.Values); err != nil {
			return nil, err
		}
		kind, ranged := legacyRanges[c.Operator]
		k.clauses = append(k.clauses, keyClause{
			name: c.Attribute, operands: c.Values, kind: kind,
			equal: c.Operator == "EQ", unindexable: !ranged && c.Operator != "EQ",
		})
	}
	if len(conditions) != 1 && len(conditions) != 2 {
		return nil, attribute.Invalid("Conditions can be of length 1 or 2 only")
	}
	return k, nil
}

// CompileAttributesToGet makes a projection of AttributesToGet.
func CompileAttributesToGet(names []string) (*Projection, error) {
	p := &Projection{}
	for i, name := range names {
		if e := attribute.CheckName(name); e != nil {
			return nil, e
		}
		if slices.Contains(names[:i], name) {
			return nil, attribute.InvalidParameter("Duplicate value in attribute name: " + name)
		}
		p.tree.grow(topLevelPath(name))
	}
	return p, nil
}

func topLevelPath(name string) path { return path{{name: name, slot: noSlot, index: noIndex}} }

// AttributeUpdate is one entry of AttributeUpdates.
type AttributeUpdate struct {
	Attribute string
	Action    string // PUT, ADD, DELETE, or "" for PUT
	Value     attribute.Value
}

// CompileAttributeUpdates makes an update of AttributeUpdates.
func CompileAttributeUpdates(updates []AttributeUpdate) (*Update, error) {
	u := &Update{legacy: &legacyUpdate{updates}}
	for i, a := range updates {
		if err := a.check(); err != nil {
			return nil, err
		}
		u.tree.grow(topLevelPath(a.Attribute)).action = i + 1
	}
	return u, nil
}

func (a *AttributeUpdate) check() error {
	if e := attribute.CheckName(a.Attribute); e != nil {
		return e
	}
	kind := a.Value.Kind()
	switch {
	case !a.Value.Exists():
		if a.Action != "DELETE" {
			return attribute.InvalidParameter("Only DELETE action is allowed when no attribute value is specified")
		}
	case a.Action == "DELETE" && !kind.IsSet():
		return attribute.InvalidParameter("DELETE action with value is not supported for the type " + kind.String())
	case a.Action == "ADD" && !kind.IsSet() && kind != attribute.N && kind != attribute.L:
		return attribute.InvalidParameter("ADD action is not supported for the type " + kind.String())
	}
	return nil
}

var errTypeMismatch = attribute.Invalid("Type mismatch for attribute to update")

type legacyUpdate struct{ updates []AttributeUpdate }

// creates is false when everything is DELETE, which makes no item.
func (l *legacyUpdate) creates() bool {
	return len(l.updates) == 0 || slices.ContainsFunc(l.updates, func(a AttributeUpdate) bool { return a.Action != "DELETE" })
}

func (l *legacyUpdate) changes(it attribute.Item, _ bool) ([]change, error) {
	out := make([]change, len(l.updates))
	for i := range l.updates {
		var err error
		if out[i], err = l.updates[i].change(it.Get(l.updates[i].Attribute)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *AttributeUpdate) change(current attribute.Value) (change, error) {
	switch {
	case !a.Value.Exists():
		return change{remove: true}, nil
	case a.Action != "ADD" && a.Action != "DELETE":
		return change{value: a.Value}, nil
	case current.Exists() && current.Kind() != a.Value.Kind():
		return change{}, errTypeMismatch
	case a.Action == "DELETE":
		return takeOut(current, a.Value)
	case current.Kind() == attribute.L:
		v, err := appendLists(current, a.Value)
		return change{value: v}, err
	}
	v, err := add(current, a.Value)
	return change{value: v}, err
}
