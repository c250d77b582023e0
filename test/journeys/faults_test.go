package journeys

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func files(t *testing.T, text map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range text {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const head = "AWSTemplateFormatVersion: \"2010-09-09\"\nTransform: AWS::Serverless-2016-10-31\nResources:\n"

const socketAPI = `  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: dev
      Routes:
        $default: { FunctionArn: !GetAtt Fn.Arn }
`

const nodeFunction = `  Fn:
    Type: AWS::Serverless::Function
    Properties: { Runtime: nodejs22.x, Handler: index.handler, CodeUri: src/, Timeout: 2 }
`

// What is wrong in the app stops the start with one clear message and status 2.
func TestABrokenAppIsToldInOneMessage(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"broken YAML", map[string]string{"template.yaml": "Resources:\n  A: [\n"}, []string{"template.yaml:"}},
		{"a reference to nothing", map[string]string{"template.yaml": "Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      TableName: !Ref Nme\n      KeySchema: [{AttributeName: id, KeyType: HASH}]\n      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]\n      BillingMode: PAY_PER_REQUEST\nParameters:\n  Name: {Type: String, Default: x}\n"},
			[]string{"template.yaml:5", "Nme", "Name"}},
		{"code that is not there", map[string]string{"template.yaml": head + nodeFunction}, []string{"template.yaml:", "Fn", "src"}},
		{"a handler that is not there", map[string]string{"template.yaml": head + nodeFunction, "src/other.js": ""}, []string{"Fn", "index"}},
		{"Go that does not build", map[string]string{
			"template.yaml": head + "  Fn:\n    Type: AWS::Serverless::Function\n    Properties: { Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn/ }\n",
			"fn/go.mod":     "module fn\n\ngo 1.24\n", "fn/main.go": "package main\n\nfunc main() { nope() }\n"},
			[]string{"Fn", "main.go:3", "nope"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := launch(t, files(t, c.files))
			if status := r.wait(); status != 2 {
				t.Errorf("status %d", status)
			}
			text := r.stderr.String()
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
			if n := strings.Count(text, "error:"); n > 2 {
				t.Errorf("%d errors for one mistake:\n%s", n, text)
			}
		})
	}
}

func TestATakenPortIsToldWithItsRemedy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	dir := files(t, map[string]string{"template.yaml": head + socketAPI + nodeFunction, "src/index.js": "exports.handler = async () => ({statusCode: 200})",
		"suiro.yaml": fmt.Sprintf("ports: {Chat: %d}\n", port)})
	r := launch(t, dir)
	if status := r.wait(); status != 2 {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{strconv.Itoa(port), "Chat", "suiro.yaml"} {
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("%q is not in:\n%s", want, r.stderr)
		}
	}
}

// Functions that misbehave give AWS's error frame, and Suiro goes on.
func TestAFunctionThatFailsDoesNotStopSuiro(t *testing.T) {
	dir := files(t, map[string]string{"template.yaml": head + socketAPI + nodeFunction, "src/index.js": `
exports.handler = async (event) => {
  switch (event.body) {
    case "throw": throw new Error("no");
    case "exit": process.exit(3);
    case "hang": return new Promise(() => setInterval(() => {}, 1000));
    case "binary": process.stdout.write(Buffer.from([0, 1, 2, 0xff, 0xfe, 10])); break;
  }
  return { statusCode: 200 };
};`})
	r := start(t, dir)
	c := dial(t, r.url("websocket"))
	for _, what := range []string{"throw", "exit", "hang"} {
		c.send(what)
		if got := c.receive(); !strings.HasPrefix(got, `{"message": "Internal server error", "connectionId":"`) {
			t.Errorf("%s gives %s", what, got)
		}
	}
	c.send("binary")
	r.await("the binary log line", func(e entry) bool { return e.Type == "log" && e.Stream == "stdout" })
	c.send("throw")
	c.receive()
}

// kill -9 while messages flow: nothing is left, the next start works at once,
// and every row that was acknowledged is there.
func TestKillNineLeavesNothingBehind(t *testing.T) {
	dir := files(t, map[string]string{"template.yaml": head + socketAPI + nodeFunction + `
  T:
    Type: AWS::Serverless::SimpleTable
`, "src/index.js": `
exports.handler = async () => { require("child_process").spawn("sleep", ["4242"], {stdio: "ignore"}); await new Promise((r) => setTimeout(r, 50)); return { statusCode: 200 } };`})
	r := start(t, dir)
	c := dial(t, r.url("websocket"))
	for range 4 {
		c.send("x")
	}
	r.await("an invocation", func(e entry) bool { return e.Type == "message" })
	acknowledged := 0
	table := r.ready.Resources["T"]
	for i := range 5 {
		if _, err := r.aws("dynamodb", "put-item", "--endpoint-url", r.ready.AWS.Endpoint, "--table-name", table, "--item", fmt.Sprintf(`{"id":{"S":"%d"}}`, i)); err == nil {
			acknowledged++
		}
	}
	r.kill()
	deadline := time.Now().Add(10 * time.Second)
	for {
		out, _ := exec.Command("pgrep", "-f", "sleep 4242").Output()
		left, _ := exec.Command("pgrep", "-f", filepath.Join(dir, "src")).Output()
		if len(out)+len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %s %s", out, left)
		}
		time.Sleep(50 * time.Millisecond)
	}
	again := start(t, dir)
	out, err := again.aws("dynamodb", "scan", "--endpoint-url", again.ready.AWS.Endpoint, "--table-name", table, "--select", "COUNT", "--query", "Count")
	if err != nil || out != strconv.Itoa(acknowledged) || acknowledged != 5 {
		t.Errorf("%d acknowledged, found %s %v", acknowledged, out, err)
	}
}

// A change of code and routes reaches the next message of an open socket.
func TestReloadKeepsSocketsOpen(t *testing.T) {
	reply := func(text string) string {
		return fmt.Sprintf("exports.handler = async () => ({ statusCode: 200, body: %q })", text)
	}
	response := `  Back:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Chat, RouteId: !Ref ChatDefaultRoute, RouteResponseKey: $default }
`
	dir := files(t, map[string]string{"template.yaml": head + socketAPI + nodeFunction + response, "src/index.js": reply("one")})
	r := start(t, dir)
	c := dial(t, r.url("websocket"))
	c.send("x")
	c.expect("one")
	if err := os.WriteFile(filepath.Join(dir, "src/index.js"), []byte(reply("two")), 0o644); err != nil {
		t.Fatal(err)
	}
	r.await("the reload", func(e entry) bool { return e.Type == "change" })
	c.send("x")
	c.expect("two")
	// A change that breaks the app is told; the old version goes on.
	broken := strings.Replace(head+socketAPI+nodeFunction+response, "!Ref Chat,", "!Ref Chaat,", 1)
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	r.await("the refusal", func(e entry) bool { return e.Type == "change" && e.Error != "" })
	c.send("x")
	c.expect("two")
}

// A template that holds only a table, or only a function, starts too.
func TestSmallTemplatesStart(t *testing.T) {
	start(t, files(t, map[string]string{"template.yaml": head + "  T:\n    Type: AWS::Serverless::SimpleTable\n"}))
	start(t, files(t, map[string]string{"template.yaml": head + nodeFunction, "src/index.js": "exports.handler = async () => 1"}))
}
