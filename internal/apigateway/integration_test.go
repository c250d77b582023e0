package apigateway

import (
	"context"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

// two makes a two-way route to an integration of the usual API.
func (f *fixture) two(key, integration string) {
	f.t.Helper()
	f.must(key+"Route", "Route", `{ApiId: $Api, RouteKey: `+key+`, Target: integrations/$`+integration+`}`)
	f.must(key+"RouteResponse", "RouteResponse", `{ApiId: $Api, RouteId: $`+key+`Route, RouteResponseKey: $default}`)
}

func TestAWSIntegrationsFromTheirTemplate(t *testing.T) {
	f := newFixture(t)
	f.service.config.Action = func(_ context.Context, a *websocketapi.Action) (*websocketapi.ActionAnswer, error) {
		return &websocketapi.ActionAnswer{Status: 200, Body: []byte(`{"said":"` + a.Service + " " + a.Name + " " + a.RoleARN + `","body":` + string(a.Body) + `}`)}, nil
	}
	f.functions.Functions[functionARN("send")] = func(_ context.Context, payload []byte) ([]byte, invoke.End) { return payload, invoke.End{} }
	f.chat()
	f.must("Table", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "arn:aws:apigateway:eu-west-1:dynamodb:action/Query", CredentialsArn: role,
  TemplateSelectionExpression: \$default, RequestTemplates: {$default: '{"t": "$stageVariables.table"}'}}`)
	f.must("TableResponse", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $Table, IntegrationResponseKey: /200/, ResponseTemplates: {$default: "$input.path('$.said') $input.json('$.body')"}}`)
	f.two("query", "Table")
	if got, want := f.talk("/dev", `{"action":"query"}`), `dynamodb Query role {"t":"t1"}`; got != want {
		t.Errorf("an action answered %q, want %q", got, want)
	}
	f.must("Fn", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "`+invocationURI("send")+`", RequestTemplates: {application/json: '{"r": "$context.routeKey"}'}}`)
	f.must("FnResponse", "IntegrationResponse", `{ApiId: $Api, IntegrationId: $Fn, IntegrationResponseKey: $default, ContentHandlingStrategy: CONVERT_TO_TEXT}`)
	f.two("fn", "Fn")
	if got, want := f.talk("/dev", `{"action":"fn"}`), `eyJyIjogImZuIn0=`; got != want {
		t.Errorf("a function answered %q, want %q", got, want)
	}
	f.must("Queue", "Integration", `{ApiId: $Api, IntegrationType: AWS, IntegrationUri: "arn:aws:apigateway:eu-west-1:sqs:path/1/q"}`)
	f.two("queue", "Queue")
	if got := f.talk("/dev", `{"action":"queue"}`); !strings.Contains(got, "Internal server error") {
		t.Errorf("a service that is not run answered %q", got)
	}
}

func TestModelsFromTheirTemplate(t *testing.T) {
	f := newFixture(t)
	f.chat()
	f.must("Model", "Model", `{ApiId: $Api, Name: strict, Schema: {type: object, required: [to]}}`)
	f.must("Written", "Model", `{ApiId: $Api, Name: written, Schema: '{"type": "object", "maxProperties": 1}'}`)
	f.must("SendRoute", "Route", `{ApiId: $Api, RouteKey: send, Target: integrations/$SendIntegration, ModelSelectionExpression: $default, RequestModels: {$default: strict}}`)
	if got := f.talk("/dev", `{"action":"send"}`); !strings.Contains(got, `"Bad request body"`) {
		t.Errorf("a message without its member: %q", got)
	}
	if got := f.talk("/dev", `{"action":"send","to":1}`); got != "from send" {
		t.Errorf("a message as it should be: %q", got)
	}
	f.must("SendRoute", "Route", `{ApiId: $Api, RouteKey: send, Target: integrations/$SendIntegration, ModelSelectionExpression: $default, RequestModels: {$default: written}}`)
	if got := f.talk("/dev", `{"action":"send","to":1}`); !strings.Contains(got, `"Bad request body"`) {
		t.Errorf("a schema written as text: %q", got)
	}
}

func TestAPIKeysFromTheirTemplate(t *testing.T) {
	f := newFixture(t)
	f.service.config.Journal = &journal.Journal{}
	f.chat()
	f.must("Mock", "Integration", `{ApiId: $Api, IntegrationType: MOCK}`)
	f.must("Connect", "Route", `{ApiId: $Api, RouteKey: $connect, ApiKeyRequired: true, Target: integrations/$Mock}`)
	if got := f.talk("/dev", `{"action":"send"}`); got != "403 Forbidden" {
		t.Errorf("without a key: %q", got)
	}
	f.must("Key", "AWS::ApiGateway::ApiKey", `{Enabled: true, Value: 0123456789abcdefghij}`)
	f.must("Made", "AWS::ApiGateway::ApiKey", `{Name: x}`)
	f.must("Plan", "AWS::ApiGateway::UsagePlan", `{ApiStages: [{ApiId: $Api, Stage: $Stage}], Throttle: {RateLimit: 1, BurstLimit: 5}, Quota: {Limit: 9, Period: WEEK}}`)
	f.must("PlanKey", "AWS::ApiGateway::UsagePlanKey", `{KeyId: $Key, KeyType: API_KEY, UsagePlanId: $Plan}`)
	f.must("MadeKey", "AWS::ApiGateway::UsagePlanKey", `{KeyId: $Made, KeyType: API_KEY, UsagePlanId: $Plan}`)
	a := f.service.apis[f.made["Api"].PhysicalID]
	keys := f.service.definition(a, a.deployment()).Keys
	good := keys["0123456789abcdefghij"]
	if len(keys) != 2 || good == nil || good.Disabled || good.Plans["dev"].Throttle.Burst != 5 || good.Plans["dev"].Quota.Limit != 9 {
		t.Fatalf("keys %v, %+v", keys, good)
	}
	for value, k := range keys {
		if k != good && (len(value) != keyLength || !k.Disabled) {
			t.Errorf("a key made up: %q %+v", value, k)
		}
	}
	if again := f.service.definition(a, a.deployment()).Keys["0123456789abcdefghij"]; again.Plans["dev"] != good.Plans["dev"] {
		t.Error("another definition forgets how much of the plan is used")
	}
	f.remove("PlanKey")
	if keys := f.service.definition(a, a.deployment()).Keys; len(keys) != 1 {
		t.Errorf("%d keys are left, want 1", len(keys))
	}
}
