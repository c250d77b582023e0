package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// benchmarkStart measures from exec to the first /next. script replaces the
// runtime client.
func benchmarkStart(b *testing.B, runtime string, files map[string]string, script string) {
	root := b.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	c, err := New(Config{CacheDir: cacheDir}).Command(b.Context(), Function{Name: "f", Runtime: runtime, Handler: "index.handler", Root: root})
	if err != nil {
		b.Fatal(err)
	}
	if script != "" {
		c.Args = []string{filepath.Join(root, script)}
	}
	a := &runtimeAPI{events: make(chan event), posts: make(chan post, 10), polled: make(chan struct{}, 100)}
	stop := a.serve(b)
	defer stop()
	for b.Loop() {
		cmd := exec.Command(c.Path, c.Args...)
		cmd.Dir = root
		cmd.Env = environ(c, []string{"PATH=" + os.Getenv("PATH"), "AWS_LAMBDA_RUNTIME_API=" + a.addr, "_HANDLER=index.handler", "LAMBDA_TASK_ROOT=" + root})
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		<-a.polled
		b.StopTimer()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b.StartTimer()
	}
}

// The client's cold start against the smallest loop that speaks the Runtime
// API: go test -run=- -bench=ColdStart
func BenchmarkColdStart(b *testing.B) {
	for _, row := range []struct{ name, runtime, file, code string }{
		{"node", "nodejs20.x", "index.js", `exports.handler = async () => 1`},
		{"node module", "nodejs20.x", "index.mjs", `export const handler = async () => 1`},
		{"python", "python3.11", "index.py", "def handler(event, context):\n  return 1\n"},
		{"ruby", "ruby3.2", "index.rb", "def handler(event:, context:)\n  1\nend\n"},
	} {
		b.Run(row.name, func(b *testing.B) { benchmarkStart(b, row.runtime, map[string]string{row.file: row.code}, "") })
	}
	b.Run("node minimal", func(b *testing.B) {
		benchmarkStart(b, "nodejs20.x", map[string]string{"loop.js": `const http = require('http'); const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
			http.get({ host, port, path: '/2018-06-01/runtime/invocation/next' }, (r) => r.resume())`}, "loop.js")
	})
	b.Run("python minimal", func(b *testing.B) {
		benchmarkStart(b, "python3.11", map[string]string{"loop.py": "import http.client, os\nc = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\nc.request('GET', '/2018-06-01/runtime/invocation/next')\nc.getresponse()\n"}, "loop.py")
	})
}
