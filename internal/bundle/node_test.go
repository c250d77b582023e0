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

// evaluate runs the built handler with node and returns what it answers.
func evaluate(t *testing.T, r *Runnable, module string) string {
	t.Helper()
	needs(t, "node")
	script := "import('" + fileURL(filepath.Join(r.Root, module)) + "').then(async (m) => console.log(JSON.stringify(await (m.handler || m.default.handler)())))"
	cmd := exec.Command("node", "-e", script)
	cmd.Dir = r.Root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

const tsconfig = `{"compilerOptions":{"baseUrl":".","paths":{"@lib/*":["src/lib/*"]}}}`

func TestTypeScriptBuilds(t *testing.T) {
	code := "import { name } from '@lib/name'\nimport { local } from './local'\nenum E { A = 'a' }\nexport const handler = async (): Promise<string> => `${name} ${local} ${E.A}`\n"
	project := map[string]string{
		"src/fn/index.ts": code, "src/fn/local.ts": "export const local: string = 'local'\n",
		"src/lib/name.ts": "export const name = 'lib'\n", "tsconfig.json": tsconfig, "package.json": "{}",
	}
	for _, row := range []struct{ name, metadata, method string }{
		{"without a bundler", `{}`, ""},
		{"with a plug-in", `{"Suiro":{"Bundle":true}}`, ""},
		{"SAM", `{"BuildProperties":{"Minify":true,"Target":"es2020","Sourcemap":true,"EntryPoints":["src/fn/index.ts"]}}`, "esbuild"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := files(t, project)
			b := newBuilder(t)
			f := Function{LogicalID: "Fn", Dir: dir, TemplateDir: dir, Handler: "src/fn/index.handler", Runtime: "nodejs20.x", BuildMethod: row.method, Metadata: metadata(t, row.metadata)}
			r := build(t, b, f)
			for _, want := range []string{"src/fn/index.ts", "src/fn/local.ts", "src/lib/name.ts", "package.json", "tsconfig.json"} {
				if !slices.Contains(r.Sources, filepath.Join(dir, want)) {
					t.Errorf("%s is no source of %q", want, r.Sources)
				}
			}
			if again := build(t, b, f); again.Root != r.Root || again.Hash != r.Hash {
				t.Error("the same content was built twice")
			}
			if !isFile(filepath.Join(r.Root, "src/fn/index.js.map")) {
				t.Error("without a source map")
			}
			if got := evaluate(t, r, "src/fn/index.js"); got != `"lib local a"` {
				t.Error(got)
			}
		})
	}
}

func TestSAMEntryPointNamesTheSourceOfAFlatHandler(t *testing.T) {
	dir := files(t, map[string]string{"src/app.ts": "export const lambdaHandler = async () => 1\n"})
	r := build(t, newBuilder(t), Function{Dir: dir, Handler: "app.lambdaHandler", Runtime: "nodejs20.x", BuildMethod: "esbuild", Metadata: metadata(t, `{"BuildProperties":{"EntryPoints":["src/app.ts"]}}`)})
	if !isFile(filepath.Join(r.Root, "app.js")) {
		t.Error("the handler is not where SAM puts it")
	}
}

func TestESModuleBundles(t *testing.T) {
	dir := files(t, map[string]string{"index.mts": "const x = await Promise.resolve(import.meta.url.slice(0, 4))\nexport const handler = async () => x\n"})
	for _, row := range []struct{ metadata, file string }{
		{`{"Suiro":{"Bundle":true,"Esbuild":{"format":"esm","outputFileExtension":".mjs"}}}`, "index.mjs"},
		{`{"Suiro":{"Bundle":true,"Esbuild":{"format":"esm"}}}`, "index.js"},
		{`{}`, "index.js"},
	} {
		r := build(t, newBuilder(t), Function{Dir: dir, Handler: "index.handler", Runtime: "nodejs20.x", Metadata: metadata(t, row.metadata)})
		if got := evaluate(t, r, row.file); got != `"file"` {
			t.Error(got)
		}
	}
}

func TestSuppliedSDKStaysOutside(t *testing.T) {
	own := map[string]string{"node_modules/@aws-sdk/client-s3/package.json": `{"main":"i.js"}`, "node_modules/@aws-sdk/client-s3/i.js": "exports.own = 1"}
	for _, row := range []struct {
		name, runtime, pkg string
		installed          bool
		bundled            bool
		fails              bool
	}{
		{"v3 from the runtime", "nodejs20.x", "@aws-sdk/client-s3", false, false, false},
		{"v3 of the app", "nodejs20.x", "@aws-sdk/client-s3", true, true, false},
		{"v2 from an old runtime", "nodejs14.x", "aws-sdk", false, false, false},
		{"v2 is gone from nodejs18", "nodejs18.x", "aws-sdk", false, false, true},
		{"v3 is not in nodejs16", "nodejs16.x", "@aws-sdk/client-s3", false, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			list := map[string]string{"package.json": "{}", "index.ts": "import * as sdk from '" + row.pkg + "'\nexport const handler = async () => Object.keys(sdk)\n"}
			if row.installed {
				for k, v := range own {
					list[k] = v
				}
			}
			dir := files(t, list)
			f := Function{Dir: dir, TemplateDir: dir, Handler: "index.handler", Runtime: row.runtime, Metadata: metadata(t, `{"Suiro":{"Bundle":true}}`)}
			if row.fails {
				m := buildError(t, newBuilder(t), f)
				if m.Text != `the package "`+row.pkg+`" is not installed` || m.Position.Line != 1 || m.Position.File != filepath.Join(dir, "index.ts") || !strings.HasPrefix(m.Hint, "run npm install in ") {
					t.Errorf("%+v", m)
				}
				return
			}
			out, _ := os.ReadFile(filepath.Join(build(t, newBuilder(t), f).Root, "index.js"))
			if strings.Contains(string(out), `require("`+row.pkg+`")`) == row.bundled {
				t.Errorf("%s", out)
			}
		})
	}
}

func TestExternalPackagesAreLinked(t *testing.T) {
	dir := files(t, map[string]string{
		"node_modules/native/package.json": `{"main":"i.js"}`, "node_modules/native/i.js": "exports.dir = __dirname",
		"packages/chat/src/index.ts": "import { dir } from 'native'\nexport const handler = async () => dir\n",
		"packages/chat/package.json": `{}`,
	})
	for _, meta := range []string{`{"Suiro":{"Bundle":true,"Esbuild":{"external":["native"],"plugins":"x.js"}}}`, `{}`} {
		r := build(t, newBuilder(t), Function{Dir: filepath.Join(dir, "packages/chat"), Handler: "src/index.handler", Runtime: "nodejs20.x", Metadata: metadata(t, meta)})
		if got := evaluate(t, r, "src/index.js"); got != `"`+filepath.Join(dir, "node_modules/native")+`"` {
			t.Error(got)
		}
	}
}

func TestUninstalledPackageSaysWhatToRun(t *testing.T) {
	for name, list := range map[string]map[string]string{
		"TypeScript":          {"package.json": "{}", "index.ts": "import x from 'left-pad'\nexport const handler = async () => x\n"},
		"TypeScript, scoped":  {"package.json": "{}", "index.ts": "import x from 'left-pad/sub'\nexport const handler = async () => x\n"},
		"JavaScript in place": {"package.json": `{"dependencies":{"left-pad":"1"}}`, "index.js": "const x = require('left-pad')\n"},
	} {
		dir := files(t, list)
		m := buildError(t, newBuilder(t), Function{Dir: dir, Handler: "index.handler", Runtime: "nodejs20.x"})
		if m.Text != `the package "left-pad" is not installed` || m.Hint != "run npm install in "+dir+", or start with --install" {
			t.Errorf("%s: %s", name, m)
		}
	}
}

func TestDeclaredSDKMayBeMissing(t *testing.T) {
	dir := files(t, map[string]string{"package.json": `{"dependencies":{"@aws-sdk/client-s3":"3","unused":"1"}}`, "index.js": "require('@aws-sdk/client-s3')\n"})
	build(t, newBuilder(t), Function{Dir: dir, Handler: "index.handler", Runtime: "nodejs20.x"})
}

func TestSyntaxErrorStandsInTheUsersFile(t *testing.T) {
	dir := files(t, map[string]string{"src/index.ts": "export const handler = async () => {\n  const x = ;\n}\n"})
	m := buildError(t, newBuilder(t), Function{LogicalID: "Fn", Dir: dir, Handler: "src/index.handler", Runtime: "nodejs20.x"})
	if m.Position.File != filepath.Join(dir, "src/index.ts") || m.Position.Line != 2 || m.Position.Column != 13 || m.Text != `unexpected ";"` {
		t.Errorf("%+v", m)
	}
}

func TestMissingEntryNamesTheExtensions(t *testing.T) {
	dir := files(t, map[string]string{"other.ts": ""})
	m := buildError(t, newBuilder(t), Function{Dir: dir, TemplateDir: dir, Handler: "index.handler", Runtime: "nodejs20.x", BuildMethod: "esbuild"})
	if m.Text != `no source file for the handler "index.handler"` || !strings.HasPrefix(m.Hint, "expected index with .ts") {
		t.Error(m)
	}
}

func TestWebAdapterScriptRunsInPlace(t *testing.T) {
	dir := files(t, map[string]string{"run.sh": "#!/bin/sh\n", "app.ts": ""})
	if r := build(t, newBuilder(t), Function{Dir: dir, Handler: "run.sh", Runtime: "nodejs20.x", BuildMethod: "esbuild"}); r.Root != dir {
		t.Errorf("%+v", r)
	}
}

func TestFilesBesideABundle(t *testing.T) {
	list := map[string]string{
		"src/index.ts": "import fs from 'fs'\nexport const handler = async () => fs.readFileSync(process.cwd() + '/data/a.txt', 'utf8')\n",
		"data/a.txt":   "a", "data/b.txt": "b", "src/near.txt": "n", "docs/x.md": "x",
	}
	dir := files(t, list)
	f := Function{Dir: dir, Handler: "src/index.handler", Runtime: "nodejs20.x"}
	// Nothing bundles: everything that would be deployed is there.
	r := build(t, newBuilder(t), f)
	if got := evaluate(t, r, "src/index.js"); got != `"a"` {
		t.Error(got)
	}
	if !exists(filepath.Join(r.Root, "src/near.txt")) || !exists(filepath.Join(r.Root, "docs/x.md")) {
		t.Error("a file is missing")
	}
	// A bundler takes what the patterns name.
	f.Metadata = metadata(t, `{"Suiro":{"Bundle":true,"Patterns":["data/**","!data/b.txt"]}}`)
	r = build(t, newBuilder(t), f)
	for name, want := range map[string]bool{"data/a.txt": true, "data/b.txt": false, "docs/x.md": false} {
		if exists(filepath.Join(r.Root, name)) != want {
			t.Errorf("%s there: %v", name, !want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, row := range []struct {
		glob, path string
		want       bool
	}{
		{"**", "a/b.txt", true}, {"*.txt", "a.txt", true}, {"*.txt", "a/b.txt", false}, {"**/*.txt", "a/b.txt", true},
		{"**/*.txt", "b.txt", true}, {"a/{b,c}.txt", "a/c.txt", true}, {"a/?.txt", "a/bc.txt", false}, {"./a/**", "a/b/c", true}, {"a+b", "a+b", true}, {"{a", "a", true},
	} {
		if got := compilePatterns([]string{row.glob}).file(row.path); got != row.want {
			t.Errorf("%s on %s: %v", row.glob, row.path, got)
		}
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("**/*.{js,ts}", "a/b.js")
	f.Add("!{a,b", "a")
	f.Add("[a", "a}")
	f.Fuzz(func(t *testing.T, glob, path string) { compilePatterns([]string{glob}).file(path) })
}

func TestConfigModule(t *testing.T) {
	dir := files(t, map[string]string{
		"tsconfig.json":                          `{"compilerOptions":{"baseUrl":".","paths":{"@functions/*":["src/functions/*"]}}}`,
		"serverless.ts":                          "import type { AWS } from '@serverless/typescript'\nimport hello from '@functions/hello'\nimport pkg from 'some-package'\nconst config = { functions: { hello }, dir: __dirname, pkg: pkg.name }\nmodule.exports = config\n",
		"src/functions/hello/index.ts":           "import { url } from './url.mjs'\nexport default { handler: `${__dirname.split(process.cwd())[1].substring(1)}/handler.main`, file: __filename, url }\n",
		"src/functions/hello/url.mjs":            "export const url = import.meta.url\n",
		"node_modules/some-package/package.json": `{"main":"i.js"}`, "node_modules/some-package/i.js": "exports.name = 'outside'",
	})
	js, inputs, err := newBuilder(t).Config(t.Context(), filepath.Join(dir, "serverless.ts"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(inputs)
	hello := filepath.Join(dir, "src/functions/hello")
	if want := []string{filepath.Join(dir, "serverless.ts"), filepath.Join(hello, "index.ts"), filepath.Join(hello, "url.mjs")}; !slices.Equal(inputs, want) {
		t.Errorf("inputs %q", inputs)
	}
	if !strings.Contains(string(js), `require("some-package")`) {
		t.Error("the package is bundled")
	}
	needs(t, "node")
	_ = os.WriteFile(filepath.Join(dir, "out.js"), js, 0o644)
	cmd := exec.Command("node", "-e", "console.log(JSON.stringify(require('./out.js')))")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	want := `{"functions":{"hello":{"handler":"src/functions/hello/handler.main","file":"` + hello + `/index.ts","url":"file://` + hello + `/url.mjs"}},"dir":"` + dir + `","pkg":"outside"}`
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, out, want)
	}
}

func TestConfigModuleErrorsHaveAPlace(t *testing.T) {
	dir := files(t, map[string]string{"serverless.ts": "export default {\n  a: ,\n}\n"})
	_, _, err := newBuilder(t).Config(t.Context(), filepath.Join(dir, "serverless.ts"))
	if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, "serverless.ts")+":2:6: ") {
		t.Error(err)
	}
}

// A function imported as a namespace is called where webpack and tsc let it
// pass, and nowhere else.
func TestCalledNamespaces(t *testing.T) {
	const typed = "import * as call$ from 'callable'\nimport * as own from './own'\nexport const handler = async (): Promise<string> => call$() + own.text + new own.Text().text\n"
	const plain = "import * as call$ from \"callable\";\nimport { text } from './own';\nexport const handler = async () => call$() + text + text\n"
	const yes, no = `"called, own, own"`, "no function"
	for _, row := range []struct{ name, file, code, method, plugin, tsconfig, want string }{
		{"webpack", "app.ts", typed, "", "serverless-webpack", `{"compilerOptions":{"target":"es2020"}}`, yes},
		{"webpack after tsc with interop", "app.ts", typed, "", "serverless-webpack", `{"compilerOptions":{"module":"commonjs","esModuleInterop":true}}`, no},
		{"webpack with interop without effect", "app.ts", typed, "", "serverless-webpack", `{"compilerOptions":{"module":"esnext","esModuleInterop":true}}`, yes},
		{"webpack, JavaScript", "app.js", plain, "", "serverless-webpack", `{}`, yes},
		{"tsc", "app.ts", typed, "", "serverless-plugin-typescript", `{}`, yes},
		{"tsc with interop", "app.ts", typed, "", "serverless-plugin-typescript", `{"extends":"./base"}`, no},
		{"tsc by hand", "app.ts", typed, "", "", `{/* none */}`, yes},
		{"esbuild plug-in", "app.ts", typed, "", "serverless-esbuild", `{}`, no},
		{"sam build", "app.ts", typed, "esbuild", "", `{}`, no},
	} {
		t.Run(row.name, func(t *testing.T) {
			needs(t, "node")
			dir := files(t, map[string]string{
				row.file: row.code, "tsconfig.json": row.tsconfig, "base.json": `{"compilerOptions":{"esModuleInterop":true}}`, "package.json": "{}",
				"own.ts": "export const text: string = ', own'\nexport class Text { text = text }\n", "node_modules/callable/package.json": "{}",
				"node_modules/callable/index.js": "module.exports = () => 'called'",
			})
			m := `{}`
			if row.plugin != "" {
				m = `{"Suiro":{"Bundle":true,"Plugin":"` + row.plugin + `"}}`
			}
			j := &journal.Journal{}
			sub := j.Subscribe(10)
			defer sub.Close()
			b := New(Config{CacheDir: t.TempDir(), Journal: j})
			r := build(t, b, Function{LogicalID: "Fn", Dir: dir, TemplateDir: dir, Handler: "app.handler", Runtime: "nodejs20.x", BuildMethod: row.method, Metadata: metadata(t, m)})
			if row.want == yes {
				if got := evaluate(t, r, "app.js"); got != yes {
					t.Error(got)
				}
				return
			}
			for e := range sub.Entries() {
				if e.Kind == journal.Noticed {
					if !strings.Contains(e.Text, row.file+" calls call$, which it imported with import * as") {
						t.Error(e.Text)
					}
					break
				}
			}
		})
	}
}
