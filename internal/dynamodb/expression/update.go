package expression

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// The errors an update meets in the item; they have no prefix.
var (
	errNoAttribute = attribute.Invalid("The provided expression refers to an attribute that does not exist in the item")
	errOperandType = attribute.Invalid("An operand in the update expression has an incorrect data type")
	errPath        = attribute.Invalid("The document path provided in the update expression is invalid for update")
)

// Update is an update, ready to be applied.
type Update struct {
	b      *binding
	tree   branch
	legacy *legacyUpdate
}

func newUpdate(b *binding) *Update {
	u := &Update{b: b}
	for i, a := range b.expr.actions {
		u.tree.grow(a.path.resolve(b.names)).action = i + 1
	}
	return u
}

// Creates says whether the update makes an item that was not there. One that
// only removes does not.
func (u *Update) Creates() bool {
	switch {
	case u == nil:
		return true // UpdateItem with nothing but a key makes that item
	case u.legacy != nil:
		return u.legacy.creates()
	}
	for _, a := range u.b.expr.actions {
		if a.clause == clauseSet || a.clause == clauseAdd {
			return true
		}
	}
	return false
}

// Targets are the top-level attributes the update writes, sorted.
func (u *Update) Targets() []string {
	if u == nil {
		return nil
	}
	names := make([]string, len(u.tree.children))
	for i, c := range u.tree.children {
		names[i] = c.step.name
	}
	return names
}

// Apply makes the new item. old is nil when there is none; the item then
// starts as its key. Every right side reads the item as it was before.
func (u *Update) Apply(old, key attribute.Item) (attribute.Item, error) {
	base := old
	if base == nil {
		base = key
	}
	if u == nil {
		return base, nil
	}
	changes, err := u.changes(base, old == nil)
	if err != nil {
		return nil, err
	}
	updated, err := u.tree.applyItem(base, changes)
	if err != nil {
		return nil, err
	}
	if err := attribute.CheckNesting(updated); err != nil {
		return nil, err
	}
	return updated, nil
}

// UpdatedOld and UpdatedNew are what ReturnValues UPDATED_OLD and UPDATED_NEW
// show of an item: the paths that the update names, inside their parents, nil
// when none is there. List indexes are taken literally in either item, as
// DynamoDB does, so what moved into a removed element's place is shown and
// what SET appended past the end is not.
func (u *Update) UpdatedOld(old attribute.Item) attribute.Item { return u.updated(old) }

// UpdatedNew is described at [Update.UpdatedOld].
func (u *Update) UpdatedNew(updated attribute.Item) attribute.Item { return u.updated(updated) }

func (u *Update) updated(it attribute.Item) attribute.Item {
	if u == nil {
		return nil
	}
	return u.tree.cut(it)
}

// change is what happens at the end of a path: set to a value, removed, or
// left alone.
type change struct {
	value  attribute.Value
	remove bool
	// ignore takes the path out of the update, so that its parents need not
	// exist either.
	ignore bool
}

// changes works out every action against the item as it is.
func (u *Update) changes(it attribute.Item, missing bool) ([]change, error) {
	if u.legacy != nil {
		return u.legacy.changes(it, missing)
	}
	out := make([]change, len(u.b.expr.actions))
	for i, a := range u.b.expr.actions {
		var err error
		if out[i], err = u.b.change(a, it); err != nil {
			return nil, err
		}
		// Removing a nested path from an item that does not exist at all is
		// no error, though it is one in an item without the parent.
		out[i].ignore = missing && (a.clause == clauseRemove || a.clause == clauseDelete)
	}
	return out, nil
}

func (b *binding) change(a action, it attribute.Item) (change, error) {
	switch a.clause {
	case clauseSet:
		v, err := b.value(a.value, it)
		return change{value: v}, err
	case clauseRemove:
		return change{remove: true}, nil
	}
	current, operand := b.lookup(it, a.path), b.values[a.value.slot]
	if a.clause == clauseAdd {
		v, err := add(current, operand)
		return change{value: v}, err
	}
	return takeOut(current, operand)
}

// add is ADD: numbers are summed, sets united, a missing attribute is 0 or
// the empty set.
func add(current, operand attribute.Value) (attribute.Value, error) {
	switch {
	case !current.Exists():
		return operand, nil
	case current.Kind() != operand.Kind():
		return attribute.Value{}, errOperandType
	case operand.Kind() == attribute.N:
		sum, err := current.Number().Add(operand.Number())
		return attribute.Num(sum), err
	}
	return attribute.Union(current, operand), nil
}

// takeOut is DELETE. The attribute goes with its last member.
func takeOut(current, operand attribute.Value) (change, error) {
	switch {
	case !current.Exists():
		return change{}, nil
	case current.Kind() != operand.Kind():
		return change{}, errOperandType
	}
	left := attribute.Difference(current, operand)
	return change{value: left, remove: !left.Exists()}, nil
}

// value computes the right side of a SET.
func (b *binding) value(n *node, it attribute.Item) (attribute.Value, error) {
	switch n.op {
	case opValue:
		return b.values[n.slot], nil
	case opPath:
		v := b.lookup(it, n.path)
		if !v.Exists() {
			return v, errNoAttribute
		}
		return v, nil
	case opFunction:
		if n.function == ifNotExists {
			if v := b.lookup(it, n.args[0].path); v.Exists() {
				return v, nil
			}
			return b.value(n.args[1], it)
		}
	}
	left, err := b.value(n.args[0], it)
	if err != nil {
		return left, err
	}
	right, err := b.value(n.args[1], it)
	if err != nil {
		return right, err
	}
	if n.op == opFunction {
		return appendLists(left, right)
	}
	return calculate(n.op, left, right)
}

func appendLists(left, right attribute.Value) (attribute.Value, error) {
	if left.Kind() != attribute.L || right.Kind() != attribute.L {
		return attribute.Value{}, errOperandType
	}
	joined := make([]attribute.Value, 0, left.Len()+right.Len())
	joined = append(append(joined, left.Elements()...), right.Elements()...)
	return attribute.List(joined...), nil
}

func calculate(op operation, left, right attribute.Value) (attribute.Value, error) {
	if left.Kind() != attribute.N || right.Kind() != attribute.N {
		return attribute.Value{}, errOperandType
	}
	result, err := left.Number(), error(nil)
	if op == opPlus {
		result, err = result.Add(right.Number())
	} else {
		result, err = result.Sub(right.Number())
	}
	return attribute.Num(result), err
}

// applyItem merges the changes under a branch into an item or map; both are
// in order of names.
func (t *branch) applyItem(it attribute.Item, changes []change) (attribute.Item, error) {
	updated := make(attribute.Item, 0, len(it)+len(t.children))
	for _, c := range t.children {
		for len(it) > 0 && it[0].Name < c.step.name {
			updated, it = append(updated, it[0]), it[1:]
		}
		var old attribute.Value
		if len(it) > 0 && it[0].Name == c.step.name {
			old, it = it[0].Value, it[1:]
		}
		v, err := c.applyValue(old, changes)
		if err != nil {
			return nil, err
		}
		if v.Exists() {
			updated = append(updated, attribute.Attribute{Name: c.step.name, Value: v})
		}
	}
	return append(updated, it...), nil
}

// applyValue is the value at a branch after the changes; the zero Value when
// it is gone.
func (t *branch) applyValue(old attribute.Value, changes []change) (attribute.Value, error) {
	if t.action > 0 {
		switch c := changes[t.action-1]; {
		case c.remove:
			return attribute.Value{}, nil
		case c.value.Exists():
			return c.value, nil
		}
		return old, nil
	}
	switch {
	case t.ignored(changes):
		return old, nil
	case !t.children[0].step.isIndex():
		if old.Kind() != attribute.M {
			return old, errPath
		}
		members, err := t.applyItem(old.Members(), changes)
		return attribute.Map(members), err
	case old.Kind() != attribute.L:
		return old, errPath
	}
	return t.applyList(old.Elements(), changes)
}

// ignored is true when nothing below a branch is to happen.
func (t *branch) ignored(changes []change) bool {
	if t.action > 0 {
		return changes[t.action-1].ignore
	}
	for _, c := range t.children {
		if !c.ignored(changes) {
			return false
		}
	}
	return true
}

// applyList changes elements by their index before the update. What is set
// past the end is appended in order of index, without gaps.
func (t *branch) applyList(elements []attribute.Value, changes []change) (attribute.Value, error) {
	updated := make([]attribute.Value, 0, len(elements)+len(t.children))
	next := 0
	for _, c := range t.children {
		at := min(c.step.index, len(elements))
		updated = append(updated, elements[next:at]...)
		next = at
		var old attribute.Value
		if at < len(elements) {
			old = elements[at]
			next++
		}
		v, err := c.applyValue(old, changes)
		if err != nil {
			return v, err
		}
		if v.Exists() {
			updated = append(updated, v)
		}
	}
	return attribute.List(append(updated, elements[next:]...)...), nil
}

// checkUpdate finds the first error that names and values decide.
func (b *binding) checkUpdate(layer attribute.Layer) string {
	if message := b.checkAllDefined(); message != "" {
		return message
	}
	actions := b.expr.actions
	paths := make([]path, len(actions))
	for i, a := range actions {
		paths[i] = a.path
	}
	if message := b.checkOverlap(paths); message != "" {
		return message
	}
	for _, a := range actions {
		if message := b.checkOperand(a, layer); message != "" {
			return message
		}
	}
	for _, a := range actions {
		if a.value != nil {
			if message := b.checkCall(a.value); message != "" {
				return message
			}
		}
	}
	return ""
}

// longKinds are the types as ADD and DELETE name them in errors.
var longKinds = map[attribute.Kind]string{
	attribute.S: "STRING", attribute.N: "NUMBER", attribute.B: "BINARY", attribute.NULL: "NULL",
	attribute.BOOL: "BOOLEAN", attribute.L: "LIST", attribute.M: "MAP",
}

// checkOperand refuses what ADD and DELETE cannot take. The new validation
// names the set of types it would have taken.
func (b *binding) checkOperand(a action, layer attribute.Layer) string {
	if a.clause != clauseAdd && a.clause != clauseDelete {
		return ""
	}
	kind := b.values[a.value.slot].Kind()
	if kind.IsSet() || kind == attribute.N && a.clause == clauseAdd {
		return ""
	}
	name := clauseNames[a.clause]
	message := "Incorrect operand type for operator or function; operator: " + name + ", operand type: " + longKinds[kind]
	if layer == attribute.New {
		message += ", typeSet: ALLOWED_FOR_" + name + "_OPERAND"
	}
	return message
}

// checkCall checks number and types of operands on the right side of a SET,
// inner ones first.
func (b *binding) checkCall(n *node) string {
	if message := b.firstOf(n, b.checkCall); message != "" {
		return message
	}
	switch n.op {
	case opFunction:
		if message := b.checkCount(n); message != "" {
			return message
		}
		return b.checkFunctionTypes(n)
	case opPlus, opMinus:
		return b.requireKinds(n, n.args, func(k attribute.Kind) bool { return k == attribute.N })
	}
	return ""
}
