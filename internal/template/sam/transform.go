// Package sam turns templates of the AWS Serverless Application Model into
// plain CloudFormation, as the transform AWS::Serverless-2016-10-31 does in
// AWS. Logical ids and properties of what it makes are those the SAM
// translator makes, because templates refer to them; every value keeps the
// position of the line it comes from.
//
// Three things differ on purpose, because the result is run here and not in
// AWS:
//   - Local code stays local: Code and Content are a text, the path relative
//     to the template, where `sam package` would put an S3 object.
//   - Routes of HTTP and REST APIs become resources of their own (Route,
//     Integration, Method ...), where SAM writes an OpenAPI document into the
//     Body of the API.
//   - A layer keeps its logical id, where SAM adds a hash of its content.
package sam

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template"
)

// Name is the transform a SAM template lists.
const Name = "AWS::Serverless-2016-10-31"

// Uses tells whether a template lists the SAM transform.
func Uses(root *document.Node) bool {
	for _, name := range root.Get("Transform").Strings() {
		if name == Name {
			return true
		}
	}
	return false
}

// Transform returns the template with every AWS::Serverless resource replaced
// by the CloudFormation resources it stands for. A template that does not
// list the SAM transform is returned as it is. dir is the folder of the
// template; params are the values given for parameters, which some logical
// ids depend on.
func Transform(root *document.Node, dir string, params map[string]string) (*document.Node, diag.List) {
	if !Uses(root) {
		return root, nil
	}
	root, msgs := template.Expand(root, params)
	if msgs.HasErrors() {
		return root, msgs
	}
	t := &translator{
		msgs: msgs, dir: dir, root: root, given: params, resources: root.Get("Resources"),
		renames: map[string]string{}, apis: map[string]*api{}, patches: map[string][]patch{},
		conditions: root.Get("Conditions").Clone(),
	}
	t.readGlobals()
	t.collectAPIs()
	slots := make([][]document.Member, 0, 16)
	for i := range membersOf(t.resources) {
		m := &t.resources.Members[i]
		slots = append(slots, t.resource(m))
	}
	// APIs come last, because functions anywhere in the template add routes.
	for i := range membersOf(t.resources) {
		if a := t.apis[t.resources.Members[i].Key]; a != nil {
			slots[i] = a.translate()
		}
	}
	for _, id := range []string{implicitRest, implicitHTTP} {
		if a := t.apis[id]; a != nil && a.implicit {
			slots = append(slots, a.translate())
		}
	}
	return t.assemble(slots), t.msgs
}

// translator holds what the translation of one template shares.
type translator struct {
	dir       string
	root      *document.Node
	given     map[string]string
	resources *document.Node
	globals   map[string]*document.Node // by resource type
	msgs      diag.List
	apis      map[string]*api
	// renames maps what templates may refer to ("Fn.Alias") to logical ids.
	renames    map[string]string
	conditions *document.Node // with those the translation adds
	patches    map[string][]patch
}

// patch changes a resource of the user that an event source acts on.
type patch func(properties *document.Node)

// owner is a SAM resource while it is translated. Everything it makes stands
// at its position and under its condition.
type owner struct {
	t         *translator
	id        string
	typ       string
	pos       diag.Position
	node      *document.Node // the resource as written
	props     *document.Node // its properties, Globals merged in
	condition *document.Node
	out       []document.Member
}

// resource translates one entry of Resources; plain ones pass through. What
// APIs make comes later.
func (t *translator) resource(m *document.Member) []document.Member {
	typ := m.Value.Get("Type").TextOr("")
	if !strings.HasPrefix(typ, "AWS::Serverless::") {
		return []document.Member{*m}
	}
	o := t.owner(m)
	switch typ {
	case "AWS::Serverless::Function":
		o.function()
	case "AWS::Serverless::SimpleTable":
		o.simpleTable()
	case "AWS::Serverless::LayerVersion":
		o.layer()
	case "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Serverless::WebSocketApi":
	default:
		o.unsupported()
	}
	return o.out
}

// owner begins the translation of a resource: Globals are merged in here, once,
// so that nothing below knows of them.
func (t *translator) owner(m *document.Member) *owner {
	o := &owner{
		t: t, id: m.Key, pos: m.KeyPos, node: m.Value, typ: m.Value.Get("Type").TextOr(""),
		condition: m.Value.Get("Condition"),
	}
	props := m.Value.Get("Properties")
	if !props.IsNull() && props.Kind != document.Map {
		t.msgs.Add(diag.Errorf(props.Pos, m.Key+".Properties", "properties are an object, not a %s", props.Kind))
		props = nil
	}
	if props.IsNull() {
		props = document.Object(m.KeyPos)
	}
	o.props = merge(t.globals[o.typ], props)
	return o
}

// key names a property of the resource in messages.
func (o *owner) key(path string) string { return o.id + "." + path }

func (o *owner) errorf(n *document.Node, path, format string, args ...any) *diag.Message {
	at := n.Position()
	if at.IsZero() {
		at = o.pos
	}
	m := diag.Errorf(at, o.key(path), format, args...)
	o.t.msgs.Add(m)
	return m
}

func (o *owner) warnf(n *document.Node, path, format string, args ...any) *diag.Message {
	at := n.Position()
	if at.IsZero() {
		at = o.pos
	}
	m := diag.Warningf(at, o.key(path), format, args...)
	o.t.msgs.Add(m)
	return m
}

// check warns about properties the type does not have, and reports required
// ones that are missing.
func (o *owner) check(known []string, required ...string) {
	for _, m := range o.props.Members {
		if !slices.Contains(known, m.Key) {
			o.t.msgs.Add(diag.Warningf(m.KeyPos, o.key(m.Key), "%s has no such property; it has no effect", o.typ).
				WithHint("%s", diag.DidYouMean(m.Key, known)))
		}
	}
	for _, name := range required {
		if o.props.Get(name).IsNull() {
			o.t.msgs.Add(diag.Errorf(o.pos, o.key(name), "%s needs this property", o.typ))
		}
	}
}

// add makes a resource under the owner's condition and returns its node, so
// that DependsOn and the like can be set.
func (o *owner) add(id, typ string, props *document.Node) *document.Node {
	n := object(o.pos, "Type", text(typ, o.pos))
	n.Set("Condition", o.condition)
	n.Set("Properties", props)
	o.out = append(o.out, document.Member{Key: id, KeyPos: o.pos, Value: n})
	return n
}

// main makes the resource that keeps the owner's logical id and attributes.
func (o *owner) main(typ string, props *document.Node) {
	n := o.add(o.id, typ, props)
	for _, name := range []string{"DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"} {
		n.Set(name, o.node.Get(name))
	}
	for _, m := range o.node.Members {
		switch m.Key {
		case "Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy":
		case "Connectors":
			o.warnf(m.Value, "Connectors", "connectors are not made on this machine").
				WithHint("grant the permission in Policies instead")
		default:
			n.Set(m.Key, m.Value) // the template reader tells about unknown ones
		}
	}
}

// copy passes properties through unchanged.
func (o *owner) copy(props *document.Node, names ...string) {
	for _, name := range names {
		if v := o.props.Get(name); !v.IsNull() {
			props.Set(name, v)
		}
	}
}

// assemble puts the translated resources in place of the old ones.
func (t *translator) assemble(slots [][]document.Member) *document.Node {
	resources := document.Object(t.resources.Position())
	for _, members := range slots {
		for _, m := range members {
			if old := resources.Member(m.Key); old != nil {
				t.msgs.Add(diag.Errorf(m.KeyPos, m.Key, "SAM makes a resource %q here and there is one already at line %d", m.Key, old.KeyPos.Line))
				continue
			}
			if list := t.patches[m.Key]; list != nil {
				m.Value = patched(m.Value, list)
			}
			resources.Members = append(resources.Members, m)
		}
	}
	out := document.Object(t.root.Pos)
	for _, m := range t.root.Members {
		switch m.Key {
		case "Globals":
			continue
		case "Transform":
			m.Value = withoutSAM(m.Value)
		case "Resources":
			m.Value = resources
		case "Conditions":
			m.Value = t.conditions
		}
		if m.Value != nil {
			out.Members = append(out.Members, m)
		}
	}
	if out.Member("Conditions") == nil {
		out.Set("Conditions", t.conditions)
	}
	return t.rewrite(out)
}

// withoutSAM is the Transform section with the SAM transform taken out; nil
// when nothing is left.
func withoutSAM(n *document.Node) *document.Node {
	var rest []*document.Node
	for _, it := range n.Items {
		if it.TextOr("") != Name {
			rest = append(rest, it)
		}
	}
	if rest == nil {
		return nil
	}
	return document.Seq(n.Pos, rest...)
}

// patched applies what event sources ask of a resource to a copy of it; the
// tree that was parsed stays as it is.
func patched(n *document.Node, list []patch) *document.Node {
	c := n.Clone()
	if c.Get("Properties").IsNull() {
		c.Set("Properties", document.Object(c.Pos))
	}
	for _, p := range list {
		p(c.Get("Properties"))
	}
	return c
}
