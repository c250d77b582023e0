package websocketapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/invoke"
)

func TestConnectWithoutRouteIsAccepted(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	if c.header.Get("Sec-WebSocket-Protocol") != "" || c.header.Get("Date") != "" {
		t.Errorf("the 101 has more than it needs: %v", c.header)
	}
	c.silent()
}

func TestConnectStatusIsPassedOn(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(`{"statusCode":401,"headers":{"X-Why":"no token","x-n":1},"body":"go away"}`)})
	c := f.dial("/dev")
	if c.status != 401 || c.body != "go away" || c.header.Get("X-Why") != "no token" || c.header.Get("X-N") != "1" {
		t.Errorf("answered %d %q %v", c.status, c.body, c.header)
	}
}

func TestConnectFailures(t *testing.T) {
	rows := []struct {
		name    string
		fn      function
		status  int
		message string
	}{
		{"throws", throws("boom"), 502, "Internal server error"},
		{"times out by itself", func(context.Context, []byte) ([]byte, invoke.End) { return nil, invoke.End{Outcome: invoke.TimedOut} }, 502, "Internal server error"},
		{"returns {}", returns(`{}`), 500, "Internal server error"},
		{"returns nothing", returns(`null`), 500, "Internal server error"},
		{"returns text", returns(`"ok"`), 500, "Internal server error"},
		{"returns a statusCode that is none", returns(`{"statusCode":"fine"}`), 500, "Internal server error"},
		{"returns bad base64", returns(`{"statusCode":400,"isBase64Encoded":true,"body":"%"}`), 500, "Internal server error"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(t, map[string]function{"$connect": row.fn})
			c := f.dial("/dev")
			wantRefusal(t, c, row.status, row.message)
			if n := f.api.Connections(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		f := newFixture(t, map[string]function{"$connect": nil})
		delete(f.functions.Functions, "$connect")
		wantRefusal(t, f.dial("/dev"), 500, "Internal server error")
	})
	t.Run("takes longer than the integration", func(t *testing.T) {
		f := newFixture(t, map[string]function{"$connect": func(ctx context.Context, _ []byte) ([]byte, invoke.End) {
			<-ctx.Done()
			return nil, invoke.End{}
		}}, func(_ *Config, d *Definition) { d.Routes["$connect"].Integration.Timeout = 10 * time.Millisecond })
		wantRefusal(t, f.dial("/dev"), 504, "Endpoint request timed out")
	})
}

// wantRefusal expects a refusal in API Gateway's own words.
func wantRefusal(t *testing.T, c *client, status int, message string) {
	t.Helper()
	var body struct{ Message, ConnectionID, RequestID string }
	if err := json.Unmarshal([]byte(c.body), &body); err != nil {
		t.Errorf("the body is %q", c.body)
	}
	want := `{"message":"` + message + `","connectionId":"` + body.ConnectionID + `","requestId":"` + body.RequestID + `"}`
	if message == "" {
		want = strings.Replace(want, `"message":""`, `"message":null`, 1)
	}
	if c.status != status || c.body != want || !wellFormed(body.ConnectionID) {
		t.Errorf("answered %d %s, want %d %s", c.status, c.body, status, want)
	}
	if c.header.Get("x-amz-apigw-id") != body.RequestID || c.header.Get("x-amzn-RequestId") != "" || c.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", c.header)
	}
}

func TestSubprotocolOnlyFromConnectResult(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(`{"statusCode":200,"headers":{"sec-websocket-protocol":"graphql-transport-ws"}}`)})
	c := f.open("Sec-WebSocket-Protocol: mqtt, graphql-transport-ws")
	if got := c.header.Get("Sec-WebSocket-Protocol"); got != "graphql-transport-ws" {
		t.Errorf("subprotocol %q", got)
	}
	f = newFixture(t, map[string]function{"$connect": returns(ok)})
	if c := f.open("Sec-WebSocket-Protocol: mqtt"); c.header.Get("Sec-WebSocket-Protocol") != "" {
		t.Errorf("API Gateway picked %q by itself", c.header.Get("Sec-WebSocket-Protocol"))
	}
}

func TestPushDuringConnectIsGone(t *testing.T) {
	var f *fixture
	var res *http.Response
	var body string
	f = newFixture(t, map[string]function{"$connect": func(_ context.Context, payload []byte) ([]byte, invoke.End) {
		res, body = f.manage("POST", "/dev/@connections/"+decode(t, payload).RequestContext.ConnectionID, "early")
		return []byte(ok), invoke.End{}
	}})
	c := f.open()
	if res.StatusCode != 410 || res.Header.Get("x-amzn-ErrorType") != "GoneException" || body != "" {
		t.Errorf("answered %d %v %q", res.StatusCode, res.Header, body)
	}
	if res, _ := f.manage("POST", "/dev/@connections/"+f.id(), "now"); res.StatusCode != 200 {
		t.Errorf("after $connect: %d", res.StatusCode)
	}
	c.want("now")
}

func TestConnectEvent(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok)}, func(c *Config, d *Definition) {
		d.Stages["dev"].Variables = []Variable{{"table", "t1"}}
		c.RawHeader = func(*http.Request) []Field {
			return []Field{{"Host", "x"}, {"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"x-custom", "1"}, {"x-custom", "2"},
				{"User-Agent", `te"st`}, {"Sec-WebSocket-Key", "k"}, {"X-Forwarded-For", "192.0.2.1"}}
		}
	})
	f.open("User-Agent: te\"st", "Origin: http://x", "x-custom: 1").silent()
	f.dial("/dev?room=a&room=%62%2B&empty", "Authorization: x")
	calls := f.calls(2)
	const (
		headers = `{"headers":{"Host":"x","Sec-WebSocket-Key":"k","User-Agent":"te\"st","X-Amzn-Trace-Id":"TRACE","x-custom":"2","X-Forwarded-For":"192.0.2.1, 127.0.0.1","X-Forwarded-Port":"443","X-Forwarded-Proto":"https"},` +
			`"multiValueHeaders":{"Host":["x"],"Sec-WebSocket-Key":["k"],"User-Agent":["te\"st"],"X-Amzn-Trace-Id":["TRACE"],"x-custom":["1","2"],"X-Forwarded-For":["192.0.2.1, 127.0.0.1"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"]},`
		query = `"queryStringParameters":{"room":"b+","empty":""},"multiValueQueryStringParameters":{"room":["a","b+"],"empty":[""]},`
		rest  = `"stageVariables":{"table":"t1"},"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"REQUEST","requestTime":"TIME","messageDirection":"IN","stage":"dev","connectedAt":MS,"requestTimeEpoch":MS,` +
			`"identity":{IDENTITY},"requestId":"REQUEST","domainName":"AUTHORITY","connectionId":"CONNECTION","apiId":"a1b2c3d4e5"},"isBase64Encoded":false}`
	)
	if got, want := f.mask(calls[0].Payload), headers+strings.Replace(rest, "IDENTITY", `"userAgent":"te\"st","sourceIp":"127.0.0.1"`, 1); got != want {
		t.Errorf("event\n%s\nwant\n%s", got, want)
	}
	if got, want := f.mask(calls[1].Payload), headers+query+strings.Replace(rest, "IDENTITY", `"sourceIp":"127.0.0.1"`, 1); got != want {
		t.Errorf("event\n%s\nwant\n%s", got, want)
	}
	if want := (invoke.Caller{Service: "apigateway.amazonaws.com", SourceARN: "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect"}); calls[0].Caller != want {
		t.Errorf("caller %+v", calls[0].Caller)
	}
	if !strings.HasPrefix(calls[0].TraceID, "Root=1-") {
		t.Errorf("trace id %q", calls[0].TraceID)
	}
}

// mask replaces what differs from run to run.
func (f *fixture) mask(payload []byte) string {
	s := string(payload)
	for _, m := range []struct{ from, to string }{
		{`"requestTime":"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"`, `"requestTime":"TIME"`},
		{`(connectedAt|requestTimeEpoch)":\d{13}\b`, `$1":MS`},
		{`(extendedRequestId|requestId)":"[\w-]{15}="`, `$1":"REQUEST"`},
		{`connectionId":"[\w-]{18}=="`, `connectionId":"CONNECTION"`},
		{`messageId":"[\w-]{18}=="`, `messageId":"MESSAGE"`},
		{`Root=1-[0-9a-f]{8}-[0-9a-f]{24}`, `TRACE`},
		{regexp.QuoteMeta(f.def.Authority), `AUTHORITY`},
	} {
		s = regexp.MustCompile(m.from).ReplaceAllString(s, m.to)
	}
	return s
}

func TestNoQueryStringMeansNoKeys(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok)})
	f.open()
	if p := string(f.calls(1)[0].Payload); strings.Contains(p, "ueryString") || strings.Contains(p, "stageVariables") {
		t.Errorf("the event has them: %s", p)
	}
}

func TestMessageAndDisconnectEvents(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok), "send": returns(ok), "$disconnect": returns(ok)})
	c := f.open()
	c.send(`{"action" : "send", "text":"<é & \"\u0041\n\u0001"}`)
	c.close(1000, "bye")
	c.want("close 1000 bye")
	calls := f.calls(3)
	const message = `{"requestContext":{"routeKey":"send","messageId":"MESSAGE","eventType":"MESSAGE","extendedRequestId":"REQUEST","requestTime":"TIME","messageDirection":"IN","stage":"dev","connectedAt":MS,"requestTimeEpoch":MS,` +
		`"identity":{"sourceIp":"127.0.0.1"},"requestId":"REQUEST","domainName":"AUTHORITY","connectionId":"CONNECTION","apiId":"a1b2c3d4e5"},"body":"{\"action\" : \"send\", \"text\":\"<é & \\\"\\u0041\\n\\u0001\"}","isBase64Encoded":false}`
	if got := f.mask(calls[1].Payload); got != message {
		t.Errorf("event\n%s\nwant\n%s", got, message)
	}
	const disconnect = `{"headers":{"Host":"AUTHORITY","x-api-key":"","X-Forwarded-For":"","x-restapi":""},"multiValueHeaders":{"Host":["AUTHORITY"],"x-api-key":[""],"X-Forwarded-For":[""],"x-restapi":[""]},` +
		`"requestContext":{"routeKey":"$disconnect","disconnectStatusCode":1000,"eventType":"DISCONNECT","extendedRequestId":"REQUEST","requestTime":"TIME","messageDirection":"IN","disconnectReason":"bye","stage":"dev","connectedAt":MS,"requestTimeEpoch":MS,` +
		`"identity":{"sourceIp":"127.0.0.1"},"requestId":"REQUEST","domainName":"AUTHORITY","connectionId":"CONNECTION","apiId":"a1b2c3d4e5"},"isBase64Encoded":false}`
	if got := f.mask(calls[2].Payload); got != disconnect {
		t.Errorf("event\n%s\nwant\n%s", got, disconnect)
	}
	one, two, three := decode(t, calls[0].Payload).RequestContext, decode(t, calls[1].Payload).RequestContext, decode(t, calls[2].Payload).RequestContext
	if one.ConnectionID != two.ConnectionID || two.ConnectionID != three.ConnectionID || one.ConnectedAt != three.ConnectedAt {
		t.Errorf("the connection changed: %+v %+v %+v", one, two, three)
	}
	if one.RequestID == two.RequestID || two.MessageID == two.ConnectionID || two.MessageID[headChars:] != two.ConnectionID[headChars:] {
		t.Errorf("ids: %+v", two)
	}
}

func TestMessageWithoutRouteIsForbidden(t *testing.T) {
	f := newFixture(t, map[string]function{"other": returns(ok), "$connect": returns(ok)})
	c := f.open()
	for _, m := range []string{`{"action":"x"}`, `hello`, ``, `{"action":"$connect"}`, `{"action":"Other"}`, `{"action":null}`, `[]`} {
		c.send(m)
		c.wantFailure("Forbidden")
	}
	if n := len(f.functions.Calls()); n != 1 {
		t.Errorf("%d invocations", n)
	}
	c.silent() // still open
}

func TestDefaultRoute(t *testing.T) {
	f := newFixture(t, map[string]function{"$default": returns(ok), "$disconnect": returns(ok)})
	c := f.open()
	messages := []string{"hello", `{"action":"nope"}`, `{"action":"$default"}`, `{"action":"$disconnect"}`, "", `"text"`, `{"action":"trunc`}
	for i, m := range messages {
		c.send(m)
		e := decode(t, f.calls(i + 1)[i].Payload)
		if e.RequestContext.RouteKey != "$default" || e.Body != m {
			t.Errorf("%q: route %q, body %q", m, e.RequestContext.RouteKey, e.Body)
		}
	}
}

func TestFunctionErrorOnOneWayRoute(t *testing.T) {
	f := newFixture(t, map[string]function{"$default": throws("boom")})
	c := f.open()
	c.send("x")
	c.wantFailure("Internal server error")
	c.silent()
}

func TestIntegrationTimeoutOnARoute(t *testing.T) {
	f := newFixture(t, map[string]function{"$default": func(ctx context.Context, _ []byte) ([]byte, invoke.End) {
		<-ctx.Done()
		return nil, invoke.End{}
	}}, func(_ *Config, d *Definition) { d.Routes["$default"].Integration.Timeout = 10 * time.Millisecond })
	c := f.open()
	c.send("x")
	c.wantFailure("Endpoint request timed out")
	c.silent()
}

func TestOneWayRouteSaysNothing(t *testing.T) {
	f := newFixture(t, map[string]function{"a": returns(`{"statusCode":200,"body":"unheard"}`), "b": returns(`{"statusCode":500}`), "c": returns(`garbage`)})
	c := f.open()
	c.send(`{"action":"a"}`, `{"action":"b"}`, `{"action":"c"}`)
	f.calls(3)
	c.silent()
}

func TestTwoWayRouteSendsTheBody(t *testing.T) {
	rows := []struct{ answer, want string }{
		{`{"statusCode":200,"headers":{"a":"b"},"body":"pong"}`, "pong"},
		{`{"statusCode":500,"body":"passed all the same"}`, "passed all the same"},
		{`{"body":"aGVsbG8=","isBase64Encoded":true}`, "hello"},
		{`{"body":"/w==","isBase64Encoded":true}`, "\uFFFD"},
	}
	for _, row := range rows {
		f := newFixture(t, map[string]function{"$default2": returns(row.answer)})
		c := f.open()
		c.send("ping")
		c.want(row.want)
	}
	for _, answer := range []string{`"plain"`, `null`, `[]`} {
		f := newFixture(t, map[string]function{"$default2": returns(answer)})
		c := f.open()
		c.send("ping")
		c.wantFailure("Internal server error")
	}
	f := newFixture(t, map[string]function{"$default2": returns(`{"statusCode":200}`)})
	c := f.open()
	c.send("ping")
	f.calls(1)
	c.silent()
}

func TestBrokenLimitsClose(t *testing.T) {
	big := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	rows := []struct {
		name   string
		frames []ws.Frame
		close  string
		status int
		reason string
	}{
		{"binary", []ws.Frame{ws.NewBinaryFrame(big(1))}, "close 1003 Binary is not supported", 1003, "Binary is not supported"},
		{"one frame of 33 KB", []ws.Frame{ws.NewTextFrame(big(33 << 10))}, "close 1009 Message too big", 1006, "Connection closed abnormally"},
		{"129 KB in five frames", []ws.Frame{
			ws.NewFrame(ws.OpText, false, big(32<<10)), ws.NewFrame(ws.OpContinuation, false, big(32<<10)),
			ws.NewFrame(ws.OpContinuation, false, big(32<<10)), ws.NewFrame(ws.OpContinuation, false, big(32<<10)),
			ws.NewFrame(ws.OpContinuation, true, big(1<<10)),
		}, "close 1009 Message too big", 1006, "Connection closed abnormally"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(t, map[string]function{"$disconnect": returns(ok), "$default": returns(ok)})
			c := f.open()
			for _, frame := range row.frames {
				c.frame(frame)
			}
			c.want(row.close)
			c.close(1000, "")
			f.wantDisconnect(1, row.status, row.reason)
		})
	}
}

// wantDisconnect waits for the nth invocation, which must be $disconnect.
func (f *fixture) wantDisconnect(n, status int, reason string) {
	f.t.Helper()
	call := f.calls(n)[n-1]
	e := decode(f.t, call.Payload).RequestContext
	if e.RouteKey != "$disconnect" || e.DisconnectStatusCode != status || e.DisconnectReason != reason {
		f.t.Errorf("%s with %d %q, want %d %q", e.RouteKey, e.DisconnectStatusCode, e.DisconnectReason, status, reason)
	}
	eventually(f.t, "the connection is forgotten", func() bool { return f.api.Connections() == 0 })
}

func TestLargestMessageIsDelivered(t *testing.T) {
	f := newFixture(t, map[string]function{"$default": returns(ok)})
	c := f.open()
	part := []byte(strings.Repeat("x", 32<<10))
	c.frame(ws.NewFrame(ws.OpText, false, part))
	c.frame(ws.NewFrame(ws.OpContinuation, false, part))
	c.frame(ws.NewFrame(ws.OpContinuation, false, part))
	c.frame(ws.NewFrame(ws.OpContinuation, true, part))
	if e := decode(t, f.calls(1)[0].Payload); len(e.Body) != 128<<10 {
		t.Errorf("%d bytes", len(e.Body))
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	f := newFixture(t, map[string]function{"$disconnect": returns(ok)}, func(c *Config, _ *Definition) { c.IdleTimeout = 20 * time.Millisecond })
	c := f.open()
	c.want("close 1001 Going away")
	c.close(1001, "Going away")
	f.wantDisconnect(1, 1001, "Going away")
}

func TestCloseWithoutCode(t *testing.T) {
	f := newFixture(t, map[string]function{"$disconnect": returns(ok)})
	c := f.open()
	c.frame(ws.NewCloseFrame(nil))
	c.want("close")
	f.wantDisconnect(1, 1005, "Client-side close frame status not set")
}

func TestLostConnection(t *testing.T) {
	f := newFixture(t, map[string]function{"$disconnect": returns(ok)})
	c := f.open()
	c.silent()
	_ = c.conn.Close()
	f.wantDisconnect(1, 1006, "Connection closed abnormally")
}

func TestRoutesChangeUnderOpenSockets(t *testing.T) {
	f := newFixture(t, map[string]function{"old": returns(ok), "fn-b": returns(ok)})
	c := f.open()
	c.send(`{"action":"old"}`)
	f.calls(1)
	d := *f.def
	d.Stages = map[string]*Stage{"dev": {Name: "dev", Variables: []Variable{{"v", "b"}}}}
	d.Routes = map[string]*Route{"new": {Key: "new", Integration: &Integration{Function: "fn-${stageVariables.v}"}}}
	f.api.Update(&d)
	c.send(`{"action":"old"}`)
	c.wantFailure("Forbidden")
	c.send(`{"action":"new"}`)
	if call := f.calls(2)[1]; call.Function != "fn-b" || !strings.Contains(string(call.Payload), `"stageVariables":{"v":"b"}`) {
		t.Errorf("%s got %s", call.Function, call.Payload)
	}
	d2 := d
	d2.Stages = nil
	f.api.Update(&d2)
	c.want("close 1001 Going away")
}

// A stage serves its own deployment, and a connection of a stage that is gone
// ends with the $disconnect that the stage had.
func TestStagesServeTheirDeployments(t *testing.T) {
	f := newFixture(t, map[string]function{"now": returns(ok), "old": returns(ok), "$disconnect": returns(ok)}, func(_ *Config, d *Definition) {
		d.Stages["dev"].Deployment = &Deployment{Selection: d.Selection, Routes: map[string]*Route{
			"old": d.Routes["old"], "$disconnect": d.Routes["$disconnect"],
		}}
		d.Routes = map[string]*Route{"now": d.Routes["now"]}
	})
	c := f.open()
	c.send(`{"action":"now"}`)
	c.wantFailure("Forbidden")
	c.send(`{"action":"old"}`)
	f.calls(1)
	prod := f.dial("/prod")
	prod.send(`{"action":"old"}`)
	prod.wantFailure("Forbidden")
	prod.send(`{"action":"now"}`)
	f.calls(2)
	d := *f.def
	d.Stages = map[string]*Stage{"prod": d.Stages["prod"]}
	f.api.Update(&d)
	c.want("close 1001 Going away")
	c.close(1001, "Going away")
	if e := decode(t, f.calls(3)[2].Payload).RequestContext; e.RouteKey != "$disconnect" || e.Stage != "dev" || e.DisconnectStatusCode != 1001 {
		t.Errorf("%+v", e)
	}
	prod.silent()
}

// inOrder is a Starter that notes when it was called, without a lock that
// could change the order, and answers when told.
type inOrder struct {
	n       atomic.Int32
	bodies  [3 * maxInFlight]atomic.Pointer[string]
	running atomic.Int32
	most    atomic.Int32
	release chan struct{}
}

func (o *inOrder) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	start(ctx, o, req, answered)
}

func (o *inOrder) Invoke(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
	at := o.n.Add(1) - 1
	_, body, _ := strings.Cut(string(req.Payload), `"body":"`)
	body = body[:2]
	o.bodies[at].Store(&body)
	if req.Accepted != nil {
		req.Accepted()
	}
	running := o.running.Add(1)
	for most := o.most.Load(); running > most && !o.most.CompareAndSwap(most, running); most = o.most.Load() {
	}
	<-o.release
	o.running.Add(-1)
	return &invoke.Result{Body: io.NopCloser(strings.NewReader("")), End: func() invoke.End { return invoke.End{} }}, nil
}

func TestInvocationsStartInOrderAndRunSideBySide(t *testing.T) {
	o := &inOrder{release: make(chan struct{})}
	f := newFixture(t, map[string]function{"$default": nil}, func(c *Config, _ *Definition) { c.Invoker = o })
	c := f.open()
	var want []string
	for i := range o.bodies {
		want = append(want, string([]byte{byte('A' + i/26), byte('a' + i%26)}))
	}
	go func() {
		for _, body := range want {
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewTextFrame([]byte(body))))
		}
	}()
	eventually(t, "every place is taken", func() bool { return o.running.Load() == maxInFlight })
	close(o.release)
	eventually(t, "every message is handled", func() bool {
		for i := range o.bodies {
			if o.bodies[i].Load() == nil {
				return false
			}
		}
		return true
	})
	if o.most.Load() != maxInFlight {
		t.Errorf("%d ran side by side, want %d", o.most.Load(), maxInFlight)
	}
	for i := 1; i < len(want); i++ {
		if got := *o.bodies[i].Load(); got != want[i] {
			t.Errorf("invocation %d has %s, want %s", i, got, want[i])
		}
	}
}

func TestCloseRunsDisconnectForEverySocket(t *testing.T) {
	f := newFixture(t, map[string]function{"$disconnect": returns(ok)})
	clients := []*client{f.open(), f.open(), f.open()}
	for _, c := range clients {
		go func() {
			_, _ = ws.ReadFrame(c.r)
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, ""))))
		}()
	}
	if err := f.api.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, call := range f.calls(3) {
		if e := decode(t, call.Payload).RequestContext; e.DisconnectStatusCode != 1001 || e.DisconnectReason != "Going away" {
			t.Errorf("%+v", e)
		}
	}
	wantRefusal(t, f.dial("/dev"), 503, "Service Unavailable")
}

func TestCloseGivesUpWhenItsTimeIsOver(t *testing.T) {
	started := make(chan struct{})
	f := newFixture(t, map[string]function{"$default": func(ctx context.Context, _ []byte) ([]byte, invoke.End) {
		close(started)
		<-ctx.Done()
		return nil, invoke.End{}
	}})
	c := f.open()
	c.send("x")
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.api.Close(ctx); err == nil {
		t.Error("Close waited for a function that never ends")
	}
}
