package template

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Resolve returns n with every function replaced by its value. Members and
// items whose value is AWS::NoValue are left out; nil is the value of a node
// that is nothing else. Parts without functions are shared with n.
func (b *Bound) Resolve(n *document.Node) (*document.Node, diag.List) {
	r := resolver{b: b}
	if owner := b.owners[n]; owner != "" {
		r.path = append(r.path, owner)
	}
	v := r.value(n)
	return r.dynamic(v), r.msgs
}

// resolver replaces functions by values and collects what goes wrong.
type resolver struct {
	b    *Bound
	msgs diag.List
	// path is the key being resolved, for messages.
	path []string
	// closed: only parameters and mappings may be referred to, as in
	// conditions, mapping lookups and Fn::ForEach.
	closed bool
	// references is set when a {{resolve:...}} reference was seen.
	references bool
}

func (r *resolver) key() string { return strings.Join(r.path, ".") }

func (r *resolver) errorf(at diag.Position, format string, args ...any) *diag.Message {
	m := diag.Errorf(at, r.key(), format, args...)
	r.msgs.Add(m)
	return m
}

// value resolves a node; nil stands for AWS::NoValue.
func (r *resolver) value(n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case document.String:
		if strings.Contains(n.Text, dynamicStart) {
			r.references = true
		}
		return n
	case document.List:
		return r.list(n)
	case document.Map:
		if fn, arg, ok := call(n); ok {
			return r.call(fn, n, arg)
		}
		return r.object(n)
	}
	return n
}

// list resolves the items; the node itself is copied only when one of them
// changes, since most of a template is plain data.
func (r *resolver) list(n *document.Node) *document.Node {
	out := n
	for i, it := range n.Items {
		v := r.value(it)
		if v == it && out == n {
			continue
		}
		if out == n {
			out = document.Seq(n.Pos, n.Items[:i:i]...)
		}
		if v != nil {
			out.Items = append(out.Items, v)
		}
	}
	return out
}

// object resolves the members, sharing as list does.
func (r *resolver) object(n *document.Node) *document.Node {
	out := n
	for i := range n.Members {
		m := n.Members[i]
		if strings.HasPrefix(m.Key, "Fn::") {
			r.errorf(m.KeyPos, "%s stands beside other keys", m.Key).
				WithHint("a function is an object of its own with one key")
		}
		r.path = append(r.path, m.Key)
		v := r.value(m.Value)
		r.path = r.path[:len(r.path)-1]
		if v == m.Value && out == n {
			continue
		}
		if out == n {
			out = &document.Node{Kind: document.Map, Pos: n.Pos, Members: n.Members[:i:i]}
		}
		if v != nil {
			m.Value = v
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// call evaluates one function. A wrong call gives an empty string, so that
// the rest of the value is still looked at.
func (r *resolver) call(fn string, n, arg *document.Node) *document.Node {
	var v *document.Node
	switch fn {
	case "Ref":
		return r.ref(n, arg)
	case "Fn::If":
		return r.choose(n, arg)
	case "Fn::GetAtt":
		v = r.getAtt(n, arg)
	case "Fn::Sub":
		v = r.sub(n, arg)
	case "Fn::Join":
		v = r.join(n, arg)
	case "Fn::Select":
		return r.pick(n, arg)
	case "Fn::Split":
		v = r.split(n, arg)
	case "Fn::FindInMap":
		return r.findInMap(n, arg)
	case "Fn::ImportValue":
		v = r.importValue(n, arg)
	case "Fn::Base64":
		v = r.base64(n, arg)
	case "Fn::GetAZs":
		v = r.zones(n, arg)
	case "Fn::Cidr":
		v = r.cidr(n, arg)
	case "Fn::Length":
		v = r.length(n, arg)
	case "Fn::ToJsonString":
		v = r.jsonString(n, arg)
	case "Fn::Transform":
		v = r.transform(n, arg)
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		v = r.condition(n)
	default:
		r.errorf(n.Members[0].KeyPos, "CloudFormation has no function %s", fn).WithHint("%s", diag.DidYouMean(fn, functions))
	}
	if v == nil {
		v = document.Str("", n.Pos)
	}
	return v
}

// functions are those that may stand in a value.
var functions = []string{
	"Ref", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAZs", "Fn::GetAtt", "Fn::If",
	"Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub",
	"Fn::ToJsonString", "Fn::Transform",
}

// condition is a condition function that stands in a value, as a truth.
func (r *resolver) condition(n *document.Node) *document.Node {
	e := evaluator{b: r.b, msgs: &r.msgs, open: map[string]bool{}}
	return document.Boolean(e.value(n, r.key()), n.Pos)
}

// choose is Fn::If; the branch not taken is not looked at.
func (r *resolver) choose(n, arg *document.Node) *document.Node {
	if arg == nil || arg.Kind != document.List || len(arg.Items) != 3 {
		r.errorf(n.Pos, "Fn::If takes a list of a condition name and two values")
		return document.Str("", n.Pos)
	}
	name := arg.Items[0].TextOr("")
	holds, known := r.b.conditions[name]
	if !known {
		r.errorf(arg.Items[0].Position(), "the template has no condition %q", name).
			WithHint("%s", diag.DidYouMean(name, r.b.t.conditions.Keys()))
		return document.Str("", n.Pos)
	}
	if holds {
		return r.value(arg.Items[1])
	}
	return r.value(arg.Items[2])
}

func (r *resolver) ref(n, arg *document.Node) *document.Node {
	if !arg.IsScalar() {
		arg = r.value(arg) // AWS::LanguageExtensions allows functions here
	}
	name, ok := arg.Scalar()
	if !ok {
		r.errorf(n.Pos, "Ref takes the name of a resource or parameter")
		return document.Str("", n.Pos)
	}
	if name == "AWS::NoValue" {
		return nil
	}
	return r.refTo(name, n.Pos)
}

// refTo is the value of a parameter, a pseudo parameter or a resource.
func (r *resolver) refTo(name string, at diag.Position) *document.Node {
	if v, ok := r.b.pseudo(name, at); ok {
		return v
	}
	if r.b.t.params[name] != nil {
		if v, ok := r.b.values[name]; ok {
			return placed(v, at)
		}
		return document.Str("", at) // Bind said why it has no value
	}
	if !r.reachable(name, at) {
		return document.Str("", at)
	}
	v, ok := r.b.env.Ref(name)
	if !ok {
		r.errorf(at, "the resource %q does not exist yet", name)
		return document.Str("", at)
	}
	return placed(v, at)
}

func (r *resolver) getAtt(n, arg *document.Node) *document.Node {
	id, attr := r.b.getAttArguments(arg)
	if id == "" || attr == "" {
		r.errorf(n.Pos, "Fn::GetAtt takes a resource and an attribute").WithHint("write !GetAtt Resource.Attribute")
		return nil
	}
	return r.attribute(id, attr, n.Pos)
}

// attribute is the value of a resource's attribute. The reference is checked
// here too: conditions and loops are resolved before Bind checks references.
func (r *resolver) attribute(id, attr string, at diag.Position) *document.Node {
	if m := r.b.checkReference(reference{"Fn::GetAtt", id, attr, at}, r.key()); m != nil {
		r.msgs.Add(m)
		return document.Str("", at)
	}
	if !r.reachable(id, at) {
		return document.Str("", at)
	}
	v, ok := r.b.env.GetAtt(id, attr)
	if !ok {
		r.errorf(at, "%s (%s) has no attribute %q", id, r.b.t.byID[id].Type, attr)
		return document.Str("", at)
	}
	return placed(v, at)
}

// reachable tells whether a value may refer to a resource, and reports why
// not.
func (r *resolver) reachable(id string, at diag.Position) bool {
	res := r.b.t.byID[id]
	if res == nil {
		r.msgs.Add(r.b.checkReference(reference{"Ref", id, "", at}, r.key()))
		return false
	}
	if r.closed {
		r.errorf(at, "%q is a resource; only parameters and mappings may be referred to here", id)
		return false
	}
	if _, ok := r.b.position[id]; !ok {
		r.errorf(at, "%q is not created because its condition %s is false", id, res.Condition).
			WithHint("wrap the reference in Fn::If with the same condition")
		return false
	}
	return true
}

// importValue is Fn::ImportValue.
func (r *resolver) importValue(n, arg *document.Node) *document.Node {
	name, ok := r.text(arg)
	if !ok {
		r.errorf(n.Pos, "Fn::ImportValue takes the name of an export")
		return nil
	}
	if resource.Unknown(document.Str(name, n.Pos)) {
		return document.Str(resource.UnknownText("import"), n.Pos)
	}
	v, ok := r.b.env.Import(name)
	if !ok {
		r.errorf(n.Pos, "no stack exports %q", name)
		return nil
	}
	return placed(v, n.Pos)
}

// transform is Fn::Transform: a macro that runs in the user's AWS account.
func (r *resolver) transform(n, arg *document.Node) *document.Node {
	name := arg.Get("Name").TextOr("")
	if name == "AWS::Include" {
		r.errorf(n.Pos, "AWS::Include reads a file from S3, which is not possible on this machine").
			WithHint("put the included part into the template")
		return nil
	}
	r.errorf(n.Pos, "the macro %q does not run on this machine", name)
	return nil
}

// text resolves a node and returns it as text, as CloudFormation coerces
// numbers and booleans.
func (r *resolver) text(n *document.Node) (string, bool) {
	return r.value(n).Scalar()
}

// placed copies a value so that it stands where it is used: messages about a
// wrong value point to the line that asked for it.
func placed(v *document.Node, at diag.Position) *document.Node {
	c := *v
	c.Pos = at
	return &c
}
