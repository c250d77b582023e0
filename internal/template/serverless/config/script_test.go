package config

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/bundle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func realBundler(t *testing.T) Bundler { return bundle.New(bundle.Config{CacheDir: t.TempDir()}) }

func needNode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts node")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node")
	}
}

// Each row is a service written as code, with the files beside it.
var codeCases = []struct {
	name, file string
	files      map[string]string
	want       string // service and stage, handler and environment of function a
	wantErr    string
}{
	{name: "typescript with path aliases and __dirname", file: "serverless.ts", files: map[string]string{
		"serverless.ts": `import a from "@functions/a"
import type { AWS } from "@serverless/typescript"
const config: AWS = { service: "ts", provider: { name: "aws", runtime: "nodejs20.x", stage: "${opt:stage, 'qa'}" }, functions: { a } }
module.exports = config`,
		"src/functions/a/index.ts": `import { relative } from "path"
export default { handler: relative(process.cwd(), __dirname).replace(/\\/g, "/") + "/handler.main", environment: { S: "${sls:stage}" } }`,
		"tsconfig.json": `{"compilerOptions": {"baseUrl": ".", "paths": {"@functions/*": ["src/functions/*"]}}}`,
	}, want: `ts-qa src/functions/a/handler.main {"S":"qa"}`},
	{name: "typescript default export", file: "serverless.ts", files: map[string]string{
		"serverless.ts": `export default { service: "d", provider: "aws", functions: { a: { handler: "h.a" } } } as const`,
	}, want: `d-dev h.a null`},
	{name: "a promise", file: "serverless.js", files: map[string]string{
		"serverless.js": `module.exports = (async () => ({ service: "p", provider: { name: "aws" }, functions: { a: { handler: "h.a" } } }))()`,
	}, want: `p-dev h.a null`},
	{name: "a function", file: "serverless.js", files: map[string]string{
		"serverless.js": `module.exports = async () => ({ service: "f", provider: { name: "aws" }, functions: { a: { handler: "h.a" } } })`,
	}, want: `f-dev h.a null`},
	{name: "an ES module", file: "serverless.mjs", files: map[string]string{
		"serverless.mjs": `import { b } from './b.mjs'; export default { service: "m", provider: { name: "aws" }, functions: { a: { handler: b } } }`,
		"b.mjs":          `export const b = "h.b"`,
	}, want: `m-dev h.b null`},
	{name: "what it prints is not read", file: "serverless.js", files: map[string]string{
		"serverless.js": `console.log("hello"); process.stdout.write("x\n"); module.exports = { service: "q", provider: { name: "aws" }, functions: { a: { handler: "h.a" } } }`,
	}, want: `q-dev h.a null`},
	{name: "packages of the project", file: "serverless.js", files: map[string]string{
		"serverless.js":                  `module.exports = { service: require("own-name"), provider: { name: "aws" }, functions: { a: { handler: "h.a" } } }`,
		"node_modules/own-name/index.js": `module.exports = "found"`,
	}, want: `found-dev h.a null`},
	{name: "files as values", file: "serverless.yml", files: map[string]string{
		"serverless.yml": `service: y
provider: {name: aws, stage: live}
custom: {secret: "${file(./x.js):deep.list.1}"}
functions:
  a:
    handler: h.a
    environment:
      VALUE: ${file(./x.js):value}
      SECRET: ${self:custom.secret}
      CALLED: ${file(./called.js)}
      PART: ${file(./part.js):make.name}
      ASKED: ${file(./asks.ts):ask}
      LATER: ${file(./x.js):later}
      NAMED: ${file(./named.mjs):named}
      INSIDE: ${file(./x.js):inside}
      NONE: ${file(./x.js):nothing, 'fallback'}
      GONE: ${file(./gone.js):x, 'gone'}
`,
		"x.js":      `module.exports = { value: 1, deep: { list: ["a", "b"] }, later: Promise.resolve("soon"), inside: "${self:service}!" }`,
		"called.js": `module.exports = ({ options }) => "stage " + options.stage`,
		"part.js":   `module.exports.make = async () => ({ name: "made" })`,
		"named.mjs": `export const named = "n"; export default { named: "wrong" }`,
		"asks.ts": `export const ask = async ({ resolveVariable, resolveConfigurationProperty }: any) => {
  const [stage, value, name] = await Promise.all([resolveVariable("sls:stage"), resolveVariable("file(./x.js):value"), resolveConfigurationProperty(["service"])])
  return [stage, value, name].join("-")
}`,
	}, want: `y-live h.a {"VALUE":1,"SECRET":"b","CALLED":"stage live","PART":"made","ASKED":"live-1-y","LATER":"soon","NAMED":"n","INSIDE":"y!","NONE":"fallback","GONE":"gone"}`},
	{name: "errors name the line of the source", file: "serverless.ts", files: map[string]string{
		"serverless.ts": "type T = {\n  a: string\n}\n\nconst x: T = { a: '1' }\nthrow new Error('no luck with ' + x.a)\nexport default {}\n",
	}, wantErr: "serverless.ts:6:7: running the configuration failed: no luck with 1"},
	{name: "errors in a function", file: "serverless.yml", files: map[string]string{
		"serverless.yml": "service: y\nprovider: {name: aws, x: \"${file(./bad.js)}\"}\n",
		"bad.js":         "module.exports = () => {\n  throw new Error('broken')\n}\n",
	}, wantErr: "bad.js:2:9: provider.x: running the configuration failed: broken"},
	{name: "a variable asked for has no value", file: "serverless.yml", files: map[string]string{
		"serverless.yml": "service: y\nprovider: {name: aws, x: \"${file(./bad.js)}\"}\n",
		"bad.js":         "module.exports = ({ resolveVariable }) => resolveVariable('env:NOPE')\n",
	}, wantErr: "${env:NOPE} has no value"},
	{name: "the process ends", file: "serverless.js", files: map[string]string{
		"serverless.js": "console.error('giving up')\nprocess.exit(3)\n",
	}, wantErr: "giving up"},
	{name: "the configuration is no object", file: "serverless.js", files: map[string]string{
		"serverless.js": "module.exports = 'text'\n",
	}, wantErr: "a service is an object with service, provider and functions, not a string"},
}

func TestConfigurationAsCode(t *testing.T) {
	needNode(t)
	for _, c := range codeCases {
		for _, bundler := range []Bundler{realBundler(t), nil} {
			name := c.name
			if bundler == nil {
				if name += " without a bundler"; strings.HasSuffix(c.file, ".ts") || c.files["asks.ts"] != "" {
					continue
				}
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir, err := filepath.EvalSymlinks(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				for name, text := range c.files {
					write(t, dir, name, text)
				}
				svc, lines := read(t, dir, Options{Bundler: bundler})
				all := strings.Join(lines, "\n")
				if c.wantErr != "" {
					if !strings.Contains(all, c.wantErr) {
						t.Fatalf("got %s\nwant %s", all, c.wantErr)
					}
					return
				}
				if svc == nil {
					t.Fatal(all)
				}
				f := svc.Root.Get("functions").Get("a")
				got := svc.Root.Get("service").TextOr("") + "-" + svc.Stage + " " + f.Get("handler").TextOr("") + " " + f.Get("environment").JSON()
				if got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				for name := range c.files {
					if strings.HasPrefix(name, "node_modules") || name == "tsconfig.json" || bundler == nil {
						continue
					}
					if path := filepath.Join(dir, filepath.FromSlash(name)); !contains(svc.Files, path) {
						t.Errorf("%s is not among the files to watch: %v", name, svc.Files)
					}
				}
			})
		}
	}
}

func contains(list []string, s string) bool {
	for _, it := range list {
		if it == s {
			return true
		}
	}
	return false
}

func TestUnchangedCodeIsNotEvaluatedAgain(t *testing.T) {
	needNode(t)
	dir := t.TempDir()
	config := `require("fs").appendFileSync(__dirname + "/ran", "x"); module.exports = { service: "c", provider: { name: "aws" } }`
	write(t, dir, "serverless.js", config)
	cache := &Cache{}
	load := func() {
		if svc, lines := read(t, dir, Options{Bundler: realBundler(t), Cache: cache}); svc == nil {
			t.Fatal(lines)
		}
	}
	load()
	load()
	if ran, _ := os.ReadFile(filepath.Join(dir, "ran")); len(ran) != 1 {
		t.Errorf("evaluated %d times", len(ran))
	}
	write(t, dir, "serverless.js", config+";")
	load()
	if ran, _ := os.ReadFile(filepath.Join(dir, "ran")); len(ran) != 2 {
		t.Errorf("evaluated %d times after a change", len(ran))
	}
}

func TestWithoutNodeTheMessageSaysSo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.js", "module.exports = {}")
	_, lines := read(t, dir, Options{Node: filepath.Join(dir, "no-node")})
	if len(lines) != 1 || !strings.Contains(lines[0], "there is no node on this machine") {
		t.Error(lines)
	}
}

func TestAHangingConfigurationEndsWithItsContext(t *testing.T) {
	needNode(t)
	dir := t.TempDir()
	write(t, dir, "serverless.js", "require('fs').writeFileSync(__dirname + '/started', ''); module.exports = new Promise(() => setInterval(() => {}, 1000))")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				cancel()
			}
		}
	}()
	svc, msgs := Read(ctx, dir, Options{})
	cancel()
	<-done
	if svc.Root != nil || !msgs.HasErrors() {
		t.Error(msgs)
	}
}
