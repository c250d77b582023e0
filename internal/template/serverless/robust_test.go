package serverless

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// TestValuesOfTheWrongKindAreNeverFatal puts values of other kinds into every
// place of the example services, a quarter of the pairs: each must give a
// service or messages.
func TestValuesOfTheWrongKindAreNeverFatal(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some thousand services")
	}
	wrong := []string{`null`, `""`, `"x"`, `7`, `true`, `[]`, `{}`, `["x"]`, `[null]`, `{"a": "b"}`, `{"Ref": "X"}`}
	var values []*document.Node
	for _, w := range wrong {
		n, err := document.FromJSON([]byte(w), diag.Position{})
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, n)
	}
	files, _ := filepath.Glob("testdata/*.txt")
	more, _ := filepath.Glob("testdata/framework/*/serverless.yml")
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, _, _ := strings.Cut(string(data), "\n-----\n")
			root, _ := document.Parse(file, []byte(input))
			path := filepath.Join(t.TempDir(), "serverless.json")
			place := 0
			each(root, func(n *document.Node) {
				was := *n
				place++
				for i, v := range values {
					if (place+i)%4 != 0 {
						continue
					}
					*n = *v
					tryLoad(t, path, root)
				}
				*n = was
			})
		})
	}
}

func each(n *document.Node, visit func(*document.Node)) {
	for _, it := range n.Items {
		each(it, visit)
	}
	for _, m := range n.Members {
		each(m.Value, visit)
	}
	visit(n)
}

func tryLoad(t *testing.T, path string, root *document.Node) {
	t.Helper()
	text := root.JSON()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%v\n%s\nreading %s", p, debug.Stack(), text)
		}
	}()
	svc, msgs := Load(context.Background(), path, Options{})
	if (svc.Root == nil) != msgs.HasErrors() {
		t.Fatalf("a service and errors, or neither, reading %s", text)
	}
}
