package sam

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
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

// What Transform makes must be a template that binds: every reference leads
// somewhere and nothing is unknown to CloudFormation.
func TestTranslatedTemplatesBind(t *testing.T) {
	files, _ := filepath.Glob("testdata/oracle/*.yaml")
	for _, name := range []string{"chat-node", "chat-python", "globals"} {
		files = append(files, "testdata/"+name+".txt")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, _, _ := strings.Cut(string(data), "\n-----\n")
			root, msgs := document.Parse("t.yaml", []byte(in))
			root, more := Transform(root, "testdata", nil)
			msgs.Add(more...)
			tpl, more := template.New(root, "testdata")
			msgs.Add(more...)
			b, more := tpl.Bind(resource.Stack{Name: "s", Region: "us-east-1", Partition: "aws"}, nil, nil)
			msgs.Add(more...)
			order, more := b.Order()
			msgs.Add(more...)
			for _, r := range order {
				_, more := b.Resolve(r.Properties)
				msgs.Add(more...)
			}
			for _, m := range msgs {
				if m.Severity == diag.Error || m.Severity == diag.Warning && !strings.Contains(m.Text, "SAM takes the text") {
					t.Error(m)
				}
			}
		})
	}
}

func TestPositionsComeFromTheSource(t *testing.T) {
	root, _ := document.Parse("t.yaml", []byte(`Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      MemorySize: 128
      Events:
        Get: {Type: HttpApi, Properties: {Method: get, Path: /a, TimeoutInMillis: 9}}
`))
	out, _ := Transform(root, "", nil)
	resources := out.Get("Resources")
	for _, c := range []struct {
		what string
		at   diag.Position
		want string
	}{
		{"a property", resources.Get("Fn").Get("Properties").Get("MemorySize").Pos, "t.yaml:6:19"},
		{"a made role", resources.Member("FnRole").KeyPos, "t.yaml:3:3"},
		{"a made route", resources.Member("FnGetRoute").KeyPos, "t.yaml:8:9"},
		{"a property of an event", resources.Get("FnGetIntegration").Get("Properties").Get("TimeoutInMillis").Pos, "t.yaml:8:83"},
	} {
		if c.at.String() != c.want {
			t.Errorf("%s stands at %s, want %s", c.what, c.at, c.want)
		}
	}
}

func TestOtherTemplatesPassThrough(t *testing.T) {
	root, _ := document.Parse("t.yaml", []byte("Resources: {A: {Type: AWS::Serverless::Function}}"))
	if out, msgs := Transform(root, "", nil); out != root || msgs != nil {
		t.Error("a template without the transform was changed")
	}
}

func TestTheSourceIsNotChanged(t *testing.T) {
	files, _ := filepath.Glob("testdata/oracle/*.yaml")
	for _, file := range files {
		root, _, err := document.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before := root.JSON()
		Transform(root, "testdata", nil)
		if root.JSON() != before {
			t.Errorf("%s: Transform changed the tree it was given", file)
		}
	}
}

func FuzzTransform(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	more, _ := filepath.Glob("testdata/oracle/*.yaml")
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		in, _, _ := strings.Cut(string(data), "\n-----\n")
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		root, _ := document.Parse("f.yaml", []byte(in))
		if root == nil {
			return
		}
		out, _ := Transform(root, "testdata", map[string]string{"Stage": "dev"})
		template.New(out, "testdata")
	})
}
