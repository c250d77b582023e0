package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/journal"
)

func TestMakefileFillsTheArtifactsFolder(t *testing.T) {
	needs(t, "make")
	dir := files(t, map[string]string{"Makefile": "build-Chat:\n\t@echo x >> calls.node_modules; mkdir -p node_modules; echo x >> node_modules/calls\n\trm -f calls.node_modules\n\tcp app.py $(ARTIFACTS_DIR)\n", "app.py": "pass"})
	b := newBuilder(t)
	f := Function{LogicalID: "Chat", Dir: dir, TemplateDir: dir, Handler: "app.handler", Runtime: "python3.12", BuildMethod: "makefile"}
	r := build(t, b, f)
	if !isFile(filepath.Join(r.Root, "app.py")) || r.Root == dir {
		t.Errorf("%+v", r)
	}
	if again := build(t, b, f); again.Root != r.Root {
		t.Error("another folder")
	}
	if calls, _ := os.ReadFile(filepath.Join(dir, "node_modules/calls")); string(calls) != "x\n" {
		t.Errorf("made %q", calls)
	}
}

func TestMakefileProgramForAnotherMachineIsBuiltFromItsSources(t *testing.T) {
	needs(t, "make")
	needs(t, "go")
	if host() == "linux/arm64" {
		t.Skip("not another machine")
	}
	dir := files(t, map[string]string{
		"Makefile": "build-Chat:\n\tGOOS=linux GOARCH=arm64 go build -o $(ARTIFACTS_DIR)/bootstrap .\n\techo page > $(ARTIFACTS_DIR)/page.html\n",
		"main.go":  helloGo, "go.mod": "module x\n\ngo 1.21\n",
	})
	r := build(t, newBuilder(t), Function{LogicalID: "Chat", Dir: dir, TemplateDir: dir, Runtime: "provided.al2023", BuildMethod: "makefile"})
	if !readProgram(r.Bootstrap).runsHere() || !isFile(filepath.Join(r.Root, "page.html")) {
		t.Errorf("%+v", r)
	}
}

func TestMakefileErrors(t *testing.T) {
	needs(t, "make")
	f := Function{LogicalID: "Chat", Runtime: "provided.al2", BuildMethod: "makefile"}
	for _, row := range []struct{ makefile, text string }{
		{"", "BuildMethod makefile needs a Makefile in "},
		{"build-Other:\n\ttrue\n", "make failed: "},
		{"build-Chat:\n\t@echo it broke >&2; exit 3\n", "make failed: it broke; "},
		{"build-Chat:\n\t@true\n", "make build-Chat made no bootstrap"},
	} {
		list := map[string]string{"x": ""}
		if row.makefile != "" {
			list["Makefile"] = row.makefile
		}
		f.Dir = files(t, list)
		if m := buildError(t, newBuilder(t), f); !strings.HasPrefix(m.Text, row.text) {
			t.Error(m)
		}
	}
}

func TestRustNeedsCargo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := files(t, map[string]string{"Cargo.toml": "[package]\nname = \"chat\"\n\n[dependencies]\nname = \"x\"\n"})
	for _, method := range []string{"rust-cargolambda", ""} {
		m := buildError(t, newBuilder(t), Function{Dir: dir, Runtime: "provided.al2023", BuildMethod: method})
		if !strings.HasSuffix(m.Text, "is Rust code, and cargo is not installed") {
			t.Error(m)
		}
	}
}

func TestTheOneProgramOfARustPackage(t *testing.T) {
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		t.Skip("cargo is not installed")
	}
	for _, row := range []struct{ manifest, main, want string }{
		{"", "src/main.rs", "chat"},
		{"[[bin]]\nname = \"handler\"\npath = \"src/bin/other.rs\"\n", "src/bin/other.rs", "handler"},
		{"[[bin]]\nname = \"more\"\npath = \"src/more.rs\"\n", "src/main.rs", "chat"},
		{"autobins = false\n[[bin]]\nname = \"a\"\npath = \"a.rs\"\n[[bin]]\nname = \"b\"\npath = \"b.rs\"\n", "src/lib.rs", "has 2 programs (a, b)"},
		{"", "src/lib.rs", "has no program to run"},
	} {
		dir := files(t, map[string]string{
			"Cargo.toml": "[package]\nname = \"chat\"\nversion = \"0.1.0\"\nedition = \"2021\"\n" + row.manifest,
			row.main:     "fn main() {}", "src/more.rs": "fn main() {}", "a.rs": "fn main() {}", "b.rs": "fn main() {}",
		})
		got, err := newBuilder(t).binaryOf(t.Context(), Function{Dir: dir}, cargo, filepath.Join(dir, "Cargo.toml"))
		if err != nil {
			got = err.Error()
		}
		if got != row.want && !(err != nil && strings.Contains(got, row.want)) {
			t.Errorf("%q: %s, want %s", row.manifest, got, row.want)
		}
	}
}

func TestAToolsFirstErrorIsTold(t *testing.T) {
	for said, want := range map[string]string{
		"  Downloading crates ...\n  Downloaded a v1\n  Downloaded b v1\n  Downloaded c v1\nerror: no bin target named `x`\n": "error: no bin target named `x`",
		"Collecting a\nERROR: No matching distribution found for a\n":                                                         "ERROR: No matching distribution found for a",
		"one\ntwo\n": "one; two",
	} {
		if got := firstLines(fromError(said), 4); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestBuildPropertiesWithoutEffectAreNamed(t *testing.T) {
	dir := files(t, map[string]string{"app.js": ""})
	j := &journal.Journal{}
	sub := j.Subscribe(4, journal.Noticed)
	b := New(Config{CacheDir: t.TempDir(), Journal: j})
	build(t, b, Function{LogicalID: "Fn", Dir: dir, Handler: "app.handler", Runtime: "nodejs20.x", BuildMethod: "nodejs20.x",
		Metadata: metadata(t, `{"BuildProperties":{"UseNpmCi":true,"Minify":true}}`)})
	sub.Close()
	var said []string
	for e := range sub.Entries() {
		said = append(said, e.Text)
	}
	if want := []string{"BuildProperties.Minify has no effect in Suiro"}; !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}
