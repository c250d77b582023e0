package websocketapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/mapping"
	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/jsonschema"
)

// templates makes one template under $default; "" is none.
func templates(text string) Templates {
	if text == "" {
		return Templates{}
	}
	t, err := mapping.Parse(text)
	if err != nil {
		panic(err)
	}
	return Templates{ByKey: map[string]*mapping.Template{"$default": t}}
}

// mock makes a MOCK integration of its request and its response template.
func mock(request, response string) *Integration {
	return &Integration{
		Type: Mock, Request: templates(request),
		Responses: []*Response{respond("$default", response)},
	}
}

func respond(key, template string) *Response {
	r, err := NewResponse(key)
	if err != nil {
		panic(err)
	}
	r.Templates = templates(template)
	return r
}

// tables is a service that integrations call.
type tables struct {
	mu    sync.Mutex
	calls []string
}

func (s *tables) act(_ context.Context, a *Action) (*ActionAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, a.Service+":"+a.Name+" "+a.RoleARN+" "+string(a.Body))
	switch {
	case strings.Contains(string(a.Body), "refuse"):
		return &ActionAnswer{Status: 400, Header: http.Header{"X-Kind": {"v"}}, Body: []byte(`{"__type":"ValidationException","message":"no"}`)}, nil
	case strings.Contains(string(a.Body), "break"):
		return nil, errors.New("it is broken")
	}
	return &ActionAnswer{Status: 200, Body: []byte(`{"Item":{"id":{"S":"` + a.Name + `"}}}`)}, nil
}

func (s *tables) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// exchangeFixture has one two-way $default route with an integration.
func exchangeFixture(t *testing.T, i *Integration, functions map[string]function, options ...func(*Config, *Definition)) *fixture {
	t.Helper()
	all := append([]func(*Config, *Definition){func(_ *Config, d *Definition) {
		clear(d.Routes)
		d.Routes["$default"] = &Route{Key: "$default", Replies: true, Integration: i}
	}}, options...)
	return newFixture(t, functions, all...)
}

func TestFunctionsCalledWithATemplate(t *testing.T) {
	functions := map[string]function{"fn": func(_ context.Context, payload []byte) ([]byte, invoke.End) {
		if strings.Contains(string(payload), "fail") {
			return []byte(`{"errorType":"Error","errorMessage":"[Bad] no"}`), invoke.End{Outcome: invoke.FunctionError, ErrorType: "Error"}
		}
		return []byte(`{"got":` + string(payload) + `,"errorMessage":"[Bad] only a member"}`), invoke.End{}
	}}
	const request = `{"route": "$context.routeKey", "kind": "$context.eventType", "a": $input.json('$.a')}`
	for _, row := range []struct {
		name, request string
		passthrough   Passthrough
		responses     []*Response
		message, want string // want: "!x" is the error frame x, "" silence
	}{
		{"a template both ways", request, 0, []*Response{respond("$default", `ok $input.path('$.got.a') $input.json('$.got')`)}, `{"a":[1,2]}`,
			`ok [1, 2] {"route":"$default","kind":"MESSAGE","a":[1,2]}`},
		{"the message as it is", "", 0, []*Response{respond("$default", "")}, `{"a":1}`, `{"got":{"a":1},"errorMessage":"[Bad] only a member"}`},
		{"a message that is no JSON as it is", "", 0, nil, `hello`, "!Internal server error"},
		{"a message that is no JSON for a template", request, 0, nil, `hello`, "!Bad request body"},
		{"a template that makes no JSON", `{"a": $nope}`, 0, nil, `{}`, "!Internal server error"},
		{"no template, never passed", "", Never, nil, `{}`, "!Unsupported Media Type"},
		{"no template at all", "", WhenNoTemplates, []*Response{respond("$default", "yes")}, `{}`, "yes"},
		{"no integration response", request, 0, nil, `{"a":1}`, ""},
		{"a failure that a response is for", request, 0, []*Response{respond("$default", "fine"), respond(`/\[Bad\].*/`, `bad: $input.path('$.errorMessage')`)}, `{"a":"fail"}`, "bad: [Bad] no"},
		{"a failure that none is for", request, 0, []*Response{respond(`/other/`, "x")}, `{"a":"fail"}`, "!Internal server error"},
		{"a failure without responses", request, 0, nil, `{"a":"fail"}`, "!Internal server error"},
		{"a response template that fails", request, 0, []*Response{respond("$default", `$input.path('$.got.a').substring(9)`)}, `{"a":"x"}`, "!Internal server error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := exchangeFixture(t, &Integration{
				Type: Function, Function: "fn", Request: templates(row.request), Passthrough: row.passthrough, Responses: row.responses,
			}, functions)
			c := f.open()
			c.send(row.message)
			switch {
			case strings.HasPrefix(row.want, "!"):
				c.wantFailure(row.want[1:])
			case row.want == "":
				f.calls(1)
				c.silent()
			default:
				c.want(row.want)
			}
		})
	}
}

func TestActionsOfServices(t *testing.T) {
	service := &tables{}
	withTables := func(c *Config, _ *Definition) { c.Action = service.act }
	i := &Integration{
		Type: ServiceAction, Action: Action{Service: "dynamodb", Name: "GetItem", RoleARN: "arn:aws:iam::1:role/${stageVariables.role}"},
		Request:   templates(`{"Key": "$input.path('$.key')"}`),
		Responses: []*Response{respond("/2../", `$input.path('$.Item.id.S')`), respond("400", `refused: $input.path('$.message')`)},
	}
	f := exchangeFixture(t, i, nil, withTables, func(_ *Config, d *Definition) {
		d.Stages["dev"].Variables = []Variable{{"role", "r"}}
	})
	c := f.open()
	c.send(`{"key":"k1"}`)
	c.want("GetItem")
	c.send(`{"key":"refuse"}`)
	c.want("refused: no")
	c.send(`{"key":"break"}`)
	c.wantFailure("Internal server error")
	if want := `dynamodb:GetItem arn:aws:iam::1:role/r {"Key": "k1"}`; service.seen()[0] != want {
		t.Errorf("the service saw %q, want %q", service.seen()[0], want)
	}
}

func TestActionsDecideHandshakes(t *testing.T) {
	service := &tables{}
	put := &Integration{
		Type: ServiceAction, Action: Action{Service: "dynamodb", Name: "PutItem"},
		Request: templates(`{"id": "$context.connectionId", "room": "$input.params('room')", "agent": "$input.params().header.get('User-Agent')", "at": $context.connectedAt}`),
	}
	remove := &Integration{Type: ServiceAction, Action: Action{Service: "dynamodb", Name: "DeleteItem"}, Request: templates(`{"id": "$context.connectionId"}`)}
	f := newFixture(t, nil, func(c *Config, d *Definition) {
		c.Action = service.act
		d.Routes["$connect"] = &Route{Key: "$connect", Integration: put}
		d.Routes["$disconnect"] = &Route{Key: "$disconnect", Integration: remove}
	})
	if c := f.dial("/dev?room=refuse"); c.status != 500 {
		t.Errorf("a refused call: %d", c.status)
	}
	c := f.dial("/dev?room=r1", "User-Agent: test")
	if c.status != 101 {
		t.Fatalf("answered %d %s", c.status, c.body)
	}
	id := f.id()
	c.close(1000, "")
	eventually(t, "the item is deleted", func() bool { return len(service.seen()) == 3 })
	seen := service.seen()
	if !strings.Contains(seen[1], `{"id": "`+id+`", "room": "r1", "agent": "test", "at": 1`) || seen[2] != `dynamodb:DeleteItem  {"id": "`+id+`"}` {
		t.Errorf("the service saw %q", seen)
	}
}

func TestTemplatesAreSelected(t *testing.T) {
	i := mock("", "")
	i.Request = Templates{ByKey: map[string]*mapping.Template{}}
	for key, text := range map[string]string{"a": `{"statusCode": 200}`, "b": `{"statusCode": 404}`, "$default": `{"statusCode": 500}`} {
		i.Request.ByKey[key] = templates(text).ByKey["$default"]
	}
	var err error
	if i.Request.Selection, err = selection.Parse("${request.body.kind}"); err != nil {
		t.Fatal(err)
	}
	chosen := respond(`/[45]\d\d/`, "")
	if chosen.Templates.Selection, err = selection.ParseResponse("${integration.response.statuscode}-${request.body.kind}"); err != nil {
		t.Fatal(err)
	}
	chosen.Templates.ByKey = map[string]*mapping.Template{
		"404-b": templates("not found").ByKey["$default"], "$default": templates("other").ByKey["$default"],
	}
	i.Responses = []*Response{respond("$default", "fine"), chosen}
	f := exchangeFixture(t, i, nil)
	c := f.open()
	for message, want := range map[string]string{`{"kind":"a"}`: "fine", `{"kind":"b"}`: "not found", `{"kind":"c"}`: "other", `text`: "other"} {
		c.send(message)
		c.want(want)
	}
}

func TestResponseExpressionsThatCannotBeRead(t *testing.T) {
	for expression, want := range map[string]string{
		"$integration.response.nope":   "at character 1: an answer has statuscode, header, multivalueheader and body, not nope",
		"$integration.response.header": "at character 1: an answer has statuscode, header, multivalueheader and body, not header",
		"$context.stage":               "at character 1: a message has only $request.body, not $context.stage",
	} {
		if _, err := selection.ParseResponse(expression); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
	e, err := selection.ParseResponse("${integration.response.header.x-kind} ${integration.response.multivalueheader.x-kind} ${integration.response.body.a.b}")
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{header: http.Header{"X-Kind": {"1", "2"}}, body: []byte(`{"a":{"b":[3]}}`)}
	if got := e.Text(nil, a.part); got != "1 [1, 2] [3]" {
		t.Errorf("got %q", got)
	}
}

func TestContentIsConverted(t *testing.T) {
	url, seen := backend(t, 200, "\x00\x01")
	response := respond("$default", "")
	response.ToText = true
	f := exchangeFixture(t, &Integration{Type: HTTP, Method: "POST", URI: url, ToBinary: true, Responses: []*Response{response}}, nil,
		func(c *Config, _ *Definition) { c.Transport = &http.Transport{} })
	c := f.open()
	c.send("AP8=")
	c.want("AAE=")
	if got := seen(); len(got) != 1 || !strings.HasSuffix(got[0], "\x00\xff") {
		t.Errorf("the backend saw %q", got)
	}
	c.send("no base64!")
	c.wantFailure("Bad request body")
}

func TestResponseParametersOfHandshakes(t *testing.T) {
	i := mock(`{"statusCode": 200}`, "")
	i.Responses[0].Headers = []Parameter{{"header", "Sec-WebSocket-Protocol", "'chat'"}}
	refuse := mock(`{"statusCode": 429}`, "slow down")
	refuse.Responses[0].Headers = []Parameter{{"header", "Retry-After", "'5'"}, {"header", "X-Stage", "context.stage"}, {"header", "X-None", "context.messageId"}}
	for _, row := range []struct {
		integration *Integration
		status      int
		header      http.Header
	}{
		{i, 101, http.Header{"Sec-WebSocket-Protocol": {"chat"}}},
		{refuse, 429, http.Header{"Retry-After": {"5"}, "X-Stage": {"dev"}, "X-None": nil}},
	} {
		f := newFixture(t, nil, func(_ *Config, d *Definition) {
			d.Routes["$connect"] = &Route{Key: "$connect", Integration: row.integration}
		})
		c := f.dial("/dev", "Sec-WebSocket-Protocol: chat")
		if c.status != row.status {
			t.Errorf("answered %d", c.status)
		}
		for name, want := range row.header {
			if got := c.header.Values(name); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

func TestConnectThroughAFunctionWithATemplate(t *testing.T) {
	f := newFixture(t, map[string]function{"fn": returns(`{"anything":1}`), "boom": throws("no")}, func(_ *Config, d *Definition) {
		clear(d.Routes)
		d.Routes["$connect"] = &Route{Key: "$connect", Integration: &Integration{Type: Function, Function: "${stageVariables.fn}"}}
		d.Stages["dev"].Variables = []Variable{{"fn", "fn"}}
		d.Stages["prod"].Variables = []Variable{{"fn", "boom"}}
	})
	if c := f.dial("/dev"); c.status != 101 {
		t.Errorf("answered %d %s", c.status, c.body)
	}
	c := f.dial("/prod")
	wantRefusal(t, c, 502, "Internal server error")
	if got := f.functions.Calls()[0]; string(got.Payload) != "{}" || got.TraceID == "" || got.Caller.Service == "" {
		t.Errorf("called with %+v", got)
	}
}

func TestModelsRefuseMessages(t *testing.T) {
	schema, err := jsonschema.Parse([]byte(`{"type":"object","required":["to"]}`))
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := selection.Parse("${request.body.kind}")
	f := newFixture(t, map[string]function{"$default2": returns(`{"body":"ok"}`)}, func(_ *Config, d *Definition) {
		d.Routes["$default"].Models = &Models{Selection: kind, ByKey: map[string]*Model{
			"send": {Name: "Send", Schema: schema}, "odd": {Name: "Odd"},
		}}
	})
	c := f.open()
	for _, row := range []struct{ message, want string }{
		{`{"kind":"send","to":"x"}`, "ok"},
		{`{"kind":"send"}`, "!"},
		{`{"kind":"odd"}`, "!"},
		{`{"kind":"other"}`, "!"}, // no model, and no $default
		{`text`, "!"},
	} {
		c.send(row.message)
		if row.want == "!" {
			c.wantFailure("Bad request body")
		} else {
			c.want(row.want)
		}
	}
	if n := len(f.functions.Calls()); n != 1 {
		t.Errorf("the function was called %d times", n)
	}
}

// A request parameter makes the call of a function an asynchronous one.
func TestAsynchronousCalls(t *testing.T) {
	for value, want := range map[string]invoke.Type{"'Event'": invoke.Event, "'RequestResponse'": ""} {
		f := exchangeFixture(t, &Integration{
			Type: Function, Function: "fn", Parameters: []Parameter{{"header", "x-amz-invocation-type", value}},
			Responses: []*Response{respond("$default", "done")},
		}, map[string]function{"fn": returns("{}")})
		c := f.open()
		c.send(`{"a":1}`)
		c.want("done")
		if call := f.calls(1)[0]; call.Type != want || string(call.Payload) != `{"a":1}` {
			t.Errorf("%s: called as %q with %s", value, call.Type, call.Payload)
		}
	}
}

func TestAPIKeys(t *testing.T) {
	stages := func(names ...string) map[string]*Plan {
		m := map[string]*Plan{}
		for _, name := range names {
			m[name] = &Plan{}
		}
		return m
	}
	keyed := func(_ *Config, d *Definition) {
		d.Routes["$connect"] = &Route{Key: "$connect", KeyRequired: true, Integration: mock("", "")}
		d.Routes["who"] = &Route{Key: "who", Replies: true, Integration: mock("", "$context.identity.apiKeyId")}
		d.Keys = map[string]*Key{
			"good": {ID: "k1", Value: "good", Plans: stages("dev")}, "off": {ID: "k2", Disabled: true, Plans: stages("dev")},
			"bounded": {ID: "k3", Value: "bounded", Plans: map[string]*Plan{"dev": {Quota: &Quota{Limit: 1, Period: "DAY"}}}},
			"slow":    {ID: "k4", Value: "slow", Plans: map[string]*Plan{"dev": {Throttle: &Throttle{Burst: 1}}}},
		}
	}
	event := func(_ context.Context, payload []byte) ([]byte, invoke.End) {
		body, _ := json.Marshal(map[string]string{"body": string(payload)})
		return body, invoke.End{}
	}
	f := newFixture(t, map[string]function{"event2": event}, keyed)
	for _, row := range []struct {
		path, key, message string
		status             int
	}{
		{"/dev", "good", "", 101}, {"/dev", "nope", "Forbidden", 403}, {"/dev", "off", "Forbidden", 403}, {"/prod", "good", "Forbidden", 403},
		{"/dev", "bounded", "", 101}, {"/dev", "bounded", "Limit Exceeded", 429},
		{"/dev", "slow", "", 101}, {"/dev", "slow", "Too Many Requests", 429},
	} {
		c := f.dial(row.path, "x-api-key: "+row.key)
		if row.status == 101 && c.status == 101 {
			c.send(`{"action":"who"}`)
			c.want(f.def.Keys[row.key].ID)
			c.send(`{"action":"event"}`)
			payload := c.receive()
			if want := `"identity":{"apiKey":"` + row.key + `","apiKeyId":"` + f.def.Keys[row.key].ID + `","sourceIp":"127.0.0.1"}`; !strings.Contains(payload, want) {
				t.Errorf("the event %s lacks %s", payload, want)
			}
			continue
		}
		wantRefusal(t, c, row.status, row.message)
	}
	wantRefusal(t, f.dial("/dev"), 403, "Forbidden")

	f = newFixture(t, map[string]function{"auth": returns(allow(`,"usageIdentifierKey":"good"`))}, keyed, func(_ *Config, d *Definition) {
		d.KeyFromAuthorizer = true
		d.Routes["$connect"].Authorization, d.Routes["$connect"].Authorizer = AuthorizeCustom, &Authorizer{ID: "a", Function: "auth"}
	})
	if c := f.dial("/dev", "x-api-key: nope"); c.status != 101 {
		t.Errorf("the authorizer's key: %d %s", c.status, c.body)
	}
}

func TestQuotasBeginAnewWithTheirPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for period, length := range map[string]time.Duration{"DAY": 24 * time.Hour, "WEEK": 7 * 24 * time.Hour, "MONTH": 31 * 24 * time.Hour} {
			q := &Quota{Limit: 3, Offset: 1, Period: period}
			for i, want := range []bool{true, true, false} {
				if q.allow(time.Now()) != want {
					t.Errorf("%s: handshake %d: not %v", period, i+1, want)
				}
			}
			time.Sleep(length)
			for i, want := range []bool{true, true, true, false} {
				if q.allow(time.Now()) != want {
					t.Errorf("%s, later: handshake %d: not %v", period, i+1, want)
				}
			}
		}
	})
}
