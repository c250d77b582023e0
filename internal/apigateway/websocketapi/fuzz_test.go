package websocketapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/invoke"
)

// taken is a response writer whose connection can be taken over; the client
// behind it is gone already.
type taken struct {
	*httptest.ResponseRecorder
	hijacked bool
}

func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	t.hijacked = true
	server, client := net.Pipe()
	_ = client.Close()
	return server, bufio.NewReadWriter(bufio.NewReader(server), bufio.NewWriter(server)), nil
}

// Whatever a handshake holds, functions see events that are JSON, a refusal is
// API Gateway's, and who was let in is said to have left exactly once.
func FuzzHandshake(f *testing.F) {
	f.Add("/dev?token=a&token=%62", "Host: localhost\nSec-WebSocket-Protocol: chat\nx-a: \"<é>\"", `{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"chat"}}`, `{"principalId":"u","context":{"a":1},"policyDocument":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}`)
	f.Add("/dev/x", "Authorization: a\nAuthorization: b", `{"statusCode":"401","multiValueHeaders":{"a":["b"]},"body":"eA==","isBase64Encoded":true}`, "null")
	f.Add("//dev/?%zz&=&a", "Host: \xff", `{}`, `{"principalId":1,"policyDocument":{"Statement":[]}}`)
	f.Add("/prod?token=1", "X-Forwarded-For: 1", `{"statusCode":301,"headers":{"Location":"\r\nx: y"}}`, `{"principalId":"u","policyDocument":{"Statement":[{"Effect":"Deny","NotAction":"x","NotResource":["y"]}]}}`)
	f.Fuzz(func(t *testing.T, target, headers, answer, authorizer string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		var mu sync.Mutex
		kinds := map[string]int{}
		record := func(reply string) function {
			return func(_ context.Context, payload []byte) ([]byte, invoke.End) {
				if !json.Valid(payload) || !utf8.Valid(payload) {
					t.Errorf("the event is no JSON: %q", payload)
				}
				var e struct {
					Type           string
					RequestContext struct{ EventType string }
				}
				_ = json.Unmarshal(payload, &e)
				mu.Lock()
				kinds[e.Type+e.RequestContext.EventType]++
				mu.Unlock()
				return []byte(reply), invoke.End{}
			}
		}
		fake := &invoke.Fake{Functions: map[string]function{"connect": record(answer), "disconnect": record("{}"), "guard": record(authorizer)}}
		a := New(Config{ID: "a1b2c3d4e5", Region: "eu-west-1", AccountID: "1", Evaluate: evaluate, Invoker: fake, Connections: cluster.NewLocal()})
		a.Update(&Definition{
			Authority: "localhost:3000",
			Deployment: Deployment{Routes: map[string]*Route{
				"$connect": {Key: "$connect", Integration: &Integration{Function: "connect"}, Authorization: AuthorizeCustom,
					Authorizer: &Authorizer{Function: "guard", Sources: []string{"route.request.querystring.token"}}},
				"$disconnect": {Key: "$disconnect", Integration: &Integration{Function: "disconnect"}},
			}},
			Stages: map[string]*Stage{"dev": {Name: "dev", Variables: []Variable{{"a", "\"b\xff"}}}, "prod": {Name: "prod"}},
		})
		r := &http.Request{Method: "GET", URL: u, Host: "localhost:3000", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "127.0.0.1:1",
			Body: http.NoBody, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}}
		for line := range strings.SplitSeq(headers, "\n") {
			name, value, _ := strings.Cut(line, ":")
			r.Header.Add(name, strings.TrimSpace(value))
		}
		w := &taken{ResponseRecorder: httptest.NewRecorder()}
		a.ServeHTTP(w, r)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		accepted := 0
		if w.hijacked {
			accepted = 1
		}
		if kinds["DISCONNECT"] != accepted || kinds["CONNECT"] < accepted || kinds["CONNECT"] > 1 || kinds["REQUESTCONNECT"] > 1 {
			t.Errorf("accepted %d, events %v", accepted, kinds)
		}
		if !w.hijacked && (w.Code < 200 || w.Code > 599) {
			t.Errorf("answered %d", w.Code)
		}
		if !w.hijacked && kinds["CONNECT"] == 0 && w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("refused with %d %q", w.Code, w.Body)
		}
	})
}

// pushed is a connection that notes what is pushed to it.
type pushed struct{ got [][]byte }

func (p *pushed) Push(b []byte) error { p.got = append(p.got, bytes.Clone(b)); return nil }
func (p *pushed) Disconnect()         {}
func (p *pushed) Info() cluster.Info  { return cluster.Info{UserAgent: "\xff\"", SourceIP: "::1"} }

// Whatever a call of @connections holds, its answer is one that SDKs know, and
// what reaches the client is text.
func FuzzManagement(f *testing.F) {
	const id = "gbgA_S5PGQAYKEilZA=="
	f.Add("POST", "/dev/@connections/"+id, []byte("hi"))
	f.Add("GET", "/dev/%40connections/gbgA_S5PGQAYKEilZA%3D%3D", []byte{})
	f.Add("DELETE", "//@connections//"+id, []byte{0xff})
	f.Add("PUT", "/nope/@connections/x", []byte(nil))
	f.Add("POST", "/dev/@connections/", bytes.Repeat([]byte("x"), maxMessage+1))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.Contains(path, "connections") {
			return
		}
		local := cluster.NewLocal()
		target := &pushed{}
		if err := local.Register(cluster.Address{API: "a1b2c3d4e5", Connection: id}, target); err != nil {
			t.Fatal(err)
		}
		a := New(Config{ID: "a1b2c3d4e5", Invoker: &invoke.Fake{}, Connections: local})
		a.Update(&Definition{Authority: "localhost:3000", Stages: map[string]*Stage{"dev": {Name: "dev"}}})
		if at, ok := managementAt(splitPath(u.EscapedPath())); !ok || at < 0 {
			return
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, &http.Request{Method: method, URL: u, Host: "localhost:3000", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			RemoteAddr: "127.0.0.1:1", Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1})
		switch w.Code {
		case 200, 204, 410, 413:
			if method != "GET" && w.Body.Len() > 0 {
				t.Errorf("%d with a body: %q", w.Code, w.Body)
			}
		case 400, 403:
			if w.Header()["x-amzn-ErrorType"] == nil || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
			}
		default:
			t.Errorf("answered %d", w.Code)
		}
		if w.Code == 200 && method == "GET" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("GET answered %q", w.Body)
		}
		if delivered := w.Code == 200 && method == "POST"; delivered != (len(target.got) == 1) {
			t.Errorf("%d, delivered %d", w.Code, len(target.got))
		}
		for _, b := range target.got {
			if !utf8.Valid(b) || utf8.Valid(body) && !bytes.Equal(b, body) {
				t.Errorf("pushed %q of %q", b, body)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_ = a.Close(ctx)
	})
}
