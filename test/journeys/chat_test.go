package journeys

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A chat with two clients: join, send, help, gone.
func chat(t *testing.T, r *running) {
	url := r.url("websocket")
	a, b := dial(t, url), dial(t, url)
	a.send(`{"action":"sendmessage","message":"hello"}`)
	b.expect("hello")
	b.send(`{"action":"sendmessage","message":"grüezi ☂"}`)
	a.expect("grüezi ☂")
	a.send("what?")
	if got := a.receive(); !strings.Contains(got, "sendmessage") {
		t.Errorf("help is %q", got)
	}
	b.conn.CloseNow()
	r.await("the disconnect", func(e entry) bool { return e.Type == "disconnect" })
	a.send(`{"action":"sendmessage","message":"anyone?"}`) // posts to nobody, fails nowhere
	c := dial(t, url)
	a.send(`{"action":"sendmessage","message":"welcome"}`)
	for {
		if c.receive() == "welcome" {
			return
		}
	}
}

func TestChatInGo(t *testing.T) { chat(t, start(t, example(t, "chat-go"))) }

func TestChatInNode(t *testing.T) { chat(t, start(t, example(t, "chat-node"))) }

// The README's own commands: two wscat clients.
func TestWscatClientsChat(t *testing.T) {
	r := start(t, example(t, "chat-go"))
	url := r.url("websocket")
	wscat := func() (io.WriteCloser, *bufio.Reader) {
		cmd := exec.Command("node", tool(t, "npm/node_modules/wscat/bin/wscat"), "-c", url)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return in, bufio.NewReader(out)
	}
	aIn, _ := wscat()
	_, bOut := wscat()
	n := 0
	r.await("two connections", func(e entry) bool {
		if e.Type == "connect" {
			n++
		}
		return n == 2
	})
	if _, err := io.WriteString(aIn, `{"action":"sendmessage","message":"hello"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { t.Error("no hello in a minute") })
	defer timer.Stop()
	var seen strings.Builder
	for !strings.Contains(seen.String(), "hello") && !t.Failed() {
		c, err := bOut.ReadByte()
		if err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.WriteByte(c)
	}
}

// The AWS CLI pushes to a client; one that is gone is a GoneException.
func TestAWSCLIPostsToConnection(t *testing.T) {
	r := start(t, example(t, "chat-go"))
	c := dial(t, r.url("websocket"))
	id := r.await("connect", func(e entry) bool { return e.Type == "connect" }).ConnectionID
	endpoint := strings.Replace(r.url("websocket"), "ws://", "http://", 1)
	post := func(id string) (string, error) {
		return r.aws("apigatewaymanagementapi", "post-to-connection", "--endpoint-url", endpoint, "--connection-id", id, "--data", "from the CLI")
	}
	if out, err := post(id); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.expect("from the CLI")
	out, err := r.aws("apigatewaymanagementapi", "get-connection", "--endpoint-url", endpoint, "--connection-id", id)
	var info struct{ ConnectedAt, LastActiveAt string }
	if err != nil || json.Unmarshal([]byte(out), &info) != nil || info.ConnectedAt == "" || info.LastActiveAt == "" {
		t.Errorf("get-connection: %v %s", err, out)
	}
	c.conn.CloseNow()
	r.await("disconnect", func(e entry) bool { return e.Type == "disconnect" })
	if out, err := post(id); err == nil || !strings.Contains(out, "GoneException") {
		t.Errorf("after the end: %v %s", err, out)
	}
}

// The developer's own tools see the app's table.
func TestAWSCLIReadsTheTable(t *testing.T) {
	r := start(t, example(t, "chat-go"))
	dial(t, r.url("websocket"))
	r.await("connect", func(e entry) bool { return e.Type == "connect" })
	out, err := r.aws("dynamodb", "scan", "--endpoint-url", r.ready.AWS.Endpoint, "--table-name", r.ready.Resources["ConnectionsTable"])
	var page struct{ Count int }
	if err != nil || json.Unmarshal([]byte(out), &page) != nil || page.Count != 1 {
		t.Errorf("%v %s", err, out)
	}
}

// wss on the same port, with the local certificate authority.
func TestSDKsPushOverTLSToTheSamePort(t *testing.T) {
	r := start(t, example(t, "chat-go"))
	if !strings.HasPrefix(r.url("websocket"), "ws://localhost:") {
		t.Errorf("url %s", r.url("websocket"))
	}
	chat(t, r) // the functions call https://{domainName}/{stage}
}
