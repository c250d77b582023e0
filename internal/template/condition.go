package template

import (
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// evaluateConditions decides every entry of the Conditions section. Entries
// may refer to one another in any order.
func (b *Bound) evaluateConditions(msgs *diag.List) {
	if b.t.conditions == nil {
		return
	}
	e := evaluator{b: b, msgs: msgs, open: map[string]bool{}}
	for _, m := range b.t.conditions.Members {
		e.named(m.Key, m.Value.Position(), "Conditions."+m.Key)
	}
}

type evaluator struct {
	b    *Bound
	msgs *diag.List
	open map[string]bool // being evaluated, to find circles
}

// named is the value of a condition by name.
func (e *evaluator) named(name string, at diag.Position, key string) bool {
	if v, ok := e.b.conditions[name]; ok {
		return v
	}
	m := e.b.t.conditions.Member(name)
	switch {
	case m == nil:
		e.msgs.Add(diag.Errorf(at, key, "the template has no condition %q", name).
			WithHint("%s", diag.DidYouMean(name, e.b.t.conditions.Keys())))
		return false
	case e.open[name]:
		e.msgs.Add(diag.Errorf(at, key, "the condition %q depends on itself", name))
		return false
	}
	e.open[name] = true
	v := e.value(m.Value, "Conditions."+name)
	delete(e.open, name)
	e.b.conditions[name] = v
	return v
}

// value evaluates a condition function.
func (e *evaluator) value(n *document.Node, key string) bool {
	if n != nil && n.Kind == document.Map && len(n.Members) == 1 {
		arg := n.Members[0].Value
		switch n.Members[0].Key {
		case "Condition":
			return e.named(arg.TextOr(""), arg.Position(), key)
		case "Fn::And":
			return e.all(arg, "Fn::And", key, true)
		case "Fn::Or":
			return !e.all(arg, "Fn::Or", key, false)
		case "Fn::Not":
			if arg != nil && len(arg.Items) == 1 {
				return !e.value(arg.Items[0], key)
			}
			e.msgs.Add(diag.Errorf(n.Pos, key, "Fn::Not takes a list of one condition"))
			return false
		case "Fn::Equals":
			return e.equals(arg, key)
		}
	}
	r := resolver{b: e.b, closed: true, path: []string{key}}
	v := r.value(n)
	e.msgs.Add(r.msgs...)
	truth, ok := v.Truth()
	if !ok && !r.msgs.HasErrors() {
		e.msgs.Add(diag.Errorf(n.Position(), key, "a condition is one of Fn::And, Fn::Equals, Fn::Not, Fn::Or and Condition"))
	}
	return truth
}

// all tells whether every item of the list is want. All items are evaluated,
// so that a mistake in any of them is reported.
func (e *evaluator) all(list *document.Node, fn, key string, want bool) bool {
	if list == nil || list.Kind != document.List || len(list.Items) < 2 || len(list.Items) > 10 {
		e.msgs.Add(diag.Errorf(list.Position(), key, "%s takes a list of two to ten conditions", fn))
		return false
	}
	result := true
	for _, it := range list.Items {
		if e.value(it, key) != want {
			result = false
		}
	}
	return result
}

// equals is Fn::Equals. Conditions are decided before anything exists, so that
// both sides can only be made of parameters, pseudo parameters and mappings.
func (e *evaluator) equals(arg *document.Node, key string) bool {
	if arg == nil || arg.Kind != document.List || len(arg.Items) != 2 {
		e.msgs.Add(diag.Errorf(arg.Position(), key, "Fn::Equals takes a list of two values"))
		return false
	}
	r := resolver{b: e.b, closed: true, path: []string{key}}
	left, right := r.value(arg.Items[0]), r.value(arg.Items[1])
	e.msgs.Add(r.msgs...)
	return equalValues(left, right)
}

// equalValues compares as CloudFormation does: scalars by their text, so that
// true equals "true".
func equalValues(a, b *document.Node) bool {
	if s, ok := a.Scalar(); ok {
		t, ok := b.Scalar()
		return ok && s == t
	}
	return a.Equal(b)
}
