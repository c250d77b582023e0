package request

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
)

// older are the parameters from before expressions. Filter is the QueryFilter
// of a Query or the ScanFilter of a Scan.
type older struct {
	present map[string]bool

	AttributesToGet  []string
	AttributeUpdates []expression.AttributeUpdate
	Expected         []expression.Comparison
	Filter           []expression.Comparison
	KeyConditions    []expression.Comparison
	Operator         *string // ConditionalOperator

	refusal *attribute.Error // the first bad value
	actions []action         // of AttributeUpdates, to be checked
}

type action struct {
	attribute string
	action    *string
}

// olderNames in the order in which errors list them.
var olderNames = []string{
	"AttributesToGet", "AttributeUpdates", "QueryFilter", "ScanFilter", "Expected", "ConditionalOperator", "KeyConditions",
}

const (
	enumAction   = "[ADD, DELETE, PUT]"
	enumOperator = "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"
)

// read reads a member if it is one of them.
func (o *older) read(r reader, layer attribute.Layer, name string) bool {
	if !slices.Contains(olderNames, name) {
		return false
	}
	if o.present == nil {
		o.present = map[string]bool{}
	}
	o.present[name] = true
	switch name {
	case "AttributesToGet":
		o.AttributesToGet = r.texts()
	case "AttributeUpdates":
		o.readUpdates(r, layer)
	case "QueryFilter", "ScanFilter":
		o.Filter = o.readComparisons(r, layer, "Condition")
	case "Expected":
		o.Expected = o.readComparisons(r, layer, "ExpectedAttributeValue")
	case "KeyConditions":
		o.KeyConditions = o.readComparisons(r, layer, "Condition")
	case "ConditionalOperator":
		o.Operator = r.text()
	}
	return true
}

func (o *older) value(r reader, layer attribute.Layer) attribute.Value {
	v, refused := r.Value(layer)
	if o.refusal == nil {
		o.refusal = refused
	}
	return v
}

func (o *older) readUpdates(r reader, layer attribute.Layer) {
	for name := range r.Map("AttributeValueUpdate") {
		u, a := expression.AttributeUpdate{Attribute: name}, action{attribute: name}
		for member := range r.Entry("AttributeValueUpdate") {
			switch member {
			case "Action":
				a.action = r.text()
				u.Action = *a.action
			case "Value":
				u.Value = o.value(r, layer)
			}
		}
		o.AttributeUpdates = append(o.AttributeUpdates, u)
		o.actions = append(o.actions, a)
	}
}

func (o *older) readComparisons(r reader, layer attribute.Layer, typ string) []expression.Comparison {
	list := []expression.Comparison{}
	for name := range r.Map(typ) {
		c := expression.Comparison{Attribute: name}
		for member := range r.Entry(typ) {
			switch member {
			case "ComparisonOperator":
				c.Operator = r.Text()
			case "AttributeValueList":
				c.Values = []attribute.Value{}
				for range r.List() {
					c.Values = append(c.Values, o.value(r, layer))
				}
			case "Value":
				c.Value = o.value(r, layer)
			case "Exists":
				c.Exists = r.truth()
			}
		}
		list = append(list, c)
	}
	return list
}

func (o *older) has(name string) bool { return o.present[name] }

func (o *older) given() (names []string) {
	for _, name := range olderNames {
		if o.present[name] {
			names = append(names, name)
		}
	}
	return names
}

// constrain checks the members.
func (o *older) constrain(c *constraints) {
	if o.present == nil {
		return
	}
	connective := enumConnective
	if c.layer == attribute.New {
		connective = enumConnectiveNew
	}
	if o.Operator != nil && *o.Operator != "AND" && *o.Operator != "OR" {
		c.enum("conditionalOperator", o.Operator, connective)
	}
	if o.has("AttributesToGet") && len(o.AttributesToGet) == 0 {
		c.count("attributesToGet", "[]", 0, 1, maxNonKey)
	}
	for _, a := range o.actions {
		c.enum("attributeUpdates."+a.attribute+".member.action", a.action, enumAction)
	}
	filter := "scanFilter"
	if o.has("QueryFilter") {
		filter = "queryFilter"
	}
	constrainOperators(c, "expected", o.Expected, false)
	constrainOperators(c, filter, o.Filter, true)
	constrainOperators(c, "keyConditions", o.KeyConditions, true)
}

func constrainOperators(c *constraints, path string, list []expression.Comparison, required bool) {
	for _, e := range list {
		path := path + "." + e.Attribute + ".member.comparisonOperator"
		if e.Operator != "" {
			c.oldEnum(path, &e.Operator, enumOperator)
		} else if required {
			c.required(path, false)
		}
	}
}

// compile makes what expressions make; nil when none of the parameters is
// given.
func (o *older) compile() (out *expression.Compiled, err error) {
	if o.present == nil {
		return nil, nil
	}
	out = new(expression.Compiled)
	operator := value(o.Operator)
	if o.has("Expected") || o.has("ConditionalOperator") && o.Filter == nil {
		if out.Condition, err = expression.CompileExpected(o.Expected, operator); err != nil {
			return nil, err
		}
	}
	if o.KeyConditions != nil {
		if out.KeyCondition, err = expression.CompileKeyConditions(o.KeyConditions); err != nil {
			return nil, err
		}
	}
	if o.Filter != nil {
		if out.Filter, err = expression.CompileFilter(o.Filter, operator); err != nil {
			return nil, err
		}
	}
	if o.AttributeUpdates != nil {
		if out.Update, err = expression.CompileAttributeUpdates(o.AttributeUpdates); err != nil {
			return nil, err
		}
	}
	if o.AttributesToGet != nil {
		if out.Projection, err = expression.CompileAttributesToGet(o.AttributesToGet); err != nil {
			return nil, err
		}
	}
	return out, nil
}
