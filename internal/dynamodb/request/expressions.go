package request

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// Expressions are the members of a request that hold expressions and their
// placeholders.
type Expressions struct {
	Update, Condition, KeyCondition, Filter, Projection *string

	Names  map[string]string
	Values attribute.Item

	refusedValue *attribute.Error
}

// read reads a member if it is one of an expression's.
func (e *Expressions) read(r reader, layer attribute.Layer, name string) {
	switch name {
	case "UpdateExpression":
		e.Update = r.text()
	case "ConditionExpression":
		e.Condition = r.text()
	case "KeyConditionExpression":
		e.KeyCondition = r.text()
	case "FilterExpression":
		e.Filter = r.text()
	case "ProjectionExpression":
		e.Projection = r.text()
	case "ExpressionAttributeNames":
		e.Names = map[string]string{}
		for key := range r.Map("java.lang.String") {
			if r.Null() {
				continue
			}
			e.Names[key] = r.Text()
		}
	case "ExpressionAttributeValues":
		e.Values, e.refusedValue = r.Item(layer)
		if e.Values == nil {
			e.Values = attribute.Item{}
		}
	}
}

// given lists the expressions that the request has, in the order in which
// DynamoDB names them.
func (e *Expressions) given() (names []string) {
	for _, s := range []struct {
		name string
		text *string
	}{
		{"ProjectionExpression", e.Projection},
		{"UpdateExpression", e.Update},
		{"ConditionExpression", e.Condition},
		{"FilterExpression", e.Filter},
		{"KeyConditionExpression", e.KeyCondition},
	} {
		if s.text != nil {
			names = append(names, s.name)
		}
	}
	return names
}

func (e *Expressions) request(layer attribute.Layer, offered []expression.Parameter) expression.Request {
	return expression.Request{
		Update: e.Update, Condition: e.Condition, KeyCondition: e.KeyCondition, Filter: e.Filter, Projection: e.Projection,
		Names: e.Names, Values: e.Values, Layer: layer, Offered: offered,
	}
}

// checkPresence refuses placeholders that nothing can use.
func (e *Expressions) checkPresence(layer attribute.Layer, offered []expression.Parameter) error {
	r := e.request(layer, offered)
	return r.CheckPresence()
}

// checkValues refuses bad values of placeholders.
func (e *Expressions) checkValues(layer attribute.Layer) error {
	if e.refusedValue != nil {
		return expression.InvalidValue(e.refusedValue, layer)
	}
	return nil
}

// asError keeps a nil refusal from becoming an error that is not nil.
func asError(e *attribute.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// wrap puts in front of a refusal what an operation puts in front of those
// that need nothing but the request.
func wrap(op message.Operation, err error) error {
	e, ok := err.(*attribute.Error)
	if !ok || !op.Wraps() || e.Code != attribute.ValidationException {
		return err
	}
	return attribute.Invalid(message.OneError + e.Message)
}
