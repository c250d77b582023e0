// Package builds starts apps from clean folders, as they are after git clone,
// and calls them: what sam build, a bundler plug-in, tsc or a package manager
// would have made first is there (docs/builds.md).
package builds

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/test/suiro"
)

// row is one app: a function Fn with a URL, that answers "built" in some way.
type row struct {
	name    string
	tools   []string // that the build needs
	install bool     // --install
	// serverless is the function in serverless.yml, instead of properties.
	serverless string
	// properties and metadata of the function, and other resources.
	properties, metadata, resources string
	files                           map[string]string
	prepare                         func(t *testing.T, dir string)
	want                            string
}

// near is a package on disk, so that no registry is asked.
var near = map[string]string{"near/package.json": `{"name":"near","version":"1.0.0"}`, "near/index.js": `module.exports = "built"`}

func with(files, more map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{files, more} {
		for name, text := range m {
			all[name] = text
		}
	}
	return all
}

func run(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

const (
	node    = "Runtime: nodejs22.x, Handler: app.handler"
	nodeApp = `exports.handler = async () => require("near")`
	asks    = `{"dependencies":{"near":"file:./near"}}`
)

var rows = []row{
	{name: "npm with a lock file", tools: []string{"npm"}, install: true, properties: "CodeUri: ., " + node,
		files:   with(near, map[string]string{"app.js": nodeApp, "package.json": asks}),
		prepare: func(t *testing.T, dir string) { run(t, dir, "npm", "install", "--package-lock-only", "--silent") }, want: "built"},
	{name: "npm without a lock file", tools: []string{"npm"}, install: true, properties: "CodeUri: ., " + node,
		files: with(near, map[string]string{"app.js": nodeApp, "package.json": asks}), want: "built"},
	{name: "yarn", tools: []string{"yarn"}, install: true, properties: "CodeUri: ., " + node,
		files: with(near, map[string]string{"app.js": nodeApp, "package.json": asks, "yarn.lock": "# yarn lockfile v1\n\n\n\"near@file:./near\":\n  version \"1.0.0\"\n"}), want: "built"},
	{name: "pnpm", tools: []string{"pnpm"}, install: true, properties: "CodeUri: ., " + node,
		files:   with(near, map[string]string{"app.js": nodeApp, "package.json": asks}),
		prepare: func(t *testing.T, dir string) { run(t, dir, "pnpm", "install", "--lockfile-only", "--silent") }, want: "built"},
	{name: "npm with a shrinkwrap", tools: []string{"npm"}, install: true, properties: "CodeUri: ., " + node,
		files: with(near, map[string]string{"app.js": nodeApp, "package.json": asks}),
		prepare: func(t *testing.T, dir string) {
			run(t, dir, "npm", "install", "--package-lock-only", "--silent")
			run(t, dir, "npm", "shrinkwrap", "--silent")
		}, want: "built"},
	{name: "yarn 2 and later", tools: []string{"yarn-berry"}, install: true, properties: "CodeUri: ., " + node,
		files:   with(near, map[string]string{"app.js": nodeApp, "package.json": asks, "yarn.lock": ""}),
		prepare: func(t *testing.T, dir string) { run(t, dir, "yarn", "install", "--mode=update-lockfile") }, want: "built"},
	{name: "bun", tools: []string{"bun"}, install: true, properties: "CodeUri: ., " + node,
		files:   with(near, map[string]string{"app.js": nodeApp, "package.json": asks}),
		prepare: func(t *testing.T, dir string) { run(t, dir, "bun", "install", "--lockfile-only") }, want: "built"},
	{name: "npm workspaces", tools: []string{"npm"}, install: true, properties: "CodeUri: fn/, " + node,
		files: with(near, map[string]string{"package.json": `{"private":true,"workspaces":["fn","near"]}`,
			"fn/package.json": `{"name":"fn","version":"1.0.0","dependencies":{"near":"1.0.0"}}`, "fn/app.js": nodeApp}), want: "built"},
	{name: "tsc", properties: "CodeUri: dist/, " + node, files: map[string]string{
		"tsconfig.json": "{\n  // where it goes\n  \"compilerOptions\": {\"outDir\": \"./dist\", \"rootDir\": \"src\", \"strict\": true,},\n}\n",
		"src/app.ts":    "import { text } from './deep/text'\nexport const handler = async (): Promise<string> => text\n", "src/deep/text.ts": "export const text: string = 'built'\n"}, want: "built"},
	{name: "esbuild", properties: "CodeUri: ., Runtime: nodejs22.x, Handler: app.handler", metadata: `
      BuildMethod: esbuild
      BuildProperties:
        EntryPoints: [src/app.ts, src/worker.ts]
        Minify: true
        Target: es2022
        Sourcemap: true
        Format: esm
        OutExtension: [.js=.mjs]
        Loader: [.txt=text]
        MainFields: module,main
        External: [left-out]
        Banner: ["js=globalThis.banner = 'banner'"]
`, files: map[string]string{
		"src/app.ts": `import { readdirSync } from 'node:fs'
import text from './text.txt'
import { which } from 'fields'
export const handler = async (): Promise<string> => [text.trim(), (globalThis as any).banner, which, readdirSync(import.meta.dirname).filter((n) => n.endsWith('.mjs')).sort().join('+')].join(' ')
export const later = () => import('left-out')
`,
		"src/worker.ts": "export const n: number = 1\n", "src/text.txt": "built\n",
		"node_modules/fields/package.json": `{"name":"fields","main":"main.js","module":"module.js"}`,
		"node_modules/fields/main.js":      `exports.which = "main"`, "node_modules/fields/module.js": `export const which = "module"`,
	}, want: "built banner module app.mjs+worker.mjs"},
	{name: "requirements.txt", tools: []string{"python3"}, properties: "CodeUri: ., Runtime: python3.12, Handler: app.handler", files: map[string]string{
		"requirements.txt": "iniconfig==2.0.0\n", "app.py": "import iniconfig\ndef handler(event, context):\n    return 'built ' + iniconfig.IniConfig.__name__\n"}, want: "built IniConfig"},
	{name: "uv", tools: []string{"python3", "uv"}, properties: "CodeUri: ., Runtime: python3.12, Handler: app.handler", metadata: "{BuildMethod: python-uv}",
		files: map[string]string{"pyproject.toml": pyproject, "app.py": asksIni}, prepare: func(t *testing.T, dir string) { run(t, dir, "uv", "lock", "--quiet") }, want: "built IniConfig"},
	{name: "Poetry", tools: []string{"python3", "poetry"}, serverless: pythonService, files: map[string]string{
		"pyproject.toml":      "[project]\nname = \"fn\"\nversion = \"1.0.0\"\nrequires-python = \">=3.9\"\n\n[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\nsuiro-near = {path = \"near\"}\n",
		"near/pyproject.toml": "[project]\nname = \"suiro-near\"\nversion = \"1.0.0\"\n\n[tool.setuptools]\npy-modules = [\"suironear\"]\n",
		"near/suironear.py":   "text = 'built'\n", "app.py": "import suironear\ndef handler(event, context):\n    return suironear.text\n"},
		prepare: func(t *testing.T, dir string) {
			t.Setenv("POETRY_VIRTUALENVS_CREATE", "false")
			run(t, dir, "poetry", "lock", "--quiet")
		}, want: "built"},
	{name: "Pipfile", tools: []string{"python3", "pipenv"}, serverless: pythonService, files: map[string]string{
		"Pipfile": "[packages]\niniconfig = \"==2.0.0\"\n", "app.py": asksIni,
		"Pipfile.lock": `{"_meta":{"hash":{"sha256":""},"pipfile-spec":6,"requires":{},"sources":[]},"default":{"iniconfig":{"version":"==2.0.0"}},"develop":{}}`}, want: "built IniConfig"},
	{name: "Gemfile", tools: []string{"ruby", "gem", "bundle"}, properties: "CodeUri: ., Runtime: ruby3.2, Handler: app.Fn.call", files: map[string]string{
		"near.gemspec":      "Gem::Specification.new { |s| s.name = 'suiro-near'; s.version = '1.0.0'; s.summary = 'near'; s.authors = ['a']; s.files = ['lib/suiro-near.rb'] }\n",
		"lib/suiro-near.rb": "NEAR = 'built'\n", "app.rb": "require 'suiro-near'\nmodule Fn\n  def self.call(event:, context:) = NEAR\nend\n"},
		prepare: func(t *testing.T, dir string) {
			run(t, dir, "gem", "build", "near.gemspec", "--quiet")
			repo := filepath.Join(dir, ".repo")
			if err := os.MkdirAll(filepath.Join(repo, "gems"), 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, dir, "mv", "suiro-near-1.0.0.gem", filepath.Join(repo, "gems"))
			run(t, dir, "gem", "generate_index", "--directory", repo, "--quiet")
			write(t, dir, "Gemfile", "source 'file://"+repo+"'\ngem 'suiro-near'\n")
			if err := errorsOf(os.Remove(filepath.Join(dir, "near.gemspec")), os.RemoveAll(filepath.Join(dir, "lib"))); err != nil {
				t.Fatal(err)
			}
		}, want: "built"},
	{name: "go.mod", tools: []string{"go"}, properties: "CodeUri: ., Runtime: provided.al2023, Handler: bootstrap", metadata: "{BuildMethod: go1.x}", files: map[string]string{
		"go.mod": "module example.test/fn\n\ngo 1.22\n", "main.go": goProgram}, want: "built"},
	{name: "Cargo.toml", tools: []string{"cargo"}, properties: "CodeUri: ., Runtime: provided.al2023, Handler: bootstrap", metadata: "{BuildMethod: rust-cargolambda}", files: map[string]string{
		"Cargo.toml": "[package]\nname = \"fn\"\nversion = \"1.0.0\"\nedition = \"2021\"\n", "src/main.rs": rustProgram}, want: "built"},
	{name: "makefile", tools: []string{"make"}, properties: "CodeUri: ., " + node, metadata: "{BuildMethod: makefile}", files: map[string]string{
		"Makefile": "build-Fn:\n\techo made > left-beside\n\techo 'exports.handler = async () => \"built\"' > $(ARTIFACTS_DIR)/app.js\n"}, want: "built"},
	{name: "Maven", tools: []string{"mvn", "javac"}, properties: "CodeUri: ., Runtime: java17, Handler: 'fn.App::handle'", metadata: "{BuildMethod: java17}", files: map[string]string{
		"src/main/java/fn/App.java": "package fn;\nimport java.util.Map;\npublic class App {\n  public String handle(Map<String, Object> event) { return \"built\"; }\n}\n",
		"pom.xml": `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>fn</groupId><artifactId>fn</artifactId><version>1</version>
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties></project>
`}, want: "built"},
	{name: "layer of npm packages", tools: []string{"npm"}, install: true, properties: "CodeUri: fn/, Layers: [!Ref Layer], " + node,
		resources: "  Layer: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: nodejs22.x}, Properties: {ContentUri: layer/}}\n",
		files: map[string]string{"fn/app.js": nodeApp, "layer/package.json": asks,
			"layer/near/package.json": near["near/package.json"], "layer/near/index.js": near["near/index.js"]}, want: "built"},
	{name: "layer of pip packages", tools: []string{"python3"}, properties: "CodeUri: fn/, Layers: [!Ref Layer], Runtime: python3.12, Handler: app.handler",
		resources: "  Layer: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.12}, Properties: {ContentUri: layer/}}\n",
		files: map[string]string{"fn/app.py": "import iniconfig, own\ndef handler(event, context):\n    return own.text + iniconfig.IniConfig.__name__\n",
			"layer/requirements.txt": "iniconfig==2.0.0\n", "layer/own.py": "text = 'built '\n"}, want: "built IniConfig"},
	{name: "layer by a makefile", tools: []string{"make"}, properties: "CodeUri: fn/, Layers: [!Ref Layer], " + node,
		resources: "  Layer: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: makefile}, Properties: {ContentUri: layer/}}\n",
		files: map[string]string{"fn/app.js": nodeApp,
			"layer/Makefile": "build-Layer:\n\tmkdir -p $(ARTIFACTS_DIR)/nodejs/node_modules\n\techo 'module.exports = \"built\"' > $(ARTIFACTS_DIR)/nodejs/node_modules/near.js\n"}, want: "built"},
}

const (
	asksIni       = "import iniconfig\ndef handler(event, context):\n    return 'built ' + iniconfig.IniConfig.__name__\n"
	pyproject     = "[project]\nname = \"fn\"\nversion = \"1.0.0\"\nrequires-python = \">=3.9\"\ndependencies = [\"iniconfig==2.0.0\"]\n"
	pythonService = "plugins: [serverless-python-requirements]\nfunctions:\n  fn: {handler: app.handler, runtime: python3.12, timeout: 60, url: true}\n"
)

const goProgram = `package main

import (
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(base + "next")
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_, _ = http.Post(base+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader("\"built\""))
	}
}
`

const rustProgram = `use std::io::{Read, Write};
use std::net::TcpStream;

fn call(api: &str, request: String) -> String {
    let mut s = TcpStream::connect(api).unwrap();
    s.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    s.read_to_string(&mut text).unwrap();
    text
}

fn main() {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    loop {
        let next = call(&api, format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", api));
        let id = next.lines().find_map(|l| l.to_lowercase().strip_prefix("lambda-runtime-aws-request-id: ").map(String::from)).unwrap();
        call(&api, format!("POST /2018-06-01/runtime/invocation/{}/response HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 7\r\n\r\n\"built\"", id.trim(), api));
    }
}
`

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := errorsOf(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// app writes a row's app into a clean folder.
func (r row) app(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range r.files {
		write(t, dir, name, text)
	}
	metadata := ""
	if r.metadata != "" {
		metadata = "    Metadata: " + r.metadata + "\n"
	}
	if r.serverless != "" {
		write(t, dir, "serverless.yml", "service: built\nprovider: {name: aws}\n"+r.serverless)
	} else {
		write(t, dir, "template.yaml", "Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n"+
			metadata+"    Properties: {"+r.properties+", Timeout: 60, FunctionUrlConfig: {AuthType: NONE}}\n"+r.resources)
	}
	if r.prepare != nil {
		r.prepare(t, dir)
	}
	return dir
}

// managers puts the package managers that tools/install brought, of those that
// are asked for, before the system's.
func managers(t *testing.T, tools []string) {
	t.Helper()
	bin := t.TempDir()
	for _, name := range tools {
		name, asked := strings.TrimSuffix(name, "-berry"), name
		for _, dir := range []string{"bin", "node_modules/.bin"} {
			program, _ := filepath.Abs(filepath.Join("../.tools/managers", dir, name))
			if _, err := os.Stat(program); err != nil || name == "yarn" && asked == name {
				continue // yarn alone is the system's, of version 1
			}
			if err := errorsOf(os.Symlink(program, filepath.Join(bin, name)), os.Symlink(program, filepath.Join(bin, asked))); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// ownCache gives the program an empty cache, and tells what is in it.
func ownCache(t *testing.T) func() []string {
	t.Helper()
	cache := t.TempDir()
	if user, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		t.Setenv("GOCACHE", filepath.Join(user, "go-build")) // not the standard library again
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	return func() (list []string) {
		builds := filepath.Join(cache, "suiro", "builds")
		_ = filepath.WalkDir(builds, func(path string, e fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(builds, path)
			if err == nil && e.IsDir() && strings.Count(rel, string(filepath.Separator)) == 1 {
				list = append(list, rel)
				return filepath.SkipDir
			}
			return nil
		})
		slices.Sort(list)
		return list
	}
}

// An app starts from a clean folder, and what was made is not made again.
func TestAppsStartFromACleanFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with real package managers and compilers")
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			managers(t, r.tools)
			for _, tool := range r.tools {
				if _, err := exec.LookPath(tool); err != nil {
					t.Skipf("%s is not installed", tool)
				}
			}
			dir, built := r.app(t), ownCache(t)
			var args []string
			if r.install {
				args = append(args, "--install")
			}
			r.call(t, suiro.Start(t, dir, args...))
			first := built()
			r.call(t, suiro.Start(t, dir))
			if again := built(); !slices.Equal(first, again) {
				t.Errorf("a second start built again:\n%v\nafter\n%v", again, first)
			}
		})
	}
}

func (r row) call(t *testing.T, s *suiro.Running) {
	t.Helper()
	defer s.Stop()
	url := "FnUrl"
	if r.serverless != "" {
		url = "FnLambdaFunctionUrl"
	}
	res, err := http.Get(s.URL(url))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); strings.Trim(string(body), `"`) != r.want {
		t.Errorf("%d %s, want %s\n%+v", res.StatusCode, body, r.want, s.Entries())
	}
}

// A tool that is missing is named in one line: with the function, its place in
// the template and what to install.
func TestMissingToolsAreNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the real program")
	}
	for _, c := range []struct {
		row  string
		keep []string // programs that are there
		want string
	}{
		{"npm with a lock file", []string{"node"}, "package-lock.json: error: npm is not installed, and package-lock.json asks for it\n       hint: install npm (it comes with Node.js, https://nodejs.org)\n"},
		{"yarn", []string{"node", "npm"}, "yarn.lock: error: yarn is not installed, and yarn.lock asks for it\n       hint: install yarn (npm install --global yarn)\n"},
		{"yarn 2 and later", []string{"node", "yarn"}, "yarn.lock: error: yarn.lock is of Yarn 2 or later, and the yarn here is 1."},
		{"bun", []string{"node"}, "bun.lock: error: bun is not installed, and bun.lock asks for it\n       hint: install bun (npm install --global bun)\n"},
		{"Pipfile", []string{"python3"}, "Pipfile.lock names packages, and pipenv, which reads it, is not installed\n       hint: pip install pipenv, or keep a requirements.txt beside it\n"},
		{"go.mod", nil, "template.yaml:6:27: error: Fn: . is Go code, and the go command is not installed\n       hint: install Go from https://go.dev/dl, or build the program for "},
		{"Cargo.toml", nil, "template.yaml:6:27: error: Fn: DIR is Rust code, and cargo is not installed\n       hint: install Rust from https://rustup.rs, or put a bootstrap for "},
		{"makefile", []string{"node"}, "template.yaml:6:27: error: Fn: BuildMethod makefile needs make, which is not installed\n       hint: install make"},
		{"Maven", []string{"java"}, "template.yaml:6:27: error: Fn: DIR is a Maven project, and mvn is not installed\n       hint: install Maven (apt install maven, brew install maven), "},
		{"Gemfile", []string{"ruby"}, "template.yaml:5:27: error: Fn: gems of Gemfile are not installed, and bundler is not there to install them\n       hint: run gem install bundler, or gem install suiro-near\n"},
		{"requirements.txt", nil, "template.yaml:5:27: error: Fn: python3.12 needs Python, which is not installed\n       hint: "},
		{"tsc", nil, "template.yaml:5:27: error: Fn: nodejs22.x needs Node.js, which is not installed\n       hint: "},
		{".NET", nil, "template.yaml:5:27: error: Fn: Suiro does not run .NET functions (dotnet8) yet\n       hint: publish it as a custom runtime "},
		{"Gradle", []string{"java"}, "template.yaml:5:27: error: Fn: Suiro does not build Gradle projects yet\n       hint: run ./gradlew build in DIR and point CodeUri at the jar or zip it makes\n"},
	} {
		t.Run(c.row, func(t *testing.T) {
			i := slices.IndexFunc(rows, func(r row) bool { return r.name == c.row })
			var r row
			switch {
			case i >= 0:
				r = rows[i]
			case c.row == ".NET":
				r = row{properties: "CodeUri: ., Runtime: dotnet8, Handler: 'A::B::C'"}
			default:
				r = row{properties: "CodeUri: ., Runtime: java17, Handler: 'fn.App::handle'", files: map[string]string{"build.gradle": ""}}
			}
			bin := t.TempDir()
			for _, name := range c.keep {
				if _, err := exec.LookPath(name); err == nil {
					link(t, name, bin)
				}
			}
			managers(t, r.tools)
			for _, tool := range append(slices.Clone(c.keep), r.tools...) {
				if _, err := exec.LookPath(tool); err != nil && (r.prepare != nil || slices.Contains(c.keep, tool)) {
					t.Skipf("%s is not installed", tool)
				}
			}
			dir := r.app(t)
			ownCache(t)
			t.Setenv("PATH", bin)
			var args []string
			if r.install {
				args = append(args, "--install")
			}
			s := suiro.Launch(t, dir, args...)
			if status := s.Wait(); status == 0 {
				t.Error("it started")
			}
			if said := s.Said(); !strings.Contains(said, strings.ReplaceAll(c.want, "DIR", dir)) {
				t.Errorf("said:\n%s\nwant %s", said, c.want)
			}
		})
	}
}

// link makes a program of this machine the only one of its name: through a
// script, because some find their parts by their own path.
func link(t *testing.T, name, dir string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name, fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", path))
	if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
}
