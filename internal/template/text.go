package template

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// pair returns the two items of a call that takes a list of two.
func (r *resolver) pair(n, arg *document.Node, takes string) (first, second *document.Node, ok bool) {
	if arg == nil || arg.Kind != document.List || len(arg.Items) != 2 {
		r.errorf(n.Pos, "%s takes a list of %s", n.Members[0].Key, takes)
		return nil, nil, false
	}
	return arg.Items[0], arg.Items[1], true
}

// join is Fn::Join. Numbers and booleans become their text.
func (r *resolver) join(n, arg *document.Node) *document.Node {
	first, second, ok := r.pair(n, arg, "a delimiter and a list")
	if !ok {
		return nil
	}
	delimiter, ok := first.Scalar()
	if !ok {
		r.errorf(first.Position(), "the delimiter of Fn::Join is a text")
		return nil
	}
	list := r.value(second)
	if resource.Unknown(list) && list.Kind != document.List {
		return placed(list, n.Pos)
	}
	if list == nil || list.Kind != document.List {
		r.errorf(second.Position(), "Fn::Join joins a list, not a %s", kindOf(list))
		return nil
	}
	texts := make([]string, 0, len(list.Items))
	for _, it := range list.Items {
		s, ok := it.Scalar()
		if !ok {
			r.errorf(it.Position(), "Fn::Join joins texts; one item is a %s", kindOf(it))
			continue
		}
		texts = append(texts, s)
	}
	return r.str(strings.Join(texts, delimiter), n)
}

// split is Fn::Split. A text that is not known yet stays in one piece.
func (r *resolver) split(n, arg *document.Node) *document.Node {
	first, second, ok := r.pair(n, arg, "a delimiter and a text")
	if !ok {
		return nil
	}
	delimiter, ok := first.Scalar()
	if !ok || delimiter == "" {
		r.errorf(first.Position(), "the delimiter of Fn::Split is a text that is not empty")
		return nil
	}
	v := r.value(second)
	text, ok := v.Scalar()
	if !ok {
		r.errorf(second.Position(), "Fn::Split splits a text, not a %s", kindOf(v))
		return nil
	}
	if resource.Unknown(v) {
		return document.Seq(n.Pos, v)
	}
	out := document.Seq(n.Pos)
	for _, s := range strings.Split(text, delimiter) {
		out.Items = append(out.Items, r.str(s, n))
	}
	return out
}

// pick is Fn::Select.
func (r *resolver) pick(n, arg *document.Node) *document.Node {
	empty := document.Str("", n.Pos)
	first, second, ok := r.pair(n, arg, "an index and a list")
	if !ok {
		return empty
	}
	index, ok := r.value(first).Integer()
	if !ok {
		r.errorf(first.Position(), "the index of Fn::Select is a number")
		return empty
	}
	list := r.value(second)
	if list == nil || list.Kind != document.List {
		if resource.Unknown(list) {
			return placed(list, n.Pos)
		}
		r.errorf(second.Position(), "Fn::Select selects from a list, not from a %s", kindOf(list))
		return empty
	}
	if index < 0 || index >= len(list.Items) {
		if resource.Unknown(list) {
			return document.Str(resource.UnknownText("select"), n.Pos)
		}
		r.errorf(n.Pos, "Fn::Select asks for item %d of a list of %d", index, len(list.Items)).
			WithHint("the first item is 0")
		return empty
	}
	return list.Items[index]
}

// base64 is Fn::Base64.
func (r *resolver) base64(n, arg *document.Node) *document.Node {
	v := r.value(arg)
	text, ok := v.Scalar()
	if !ok {
		r.errorf(n.Pos, "Fn::Base64 takes a text, not a %s", kindOf(v))
		return nil
	}
	if resource.Unknown(v) {
		return v
	}
	return document.Str(base64.StdEncoding.EncodeToString([]byte(text)), n.Pos)
}

// length is Fn::Length.
func (r *resolver) length(n, arg *document.Node) *document.Node {
	v := r.value(arg)
	if resource.Unknown(v) && v.Kind != document.List {
		return v
	}
	if v == nil || v.Kind != document.List {
		r.errorf(n.Pos, "Fn::Length counts a list, not a %s", kindOf(v))
		return nil
	}
	return document.Int(len(v.Items), n.Pos)
}

// jsonString is Fn::ToJsonString.
func (r *resolver) jsonString(n, arg *document.Node) *document.Node {
	v := r.value(arg)
	if v == nil || v.Kind != document.List && v.Kind != document.Map {
		r.errorf(n.Pos, "Fn::ToJsonString takes an object or a list, not a %s", kindOf(v))
		return nil
	}
	if resource.Unknown(v) {
		return document.Str(resource.UnknownText("json"), n.Pos)
	}
	return r.str(v.JSON(), n)
}

// zones is Fn::GetAZs. Every region of Suiro has three zones.
func (r *resolver) zones(n, arg *document.Node) *document.Node {
	region, ok := r.text(arg)
	if !ok {
		r.errorf(n.Pos, "Fn::GetAZs takes a region")
		return nil
	}
	if region == "" {
		region = r.b.stack.Region
	}
	out := document.Seq(n.Pos)
	for _, zone := range []string{"a", "b", "c"} {
		out.Items = append(out.Items, document.Str(region+zone, n.Pos))
	}
	return out
}

// findInMap is Fn::FindInMap, with the DefaultValue of AWS::LanguageExtensions.
func (r *resolver) findInMap(n, arg *document.Node) *document.Node {
	empty := document.Str("", n.Pos)
	if arg == nil || arg.Kind != document.List || len(arg.Items) < 3 || len(arg.Items) > 4 {
		r.errorf(n.Pos, "Fn::FindInMap takes a list of a mapping and two keys")
		return empty
	}
	inner := resolver{b: r.b, closed: true, path: r.path}
	var keys [3]string
	for i := range keys {
		s, ok := inner.text(arg.Items[i])
		if !ok {
			inner.errorf(arg.Items[i].Position(), "%s of Fn::FindInMap is not a text", [...]string{"the mapping", "the first key", "the second key"}[i])
		}
		keys[i] = s
	}
	if r.msgs.Add(inner.msgs...); inner.msgs.HasErrors() {
		return empty
	}
	mapping := r.b.t.mappings.Get(keys[0])
	if v := mapping.Get(keys[1]).Get(keys[2]); v != nil {
		// Mappings hold no functions, but their texts may be dynamic references.
		r.references = r.references || strings.Contains(v.JSON(), dynamicStart)
		return placed(v, n.Pos)
	}
	if len(arg.Items) == 4 && arg.Items[3].Member("DefaultValue") != nil {
		return r.value(arg.Items[3].Get("DefaultValue"))
	}
	switch {
	case mapping == nil:
		r.errorf(arg.Items[0].Pos, "the template has no mapping %q", keys[0]).WithHint("%s", diag.DidYouMean(keys[0], r.b.t.mappings.Keys()))
	case mapping.Get(keys[1]) == nil:
		r.errorf(arg.Items[1].Pos, "the mapping %s has no key %q", keys[0], keys[1]).WithHint("%s", diag.DidYouMean(keys[1], mapping.Keys()))
	default:
		at := keys[0] + "." + keys[1]
		r.errorf(arg.Items[2].Pos, "the mapping %s has no key %q", at, keys[2]).
			WithHint("%s", diag.DidYouMean(keys[2], mapping.Get(keys[1]).Keys()))
	}
	return empty
}

// kindOf names a value in a message.
func kindOf(n *document.Node) string {
	if n == nil {
		return "missing value"
	}
	return n.Kind.String()
}

func (r *resolver) number(n *document.Node, fallback, low, high int) (int, bool) {
	if n == nil {
		return fallback, true
	}
	v := r.value(n)
	i, ok := v.Integer()
	if !ok || i < low || i > high {
		r.errorf(n.Pos, "%s is not a number from %d to %d", strconv.Quote(v.TextOr(kindOf(v))), low, high)
		return 0, false
	}
	return i, true
}
