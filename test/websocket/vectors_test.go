package websocket

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// What API Gateway does, behaviour by behaviour. Each row is on its own; the
// app and the program are shared.
func TestBehaviours(t *testing.T) {
	s := start(t, "")
	for _, row := range []struct {
		name string
		test func(*testing.T, *suiro)
	}{
		{"an API without $connect accepts", func(t *testing.T, s *suiro) { s.open(t, "Bare", "") }},
		{"$connect refuses with its own status and body", refuses("Main", "?as=refused", 401, `^no entry$`)},
		{"$connect throws: 502", refuses("Main", "?as=thrown", 502, refusal("Internal server error"))},
		{"$connect without a statusCode: 500", refuses("Main", "?as=empty", 500, refusal("Internal server error"))},
		{"only $connect chooses a subprotocol", subprotocol},
		{"a push inside $connect is Gone", pushInsideConnect},
		{"no query string, no query keys", noQueryKeys},
		{"header names keep the client's spelling", headerSpelling},
		{"a message's event has an id and the authorizer, no headers", messageEvent},
		{"no route: a Forbidden frame", noRoute},
		{"text that is not JSON goes to $default", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			c.send("hello")
			c.want("$default 5 hello")
		}},
		{"a function that throws: an error frame, the socket stays", throwing},
		{"a one-way route sends nothing", oneWay},
		{"a two-way route sends the body", twoWay},
		{"two clients: one posts to the other", twoClients},
		{"a binary frame: 1003", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			if err := c.conn.Write(bounded(t), websocket.MessageBinary, []byte("x")); err != nil {
				t.Fatal(err)
			}
			c.wantClose(1003, "Binary is not supported")
			c.wantDisconnect(1003, "Binary is not supported")
		}},
		{"a frame of 33 KB: 1009", tooBig(1, 33<<10)},
		{"129 KB in 5 frames: 1009", tooBig(5, 129<<10/5+1)},
		{"128 KB in 4 frames is delivered", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			c.fragments(4, 32<<10)
			c.want("$default 131072 " + strings.Repeat("x", 20))
		}},
		{"a close without a code: 1005", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			_ = c.conn.Close(websocket.StatusNoStatusRcvd, "")
			c.wantDisconnect(1005, "Client-side close frame status not set")
		}},
		{"a close with a code and a reason", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			_ = c.conn.Close(4001, "enough")
			c.wantDisconnect(4001, "enough")
		}},
		{"a lost connection: 1006", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			_ = c.conn.CloseNow()
			c.wantDisconnect(1006, "Connection closed abnormally")
		}},
		{"DELETE closes with 1000; a second one is Gone", deletes},
		{"POST takes 131,072 bytes and no more", postSizes},
		{"posted bytes that are no text become U+FFFD", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			s.wantPost(t, "/dev/@connections/"+c.id, []byte{'a', 0xff, 'b'}, 200)
			c.want("a\uFFFDb")
		}},
		{"GET tells of a connection", getConnection},
		{"spellings of the @connections path", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			for _, path := range []string{"/dev/%40connections/" + c.id, "/dev//@connections/" + c.id, "/dev/@connections/" + c.id,
				"/dev/@connections/" + strings.ReplaceAll(c.id, "=", "%3D")} {
				s.wantPost(t, path, []byte(path), 200)
				c.want(path)
			}
		}},
		{"POST to a stage that is not there", func(t *testing.T, s *suiro) {
			c := s.open(t, "Main", "")
			if res := s.wantPost(t, "/nope/@connections/"+c.id, []byte("x"), 403); res.Header.Get("x-amzn-ErrorType") != "ForbiddenException" {
				t.Errorf("answered %v", res.Header)
			}
		}},
		{"POST to what is no connection id", func(t *testing.T, s *suiro) {
			if res, body := s.manage(t, "POST", "/dev/@connections/XXX", []byte("x")); res.StatusCode != 400 || !strings.Contains(body, `"Invalid connectionId: XXX"`) {
				t.Errorf("answered %d %s", res.StatusCode, body)
			}
		}},
		{"authorizer: no token, not called", notCalled},
		{"authorizer: deny", refuses("Guarded", "?token=deny", 403, refusal("User is not authorized to access this resource with an explicit deny in an identity-based policy"))},
		{"authorizer: no statement that allows", refuses("Guarded", "?token=other", 403, refusal("User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"))},
		{"authorizer: throws Unauthorized", refuses("Guarded", "?token=throw", 401, refusal("Unauthorized"))},
		{"authorizer: garbage", refuses("Guarded", "?token=garbage", 500, `^\{"message":null,`)},
		{"the authorizer's context is text", authorizerContext},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, s) })
	}
}

// refusal is a body of API Gateway's own.
func refusal(message string) string {
	return `^\{"message":"` + regexp.QuoteMeta(message) + `","connectionId":"[^"]+","requestId":"[^"]+"\}$`
}

func refuses(api, query string, status int, body string) func(*testing.T, *suiro) {
	return func(t *testing.T, s *suiro) {
		_, res, err := s.dial(t, api, query, nil)
		if err == nil || res == nil {
			t.Fatalf("accepted, or no answer: %v", err)
		}
		got, _ := io.ReadAll(res.Body)
		if res.StatusCode != status || !regexp.MustCompile(body).Match(got) {
			t.Errorf("answered %d %s, want %d %s", res.StatusCode, got, status, body)
		}
	}
}

func subprotocol(t *testing.T, s *suiro) {
	for query, want := range map[string]string{"?as=chat": "chat", "": ""} {
		c, _, err := s.dial(t, "Main", query, &websocket.DialOptions{Subprotocols: []string{"chat", "other"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.conn.Subprotocol(); got != want {
			t.Errorf("subprotocol %q, want %q", got, want)
		}
	}
}

func pushInsideConnect(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "?as=posting")
	if got := s.logged(t, c.from, "POSTED"); got != ` {"name":"GoneException","status":410,"type":"GoneException","length":"0"}` {
		t.Errorf("the push got%s", got)
	}
}

func noQueryKeys(t *testing.T, s *suiro) {
	for query, want := range map[string]bool{"": false, "?a=1": true} {
		c := s.open(t, "Main", query)
		e := s.logged(t, c.from, "EVENT ", `"eventType":"CONNECT"`)
		if got := strings.Contains(e, "ueryStringParameters"); got != want {
			t.Errorf("with %q: %s", query, e)
		}
	}
}

func headerSpelling(t *testing.T, s *suiro) {
	c, _, err := s.dial(t, "Main", "", &websocket.DialOptions{HTTPHeader: http.Header{"x-lower": {"1", "2"}, "X-UPPER": {"3"}}})
	if err != nil {
		t.Fatal(err)
	}
	e := s.logged(t, c.from, "EVENT ", `"eventType":"CONNECT"`)
	for _, want := range []string{`"x-lower":"2"`, `"x-lower":["1","2"]`, `"X-UPPER":"3"`} {
		if !strings.Contains(e, want) {
			t.Errorf("%s is not in %s", want, e)
		}
	}
}

func messageEvent(t *testing.T, s *suiro) {
	c := s.open(t, "Guarded", "?token=allow")
	c.send(`{"do":"event"}`)
	got := c.receive()
	var e event
	if err := json.Unmarshal([]byte(got), &e); err != nil {
		t.Fatal(err)
	}
	if rc := e.RequestContext; strings.Contains(got, "eaders") || rc.MessageID == "" || rc.EventType != "MESSAGE" || rc.Authorizer["principalId"] != "u1" {
		t.Errorf("event %s", got)
	}
}

func noRoute(t *testing.T, s *suiro) {
	c := s.open(t, "Bare", "")
	for range 2 {
		c.send(`{"action":"x"}`)
		c.wantFailure("Forbidden")
	}
}

func throwing(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "")
	c.send(`{"action":"oneway","do":"throw"}`)
	c.wantFailure("Internal server error")
	c.send("still here")
	c.want("$default 10 still here")
}

func oneWay(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "")
	c.send(`{"action":"oneway","do":"answer","text":"unheard"}`)
	c.handled(1)
	c.send("next")
	c.want("$default 4 next")
}

func twoWay(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "")
	c.send(`{"action":"twoway","do":"answer","text":"heard"}`)
	c.want("heard")
}

func twoClients(t *testing.T, s *suiro) {
	a, b := s.open(t, "Main", ""), s.open(t, "Main", "")
	for _, text := range []string{"hello", "grüezi ☂", strings.Repeat("x", 20000)} {
		order, _ := json.Marshal(map[string]string{"action": "oneway", "do": "post", "to": a.id, "text": text})
		b.send(string(order))
		a.want(text)
	}
}

func tooBig(frames, size int) func(*testing.T, *suiro) {
	return func(t *testing.T, s *suiro) {
		c := s.open(t, "Main", "")
		c.fragments(frames, size)
		c.wantClose(1009, "Message too big")
		c.wantDisconnect(1006, "Connection closed abnormally")
	}
}

// wantPost posts and expects a status.
func (s *suiro) wantPost(t *testing.T, path string, body []byte, status int) *http.Response {
	t.Helper()
	res, answer := s.manage(t, "POST", path, body)
	if res.StatusCode != status {
		t.Errorf("POST %s: %d %s, want %d", path, res.StatusCode, answer, status)
	}
	return res
}

func deletes(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "")
	if res, body := s.manage(t, "DELETE", "/dev/@connections/"+c.id, nil); res.StatusCode != 204 || body != "" {
		t.Errorf("answered %d %q", res.StatusCode, body)
	}
	c.wantClose(1000, "Connection Closed Normally")
	c.wantDisconnect(1000, "Connection Closed Normally")
	res, body := s.manage(t, "DELETE", "/dev/@connections/"+c.id, nil)
	if res.StatusCode != 410 || body != "" || res.Header.Get("x-amzn-ErrorType") != "GoneException" {
		t.Errorf("a second one: %d %q %v", res.StatusCode, body, res.Header)
	}
}

func postSizes(t *testing.T, s *suiro) {
	c := s.open(t, "Main", "")
	s.wantPost(t, "/dev/@connections/"+c.id, bytes.Repeat([]byte("x"), 131072), 200)
	c.want(strings.Repeat("x", 131072))
	if res, body := s.manage(t, "POST", "/dev/@connections/"+c.id, make([]byte, 131073)); res.StatusCode != 413 || body != "" {
		t.Errorf("answered %d %q", res.StatusCode, body)
	}
}

func getConnection(t *testing.T, s *suiro) {
	const stamp = `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`
	for header, agent := range map[string]string{"": "null", "me": `"me"`} {
		c, _, err := s.dial(t, "Main", "", &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {header}}})
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(`^\{\n  "identity" : \{\n    "sourceIp" : "(127.0.0.1|::1)",\n    "userAgent" : ` + agent + `\n  \},\n  "connectedAt" : ` + stamp + `,\n  "lastActiveAt" : ` + stamp + `\n\}$`)
		if res, body := s.manage(t, "GET", "/dev/@connections/"+c.id, nil); res.StatusCode != 200 || !want.MatchString(body) {
			t.Errorf("answered %d %s", res.StatusCode, body)
		}
	}
}

func notCalled(t *testing.T, s *suiro) {
	from := s.now()
	refuses("Guarded", "", 401, refusal("Unauthorized"))(t, s)
	refuses("Guarded", "?token=", 401, refusal("Unauthorized"))(t, s)
	refuses("Guarded", "?token=deny", 403, ".")(t, s)
	// The first call after that place is the last one's.
	if got := s.logged(t, from, "GUARD "); got != "deny" {
		t.Errorf("the authorizer was called with %s", got)
	}
}

func authorizerContext(t *testing.T, s *suiro) {
	c := s.open(t, "Guarded", "?token=allow")
	c.send(`{"do":"event"}`)
	if got := c.receive(); !strings.Contains(got, `"n":"1"`) || !strings.Contains(got, `"b":"true"`) || strings.Contains(got, `"z"`) {
		t.Errorf("event %s", got)
	}
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	s := start(t, "webSocket: { idleTimeout: 1 }\n")
	c := s.open(t, "Main", "")
	c.wantClose(1001, "Going away")
	c.wantDisconnect(1001, "Going away")
}

func TestOpenConnectionsUseNewCodeAndRoutes(t *testing.T) {
	s := start(t, "")
	old, bare := s.open(t, "Main", ""), s.open(t, "Bare", "")
	old.send("hello")
	old.want("$default 5 hello")
	bare.send(`{"action":"fresh"}`)
	bare.wantFailure("Forbidden")
	replace := func(name, from, to string) {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || !strings.Contains(string(data), from) {
			t.Fatalf("%s: %v", name, err)
		}
		s.write(t, name, strings.Replace(string(data), from, to, 1))
	}
	replace("src/app.js", "${routeKey} ${event.body.length}", "new ${routeKey} ${event.body.length}")
	for answer := ""; !strings.HasPrefix(answer, "new "); answer = old.receive() {
		old.send("hello")
	}
	before := s.now()
	replace("template.yaml", "RouteKey: known", "RouteKey: fresh")
	s.await(t, before, "what AWS would not have done", func(e entry) bool {
		return e.Type == "notice" && e.Resource == "Bare" && strings.Contains(e.Text, "deployed again to dev; on AWS the stage goes on with the old ones")
	})
	for answer := ""; !strings.HasPrefix(answer, "new fresh"); answer = bare.receive() {
		bare.send(`{"action":"fresh"}`)
	}
}

// The client of most Node programs.
func TestBehavioursSeenByNPMsWS(t *testing.T) {
	modules, err := filepath.Abs("../.tools/npm/node_modules")
	if err == nil {
		_, err = os.Stat(filepath.Join(modules, "ws"))
	}
	if err != nil {
		t.Fatalf("%v (run: make tools)", err)
	}
	s := start(t, "")
	const ids = `"connectionId":"[^"]{20}", "requestId":"[^"]{16}"\}`
	body := func(message string) string { return strings.Trim(refusal(message), "^$") }
	for _, row := range []struct{ api, what, want string }{
		{"Main", "echo", `message \$default 5 hello`},
		{"Main", "refused", "status 401 no entry"},
		{"Main", "thrown", "status 502 " + body("Internal server error")},
		{"Main", "empty", "status 500 " + body("Internal server error")},
		{"Main", "subprotocol chosen", "open chat"},
		{"Main", "subprotocol not chosen", "error Server sent no subprotocol"},
		{"Main", "binary", "close 1003 Binary is not supported"},
		{"Main", "33 KB", "close 1009 Message too big"},
		{"Main", "128 KB in 4 frames", `message \$default 131072 x+`},
		{"Main", "129 KB in 5 frames", "close 1009 Message too big"},
		{"Main", "a route that throws", `message \{"message": "Internal server error", ` + ids},
		{"Main", "two-way", "message heard"},
		{"Main", "one-way", `message \$default 4 next`},
		{"Main", "no user agent", "open"},
		{"Bare", "open", "open"},
		{"Bare", "no route", `message \{"message": "Forbidden", ` + ids},
		{"Guarded", "no token", "status 401 " + body("Unauthorized")},
		{"Guarded", "a token that is denied", "status 403 " + body("User is not authorized to access this resource with an explicit deny in an identity-based policy")},
		{"Guarded", "a token that is allowed", `message \{"requestContext":.*"authorizer":\{"principalId":"u1","n":"1","b":"true"\}.*`},
	} {
		t.Run(row.what, func(t *testing.T) {
			cmd := exec.CommandContext(bounded(t), "node", "testdata/client.cjs", s.url(t, row.api), row.what)
			cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); !regexp.MustCompile("^"+row.want+"$").MatchString(got) || err != nil {
				t.Errorf("%.300s %v, want %s", got, err, row.want)
			}
		})
	}
}
