package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/journal"
)

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

const apiHost = "abc123defg.execute-api.eu-west-1.amazonaws.com"

func TestAWSEndpointRoutesByHostName(t *testing.T) {
	j := &journal.Journal{}
	sub := j.Subscribe(100)
	defer sub.Close()
	f := newFront(t, Config{Journal: j})
	aws := open(t, f, Endpoint{Resource: "aws", Kind: KindAWS, Handler: named("aws")})
	api := open(t, f, Endpoint{Resource: "Api", Kind: "websocket", Handler: named("api"), Hosts: []string{apiHost}})
	open(t, f, Endpoint{Resource: "Cdn", Kind: "distribution", Handler: named("cdn"), Hosts: []string{"d111111abcdef8.cloudfront.net"}})
	ask := func(host string) (int, string) {
		r := httptest.NewRequest("GET", "/dev", nil)
		r.Host = host
		w := httptest.NewRecorder()
		aws.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for host, want := range map[string]string{
		apiHost:                               "api",
		strings.ToUpper(apiHost) + ":443":     "api",
		"abc123defg.execute-api.localhost:1":  "api",
		apiHost + ".localhost":                "api",
		"d111111abcdef8.cloudfront.localhost": "cdn",
		"localhost:4566":                      "aws",
		"127.0.0.1:4566":                      "aws",
		"[::1]:4566":                          "aws",
		"suiro:4566":                          "aws",
		"":                                    "aws",
		"host.docker.internal:4566":           "aws",
		"dynamodb.eu-west-1.amazonaws.com":    "aws",
		"sts.localhost:4566":                  "aws",
	} {
		if code, body := ask(host); code != 200 || body != want {
			t.Errorf("%q: %d %s", host, code, body)
		}
	}
	if n := len(sub.Entries()); n != 0 {
		t.Errorf("%d entries for good names", n)
	}
	for host, reason := range map[string]string{
		"zzz.execute-api.eu-west-1.amazonaws.com":   "Suiro runs no endpoint named zzz.execute-api.eu-west-1.amazonaws.com",
		"zzz.lambda-url.eu-west-1.on.aws":           "Suiro runs no endpoint named zzz.lambda-url.eu-west-1.on.aws",
		"d2.cloudfront.net":                         "Suiro runs no endpoint named d2.cloudfront.net",
		"zzz.execute-api.localhost:4566":            "Suiro runs no endpoint named zzz.execute-api.localhost",
		"rebound.example.com:4566":                  "rebound.example.com is no name of Suiro's AWS endpoint; use localhost",
		"localhost.evil.example":                    "localhost.evil.example is no name of Suiro's AWS endpoint; use localhost",
		"dynamodb.eu-west-1.amazonaws.com.evil.org": "dynamodb.eu-west-1.amazonaws.com.evil.org is no name of Suiro's AWS endpoint; use localhost",
	} {
		code, body := ask(host)
		if code != http.StatusMisdirectedRequest || !strings.Contains(body, reason) {
			t.Errorf("%q: %d %s", host, code, body)
		}
		if e := <-sub.Entries(); e.Kind != journal.Refused || e.Text != reason {
			t.Errorf("%q: journal has %+v", host, e)
		}
	}
	if err := api.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if code, _ := ask(apiHost); code != http.StatusMisdirectedRequest {
		t.Errorf("a closed endpoint answers %d", code)
	}
}

func TestOtherEndpointsTakeAnyHostName(t *testing.T) {
	f := newFront(t, Config{})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Handler: named("api")})
	r := httptest.NewRequest("GET", "http://tunnel.example.com/", nil)
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	if w.Body.String() != "api" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestLocalizeRewritesKnownHosts(t *testing.T) {
	f := newFront(t, Config{})
	api := open(t, f, Endpoint{Resource: "Api", Kind: "websocket", Hosts: []string{apiHost}})
	url := open(t, f, Endpoint{Resource: "Url", Kind: "function-url", Hosts: []string{"u1.lambda-url.eu-west-1.on.aws"}})
	local := strings.NewReplacer("API", api.Authority(), "URL", url.Authority())
	for _, c := range []struct{ name, in, want string }{
		{"the scheme stays", "https://" + apiHost + "/dev", "https://API/dev"},
		{"WebSocket", "wss://" + apiHost + "/dev", "wss://API/dev"},
		{"plain", "http://" + apiHost, "http://API"},
		{"host without a scheme", apiHost + "/dev", "API/dev"},
		{"host alone", apiHost, "API"},
		{"names ignore case", "https://" + strings.ToUpper(apiHost) + "/dev", "https://API/dev"},
		{"default port", "https://" + apiHost + ":443/dev", "https://API/dev"},
		{"another port is another server", "https://" + apiHost + ":4430/dev", "https://" + apiHost + ":4430/dev"},
		{"in JSON, twice", `{"a":"https://` + apiHost + `/dev","b":"https://u1.lambda-url.eu-west-1.on.aws/"}`,
			`{"a":"https://API/dev","b":"https://URL/"}`},
		{"at the end of a sentence", "see https://" + apiHost + ".", "see https://API."},
		{"part of a longer name", "https://x." + apiHost + "/dev", "https://x." + apiHost + "/dev"},
		{"with something after it", "https://" + apiHost + ".evil.org/dev", "https://" + apiHost + ".evil.org/dev"},
		{"mail address", "me@" + apiHost, "me@" + apiHost},
		{"unknown", "https://zzz.execute-api.eu-west-1.amazonaws.com/dev", "https://zzz.execute-api.eu-west-1.amazonaws.com/dev"},
		{"an ARN holds no host", "arn:aws:execute-api:eu-west-1:123456789012:abc123defg/dev", "arn:aws:execute-api:eu-west-1:123456789012:abc123defg/dev"},
		{"empty", "", ""},
	} {
		want := local.Replace(c.want)
		if got := f.Localize(c.in); got != want {
			t.Errorf("%s: %s\nwant %s", c.name, got, want)
		}
	}
}

func FuzzLocalize(f *testing.F) {
	front := &Front{hosts: map[string]*Listener{}}
	l := &Listener{front: front, port: 3000}
	front.hosts["a.b"] = l
	f.Add("https://a.b/dev a.b:443 a.b. x@a.b")
	f.Fuzz(func(t *testing.T, text string) {
		got := front.Localize(text)
		if again := front.Localize(got); again != got {
			t.Errorf("%q -> %q -> %q", text, got, again)
		}
		if !strings.Contains(strings.ToLower(text), "a.b") && got != text {
			t.Errorf("%q -> %q", text, got)
		}
	})
}
