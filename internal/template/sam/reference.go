package sam

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// refer lets templates refer to a made resource by the name SAM publishes
// for it ("Referencing generated CloudFormation resources"), such as
// MyFunction.Alias or MyApi.Stage.
func (t *translator) refer(id, property, made string) { t.renames[id+"."+property] = made }

// rewrite replaces those names in Ref, Fn::GetAtt and Fn::Sub. Parts without
// any are shared with n.
func (t *translator) rewrite(n *document.Node) *document.Node {
	if n == nil || len(t.renames) == 0 || n.IsScalar() {
		return n
	}
	if intrinsic(n) {
		if v := t.rewriteCall(n); v != nil {
			return v
		}
	}
	out := n
	change := func() {
		if out == n {
			c := *n
			c.Items = append([]*document.Node(nil), n.Items...)
			c.Members = append([]document.Member(nil), n.Members...)
			out = &c
		}
	}
	for i, it := range n.Items {
		if v := t.rewrite(it); v != it {
			change()
			out.Items[i] = v
		}
	}
	for i, m := range n.Members {
		if v := t.rewrite(m.Value); v != m.Value {
			change()
			out.Members[i].Value = v
		}
	}
	return out
}

// rewriteCall handles the calls that name a resource; nil leaves the call to
// be walked like any other value.
func (t *translator) rewriteCall(n *document.Node) *document.Node {
	arg := n.Members[0].Value
	switch n.Members[0].Key {
	case "Ref":
		if made := t.renames[arg.TextOr("")]; made != "" {
			return ref(made, n.Pos)
		}
	case "Fn::GetAtt":
		path := arg.TextOr(strings.Join(arg.Strings(), "."))
		if made, attribute := t.longest(path); made != "" && attribute != "" && (arg.IsScalar() || len(arg.Strings()) == len(arg.Items)) {
			return getAtt(made, attribute, n.Pos)
		}
	case "Fn::Sub":
		if arg.IsScalar() {
			return sub(t.rewriteSub(arg.Text, nil), n.Pos, nil)
		}
		if arg != nil && len(arg.Items) == 2 && arg.Items[0].IsScalar() {
			s := text(t.rewriteSub(arg.Items[0].Text, arg.Items[1]), arg.Items[0].Pos)
			return object(n.Pos, "Fn::Sub", document.Seq(arg.Pos, s, t.rewrite(arg.Items[1])))
		}
	}
	return nil
}

// longest finds the made resource that a dotted name begins with, and what
// follows it.
func (t *translator) longest(path string) (made, rest string) {
	first, after, ok := strings.Cut(path, ".")
	if !ok {
		return "", ""
	}
	second, rest, _ := strings.Cut(after, ".")
	return t.renames[first+"."+second], rest
}

// rewriteSub replaces ${Fn.Alias} and ${Fn.Alias.Attribute}.
func (t *translator) rewriteSub(s string, variables *document.Node) string {
	var b strings.Builder
	for {
		open := strings.Index(s, "${")
		if open < 0 {
			break
		}
		length := strings.IndexByte(s[open:], '}')
		if length < 0 {
			break
		}
		name := s[open+2 : open+length]
		b.WriteString(s[:open])
		s = s[open+length+1:]
		if made, rest := t.longest(name); made != "" && variables.Member(name) == nil {
			name = made
			if rest != "" {
				name += "." + rest
			}
		}
		b.WriteString("${" + name + "}")
	}
	return b.String() + s
}
