package apigateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a Listener of the tests.
type opened struct {
	server *httptest.Server
	port   int
}

func (o *opened) Authority() string { return o.server.Listener.Addr().String() }
func (o *opened) Port() int         { return o.port }
func (o *opened) Close(context.Context) error {
	o.server.Close()
	return nil
}

// fixture is a service and the resources that a template made of it.
type fixture struct {
	t         *testing.T
	service   *Service
	functions *invoke.Fake
	endpoints []Endpoint
	made      map[string]*resource.Instance
	specs     map[string]resource.Spec
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, functions: &invoke.Fake{Functions: map[string]func(context.Context, []byte) ([]byte, invoke.End){}},
		made: map[string]*resource.Instance{}, specs: map[string]resource.Spec{}}
	for _, name := range []string{"connect", "send", "other"} {
		f.functions.Functions[functionARN(name)] = func(context.Context, []byte) ([]byte, invoke.End) {
			return []byte(`{"statusCode":200,"body":"from ` + name + `"}`), invoke.End{}
		}
	}
	f.service = New(Config{
		Invoker: f.functions, Region: "eu-west-1", AccountID: "123456789012",
		Open: func(_ context.Context, e Endpoint) (Listener, error) {
			f.endpoints = append(f.endpoints, e)
			return &opened{httptest.NewServer(e.Handler), 3000 + len(f.endpoints)}, nil
		},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.service.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

func functionARN(name string) string {
	return "arn:aws:lambda:eu-west-1:123456789012:function:" + name
}

func invocationURI(name string) string {
	return "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + functionARN(name) + "/invocations"
}

func (f *fixture) spec(logicalID, resourceType, yaml string) resource.Spec {
	f.t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(yaml))
	if msgs.HasErrors() {
		f.t.Fatal(msgs)
	}
	if !strings.Contains(resourceType, "::") {
		resourceType = "AWS::ApiGatewayV2::" + resourceType
	}
	return resource.Spec{
		LogicalID: logicalID, Type: resourceType, Properties: n, Needs: slices.Collect(maps.Keys(f.made)),
		Pos:   diag.Position{File: "template.yaml", Line: 1},
		Stack: resource.Stack{Name: "chat", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws", URLSuffix: "amazonaws.com"},
	}
}

// apply creates or updates a resource and returns what was said of it. "$X" in
// yaml stands for the physical id of X.
func (f *fixture) apply(logicalID, resourceType, yaml string) (string, error) {
	f.t.Helper()
	names := make([]string, 0, len(f.made))
	for name := range f.made {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		yaml = strings.ReplaceAll(yaml, "$"+name, f.made[name].PhysicalID)
	}
	spec := f.spec(logicalID, resourceType, yaml)
	h := f.service.Handlers()[spec.Type]
	msgs := h.Schema().Check(spec)
	if c, ok := h.(resource.Checker); ok {
		msgs.Add(c.Check(spec)...)
	}
	if msgs.HasErrors() {
		return said(msgs), msgs
	}
	var i *resource.Instance
	var err error
	if old := f.made[logicalID]; old != nil {
		i, err = h.Update(f.t.Context(), spec, old, f.specs[logicalID].Properties)
	} else {
		i, err = h.Create(f.t.Context(), spec)
	}
	if err == nil {
		f.made[logicalID], f.specs[logicalID] = i, spec
	}
	return said(msgs), err
}

func said(msgs diag.List) string {
	var lines []string
	for _, m := range msgs {
		lines = append(lines, m.Severity.String()+" "+m.String())
	}
	return strings.Join(lines, "\n")
}

// told drains what was noticed.
func told(sub *journal.Subscription) string {
	var texts []string
	for {
		select {
		case e := <-sub.Entries():
			if e.Kind == journal.Noticed {
				texts = append(texts, e.Text)
			}
		default:
			return strings.Join(texts, "\n")
		}
	}
}

func (f *fixture) must(logicalID, resourceType, yaml string) {
	f.t.Helper()
	if _, err := f.apply(logicalID, resourceType, yaml); err != nil {
		f.t.Fatalf("%s: %v", logicalID, err)
	}
}

func (f *fixture) remove(logicalID string) {
	f.t.Helper()
	spec := f.specs[logicalID]
	if err := f.service.Handlers()[spec.Type].Delete(f.t.Context(), spec, f.made[logicalID]); err != nil {
		f.t.Fatal(err)
	}
	delete(f.made, logicalID)
}

// chat is the usual API.
func (f *fixture) chat() {
	f.t.Helper()
	f.must("Api", "Api", `{Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}`)
	f.must("SendIntegration", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "`+invocationURI("send")+`"}`)
	f.must("SendRoute", "Route", `{ApiId: $Api, RouteKey: send, Target: integrations/$SendIntegration, RouteResponseSelectionExpression: $default}`)
	f.must("SendResponse", "RouteResponse", `{ApiId: $Api, RouteId: $SendRoute, RouteResponseKey: $default}`)
	f.must("Deployment", "Deployment", `{ApiId: $Api}`)
	f.must("Stage", "Stage", `{ApiId: $Api, StageName: dev, DeploymentId: $Deployment, StageVariables: {table: t1}}`)
}

// talk connects to an authority, sends a text and returns the answer, or the
// refusal's status.
func talk(t *testing.T, authority, host, path, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", authority)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return res.Status
	}
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, head[1])
	_, _ = io.ReadFull(r, body)
	return string(body)
}

func (f *fixture) talk(path, text string) string {
	f.t.Helper()
	f.service.Deploy()
	a := f.service.apis[f.made["Api"].PhysicalID]
	return talk(f.t, a.listener.Authority(), a.listener.Authority(), path, text)
}

func TestAnAPIFromItsTemplate(t *testing.T) {
	f := newFixture(t)
	f.chat()
	if got := f.talk("/dev", `{"action":"send"}`); got != "from send" {
		t.Errorf("answered %q", got)
	}
	call := f.functions.Calls()[0]
	if call.Function != functionARN("send") || call.Caller.SourceARN != "arn:aws:execute-api:eu-west-1:123456789012:"+f.made["Api"].PhysicalID+"/dev/send" {
		t.Errorf("called %+v", call)
	}
	var event struct{ StageVariables map[string]string }
	if _ = json.Unmarshal(call.Payload, &event); event.StageVariables["table"] != "t1" {
		t.Errorf("event %s", call.Payload)
	}
	if f.talk("/nope", "") != "403 Forbidden" {
		t.Error("an unknown stage answers")
	}
}

func TestRefAndGetAtt(t *testing.T) {
	f := newFixture(t)
	f.chat()
	f.must("Authorizer", "Authorizer", `{ApiId: $Api, Name: a, AuthorizerType: REQUEST, AuthorizerUri: "`+invocationURI("auth")+`"}`)
	f.must("Response", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $SendIntegration, IntegrationResponseKey: $default}`)
	f.must("Model", "Model", `{ApiId: $Api, Name: m, Schema: {}}`)
	f.must("Domain", "DomainName", `{DomainName: ws.example.com}`)
	f.must("Mapping", "ApiMapping", `{ApiId: $Api, DomainName: $Domain, Stage: $Stage}`)
	f.must("Link", "VpcLink", `{Name: l, SubnetIds: [a]}`)

	api := f.made["Api"]
	if len(api.PhysicalID) != 10 || api.Attr("ApiId") != api.PhysicalID || api.Attr("ApiEndpoint") != "wss://"+api.PhysicalID+".execute-api.eu-west-1.amazonaws.com" {
		t.Errorf("Api: %s %s", api.PhysicalID, api.Attr("ApiEndpoint"))
	}
	if f.made["Stage"].PhysicalID != "dev" || f.made["Domain"].PhysicalID != "ws.example.com" {
		t.Error("Ref of a stage and of a domain is its name")
	}
	for name, attribute := range map[string]string{"Deployment": "DeploymentId", "Authorizer": "AuthorizerId", "Response": "IntegrationResponseId",
		"Model": "ModelId", "Mapping": "ApiMappingId", "Link": "VpcLinkId"} {
		if i := f.made[name]; i.Attr(attribute) != i.PhysicalID || len(i.PhysicalID) != 7 {
			t.Errorf("%s: %s, %s %s", name, i.PhysicalID, attribute, i.Attr(attribute))
		}
	}
	for _, attribute := range []string{"RegionalDomainName", "RegionalHostedZoneId", "DomainNameArn"} {
		if f.made["Domain"].Attr(attribute) == "" {
			t.Errorf("DomainName has no %s", attribute)
		}
	}
	if e := f.endpoints[0]; e.Resource != "Api" || e.Kind != "websocket" || !slices.Equal(e.Hosts, []string{api.PhysicalID + ".execute-api.eu-west-1.amazonaws.com"}) {
		t.Errorf("endpoint %+v", e)
	}

	again := newFixture(t)
	again.chat()
	if again.made["Api"].PhysicalID != api.PhysicalID || again.made["SendRoute"].PhysicalID != f.made["SendRoute"].PhysicalID {
		t.Error("ids differ from one start to the next")
	}
}

func TestStagesAreServedOnceDeployed(t *testing.T) {
	f := newFixture(t)
	f.chat()
	f.must("Bare", "Stage", `{ApiId: $Api, StageName: bare}`)
	f.must("Auto", "Stage", `{ApiId: $Api, StageName: auto, AutoDeploy: "true"}`)
	f.must("Named", "Stage", `{ApiId: $Api, StageName: named}`)
	f.must("Second", "Deployment", `{ApiId: $Api, StageName: named}`)
	for path, want := range map[string]string{"/dev": "from send", "/bare": "403 Forbidden", "/auto": "from send", "/named": "from send"} {
		if got := f.talk(path, `{"action":"send"}`); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	var urls []string
	for _, e := range f.service.Endpoints() {
		urls = append(urls, e.Resource+" "+e.Kind+" "+e.Stage+" "+e.URL[strings.LastIndexByte(e.URL, '/'):])
	}
	if want := []string{"Api websocket auto /auto", "Api websocket dev /dev", "Api websocket named /named"}; !slices.Equal(urls, want) {
		t.Errorf("endpoints %q", urls)
	}
}

// A deployment is the API as it was; only what the template says of the stage
// itself takes effect without a new one.
func TestADeploymentIsASnapshot(t *testing.T) {
	notices := &journal.Journal{}
	f := newFixture(t)
	f.service.config.Journal = notices
	sub := notices.Subscribe(1000)
	defer sub.Close()
	f.chat()
	f.must("Auto", "Stage", `{ApiId: $Api, StageName: auto, AutoDeploy: true}`)
	check := func(when string, want map[string]string) {
		t.Helper()
		for path, answer := range want {
			if got := f.talk(path, `{"action":"send"}`); !strings.HasPrefix(got, answer) {
				t.Errorf("%s: %s answers %q, want %q", when, path, got, answer)
			}
		}
	}
	check("at first", map[string]string{"/dev": "from send", "/auto": "from send"})

	f.must("Second", "Deployment", `{ApiId: $Api}`)
	f.must("SendIntegration", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "`+invocationURI("other")+`"}`)
	f.must("New", "Stage", `{ApiId: $Api, StageName: new, DeploymentId: $Second}`)
	check("with a new deployment", map[string]string{"/dev": "from send", "/auto": "from other", "/new": "from other"})
	if n := told(sub); n != "" {
		t.Errorf("said %q", n)
	}

	f.must("SendIntegration", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "`+invocationURI("connect")+`"}`)
	check("without one", map[string]string{"/dev": "from connect", "/auto": "from connect", "/new": "from connect"})
	if n := told(sub); !strings.Contains(n, "deployed again to dev, new; on AWS") {
		t.Errorf("said %q", n)
	}

	f.must("Api", "Api", `{Name: renamed, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}`)
	f.service.Deploy()
	if n := told(sub); n != "" {
		t.Errorf("a new name: said %q", n)
	}

	f.must("Early", "Deployment", `{ApiId: $Api}`)
	f.must("LateRoute", "Route", `{ApiId: $Api, RouteKey: late, Target: integrations/$SendIntegration}`)
	f.service.Deploy()
	if n := told(sub); n != "it does not depend on the routes late: AWS may make it before them, and then fails or leaves them out; add DependsOn" {
		t.Errorf("said %q", n)
	}
	f.remove("Early")
	f.remove("LateRoute")
	f.service.Deploy()

	// A deployment in use outlives its record until the stage has moved on.
	f.must("Third", "Deployment", `{ApiId: $Api}`)
	f.remove("Deployment")
	f.remove("SendRoute")
	check("while the stage lags behind", map[string]string{"/dev": "from connect", "/auto": `{"message": "Forbidden"`})
	f.must("Stage", "Stage", `{ApiId: $Api, StageName: dev, DeploymentId: $Third}`)
	check("afterwards", map[string]string{"/dev": `{"message": "Forbidden"`})
	if len(f.service.apis[f.made["Api"].PhysicalID].deployments) != 2 {
		t.Error("the first deployment is still there")
	}
}

func TestUpdatesAndDeletesTakeEffect(t *testing.T) {
	f := newFixture(t)
	f.chat()
	id := f.made["Api"].PhysicalID
	f.must("SendIntegration", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "`+invocationURI("other")+`"}`)
	if got := f.talk("/dev", `{"action":"send"}`); got != "from other" {
		t.Errorf("after the integration changed: %q", got)
	}
	f.must("Api", "Api", `{Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.type}`)
	if got := f.talk("/dev", `{"type":"send"}`); got != "from other" || f.made["Api"].PhysicalID != id || len(f.endpoints) != 1 {
		t.Errorf("after the API changed: %q", got)
	}
	f.must("Stage", "Stage", `{ApiId: $Api, StageName: v2, DeploymentId: $Deployment}`)
	if f.talk("/dev", "") != "403 Forbidden" || f.talk("/v2", `{"type":"send"}`) != "from other" {
		t.Error("the stage was not renamed")
	}
	f.remove("SendRoute")
	if got := f.talk("/v2", `{"type":"send"}`); !strings.HasPrefix(got, `{"message": "Forbidden"`) {
		t.Errorf("after the route is gone: %q", got)
	}
	f.remove("Stage")
	f.remove("Api")
	if len(f.service.Endpoints()) != 0 {
		t.Errorf("endpoints %v", f.service.Endpoints())
	}
}

func TestCustomDomainsAndHosts(t *testing.T) {
	f := newFixture(t)
	f.chat()
	f.must("Domain", "DomainName", `{DomainName: WS.example.com}`)
	f.must("Mapping", "ApiMapping", `{ApiId: $Api, DomainName: $Domain, Stage: $Stage, ApiMappingKey: chat}`)
	f.service.Deploy()
	aws := httptest.NewServer(f.service)
	defer aws.Close()
	authority := aws.Listener.Addr().String()
	host := f.made["Api"].PhysicalID + ".execute-api.eu-west-1.amazonaws.com"
	for _, row := range []struct{ host, path, want string }{
		{"ws.example.com", "/chat", "from send"},
		{"ws.example.com", "/dev", "403 Forbidden"},
		{host, "/dev", "from send"},
		{host, "/chat", "403 Forbidden"},
		{"other.example.com", "/chat", "403 Forbidden"},
	} {
		if got := talk(t, authority, row.host, row.path, `{"action":"send"}`); got != row.want {
			t.Errorf("%s%s: %q, want %q", row.host, row.path, got, row.want)
		}
	}
}

func TestMockWithPlainTemplates(t *testing.T) {
	f := newFixture(t)
	f.chat()
	f.must("Mock", "Integration", `{ApiId: $Api, IntegrationType: MOCK, TemplateSelectionExpression: "200", RequestTemplates: {"200": '{"statusCode":418}'}}`)
	f.must("MockRoute", "Route", `{ApiId: $Api, RouteKey: ping, Target: integrations/$Mock}`)
	f.must("MockRouteResponse", "RouteResponse", `{ApiId: $Api, RouteId: $MockRoute, RouteResponseKey: $default}`)
	f.must("MockDefault", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $Mock, IntegrationResponseKey: $default, ResponseTemplates: {$default: no}}`)
	f.must("MockTeapot", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $Mock, IntegrationResponseKey: '/4\d\d/', ResponseTemplates: {$default: teapot}}`)
	if got := f.talk("/dev", `{"action":"ping"}`); got != "teapot" {
		t.Errorf("answered %q", got)
	}
	f.must("MockConnect", "Route", `{ApiId: $Api, RouteKey: $connect, Target: integrations/$Mock}`)
	if got := f.talk("/dev", `x`); !strings.HasPrefix(got, "418") {
		t.Errorf("a handshake answered by the mock: %q", got)
	}
}

func TestWhatTheTemplateIsTold(t *testing.T) {
	uri := invocationURI("send")
	rows := []struct {
		name, resourceType, yaml string
		want                     string // part of a message, or of the error
	}{
		{"an HTTP API", "Api", `{Name: x, ProtocolType: HTTP}`, "warning template.yaml:1:25: X.ProtocolType: HTTP APIs are not served yet"},
		{"no selection expression", "Api", `{ProtocolType: WEBSOCKET}`, "error template.yaml:1: X.RouteSelectionExpression: a WebSocket API needs this property (usually $request.body.action)"},
		{"a wrong selection expression", "Api", `{ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.header.x}`, "a message has only $request.body"},
		{"another protocol", "Api", `{ProtocolType: GRPC}`, `an API's protocol is WEBSOCKET or HTTP, not "GRPC"`},
		{"tags", "Api", `{ProtocolType: WEBSOCKET, RouteSelectionExpression: a, Tags: {a: b}}`, "note template.yaml:1:56: X.Tags: tags have no effect here"},
		{"an unknown property", "Api", `{ProtocolType: WEBSOCKET, RouteSelectionExpression: a, Nmae: b}`, "X.Nmae: AWS::ApiGatewayV2::Api has no such property"},
		{"a route without a key", "Route", `{ApiId: $Api}`, "X.RouteKey: AWS::ApiGatewayV2::Route needs this property"},
		{"a route of no API", "Route", `{ApiId: nope, RouteKey: a}`, `X.ApiId: the app has no API with the id "nope"`},
		{"a target that is none", "Route", `{ApiId: $Api, RouteKey: a, Target: $SendIntegration}`, "a target is integrations/ and an integration's id"},
		{"a target that is missing", "Route", `{ApiId: $Api, RouteKey: a, Target: integrations/x}`, `X.Target: the API has no integration with the id "x"`},
		{"an API key", "Route", `{ApiId: $Api, RouteKey: a, ApiKeyRequired: true}`, "API keys are checked on $connect only"},
		{"a key that is short", "AWS::ApiGateway::ApiKey", `{Value: x}`, "X.Value: an API key has 20 to 128 characters, not 1"},
		{"a plan of no key", "AWS::ApiGateway::UsagePlanKey", `{KeyId: x, KeyType: API_KEY, UsagePlanId: y}`, `the app has no API key with the id "x"`},
		{"a period", "AWS::ApiGateway::UsagePlan", `{Quota: {Limit: 1, Period: YEAR}}`, `X.Quota.Period: "YEAR" is not among DAY, WEEK, MONTH`},
		{"no API key", "Route", `{ApiId: $Api, RouteKey: a, ApiKeyRequired: false}`, ""},
		{"a model", "Model", `{ApiId: $Api, Name: x, Schema: {type: text}}`, `error template.yaml:1:38: X.Schema: the schema cannot be read: #/type: "text" is no type`},
		{"JWT", "Route", `{ApiId: $Api, RouteKey: $connect, AuthorizationType: JWT}`, "JWT belongs to HTTP APIs"},
		{"authorization elsewhere", "Route", `{ApiId: $Api, RouteKey: a, AuthorizationType: AWS_IAM}`, "only the $connect route can be authorized"},
		{"CUSTOM without authorizer", "Route", `{ApiId: $Api, RouteKey: $connect, AuthorizationType: CUSTOM}`, "a route with AuthorizationType CUSTOM needs this property"},
		{"CUSTOM with a missing one", "Route", `{ApiId: $Api, RouteKey: $connect, AuthorizationType: CUSTOM, AuthorizerId: x}`, `the API has no authorizer with the id "x"`},
		{"no authorization type", "Route", `{ApiId: $Api, RouteKey: $connect, AuthorizationType: MAGIC}`, `"MAGIC" is no authorization type`},
		{"an AWS integration with nothing", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: x}`, "X.IntegrationUri: \"x\" names neither a Lambda function nor an action of a service"},
		{"an AWS integration that is not run", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "arn:aws:apigateway:eu-west-1:sqs:path/1/q"}`, "warning template.yaml:1:59: X.IntegrationUri: integrations with sqs are not run; messages to it get Internal server error"},
		{"a path of a service that is run", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "arn:aws:apigateway:eu-west-1:dynamodb:path/x"}`, "warning template.yaml:1:59: X.IntegrationUri: integrations with a path of dynamodb are not run"},
		{"an action", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem"}`, ""},
		{"no integration type", "Integration", `{ApiId: $Api, IntegrationType: LAMBDA}`, `"LAMBDA" is no integration type`},
		{"a function that is none", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: https://x}`, `"https://x" does not name a Lambda function`},
		{"a function by its ARN", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "` + functionARN("send") + `"}`, ""},
		{"a URL that is none", "Integration", `{ApiId: $Api, IntegrationType: HTTP_PROXY, IntegrationUri: ftp://x}`, `"ftp://x" is no http or https URL`},
		{"a long timeout", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "` + uri + `", TimeoutInMillis: 30000}`, "a WebSocket integration's timeout is 50 to 29000 milliseconds, not 30000"},
		{"a short timeout", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "` + uri + `", TimeoutInMillis: 10}`, "a timeout is 50 to 29000 milliseconds, not 10"},
		{"a broken template", "Integration", `{ApiId: $Api, IntegrationType: MOCK, RequestTemplates: {$default: "#if($x)"}}`, "error template.yaml:1:73: X.RequestTemplates.$default: the template cannot be read: line 1, column 1: this #if has no #end"},
		{"a trivial template", "Integration", `{ApiId: $Api, IntegrationType: MOCK, RequestTemplates: {$default: '{"statusCode":200}'}}`, ""},
		{"a response template", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $SendIntegration, IntegrationResponseKey: $default, ResponseTemplates: {a: "$input.body"}}`, ""},
		{"a response key", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $SendIntegration, IntegrationResponseKey: "/(/"}`, "X.IntegrationResponseKey: \"/(/\" is no pattern"},
		{"a passthrough", "Integration", `{ApiId: $Api, IntegrationType: MOCK, PassthroughBehavior: SOMETIMES}`, `X.PassthroughBehavior: "SOMETIMES" is not among WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER`},
		{"a template selection", "Integration", `{ApiId: $Api, IntegrationType: MOCK, TemplateSelectionExpression: "$integration.response.statuscode"}`, "X.TemplateSelectionExpression: at character 1: a message has only $request.body, not $integration.response.statuscode"},
		{"a parameter of nowhere", "Integration", `{ApiId: $Api, IntegrationType: HTTP_PROXY, IntegrationUri: http://x, RequestParameters: {integration.request.body: "'a'"}}`, "integration.request.body: a target is integration.request.header, querystring or path and a name"},
		{"a parameter from nowhere", "Integration", `{ApiId: $Api, IntegrationType: HTTP_PROXY, IntegrationUri: http://x, RequestParameters: {integration.request.header.a: $context.stage}}`, `integration.request.header.a: "$context.stage" is no source`},
		{"a parameter of no name", "Integration", `{ApiId: $Api, IntegrationType: HTTP_PROXY, IntegrationUri: http://x, RequestParameters: {integration.request.header.a b: "'x'"}}`, `integration.request.header.a b: a name has letters, digits and ._$-`},
		{"parameters", "Integration", `{ApiId: $Api, IntegrationType: HTTP_PROXY, IntegrationUri: http://x, RequestParameters: {integration.request.header.a: "'x'", integration.request.path.p: context.stage, integration.request.querystring.q: route.request.body.a.b}}`, ""},
		{"another route response", "RouteResponse", `{ApiId: $Api, RouteId: $SendRoute, RouteResponseKey: other}`, `the only route response is $default, not "other"`},
		{"a response of no route", "RouteResponse", `{ApiId: $Api, RouteId: x, RouteResponseKey: $default}`, `the API has nothing with the id "x"`},
		{"the default stage", "Stage", `{ApiId: $Api, StageName: $default}`, "a WebSocket API has no stage $default"},
		{"a deployment that is missing", "Stage", `{ApiId: $Api, StageName: b, DeploymentId: x}`, `X.DeploymentId: the API has no deployment with the id "x"`},
		{"a stage name", "Stage", `{ApiId: $Api, StageName: a/b}`, `a stage name has letters, digits, - and _`},
		{"a stage variable's name", "Stage", `{ApiId: $Api, StageName: a, StageVariables: {a-b: x}}`, `template.yaml:1:52: X.StageVariables: a stage variable's name has letters, digits and _, not "a-b"`},
		{"a stage variable's value", "Stage", `{ApiId: $Api, StageName: a, StageVariables: {a: x y}}`, `X.StageVariables.a: a stage variable's value has letters, digits and -._~:/?#&=, not "x y"`},
		{"a log level", "Stage", `{ApiId: $Api, StageName: a, DefaultRouteSettings: {LoggingLevel: LOUD}}`, `template.yaml:1:72: X.DefaultRouteSettings.LoggingLevel: "LOUD" is no level`},
		{"a JWT authorizer", "Authorizer", `{ApiId: $Api, Name: a, AuthorizerType: JWT}`, `a WebSocket API's authorizer is of type REQUEST, not "JWT"`},
		{"an identity source of HTTP APIs", "Authorizer", `{ApiId: $Api, Name: a, AuthorizerType: REQUEST, AuthorizerUri: "` + uri + `", IdentitySource: [$request.header.Auth]}`, `X.IdentitySource: "$request.header.Auth" is no identity source of a WebSocket API (route.request.header.X`},
		{"identity sources", "Authorizer", `{ApiId: $Api, Name: a, AuthorizerType: REQUEST, AuthorizerUri: "` + uri + `", IdentitySource: ["route.request.header.Auth, context.routeKey"]}`, ""},
		{"a mapping of no domain", "ApiMapping", `{ApiId: $Api, DomainName: x, Stage: dev}`, `the app has no domain name "x"`},
	}
	f := newFixture(t)
	f.chat()
	for _, row := range rows {
		messages, err := f.apply("X", row.resourceType, row.yaml)
		text := messages
		if err != nil {
			text += "\n" + err.Error()
			var m *diag.Message
			var l diag.List
			if !errors.As(err, &m) && !errors.As(err, &l) {
				t.Errorf("%s: %v has no position", row.name, err)
			}
		}
		if row.want == "" && text != "" || !strings.Contains(text, row.want) {
			t.Errorf("%s: said %q, want %q", row.name, text, row.want)
		}
		if f.made["X"] != nil {
			f.remove("X")
		}
	}
}

func TestHTTPAPIsStartWithoutAnEndpoint(t *testing.T) {
	f := newFixture(t)
	f.must("Api", "Api", `{Name: x, ProtocolType: HTTP}`)
	f.must("Integration", "Integration", `{ApiId: $Api, IntegrationType: AWS_PROXY, IntegrationUri: "`+functionARN("send")+`", PayloadFormatVersion: "2.0", TimeoutInMillis: 30000}`)
	f.must("Route", "Route", `{ApiId: $Api, RouteKey: GET /, Target: integrations/$Integration, AuthorizationType: JWT}`)
	f.must("Stage", "Stage", `{ApiId: $Api, StageName: $default, AutoDeploy: true}`)
	if len(f.endpoints) != 0 || !strings.HasPrefix(f.made["Api"].Attr("ApiEndpoint"), "https://") {
		t.Errorf("endpoints %v, %s", f.endpoints, f.made["Api"].Attr("ApiEndpoint"))
	}
	f.must("Api", "Api", `{Name: x, ProtocolType: WEBSOCKET, RouteSelectionExpression: a}`)
	if len(f.endpoints) != 1 {
		t.Error("the API became a WebSocket API and has no endpoint")
	}
}

func TestUnknownValuesAreNotJudged(t *testing.T) {
	f := newFixture(t)
	unknown := resource.UnknownText("Other.Arn")
	for resourceType, properties := range map[string][]string{
		"Api":         {"ProtocolType", "RouteSelectionExpression"},
		"Route":       {"ApiId", "RouteKey", "Target", "AuthorizationType"},
		"Integration": {"ApiId", "IntegrationType", "IntegrationUri"},
		"Stage":       {"ApiId", "StageName"},
	} {
		spec := f.spec("X", resourceType, "{}")
		spec.Properties = document.Object(diag.Position{})
		for _, p := range properties {
			spec.Properties.Set(p, document.Str(unknown, diag.Position{}))
		}
		if msgs := f.service.Handlers()[spec.Type].(resource.Checker).Check(spec); len(msgs) > 0 {
			t.Errorf("%s: %s", resourceType, said(msgs))
		}
	}
}
