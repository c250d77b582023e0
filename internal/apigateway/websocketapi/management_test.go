package websocketapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

const unknownID = "JC1dgf9yoAMCK-g="

func TestManagementPaths(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	id := f.id()
	escaped := strings.ReplaceAll(id, "=", "%3D")
	for _, path := range []string{
		"/dev/@connections/" + escaped,
		"/dev/@connections/" + id, // raw "="
		"/dev//@connections/" + escaped,
		"//dev//@connections//" + id,
		"/dev/%40connections/" + escaped,
		"/prod/@connections/" + id, // any stage of the API
		"/@connections/" + id,      // none, as emulators of old had it
	} {
		res, body := f.manage("POST", path, "to "+path)
		if res.StatusCode != 200 || body != "" {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
			continue
		}
		c.want("to " + path)
	}
	for _, path := range []string{"/nope/@connections/" + id, "/dev/x/@connections/" + id, "/dev/@connections", "/dev/@connections/" + id + "/x"} {
		res, body := f.manage("POST", path, "x")
		if res.StatusCode != 403 || res.Header.Get("x-amzn-ErrorType") != "ForbiddenException" || body != `{"message":"Forbidden"}` {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
}

func TestPostHeaders(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	res, _ := f.manage("POST", "/dev/@connections/"+f.id(), "x", func(r *http.Request) { r.Header.Set("Content-Type", "application/octet-stream") })
	c.want("x")
	for name, pattern := range map[string]string{
		"x-amzn-RequestId": `^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`,
		"x-amz-apigw-id":   `^[\w-]{15}=$`,
		"X-Amzn-Trace-Id":  `^Root=1-`,
		"Content-Type":     `^application/json$`,
		"Content-Length":   `^0$`,
	} {
		if v := res.Header.Get(name); !regexp.MustCompile(pattern).MatchString(v) {
			t.Errorf("%s: %q", name, v)
		}
	}
}

// A client that does not read: what does not fit its buffer is refused, and the
// connection stays.
func TestPostsToAClientThatDoesNotReadAreLimited(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	id := f.id()
	var res *http.Response
	body := ""
	for range 400 { // 50 MB: more than the kernel keeps
		if res, body = f.manage("POST", "/dev/@connections/"+id, strings.Repeat("x", maxMessage)); res.StatusCode != 200 {
			break
		}
	}
	if res.StatusCode != 429 || res.Header.Get("x-amzn-ErrorType") != "LimitExceededException" || body != `{"message":"Limit exceeded"}` {
		t.Errorf("answered %d %v %s", res.StatusCode, res.Header, body)
	}
	if res, _ := f.manage("GET", "/dev/@connections/"+id, ""); res.StatusCode != 200 {
		t.Errorf("the connection answers %d", res.StatusCode)
	}
	if got := c.receive(); len(got) != maxMessage {
		t.Errorf("received %d bytes", len(got))
	}
}

func TestPostSizes(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	path := "/dev/@connections/" + f.id()
	if res, _ := f.manage("POST", path, strings.Repeat("x", 131072)); res.StatusCode != 200 {
		t.Errorf("131072 bytes: %d", res.StatusCode)
	}
	if got := c.receive(); len(got) != 131072 {
		t.Errorf("received %d bytes", len(got))
	}
	for _, how := range []func(*http.Request){
		func(*http.Request) {},
		func(r *http.Request) { r.ContentLength = -1 }, // chunked
	} {
		res, body := f.manage("POST", path, strings.Repeat("x", 131073), how)
		if res.StatusCode != 413 || body != "" || res.Header.Get("x-amzn-ErrorType") != "" || res.Header.Get("x-amzn-RequestId") != "" {
			t.Errorf("131073 bytes: %d %q %v", res.StatusCode, body, res.Header)
		}
	}
	if res, _ := f.manage("POST", path, ""); res.StatusCode != 200 {
		t.Errorf("empty: %d", res.StatusCode)
	}
	c.want("")
}

func TestPostedBytesBecomeText(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	for body, want := range map[string]string{
		"\xff":              "\uFFFD",
		"a\xff\xfeb":        "a\uFFFD\uFFFDb",
		"\xe2\x82":          "\uFFFD",  // half a character is one
		"\xe2\x82x":         "\uFFFDx", //
		"\xe0\x80":          "\uFFFD\uFFFD",
		"\xf0\x9f\x98\xffé": "\uFFFD\uFFFDé",
		"ok é 😀":            "ok é 😀",
	} {
		if res, _ := f.manage("POST", "/dev/@connections/"+f.id(), body); res.StatusCode != 200 {
			t.Errorf("%q: %d", body, res.StatusCode)
		}
		c.want(want)
	}
}

func TestGetConnection(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	id := f.id()
	const stamp = `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`
	want := regexp.MustCompile(`^\{\n  "identity" : \{\n    "sourceIp" : "127.0.0.1",\n    "userAgent" : null\n  \},\n  "connectedAt" : ` + stamp + `,\n  "lastActiveAt" : (` + stamp + `)\n\}$`)
	_, first := f.manage("GET", "/dev/@connections/"+id, "")
	if !want.MatchString(first) {
		t.Fatalf("answered %s", first)
	}
	if _, again := f.manage("GET", "/dev/@connections/"+id, ""); again != first {
		t.Errorf("GET counts as activity: %s, then %s", first, again)
	}
	later := func(what string) {
		t.Helper()
		eventually(t, what+" counts as activity", func() bool {
			_, now := f.manage("GET", "/dev/@connections/"+id, "")
			if now != first {
				first = now
				return true
			}
			return false
		})
	}
	sleepPast(t)
	f.manage("POST", "/dev/@connections/"+id, "x")
	later("a push")
	sleepPast(t)
	c.send("x")
	later("a message")
	_ = c.conn.Close()

	f = newFixture(t, nil)
	f.open(`User-Agent: te"st`)
	if _, body := f.manage("GET", "/dev/@connections/"+f.id(), ""); !strings.Contains(body, `"userAgent" : "te\"st"`) {
		t.Errorf("answered %s", body)
	}
}

// sleepPast makes sure that the next event has another millisecond.
func sleepPast(t *testing.T) {
	t.Helper()
	now := time.Now().UnixMilli()
	eventually(t, "a millisecond", func() bool { return time.Now().UnixMilli() > now+1 })
}

func TestDeleteConnection(t *testing.T) {
	f := newFixture(t, map[string]function{"$disconnect": returns(ok)})
	c := f.open()
	id := f.id()
	res, body := f.manage("DELETE", "/dev/@connections/"+id, "")
	if res.StatusCode != 204 || body != "" {
		t.Errorf("answered %d %q", res.StatusCode, body)
	}
	c.want("close 1000 Connection Closed Normally")
	if res, _ := f.manage("DELETE", "/dev/@connections/"+id, ""); res.StatusCode != 410 {
		t.Errorf("a second time: %d", res.StatusCode)
	}
	c.close(1000, "")
	f.wantDisconnect(1, 1000, "Connection Closed Normally")
}

func TestPushInsideDisconnectIsGone(t *testing.T) {
	var f *fixture
	answered := make(chan int, 1)
	f = newFixture(t, map[string]function{"$disconnect": func(_ context.Context, payload []byte) ([]byte, invoke.End) {
		res, _ := f.manage("POST", "/dev/@connections/"+decode(t, payload).RequestContext.ConnectionID, "x")
		answered <- res.StatusCode
		return nil, invoke.End{}
	}})
	c := f.open()
	c.close(1000, "")
	if code := <-answered; code != 410 {
		t.Errorf("answered %d", code)
	}
}

func TestManagementErrors(t *testing.T) {
	f := newFixture(t, nil, func(c *Config, _ *Definition) {
		c.Authenticator = signer{tester}
		c.Authorizer = permits{"execute-api:ManageConnections arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/POST/@connections/{connectionId}"}
	})
	signed := func(r *http.Request) { r.Header.Set("Authorization", "good") }
	wrong := func(r *http.Request) { r.Header.Set("Authorization", "wrong") }
	rows := []struct {
		name, method, path string
		sign               func(*http.Request)
		status             int
		kind, body         string
	}{
		{"never existed", "POST", "/dev/@connections/" + unknownID, signed, 410, "GoneException", ""},
		{"malformed, before the signature", "POST", "/dev/@connections/XXX", func(*http.Request) {}, 400, "BadRequestException", `{"message":"Invalid connectionId: XXX"}`},
		{"malformed in another way", "GET", "/dev/@connections/JC1dgf9yo!MCK-g=", signed, 400, "BadRequestException", `{"message":"Invalid connectionId: JC1dgf9yo!MCK-g="}`},
		{"unsigned", "POST", "/dev/@connections/" + unknownID, func(*http.Request) {}, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`},
		{"wrong signature", "POST", "/dev/@connections/" + unknownID, wrong, 403, "InvalidSignatureException", `{"message":"The signature does not match"}`},
		{"not allowed by policy", "GET", "/dev/@connections/" + unknownID, signed, 403, "AccessDeniedException", `{"Message":"User is not authorized"}`},
		{"allowed on another stage", "POST", "/prod/@connections/" + unknownID, signed, 403, "AccessDeniedException", `{"Message":"User is not authorized"}`},
		{"without a stage, allowed on one", "POST", "/@connections/" + unknownID, signed, 410, "GoneException", ""},
		{"unknown stage", "POST", "/nope/@connections/" + unknownID, signed, 403, "ForbiddenException", `{"message":"Forbidden"}`},
	}
	for _, row := range rows {
		res, body := f.manage(row.method, row.path, "x", row.sign)
		if res.StatusCode != row.status || res.Header.Get("x-amzn-ErrorType") != row.kind || body != row.body {
			t.Errorf("%s: %d %s %q", row.name, res.StatusCode, res.Header.Get("x-amzn-ErrorType"), body)
		}
	}
}

func TestOwnersAreNotLimitedByPolicies(t *testing.T) {
	f := newFixture(t, nil, func(c *Config, _ *Definition) {
		owner := tester
		owner.Owner = true
		c.Authenticator, c.Authorizer = signer{owner}, permits{}
	})
	res, _ := f.manage("POST", "/dev/@connections/"+unknownID, "x", func(r *http.Request) { r.Header.Set("Authorization", "good") })
	if res.StatusCode != 410 {
		t.Errorf("answered %d", res.StatusCode)
	}
}

func TestPathsThatAreNoStage(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/", "/nope", "/dev/x"} {
		wantRefusal(t, f.dial(path), 403, "Forbidden")
	}
	if c := f.dial("/dev/"); c.status != 101 {
		t.Errorf("with a slash at the end: %d", c.status)
	}
	res, err := http.Get(f.server.URL + "/dev") //nolint:noctx // a test of an ordinary GET
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	wantRefusal(t, &client{status: res.StatusCode, header: res.Header, body: string(body)}, 403, "Forbidden")
}

func TestDomainName(t *testing.T) {
	d := &Definition{Authority: "localhost:3001", Domains: map[string]map[string]string{"ws.example.com": {"": "dev"}}}
	for host, want := range map[string]string{
		"localhost:3001":      "localhost:3001",
		"LOCALHOST:3001":      "localhost:3001",
		"127.0.0.1:3001":      "127.0.0.1:3001",
		"[::1]:3001":          "[::1]:3001",
		"localhost:4566":      "localhost:3001",
		"192.168.1.2:3001":    "localhost:3001",
		"ws.example.com":      "ws.example.com",
		"WS.example.com:3001": "WS.example.com:3001",
		"evil.example.com":    "localhost:3001",
		"a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com": "localhost:3001",
	} {
		if got := d.domainName(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestCustomDomains(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok)}, func(_ *Config, d *Definition) {
		d.Domains = map[string]map[string]string{"ws.example.com": {"chat": "dev", "": "prod"}}
	})
	for path, want := range map[string]string{"/chat": "dev", "/": "prod", "/dev": ""} {
		before := len(f.functions.Calls())
		c := f.dial(path, "Host: ws.example.com")
		if want == "" {
			wantRefusal(t, c, 403, "Forbidden")
			continue
		}
		e := decode(t, f.calls(before + 1)[before].Payload).RequestContext
		if e.Stage != want || e.DomainName != "ws.example.com" {
			t.Errorf("%s: stage %s at %s", path, e.Stage, e.DomainName)
		}
		res, _ := f.manage("POST", path+"/@connections/"+e.ConnectionID, "hi", func(r *http.Request) { r.Host = "ws.example.com" })
		if res.StatusCode != 200 {
			t.Errorf("push through %s: %d", path, res.StatusCode)
		}
		c.want("hi")
	}
}

// What the front may serve without net/http is what manage answers, never a
// handshake.
func TestIsManagement(t *testing.T) {
	for line, want := range map[string]bool{
		"POST /dev/@connections/a%3D HTTP/1.1":    true,
		"GET /%40connections/a HTTP/1.1":          true,
		"DELETE /dev//@connections/a HTTP/1.1":    true,
		"POST /dev/@connections/ HTTP/1.1":        true,
		"GET /dev HTTP/1.1":                       false,
		"GET /dev?to=/@connections/a HTTP/1.1":    false,
		"GET /dev/x@connections/a HTTP/1.1":       false,
		"POST /dev/%40%63onnections/a HTTP/1.1":   false, // net/http takes it
		"POST /dev/@connections HTTP/1.1":         false,
		"GET /dev/%2F@connections%2Fa?b HTTP/1.1": false,
	} {
		if got := IsManagement([]byte(line)); got != want {
			t.Errorf("%s: %v", line, got)
		}
		target := strings.Fields(line)[1]
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := managementAt(splitPath(u.EscapedPath())); want && !is {
			t.Errorf("%s would be a handshake", line)
		}
	}
}
