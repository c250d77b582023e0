package sam

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestGolden translates the template above the line in each file of testdata
// and compares the result and the messages with what stands below it. A first
// line "# params: Name=value ..." gives parameters.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, want, _ := strings.Cut(string(data), "\n-----\n")
			got := translateText(t, in)
			if *update {
				if err := os.WriteFile(file, []byte(in+"\n-----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got (run with -update to accept):\n%s", d)
			}
		})
	}
}

func translateText(t *testing.T, in string) string {
	t.Helper()
	params := map[string]string{}
	if line, _, _ := strings.Cut(in, "\n"); strings.HasPrefix(line, "# params: ") {
		for _, p := range strings.Fields(strings.TrimPrefix(line, "# params: ")) {
			name, value, _ := strings.Cut(p, "=")
			params[name] = value
		}
	}
	root, msgs := document.Parse("t.yaml", []byte(in))
	if root == nil {
		return shown(msgs)
	}
	out, more := Transform(root, "testdata", params)
	return shown(append(msgs, more...)) + render(t, out)
}

func shown(msgs diag.List) string {
	var b strings.Builder
	for _, m := range msgs.Sorted() {
		b.WriteString("# " + m.Severity.String() + ": " + m.String() + "\n")
	}
	return b.String()
}

// render writes one line a resource: its id, its type, and the rest as JSON.
func render(t *testing.T, root *document.Node) string {
	t.Helper()
	var b strings.Builder
	for _, m := range root.Members {
		if m.Key != "Resources" {
			b.WriteString(m.Key + ": " + m.Value.JSON() + "\n")
			continue
		}
		for _, r := range m.Value.Members {
			b.WriteString(r.Key + ": " + r.Value.Get("Type").TextOr("?") + "\n")
			for _, a := range r.Value.Members {
				if a.Key != "Type" && a.Key != "Properties" {
					b.WriteString("  @" + a.Key + ": " + a.Value.JSON() + "\n")
				}
			}
			for _, p := range r.Value.Get("Properties").Keys() {
				b.WriteString("  " + p + ": " + r.Value.Get("Properties").Get(p).JSON() + "\n")
			}
		}
	}
	return b.String()
}

func indent(t *testing.T, n *document.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(n.JSON()), "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
