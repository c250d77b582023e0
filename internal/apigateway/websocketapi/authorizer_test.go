package websocketapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
)

// allow is an authorizer's result that lets everybody in.
func allow(extra string) string {
	return `{"principalId":"u1","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/*"}]}` + extra + `}`
}

// authorized is an API whose $connect has a Lambda authorizer.
func authorized(t *testing.T, authorizer function, sources ...string) *fixture {
	return newFixture(t, map[string]function{"$connect": returns(ok), "$default": returns(ok), "$disconnect": returns(ok), "auth": authorizer},
		func(_ *Config, d *Definition) {
			delete(d.Routes, "auth")
			d.Stages["dev"].Variables = []Variable{{"set", "1"}}
			d.Routes["$connect"].Authorization = AuthorizeCustom
			d.Routes["$connect"].Authorizer = &Authorizer{ID: "authid", Function: "auth", Sources: sources}
		})
}

func TestAuthorizerResults(t *testing.T) {
	policy := func(effect, action, resource string) string {
		return `{"principalId":"u1","policyDocument":{"Statement":{"Action":` + action + `,"Effect":"` + effect + `","Resource":` + resource + `}}}`
	}
	const arn = `"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect"`
	rows := []struct {
		name    string
		answer  function
		status  int
		message string
	}{
		{"allow", returns(allow("")), 101, ""},
		{"allow by exact ARN", returns(policy("Allow", `"execute-api:Invoke"`, arn)), 101, ""},
		{"allow everything", returns(policy("Allow", `"*"`, `"*"`)), 101, ""},
		{"allow in lists, any case", returns(policy("Allow", `["s3:Get*","EXECUTE-API:*"]`, `["x",`+arn+`]`)), 101, ""},
		{"deny", returns(policy("Deny", `"execute-api:Invoke"`, `"*"`)), 403, explicitDeny},
		{"deny beats allow", returns(`{"principalId":"u","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}}`), 403, explicitDeny},
		{"nothing said of this ARN", returns(policy("Allow", `"execute-api:Invoke"`, `"arn:aws:execute-api:*:*:other/*"`)), 403, implicitDeny},
		{"nothing said of this action", returns(policy("Allow", `"execute-api:ManageConnections"`, `"*"`)), 403, implicitDeny},
		{"throws Unauthorized", throws("Unauthorized"), 401, "Unauthorized"},
		{"throws something else", throws("Unauthorized!"), 500, ""},
		{"times out by itself", func(context.Context, []byte) ([]byte, invoke.End) { return nil, invoke.End{Outcome: invoke.TimedOut} }, 500, ""},
		{"garbage", returns(`"yes"`), 500, ""},
		{"no JSON", returns(`yes`), 500, ""},
		{"no policy", returns(`{"principalId":"u1"}`), 500, ""},
		{"an empty policy", returns(`{"principalId":"u1","policyDocument":{"Statement":[]}}`), 500, ""},
		{"a statement without effect", returns(`{"principalId":"u1","policyDocument":{"Statement":[{"Action":"*","Resource":"*"}]}}`), 500, ""},
		{"no principalId", returns(strings.Replace(allow(""), `"principalId":"u1",`, "", 1)), 500, ""},
		{"an object in context", returns(allow(`,"context":{"a":{}}`)), 500, ""},
		{"a list in context", returns(allow(`,"context":{"a":[]}`)), 500, ""},
		{"a condition that holds", returns(policy("Allow", `"*"`, `"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.1"}}`)), 101, ""},
		{"a condition that does not", returns(policy("Allow", `"*"`, `"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)), 403, implicitDeny},
		{"a deny for others", returns(`{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:UserAgent":"test*"}}}]}}`), 403, explicitDeny},
		{"more than 8 KB", returns(allow(`,"context":{"a":"` + strings.Repeat("x", 8<<10) + `"}`)), 500, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f := authorized(t, row.answer)
			c := f.dial("/dev")
			if row.status == 101 {
				if c.status != 101 {
					t.Errorf("answered %d %s", c.status, c.body)
				}
				return
			}
			wantRefusal(t, c, row.status, row.message)
			if n := len(f.functions.Calls()); n != 1 {
				t.Errorf("%d invocations, want the authorizer's only", n)
			}
		})
	}
}

func TestIdentitySources(t *testing.T) {
	rows := []struct {
		sources []string
		path    string
		header  string
		called  bool
	}{
		{nil, "/dev", "", true},
		{[]string{"route.request.header.Auth"}, "/dev", "auth: x", true},
		{[]string{"route.request.header.Auth"}, "/dev", "", false},
		{[]string{"route.request.header.Auth"}, "/dev", "Auth:", false},
		{[]string{"route.request.querystring.token"}, "/dev?token=1", "", true},
		{[]string{"route.request.querystring.token"}, "/dev?Token=1", "", false},
		{[]string{"route.request.querystring.token"}, "/dev?token=1&token=", "", false},
		{[]string{"route.request.header.Auth", "route.request.querystring.token"}, "/dev?token=1", "", false},
		{[]string{"stageVariables.set"}, "/dev", "", true},
		{[]string{"stageVariables.unset"}, "/dev", "", false},
		{[]string{"context.connectionId", "context.connectedAt", "context.requestTimeEpoch", "context.routeKey"}, "/dev", "", true},
		{[]string{"context.eventType"}, "/dev", "", false},
		{[]string{"context.messageDirection"}, "/dev", "", false},
	}
	for _, row := range rows {
		f := authorized(t, returns(allow("")), row.sources...)
		c := f.dial(row.path, strings.Fields(strings.ReplaceAll(row.header, ": ", ":"))...)
		called := len(f.functions.Calls()) > 0
		if called != row.called || called != (c.status == 101) {
			t.Errorf("%v at %s with %q: called %v, answered %d", row.sources, row.path, row.header, called, c.status)
		}
		if !row.called {
			wantRefusal(t, c, 401, "Unauthorized")
		}
	}
}

func TestAuthorizerEvent(t *testing.T) {
	f := authorized(t, returns(allow("")))
	f.open()
	call := f.calls(1)[0]
	const headers = `"Connection":"upgrade","content-length":"0","Host":"AUTHORITY","Sec-WebSocket-Key":"dGhlIHNhbXBsZSBub25jZQ==","Sec-WebSocket-Version":"13","Upgrade":"websocket","X-Amzn-Trace-Id":"TRACE","X-Forwarded-For":"127.0.0.1","X-Forwarded-Port":"443","X-Forwarded-Proto":"https"`
	const want = `{"type":"REQUEST","methodArn":"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect","headers":{` + headers + `},` +
		`"queryStringParameters":{},"multiValueQueryStringParameters":{},"stageVariables":{"set":"1"},` +
		`"requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"REQUEST","requestTime":"TIME","messageDirection":"IN","stage":"dev","connectedAt":MS,"requestTimeEpoch":MS,` +
		`"identity":{"sourceIp":"127.0.0.1"},"requestId":"REQUEST","domainName":"AUTHORITY","connectionId":"CONNECTION","apiId":"a1b2c3d4e5"}}`
	got := f.mask(call.Payload)
	before, rest, _ := strings.Cut(got, `"multiValueHeaders":`)
	_, after, _ := strings.Cut(rest, `]},`)
	if before+after != want {
		t.Errorf("event\n%s\nwant\n%s", got, want)
	}
	if call.Caller.SourceARN != "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/authorizers/authid" {
		t.Errorf("caller %+v", call.Caller)
	}
}

func TestAuthorizerContextStaysWithTheConnection(t *testing.T) {
	f := authorized(t, returns(strings.Replace(allow(`,"context":{"n":1,"b":true,"z":null,"s":"x"}`), `"u1"`, `17`, 1)))
	c := f.open()
	c.send("hello")
	f.calls(3)
	c.close(1000, "")
	calls := f.calls(4)
	for i, call := range calls[1:] {
		z := decode(t, call.Payload).RequestContext.Authorizer
		_, latency := z["integrationLatency"].(float64)
		if latency != (i == 0) {
			t.Errorf("%v: integrationLatency belongs to CONNECT", z)
		}
		_, null := z["z"]
		if z["principalId"] != "17" || z["n"] != "1" || z["b"] != "true" || z["s"] != "x" || null {
			t.Errorf("authorizer %v", z)
		}
	}
}

func TestRepeatedAuthorizationHeader(t *testing.T) {
	f := authorized(t, returns(allow("")))
	c := f.dial("/dev", "Authorization: a", "Authorization: b")
	if c.status != 400 || !strings.HasPrefix(c.body, "<html>") || c.header.Get("Content-Type") != "text/html" {
		t.Errorf("answered %d %q", c.status, c.body)
	}
}

// signer knows one caller, who signs with "Authorization: good".
type signer struct{ caller awsapi.Caller }

func (s signer) Authenticate(r *http.Request, service string, _ []byte) (awsapi.Caller, error) {
	switch r.Header.Get("Authorization") {
	case "good":
		if service == "execute-api" {
			return s.caller, nil
		}
		fallthrough
	case "":
		return awsapi.Caller{}, &awsapi.Error{Status: 403, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
	}
	return awsapi.Caller{}, &awsapi.Error{Status: 403, Code: "InvalidSignatureException", Message: "The signature does not match"}
}

// permits allows what it lists, as "action resource".
type permits []string

func (p permits) AuthorizeRequest(_ awsapi.Caller, action, resource string, _ *http.Request) error {
	for _, allowed := range p {
		if allowed == action+" "+resource {
			return nil
		}
	}
	return &awsapi.Error{Status: 403, Code: "AccessDeniedException", Message: "User is not authorized"}
}

var tester = awsapi.Caller{AccountID: "123456789012", ARN: "arn:aws:iam::123456789012:user/tester", UserID: "AIDA", AccessKeyID: "AKIA"}

func TestIAMHandshakes(t *testing.T) {
	iam := func(p permits) func(*Config, *Definition) {
		return func(c *Config, d *Definition) {
			c.Authenticator, c.Authorizer = signer{tester}, p
			d.Routes["$connect"].Authorization = AuthorizeIAM
		}
	}
	routes := map[string]function{"$connect": returns(ok)}
	f := newFixture(t, routes, iam(permits{"execute-api:Invoke arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect"}))
	for header, want := range map[string]struct{ message, kind string }{
		"X: x":               {"Missing Authentication Token", "MissingAuthenticationTokenException"},
		"Authorization: bad": {"The signature does not match", "InvalidSignatureException"},
	} {
		c := f.dial("/dev", header)
		wantRefusal(t, c, 403, want.message)
		if got := c.header.Get("x-amzn-ErrorType"); got != want.kind {
			t.Errorf("error type %q", got)
		}
	}
	f.open("Authorization: good")
	const identity = `"identity":{"userArn":"arn:aws:iam::123456789012:user/tester","accountId":"123456789012","caller":"AIDA","sourceIp":"127.0.0.1","accessKey":"AKIA","user":"AIDA"}`
	if p := string(f.calls(1)[0].Payload); !strings.Contains(p, identity) {
		t.Errorf("event %s", p)
	}
	wantRefusal(t, f.dial("/prod", "Authorization: good"), 403, "User is not authorized")
}
