package functionurl

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suiro-dev/suiro/internal/invoke"
)

const anonymous = "AuthType: NONE"

// A whole event, member for member, with what varies replaced.
func TestEvent(t *testing.T) {
	p := newPlace(t, anonymous)
	p.answer = result("application/json", `{}`, invoke.End{})
	p.raw("POST /hello?hello=world&foo=bar HTTP/1.1\r\nHost: site.test:3001\r\nConnection: close\r\nContent-Length: 18\r\n" +
		"Content-Type: application/json\r\nHeader2: h1\r\nHeader2: h2\r\nCookie: foo=bar; hello=hello\r\nUser-Agent: agent/1\r\n" +
		"X-Amzn-Trace-Id: Root=1-643eccfa-2c6028925c2b249524664087\r\n\r\n{\"hello\": \"world\"}")
	got := p.last()
	for _, r := range []struct{ pattern, with string }{
		{`"requestId":"[0-9a-f-]{36}"`, `"requestId":"ID"`},
		{`"time":"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000"`, `"time":"TIME"`},
		{`"timeEpoch":\d{13}`, `"timeEpoch":0`},
		{`[a-z2-7]{32}`, `URLID`},
	} {
		got = regexp.MustCompile(r.pattern).ReplaceAllString(got, r.with)
	}
	want := `{"version":"2.0","routeKey":"$default","rawPath":"/hello","rawQueryString":"hello=world&foo=bar",` +
		`"cookies":["foo=bar","hello=hello"],` +
		`"headers":{"content-length":"18","content-type":"application/json","cookie":"foo=bar; hello=hello","header2":"h1,h2","host":"site.test:3001",` +
		`"user-agent":"agent/1","x-amzn-trace-id":"Root=1-643eccfa-2c6028925c2b249524664087","x-forwarded-for":"127.0.0.1","x-forwarded-port":"3001","x-forwarded-proto":"http"},` +
		`"queryStringParameters":{"foo":"bar","hello":"world"},` +
		`"requestContext":{"accountId":"anonymous","apiId":"URLID","domainName":"site.test:3001","domainPrefix":"URLID",` +
		`"http":{"method":"POST","path":"/hello","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"agent/1"},` +
		`"requestId":"ID","routeKey":"$default","stage":"$default","time":"TIME","timeEpoch":0},` +
		`"body":"{\"hello\": \"world\"}","isBase64Encoded":false}`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEventMembers(t *testing.T) {
	p := newPlace(t, anonymous)
	p.answer = result("application/json", `{}`, invoke.End{})
	type object = map[string]any
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		member                   string // dotted
		want                     any    // nil: left out
	}{
		{"no body", "GET", "/", "", nil, "body", nil},
		{"no cookies", "GET", "/", "", nil, "cookies", nil},
		{"no query", "GET", "/", "", nil, "queryStringParameters", nil},
		{"empty query string", "GET", "/", "", nil, "rawQueryString", ""},
		{"no authorizer without signatures", "GET", "/", "", nil, "requestContext.authorizer", nil},
		{"escapes stay in the path", "GET", "/pa2%2Fth/1%20a", "", nil, "rawPath", "/pa2%2Fth/1%20a"},
		{"and in http.path", "GET", "/a%2fb", "", nil, "requestContext.http.path", "/a%2fb"},
		{"repeated parameters are joined", "GET", "/?multiQuery=foo&multiQuery=%2Fbar&x", "", nil, "queryStringParameters", object{"multiQuery": "foo,/bar", "x": ""}},
		{"the query stays as it was sent", "GET", "/?a=%2F&&b=+", "", nil, "rawQueryString", "a=%2F&&b=+"},
		{"a plus is a space", "GET", "/?b=+x", "", nil, "queryStringParameters.b", " x"},
		{"what cannot be decoded stays", "GET", "/?b=%zz", "", nil, "queryStringParameters.b", "%zz"},
		{"method", "PATCH", "/", "", nil, "requestContext.http.method", "PATCH"},
		{"authorization reaches the function", "GET", "/", "", []string{"Authorization", "Bearer x"}, "headers.authorization", "Bearer x"},
		{"the client's own forwarders", "GET", "/", "", []string{"X-Forwarded-For", "203.0.113.9"}, "headers.x-forwarded-for", "203.0.113.9, 127.0.0.1"},
		{"connection is dropped", "GET", "/", "", nil, "headers.connection", nil},
		{"text", "POST", "/", "é", []string{"Content-Type", "text/plain; charset=utf-8"}, "body", "é"},
		{"problem+json is text", "POST", "/", "{}", []string{"Content-Type", "application/problem+json"}, "isBase64Encoded", false},
		{"a form is base64", "POST", "/", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, "body", "YT1i"},
		{"multipart is base64", "POST", "/", "--", []string{"Content-Type", "multipart/form-data; boundary=x"}, "isBase64Encoded", true},
		{"an unknown type is base64", "POST", "/", "x", []string{"Content-Type", "idk"}, "body", "eA=="},
		{"no type is base64", "POST", "/", "x", nil, "isBase64Encoded", true},
		{"text that is not UTF-8 is base64", "POST", "/", "\xff", []string{"Content-Type", "text/plain"}, "body", "/w=="},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.do(c.method, c.path, c.body, c.headers...)
			var event object
			if err := json.Unmarshal([]byte(p.last()), &event); err != nil {
				t.Fatal(err)
			}
			var got any = event
			for name := range strings.SplitSeq(c.member, ".") {
				got = got.(object)[name]
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func FuzzQueryParameters(f *testing.F) {
	f.Add("a=b&a=c&d")
	f.Add("%zz=%&&=")
	f.Fuzz(func(t *testing.T, query string) {
		for name := range queryParameters(query) {
			if query == "" {
				t.Errorf("parameter %q of an empty query", name)
			}
		}
	})
}
