package sam

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// websocketProperties are the properties of AWS::Serverless::WebSocketApi.
var websocketProperties = strings.Fields(`ApiKeySelectionExpression AccessLogSettings Auth DefaultRouteSettings
	Description DisableExecuteApiEndpoint Domain DisableSchemaValidation FailOnWarnings IpAddressType Name PropagateTags
	Routes RouteSettings RouteSelectionExpression StageName StageVariables Tags`)

// websocketRouteProperties are the properties of one of its routes.
var websocketRouteProperties = strings.Fields(`FunctionArn ApiKeyRequired IntegrationTimeout ModelSelectionExpression
	OperationName RequestModels RequestParameters RouteResponseSelectionExpression`)

// websocketAPI translates AWS::Serverless::WebSocketApi. Like SAM it makes no
// RouteResponse: a route answers its client only when the template adds one.
func (a *api) websocketAPI() {
	a.check(websocketProperties, "RouteSelectionExpression", "Routes")
	name := a.props.Get("Name")
	if name.IsNull() {
		name = text(a.id, a.pos)
	}
	props := object(a.pos, "Name", name).Set("ProtocolType", text("WEBSOCKET", a.pos))
	a.copy(props, "RouteSelectionExpression", "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint",
		"DisableSchemaValidation", "IpAddressType")
	a.main("AWS::ApiGatewayV2::Api", props.Set("Tags", a.tagMap("websocketapi:createdBy")))

	auth := a.websocketAuth()
	for _, m := range membersOf(a.props.Get("Routes")) {
		a.websocketRoute(m, auth)
	}
	a.websocketStage()
}

// websocketRoute makes the route, its integration and the permission.
func (a *api) websocketRoute(m document.Member, auth *document.Node) {
	at, path := m.KeyPos, "Routes."+m.Key
	bare := strings.TrimPrefix(m.Key, "$")
	if plain(bare) != bare || bare == "" || m.Key != bare && bare != "connect" && bare != "disconnect" && bare != "default" {
		a.t.msgs.Add(diag.Errorf(at, a.key(path), "a route key has only letters and digits, or is $connect, $disconnect or $default").
			WithHint("other keys work with AWS::ApiGatewayV2::Route"))
		return
	}
	fn := m.Value.Get("FunctionArn")
	if fn.IsNull() {
		a.t.msgs.Add(diag.Errorf(at, a.key(path+".FunctionArn"), "the route needs this property"))
		return
	}
	for _, p := range m.Value.Members {
		if !slices.Contains(websocketRouteProperties, p.Key) {
			a.t.msgs.Add(diag.Warningf(p.KeyPos, a.key(path+"."+p.Key), "a route has no such property; it has no effect").
				WithHint("%s", diag.DidYouMean(p.Key, websocketRouteProperties)))
		}
	}
	// Only the first letter stays large: sendMessage gives MyApiSendmessageRoute.
	id := a.id + capitalised(strings.ToLower(bare))
	api := ref(a.id, at)
	props := object(at, "ApiId", api).Set("RouteKey", text(m.Key, at))
	for _, name := range websocketRouteProperties {
		if name != "FunctionArn" && name != "IntegrationTimeout" {
			props.Set(name, m.Value.Get(name))
		}
	}
	props.Set("Target", object(at, "Fn::Join", document.Seq(at, text("/", at),
		document.Seq(at, text("integrations", at), ref(id+"Integration", at)))))
	if m.Key == "$connect" && !auth.IsNull() {
		props.Set("AuthorizationType", auth)
		if auth.TextOr("") == "CUSTOM" {
			props.Set("AuthorizerId", ref(a.id+"ConnectAuthorizer", at))
		}
	}
	a.add(id+"Route", "AWS::ApiGatewayV2::Route", props)
	a.add(id+"Integration", "AWS::ApiGatewayV2::Integration", object(at, "ApiId", api).
		Set("IntegrationType", text("AWS_PROXY", at)).
		Set("IntegrationUri", functionInvocation(fn)).
		Set("TimeoutInMillis", m.Value.Get("IntegrationTimeout")))
	stage := a.props.Get("StageName")
	source := sub(executeAPI+"${"+a.id+".ApiId}/"+stage.TextOr("default")+"/"+m.Key, at, nil)
	if !stage.IsNull() && !stage.IsScalar() {
		source = sub(executeAPI+"${"+a.id+".ApiId}/${__StageName__}/"+m.Key, at, object(at, "__StageName__", stage))
	}
	a.add(id+"Permission", "AWS::Lambda::Permission", object(at, "Action", text("lambda:InvokeFunction", at)).
		Set("FunctionName", fn).
		Set("Principal", text("apigateway.amazonaws.com", at)).
		Set("SourceArn", source))
}

// websocketAuth makes the authorizer of $connect and returns its kind.
func (a *api) websocketAuth() *document.Node {
	config := a.props.Get("Auth")
	kind := config.Get("AuthType")
	if config.IsNull() {
		return nil
	}
	switch kind.TextOr("") {
	case "NONE", "AWS_IAM":
		return kind
	case "CUSTOM":
	default:
		a.errorf(config, "Auth.AuthType", "AuthType is NONE, AWS_IAM or CUSTOM")
		return nil
	}
	if a.props.Get("Routes").Get("$connect").IsNull() {
		a.errorf(config, "Auth", "authorization needs a $connect route")
		return nil
	}
	fn := config.Get("AuthArn")
	if fn.IsNull() {
		a.errorf(config, "Auth.AuthArn", "a CUSTOM authorizer needs the ARN of its function")
		return nil
	}
	at := config.Pos
	name := config.Get("Name")
	if name.IsNull() {
		name = text(a.id+"ConnectAuthorizer", at)
	}
	a.add(a.id+"ConnectAuthorizer", "AWS::ApiGatewayV2::Authorizer", object(at, "ApiId", ref(a.id, at)).
		Set("AuthorizerType", text("REQUEST", at)).
		Set("AuthorizerUri", functionInvocation(fn)).
		Set("AuthorizerCredentialsArn", config.Get("InvokeRole")).
		Set("IdentitySource", config.Get("IdentitySource")).
		Set("Name", name))
	if config.Get("InvokeRole").IsNull() {
		a.authorizerPermission("", fn)
	}
	return kind
}

// websocketStage makes the stage. It is called "default" unless StageName says
// otherwise: a WebSocket API has no $default stage.
func (a *api) websocketStage() {
	stage := a.props.Get("StageName")
	id := a.stageID("DefaultStage")
	if stage.IsNull() {
		stage = text("default", a.pos)
	}
	props := object(a.pos, "ApiId", ref(a.id, a.pos)).Set("StageName", stage).
		Set("AutoDeploy", document.Boolean(true, a.pos))
	a.copy(props, "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "StageVariables")
	a.add(id, "AWS::ApiGatewayV2::Stage", props.Set("Tags", a.tagMap("websocketapi:createdBy")))
	a.t.refer(a.id, "Stage", id)
}
