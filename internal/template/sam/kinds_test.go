package sam

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
)

// Users put lists where texts belong and the other way round. Every value of
// every test template is replaced by each kind of value; nothing may panic.
func TestAnyValueMayBeOfAnyKind(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	more, _ := filepath.Glob("testdata/oracle/*.yaml")
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, _, _ := strings.Cut(string(data), "\n-----\n")
			root, _ := document.Parse("t.yaml", []byte(in))
			everyKind(root, func() {
				out, _ := Transform(root, "testdata", nil)
				tpl, _ := template.New(out, "testdata")
				b, _ := tpl.Bind(resource.Stack{}, nil, nil)
				b.Order()
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
