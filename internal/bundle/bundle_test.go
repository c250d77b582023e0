package bundle

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// esbuild keeps a service goroutine for its lifetime.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/evanw/esbuild/internal/helpers.(*Timer).Begin"))
}

// files writes a project and returns its folder.
func files(t *testing.T, list map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range list {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func newBuilder(t *testing.T) *Builder {
	return New(Config{CacheDir: filepath.Join(t.TempDir(), "cache")})
}

func build(t *testing.T, b *Builder, f Function) *Runnable {
	t.Helper()
	r, err := b.Build(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// buildError builds what must fail, and returns the message.
func buildError(t *testing.T, b *Builder, f Function) *diag.Message {
	t.Helper()
	r, err := b.Build(t.Context(), f)
	var m *diag.Message
	if !errors.As(err, &m) {
		t.Fatalf("built %+v, error %v", r, err)
	}
	return m
}

func needs(t *testing.T, tool string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("runs %s", tool)
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
}

func metadata(t *testing.T, json string) *document.Node {
	t.Helper()
	n, err := document.FromJSON([]byte(json), diag.Position{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPlainCodeRunsWhereItStands(t *testing.T) {
	b := newBuilder(t)
	for runtime, code := range map[string]string{
		"nodejs20.x": "index.js", "python3.12": "index.py", "ruby3.3": "index.rb", "java21": "index.class",
	} {
		dir := files(t, map[string]string{code: "x"})
		r := build(t, b, Function{LogicalID: "Fn", Dir: dir, Handler: "index.handler", Runtime: runtime})
		if r.Root != dir || r.Bootstrap != "" || len(r.Sources) != 1 || r.Sources[0] != dir || r.Hash == "" {
			t.Errorf("%s: %+v", runtime, r)
		}
	}
	if exists(b.cache.Slot("node")) {
		t.Error("something was copied")
	}
}

func TestHashFollowsTheContent(t *testing.T) {
	b := newBuilder(t)
	dir := files(t, map[string]string{"index.js": "1", "node_modules/x/index.js": "1", ".git/HEAD": "1"})
	f := Function{Dir: dir, Handler: "index.handler", Runtime: "nodejs20.x"}
	first := build(t, b, f).Hash
	_ = os.WriteFile(filepath.Join(dir, "node_modules/x/index.js"), []byte("2"), 0o644)
	_ = os.WriteFile(filepath.Join(dir, ".git/HEAD"), []byte("2"), 0o644)
	if build(t, b, f).Hash != first {
		t.Error("an ignored folder counts")
	}
	_ = os.WriteFile(filepath.Join(dir, "index.js"), []byte("2"), 0o644)
	if build(t, b, f).Hash == first {
		t.Error("a change of the code does not count")
	}
}

func TestMissingCodeSaysWhatToDo(t *testing.T) {
	b := newBuilder(t)
	at := diag.Position{File: "template.yaml", Line: 7, Column: 3}
	for _, row := range []struct {
		f    Function
		text string
	}{
		{Function{}, "the function has no code"},
		{Function{Dir: "/nowhere/at/all", Runtime: "nodejs20.x"}, "the code folder /nowhere/at/all does not exist"},
		{Function{Dir: "/nowhere/at/all", Runtime: "python3.12"}, "the code folder /nowhere/at/all does not exist"},
		{Function{Dir: t.TempDir(), Runtime: "dotnet8", BuildMethod: "dotnet7"}, "Suiro does not build with BuildMethod dotnet7"},
		{Function{Inline: "x", Runtime: "java21"}, "code in the template runs on nodejs, python and ruby runtimes, not on java21"},
	} {
		row.f.Pos, row.f.LogicalID = at, "Fn"
		m := buildError(t, b, row.f)
		if m.Position != at || m.Key != "Fn" || m.Text != row.text {
			t.Errorf("%s", m)
		}
	}
}

func TestInlineCodeBecomesAFile(t *testing.T) {
	b := newBuilder(t)
	for _, row := range []struct{ runtime, code, file string }{
		{"nodejs20.x", "exports.handler = async () => 1", "index.js"},
		{"nodejs20.x", "import fs from 'fs'\nexport const handler = async () => 1", "index.mjs"},
		{"nodejs20.x", "const a = 'import x from y'; exports.handler = async () => a", "index.js"},
		{"python3.12", "def handler(event, context): pass", "index.py"},
	} {
		r := build(t, b, Function{LogicalID: "Fn", Inline: row.code, Handler: "index.handler", Runtime: row.runtime, Pos: diag.Position{File: "/app/template.yaml"}})
		if got, _ := os.ReadFile(filepath.Join(r.Root, row.file)); string(got) != row.code {
			t.Errorf("%s: %q", row.file, got)
		}
		if len(r.Sources) != 1 || r.Sources[0] != "/app/template.yaml" {
			t.Errorf("sources %q", r.Sources)
		}
	}
}

func TestParseHandler(t *testing.T) {
	for _, row := range []struct {
		in   string
		want Handler
		ok   bool
	}{
		{"index.handler", Handler{"index", "handler"}, true},
		{"src/chat/api.on.message", Handler{"src/chat/api", "on.message"}, true},
		{"./src/index.handler", Handler{"./src/index", "handler"}, true},
		{"v1.2/index.handler", Handler{"v1.2/index", "handler"}, true},
		{"index", Handler{}, false},
		{"run.sh", Handler{"run", "sh"}, true},
		{".handler", Handler{}, false},
		{"index.", Handler{}, false},
		{"", Handler{}, false},
	} {
		if got, ok := ParseHandler(row.in); got != row.want || ok != row.ok {
			t.Errorf("%q: %+v %v", row.in, got, ok)
		}
	}
}

func FuzzParseHandler(f *testing.F) {
	for _, seed := range []string{"index.handler", "src/a.b.c", "", ".", "/", "a/.b", "run.sh", "../x.y", "a//b.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := ParseHandler(s)
		if !ok {
			return
		}
		if h.Module+"."+h.Export != s || strings.HasSuffix(h.Module, "/") || strings.Contains(h.Export, "/") {
			t.Errorf("%q: %+v", s, h)
		}
	})
}

func TestCancelKillsTheToolAndWhatItStarted(t *testing.T) {
	needs(t, "sh")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	started := filepath.Join(dir, "started")
	go func() {
		for !exists(started) {
		}
		cancel()
	}()
	// The grandchild would hold the output open for a minute.
	_, err := Tool{Path: "sh", Args: []string{"-c", "sleep 60 & touch started; wait"}, Dir: dir}.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLongOutputKeepsBothEnds(t *testing.T) {
	var b endsBuffer
	for range 1000 {
		_, _ = b.Write([]byte(strings.Repeat("x", 99) + "\n"))
	}
	_, _ = b.Write([]byte("the cause"))
	if s := b.String(); len(s) > maxOutput || !strings.HasPrefix(s, "xxx") || !strings.HasSuffix(s, "the cause") {
		t.Errorf("%d bytes", len(s))
	}
}
