//go:build linux || darwin

package webadapter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/process"
)

// place is an environment with a web server in it.
type place struct {
	t       *testing.T
	dir     string
	adapter *Adapter
	env     *environment.Environment
	idle    chan struct{}
	log     *journal.Subscription
	fixed   chan bool // one value each time a server is ready
}

type options struct {
	how       string // of the server's start
	variables map[string]string
	timeout   time.Duration
	init      time.Duration
	before    *Adapter
}

func open(t *testing.T, o options) *place {
	t.Helper()
	keeper, err := process.NewKeeper()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: t.TempDir(), idle: make(chan struct{}, 100), fixed: make(chan bool, 100)}
	j := new(journal.Journal)
	p.log = j.Subscribe(1000)
	set, problems := Read(o.variables)
	for _, problem := range problems {
		t.Logf("%s %s", problem.Variable, problem.Text)
	}
	p.adapter = New(o.before, Config{
		Settings: set, FunctionName: "site", MemorySize: 128, LogGroup: "/aws/lambda/site", AsyncInitLimit: 50 * time.Millisecond,
		Started: func(fixed bool) { p.fixed <- fixed },
	})
	env := []string{"SERVER=" + o.how, "PATH=" + os.Getenv("PATH")}
	for name, value := range o.variables {
		env = append(env, name+"="+value)
	}
	if o.timeout == 0 {
		o.timeout = time.Minute
	}
	if o.init == 0 {
		o.init = time.Minute
	}
	self, _ := os.Executable()
	p.env, err = environment.New(environment.Config{
		Function: environment.Function{LogicalID: "Site", Name: "site", Version: "$LATEST", Runtime: "provided.al2023", MemorySize: 128, Timeout: o.timeout},
		Command:  process.Command{Path: self, Dir: p.dir, Env: env},
		Bridge:   p.adapter.Bridge("$LATEST"),
		Keeper:   keeper, Journal: j, InitTimeout: o.init,
		Idle: func(*environment.Environment) { p.idle <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.env.Close()
		p.log.Close()
		_ = keeper.Close(context.Background())
	})
	return p
}

func get(path string) string {
	return `{"version":"2.0","rawPath":` + strconv.Quote(path) + `,"headers":{"host":"example.test","accept":"*/*"},"requestContext":{"http":{"method":"GET"}},"isBase64Encoded":false}`
}

func (p *place) invoke(event string, mode invoke.Mode) *invoke.Result {
	p.t.Helper()
	res, err := p.env.Invoke(context.Background(), environment.Invocation{
		RequestID: "11111111-2222-3333-4444-555555555555", Payload: []byte(event), Mode: mode, TraceID: "Root=1-2-3;Parent=4;Sampled=0",
		InvokedARN: "arn:aws:lambda:us-east-1:123456789012:function:site",
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

// result is a buffered result.
type result struct {
	StatusCode        int
	StatusDescription string
	Headers           map[string]string
	MultiValueHeaders map[string][]string
	Cookies           []string
	Body              string
	IsBase64Encoded   bool
}

func (p *place) buffered(event string) (result, []byte) {
	p.t.Helper()
	res := p.invoke(event, invoke.Buffered)
	data, _ := io.ReadAll(res.Body)
	if end := res.End(); end.Outcome != invoke.Complete {
		p.t.Fatalf("ended %v: %s", end, data)
	}
	<-p.idle
	var r result
	_ = json.Unmarshal(data, &r)
	return r, data
}

// echoed is what the server saw of an event.
type echoed struct {
	Method, Target, Host, Body string
	Header                     map[string][]string
	PID                        int
}

func (p *place) echo(event string) echoed {
	p.t.Helper()
	r, data := p.buffered(event)
	body := []byte(r.Body)
	if r.StatusCode == 0 { // passed through
		body = data
	}
	var e echoed
	if err := json.Unmarshal(body, &e); err != nil {
		p.t.Fatalf("%v: %s", err, data)
	}
	return e
}

// logged waits for a line of the function's log.
func (p *place) logged(text string) {
	p.t.Helper()
	for e := range p.log.Entries() {
		if e.Kind == journal.Logged && strings.Contains(e.Text, text) {
			return
		}
	}
	p.t.Fatalf("%q was not logged", text)
}

var streaming = map[string]string{"AWS_LWA_INVOKE_MODE": "response_stream"}

// readPrelude reads a stream up to its body.
func readPrelude(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString(0)
	if err != nil {
		t.Fatalf("no prelude: %v %q", err, text)
	}
	if rest, err := r.Peek(7); err != nil || !bytes.Equal(rest, make([]byte, 7)) {
		t.Fatalf("after the prelude: %q %v", rest, err)
	}
	_, _ = r.Discard(7)
	return strings.TrimSuffix(text, "\x00")
}

func TestStreamedAnswerArrivesAsItIsWritten(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming})
	res := p.invoke(get("/gated"), invoke.Stream)
	if res.ContentType != integrationType {
		t.Errorf("content type %q", res.ContentType)
	}
	body := bufio.NewReader(res.Body)
	prelude := readPrelude(t, body)
	if !strings.Contains(prelude, `"content-type":"text/event-stream"`) || !strings.HasPrefix(prelude, `{"statusCode":200,"headers":{`) ||
		!strings.HasSuffix(prelude, `},"cookies":[]}`) {
		t.Errorf("prelude %s", prelude)
	}
	for _, want := range []string{"one\n", "two\n", "three\n"} {
		line, err := body.ReadString('\n')
		if err != nil || line != want {
			t.Fatalf("line %q, %v", line, err)
		}
		// The server writes the next line only when this one was read.
		if err := os.WriteFile(filepath.Join(p.dir, "seen-"+strings.TrimSpace(line)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
	if end := res.End(); end.Outcome != invoke.Complete {
		t.Errorf("ended %v", end)
	}
}

func TestEmptyAnswerEndsAtOnce(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming})
	res := p.invoke(get("/moved"), invoke.Stream)
	body := bufio.NewReader(res.Body)
	prelude := readPrelude(t, body)
	for _, want := range []string{`{"statusCode":302,`, `"location":"/elsewhere"`, `"x-many":["one","two"]`, `"cookies":["a=1","b=2"]`} {
		if !strings.Contains(prelude, want) {
			t.Errorf("prelude %s lacks %s", prelude, want)
		}
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestEventsBecomeRequests(t *testing.T) {
	p := open(t, options{how: "plain", variables: map[string]string{
		"AWS_LWA_REMOVE_BASE_PATH": "/base", "AWS_LWA_AUTHORIZATION_SOURCE": "X-Auth",
	}})
	cases := []struct {
		name, event          string
		method, target, body string
	}{
		{"payload 2.0", `{"version":"2.0","rawPath":"/echo/pa2%2Fth/1","rawQueryString":"a=1&a=%2F&b","cookies":["x=1","y=2"],
			"headers":{"host":"example.test","x-auth":"Bearer t","connection":"upgrade","content-length":"9","x-amzn-trace-id":"old"},
			"requestContext":{"http":{"method":"PUT"},"stage":"$default"},"body":"aGVsbG8=","isBase64Encoded":true}`,
			"PUT", "/echo/pa2%2Fth/1?a=1&a=%2F&b", "hello"},
		{"payload 2.0 of a stage", `{"version":"2.0","rawPath":"/echo/a","rawQueryString":"","headers":{},
			"requestContext":{"http":{"method":"GET"},"stage":"dev"}}`, "GET", "/echo/a", ""},
		{"payload 1.0", `{"httpMethod":"POST","path":"/echo/a b","multiValueQueryStringParameters":{"q":["1 2","3"],"a":["&"]},"queryStringParameters":{"q":"3"},
			"headers":{"Host":"example.test"},"multiValueHeaders":{"X-Two":["1","2"],"Host":["example.test"]},"requestContext":{"stage":"dev","resourcePath":"/"},"body":"text"}`,
			"POST", "/echo/a%20b?a=%26&q=1%202&q=3", "text"},
		{"load balancer", `{"httpMethod":"GET","path":"/echo/","queryStringParameters":{"q":"1%202"},"headers":{"host":"example.test"},
			"requestContext":{"elb":{"targetGroupArn":"arn"}},"body":"","isBase64Encoded":false}`, "GET", "/echo/?q=1%202", ""},
		{"base path, repeated", `{"rawPath":"/base/base/echo/","headers":{},"requestContext":{"http":{"method":"GET"}}}`, "GET", "/echo/", ""},
		{"escapes that are none", `{"rawPath":"/echo/pa2%Fth","headers":{},"requestContext":{"http":{"method":"GET"}}}`, "GET", "", ""},
		{"queue", `{"Records":[{"eventSource":"aws:sqs"}]}`, "POST", "/events", `{"Records":[{"eventSource":"aws:sqs"}]}`},
		{"WebSocket", `{"headers":{},"requestContext":{"routeKey":"$connect","connectionId":"x"}}`, "POST", "/events",
			`{"headers":{},"requestContext":{"routeKey":"$connect","connectionId":"x"}}`},
		{"no object", `[1]`, "POST", "/events", `[1]`},
		{"no JSON", `hello`, "POST", "/events", `null`},
	}
	pid := 0
	for _, c := range cases {
		if c.target == "" { // a request that Go's server refuses, as it does on AWS
			if r, data := p.buffered(c.event); r.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s", c.name, data)
			}
			continue
		}
		got := p.echo(c.event)
		if got.Method != c.method || got.Target != c.target || got.Body != c.body {
			t.Errorf("%s: %s %s %q", c.name, got.Method, got.Target, got.Body)
		}
		if pid != 0 && got.PID != pid {
			t.Errorf("%s: another process", c.name)
		}
		pid = got.PID
	}
	got := p.echo(cases[0].event)
	header := func(name string) string { return strings.Join(got.Header[name], "|") }
	if got.Host != "example.test" || header("Cookie") != "x=1;y=2" || header("Authorization") != "Bearer t" || header("X-Auth") != "" ||
		header("Connection") != "" || header("Content-Length") != "5" || header("X-Amzn-Trace-Id") != "Root=1-2-3;Parent=4;Sampled=0" || header("User-Agent") != "" {
		t.Errorf("host %s, headers %v", got.Host, got.Header)
	}
	if header("X-Amzn-Request-Context") != `{"http":{"method":"PUT"},"stage":"$default"}` {
		t.Errorf("request context %s", header("X-Amzn-Request-Context"))
	}
	var c map[string]any
	if err := json.Unmarshal([]byte(header("X-Amzn-Lambda-Context")), &c); err != nil {
		t.Fatal(err)
	}
	config, _ := c["env_config"].(map[string]any)
	if c["request_id"] != "11111111-2222-3333-4444-555555555555" || config["function_name"] != "site" || config["log_stream"] != p.env.LogStream() ||
		c["deadline"].(float64) < float64(time.Now().UnixMilli()) {
		t.Errorf("lambda context %v", c)
	}
	if v1 := p.echo(cases[2].event); !slices.Equal(v1.Header["X-Two"], []string{"1", "2"}) {
		t.Errorf("headers of payload 1.0: %v", v1.Header)
	}
}

func TestAnswersBecomeResults(t *testing.T) {
	p := open(t, options{how: "plain", variables: map[string]string{"AWS_LWA_ENABLE_COMPRESSION": "true", "AWS_LWA_ERROR_STATUS_CODES": "502"}})
	v1 := `{"httpMethod":"GET","path":"/moved","headers":{},"requestContext":{"stage":"dev"}}`
	alb := `{"httpMethod":"GET","path":"/moved","headers":{},"requestContext":{"elb":{"targetGroupArn":"arn"}}}`
	v2, _ := p.buffered(get("/moved"))
	if v2.StatusCode != 302 || v2.Headers["location"] != "/elsewhere" || v2.Headers["x-many"] != "one,two" || v2.Headers["set-cookie"] != "" ||
		!slices.Equal(v2.Cookies, []string{"a=1", "b=2"}) || len(v2.MultiValueHeaders) != 0 {
		t.Errorf("payload 2.0: %+v", v2)
	}
	r, data := p.buffered(v1)
	if len(r.Headers) != 0 || !slices.Equal(r.MultiValueHeaders["x-many"], []string{"one", "two"}) || len(r.MultiValueHeaders["set-cookie"]) != 2 ||
		bytes.Contains(data, []byte(`"body"`)) {
		t.Errorf("payload 1.0: %s", data)
	}
	r, data = p.buffered(alb)
	if r.StatusDescription != "302 Found" || r.Headers["location"] != "/elsewhere" || len(r.MultiValueHeaders["location"]) != 1 {
		t.Errorf("load balancer: %s", data)
	}
	if r, _ := p.buffered(get("/bytes")); !r.IsBase64Encoded || r.Body != "AAEC/w==" {
		t.Errorf("bytes: %+v", r)
	}
	if r, _ := p.buffered(strings.Replace(get("/echo/"), `"*/*"`, `"*/*","accept-encoding":"br, gzip;q=0.9"`, 1)); !r.IsBase64Encoded ||
		r.Headers["content-encoding"] != "gzip" || !strings.HasPrefix(r.Body, "H4sI") || r.Headers["vary"] != "accept-encoding" {
		t.Errorf("compressed: %+v", r)
	}
	res := p.invoke(get("/broken"), invoke.Buffered)
	text, _ := io.ReadAll(res.Body)
	var failed struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(text, &failed); err != nil || failed.ErrorMessage != `{"statusCode":502,"body":"no \"luck\""}` ||
		res.End().Outcome != invoke.FunctionError {
		t.Errorf("failing status: %s", text)
	}
	<-p.idle
	res = p.invoke(get("/large"), invoke.Buffered)
	if text, _ := io.ReadAll(res.Body); res.End().ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("large: %v %.200s", res.End(), text)
	}
	<-p.idle
	if got := p.echo(get("/echo/")); got.Method != "GET" { // the environment survived all this
		t.Errorf("%+v", got)
	}
}
