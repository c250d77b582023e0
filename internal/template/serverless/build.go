package serverless

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// The template is built with these: pairs and items are strings, numbers,
// booleans or nodes. A nil value leaves its pair out, so that optional
// properties need no branches.

// object makes a Map from key, value pairs.
func object(at diag.Position, pairs ...any) *document.Node {
	n := document.Object(at)
	for i := 0; i+1 < len(pairs); i += 2 {
		n.Set(pairs[i].(string), asNode(at, pairs[i+1]))
	}
	return n
}

// list makes a List; nil items are left out.
func list(at diag.Position, items ...any) *document.Node {
	n := document.Seq(at)
	n.Items = []*document.Node{}
	for _, it := range items {
		if v := asNode(at, it); v != nil {
			n.Items = append(n.Items, v)
		}
	}
	return n
}

// texts makes a List of strings.
func texts(at diag.Position, items []string) *document.Node {
	n := list(at)
	for _, it := range items {
		n.Items = append(n.Items, document.Str(it, at))
	}
	return n
}

// asNode makes a value of the template. Other types are a mistake in this
// package, which the first test to run it would find.
func asNode(at diag.Position, v any) *document.Node {
	switch v := v.(type) {
	case nil:
		return nil
	case *document.Node:
		return v
	case string:
		return document.Str(v, at)
	case int:
		return document.Int(v, at)
	case bool:
		return document.Boolean(v, at)
	}
	panic("serverless: not a template value")
}

// The intrinsics the framework writes, each at the place it comes from, so that
// a message about a reference points at the event or function that caused it.

func ref(at diag.Position, id string) *document.Node { return object(at, "Ref", id) }

func getAtt(at diag.Position, id, attribute string) *document.Node {
	return object(at, "Fn::GetAtt", list(at, id, attribute))
}

func sub(at diag.Position, text string) *document.Node { return object(at, "Fn::Sub", text) }

func join(at diag.Position, sep string, items ...any) *document.Node {
	return object(at, "Fn::Join", list(at, sep, list(at, items...)))
}

// lambdaURI is what API Gateway calls a function by.
func lambdaURI(at diag.Position, arn *document.Node) *document.Node {
	return join(at, "", "arn:", ref(at, "AWS::Partition"), ":apigateway:", ref(at, "AWS::Region"),
		":lambda:path/2015-03-31/functions/", arn, "/invocations")
}

// endpointURL is the address of an API; tail follows the host name.
func endpointURL(at diag.Position, scheme string, api *document.Node, tail string) *document.Node {
	items := []any{scheme, api, ".execute-api.", ref(at, "AWS::Region"), ".", ref(at, "AWS::URLSuffix")}
	if tail != "" {
		items = append(items, tail)
	}
	return join(at, "", items...)
}

// executeARN is the source of calls from an API.
func executeARN(at diag.Position, api *document.Node, tail string) *document.Node {
	return join(at, "", "arn:", ref(at, "AWS::Partition"), ":execute-api:", ref(at, "AWS::Region"), ":",
		ref(at, "AWS::AccountId"), ":", api, tail)
}

// overlaid is a copy of base with the members of each other map set over it.
func overlaid(base *document.Node, over ...*document.Node) *document.Node {
	out := document.Object(base.Position())
	for _, src := range append([]*document.Node{base}, over...) {
		if src == nil || src.Kind != document.Map {
			continue
		}
		if out.Pos.IsZero() {
			out.Pos = src.Pos
		}
		for _, m := range src.Members {
			if old := out.Member(m.Key); old != nil {
				*old = m
				continue
			}
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// merged lays b over a, maps member by member and lists item by item, as the
// framework merges `resources` into what it made. Neither is changed.
func merged(a, b *document.Node) *document.Node {
	switch {
	case b == nil:
		return a
	case a == nil || a.Kind != b.Kind:
		return b
	case b.Kind == document.Map:
		out := &document.Node{Kind: document.Map, Pos: a.Pos, Members: append([]document.Member(nil), a.Members...)}
		for _, m := range b.Members {
			if old := out.Member(m.Key); old != nil {
				old.Value = merged(old.Value, m.Value)
				continue
			}
			out.Members = append(out.Members, m)
		}
		return out
	case b.Kind == document.List:
		out := &document.Node{Kind: document.List, Pos: b.Pos, Items: append([]*document.Node(nil), a.Items...)}
		for i, it := range b.Items {
			if i < len(out.Items) {
				out.Items[i] = merged(out.Items[i], it)
				continue
			}
			out.Items = append(out.Items, it)
		}
		return out
	}
	return b
}

// withoutNulls drops null members everywhere: the framework takes a null
// property as "not set".
func withoutNulls(n *document.Node) *document.Node {
	if n == nil || n.Kind != document.Map && n.Kind != document.List {
		return n
	}
	out := &document.Node{Kind: n.Kind, Pos: n.Pos}
	for _, it := range n.Items {
		out.Items = append(out.Items, withoutNulls(it))
	}
	for _, m := range n.Members {
		if !m.Value.IsNull() {
			m.Value = withoutNulls(m.Value)
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// set tells whether a value counts as given: JavaScript's idea of truth, which
// decides in the framework.
func set(n *document.Node) bool {
	switch {
	case n.IsNull():
		return false
	case n.Kind == document.Bool:
		return n.Text == "true"
	case n.Kind == document.String:
		return n.Text != ""
	case n.Kind == document.Number:
		return n.Text != "0"
	}
	return true
}

// first returns the first value that counts as given, or nil.
func first(nodes ...*document.Node) *document.Node {
	for _, n := range nodes {
		if set(n) {
			return n
		}
	}
	return nil
}

// unlessNull returns n, or nil when it is null.
func unlessNull(n *document.Node) *document.Node {
	if n.IsNull() {
		return nil
	}
	return n
}

// orText returns n if it counts as given, else text.
func orText(n *document.Node, text string, at diag.Position) *document.Node {
	if set(n) {
		return n
	}
	return document.Str(text, at)
}

// members lists the members of a map; none for anything else.
func members(n *document.Node) []document.Member {
	if n == nil || n.Kind != document.Map {
		return nil
	}
	return n.Members
}

// upper is a scalar in capitals.
func upper(n *document.Node) *document.Node {
	return document.Str(strings.ToUpper(n.TextOr("")), n.Position())
}

// kind names what a node is, with its article.
func kind(n *document.Node) string {
	switch {
	case n.IsNull():
		return "null"
	case n.Kind == document.Map:
		return "an object"
	}
	return "a " + n.Kind.String()
}
