package resource

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

func TestSchemaReportsEachPropertyOnceWithItsPlace(t *testing.T) {
	schema := Schema{
		"Name":        {Required: true},
		"Tags":        {Support: Accepted, Why: "tags have no effect here"},
		"Index":       {},
		"Index.Key":   {},
		"Index.Speed": {Support: Missing, Why: "speeds are not run yet"},
		"Free":        {},
	}
	props, msgs := document.Parse("t.yml", []byte("Tags: []\nTypo: 1\nIndex:\n  - {Key: a, Nope: 2}\n  - {Key: b, Speed: 3}\nFree: {Any: thing}\n"))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	got := schema.Check(Spec{LogicalID: "T", Type: "AWS::X::Y", Pos: diag.Position{File: "t.yml", Line: 1}, Properties: props})
	want := []string{
		"t.yml:1: T.Name: AWS::X::Y needs this property",
		"t.yml:1:1: T.Tags: tags have no effect here",
		"t.yml:2:1: T.Typo: AWS::X::Y has no such property that Suiro knows; it has no effect",
		"t.yml:4:14: T.Index.Nope: AWS::X::Y has no such property that Suiro knows; it has no effect",
		"t.yml:5:14: T.Index.Speed: speeds are not run yet",
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages: %v", len(got), got)
	}
	for i := range want {
		if got[i].String() != want[i] {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if Schema(nil).Check(Spec{Properties: props}) != nil {
		t.Error("a nil schema has something to say")
	}
}

func TestUnknownValuesAreSeenAnywhereInATree(t *testing.T) {
	n := document.Object(diag.Position{}).Set("A", document.Seq(diag.Position{}, document.Str("x-"+UnknownText("Table"), diag.Position{})))
	if !Unknown(n) || Unknown(document.Str("Table", diag.Position{})) || Unknown(nil) {
		t.Error("wrong answer")
	}
}
