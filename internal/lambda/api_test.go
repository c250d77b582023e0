package lambda

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/eventstream"
)

func (p *place) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(p.dir, name))
	return string(data)
}

func (p *place) http(method, path, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result()
}

func TestInvokeAPI(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.create("None", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: a.b, FunctionName: none, ReservedConcurrentExecutions: 0}`)
	const path = "/2015-03-31/functions/fn/invocations"
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		want             string
		wantHeaders      []string
	}{
		{"success", path, `{"a":1}`, nil, 200, `{"a":1}`, []string{"X-Amz-Executed-Version", "$LATEST", "X-Amz-Function-Error", "", "Content-Type", "application/json"}},
		{"by ARN, encoded", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Afn/invocations", `1`, nil, 200, `1`, nil},
		{"no payload", path, ``, nil, 200, `{}`, nil},
		{"function error", path, `{"do":"fail"}`, nil, 200, `{"errorType":"Oops","errorMessage":"as ordered"}`, []string{"X-Amz-Function-Error", "Unhandled"}},
		{"trace", path, `{}`, []string{"X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}, 200, `{}`,
			[]string{"X-Amzn-Trace-Id", "root=1-5759e988-bd862e3fe1be46a994272793;sampled=1"}},
		{"event", path, `{}`, []string{"X-Amz-Invocation-Type", "Event"}, 202, ``,
			[]string{"X-Amz-Executed-Version", "", "X-Amzn-Remapped-Content-Length", "0", "Content-Length", "0"}},
		{"dry run", path, `{}`, []string{"X-Amz-Invocation-Type", "DryRun"}, 204, ``, nil},
		{"old asynchronous API", "/2014-11-13/functions/fn/invoke-async", `{}`, nil, 202, `{"Status":202}`, nil},
		{"client context that is no JSON", path, `{}`, []string{"X-Amz-Client-Context", "bm90IEpTT04="}, 400,
			`{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`, nil},
		{"client context that is too long", path, `{}`, []string{"X-Amz-Client-Context", strings.Repeat("MTEx", 896)}, 400,
			`{"Type":"User","message":"Client context must not be longer than 3583 bytes."}`, nil},
		{"log type", path, `{}`, []string{"X-Amz-Log-Type", "All"}, 400,
			`{"Type":"User","message":"1 validation error detected: Value 'All' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"}`,
			[]string{"X-Amzn-Errortype", "ValidationException"}},
		{"not UTF-8", path, "\"\xff\"", nil, 400, `{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: Invalid UTF-8"}`, nil},
		{"unknown invocation type", path, `{}`, []string{"X-Amz-Invocation-Type", "Later"}, 400, `{"Type":"User","message":"Unsupported invocation type: Later"}`,
			[]string{"X-Amzn-Errortype", "InvalidParameterValueException"}},
		{"event that is too large", path, `"` + strings.Repeat("x", maxEvent) + `"`, []string{"X-Amz-Invocation-Type", "Event"}, 413,
			`{"Type":"User","message":"1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"}`, []string{"X-Amzn-Errortype", "RequestEntityTooLargeException"}},
		{"not JSON", path, `{"a":`, nil, 400, `{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"}`,
			[]string{"X-Amzn-Errortype", "InvalidRequestContentException"}},
		{"missing function", "/2015-03-31/functions/nope/invocations", `{}`, nil, 404,
			`{"Type":"User","Message":"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nope:$LATEST"}`, []string{"X-Amzn-Errortype", "ResourceNotFoundException"}},
		{"throttled", "/2015-03-31/functions/none/invocations", `{}`, nil, 429,
			`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`, []string{"X-Amzn-Errortype", "TooManyRequestsException"}},
		{"too large", path, `"` + strings.Repeat("x", invoke.MaxPayload) + `"`, nil, 413,
			`{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`, nil},
		{"request id of the caller", path, `{}`, []string{"X-Amzn-Requestid", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"}, 200, `{}`,
			[]string{"X-Amzn-Requestid", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"}},
		{"request id that is no UUID", path, `{}`, []string{"X-Amzn-Requestid", "mine"}, 400, `{"Type":"User","message":"x-amzn-RequestId must be a UUID"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := p.http("POST", c.path, c.body, c.headers...)
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != c.status || string(body) != c.want {
				t.Errorf("got %d %.300s\nwant %d %s", res.StatusCode, body, c.status, c.want)
			}
			for i := 0; i < len(c.wantHeaders); i += 2 {
				if got := res.Header.Get(c.wantHeaders[i]); got != c.wantHeaders[i+1] {
					t.Errorf("%s: %q, want %q", c.wantHeaders[i], got, c.wantHeaders[i+1])
				}
			}
		})
	}
}

// The largest event is 6,291,456 bytes, and the function gets all of them.
func TestLargestEvent(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	event := `"` + strings.Repeat("x", 6291456-2) + `"`
	for _, path := range []string{"/2015-03-31/functions/fn/invocations", "/2021-11-15/functions/fn/response-streaming-invocations"} {
		res := p.http("POST", path, event)
		got, _ := io.ReadAll(res.Body)
		if strings.HasPrefix(path, "/2021") {
			var whole strings.Builder
			for _, f := range frames(t, got) {
				if strings.Contains(f.headers, "PayloadChunk") {
					whole.WriteString(f.payload)
				}
			}
			got = []byte(whole.String())
		}
		if res.StatusCode != 200 || string(got) != event {
			t.Errorf("%s: %d, %d bytes", path, res.StatusCode, len(got))
		}
		if res := p.http("POST", path, event+" "); res.StatusCode != 413 || res.Header.Get("X-Amzn-Errortype") != "RequestEntityTooLargeException" {
			t.Errorf("%s, one byte more: %d %s", path, res.StatusCode, res.Header.Get("X-Amzn-Errortype"))
		}
	}
}

// A caller who writes far too much reads the refusal, not a broken connection.
func TestTooLargeAnswersAfterTheWholeBody(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	server := httptest.NewServer(p)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const size = 32 << 20
	_, err = fmt.Fprintf(conn, "POST /2015-03-31/functions/fn/invocations HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size)
	if err == nil {
		_, err = conn.Write(make([]byte, size)) // many clients read no answer before
	}
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 413 {
		t.Errorf("%+v, %v", res, err)
	}
}

// A call's qualifier says what is run, what the function sees, and what the
// answer names.
func TestQualifiers(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.create("One", "Version", `{FunctionName: fn}`)
	p.create("Live", "Alias", `{FunctionName: fn, FunctionVersion: "1", Name: live}`)
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:fn"
	const missing = `{"Type":"User","Message":"Function not found: `
	const elsewhere = `{"Type":"User","Message":"Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"}`
	for _, c := range []struct {
		name, qualifier string
		status          int
		body, version   string
	}{
		{"fn", "", 200, `"` + arn + `"`, "$LATEST"},
		{"fn", "$LATEST", 200, `"` + arn + `:$LATEST"`, "$LATEST"},
		{"fn", "1", 200, `"` + arn + `:1"`, "1"},
		{"fn", "live", 200, `"` + arn + `:live"`, "1"},
		{"fn:live", "", 200, `"` + arn + `:live"`, "1"},
		{"fn:live", "live", 200, `"` + arn + `:live"`, "1"},
		{"123456789012:function:fn:1", "", 200, `"` + arn + `:1"`, "1"},
		{"function:fn", "live", 200, `"` + arn + `:live"`, "1"},
		{arn, "", 200, `"` + arn + `"`, "$LATEST"},
		{arn + ":$LATEST", "", 200, `"` + arn + `:$LATEST"`, "$LATEST"},
		{arn + ":live", "", 200, `"` + arn + `:live"`, "1"},
		{"fn:live", "1", 400, `{"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}`, ""},
		{"fn", "2", 404, missing + arn + `:2"}`, ""},
		{"fn:gone", "", 404, missing + arn + `:gone"}`, ""},
		{"999999999999:function:fn", "", 404, missing + `arn:aws:lambda:eu-west-1:999999999999:function:fn:$LATEST"}`, ""},
		{"arn:aws:lambda:us-east-1:123456789012:function:fn", "", 404, elsewhere, ""},
		{"arn:aws:lambda:us-east-1:123456789012:function:nope", "", 404, elsewhere, ""},
	} {
		path := url.PathEscape(c.name) + "/invocations?Qualifier=" + url.QueryEscape(c.qualifier)
		res := p.http("POST", "/2015-03-31/functions/"+path, `{"do":"arn"}`)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != c.status || string(body) != c.body || res.Header.Get("X-Amz-Executed-Version") != c.version {
			t.Errorf("%s, %q: %d %s, version %s", c.name, c.qualifier, res.StatusCode, body, res.Header.Get("X-Amz-Executed-Version"))
		}
	}
}

func TestInvokeAPIReturnsTheLogTail(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	res := p.http("POST", "/2015-03-31/functions/fn/invocations", `{"do":"print","text":"hello log"}`, "X-Amz-Log-Type", "Tail")
	log, err := base64.StdEncoding.DecodeString(res.Header.Get("X-Amz-Log-Result"))
	if err != nil || !strings.Contains(string(log), "\nhello log\nEND RequestId: ") {
		t.Errorf("log %q, %v", log, err)
	}
}

func TestReadingAPI(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	for _, c := range []struct{ path, want string }{
		{"/2015-03-31/functions/fn", `"Configuration":{"FunctionName":"fn","FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:fn","Runtime":"nodejs22.x"`},
		{"/2015-03-31/functions/fn/configuration", `{"FunctionName":"fn","FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:fn"`},
		{"/2015-03-31/functions/", `{"Functions":[{"FunctionName":"fn"`},
		{"/2015-03-31/functions/nope", `"Message":"Function not found: `},
		{"/2015-03-31/event-source-mappings/", `Suiro does not serve GET /2015-03-31/event-source-mappings/ of the Lambda API`},
	} {
		body, _ := io.ReadAll(p.http("GET", c.path, "").Body)
		if !strings.Contains(string(body), c.want) {
			t.Errorf("%s: %s\nlacks %s", c.path, body, c.want)
		}
	}
}

type frame struct {
	headers string
	payload string
}

// frames takes an event stream apart.
func frames(t *testing.T, data []byte) (out []frame) {
	t.Helper()
	for r := bytes.NewReader(data); r.Len() > 0; {
		m, err := eventstream.Read(r)
		if err != nil {
			t.Fatal(err)
		}
		var headers []string
		for _, name := range []string{":message-type", ":event-type", ":content-type"} {
			headers = append(headers, name+"="+m.Headers[name])
		}
		out = append(out, frame{strings.Join(headers, " "), string(m.Payload)})
	}
	return out
}

func TestInvokeWithResponseStream(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	const chunk, complete = ":message-type=event :event-type=PayloadChunk :content-type=application/octet-stream",
		":message-type=event :event-type=InvokeComplete :content-type=application/json"
	for _, c := range []struct{ name, event, body, end string }{
		{"stream", `{"do":"stream"}`, "first second", `{}`},
		{"buffered response", `{}`, "{}", `{}`},
		{"function error", `{"do":"fail"}`, "", `{"ErrorCode":"Oops","ErrorDetails":"{\"errorType\":\"Oops\",\"errorMessage\":\"as ordered\"}"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := p.http("POST", "/2021-11-15/functions/fn/response-streaming-invocations", c.event)
			if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "application/vnd.amazon.eventstream" {
				t.Errorf("%d, content type %s", res.StatusCode, got)
			}
			data, _ := io.ReadAll(res.Body)
			all := frames(t, data)
			var body bytes.Buffer
			for _, f := range all[:len(all)-1] {
				if f.headers != chunk {
					t.Errorf("headers %s", f.headers)
				}
				body.WriteString(f.payload)
			}
			last := all[len(all)-1]
			if body.String() != c.body || last.headers != complete || last.payload != c.end {
				t.Errorf("body %s, end %s %s", body.String(), last.headers, last.payload)
			}
		})
	}
}

// The log tail of a stream is in its last frame; a stream cannot be queued, and
// what is refused before it begins is an ordinary error.
func TestInvokeWithResponseStreamOptions(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	const path = "/2021-11-15/functions/fn/response-streaming-invocations"
	res := p.http("POST", path, `{"do":"print","text":"hello log"}`, "X-Amz-Log-Type", "Tail")
	data, _ := io.ReadAll(res.Body)
	all := frames(t, data)
	var end struct{ LogResult string }
	_ = json.Unmarshal([]byte(all[len(all)-1].payload), &end)
	log, err := base64.StdEncoding.DecodeString(end.LogResult)
	if err != nil || !strings.Contains(string(log), "\nhello log\nEND RequestId: ") || res.Header.Get("X-Amz-Log-Result") != "" || res.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
		t.Errorf("log %q, %v, headers %v", log, err, res.Header)
	}
	for _, c := range []struct {
		path, kind string
		status     int
		body       string
	}{
		{path, "DryRun", 204, ""},
		{path, "Event", 400, `{"Type":"User","message":"InvokeWithResponseStream supports the invocation types RequestResponse and DryRun"}`},
		{path + "?Qualifier=gone", "", 404, `{"Type":"User","Message":"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:fn:gone"}`},
	} {
		res := p.http("POST", c.path, `{}`, "X-Amz-Invocation-Type", c.kind)
		if body, _ := io.ReadAll(res.Body); res.StatusCode != c.status || string(body) != c.body {
			t.Errorf("%s %s: %d %s", c.path, c.kind, res.StatusCode, body)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"fn", "fn:1", "function:fn", "123456789012:function:fn:live", "arn:aws:lambda:eu-west-1:123456789012:function:fn:$LATEST", ":", "arn:aws:lambda", "::::::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, ok := parseReference(s)
		if ok && (ref.name == "" || strings.Contains(ref.name+ref.qualifier, ":")) {
			t.Errorf("%q is %+v", s, ref)
		}
	})
}
