// Package build makes pieces of CloudFormation templates as the Serverless
// Framework writes them: objects, lists, intrinsics, and the ways in which it
// merges one object into another. Every piece carries the place in the user's
// file that it comes from.
package build

import (
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// The template is built with these: pairs and items are strings, numbers,
// booleans or nodes. A nil value leaves its pair out, so that optional
// properties need no branches.

// Object makes a Map from key, value pairs.
func Object(at diag.Position, pairs ...any) *document.Node {
	n := document.Object(at)
	for i := 0; i+1 < len(pairs); i += 2 {
		n.Set(pairs[i].(string), Node(at, pairs[i+1]))
	}
	return n
}

// List makes a List; nil items are left out.
func List(at diag.Position, items ...any) *document.Node {
	n := document.Seq(at)
	n.Items = []*document.Node{}
	for _, it := range items {
		if v := Node(at, it); v != nil {
			n.Items = append(n.Items, v)
		}
	}
	return n
}

// Texts makes a List of strings.
func Texts(at diag.Position, items []string) *document.Node {
	n := List(at)
	for _, it := range items {
		n.Items = append(n.Items, document.Str(it, at))
	}
	return n
}

// Node makes a value of the template. Other types are a mistake in this
// package, which the first test to run it would find.
func Node(at diag.Position, v any) *document.Node {
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
	panic("build: not a template value")
}

// The intrinsics the framework writes, each at the place it comes from, so that
// a message about a reference points at the event or function that caused it.

func Ref(at diag.Position, id string) *document.Node { return Object(at, "Ref", id) }

func GetAtt(at diag.Position, id, attribute string) *document.Node {
	return Object(at, "Fn::GetAtt", List(at, id, attribute))
}

func Sub(at diag.Position, text string) *document.Node { return Object(at, "Fn::Sub", text) }

func Join(at diag.Position, sep string, items ...any) *document.Node {
	return Object(at, "Fn::Join", List(at, sep, List(at, items...)))
}

// LambdaURI is what API Gateway calls a function by.
func LambdaURI(at diag.Position, arn *document.Node) *document.Node {
	return Join(at, "", "arn:", Ref(at, "AWS::Partition"), ":apigateway:", Ref(at, "AWS::Region"),
		":lambda:path/2015-03-31/functions/", arn, "/invocations")
}

// EndpointURL is the address of an API; tail follows the host name.
func EndpointURL(at diag.Position, scheme string, api *document.Node, tail string) *document.Node {
	items := []any{scheme, api, ".execute-api.", Ref(at, "AWS::Region"), ".", Ref(at, "AWS::URLSuffix")}
	if tail != "" {
		items = append(items, tail)
	}
	return Join(at, "", items...)
}

// ExecuteARN is the source of calls from an API.
func ExecuteARN(at diag.Position, api *document.Node, tail string) *document.Node {
	return Join(at, "", "arn:", Ref(at, "AWS::Partition"), ":execute-api:", Ref(at, "AWS::Region"), ":",
		Ref(at, "AWS::AccountId"), ":", api, tail)
}

// Overlay is a copy of base with the members of each other map set over it.
func Overlay(base *document.Node, over ...*document.Node) *document.Node {
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

// Merge lays b over a, maps member by member and lists item by item, as the
// framework merges `resources` into what it made. Neither is changed.
func Merge(a, b *document.Node) *document.Node {
	switch {
	case b == nil:
		return a
	case a == nil || a.Kind != b.Kind:
		return b
	case b.Kind == document.Map:
		out := &document.Node{Kind: document.Map, Pos: a.Pos, Members: append([]document.Member(nil), a.Members...)}
		for _, m := range b.Members {
			if old := out.Member(m.Key); old != nil {
				old.Value = Merge(old.Value, m.Value)
				continue
			}
			out.Members = append(out.Members, m)
		}
		return out
	case b.Kind == document.List:
		out := &document.Node{Kind: document.List, Pos: b.Pos, Items: append([]*document.Node(nil), a.Items...)}
		for i, it := range b.Items {
			if i < len(out.Items) {
				out.Items[i] = Merge(out.Items[i], it)
				continue
			}
			out.Items = append(out.Items, it)
		}
		return out
	}
	return b
}

// WithoutNulls drops null members everywhere: the framework takes a null
// property as "not set".
func WithoutNulls(n *document.Node) *document.Node {
	if n == nil || n.Kind != document.Map && n.Kind != document.List {
		return n
	}
	out := &document.Node{Kind: n.Kind, Pos: n.Pos}
	for _, it := range n.Items {
		out.Items = append(out.Items, WithoutNulls(it))
	}
	for _, m := range n.Members {
		if !m.Value.IsNull() {
			m.Value = WithoutNulls(m.Value)
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// Given tells whether a value counts as given: JavaScript's idea of truth, which
// decides in the framework.
func Given(n *document.Node) bool {
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

// First returns the first value that counts as given, or nil.
func First(nodes ...*document.Node) *document.Node {
	for _, n := range nodes {
		if Given(n) {
			return n
		}
	}
	return nil
}

// UnlessNull returns n, or nil when it is null.
func UnlessNull(n *document.Node) *document.Node {
	if n.IsNull() {
		return nil
	}
	return n
}

// OrText returns n if it counts as given, else text.
func OrText(n *document.Node, text string, at diag.Position) *document.Node {
	if Given(n) {
		return n
	}
	return document.Str(text, at)
}

// Members lists the members of a map; none for anything else.
func Members(n *document.Node) []document.Member {
	if n == nil || n.Kind != document.Map {
		return nil
	}
	return n.Members
}

// Upper is a scalar in capitals.
func Upper(n *document.Node) *document.Node {
	return document.Str(strings.ToUpper(n.TextOr("")), n.Position())
}

// Kind names what a node is, with its article.
func Kind(n *document.Node) string {
	switch {
	case n.IsNull():
		return "null"
	case n.Kind == document.Map:
		return "an object"
	}
	return "a " + n.Kind.String()
}

// Items lists the items of a list; none for anything else.
func Items(n *document.Node) []*document.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// TextMap is a Go map as an object, keys sorted.
func TextMap(at diag.Position, m map[string]string) *document.Node {
	out := document.Object(at)
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		out.Set(k, document.Str(m[k], at))
	}
	return out
}
