package template

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// forEachPrefix begins the key of a loop: Fn::ForEach::Name.
const forEachPrefix = "Fn::ForEach::"

// maxLoopValues bounds how many values nested loops may expand to.
const maxLoopValues = 1 << 18

func hasForEach(n *document.Node) bool {
	if n == nil {
		return false
	}
	for _, it := range n.Items {
		if hasForEach(it) {
			return true
		}
	}
	for _, m := range n.Members {
		if strings.HasPrefix(m.Key, forEachPrefix) || hasForEach(m.Value) {
			return true
		}
	}
	return false
}

// Expand writes out every Fn::ForEach of a template that is not plain
// CloudFormation yet, so that transforms see the resources it makes. A
// template without loops is returned as it is. Pseudo parameters have no
// value here.
func Expand(root *document.Node, params map[string]string) (*document.Node, diag.List) {
	var msgs diag.List
	if !hasForEach(root) {
		return root, nil
	}
	t := &Template{root: root, params: map[string]*Parameter{}}
	t.readParameters(&msgs)
	t.mappings = t.section("Mappings", &msgs)
	b := &Bound{t: t, env: unknownEnv{}, values: map[string]*document.Node{}}
	b.bindParameters(params, &msgs)
	return b.expanded(&msgs), msgs
}

// expandLoops replaces the template by one in which every Fn::ForEach of
// AWS::LanguageExtensions is written out.
func (b *Bound) expandLoops(msgs *diag.List) {
	if !b.t.extensions {
		msgs.Add(diag.Warningf(b.t.root.Pos, "Transform", "Fn::ForEach works on AWS only with the transform %s", LanguageExtensions).
			WithHint("add Transform: %s", LanguageExtensions))
	}
	t, more := New(b.expanded(msgs), b.t.Dir)
	for _, m := range more {
		if m.Severity == diag.Error {
			msgs.Add(m) // warnings came with the first New
		}
	}
	b.t = t
}

// expanded is the root with its loops written out.
func (b *Bound) expanded(msgs *diag.List) *document.Node {
	l := looper{b: b, msgs: msgs}
	root := *b.t.root
	root.Members = append([]document.Member(nil), root.Members...)
	for i, m := range root.Members {
		switch m.Key {
		case "Resources", "Outputs", "Conditions":
			root.Members[i].Value = l.expand(m.Value, m.Key)
		}
	}
	return &root
}

type looper struct {
	b     *Bound
	msgs  *diag.List
	count int
}

// expand writes out the loops at any depth below n. Inner loops come after the
// outer one put its value in, because their collections may depend on it.
func (l *looper) expand(n *document.Node, key string) *document.Node {
	if n == nil || !hasForEach(n) {
		return n
	}
	c := *n
	c.Items, c.Members = nil, nil
	for _, it := range n.Items {
		c.Items = append(c.Items, l.expand(it, key))
	}
	for _, m := range n.Members {
		if strings.HasPrefix(m.Key, forEachPrefix) {
			l.loop(&c, &m, key)
			continue
		}
		m.Value = l.expand(m.Value, key+"."+m.Key)
		c.Members = append(c.Members, m)
	}
	return &c
}

// loop writes one Fn::ForEach out into the members of out. Its value is a
// list: the identifier, the collection, and the members to repeat.
func (l *looper) loop(out *document.Node, m *document.Member, key string) {
	key += "." + m.Key
	v := m.Value
	if v == nil || v.Kind != document.List || len(v.Items) != 3 || v.Items[2] == nil || v.Items[2].Kind != document.Map {
		l.msgs.Add(diag.Errorf(m.KeyPos, key, "Fn::ForEach takes a list of an identifier, a collection and an object"))
		return
	}
	name, ok := v.Items[0].Scalar()
	r := resolver{b: l.b, closed: true, path: []string{key}}
	collection := r.value(v.Items[1])
	l.msgs.Add(r.msgs...)
	if !ok || r.msgs.HasErrors() {
		return
	}
	for _, value := range collection.Strings() {
		if l.count += size(v.Items[2]); l.count > maxLoopValues {
			l.msgs.Add(diag.Errorf(m.KeyPos, key, "the loops make more than %d values", maxLoopValues))
			return
		}
		s := substitution{name, value}
		body := l.expand(s.node(v.Items[2]), key)
		for _, made := range body.Members {
			if old := out.Member(made.Key); old != nil {
				l.msgs.Add(diag.Errorf(made.KeyPos, key, "the loop makes %q twice", made.Key))
				continue
			}
			out.Members = append(out.Members, made)
		}
	}
}

// size counts the values in a tree.
func size(n *document.Node) int {
	if n == nil {
		return 0
	}
	count := 1
	for _, it := range n.Items {
		count += size(it)
	}
	for _, m := range n.Members {
		count += size(m.Value)
	}
	return count
}

// substitution puts the value of a loop in place of its identifier.
type substitution struct{ name, value string }

// text replaces ${Name}, and &{Name} by the letters and digits of the value.
func (s substitution) text(t string) string {
	if !strings.Contains(t, "{"+s.name+"}") {
		return t
	}
	plain := strings.Map(func(c rune) rune {
		if alphanumeric(string(c)) {
			return c
		}
		return -1
	}, s.value)
	t = strings.ReplaceAll(t, "${"+s.name+"}", s.value)
	return strings.ReplaceAll(t, "&{"+s.name+"}", plain)
}

func (s substitution) node(n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	if fn, arg, ok := call(n); ok && fn == "Ref" && arg.TextOr("") == s.name {
		return document.Str(s.value, n.Pos)
	}
	c := *n
	if n.Kind == document.String {
		c.Text = s.text(n.Text)
	}
	c.Items, c.Members = nil, nil
	for _, it := range n.Items {
		c.Items = append(c.Items, s.node(it))
	}
	for _, m := range n.Members {
		c.Members = append(c.Members, document.Member{Key: s.text(m.Key), KeyPos: m.KeyPos, Value: s.node(m.Value)})
	}
	return &c
}
