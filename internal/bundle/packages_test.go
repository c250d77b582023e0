package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestRequirementNames(t *testing.T) {
	dir := files(t, map[string]string{"requirements.txt": "# packages\nrequests>=2 # pinned later\nboto3\nbotocore==1.2\nPyYAML[extra] ; python_version < '4'\n-r other.txt\n--index-url x\n\n./local\nurllib3\n"})
	if got := requirementNames(filepath.Join(dir, "requirements.txt")); !slices.Equal(got, []string{"requests", "botocore", "PyYAML", "urllib3"}) {
		t.Errorf("%q", got)
	}
}

func TestGemNames(t *testing.T) {
	dir := files(t, map[string]string{"Gemfile": "source 'https://rubygems.org'\ngem 'rack', '~> 3'\n  gem(\"json\")\ngem 'aws-sdk-dynamodb'\n# gem 'no'\n"})
	if got := gemNames(filepath.Join(dir, "Gemfile")); !slices.Equal(got, []string{"rack", "json"}) {
		t.Errorf("%q", got)
	}
}

func TestPythonPackagesThatAreThereAreNotInstalled(t *testing.T) {
	needs(t, "python3")
	dir := files(t, map[string]string{"app.py": "", "requirements.txt": "chat-lib\n", "chat_lib/__init__.py": "", "chat_lib-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: chat-lib\nVersion: 1.0\n"})
	if r := build(t, newBuilder(t), Function{Dir: dir, Handler: "app.handler", Runtime: "python3.11"}); r.Root != dir {
		t.Errorf("%+v", r)
	}
}

func TestMissingPythonPackagesAreInstalled(t *testing.T) {
	needs(t, "python3")
	// A package on disk, so that no network is needed.
	dir := files(t, map[string]string{
		"app.py": "import chatlib\n", "requirements.txt": "./lib\nchatlib-from-suiro-test\n",
		"lib/pyproject.toml": "[project]\nname = \"chatlib-from-suiro-test\"\nversion = \"1.0\"\n\n[tool.setuptools]\npy-modules = [\"chatlib\"]\n",
		"lib/chatlib.py":     "name = 'lib'\n",
	})
	b := newBuilder(t)
	r, err := b.Build(t.Context(), Function{Dir: dir, TemplateDir: dir, Handler: "app.handler", Runtime: "python3.11"})
	if err != nil {
		t.Skipf("pip cannot build here: %v", err)
	}
	if !exists(filepath.Join(r.Root, "chatlib.py")) || !exists(filepath.Join(r.Root, "app.py")) || r.Root == dir {
		t.Errorf("%+v", r)
	}
}

func TestFailedPipSaysWhy(t *testing.T) {
	needs(t, "python3")
	dir := files(t, map[string]string{"app.py": "", "requirements.txt": "suiro-no-such-package==1\n"})
	t.Setenv("PIP_NO_INDEX", "1")
	m := buildError(t, newBuilder(t), Function{Dir: dir, TemplateDir: dir, Handler: "app.handler", Runtime: "python3.11"})
	if !strings.Contains(m.Text, "suiro-no-such-package") || m.Hint != "run pip install -r requirements.txt" {
		t.Error(m)
	}
}

func TestMissingGemsWithoutBundler(t *testing.T) {
	needs(t, "ruby")
	if _, err := exec.LookPath("bundle"); err == nil {
		t.Skip("bundler is there")
	}
	dir := files(t, map[string]string{"app.rb": "", "Gemfile": "gem 'suiro-no-such-gem'\n"})
	m := buildError(t, newBuilder(t), Function{Dir: dir, TemplateDir: dir, Handler: "app.handler", Runtime: "ruby3.2"})
	if !strings.Contains(m.Text, "bundler is not there") || !strings.Contains(m.Hint, "gem install suiro-no-such-gem") {
		t.Error(m)
	}
}

// fakeInterpreter is a script that answers like an interpreter of a version.
func fakeInterpreter(t *testing.T, dir, name, version string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("uses shell scripts")
	}
	path := filepath.Join(dir, name)
	script := "#!/bin/sh\necho x >> '" + path + ".calls'\necho '" + path + "'\necho " + version + "\n"
	if version == "" {
		script = "#!/bin/sh\necho 'not active' >&2; exit 127\n"
	}
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestNearestInterpreterIsFound(t *testing.T) {
	for _, row := range []struct {
		name      string
		installed map[string]string // program → version, "" for a shim that fails
		language  string
		wanted    string
		want      string
	}{
		{"the very one", map[string]string{"python3": "3.11.7", "python3.12": "3.12.1"}, "python", "3.12", "python3.12"},
		{"an inactive shim is passed over", map[string]string{"python3": "3.11.7", "python3.12": ""}, "python", "3.12", "python3"},
		{"the next newer one", map[string]string{"python3": "3.9.1", "python3.13": "3.13.0", "python3.11": "3.11.7"}, "python", "3.12", "python3.13"},
		{"the nearest of older ones", map[string]string{"python3": "3.9.1", "python3.10": "3.10.0"}, "python", "3.14", "python3.10"},
		{"no Python 2", map[string]string{"python": "2.7.18"}, "python", "3.8", ""},
		{"any node", map[string]string{"node": "20.20.2"}, "node", "12", "node"},
		{"node by number", map[string]string{"node": "20.20.2", "node22": "22.1.0"}, "node", "22", "node22"},
		{"nothing", nil, "ruby", "3.2", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, version := range row.installed {
				fakeInterpreter(t, dir, name, version)
			}
			t.Setenv("PATH", dir+":/usr/bin/nowhere")
			got, err := NewInterpreters(t.TempDir()).Find(t.Context(), row.language, row.wanted, dir)
			if row.want == "" {
				if _, ok := err.(*MissingInterpreter); !ok {
					t.Errorf("%+v %v", got, err)
				}
				return
			}
			if err != nil || filepath.Base(got.Path) != row.want {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

func TestInterpreterIsAskedOnce(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	fakeInterpreter(t, dir, "ruby", "3.2.1")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	for range 3 {
		got, err := NewInterpreters(cache).Find(t.Context(), "ruby", "3.2", dir)
		if err != nil || got.Version != "3.2.1" || got.Minor() != "3.2" || got.Major() != 3 {
			t.Fatal(got, err)
		}
	}
	if calls, _ := os.ReadFile(filepath.Join(dir, "ruby.calls")); string(calls) != "x\n" {
		t.Errorf("asked %d times", len(calls)/2)
	}
}

func TestShimGivesWayToTheProgramItself(t *testing.T) {
	needs(t, "python3")
	got, err := NewInterpreters(t.TempDir()).Find(t.Context(), "python", "3.11", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.Path, "shims") || readProgram(got.Path).script {
		t.Errorf("%+v", got)
	}
}
