package sam

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// text makes a String node.
func text(s string, at diag.Position) *document.Node { return document.Str(s, at) }

// object makes a Map node from a key and a value.
func object(at diag.Position, key string, value *document.Node) *document.Node {
	return document.Object(at).Set(key, value)
}

// list makes a List node of texts.
func list(at diag.Position, texts ...string) *document.Node {
	n := document.Seq(at)
	for _, s := range texts {
		n.Items = append(n.Items, text(s, at))
	}
	return n
}

// ref is {"Ref": name}.
func ref(name string, at diag.Position) *document.Node { return object(at, "Ref", text(name, at)) }

// getAtt is {"Fn::GetAtt": [id, attribute]}.
func getAtt(id, attribute string, at diag.Position) *document.Node {
	return object(at, "Fn::GetAtt", list(at, id, attribute))
}

// sub is {"Fn::Sub": text}, with variables when there are any.
func sub(s string, at diag.Position, variables *document.Node) *document.Node {
	if variables == nil {
		return object(at, "Fn::Sub", text(s, at))
	}
	return object(at, "Fn::Sub", document.Seq(at, text(s, at), variables))
}

// intrinsic tells whether n is a function call; SAM never merges or looks
// into those.
func intrinsic(n *document.Node) bool {
	if n == nil || n.Kind != document.Map || len(n.Members) != 1 {
		return false
	}
	key := n.Members[0].Key
	return key == "Ref" || key == "Condition" || strings.HasPrefix(key, "Fn::")
}

// refName is the name in {"Ref": name}, "" for anything else.
func refName(n *document.Node) string {
	if intrinsic(n) && n.Members[0].Key == "Ref" {
		return n.Members[0].Value.TextOr("")
	}
	return ""
}

// ifBranches returns the parts of {"Fn::If": [condition, then, else]}.
func ifBranches(n *document.Node) (parts []*document.Node, ok bool) {
	if n == nil || len(n.Members) != 1 || n.Members[0].Key != "Fn::If" {
		return nil, false
	}
	parts = n.Members[0].Value.Items
	return parts, len(parts) == 3
}

// parameter resolves {"Ref": parameter} to the value given for it or its
// default, because logical ids depend on it; anything else is returned as it
// is.
func (t *translator) parameter(n *document.Node) *document.Node {
	name := refName(n)
	if name == "" {
		return n
	}
	if name == "AWS::NoValue" {
		return nil
	}
	if v, ok := t.given[name]; ok {
		return text(v, n.Pos)
	}
	if d := t.root.Get("Parameters").Get(name).Get("Default"); d.IsScalar() {
		return text(d.TextOr(""), n.Pos)
	}
	return n
}

// tags turns a map of tags into CloudFormation's list of Key and Value, the
// tag that marks SAM's resources first.
func (o *owner) tags(mark string) *document.Node {
	out := document.Seq(o.pos)
	add := func(key string, value *document.Node) {
		out.Items = append(out.Items, object(value.Pos, "Key", text(key, value.Pos)).Set("Value", value))
	}
	if mark != "" {
		add(mark, text("SAM", o.pos))
	}
	given := o.props.Get("Tags")
	if given == nil || given.Kind != document.Map || intrinsic(given) {
		if !given.IsNull() {
			o.errorf(given, "Tags", "tags are an object of names and values")
		}
		return out
	}
	for _, m := range given.Members {
		if m.Key != mark {
			add(m.Key, m.Value)
		}
	}
	return out
}

// tagMap is the map form of tags, which API Gateway V2 takes.
func (o *owner) tagMap(mark string) *document.Node {
	out := object(o.pos, mark, text("SAM", o.pos))
	if given := o.props.Get("Tags"); given != nil {
		for _, m := range given.Members {
			out.Set(m.Key, m.Value)
		}
	}
	return out
}

// digest is the short hash SAM puts into logical ids.
func digest(n *document.Node) string {
	h := sha256.Sum256([]byte(n.JSON()))
	return hex.EncodeToString(h[:5])
}

// capitalised makes "sendmessage" "Sendmessage".
func capitalised(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// plain keeps only what a logical id may hold.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, s)
}

// membersOf are the members of an object, none for anything else.
func membersOf(n *document.Node) []document.Member {
	if n == nil {
		return nil
	}
	return n.Members
}
