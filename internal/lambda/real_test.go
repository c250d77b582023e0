package lambda

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
)

// The service with the real builder and the real runtimes: what a user has.
func TestRealFunctions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts interpreters")
	}
	cache := t.TempDir()
	for _, c := range []struct {
		name, tool, file, code, properties, body, outcome string
	}{
		{"Node", "node", "index.mjs", `export const handler = async (event, context) => ({ hi: event.name, fn: context.functionName });`,
			`Runtime: nodejs22.x, Handler: index.handler`, `{"hi":"a","fn":"fn"}`, ""},
		{"TypeScript", "node", "app.ts", `export const handler = async (event: { name: string }): Promise<string> => event.name;`,
			`Runtime: nodejs22.x, Handler: app.handler`, `"a"`, ""},
		{"Python", "python3", "app.py", "def handler(event, context):\n    return {'hi': event['name']}\n",
			`Runtime: python3.12, Handler: app.handler`, `{"hi": "a"}`, ""},
		{"Python without a module it imports", "python3", "app.py", "import nowhere\n", `Runtime: python3.12, Handler: app.handler`, `Runtime.ImportModuleError`, "error"},
		{"Ruby", "ruby", "app.rb", "def handler(event:, context:)\n  { hi: event['name'] }\nend\n",
			`Runtime: ruby3.3, Handler: app.handler`, `{"hi":"a"}`, ""},
		{"shell bootstrap", "curl", "bootstrap", "#!/bin/sh\nurl=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation\n" +
			"while :; do\n  id=$(curl -sS -o event -D - $url/next | tr -d '\\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //pI')\n  curl -sS -d @event $url/$id/response\ndone\n",
			`Runtime: provided.al2023, Handler: bootstrap`, `{"name":"a"}`, ""},
		{"inline Node", "node", "unused", "", `Runtime: nodejs22.x, Handler: index.handler, Inline: "exports.handler = async (e) => e.name;"`, `"a"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skipf("%s is not installed", c.tool)
			}
			p := newPlace(t, func(cfg *Config) {
				cfg.Builder = bundle.New(bundle.Config{CacheDir: filepath.Join(cache, "build")})
				cfg.Runtimes = runtime.New(runtime.Config{CacheDir: filepath.Join(cache, "runtime")})
			})
			if err := os.WriteFile(filepath.Join(p.dir, c.file), []byte(c.code), 0o700); err != nil {
				t.Fatal(err)
			}
			code := `"."`
			properties, inline, ok := strings.Cut(c.properties, ", Inline: ")
			if ok {
				code = "{ZipFile: " + inline + "}"
			}
			if _, err := p.try("Fn", "Function", `{FunctionName: fn, Timeout: 20, Code: `+code+`, `+properties+`}`); err != nil {
				t.Fatal(err)
			}
			body, end := p.call("fn", `{"name":"a"}`)
			want := invoke.Complete
			if c.outcome != "" {
				want = invoke.FunctionError
			}
			if !strings.Contains(body, c.body) || end.Outcome != want {
				t.Errorf("got %s, %+v", body, end)
				for len(p.sub.Entries()) > 0 {
					t.Log((<-p.sub.Entries()).Text)
				}
			}
			if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
				t.Error(err)
			}
		})
	}
}
