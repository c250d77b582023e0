package serverless

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const minimal = "service: s\nprovider: {name: aws}\nfunctions: {a: {handler: h.a}}\n"

func TestServiceIsFoundInAFolder(t *testing.T) {
	for _, name := range []string{"serverless.yml", "serverless.yaml", "serverless.json"} {
		dir := t.TempDir()
		text := minimal
		if strings.HasSuffix(name, "json") {
			text = "{\n\t\"service\": \"s\",\n\t\"provider\": {\"name\": \"aws\"},\n\t\"functions\": {\"a\": {\"handler\": \"h.a\"}}\n}"
		}
		write(t, dir, name, text)
		svc, lines := loadDir(t, dir, Options{})
		if svc == nil {
			t.Fatal(lines)
		}
		if svc.Name != "s" || svc.Stage != "dev" || svc.Region != "us-east-1" || svc.Dir != dir ||
			!reflect.DeepEqual(svc.Logical, map[string]string{"a": "ALambdaFunction"}) ||
			!reflect.DeepEqual(svc.Files, []string{filepath.Join(dir, name)}) {
			t.Errorf("%+v", svc)
		}
	}
}

func TestMissingAndBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, text, want string }{
		{"none", "", "there is no service here"},
		{".", "", "the folder holds no serverless.yml"},
		{"list.yml", "- a\n", "a service is an object with service, provider and functions, not a list"},
		{"broken.yml", "service: [\n", "broken.yml:"},
		{"no-provider.yml", "service: s\n", "the service has no provider"},
	} {
		if c.text != "" {
			write(t, dir, c.path, c.text)
		}
		svc, msgs := Load(context.Background(), filepath.Join(dir, c.path), Options{})
		if svc.Root != nil || !strings.Contains(msgs.Error(), c.want) {
			t.Errorf("%s: %v", c.path, msgs)
		}
	}
}

func TestWhatToWatchIsKnownWhereReadingFails(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws}\nfunctions: ${file(f.yml)}\n")
	write(t, dir, "f.yml", "a: [\n")
	svc, msgs := Load(context.Background(), dir, Options{})
	want := []string{filepath.Join(dir, "f.yml"), filepath.Join(dir, "serverless.yml")}
	if !msgs.HasErrors() || svc.Dir != dir || !reflect.DeepEqual(svc.Files, want) {
		t.Errorf("%+v %v", svc, msgs)
	}
}

func TestStackNameAndParameters(t *testing.T) {
	svc, _ := load(t, minimal, Options{Stage: "x"})
	if svc.Stack != "s-x" {
		t.Error(svc.Stack)
	}
	svc, _ = load(t, `service: s
provider:
  name: aws
  stackName: named-${sls:stage}
  stackParameters: [{ParameterKey: Size, ParameterValue: '3'}]
`, Options{})
	if svc.Stack != "named-dev" || svc.Parameters["Size"] != "3" {
		t.Errorf("%+v", svc)
	}
}

func TestDotenvPluginAddsItsFilesToFunctions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", `service: s
frameworkVersion: '3'
plugins: [serverless-dotenv-plugin]
custom: {dotenv: {exclude: [HIDDEN]}}
provider: {name: aws, environment: {OWN: x}}
functions: {a: {handler: h.a, environment: {SHARED: function}}}
`)
	write(t, dir, ".env", "SHARED=file\nPLAIN=file\nHIDDEN=1\n")
	write(t, dir, ".env.dev", "PLAIN=dev\n")
	svc, lines := loadDir(t, dir, Options{})
	if svc == nil {
		t.Fatal(lines)
	}
	got := svc.Root.Get("Resources").Get("ALambdaFunction").Get("Properties").Get("Environment").JSON()
	if want := `{"Variables":{"PLAIN":"dev","SHARED":"function","OWN":"x"}}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestTypeScriptHandlersAreBundledInVersion4(t *testing.T) {
	for _, c := range []struct {
		name, head, handler string
		want                string
	}{
		{"typescript", "", "ts.main", `{"Bundle":true,"Plugin":"esbuild"}`},
		{"typescript in a folder with a dot", "", "v1.0/deep.main", `{"Bundle":true,"Plugin":"esbuild"}`},
		{"javascript", "", "js.main", `{"Bundle":false}`},
		{"javascript when asked", "build: {esbuild: {minify: true}}", "js.main", `{"Bundle":true,"Plugin":"esbuild","Esbuild":{"minify":true}}`},
		{"asked for by name", "build: esbuild", "js.main", `{"Bundle":true,"Plugin":"esbuild"}`},
		{"switched off", "build: {esbuild: false}", "ts.main", `{"Bundle":false}`},
		{"version 3", "frameworkVersion: '3'", "ts.main", `{"Bundle":false}`},
	} {
		dir := t.TempDir()
		write(t, dir, "serverless.yml", c.head+"\nservice: s\nprovider: {name: aws}\nfunctions: {a: {handler: "+c.handler+"}}\n")
		write(t, dir, "ts.ts", "")
		write(t, dir, "v1.0/deep.mts", "")
		write(t, dir, "js.js", "")
		svc, lines := loadDir(t, dir, Options{})
		if svc == nil {
			t.Fatal(lines)
		}
		got := svc.Root.Get("Resources").Get("ALambdaFunction").Get("Metadata").Get("Suiro").JSON()
		if got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

func TestPositionsPointIntoTheFileAValueComesFrom(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws}\nfunctions: ${file(f.yml)}\n")
	write(t, dir, "f.yml", "a:\n  handler: h.a\n  timeout: 7\n  events:\n    - websocket: $default\n")
	svc, lines := loadDir(t, dir, Options{})
	if svc == nil {
		t.Fatal(lines)
	}
	r := svc.Root.Get("Resources")
	for _, c := range []struct {
		at   string
		line int
	}{
		{r.Get("ALambdaFunction").Pos.String(), 1},
		{r.Get("ALambdaFunction").Get("Properties").Get("Timeout").Pos.String(), 3},
		{r.Get("SdefaultWebsocketsRoute").Pos.String(), 5},
	} {
		if want := filepath.Join(dir, "f.yml") + ":" + string(rune('0'+c.line)) + ":"; !strings.HasPrefix(c.at, want) {
			t.Errorf("%s, want %s", c.at, want)
		}
	}
}

func TestLoadDoesNotChangeWhatItShares(t *testing.T) {
	// One anchor used twice: building one function must not touch the other.
	svc, lines := load(t, `service: s
provider: {name: aws, runtime: nodejs20.x}
x-f: &f {handler: h.a, environment: {A: 1, B: null}, tags: {k: v}}
functions:
  a: *f
  b: {<<: *f, environment: {C: 2}}
`, Options{})
	if svc == nil {
		t.Fatal(lines)
	}
	r := svc.Root.Get("Resources")
	a := r.Get("ALambdaFunction").Get("Properties").Get("Environment").JSON()
	b := r.Get("BLambdaFunction").Get("Properties").Get("Environment").JSON()
	if a != `{"Variables":{"A":"1"}}` || b != `{"Variables":{"C":"2"}}` {
		t.Error(a, b)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	more, _ := filepath.Glob("testdata/framework/*/serverless.yml")
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(data), "\n-----\n")
		f.Add(input)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "serverless.yml")
	f.Fuzz(func(t *testing.T, in string) {
		if strings.Contains(in, "git:") || strings.Contains(in, "file(") { // programs and other files
			return
		}
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		svc, msgs := Load(context.Background(), path, Options{})
		if (svc.Root == nil) != msgs.HasErrors() {
			t.Fatal("a service and errors, or neither")
		}
		if svc.Root != nil && svc.Root.Get("Resources") == nil {
			t.Fatal("no resources")
		}
	})
}
