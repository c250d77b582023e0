package build

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

func parse(t *testing.T, text string) *document.Node {
	t.Helper()
	n, msgs := document.Parse("t.yml", []byte(text))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return n
}

// Two objects, and what becomes of the second laid over the first: member by
// member and item by item, as the framework merges resources.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"members", "{a: 1, b: 2}", "{b: 3, c: 4}", `{"a":1,"b":3,"c":4}`},
		{"deep", "{a: {x: 1, y: 2}}", "{a: {y: 3}}", `{"a":{"x":1,"y":3}}`},
		{"lists item by item", "[1, {a: 1}, 3]", "[9, {b: 2}]", `[9,{"a":1,"b":2},3]`},
		{"longer lists", "[1]", "[2, 3]", `[2,3]`},
		{"another kind wins", "{a: [1]}", "{a: text}", `{"a":"text"}`},
	} {
		a, b := parse(t, c.a), parse(t, c.b)
		before := a.JSON() + b.JSON()
		if got := Merge(a, b).JSON(); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
		if a.JSON()+b.JSON() != before {
			t.Errorf("%s: the inputs changed", c.name)
		}
	}
}

func TestOverlayIsOneLevelDeep(t *testing.T) {
	base := parse(t, "{a: {x: 1}, b: 1}")
	if got := Overlay(base, nil, parse(t, "{a: {y: 2}}")).JSON(); got != `{"a":{"y":2},"b":1}` {
		t.Error(got)
	}
	if base.Get("a").JSON() != `{"x":1}` {
		t.Error("the base changed")
	}
}

func TestWithoutNulls(t *testing.T) {
	if got := WithoutNulls(parse(t, "{a: null, b: {c: ~, d: [null, {e: null}]}}")).JSON(); got != `{"b":{"d":[null,{}]}}` {
		t.Error(got)
	}
}

// JavaScript's idea of truth decides in the framework: 0 and "" are not given,
// empty objects and lists are.
func TestGiven(t *testing.T) {
	for text, want := range map[string]bool{
		"null": false, `""`: false, "0": false, "false": false, "true": true, "1": true, `"0"`: true, "{}": true, "[]": true,
	} {
		if got := Given(parse(t, "v: "+text).Get("v")); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if Given(nil) {
		t.Error("nothing is given")
	}
}

func TestObjectLeavesOutWhatIsNil(t *testing.T) {
	at := diag.Position{File: "t.yml", Line: 3}
	n := Object(at, "A", 1, "B", (*document.Node)(nil), "C", List(at, "x", nil, true), "D", Ref(at, "R"))
	if got := n.JSON(); got != `{"A":1,"C":["x",true],"D":{"Ref":"R"}}` {
		t.Error(got)
	}
	if n.Get("D").Get("Ref").Pos != at {
		t.Error("a piece lost its place")
	}
}
