package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Users put lists where texts belong and the other way round. Every value of
// every test template is replaced by each kind of value; nothing may panic.
func TestAnyValueMayBeOfAnyKind(t *testing.T) {
	inputs := map[string]string{}
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		inputs[filepath.Base(file)], _, _ = strings.Cut(string(data), "\n-----\n")
	}
	for _, c := range intrinsicCases {
		inputs[c.name] = "Parameters: {Name: {Type: String, Default: x}}\nConditions: {Yes: !Equals [a, a]}\nResources: {Table: {Type: T}, S: {Type: T, Properties: {V: " + c.in + "}}}"
	}
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			root, _ := document.Parse("t.yaml", []byte(in))
			if root == nil {
				t.Skip("not readable inside a flow mapping")
			}
			everyKind(root, func() {
				tpl, _ := New(root, ".")
				b, _ := tpl.Bind(testStack, nil, testEnv{})
				var out strings.Builder
				var msgs diag.List
				resolveAll(b, &msgs, &out)
			})
		})
	}
}

// everyKind changes each node below n in turn, in place, and calls try.
func everyKind(n *document.Node, try func()) {
	at := n.Pos
	for _, kind := range []*document.Node{
		{Kind: document.Null, Pos: at}, document.Str("", at), document.Int(1, at), document.Seq(at),
		document.Seq(at, document.Str("x", at), &document.Node{Kind: document.Null}), document.Object(at),
		document.Object(at).Set("Ref", document.Str("Fn", at)), document.Object(at).Set("K", document.Str("v", at)),
	} {
		kept := *n
		*n = *kind
		try()
		*n = kept
	}
	for _, it := range n.Items {
		everyKind(it, try)
	}
	for _, m := range n.Members {
		everyKind(m.Value, try)
	}
}
