package template

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

var testStack = resource.Stack{
	Name: "chat", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws", URLSuffix: "amazonaws.com",
}

// testEnv answers for a world in which every resource exists: its physical id
// is its name in lower case, and an attribute is "id/attribute".
type testEnv struct{}

func str(s string) (*document.Node, bool) { return document.Str(s, diag.Position{}), true }

func (testEnv) Ref(id string) (*document.Node, bool) { return str(strings.ToLower(id)) }

func (testEnv) GetAtt(id, attribute string) (*document.Node, bool) {
	switch attribute {
	case "Nothing":
		return nil, false
	case "List":
		return document.Seq(diag.Position{}, document.Str("l0", diag.Position{}), document.Str("l1", diag.Position{})), true
	}
	return str(strings.ToLower(id) + "/" + attribute)
}

func (testEnv) Import(name string) (*document.Node, bool) {
	if name == "missing" {
		return nil, false
	}
	return str("imported " + name)
}

func (testEnv) Dynamic(service, key string) (*document.Node, bool) {
	if strings.Contains(key, "missing") {
		return nil, false
	}
	return str("<" + service + " " + key + ">")
}

// TestGolden binds the template above the line in each file of testdata and
// compares messages, order, resolved properties and outputs with what stands
// below it. A first line "# params: Name=value ..." gives parameters.
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
			got := bindText(in)
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

func bindText(in string) string {
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
	tpl, more := New(root, ".")
	msgs.Add(more...)
	if msgs.HasErrors() {
		return shown(msgs)
	}
	b, more := tpl.Bind(testStack, params, testEnv{})
	msgs.Add(more...)
	var out strings.Builder
	if !msgs.HasErrors() {
		resolveAll(b, &msgs, &out)
	}
	return shown(msgs) + out.String()
}

// resolveAll writes resources in dependency order and the outputs.
func resolveAll(b *Bound, msgs *diag.List, out *strings.Builder) {
	order, more := b.Order()
	msgs.Add(more...)
	for _, r := range order {
		fmt.Fprintf(out, "%s (%s) needs %v\n", r.LogicalID, r.Type, b.Dependencies(r))
		n, more := b.Resolve(r.Properties)
		msgs.Add(more...)
		for _, m := range n.Members {
			fmt.Fprintf(out, "  %s: %s\n", m.Key, m.Value.JSON())
		}
	}
	for _, o := range b.Outputs() {
		n, more := b.Resolve(o.Value)
		msgs.Add(more...)
		fmt.Fprintf(out, "output %s: %s", o.Name, n.JSON())
		if o.ExportName != nil {
			n, more := b.Resolve(o.ExportName)
			msgs.Add(more...)
			fmt.Fprintf(out, " exported as %s", n.JSON())
		}
		out.WriteByte('\n')
	}
}

func shown(msgs diag.List) string {
	var b strings.Builder
	for _, m := range msgs.Sorted() {
		b.WriteString("# " + m.Severity.String() + ": " + m.String() + "\n")
	}
	return b.String()
}

// bind parses and binds a template that must be right.
func bind(t testing.TB, in string, params map[string]string, env Env) *Bound {
	t.Helper()
	root, msgs := document.Parse("t.yaml", []byte(in))
	tpl, more := New(root, ".")
	msgs.Add(more...)
	b, more := tpl.Bind(testStack, params, env)
	msgs.Add(more...)
	if msgs.HasErrors() {
		t.Fatal(msgs.Error())
	}
	return b
}
