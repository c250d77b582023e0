package expression

import (
	"encoding/base64"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// binding ties a parsed expression to one request's names and values.
type binding struct {
	expr    *parsed
	names   []string          // by slot
	defined []bool            // whether the name of a slot is defined; nil if all are
	values  []attribute.Value // by slot
	// incomplete says that some name or value is missing.
	incomplete bool
}

func (e *parsed) bind(names map[string]string, values attribute.Item) *binding {
	b := &binding{expr: e}
	if len(e.names) > 0 {
		b.names = make([]string, len(e.names))
	}
	for i, n := range e.names {
		name, ok := names[n]
		b.names[i] = name
		if !ok {
			if b.defined == nil {
				b.defined = make([]bool, len(e.names))
				for j := range i {
					b.defined[j] = true
				}
			}
			b.incomplete = true
		} else if b.defined != nil {
			b.defined[i] = true
		}
	}
	if len(e.values) > 0 {
		b.values = make([]attribute.Value, len(e.values))
	}
	for i, v := range e.values {
		b.values[i] = values.Get(v)
		b.incomplete = b.incomplete || !b.values[i].Exists()
	}
	if b.incomplete && b.defined == nil {
		b.defined = make([]bool, len(e.names))
		for i := range b.defined {
			b.defined[i] = true
		}
	}
	return b
}

// check finds the first error that the request's names and values decide.
func (b *binding) check(layer attribute.Layer) string {
	switch b.expr.parameter {
	case UpdateExpression:
		return b.checkUpdate(layer)
	case ProjectionExpression:
		if message := b.checkAllDefined(); message != "" {
			return message
		}
		return b.checkOverlap(b.expr.paths)
	}
	return b.checkCondition(b.expr.condition)
}

// checkCondition takes the conditions between connectives one by one, as
// written.
func (b *binding) checkCondition(n *node) string {
	if n.isConnective() {
		return b.firstOf(n, b.checkCondition)
	}
	return b.checkClause(n)
}

// checkAllDefined reports missing names before missing values.
func (b *binding) checkAllDefined() string {
	if !b.incomplete {
		return ""
	}
	for i, ok := range b.defined {
		if !ok {
			return undefinedName(b.expr.names[i])
		}
	}
	for i, v := range b.values {
		if !v.Exists() {
			return undefinedValue(b.expr.values[i])
		}
	}
	return ""
}

// showScalar prints a value as DynamoDB's errors do.
func showScalar(v attribute.Value) string {
	text := v.Text()
	switch v.Kind() {
	case attribute.N:
		text = string(v.Number())
	case attribute.B:
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return "{" + v.Kind().String() + ":" + text + "}"
}

// lookup finds the value at a path, the zero Value if there is none.
func (b *binding) lookup(it attribute.Item, p path) attribute.Value {
	v := it.Get(b.elementName(p[0]))
	for _, e := range p[1:] {
		switch {
		case !e.isIndex():
			v = v.Members().Get(b.elementName(e))
		case e.index < len(v.Elements()):
			v = v.Elements()[e.index]
		default:
			return attribute.Value{}
		}
	}
	return v
}

func (b *binding) elementName(e element) string {
	if e.slot != noSlot {
		return b.names[e.slot]
	}
	return e.name
}
