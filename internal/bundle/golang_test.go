package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

const helloGo = "package main\n\nfunc main() { println(\"hello\") }\n"

// elfARM64 is the head of a program for linux/arm64.
var elfARM64 = func() string {
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x01\x01")
	h[16], h[18], h[20], h[52] = 2, 183, 1, 64
	return string(h)
}()

func TestFindGoPackage(t *testing.T) {
	for _, row := range []struct {
		name             string
		files            string // paths, space separated; *.go are main packages
		makefile         string
		dir              string // code folder, relative
		handler, runtime string
		logical          string
		want             string
	}{
		{"code folder", "hello/main.go hello/go.mod", "", "hello", "bootstrap", "provided.al2", "Fn", "hello"},
		{"module above the code folder", "go.mod functions/chat/main.go", "", "functions/chat", "bootstrap", "provided.al2", "Fn", "functions/chat"},
		{"build folder that does not exist", "go.mod main.go api/connect/main.go api/send/main.go", "", "api/connect/bin", "bootstrap", "provided.al2", "Fn", "api/connect"},
		{"build folder of the root package", "go.mod main.go api/connect/main.go", "", "bin", "bootstrap", "provided.al2", "Front", "."},
		{"handler names a folder", "go.mod connect/main.go send/main.go", "", ".", "bin/connect", "go1.x", "Fn", "connect"},
		{"under cmd", "go.mod cmd/connect/main.go cmd/send/main.go", "", ".", "bin/connect", "go1.x", "Fn", "cmd/connect"},
		{"under functions", "go.mod functions/connect/main.go", "", ".", "bin/connect", "go1.x", "Fn", "functions/connect"},
		{"bootstrap in a folder of the handler's name", "go.mod functions/connect/main.go functions/send/main.go", "", ".", "bin/connect/bootstrap", "provided.al2", "Fn", "functions/connect"},
		{"single file programs", "go.mod todos/create.go todos/list.go", "", ".", "bin/create", "go1.x", "Fn", "todos/create.go"},
		{"Makefile rule", "go.mod todos/create.go todos/make.go", "build:\n\tenv GOOS=linux go build -ldflags=\"-s -w\" -o bin/create todos/make.go\n", ".", "bin/create", "go1.x", "Fn", "todos/make.go"},
		{"Makefile rule with a package", "go.mod x/a/main.go x/b/main.go", "a:\n\tGOOS=linux go build -tags lambda.norpc -o build/bootstrap ./x/b && zip\n", "build", "bootstrap", "provided.al2", "A", "x/b"},
		{"function's name", "go.mod lambda/connect/main.go lambda/send/main.go", "", ".", "bootstrap", "provided.al2", "SendFunction", "lambda/send"},
		{"artifact that was not packed", "go.mod cmd/send/main.go cmd/connect/main.go", "", "bin/send.zip", "bootstrap", "provided.al2", "Fn", "cmd/send"},
		{"the only program", "go.mod deep/down/here/main.go", "", ".", "bin/thing", "go1.x", "Fn", "deep/down/here"},
		{"several programs, none of the name", "go.mod deep/a/x/main.go deep/b/y/main.go", "", ".", "bin/thing", "go1.x", "Fn", ""},
		{"other code", "index.js", "", ".", "bootstrap", "provided.al2", "Fn", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			list := map[string]string{}
			for name := range strings.FieldsSeq(row.files) {
				list[name] = map[string]string{".go": helloGo, ".mod": "module example.com/x\n"}[filepath.Ext(name)]
			}
			if row.makefile != "" {
				list["Makefile"] = row.makefile
			}
			root := files(t, list)
			f := Function{LogicalID: row.logical, Dir: filepath.Join(root, filepath.FromSlash(row.dir)), TemplateDir: root, Handler: row.handler, Runtime: row.runtime}
			pkg, ok := findGoPackage(f)
			want := ""
			if row.want != "" {
				want = filepath.Join(root, filepath.FromSlash(row.want))
			}
			if pkg.target != want || ok != (want != "") {
				t.Errorf("found %q, want %q", pkg.target, want)
			}
			if ok && pkg.module == "" {
				t.Error("without its module")
			}
		})
	}
}

// A packed program is found by the archive's name, wherever it was unpacked.
func TestFindGoPackageOfAnArchive(t *testing.T) {
	root := files(t, map[string]string{"go.mod": "module example.com/x\n", "cmd/send/main.go": helloGo, "cmd/connect/main.go": helloGo})
	f := Function{LogicalID: "WsocketLambdaFunction", Dir: t.TempDir(), TemplateDir: root, Handler: "bootstrap", Runtime: "provided.al2",
		archive: filepath.Join(root, "bin", "connect", "connect.zip")}
	if pkg, ok := findGoPackage(f); !ok || pkg.target != filepath.Join(root, "cmd", "connect") {
		t.Errorf("found %q", pkg.target)
	}
}

func TestGoBuildArguments(t *testing.T) {
	for line, want := range map[string][2]string{
		` -o bin/a ./cmd/a`: {"bin/a", "./cmd/a"},
		` -ldflags="-s -w" -tags lambda.norpc -o "bin/a" cmd/a/main.go`: {"bin/a", "cmd/a/main.go"},
		` -o=bootstrap`:       {"bootstrap", "."},
		` -o bin/$@ ./cmd/$@`: {"", ""},
		` ./...`:              {"", "./..."},
	} {
		if out, pkg := goBuildArguments(line); out != want[0] || pkg != want[1] {
			t.Errorf("%s: %q %q", line, out, pkg)
		}
	}
}

func TestProgramThatRunsHereIsUsedInPlace(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("scripts are no programs on Windows")
	}
	dir := files(t, map[string]string{"bootstrap": "#!/bin/sh\n", "main.go": helloGo, "go.mod": "module x\n"})
	r := build(t, newBuilder(t), Function{Dir: dir, Handler: "x", Runtime: "provided.al2023"})
	if r.Root != dir || r.Bootstrap != filepath.Join(dir, "bootstrap") {
		t.Errorf("%+v", r)
	}
	_ = os.Chmod(filepath.Join(dir, "bootstrap"), 0o644)
	if m := buildError(t, newBuilder(t), Function{Dir: dir, TemplateDir: dir, Runtime: "provided"}); m.Text != "bootstrap is not executable" || m.Hint != "run chmod +x bootstrap" {
		t.Error(m)
	}
}

func TestForeignProgramWithoutSourcesIsExplained(t *testing.T) {
	if host() == "linux/arm64" {
		t.Skip("not foreign here")
	}
	dir := files(t, map[string]string{"bootstrap": elfARM64})
	m := buildError(t, newBuilder(t), Function{Dir: dir, TemplateDir: dir, Runtime: "provided.al2"})
	if !strings.HasPrefix(m.Text, "bootstrap is built for linux/arm64; this machine is "+host()) {
		t.Error(m)
	}
}

func TestNoProgramAndNoSourcesSaysWhereItLooked(t *testing.T) {
	dir := files(t, map[string]string{"README.md": ""})
	m := buildError(t, newBuilder(t), Function{Dir: dir, Handler: "bin/chat", Runtime: "go1.x"})
	if !strings.Contains(m.Text, "has no program chat") || !strings.Contains(m.Hint, "bin/chat") {
		t.Error(m)
	}
}

// countingGo puts a go command in PATH that counts its calls.
func countingGo(t *testing.T) (calls func() int) {
	needs(t, "go")
	if runtime.GOOS == "windows" {
		t.Skip("uses a shell script")
	}
	real, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not installed")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho x >> " + log + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() int {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "x")
	}
}

func TestGoIsBuiltOnceForTheSameContent(t *testing.T) {
	calls := countingGo(t)
	cache := t.TempDir()
	root := files(t, map[string]string{
		"go.mod": "module example.com/chat\n\ngo 1.21\n", "bin/bootstrap": elfARM64,
		"cmd/chat/main.go":   "package main\n\nimport (\n\t_ \"embed\"\n\t\"example.com/chat/room\"\n)\n\n//go:embed page.html\nvar page string\n\nfunc main() { print(room.Name, page) }\n",
		"cmd/chat/page.html": "<p>", "room/room.go": "package room\n\nconst Name = \"blue\"\n", "notes.txt": "x", "room/room_test.go": "package room\n",
	})
	f := Function{LogicalID: "Chat", Dir: root, TemplateDir: root, Handler: "bin/chat", Runtime: "provided.al2"}
	// A new builder each time: only the disk remembers.
	run := func() (*Runnable, string) {
		r := build(t, New(Config{CacheDir: cache}), f)
		out, err := exec.Command(r.Bootstrap).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return r, string(out)
	}
	r, out := run()
	if out != "blue<p>" || r.Root != root || !slices.Equal(r.Sources, []string{root}) || calls() != 1 {
		t.Fatalf("%+v says %q after %d calls", r, out, calls())
	}
	_ = os.WriteFile(filepath.Join(root, "notes.txt"), []byte("y"), 0o644)
	_ = os.WriteFile(filepath.Join(root, "room/room_test.go"), []byte("package room // y\n"), 0o644)
	if again, _ := run(); again.Hash != r.Hash || calls() != 1 {
		t.Errorf("built %d times", calls())
	}
	for path, text := range map[string]string{"room/room.go": "package room\n\nconst Name = \"red\"\n", "cmd/chat/page.html": "<b>"} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		before := calls()
		if again, _ := run(); again.Hash == r.Hash || calls() != before+1 {
			t.Errorf("a change of %s does not count", path)
		}
	}
	if _, out := run(); out != "red<b>" {
		t.Errorf("says %q", out)
	}
}

func TestGoErrorsStandWhereTheCompilerPutsThem(t *testing.T) {
	needs(t, "go")
	root := files(t, map[string]string{"go.mod": "module x\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {\n\tundefined()\n\tmissing()\n}\n"})
	m := buildError(t, newBuilder(t), Function{LogicalID: "Chat", Dir: root, TemplateDir: root, Runtime: "provided.al2"})
	if m.Position.File != filepath.Join(root, "main.go") || m.Position.Line != 4 || m.Position.Column != 2 || m.Text != "undefined: undefined" || m.Key != "Chat" || !strings.HasPrefix(m.Hint, "1 more") {
		t.Errorf("%+v", m)
	}
}

func TestGoWithoutModuleSaysWhatToRun(t *testing.T) {
	needs(t, "go")
	root := files(t, map[string]string{"chat/main.go": helloGo})
	m := buildError(t, newBuilder(t), Function{Dir: filepath.Join(root, "chat"), TemplateDir: root, Runtime: "go1.x", Handler: "main"})
	if m.Text != "chat belongs to no Go module" || !strings.HasPrefix(m.Hint, "run go mod init") {
		t.Error(m)
	}
}

func TestIncompleteModuleIsResolvedInACopy(t *testing.T) {
	needs(t, "go")
	const mod = "module example.com/chat\n\ngo 1.21\n\nreplace example.com/room => ./room\n"
	root := files(t, map[string]string{
		"go.mod": mod, "main.go": "package main\n\nimport \"example.com/room\"\n\nfunc main() { print(room.Name) }\n",
		"room/go.mod": "module example.com/room\n\ngo 1.21\n", "room/room.go": "package room\n\nconst Name = \"blue\"\n",
	})
	b := newBuilder(t)
	r := build(t, b, Function{Dir: root, TemplateDir: root, Runtime: "provided.al2"})
	if out, err := exec.Command(r.Bootstrap).CombinedOutput(); err != nil || string(out) != "blue" {
		t.Errorf("%s %v", out, err)
	}
	if text, _ := os.ReadFile(filepath.Join(root, "go.mod")); string(text) != mod || exists(filepath.Join(root, "go.sum")) {
		t.Error("the user's go.mod was changed")
	}
}

func TestReplacedAndWorkspaceModulesCountAsSources(t *testing.T) {
	root := files(t, map[string]string{
		"a/go.mod": "module a\n\nrequire b v0.0.0\n\nreplace b => ../b\n", "b/go.mod": "module b\n\nreplace (\n\tc => ../c\n\td => example.com/d v1.0.0\n)\n",
		"c/go.mod": "module c\n", "e/go.mod": "module e\n", "go.work": "go 1.21\n\nuse (\n\t./a\n\t./e\n)\n",
	})
	got := localModules(filepath.Join(root, "a"))
	slices.Sort(got)
	want := []string{filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "c"), filepath.Join(root, "e")}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestOldProgramBesideNewerSourcesIsNoticed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("copies a program without its extension")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := files(t, map[string]string{"main.go": helloGo, "go.mod": "module x\n"})
	program := filepath.Join(dir, "bootstrap")
	if err := copyFile(self, program); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	_ = os.Chtimes(program, old, old)
	var j journal.Journal
	sub := j.Subscribe(1)
	defer sub.Close()
	r := build(t, New(Config{CacheDir: t.TempDir(), Journal: &j}), Function{Dir: dir, TemplateDir: dir, Runtime: "provided.al2"})
	if r.Bootstrap != program {
		t.Errorf("%+v", r)
	}
	if e := <-sub.Entries(); !strings.HasPrefix(e.Text, "bootstrap is older than main.go") {
		t.Errorf("%+v", e)
	}
}
