//go:build linux

package environment

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// AWS's own runtime clients against our Runtime API. They are slow to build,
// so those that are not there are skipped with a reason.

// clientCommand says how a client runs the functions in test/functions.
type clientCommand struct {
	path    string
	args    []string
	dir     string
	handler string
}

// ricDir is where test/install-ric.sh puts the clients.
func ricDir() string {
	if dir := os.Getenv("SUIRO_RIC"); dir != "" {
		return dir
	}
	return "/tmp/ric"
}

func testFunctions(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "test", "functions"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func need(t testing.TB, path, how string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there: %s", path, how)
	}
}

func goClient(t testing.TB) clientCommand {
	bin := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bin, "./goecho")
	cmd.Dir = testFunctions(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the Go function does not build here: %v\n%s", err, out)
	}
	return clientCommand{path: bin, handler: "bootstrap"}
}

func nodeClient(t testing.TB) clientCommand {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	ric := filepath.Join(ricDir(), "node_modules", "aws-lambda-ric")
	need(t, filepath.Join(ric, "dist", "rapid-client.node"), "run test/install-ric.sh")
	return clientCommand{path: node, args: []string{filepath.Join(ric, "bin", "index.mjs")}, dir: testFunctions(t, "clients"), handler: "index.handler"}
}

func pythonClient(t testing.TB) clientCommand {
	python := filepath.Join(ricDir(), "venv", "bin", "python")
	need(t, python, "run test/install-ric.sh")
	return clientCommand{path: python, args: []string{"-m", "awslambdaric"}, dir: testFunctions(t, "clients"), handler: "index.handler"}
}

func rustClient(t testing.TB) clientCommand {
	bin := filepath.Join(ricDir(), "rust", "release", "echo")
	need(t, bin, "run cargo build --release --target-dir "+ricDir()+"/rust in test/functions/rust")
	return clientCommand{path: bin, handler: "bootstrap"}
}

func newClientPlace(t *testing.T, c clientCommand) *place {
	return newPlace(t, c.handler, timeout(5*time.Second), func(cfg *Config) {
		dir := c.dir
		if dir == "" {
			dir = cfg.Command.Dir
		}
		args := c.args
		if len(args) > 0 {
			args = append(append([]string(nil), args...), c.handler)
		}
		cfg.Command.Path, cfg.Command.Args, cfg.Command.Dir = c.path, args, dir
		cfg.Command.Env = append(cfg.Command.Env, "LAMBDA_TASK_ROOT="+dir, "AWS_LAMBDA_FUNCTION_NAME=fn",
			"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
			"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn", "AWS_REGION=us-east-1", "PYTHONPATH="+dir)
	})
}

func TestAWSClients(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts AWS's runtime clients")
	}
	for _, c := range []struct {
		name    string
		client  func(testing.TB) clientCommand
		failure string // how the error "oh" begins
	}{
		{"aws-lambda-go", goClient, `{"errorMessage":"oh","errorType":"errorString"`},
		{"aws-lambda-ric for Node", nodeClient, `{"errorType":"Error","errorMessage":"oh","trace":["Error: oh"`},
		{"awslambdaric for Python", pythonClient, `{"errorMessage": "oh", "errorType": "Exception", "requestId": "` + requestID + `", "stackTrace": [`},
		{"lambda_runtime for Rust", rustClient, `{"errorType":"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newClientPlace(t, c.client(t))
			for range 3 {
				if body, end, _ := p.call(`{"do":"","text":"hé"}`); !strings.Contains(body, "h") || end.Outcome != invoke.Complete {
					t.Fatalf("echo %s, %+v\n%s", body, end, p.log())
				}
			}
			pid := p.Pid()
			body, _, _ := p.call(`{"do":"context"}`)
			for _, want := range []string{requestID, "arn:aws:lambda:us-east-1:123456789012:function:fn", "true"} {
				if !strings.Contains(body, want) {
					t.Errorf("context %s lacks %s", body, want)
				}
			}
			body, end, _ := p.call(`{"do":"error","text":"oh"}`)
			if !strings.HasPrefix(body, c.failure) || end.Outcome != invoke.FunctionError {
				t.Errorf("error %s, %+v", body, end)
			}
			if p.Pid() != pid {
				t.Error("the process did not survive a handler's error")
			}
			p.log()
			p.call(`{"do":"print","text":"a line"}`)
			if got := p.log(); !strings.Contains(got, "a line\n") || strings.Index(got, "a line") > strings.Index(got, "END RequestId") {
				t.Errorf("log\n%s", got)
			}
			body, end, _ = p.call(`{"do":"exit"}`)
			if want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + requestID + ` Error: Runtime exited with error: exit status 1"}`; body != want {
				t.Errorf("exit %s, %+v", body, end)
			}
			if _, end, _ := p.call(`{"do":"hang"}`); end.ErrorType != "Sandbox.Timedout" {
				t.Errorf("hang %+v", end)
			}
			if body, end, _ := p.call(`{"do":"","text":"back"}`); end.Outcome != invoke.Complete {
				t.Errorf("after the timeout %s, %+v", body, end)
			}
		})
	}
}

func TestAWSClientsStream(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts AWS's runtime clients")
	}
	for _, c := range []struct {
		name, handler, tail string
		client              func(testing.TB) clientCommand
	}{
		{"aws-lambda-go", "", "", goClient},
		{"aws-lambda-ric for Node", "index.streaming", "!", nodeClient},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := c.client(t)
			if c.handler != "" {
				command.handler = c.handler
			}
			p := newClientPlace(t, command)
			for _, mode := range []invoke.Mode{invoke.Stream, invoke.Buffered} {
				body, end, _ := p.call(`{"do":"stream","text":"chunk"}`, func(in *Invocation) { in.Mode = mode })
				if body != "chunk"+c.tail || end.Outcome != invoke.Complete {
					t.Errorf("mode %d: %q, %+v\n%s", mode, body, end, p.log())
				}
			}
			in := Invocation{RequestID: requestID, Payload: []byte(`{"do":"stream-error","text":"chunk"}`), Mode: invoke.Stream}
			res, err := p.invoke(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			end := res.End()
			if string(body) != "chunk" || err != nil || end.Outcome != invoke.FunctionError || !strings.Contains(string(end.ErrorBody), "broken midway") {
				t.Errorf("midway: %q, %v, %d %s %s", body, err, end.Outcome, end.ErrorType, end.ErrorBody)
			}
		})
	}
}

// lambda.WithEnableSIGTERM registers an internal extension to be told.
func TestAWSGoClientHearsSIGTERM(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts AWS's runtime client")
	}
	c := goClient(t)
	c.handler = "sigterm"
	p := newClientPlace(t, c)
	p.call(`{"do":""}`)
	p.Close()
	if _, err := os.Stat(filepath.Join(p.dir, "terminated")); err != nil {
		t.Errorf("SIGTERM did not arrive: %v\n%s", err, p.log())
	}
}

func TestGoBinaryFromBeforeTheRuntimeAPI(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a function with an old aws-lambda-go")
	}
	bin := filepath.Join(t.TempDir(), "handler")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = testFunctions(t, "gorpc")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the old Go function does not build here: %v\n%s", err, out)
	}
	p := newPlace(t, "handler", timeout(time.Second), func(c *Config) {
		c.RPC, c.Command.Path = true, bin
	})
	for _, c := range []struct{ event, body, errorType string }{
		{`{"do":"","text":"a"}`, `{"do":"","text":"a"}`, ""},
		{`{"do":"error","text":"oh"}`, `{"errorMessage":"oh","errorType":"errorString"}`, "errorString"},
		{`{"do":"hang"}`, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + requestID + ` Error: Task timed out after 1.00 seconds"}`, "Sandbox.Timedout"},
		{`{"do":"","text":"b"}`, `{"do":"","text":"b"}`, ""},
	} {
		if body, end, _ := p.call(c.event); body != c.body || end.ErrorType != c.errorType {
			t.Errorf("%s: %s, %+v", c.event, body, end)
		}
	}
	if body, end, _ := p.call(`{"do":"panic","text":"oh"}`); !strings.HasPrefix(body, `{"errorMessage":"oh","errorType":"string","stackTrace":[`) {
		t.Errorf("panic: %s, %+v", body, end)
	}
	if body, _, _ := p.call(`{"do":"","text":"c"}`); body != `{"do":"","text":"c"}` {
		t.Errorf("after the panic: %s", body)
	}
}
