package template

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

func TestATemplateBindsMoreThanOnce(t *testing.T) {
	root, _ := document.Parse("t.yaml", []byte(`
Parameters: {Stage: {Type: String}}
Resources: {A: {Type: Test::A, Properties: {V: !Sub "${AWS::StackName}-${Stage}"}}}
`))
	tpl, msgs := New(root, "")
	for _, stage := range []string{"dev", "prod"} {
		b, more := tpl.Bind(resource.Stack{Name: "s"}, map[string]string{"Stage": stage}, nil)
		if msgs = append(msgs, more...); msgs.HasErrors() {
			t.Fatal(msgs)
		}
		v, _ := b.Resolve(b.Resources()[0].Properties)
		if got := v.Get("V").Text; got != "s-"+stage {
			t.Errorf("got %q", got)
		}
	}
}

func TestResolvedValuesStandWhereTheyAreUsed(t *testing.T) {
	b := bind(t, "Parameters: {P: {Type: String, Default: x}}\nResources:\n  A:\n    Type: Test::A\n    Properties:\n      V: !Ref P\n", nil, nil)
	v, _ := b.Resolve(b.Resources()[0].Properties)
	if got := v.Get("V").Pos.String(); got != "t.yaml:6:10" {
		t.Errorf("the value stands at %s", got)
	}
}

func TestPartsWithoutFunctionsAreShared(t *testing.T) {
	b := bind(t, "Resources: {A: {Type: Test::A, Properties: {V: {W: [1, 2]}}}}", nil, nil)
	props := b.Resources()[0].Properties
	if v, _ := b.Resolve(props); v != props {
		t.Error("a value without functions was copied")
	}
}

func TestResolveOfNoValueAlone(t *testing.T) {
	b := bind(t, "Resources: {A: {Type: Test::A, Properties: {V: !Ref AWS::NoValue}}}", nil, nil)
	if v, msgs := b.Resolve(b.Resources()[0].Properties.Get("V")); v != nil || msgs != nil {
		t.Errorf("got %v %v", v, msgs)
	}
}

func TestStackIDIsTheSameAtEveryStart(t *testing.T) {
	in := "Resources: {A: {Type: Test::A, Properties: {V: !Ref AWS::StackId}}}"
	id := func() string {
		b := bind(t, in, nil, nil)
		v, _ := b.Resolve(b.Resources()[0].Properties)
		return v.Get("V").Text
	}
	if a := id(); a != id() || !strings.HasPrefix(a, "arn:aws:cloudformation:eu-west-1:123456789012:stack/chat/") {
		t.Errorf("stack id %s", a)
	}
}

// large is a template of n functions, each with a role, a route and an
// integration.
func large(n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x}}\n")
	for i := range n {
		fmt.Fprintf(&b, `  Fn%[1]d:
    Type: AWS::Lambda::Function
    Properties:
      Handler: app.handler
      Role: !GetAtt Role%[1]d.Arn
      Environment: {Variables: {URL: !Sub "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/x", N: %[1]d}}
  Role%[1]d: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: [{Effect: Allow}]}}}
  Route%[1]d:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: r%[1]d, Target: !Join [/, [integrations, !Ref Integration%[1]d]]}
  Integration%[1]d:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationUri: !Sub "arn:x/${Fn%[1]d.Arn}/invocations"}
`, i)
	}
	return b.String()
}

// How long does a template of 500 resources take from text to resolved
// properties in order?
func BenchmarkLoad500Resources(b *testing.B) {
	in := []byte(large(125))
	for b.Loop() {
		root, _ := document.Parse("t.yaml", in)
		tpl, _ := New(root, "")
		bound, msgs := tpl.Bind(testStack, nil, nil)
		order, more := bound.Order()
		if msgs = append(msgs, more...); msgs.HasErrors() || len(order) != 501 {
			b.Fatal(msgs)
		}
		for _, r := range order {
			bound.Resolve(r.Properties)
		}
	}
}

func FuzzBind(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		in, _, _ := strings.Cut(string(data), "\n-----\n")
		f.Add(in)
	}
	for _, c := range intrinsicCases {
		f.Add(world + c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		root, _ := document.Parse("f.yaml", []byte(in))
		tpl, msgs := New(root, ".")
		b, more := tpl.Bind(testStack, map[string]string{"Stage": "dev"}, testEnv{})
		msgs.Add(more...)
		order, more := b.Order()
		if !more.HasErrors() && len(order) != len(b.Resources()) {
			t.Fatalf("%d of %d resources are in order and nothing says why", len(order), len(b.Resources()))
		}
		for _, r := range order {
			b.Dependencies(r)
			b.Resolve(r.Properties)
		}
		for _, o := range b.Outputs() {
			b.Resolve(o.Value)
			b.Resolve(o.ExportName)
		}
	})
}

func FuzzSub(f *testing.F) {
	for _, s := range []string{"a${B}c", "${!x}", "${A.B.C}", "${AWS::Region}", "${", "${}", "$${a}", "${a${b}}", "}${a}{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		parts, err := parseSub(in)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, p := range parts {
			if p.variable {
				b.WriteString("${" + p.text + "}")
				continue
			}
			if p.text == "" {
				t.Fatal("an empty part")
			}
			b.WriteString(p.text)
		}
		if want := strings.ReplaceAll(in, "${!", "${"); b.String() != want && !strings.Contains(in, "${!") {
			t.Fatalf("%q comes back as %q", in, b.String())
		}
	})
}
