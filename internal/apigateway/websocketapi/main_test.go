package websocketapi

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/iam"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// function is a Lambda function of a test.
type function = func(ctx context.Context, payload []byte) ([]byte, invoke.End)

// returns makes a function that answers the same always.
func returns(answer string) function {
	return func(context.Context, []byte) ([]byte, invoke.End) { return []byte(answer), invoke.End{} }
}

// throws makes a function that ends with an error.
func throws(message string) function {
	return func(context.Context, []byte) ([]byte, invoke.End) {
		return []byte(`{"errorType":"Error","errorMessage":"` + message + `","trace":[]}`),
			invoke.End{Outcome: invoke.FunctionError, ErrorType: "Error"}
	}
}

const ok = `{"statusCode":200}`

// fixture is an API behind a real listener, with a function for each route.
type fixture struct {
	t         *testing.T
	api       *API
	functions *invoke.Fake
	server    *httptest.Server
	def       *Definition
	config    Config
}

// evaluate asks IAM, as the node does.
func evaluate(policy *document.Node, action, resource string, r *http.Request) (Decision, error) {
	d, err := iam.EvaluateDocument(policy, action, resource, r)
	return map[iam.Decision]Decision{iam.Allow: Allowed, iam.ExplicitDeny: Denied}[d], err
}

// newFixture serves an API with the stage "dev". Routes are route key to
// function; a "2" at the end of the key makes a route two-way.
func newFixture(t *testing.T, routes map[string]function, options ...func(*Config, *Definition)) *fixture {
	t.Helper()
	f := &fixture{t: t, functions: &invoke.Fake{Functions: map[string]function{}}}
	chosen, err := selection.Parse("$request.body.action")
	if err != nil {
		t.Fatal(err)
	}
	f.def = &Definition{
		Deployment: Deployment{Selection: chosen, Routes: map[string]*Route{}},
		Stages:     map[string]*Stage{"dev": {Name: "dev"}, "prod": {Name: "prod"}},
	}
	for key, fn := range routes {
		name := strings.TrimSuffix(key, "2")
		f.functions.Functions[name] = fn
		f.def.Routes[name] = &Route{Key: name, Replies: name != key, Integration: &Integration{Function: name}}
	}
	f.config = Config{
		ID: "a1b2c3d4e5", Resource: "ChatApi", Region: "eu-west-1", AccountID: "123456789012",
		Invoker: f.functions, Connections: cluster.NewLocal(), Journal: &journal.Journal{}, Evaluate: evaluate,
	}
	for _, option := range options {
		option(&f.config, f.def)
	}
	f.api = New(f.config)
	f.server = httptest.NewServer(f.api)
	_, port, _ := net.SplitHostPort(f.server.Listener.Addr().String())
	f.def.Authority = "localhost:" + port
	f.api.Update(f.def)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.api.Close(ctx); err != nil {
			t.Errorf("closing the API: %v", err)
		}
		f.server.Close()
	})
	return f
}

// client is a WebSocket client that hides nothing.
type client struct {
	t      *testing.T
	conn   net.Conn
	r      *bufio.Reader
	status int
	header http.Header
	body   string // of a refusal
}

// dial makes a handshake; extra are header lines beyond the usual.
func (f *fixture) dial(path string, extra ...string) *client {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.server.Listener.Addr().String())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	lines := append([]string{
		"GET " + path + " HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, extra...)
	if !strings.Contains(strings.Join(extra, "\n"), "Host: ") {
		lines = append(lines, "Host: "+f.def.Authority)
	}
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		f.t.Fatal(err)
	}
	c := &client{t: f.t, conn: conn, r: bufio.NewReader(conn)}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(c.r, &http.Request{Method: "GET"})
	if err != nil {
		f.t.Fatal(err)
	}
	c.status, c.header = res.StatusCode, res.Header
	if c.status != http.StatusSwitchingProtocols {
		b, _ := io.ReadAll(res.Body)
		c.body = string(b)
	}
	return c
}

// open is a dial that must succeed.
func (f *fixture) open(extra ...string) *client {
	f.t.Helper()
	c := f.dial("/dev", extra...)
	if c.status != http.StatusSwitchingProtocols {
		f.t.Fatalf("the handshake was answered %d %s", c.status, c.body)
	}
	return c
}

func (c *client) send(texts ...string) {
	c.t.Helper()
	for _, s := range texts {
		c.frame(ws.NewTextFrame([]byte(s)))
	}
}

func (c *client) frame(f ws.Frame) {
	c.t.Helper()
	if err := ws.WriteFrame(c.conn, ws.MaskFrame(f)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) close(code int, reason string) {
	c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code), reason)))
}

// receive returns the next frame: a message's text, or "close 1000 reason".
func (c *client) receive() string {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.t.Fatalf("receiving: %v", err)
	}
	switch f.Header.OpCode {
	case ws.OpText:
		return string(f.Payload)
	case ws.OpClose:
		if len(f.Payload) < 2 {
			return "close"
		}
		return strings.TrimSpace(fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(f.Payload), f.Payload[2:]))
	}
	return fmt.Sprintf("opcode %d", f.Header.OpCode)
}

func (c *client) want(text string) {
	c.t.Helper()
	if got := c.receive(); got != text {
		c.t.Errorf("received %q, want %q", got, text)
	}
}

// wantFailure expects an error frame, to the byte.
func (c *client) wantFailure(message string) {
	c.t.Helper()
	got := c.receive()
	var ids struct{ ConnectionID, RequestID string }
	_ = json.Unmarshal([]byte(got), &ids)
	want := `{"message": "` + message + `", "connectionId":"` + ids.ConnectionID + `", "requestId":"` + ids.RequestID + `"}`
	if got != want || !wellFormed(ids.ConnectionID) || !wellFormed(ids.RequestID) || len(ids.RequestID) != 16 {
		c.t.Errorf("received %q, want %q", got, want)
	}
}

// silent checks that nothing was sent before the answer to a ping.
func (c *client) silent() {
	c.t.Helper()
	c.frame(ws.NewPingFrame(nil))
	c.want("opcode 10")
}

// calls waits until n invocations were made and returns them.
func (f *fixture) calls(n int) []invoke.Request {
	f.t.Helper()
	var calls []invoke.Request
	eventually(f.t, fmt.Sprintf("%d invocations", n), func() bool {
		calls = f.functions.Calls()
		return len(calls) >= n
	})
	return calls
}

// id waits until the API has exactly one connection and returns its id.
func (f *fixture) id() string {
	f.t.Helper()
	var id string
	eventually(f.t, "one connection", func() bool {
		all := f.api.connections()
		if len(all) == 1 {
			id = all[0].id
		}
		return len(all) == 1
	})
	return id
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 10000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

// decoded is an event as a function sees it.
type decoded struct {
	Headers        map[string]string
	RequestContext struct {
		RouteKey, EventType, ConnectionID, MessageID, Stage, DomainName, APIID, RequestID string
		ConnectedAt, RequestTimeEpoch                                                     int64
		DisconnectStatusCode                                                              int
		DisconnectReason                                                                  string
		Authorizer                                                                        map[string]any
	}
	Body string
}

func decode(t *testing.T, payload []byte) decoded {
	t.Helper()
	var e decoded
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatalf("the event is no JSON: %v\n%s", err, payload)
	}
	return e
}

// manage calls the @connections API.
func (f *fixture) manage(method, path, body string, change ...func(*http.Request)) (*http.Response, string) {
	f.t.Helper()
	r, err := http.NewRequest(method, f.server.URL, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.URL.Opaque = path // to the byte, as SDKs send it
	if strings.HasPrefix(path, "//") {
		r.URL.Opaque = "//" + f.def.Authority + path // net/http takes two slashes for a host
	}
	r.Host = f.def.Authority
	for _, c := range change {
		c(r)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		f.t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res, string(b)
}
