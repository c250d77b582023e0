package template

import (
	"slices"
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// reference is one place where a value names something else.
type reference struct {
	function  string // Ref, Fn::GetAtt, Fn::Sub, Fn::If, Condition, Fn::FindInMap
	name      string
	attribute string // of Fn::GetAtt, or ${Name.Attribute}
	pos       diag.Position
}

// references calls visit for every reference in n, in the order written. With
// taken set, only the branch of an Fn::If that its condition chooses is
// looked into.
func (b *Bound) references(n *document.Node, taken bool, visit func(reference)) {
	if n == nil {
		return
	}
	for _, it := range n.Items {
		b.references(it, taken, visit)
	}
	if name, arg, ok := call(n); ok {
		b.callReferences(name, arg, taken, visit)
		return
	}
	for _, m := range n.Members {
		b.references(m.Value, taken, visit)
	}
}

// callReferences visits what one call names, and the calls inside it.
func (b *Bound) callReferences(fn string, arg *document.Node, taken bool, visit func(reference)) {
	switch fn {
	case "Ref":
		if s, ok := arg.Scalar(); ok {
			visit(reference{fn, s, "", arg.Pos})
			return
		}
	case "Fn::GetAtt":
		id, attr := b.getAttArguments(arg)
		visit(reference{fn, id, attr, arg.Pos})
	case "Fn::Sub":
		b.subReferences(arg, taken, visit)
		return
	case "Fn::FindInMap":
		if arg != nil && len(arg.Items) > 0 {
			if s, ok := arg.Items[0].Scalar(); ok {
				visit(reference{fn, s, "", arg.Items[0].Pos})
			}
			if len(arg.Items) == 4 {
				visit(reference{"the DefaultValue of Fn::FindInMap", "", "", arg.Items[3].Position()})
			}
		}
	case "Fn::Length", "Fn::ToJsonString":
		visit(reference{fn, "", "", arg.Position()})
	case "Fn::If":
		if arg == nil || len(arg.Items) != 3 {
			break
		}
		name := arg.Items[0].TextOr("")
		visit(reference{fn, name, "", arg.Items[0].Pos})
		holds := b.conditions[name]
		if !taken || holds {
			b.references(arg.Items[1], taken, visit)
		}
		if !taken || !holds {
			b.references(arg.Items[2], taken, visit)
		}
		return
	}
	b.references(arg, taken, visit)
}

func (b *Bound) subReferences(arg *document.Node, taken bool, visit func(reference)) {
	text, variables := subArguments(arg)
	b.references(variables, taken, visit)
	if text == nil {
		return
	}
	parts, err := parseSub(text.Text)
	if err != nil {
		return // Resolve reports it
	}
	for _, p := range parts {
		if !p.variable || variables.Member(p.text) != nil {
			continue
		}
		if b.isParameter(p.text) {
			visit(reference{"Ref", p.text, "", text.Pos})
			continue
		}
		id, attr, dotted := strings.Cut(p.text, ".")
		if dotted {
			visit(reference{"Fn::GetAtt", id, attr, text.Pos})
		} else {
			visit(reference{"Ref", id, "", text.Pos})
		}
	}
}

// call tells whether n is a function call: an object whose only key is Ref or
// begins with Fn::. {"Condition": x} counts only inside condition functions,
// where it is handled apart.
func call(n *document.Node) (name string, arg *document.Node, ok bool) {
	if n == nil || n.Kind != document.Map || len(n.Members) != 1 {
		return "", nil, false
	}
	m := &n.Members[0]
	if m.Key == "Ref" || strings.HasPrefix(m.Key, "Fn::") && !strings.HasPrefix(m.Key, forEachPrefix) {
		return m.Key, m.Value, true
	}
	return "", nil, false
}

func (b *Bound) isParameter(name string) bool {
	return b.t.params[name] != nil || slices.Contains(pseudoNames, name)
}

// getAttArguments reads both forms of Fn::GetAtt: a list of two and a dotted
// string. The attribute may be a Ref to a parameter.
func (b *Bound) getAttArguments(arg *document.Node) (id, attr string) {
	if s, ok := arg.Scalar(); ok {
		id, attr, _ = strings.Cut(s, ".")
		return id, attr
	}
	if arg == nil || len(arg.Items) < 2 {
		return "", ""
	}
	texts := make([]string, len(arg.Items))
	for i, it := range arg.Items {
		s, ok := it.Scalar()
		if !ok {
			r := resolver{b: b, closed: true}
			s = r.value(it).TextOr("")
		}
		texts[i] = s
	}
	return texts[0], strings.Join(texts[1:], ".")
}

// dependencies are the resources that r refers to or depends on.
func (b *Bound) dependencies(r *Resource) []string {
	found := map[string]bool{}
	for _, id := range r.DependsOn {
		found[id] = true
	}
	b.references(r.Properties, true, func(ref reference) {
		if ref.function == "Ref" || ref.function == "Fn::GetAtt" {
			found[ref.name] = true
		}
	})
	var ids []string
	for id := range found {
		if _, ok := b.position[id]; ok {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return b.position[ids[i]] < b.position[ids[j]] })
	return ids
}

// checkReferences reports references that lead nowhere, in all resources and
// outputs, whether their condition holds or not: CloudFormation refuses such
// a template as a whole.
func (b *Bound) checkReferences(msgs *diag.List) {
	for _, r := range b.t.Resources {
		for i, id := range r.DependsOn {
			if b.t.byID[id] == nil {
				at := r.dependsOn.Pos
				if i < len(r.dependsOn.Items) {
					at = r.dependsOn.Items[i].Pos
				}
				msgs.Add(diag.Errorf(at, r.LogicalID+".DependsOn", "the template has no resource %q", id).
					WithHint("%s", diag.DidYouMean(id, b.resourceNames())))
			}
		}
		b.checkValue(r.Properties, r.LogicalID, msgs)
	}
	for _, o := range b.t.Outputs {
		b.checkValue(o.Value, "Outputs."+o.Name, msgs)
		b.checkValue(o.ExportName, "Outputs."+o.Name+".Export.Name", msgs)
	}
}

// checkValue walks down objects so that messages carry the key they are about.
func (b *Bound) checkValue(n *document.Node, key string, msgs *diag.List) {
	if n == nil {
		return
	}
	if _, _, ok := call(n); ok {
		b.references(n, false, func(ref reference) { msgs.Add(b.checkReference(ref, key)) })
		return
	}
	for _, it := range n.Items {
		b.checkValue(it, key, msgs)
	}
	for _, m := range n.Members {
		b.checkValue(m.Value, key+"."+m.Key, msgs)
	}
}

// checkReference says why a reference leads nowhere; nil when it is right.
func (b *Bound) checkReference(ref reference, key string) *diag.Message {
	switch ref.function {
	case "Ref":
		if b.isParameter(ref.name) || b.t.byID[ref.name] != nil {
			return nil
		}
		names := append(b.resourceNames(), b.parameterNames()...)
		if strings.HasPrefix(ref.name, "AWS::") {
			names = pseudoNames
		}
		return diag.Errorf(ref.pos, key, "the template has no resource or parameter %q", ref.name).
			WithHint("%s", diag.DidYouMean(ref.name, names))
	case "Fn::GetAtt":
		switch {
		case ref.name == "" || b.t.byID[ref.name] != nil:
			return nil // an empty name is a wrong shape, which Resolve reports
		case b.t.params[ref.name] != nil:
			return diag.Errorf(ref.pos, key, "%q is a parameter and has no attribute %q", ref.name, ref.attribute).
				WithHint("use Ref or ${%s}", ref.name)
		}
		return diag.Errorf(ref.pos, key, "the template has no resource %q", ref.name).
			WithHint("%s", diag.DidYouMean(ref.name, b.resourceNames()))
	case "Fn::If":
		if _, ok := b.conditions[ref.name]; !ok {
			return diag.Errorf(ref.pos, key, "the template has no condition %q", ref.name).
				WithHint("%s", diag.DidYouMean(ref.name, b.t.conditions.Keys()))
		}
	case "Fn::Length", "Fn::ToJsonString", "the DefaultValue of Fn::FindInMap":
		if !b.t.extensions {
			return diag.Warningf(ref.pos, key, "%s works on AWS only with the transform %s", ref.function, LanguageExtensions).
				WithHint("add Transform: %s", LanguageExtensions)
		}
	case "Fn::FindInMap":
		if b.t.mappings.Get(ref.name) == nil && !b.t.extensions {
			return diag.Errorf(ref.pos, key, "the template has no mapping %q", ref.name).
				WithHint("%s", diag.DidYouMean(ref.name, b.t.mappings.Keys()))
		}
	}
	return nil
}

func (b *Bound) resourceNames() []string {
	names := make([]string, len(b.t.Resources))
	for i, r := range b.t.Resources {
		names[i] = r.LogicalID
	}
	return names
}

func (b *Bound) parameterNames() []string {
	names := make([]string, len(b.t.Parameters))
	for i, p := range b.t.Parameters {
		names[i] = p.Name
	}
	return names
}
