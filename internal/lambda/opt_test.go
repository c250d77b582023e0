//go:build linux

package lambda

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/process"
)

// layersOf makes folders with files that hold their own paths.
func layersOf(t *testing.T, files ...[]string) []*layer {
	t.Helper()
	var out []*layer
	for i, names := range files {
		dir := filepath.Join(t.TempDir(), string(rune('a'+i)))
		for _, name := range append(names, ".") {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if name == "." {
				continue
			}
			if err := os.WriteFile(path, []byte(string(rune('a'+i))+"/"+name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, &layer{dir: dir, source: dir})
	}
	return out
}

// Of files in several layers the last layer's is there, as AWS unpacks them
// one after the other.
func TestLayersLieOverOneAnother(t *testing.T) {
	layers := layersOf(t, []string{"one", "both", "lib/deep/one", "lib/deep/both"}, []string{"both", "lib/deep/both", "lib/deep/two"}, []string{"lib/three"})
	onto := t.TempDir()
	for _, l := range layers {
		if err := overlay(onto, l.dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"one": "a/one", "both": "b/both", "lib/deep/one": "a/lib/deep/one",
		"lib/deep/both": "b/lib/deep/both", "lib/deep/two": "b/lib/deep/two", "lib/three": "c/lib/three"} {
		if got, err := os.ReadFile(filepath.Join(onto, name)); string(got) != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(layers[0].dir, "both")); string(got) != "a/both" {
		t.Errorf("the layer itself was changed: %s", got)
	}
	if p := inLayers(layers, "both"); p != filepath.Join(layers[1].dir, "both") {
		t.Errorf("inLayers: %s", p)
	}
}

func TestVariablesThatNameOpt(t *testing.T) {
	layers := layersOf(t, []string{"hook.js", "agent.jar"}, []string{"hook.js"})
	for value, want := range map[string]string{
		"--require /opt/hook.js --inspect": "--require " + layers[1].dir + "/hook.js --inspect",
		"-javaagent:/opt/agent.jar=x":      "-javaagent:" + layers[0].dir + "/agent.jar=x",
		"/opt/agent.jar:/opt/none":         layers[0].dir + "/agent.jar:/opt/none",
		"/usr/opt":                         "/usr/opt",
	} {
		if got := withoutOpt(value, layers); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// Extensions are found by name; they get no variable that is the runtime's.
func TestExtensionsOfLayers(t *testing.T) {
	layers := layersOf(t, []string{"extensions/b", "extensions/both", "extensions/folder/x"}, []string{"extensions/a", "extensions/both"})
	r := &revision{layers: layers}
	got := r.extensions(process.Command{Env: []string{"_HANDLER=a.b", "A=1", "AWS_EXECUTION_ENV=x", "LAMBDA_TASK_ROOT=/", "AWS_REGION=r"}})
	var names []string
	for _, x := range got {
		names = append(names, x.Name)
		if !slices.Equal(x.Command.Env, []string{"A=1", "AWS_REGION=r"}) {
			t.Errorf("environment %s", x.Command.Env)
		}
	}
	if strings.Join(names, " ") != "a b both" || got[2].Command.Path != filepath.Join(layers[1].dir, "extensions", "both") {
		t.Errorf("%s, %+v", names, got)
	}
}

// A wrapper gets the runtime's command line; a missing one is status 127.
func TestExecWrapper(t *testing.T) {
	p := newPlace(t)
	layer := p.file("layer/wrap", "#!/bin/sh\nexport WRAPPED=\"$1\"\nexec \"$@\"\n")
	arn := p.create("Layer", "LayerVersion", `{Content: layer}`).PhysicalID
	p.create("Fn", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: fn, Layers: ["`+arn+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("fn", `{"do":"env"}`); !strings.Contains(body, `"WRAPPED=/`) {
		t.Errorf("not wrapped by %s: %s", layer, body)
	}
	p.create("Os", "Function", `{Code: ".", Runtime: provided.al2023, Handler: a.b, FunctionName: os, Layers: ["`+arn+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("os", `{"do":"env"}`); strings.Contains(body, `"WRAPPED=`) {
		t.Errorf("an OS-only runtime was wrapped: %s", body)
	}
	p.create("Bad", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: bad, Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/none}}}`)
	if body, end := p.call("bad", `{}`); end.ErrorType != "Runtime.ExitError" || !strings.Contains(body, "Runtime exited with error: exit status 127") {
		t.Errorf("%s, %+v", body, end)
	}
}

// Code that names /opt finds the layers there, where the system lets us.
func TestOptIsThere(t *testing.T) {
	if !optIsMounted() {
		t.Skip("this system allows no mount namespaces, or has no /opt")
	}
	p := newPlace(t)
	p.file("one/both", "one")
	p.file("two/both", "two")
	p.file("two/wrap", "#!/bin/sh\nexport OPT=\"$(cat /opt/both) $(ls /opt | tr '\\n' ' ')$(grep -c sandbox.localdomain /etc/hosts)\"\nexec \"$@\"\n")
	one := p.create("One", "LayerVersion", `{Content: one}`).PhysicalID
	two := p.create("Two", "LayerVersion", `{Content: two}`).PhysicalID
	p.create("Fn", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: fn, Layers: ["`+one+`", "`+two+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("fn", `{"do":"env"}`); !strings.Contains(body, `"OPT=two both wrap 1"`) {
		t.Errorf("%s", body)
	}
}

// file writes an executable file of the place.
func (p *place) file(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		p.t.Fatal(err)
	}
	return path
}
