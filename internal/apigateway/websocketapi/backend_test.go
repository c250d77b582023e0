package websocketapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

// backend is an HTTP server that an integration calls.
func backend(t *testing.T, status int, answer string) (url string, seen func() []string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		requests = append(requests, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("connectionId")+" "+string(body))
		mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(requests)
	}
}

func TestHTTPIntegrations(t *testing.T) {
	integration := func(url string, kind IntegrationType) *Integration {
		return &Integration{Type: kind, Method: "POST", URI: url, Parameters: []Parameter{
			{"header", "connectionId", "context.connectionId"}, {"querystring", "a", "route.request.body.action"},
			{"querystring", "s", "stageVariables.v"}, {"path", "p", "'lit'"}, {"querystring", "none", "route.request.body.none"},
		}}
	}
	rows := []struct {
		name     string
		kind     IntegrationType
		status   int
		replies  bool
		responds bool
		want     string // "" is silence
	}{
		{"one-way", HTTPProxy, 200, false, false, ""},
		{"two-way", HTTPProxy, 200, true, false, "answer"},
		{"two-way, refused by the backend", HTTPProxy, 404, true, false, "answer"},
		{"failure of the backend", HTTPProxy, 503, false, false, "failure"},
		{"HTTP with an integration response", HTTP, 200, true, true, "answer"},
		{"HTTP without", HTTP, 200, true, false, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			url, seen := backend(t, row.status, "answer")
			f := newFixture(t, nil, func(c *Config, d *Definition) {
				c.Transport = &http.Transport{}
				i := integration(url+"/${stageVariables.v}/{p}?q=1", row.kind)
				if row.responds {
					i.Responses = []*Response{{Key: "$default"}}
				}
				d.Stages["dev"].Variables = []Variable{{"v", "xy"}}
				d.Routes["$default"] = &Route{Key: "$default", Replies: row.replies, Integration: i}
			})
			c := f.open()
			id := f.id()
			c.send(`{"action":"go"}`)
			switch row.want {
			case "":
				eventually(t, "the message is handled", func() bool { return len(seen()) == 1 && f.api.connections()[0].idle() })
				c.silent()
			case "failure":
				c.wantFailure("Internal server error")
			default:
				c.want(row.want)
			}
			if want := "POST /xy/lit?q=1&a=go&s=xy " + id + ` {"action":"go"}`; !slices.Equal(seen(), []string{want}) {
				t.Errorf("the backend saw %q, want %q", seen(), want)
			}
		})
	}
}

// idle tells whether all messages so far are handled.
func (c *connection) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flight == 0
}

func TestParametersOfHandshakes(t *testing.T) {
	url, seen := backend(t, 200, "")
	f := newFixture(t, nil, func(c *Config, d *Definition) {
		c.Transport = &http.Transport{}
		d.Routes["$connect"] = &Route{Key: "$connect", Integration: &Integration{Type: HTTPProxy, Method: "POST", URI: url + "/", Parameters: []Parameter{
			{"querystring", "last", "route.request.querystring.a"}, {"querystring", "all", "route.request.multivaluequerystring.a"},
			{"querystring", "h", "route.request.multivalueheader.x-h"}, {"querystring", "none", "route.request.multivalueheader.x-none"},
			{"header", "connectionId", "route.request.header.x-h"},
		}}}
	})
	if c := f.dial("/dev?a=1&a=2", "X-H: u", "X-H: v"); c.status != 101 {
		t.Errorf("answered %d %s", c.status, c.body)
	}
	if want := "POST /?all=1&all=2&h=u&h=v&last=2 v "; !slices.Equal(seen(), []string{want}) {
		t.Errorf("the backend saw %q, want %q", seen(), want)
	}
}

func TestHTTPBackendThatIsNotThere(t *testing.T) {
	f := newFixture(t, nil, func(c *Config, d *Definition) {
		c.Transport = &http.Transport{}
		d.Routes["$default"] = &Route{Key: "$default", Integration: &Integration{Type: HTTPProxy, Method: "POST", URI: "http://127.0.0.1:1/"}}
	})
	c := f.open()
	c.send("x")
	c.wantFailure("Internal server error")
}

func TestConnectOverHTTP(t *testing.T) {
	for status, want := range map[int]int{200: 101, 204: 101, 401: 401, 500: 500} {
		url, _ := backend(t, status, "")
		f := newFixture(t, nil, func(c *Config, d *Definition) {
			c.Transport = &http.Transport{}
			d.Routes["$connect"] = &Route{Key: "$connect", Integration: &Integration{Type: HTTPProxy, Method: "POST", URI: url}}
		})
		if c := f.dial("/dev"); c.status != want {
			t.Errorf("%d from the backend: %d", status, c.status)
		}
	}
}

func TestMockIntegrations(t *testing.T) {
	f := newFixture(t, nil, func(_ *Config, d *Definition) {
		d.Routes["$connect"] = &Route{Key: "$connect", Integration: mock(`{"statusCode":200}`, "")}
		d.Routes["ping"] = &Route{Key: "ping", Replies: true, Integration: mock("", "pong")}
		d.Routes["quiet"] = &Route{Key: "quiet", Integration: mock("", "pong")}
		d.Routes["none"] = &Route{Key: "none"}
	})
	c := f.open("Sec-WebSocket-Protocol: chat")
	if c.header.Get("Sec-WebSocket-Protocol") != "" {
		t.Error("a mock chose a subprotocol")
	}
	c.send(`{"action":"quiet"}`, `{"action":"ping"}`)
	c.want("pong")
	c.send(`{"action":"none"}`) // a route without a target
	c.wantFailure("Internal server error")

	f = newFixture(t, nil, func(_ *Config, d *Definition) {
		d.Routes["$connect"] = &Route{Key: "$connect", Integration: mock(`{"statusCode":403}`, "no")}
	})
	if c := f.dial("/dev"); c.status != 403 {
		t.Errorf("answered %d", c.status)
	}
}

func TestJournalTellsEverything(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok), "boom": throws("why"), "say2": returns(`{"body":"hi"}`)})
	s := f.config.Journal.Subscribe(100)
	defer s.Close()
	c := f.open()
	c.send(`{"action":"boom"}`)
	c.wantFailure("Internal server error")
	c.send(`{"action":"say"}`)
	c.want("hi")
	f.manage("POST", "/dev/@connections/"+f.id(), "pushed")
	c.want("pushed")
	f.dial("/nope")
	c.close(4001, "bye")
	c.want("close 4001 bye")

	want := map[journal.Kind]func(e journal.Entry) bool{
		journal.Connected: func(e journal.Entry) bool { return e.Function == "$connect" && e.Status == 101 && e.Path == "/dev" },
		journal.Message: func(e journal.Entry) bool {
			return e.Route == "boom" && e.Function == "boom" && e.Err == "Error: why" && e.Bytes == 17
		},
		journal.Pushed:       func(e journal.Entry) bool { return e.Bytes == 6 && e.Method == "POST" },
		journal.Refused:      func(e journal.Entry) bool { return e.Status == 403 && e.Path == "/nope" },
		journal.Disconnected: func(e journal.Entry) bool { return e.Status == 4001 && e.Text == "bye" && e.Duration > 0 },
	}
	timeout := time.After(10 * time.Second)
	for len(want) > 0 {
		select {
		case e := <-s.Entries():
			if matches := want[e.Kind]; matches != nil && e.Resource == "ChatApi" && e.ConnectionID != "" && matches(e) {
				delete(want, e.Kind)
			}
		case <-timeout:
			t.Fatalf("the journal does not tell of %v", want)
		}
	}
}
