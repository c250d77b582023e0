package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const service = "service: a\nprovider: {name: aws}\nresources:\n  Resources:\n    T:\n      Type: AWS::DynamoDB::Table\n"

const table = "Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n"

func TestTheTemplateIsFoundAsTheToolsFindIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		path  string
		want  Kind
		file  string
	}{
		{"plain template", map[string]string{"template.yaml": table}, "", CloudFormation, "template.yaml"},
		{"serverless before template", map[string]string{"template.yaml": table, "serverless.yml": service}, "", Serverless, "serverless.yml"},
		{"a file by name", map[string]string{"infra.yaml": table}, "infra.yaml", CloudFormation, "infra.yaml"},
		{"a Serverless file of another name", map[string]string{"svc.yml": service}, "svc.yml", Serverless, "svc.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, t.TempDir(), c.files)
			a, msgs := Load(context.Background(), Options{Path: filepath.Join(dir, c.path)})
			if msgs.HasErrors() {
				t.Fatal(msgs)
			}
			if a.Kind != c.want || filepath.Base(a.Template) != c.file || len(a.Stacks) != 1 {
				t.Errorf("%s %s, %d stacks", a.Kind, a.Template, len(a.Stacks))
			}
		})
	}
}

func TestAMissingTemplateSaysWhatWasLookedFor(t *testing.T) {
	_, msgs := Load(context.Background(), Options{Path: t.TempDir()})
	if !msgs.HasErrors() || !strings.Contains(msgs.Error(), "no template found") || !strings.Contains(msgs.Error(), "serverless.yml") {
		t.Error(msgs)
	}
	dir := write(t, t.TempDir(), map[string]string{"cdk.json": "{}"})
	if _, msgs := Load(context.Background(), Options{Path: dir}); !strings.Contains(msgs.Error(), "npx cdk synth") {
		t.Error(msgs)
	}
	if _, msgs := Load(context.Background(), Options{Path: filepath.Join(dir, "nope")}); !strings.Contains(msgs.Error(), "no such file or folder") {
		t.Error(msgs)
	}
}

func TestAnUnknownSettingIsAnErrorWithItsPlace(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"template.yaml": table, SettingsFile: "ports:\n  T: 99999\nprot: 1\nwebSocket:\n  idleTimeout: soon\n  age: 1\n"})
	_, msgs := Load(context.Background(), Options{Path: dir})
	for _, want := range []string{"suiro.yaml:2:6: ports.T: not a port number", "suiro.yaml:3:1: prot: no such setting",
		"suiro.yaml:5:16: webSocket.idleTimeout: takes a number of seconds", "suiro.yaml:6:3: webSocket.age: no such setting"} {
		if !strings.Contains(msgs.Error(), want) {
			t.Errorf("%q is not in %v", want, msgs)
		}
	}
}

func TestParametersComeFromTheCommandLineBeforeTheSettings(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"template.yaml": table, SettingsFile: "parameters: {A: settings, B: settings}\n"})
	a, msgs := Load(context.Background(), Options{Path: dir, Params: map[string]string{"A": "flag"}})
	if msgs.HasErrors() || a.Stacks[0].Parameters["A"] != "flag" || a.Stacks[0].Parameters["B"] != "settings" {
		t.Errorf("%v %v", a, msgs)
	}
}

func TestStackNamesAreLegal(t *testing.T) {
	for in, want := range map[string]string{"chat-go": "chat-go", "My App!": "My-App", "1st": "app-1st", "": "app", "__x__": "x"} {
		if got := stackName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestASecondSuiroOnTheSameFolderIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".suiro")
	first, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(dir); err == nil || !strings.Contains(err.Error(), "another suiro (process ") || !strings.Contains(err.Error(), "--data") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("still there")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestWatcherTellsChangesOfFilesAndNewFolders(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"a.js": "1", "node_modules/x/y.js": "1", "other.txt": "1"})
	w, err := NewWatcher([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan []string, 10)
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx, func(p []string) { got <- p }) }()
	defer func() { cancel(); <-done }()

	write(t, dir, map[string]string{"node_modules/x/y.js": "2", "a.js": "2"})
	expect(t, got, "a.js")
	write(t, dir, map[string]string{"sub/b.js": "1"})
	expect(t, got, "sub")
	write(t, dir, map[string]string{"sub/b.js": "2"})
	expect(t, got, "b.js")
}

func expect(t *testing.T, got <-chan []string, base string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case paths := <-got:
			for _, p := range paths {
				if strings.Contains(p, "node_modules") {
					t.Errorf("told %s", p)
				}
			}
			if slices.ContainsFunc(paths, func(p string) bool { return filepath.Base(p) == base }) {
				return
			}
		case <-deadline:
			t.Fatalf("no change of %s told", base)
		}
	}
}

func TestEnvFiles(t *testing.T) {
	got := parseEnvFile("# c\nexport A=1\nB='x # y'\nC=\"l\\nm\"\nD=v # comment\nE=\nnonsense\n")
	want := map[string]string{"A": "1", "B": "x # y", "C": "l\nm", "D": "v", "E": ""}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s = %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}
