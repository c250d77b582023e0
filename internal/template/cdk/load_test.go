package cdk

import (
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

const out = "testdata/app"

// load reads the test app, which must have no errors.
func load(t *testing.T) (map[string]Stack, []string, diag.List) {
	t.Helper()
	stacks, msgs := Load(out)
	if msgs.HasErrors() {
		t.Fatal(msgs.Error())
	}
	byName := map[string]Stack{}
	var names []string
	for _, s := range stacks {
		byName[s.Name] = s
		names = append(names, s.Name)
	}
	return byName, names, msgs
}

func TestStacksComeInDependencyOrder(t *testing.T) {
	stacks, names, _ := load(t)
	if d := cmp.Diff([]string{"Data", "rooms-chat", "Prod-Inner"}, names); d != "" {
		t.Error(d)
	}
	chat := stacks["rooms-chat"]
	chat.Root = nil
	want := Stack{Name: "rooms-chat", ID: "Chat", Account: "123456789012", Region: "eu-west-1", Dir: out, DependsOn: []string{"Data"}}
	if d := cmp.Diff(want, chat); d != "" {
		t.Error(d)
	}
	inner := stacks["Prod-Inner"]
	if inner.ID != "Prod/Inner" || inner.Account != "" || inner.Region != "us-east-1" || inner.Dir != filepath.Join(out, "assembly-Prod") {
		t.Errorf("nested stack: %+v", inner)
	}
}

func TestAssetsBecomeLocalPaths(t *testing.T) {
	stacks, _, _ := load(t)
	for _, c := range []struct{ stack, id, property, want string }{
		{"rooms-chat", "Talk", "Code", `"asset.code"`},       // by its key, from the asset manifest
		{"rooms-chat", "Shared", "Content", `"asset.layer"`}, // by metadata
		{"Prod-Inner", "Fn", "Code", `"asset.inner"`},        // relative to the nested assembly
		{"rooms-chat", "Talk", "Handler", `"index.handler"`}, // the rest stays
		{"rooms-chat", "Draw", "Code", `{"ImageUri":{"Fn::Sub":"123456789012.dkr.ecr.eu-west-1.${AWS::URLSuffix}/cdk-images:1ma6e"}}`},
	} {
		got := stacks[c.stack].Root.Get("Resources").Get(c.id).Get("Properties").Get(c.property).JSON()
		if got != c.want {
			t.Errorf("%s.%s: got %s, want %s", c.id, c.property, got, c.want)
		}
	}
	meta := stacks["rooms-chat"].Root.Get("Resources").Get("Draw").Get("Metadata").JSON()
	if want := `{"DockerContext":"asset.image","Dockerfile":"Dockerfile"}`; meta != want {
		t.Errorf("image metadata %s, want %s", meta, want)
	}
}

// Version 1 of CDK has no asset manifest: its command line uploads what the
// stack's metadata lists, and passes where it lies as parameters.
func TestAssetsOfVersion1(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"version": "13.0.0", "artifacts": {"Chat": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
			"properties": {"templateFile": "Chat.template.json"},
			"metadata": {"/Chat": [{"type": "aws:cdk:asset", "data": {"path": "asset.1", "id": "1", "packaging": "zip", "sourceHash": "1",
				"s3BucketParameter": "AssetParameters1S3BucketA", "s3KeyParameter": "AssetParameters1S3VersionKeyB", "artifactHashParameter": "AssetParameters1ArtifactHashC"}}],
				"/Chat/Fn": [{"type": "aws:cdk:logicalId", "data": "Fn"}]}}}}`,
		"Chat.template.json": `{"Parameters": {"AssetParameters1S3BucketA": {"Type": "String"}, "AssetParameters1S3VersionKeyB": {"Type": "String"}, "AssetParameters1ArtifactHashC": {"Type": "String"}},
			"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "index.handler", "Code": {
				"S3Bucket": {"Ref": "AssetParameters1S3BucketA"},
				"S3Key": {"Fn::Join": ["", [{"Fn::Select": [0, {"Fn::Split": ["||", {"Ref": "AssetParameters1S3VersionKeyB"}]}]}, {"Fn::Select": [1, {"Fn::Split": ["||", {"Ref": "AssetParameters1S3VersionKeyB"}]}]}]]}}}}}}`,
		"asset.1/index.js": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stacks, msgs := Load(dir)
	if len(msgs) > 0 || len(stacks) != 1 {
		t.Fatal(stacks, msgs)
	}
	root := stacks[0].Root
	if code := root.Get("Resources").Get("Fn").Get("Properties").Get("Code").JSON(); code != `"asset.1"` || root.Get("Parameters") != nil {
		t.Errorf("code %s, parameters %s", code, root.Get("Parameters").JSON())
	}
}

func TestWhatOnlyMattersInAWSIsLeftOut(t *testing.T) {
	stacks, _, msgs := load(t)
	root := stacks["rooms-chat"].Root
	// Asked stays, because Talk reads a value from it, and so its provider.
	want := []string{"Talk", "Shared", "Draw", "Asked", "SdkProvider"}
	if d := cmp.Diff(want, root.Get("Resources").Keys()); d != "" {
		t.Error(d)
	}
	for _, section := range []string{"Parameters", "Rules"} {
		if n := root.Get(section); n != nil {
			t.Errorf("%s is left: %s", section, n.JSON())
		}
	}
	if got := root.Get("Resources").Get("Talk").Get("DependsOn").JSON(); got != "[]" {
		t.Errorf("DependsOn %s", got)
	}
	var said []string
	for _, m := range msgs {
		said = append(said, m.Severity.String()+" "+m.Key+": "+m.Text)
	}
	wantSaid := []string{
		"note TalkLogs: Custom::LogRetention is left out: logs are kept as long as the app runs",
		"warning Asked: Custom::AWS has no real value: the calls to AWS of an AwsCustomResource are not made",
	}
	if d := cmp.Diff(wantSaid, said); d != "" {
		t.Error(d)
	}
}

func TestTemplatesBind(t *testing.T) {
	stacks, _, _ := load(t)
	for name, s := range stacks {
		tpl, msgs := template.New(s.Root, s.Dir)
		b, more := tpl.Bind(resource.Stack{Name: name}, nil, nil)
		msgs.Add(more...)
		_, more = b.Order()
		if msgs.Add(more...); len(msgs) > 0 {
			t.Errorf("%s: %v", name, msgs)
		}
	}
}

func TestMistakesNameTheFile(t *testing.T) {
	const stack = `"type": "aws:cloudformation:stack", "properties": {"templateFile": "T.json"}`
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no folder", nil, "manifest.json"},
		{"no stacks", map[string]string{"manifest.json": `{"artifacts": {}}`}, "the app has no stacks"},
		{"broken manifest", map[string]string{"manifest.json": `{`}, "not valid YAML or JSON"},
		{"template is missing", map[string]string{"manifest.json": `{"artifacts": {"S": {` + stack + `}}}`}, "T.json"},
		{"template outside", map[string]string{"manifest.json": `{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../../etc/passwd"}}}}`}, "names no template file inside cdk.out"},
		{"stacks in a circle", map[string]string{
			"manifest.json": `{"artifacts": {"A": {` + stack + `, "dependencies": ["B"]}, "B": {` + stack + `, "dependencies": ["A"]}}}`,
			"T.json":        `{"Resources": {"X": {"Type": "T"}}}`,
		}, "the stack depends on itself"},
		{"nested outside", map[string]string{"manifest.json": `{"artifacts": {"N": {"type": "cdk:cloud-assembly", "properties": {"directoryName": ".."}}}}`}, "names no folder inside cdk.out"},
		{"asset is missing", map[string]string{
			"manifest.json": `{"artifacts": {"S": {` + stack + `}}}`,
			"T.json":        `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "k"}}, "Metadata": {"aws:asset:path": "asset.none"}}}}`,
		}, "F.Code: the asset asset.none is not in cdk.out (run cdk synth again)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, msgs := Load(dir)
			if !msgs.HasErrors() || !strings.Contains(msgs.Error(), c.want) {
				t.Errorf("got %q, want %q", msgs.Error(), c.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, name := range []string{"Chat.template.json", "Data.template.json", "assembly-Prod/ProdInner.template.json"} {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, in string) {
		root, _ := document.Parse("t.json", []byte(in))
		var msgs diag.List
		c := cleaner{dir: out, msgs: &msgs}
		c.clean(root)
	})
}

// Every value of the test templates is replaced by each kind of value;
// nothing may panic.
func TestAnyValueMayBeOfAnyKind(t *testing.T) {
	for _, name := range []string{"Chat.template.json", "assembly-Prod/ProdInner.template.json"} {
		root, _, err := document.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		everyKind(root, func() {
			var msgs diag.List
			c := cleaner{dir: out, msgs: &msgs, assets: assetFiles{files: map[string]string{"c0de.zip": "asset.code"}}}
			c.clean(root)
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
