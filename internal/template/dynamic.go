package template

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// dynamicStart begins a dynamic reference: {{resolve:service:key}}.
const dynamicStart = "{{resolve:"

// dynamic replaces dynamic references in all texts of a resolved value.
// CloudFormation does this last, so that the key may itself be put together
// with Fn::Sub or Fn::Join.
func (r *resolver) dynamic(n *document.Node) *document.Node {
	if !r.references || n == nil {
		return n
	}
	switch n.Kind {
	case document.String:
		if strings.Contains(n.Text, dynamicStart) {
			return document.Str(r.dynamicText(n), n.Pos)
		}
	case document.List:
		out := document.Seq(n.Pos, append([]*document.Node(nil), n.Items...)...)
		for i, it := range out.Items {
			out.Items[i] = r.dynamic(it)
		}
		return out
	case document.Map:
		out := &document.Node{Kind: document.Map, Pos: n.Pos, Members: append([]document.Member(nil), n.Members...)}
		for i := range out.Members {
			m := &out.Members[i]
			r.path = append(r.path, m.Key)
			m.Value = r.dynamic(m.Value)
			r.path = r.path[:len(r.path)-1]
		}
		return out
	}
	return n
}

// dynamicText replaces every reference in one text; one that is never closed
// is ordinary text, as on AWS.
func (r *resolver) dynamicText(n *document.Node) string {
	var b strings.Builder
	text := n.Text
	for {
		open := strings.Index(text, dynamicStart)
		end := -1
		if open >= 0 {
			end = strings.Index(text[open:], "}}")
		}
		if end < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:open])
		service, key, _ := strings.Cut(text[open+len(dynamicStart):open+end], ":")
		text = text[open+end+2:]
		b.WriteString(r.dynamicValue(service, key, n))
	}
}

// dynamicValue asks for one value. A list (a StringList parameter) becomes a
// text with commas, which is how the parameter store keeps it.
func (r *resolver) dynamicValue(service, key string, n *document.Node) string {
	switch service {
	case "ssm", "ssm-secure", "secretsmanager":
	default:
		r.errorf(n.Pos, "a dynamic reference is to ssm, ssm-secure or secretsmanager, not to %q", service)
		return ""
	}
	if resource.Unknown(document.Str(key, n.Pos)) {
		return resource.UnknownText(service)
	}
	v, ok := r.b.env.Dynamic(service, key)
	if !ok {
		what := "the parameter store has no parameter"
		if service == "secretsmanager" {
			what = "the secrets manager has no secret"
		}
		r.errorf(n.Pos, "%s %q", what, key)
		return ""
	}
	return strings.Join(v.Strings(), ",")
}
