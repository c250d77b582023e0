package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{"event", path, `{}`, []string{"X-Amz-Invocation-Type", "Event"}, 202, ``, nil},
		{"dry run", path, `{}`, []string{"X-Amz-Invocation-Type", "DryRun"}, 204, ``, nil},
		{"old asynchronous API", "/2014-11-13/functions/fn/invoke-async", `{}`, nil, 202, `{"Status":202}`, nil},
		{"not JSON", path, `{"a":`, nil, 400, `{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"}`,
			[]string{"X-Amzn-Errortype", "InvalidRequestContentException"}},
		{"missing function", "/2015-03-31/functions/nope/invocations", `{}`, nil, 404,
			`{"Type":"User","Message":"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nope:$LATEST"}`, []string{"X-Amzn-Errortype", "ResourceNotFoundException"}},
		{"throttled", "/2015-03-31/functions/none/invocations", `{}`, nil, 429,
			`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`, []string{"X-Amzn-Errortype", "TooManyRequestsException"}},
		{"too large", path, `"` + strings.Repeat("x", maxPayload) + `"`, nil, 413,
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

// frames takes an event stream apart, checking lengths and checksums.
func frames(t *testing.T, data []byte) (out []frame) {
	t.Helper()
	for len(data) > 0 {
		total, head := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		if int(total) > len(data) || crc32.ChecksumIEEE(data[:8]) != binary.BigEndian.Uint32(data[8:]) ||
			crc32.ChecksumIEEE(data[:total-4]) != binary.BigEndian.Uint32(data[total-4:]) {
			t.Fatalf("broken frame %q", data)
		}
		var headers []string
		for h := data[12 : 12+head]; len(h) > 0; {
			n := int(h[0])
			v := int(binary.BigEndian.Uint16(h[2+n:]))
			headers = append(headers, string(h[1:1+n])+"="+string(h[4+n:4+n+v]))
			h = h[4+n+v:]
		}
		out = append(out, frame{strings.Join(headers, " "), string(data[12+head : total-4])})
		data = data[total:]
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

func FuzzAppendFrame(f *testing.F) {
	f.Add([]byte("payload"), "name", "value")
	f.Fuzz(func(t *testing.T, payload []byte, name, value string) {
		if name == "" || len(name) > 255 || len(value) > 65535 {
			t.Skip()
		}
		got := frames(t, appendFrame(nil, payload, name, value))
		if len(got) != 1 || got[0].payload != string(payload) || got[0].headers != name+"="+value {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add(payloadChunk(nil, []byte("hello")))
	f.Add(invokeComplete(nil, completion{ErrorCode: "E"}))
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadMessage(bytes.NewReader(data))
		if err == nil && len(m.Payload) > len(data) {
			t.Errorf("%d bytes of %d", len(m.Payload), len(data))
		}
		again, err := ReadMessage(bytes.NewReader(payloadChunk(nil, data)))
		if err != nil || !bytes.Equal(again.Payload, data) || again.Headers[":event-type"] != "PayloadChunk" {
			t.Errorf("%+v, %v", again, err)
		}
	})
}
