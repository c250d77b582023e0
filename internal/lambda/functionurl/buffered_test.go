package functionurl

import (
	"net/http"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// What BUFFERED makes of each kind of result (recorded by localstack's
// test_lambda_url_invocation and test_lambda_url_headers_and_status).
func TestBufferedResults(t *testing.T) {
	p := newPlace(t, anonymous)
	for _, c := range []struct {
		name, result string
		status       int
		body         string
		headers      []string
	}{
		{"object with a status", `{"statusCode": 201, "headers": {"X-One": "1", "n": 2, "b": true}, "body": "hi"}`, 201, "hi",
			[]string{"X-One", "1", "N", "2", "B", "true", "Content-Type", "application/json", "Content-Length", "2"}},
		{"status as text", `{"statusCode":"418"}`, 418, "", nil},
		{"object without a status is the body", `{"hello": "world"}`, 200, `{"hello":"world"}`, []string{"Content-Type", "application/json", "Content-Length", "17"}},
		{"list", `["hello", 3, true]`, 200, `["hello",3,true]`, nil},
		{"number", `3.0`, 200, `3.0`, nil},
		{"boolean", `true`, 200, `true`, nil},
		{"text is sent without its quotes", `"hello"`, 200, `hello`, []string{"Content-Length", "5", "Content-Type", "application/json"}},
		{"null", `null`, 200, `null`, nil},
		{"body of bytes", `{"statusCode":200,"body":"AAEC/w==","isBase64Encoded":true}`, 200, "\x00\x01\x02\xff", nil},
		{"body that is an object", `{"statusCode":200,"body":{"a": 1}}`, 200, `{"a":1}`, nil},
		{"no body", `{"statusCode":204}`, 204, "", []string{"Content-Length", ""}},
		{"cookies", `{"statusCode":200,"cookies":["a=1; Path=/","b=2"]}`, 200, "", []string{"Set-Cookie", "a=1; Path=/;b=2"}},
		{"content type", `{"statusCode":200,"headers":{"content-type":"text/html"},"body":"<p>"}`, 200, "<p>", []string{"Content-Type", "text/html"}},
		{"multiValueHeaders are ignored", `{"statusCode":200,"multiValueHeaders":{"x":["1"]}}`, 200, "", []string{"X", ""}},
		{"headers of the front end come remapped", `{"statusCode":200,"headers":{"WWW-Authenticate":"Basic","Content-Length":"9"},"body":"x"}`, 200, "x",
			[]string{"X-Amzn-Remapped-Www-Authenticate", "Basic", "X-Amzn-Remapped-Content-Length", "9", "Content-Length", "1", "WWW-Authenticate", ""}},
		{"status out of range", `{"statusCode":99}`, 502, "Internal Server Error", nil},
		{"status that is a word", `{"statusCode":"ok"}`, 502, "Internal Server Error", nil},
		{"header that is an object", `{"statusCode":200,"headers":{"x":{}}}`, 502, "Internal Server Error", nil},
		{"header that splits the response", `{"statusCode":200,"headers":{"x":"a\r\nb: c"}}`, 502, "Internal Server Error", nil},
		{"headers that are a list", `{"statusCode":200,"headers":[]}`, 502, "Internal Server Error", nil},
		{"base64 that is none", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, 502, "Internal Server Error", nil},
		{"not JSON", `hello`, 502, "Internal Server Error", []string{"Content-Type", "application/json", "Content-Length", "21"}},
		{"nothing", ``, 502, "Internal Server Error", nil},
		{"a stream's prelude", "{\"statusCode\":200}\x00\x00\x00\x00\x00\x00\x00\x00hello", 502, "Internal Server Error", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.answer = result("application/json", c.result, invoke.End{})
			got := p.do("GET", "/", "")
			if got.status != c.status || got.body != c.body {
				t.Errorf("%d %q, want %d %q", got.status, got.body, c.status, c.body)
			}
			expect(t, got.header, c.headers)
		})
	}
}

func expect(t *testing.T, h http.Header, pairs []string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := strings.Join(h.Values(pairs[i]), ";"); got != pairs[i+1] {
			t.Errorf("%s: %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

func TestFailuresOfTheFunctionAre502(t *testing.T) {
	for _, mode := range []string{buffered, streaming} {
		p := newPlace(t, anonymous+", InvokeMode: "+mode)
		for _, end := range []invoke.End{
			{Outcome: invoke.FunctionError, ErrorType: "Error"},
			{Outcome: invoke.TimedOut, ErrorType: "Sandbox.Timedout"},
			{Outcome: invoke.FunctionError, ErrorType: "Function.ResponseSizeTooLarge"},
		} {
			body := ""
			if mode == buffered {
				body = `{"errorMessage":"secret"}`
			}
			p.answer = result("application/json", body, end)
			got := p.do("GET", "/", "")
			if got.status != 502 || got.body != "Internal Server Error" {
				t.Errorf("%s %v: %d %q", mode, end, got.status, got.body)
			}
			expect(t, got.header, []string{"Content-Type", "application/json", "Content-Length", "21"})
		}
	}
}

func TestRefusals(t *testing.T) {
	p := newPlace(t, anonymous)
	p.answer = func(*invoke.Request) (*invoke.Result, error) {
		return nil, &invoke.Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
	}
	got := p.do("GET", "/", "")
	if got.status != 429 || !strings.Contains(got.body, `"message":"Rate Exceeded."`) {
		t.Errorf("throttled: %d %s", got.status, got.body)
	}
	p.answer = result("", "null", invoke.End{})
	before := p.count()
	for name, body := range map[string]string{
		"a body over 6 MiB": strings.Repeat("x", maxRequest+1),
		"an event over it":  strings.Repeat("x", maxRequest*3/4+10), // base64
	} {
		got = p.do("POST", "/", body)
		if got.status != 413 || got.body != `{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}` {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if p.count() != before {
		t.Error("the function was invoked")
	}
}

// The id of the request is the client's, the event's and the function's.
func TestOneRequestID(t *testing.T) {
	p := newPlace(t, anonymous)
	p.answer = result("", "null", invoke.End{})
	got := p.do("GET", "/", "", "X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	id := got.header.Get("X-Amzn-Requestid")
	if id == "" || p.calls[0].RequestID != id || !strings.Contains(p.last(), `"requestId":"`+id+`"`) {
		t.Errorf("answer %s, request %s, event %s", id, p.calls[0].RequestID, p.last())
	}
	if want := "root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1"; got.header.Get("X-Amzn-Trace-Id") != want {
		t.Errorf("trace %s", got.header.Get("X-Amzn-Trace-Id"))
	}
	if p.calls[0].TraceID != "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" {
		t.Errorf("trace %s", p.calls[0].TraceID)
	}
}

func TestHEADInvokesAndSendsNoBody(t *testing.T) {
	for _, mode := range []string{buffered, streaming} {
		p := newPlace(t, anonymous+", InvokeMode: "+mode)
		p.answer = result("text/plain", `"hello"`, invoke.End{})
		got := p.do("HEAD", "/", "")
		if got.status != 200 || got.body != "" || !strings.Contains(p.last(), `"method":"HEAD"`) {
			t.Errorf("%s: %+v", mode, got)
		}
	}
}

func FuzzReadResult(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":["b",1]},"cookies":["x"],"body":"aGk=","isBase64Encoded":true}`))
	f.Add([]byte(`"hi"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, _, err := readResult(data)
		if err == nil && (h.status < 200 || h.status > 999) {
			t.Errorf("status %d of %q", h.status, data)
		}
	})
}

// Without a CORS configuration OPTIONS is the function's, preflight or not
// (Developer Guide, Creating and managing Lambda function URLs).
func TestOPTIONSWithoutCORSIsTheFunctions(t *testing.T) {
	for _, mode := range []string{buffered, streaming} {
		p := newPlace(t, anonymous+", InvokeMode: "+mode)
		p.answer = result("application/json", `{"statusCode":204,"headers":{"access-control-allow-origin":"https://mine.test"}}`, invoke.End{})
		got := p.do("OPTIONS", "/x", "", "Origin", "https://mine.test", "Access-Control-Request-Method", "PUT")
		if n := p.count(); n != 1 || mode == buffered && got.status != 204 {
			t.Errorf("%s: %d calls, %+v", mode, n, got)
		}
		if !strings.Contains(p.last(), `"method":"OPTIONS"`) {
			t.Errorf("event %s", p.last())
		}
	}
}
