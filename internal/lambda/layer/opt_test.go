//go:build linux

package layer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/process"
)

// layersOf makes folders with files that hold their own paths.
func layersOf(t *testing.T, files ...[]string) List {
	t.Helper()
	var out List
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
		out = append(out, &Layer{Dir: dir, Source: dir})
	}
	return out
}

// Of files in several layers the last layer's is there, as AWS unpacks them
// one after the other.
func TestLayersLieOverOneAnother(t *testing.T) {
	layers := layersOf(t, []string{"one", "both", "lib/deep/one", "lib/deep/both"}, []string{"both", "lib/deep/both", "lib/deep/two"}, []string{"lib/three"})
	onto := t.TempDir()
	for _, l := range layers {
		if err := overlay(onto, l.Dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"one": "a/one", "both": "b/both", "lib/deep/one": "a/lib/deep/one",
		"lib/deep/both": "b/lib/deep/both", "lib/deep/two": "b/lib/deep/two", "lib/three": "c/lib/three"} {
		if got, err := os.ReadFile(filepath.Join(onto, name)); string(got) != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(layers[0].Dir, "both")); string(got) != "a/both" {
		t.Errorf("the layer itself was changed: %s", got)
	}
	if p := layers.File("both"); p != filepath.Join(layers[1].Dir, "both") {
		t.Errorf("File: %s", p)
	}
}

func TestVariablesThatNameOpt(t *testing.T) {
	layers := layersOf(t, []string{"hook.js", "agent.jar"}, []string{"hook.js"})
	for value, want := range map[string]string{
		"--require /opt/hook.js --inspect": "--require " + layers[1].Dir + "/hook.js --inspect",
		"-javaagent:/opt/agent.jar=x":      "-javaagent:" + layers[0].Dir + "/agent.jar=x",
		"/opt/agent.jar:/opt/none":         layers[0].Dir + "/agent.jar:/opt/none",
		"/usr/opt":                         "/usr/opt",
	} {
		if got := layers.withoutOpt(value); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// Extensions are found by name; they get no variable that is the runtime's.
func TestExtensionsOfLayers(t *testing.T) {
	layers := layersOf(t, []string{"extensions/b", "extensions/both", "extensions/folder/x"}, []string{"extensions/a", "extensions/both", "extensions/without"})
	got := layers.Extensions(process.Command{Env: []string{"_HANDLER=a.b", "A=1", "AWS_EXECUTION_ENV=x", "LAMBDA_TASK_ROOT=/", "AWS_REGION=r"}}, "without")
	var names []string
	for _, x := range got {
		names = append(names, x.Name)
		if !slices.Equal(x.Command.Env, []string{"A=1", "AWS_REGION=r"}) {
			t.Errorf("environment %s", x.Command.Env)
		}
	}
	if strings.Join(names, " ") != "a b both" || got[2].Command.Path != filepath.Join(layers[1].Dir, "extensions", "both") {
		t.Errorf("%s, %+v", names, got)
	}
}
