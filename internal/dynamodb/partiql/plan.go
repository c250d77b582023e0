package partiql

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
)

// flatten lists what an operator connects, through parentheses.
func flatten(e *expr, operator string) []*expr {
	if !e.is(operator) {
		return []*expr{e}
	}
	return append(flatten(e.args[0], operator), flatten(e.args[1], operator)...)
}

// fixed finds the value that a condition of the form name = value gives an
// attribute.
func (b *Bound) fixed(e *expr, name string) (attribute.Value, bool) {
	if !e.is("=") {
		return attribute.Value{}, false
	}
	for i, a := range e.args {
		if a.attribute() == name && e.args[1-i].isConstant() {
			v, err := b.constant(e.args[1-i])
			return v, err == nil
		}
	}
	return attribute.Value{}, false
}

func keyType(name string) error {
	return attribute.Invalid("Key attribute's data type should match its data type in table's schema: Key " + name)
}

func checkKey(k expression.KeyAttribute, v attribute.Value) error {
	if v.Kind() != k.Kind {
		return keyType(k.Name)
	}
	return nil
}

// Key finds the one item that a statement is about: its WHERE must fix the
// whole key of the table. The condition holds what else WHERE asks for; it is
// nil when there is nothing else.
func (b *Bound) Key(schema expression.KeySchema) (attribute.Item, *expression.Condition, error) {
	if b.where == nil {
		return nil, nil, attribute.Invalid(noKeys)
	}
	rest := flatten(b.where, "AND")
	var key attribute.Item
	for _, k := range append(slices.Clone(schema.Hash), schema.Range...) {
		at := slices.IndexFunc(rest, func(e *expr) bool {
			_, ok := b.fixed(e, k.Name)
			return ok
		})
		if at < 0 {
			return nil, nil, attribute.Invalid(noKeys)
		}
		v, _ := b.fixed(rest[at], k.Name)
		if err := checkKey(k, v); err != nil {
			return nil, nil, err
		}
		key = append(key, attribute.Attribute{Name: k.Name, Value: v})
		rest = slices.Delete(rest, at, at+1)
	}
	condition, err := b.condition(join(rest))
	return attribute.NewItem(key...), condition, err
}

// join connects conditions with AND again; nil when there are none.
func join(list []*expr) *expr {
	var all *expr
	for _, e := range list {
		if all == nil {
			all = e
		} else {
			all = &expr{kind: exprOperator, name: "AND", args: []*expr{all, e}}
		}
	}
	return all
}

// Ranges are the parts of a table or an index that a SELECT reads, in order.
// All of WHERE is still to be asked of each item. Keyed is false when WHERE
// does not fix the partition key, so that everything must be read.
func (b *Bound) Ranges(schema expression.KeySchema) (ranges []expression.KeyRange, keyed bool, err error) {
	if b.where != nil {
		ranges, keyed, err = b.union(flatten(b.where, "OR"), schema)
	}
	if err == nil {
		err = b.sort(schema, ranges, keyed)
	}
	return ranges, keyed, err
}

// branch is what one side of an OR reads.
type branch struct {
	ranges []expression.KeyRange // one for each value of the partition key
	// sorted: the sort key is limited; otherwise: by <> or NOT, which no range
	// expresses.
	sorted, otherwise bool
}

// union joins the ranges of branches. Two branches on one partition read it
// whole, WHERE decides; DynamoDB refuses some of these.
func (b *Bound) union(branches []*expr, schema expression.KeySchema) (all []expression.KeyRange, keyed bool, err error) {
	var owners []branch
	for _, e := range branches {
		one, err := b.branch(flatten(e, "AND"), schema)
		if err != nil || one.ranges == nil {
			return nil, false, err
		}
		for _, r := range one.ranges {
			at := slices.IndexFunc(all, func(o expression.KeyRange) bool { return equalValues(o.Hash, r.Hash) })
			if at < 0 {
				all, owners = append(all, r), append(owners, one)
				continue
			}
			other := owners[at]
			if !one.otherwise && !other.otherwise && one.sorted != other.sorted {
				return nil, false, attribute.Invalid("Overlapping conditions with range keys are not supported in where clause")
			}
			all[at] = expression.KeyRange{Hash: r.Hash}
		}
	}
	return all, true, nil
}

func equalValues(a, b []attribute.Value) bool {
	return slices.EqualFunc(a, b, attribute.Equal)
}

func (b *Bound) branch(conditions []*expr, schema expression.KeySchema) (out branch, err error) {
	hashes := [][]attribute.Value{nil}
	for _, k := range schema.Hash {
		values := b.partitions(conditions, k.Name)
		if values == nil {
			return out, nil
		}
		var product [][]attribute.Value
		for _, h := range hashes {
			for _, v := range values {
				if err := checkPartition(k, v); err != nil {
					return out, err
				}
				product = append(product, append(slices.Clone(h), v))
			}
		}
		hashes = product
	}
	r, err := b.sortKey(conditions, schema.Range)
	if err != nil {
		return out, err
	}
	out.sorted = len(r.Equal) > 0 || r.Operator != expression.Everything
	out.otherwise = len(schema.Range) > 0 && slices.ContainsFunc(conditions, func(e *expr) bool {
		return (e.is("NOT") || e.is("<>")) && e.mentions(schema.Range[0].Name)
	})
	for _, h := range hashes {
		r.Hash = h
		out.ranges = append(out.ranges, r)
	}
	return out, nil
}

func checkPartition(k expression.KeyAttribute, v attribute.Value) error {
	if err := checkKey(k, v); err != nil {
		return err
	}
	if v.Kind() != attribute.N && v.Len() == 0 {
		word := map[attribute.Kind]string{attribute.S: "string", attribute.B: "binary"}[v.Kind()]
		return attribute.Invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " + word + " value. Key: " + k.Name)
	}
	return nil
}

// mentions tells whether a path anywhere begins with a name.
func (e *expr) mentions(name string) bool {
	if e.kind == exprPath {
		return e.path[0].Name == name
	}
	return slices.ContainsFunc(e.args, func(a *expr) bool { return a.mentions(name) })
}

// partitions are the values that conditions give a partition key by = or IN,
// each once; nil when none does.
func (b *Bound) partitions(conditions []*expr, name string) (values []attribute.Value) {
	for _, e := range conditions {
		if v, ok := b.fixed(e, name); ok {
			return []attribute.Value{v}
		}
	}
	for _, e := range conditions {
		if !e.is("IN") || e.args[0].attribute() != name {
			continue
		}
		list := e.args[1:]
		if right := e.args[1]; right.kind == exprList || right.kind == exprBag {
			list = right.args
		}
		for _, a := range list {
			v, err := b.constant(a)
			if err != nil || !a.isConstant() {
				return nil
			}
			if !slices.ContainsFunc(values, func(o attribute.Value) bool { return attribute.Equal(o, v) }) {
				values = append(values, v)
			}
		}
		return values
	}
	return nil
}

// rangeOperators translates comparisons, and those with the sides exchanged.
var rangeOperators = map[string][2]expression.RangeOperator{
	"<": {expression.Less, expression.Greater}, "<=": {expression.LessOrEqual, expression.GreaterOrEqual},
	">": {expression.Greater, expression.Less}, ">=": {expression.GreaterOrEqual, expression.LessOrEqual},
}

// sortKey narrows a partition by conditions on its sort key: = on leading
// attributes, then one other. What else there is stays for WHERE.
func (b *Bound) sortKey(conditions []*expr, keys []expression.KeyAttribute) (r expression.KeyRange, err error) {
	for _, k := range keys {
		found := false
		for _, e := range conditions {
			if v, ok := b.fixed(e, k.Name); ok {
				if err := checkPartition(k, v); err != nil {
					return r, err
				}
				r.Equal, found = append(r.Equal, v), true
				break
			}
		}
		if found {
			continue
		}
		for _, e := range conditions {
			op, bounds := b.bounds(e, k.Name)
			if op == expression.Everything {
				continue
			}
			for _, v := range bounds {
				if err := checkKey(k, v); err != nil {
					return r, err
				}
			}
			if r.Operator, r.Low = op, bounds[0]; op == expression.Between {
				r.High = bounds[1]
			}
			return r, nil
		}
		return r, nil
	}
	return r, nil
}

// bounds reads a condition on an attribute that rows can be read by.
func (b *Bound) bounds(e *expr, name string) (op expression.RangeOperator, values []attribute.Value) {
	at := 0
	switch {
	case e.is("BETWEEN"):
		op = expression.Between
	case e.kind == exprCall && e.name == "begins_with":
		op = expression.BeginsWith
	case e.kind == exprOperator && rangeOperators[e.name] != [2]expression.RangeOperator{}:
		if e.args[0].attribute() != name {
			at = 1
		}
		op = rangeOperators[e.name][at]
	default:
		return expression.Everything, nil
	}
	if e.args[at].attribute() != name {
		return expression.Everything, nil
	}
	for i, a := range e.args {
		if i == at {
			continue
		}
		if !a.isConstant() {
			return expression.Everything, nil
		}
		v, err := b.constant(a)
		if err != nil {
			return expression.Everything, nil
		}
		values = append(values, v)
	}
	return op, values
}

// sort checks ORDER BY and puts the ranges in its order: partitions are
// ordered by their key only when it is named.
func (b *Bound) sort(schema expression.KeySchema, ranges []expression.KeyRange, keyed bool) error {
	for i, o := range b.order {
		hash := slices.IndexFunc(schema.Hash, func(k expression.KeyAttribute) bool { return k.Name == o.name })
		sorted := slices.ContainsFunc(schema.Range, func(k expression.KeyAttribute) bool { return k.Name == o.name })
		switch {
		case hash < 0 && !sorted:
			return attribute.Invalid("Variable reference " + o.name + " in ORDER BY clause must be part of the primary key")
		case !keyed:
			return attribute.Invalid("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
		case hash >= 0 && i == 0:
			slices.SortStableFunc(ranges, func(x, y expression.KeyRange) int {
				c, _ := attribute.Compare(x.Hash[hash], y.Hash[hash])
				if o.descending {
					return -c
				}
				return c
			})
		}
	}
	return nil
}

// Descending tells whether each partition is read from its end.
func (b *Bound) Descending(schema expression.KeySchema) bool {
	for _, o := range b.order {
		if slices.ContainsFunc(schema.Range, func(k expression.KeyAttribute) bool { return k.Name == o.name }) {
			return o.descending
		}
	}
	return false
}

// Alternatives tells whether WHERE is an OR at its top: the rule that an index
// must project what is filtered by does not look into its branches.
func (b *Bound) Alternatives() bool { return b.where != nil && b.where.is("OR") }

// Attributes are the top-level attributes that a SELECT names; nil for *.
func (b *Bound) Attributes() (names []string) {
	for _, c := range b.columns {
		if name := c.path[0].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Show is what a SELECT shows of an item.
func (b *Bound) Show(item attribute.Item) attribute.Item {
	if b.columns == nil {
		return item
	}
	shown := make([]attribute.Attribute, 0, len(b.columns))
	for _, c := range b.columns {
		if v := c.path.Lookup(item); v.Exists() {
			shown = append(shown, attribute.Attribute{Name: c.name, Value: v})
		}
	}
	return attribute.NewItem(shown...)
}
