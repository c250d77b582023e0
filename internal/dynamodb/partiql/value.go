package partiql

import (
	"errors"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// errBag is the refusal of a bag that is no set.
var errBag = attribute.Invalid("Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags")

// root is what errors call the value of an attribute.
const root = "root"

// constant is the value of a literal or a parameter.
func (b *Bound) constant(e *expr) (attribute.Value, error) {
	if e.kind == exprParameter {
		return b.parameters[e.param], nil
	}
	return b.literal(e, root)
}

// literal is the value of a literal; under is its place in the value it is
// part of. Parameters stand for whole values only.
func (b *Bound) literal(e *expr, under string) (attribute.Value, error) {
	switch e.kind {
	case exprScalar:
		return scalar(e, under)
	case exprList:
		elements := make([]attribute.Value, len(e.args))
		for i, a := range e.args {
			var err error
			if elements[i], err = b.literal(a, under+indexText(i)); err != nil {
				return attribute.Value{}, err
			}
		}
		return attribute.List(elements...), nil
	case exprBag:
		return set(e, under)
	case exprTuple:
		members, err := b.tuple(e, under, func(a *expr, name string) (attribute.Value, error) {
			return b.literal(a, under+"."+name)
		})
		return attribute.Map(members), err
	}
	shown := e.name
	if e.kind == exprParameter {
		shown = "Parameter"
	}
	return attribute.Value{}, attribute.Invalid("Unsupported data type: " + shown + " under key " + under + " " + place(b.text, e.at))
}

func scalar(e *expr, under string) (attribute.Value, error) {
	if e.name == "" {
		return e.value, nil
	}
	n, err := attribute.ParseNumber(e.name, attribute.New)
	var refused *attribute.Error
	if errors.As(err, &refused) {
		return attribute.Value{}, attribute.Invalid(refused.Message + " under " + under)
	}
	return attribute.Num(n), err
}

// set is the value of a bag: numbers, or strings.
func set(e *expr, under string) (attribute.Value, error) {
	if len(e.args) == 0 {
		return attribute.Value{}, attribute.Invalid("Empty bags are not supported")
	}
	kind, members := attribute.None, make([]string, len(e.args))
	for i, a := range e.args {
		if a.kind != exprScalar {
			return attribute.Value{}, errBag
		}
		v, err := scalar(a, under+indexText(i))
		if err != nil {
			return v, err
		}
		is := attribute.SS
		if members[i] = v.Text(); v.Kind() == attribute.N {
			is, members[i] = attribute.NS, string(v.Number())
		}
		if !v.Kind().IsScalarKey() || kind != attribute.None && kind != is {
			return attribute.Value{}, errBag
		}
		kind = is
	}
	return attribute.NewSet(kind, members, attribute.Old)
}

// tuple reads the members of { }.
func (b *Bound) tuple(e *expr, under string, value func(*expr, string) (attribute.Value, error)) (attribute.Item, error) {
	members := make([]attribute.Attribute, 0, len(e.args)/2)
	seen := map[string]bool{}
	for i := 0; i < len(e.args); i += 2 {
		key := e.args[i]
		name := key.value.Text()
		switch {
		case key.kind != exprScalar || key.value.Kind() != attribute.S:
			return nil, attribute.Invalid("Tuple keys must be of type String. Actual type: " + key.typeName() + " under " + under + " " + place(b.text, key.at))
		case seen[name]:
			return nil, attribute.Invalid("Duplicate keys in tuple. Key: " + name + " under " + under + " " + place(b.text, key.at))
		case name == "":
			return nil, attribute.Invalid("Empty attribute name")
		}
		seen[name] = true
		v, err := value(e.args[i+1], name)
		if err != nil {
			return nil, err
		}
		members = append(members, attribute.Attribute{Name: name, Value: v})
	}
	return attribute.NewItem(members...), nil
}

// typeName is what errors call a part of a statement.
func (e *expr) typeName() string {
	switch e.kind {
	case exprPath:
		return "VariableReference"
	case exprParameter:
		return "Parameter"
	}
	return "Literal"
}
