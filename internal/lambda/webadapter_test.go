package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/resource"
)

const (
	adapterLayer = `Layers: ["arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:26"]`
	wrapped      = `Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap, PORT: "8000"}}`
	request      = `{"version":"2.0","rawPath":"/here","rawQueryString":"a=1","headers":{"host":"h"},"requestContext":{"http":{"method":"GET"}},"isBase64Encoded":false}`
)

// real gives a service the real builder and runtimes.
func real(t *testing.T, change ...func(*Config)) *place {
	t.Helper()
	if testing.Short() {
		t.Skip("starts interpreters")
	}
	cache := t.TempDir()
	return newPlace(t, func(cfg *Config) {
		cfg.Builder = bundle.New(bundle.Config{CacheDir: filepath.Join(cache, "build")})
		cfg.Runtimes = runtime.New(runtime.Config{CacheDir: filepath.Join(cache, "runtime")})
		for _, f := range change {
			f(cfg)
		}
	})
}

const (
	nodeServer = `require("http").createServer((req, res) => {
  res.setHeader("content-type", "text/plain");
  res.end("node " + req.url + " " + (JSON.parse(req.headers["x-amzn-lambda-context"] || "{}").env_config || {}).function_name);
}).listen(PORT, "127.0.0.1")`
	pythonServer = `import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(("python " + self.path).encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`
)

// Functions that are servers, as templates say it: by the public layer with
// the wrapper script, or by the adapter's variables with a program of one's own.
func TestWebServersBehindTheAdapter(t *testing.T) {
	for _, c := range []struct{ name, tool, server, start, properties, want string }{
		{"Node", "node", strings.Replace(nodeServer, "PORT", "process.env.PORT", 1), "#!/bin/sh\nexec node server\n",
			`Runtime: nodejs22.x, Handler: run.sh, ` + wrapped + `, ` + adapterLayer, "node /here?a=1 fn"},
		{"Python, script without #!", "python3", pythonServer, "exec python server\n",
			`Runtime: python3.12, Handler: run.sh, ` + wrapped + `, ` + adapterLayer, "python /here?a=1"},
		{"Node, script that is not executable", "node", strings.Replace(nodeServer, "PORT", "process.env.PORT", 1), "#!/usr/bin/env sh\nexec node server\n",
			`Runtime: nodejs22.x, Handler: run.sh, ` + wrapped + `, ` + adapterLayer, "node /here?a=1 fn"},
		{"a program of its own", "python3", pythonServer, "#!/bin/sh\nexec python3 server\n",
			`Runtime: provided.al2023, Handler: bootstrap, Environment: {Variables: {AWS_LWA_PORT: "8000"}}`, "python /here?a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skipf("%s is not installed", c.tool)
			}
			p := real(t)
			start, mode := "run.sh", os.FileMode(0o700)
			if strings.Contains(c.name, "not executable") {
				mode = 0o600
			}
			if strings.Contains(c.properties, "Handler: bootstrap") {
				start = "bootstrap"
			}
			p.write("server", c.server)
			if err := os.WriteFile(filepath.Join(p.dir, start), []byte(c.start), mode); err != nil {
				t.Fatal(err)
			}
			p.create("Fn", "Function", `{FunctionName: fn, Timeout: 20, Code: ".", `+c.properties+`}`)
			body, end := p.call("fn", request)
			var result struct {
				StatusCode int
				Body       string
			}
			_ = json.Unmarshal([]byte(body), &result)
			if end.Outcome != invoke.Complete || result.StatusCode != 200 || result.Body != c.want {
				t.Errorf("%v %s", end, body)
			}
		})
	}
}

// A Node server that names AWS's hosts itself reaches what stands for them, as
// does what it starts; its own NODE_OPTIONS count as well.
func TestNodeServersLeadAWSNamesHere(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "stand-in for "+r.Host) }))
	}()
	t.Cleanup(func() { l.Close(); <-served })
	p := real(t, func(c *Config) {
		c.Environ = func(fn FunctionInfo) map[string]string {
			if !fn.Server {
				t.Errorf("%s is not said to be a server", fn.Name)
			}
			return map[string]string{"SUIRO_HOSTS": fmt.Sprintf("dynamodb.us-east-1.amazonaws.com=%d", l.Addr().(*net.TCPAddr).Port)}
		}
	})
	p.write("server", `require("http").createServer(async (req, res) => {
  res.end(process.title + ": " + await (await fetch("http://dynamodb.us-east-1.amazonaws.com/")).text());
}).listen(process.env.PORT, "127.0.0.1")`)
	p.write("start.js", `require("child_process").spawn(process.execPath, ["server"], { stdio: "inherit" })`)
	if err := os.WriteFile(filepath.Join(p.dir, "run.sh"), []byte("#!/bin/sh\nexec node start.js\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.create("Fn", "Function", `{FunctionName: fn, Timeout: 20, Code: ".", Runtime: nodejs22.x, Handler: run.sh, `+
		strings.Replace(wrapped, "{AWS", "{NODE_OPTIONS: --title=mine, AWS", 1)+`, `+adapterLayer+`}`)
	if body, end := p.call("fn", request); end.Outcome != invoke.Complete || !strings.Contains(body, "mine: stand-in for dynamodb.us-east-1.amazonaws.com") {
		t.Errorf("%v %s", end, body)
	}
}

// A server that ignores PORT can be there once, and does serve all the same.
func TestServerOnAFixedPortServesOneCallAtATime(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	p := real(t)
	const port = "48731"
	p.write("server", strings.Replace(nodeServer, "PORT", port, 1))
	if err := os.WriteFile(filepath.Join(p.dir, "run.sh"), []byte("#!/bin/sh\nexec node server\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.create("Fn", "Function", `{FunctionName: fn, Timeout: 20, Code: ".", Runtime: nodejs22.x, Handler: run.sh, `+strings.Replace(wrapped, "8000", port, 1)+`, `+adapterLayer+`}`)
	var calls sync.WaitGroup
	for range 5 {
		calls.Go(func() {
			if body, end := p.call("fn", request); end.Outcome != invoke.Complete || !strings.Contains(body, "node /here") {
				t.Errorf("%v %s", end, body)
			}
		})
	}
	calls.Wait()
	if t.Failed() {
		for len(p.sub.Entries()) > 0 {
			t.Log((<-p.sub.Entries()).Text)
		}
	}
	if idle, busy := p.function("fn").pool.count(); idle+busy != 1 {
		t.Errorf("%d idle, %d busy", idle, busy)
	}
	for !t.Failed() {
		if e := <-p.sub.Entries(); e.Kind == journal.Noticed && strings.Contains(e.Text, "the server listens on port "+port) {
			break
		}
	}
	// New code, and the port passes on.
	p.write("server", strings.Replace(strings.Replace(nodeServer, "PORT", port, 1), "node ", "new ", 1))
	if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
		t.Fatal(err)
	}
	if body, _ := p.call("fn", request); !strings.Contains(body, "new /here") {
		t.Error(body)
	}
}

func TestAdapterChecks(t *testing.T) {
	for _, c := range []struct{ properties, want string }{
		{`Runtime: python3.12, Handler: run.sh, ` + wrapped + `, ` + adapterLayer, ""},
		{`Runtime: python3.12, Handler: app.handler, Environment: {Variables: {AWS_LWA_PORT: many}}, ` + adapterLayer,
			`X.Environment.Variables.AWS_LWA_PORT: "many" is not a port number from 1 to 65535` + "\n" +
				`X.Layers: the web adapter's layer without AWS_LAMBDA_EXEC_WRAPPER: the handler runs on the python3.12 runtime, and on AWS the two disturb each other (set AWS_LAMBDA_EXEC_WRAPPER to /opt/bootstrap and let Handler name the start script)`},
		{`Runtime: provided.al2023, Handler: b, Environment: {Variables: {AWS_LWA_ASYNC_INIT: "1"}}`,
			`X.Environment.Variables.AWS_LWA_ASYNC_INIT: "1" is neither true nor false; the adapter takes false`},
	} {
		p := newPlace(t)
		var lines []string
		h := p.Handlers()["AWS::Lambda::Function"].(resource.Checker)
		for _, m := range h.Check(p.spec("X", "AWS::Lambda::Function", `{Code: ".", `+c.properties+`}`)) {
			if _, text, ok := strings.Cut(m.String(), ": "); ok && m.Severity != diag.Note {
				lines = append(lines, text)
			}
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	p := newPlace(t)
	properties := `{FunctionName: fn, Code: ".", Runtime: python3.12, Handler: run.sh, ` + wrapped + `, ` + adapterLayer + `}`
	if _, err := p.try("Fn", "Function", properties); err == nil || !strings.Contains(err.Error(), "the start script run.sh is not in "+p.dir) {
		t.Errorf("no script: %v", err)
	}
}
