package serverless

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// websocketEvent is one route of the service's WebSocket API.
type websocketEvent struct {
	event
	route      *document.Node
	response   *document.Node // routeResponseSelectionExpression, or nil
	authorizer *websocketAuthorizer
}

// websocketAuthorizer guards a route ($connect, on AWS).
type websocketAuthorizer struct {
	name     string
	arn      *document.Node
	identity *document.Node
	function *function // of this service, or nil
}

// websocketsDescription describes the API, stage and deployment by default.
const websocketsDescription = "Serverless Websockets"

// websocketEvent reads `websocket: $route` or the object form.
func (c *compiler) websocketEvent(e event) {
	w := websocketEvent{event: e, route: e.conf}
	if e.conf.Kind == document.Map {
		w.route = e.conf.Get("route")
		if old := e.conf.Get("routeKey"); !build.Given(w.route) && build.Given(old) {
			w.route = old // serverless-websockets-plugin, from before the framework had the event
		}
		if r := e.conf.Get("routeResponseSelectionExpression"); build.Given(r) {
			w.response = r
			if r.TextOr("") != "$default" {
				c.errorf(r, e.key+".routeResponseSelectionExpression", "the expression can only be $default")
			}
		}
		if a := e.conf.Get("authorizer"); build.Given(a) {
			w.authorizer = c.websocketAuthorizer(e, a)
			if w.authorizer == nil {
				return
			}
		}
	}
	if w.route.TextOr("") == "" {
		c.msgs.Add(diag.Errorf(e.pos, e.key, "the event names no route").WithHint("write websocket: {route: $connect}"))
		return
	}
	c.websockets = append(c.websockets, w)
}

// websocketAuthorizer reads the authorizer of an event: the key of a function,
// an ARN, or an object with one of the two and the sources of the identity.
func (c *compiler) websocketAuthorizer(e event, n *document.Node) *websocketAuthorizer {
	key := e.key + ".authorizer"
	// Auth, not Authorization, is the framework's default (its guide to
	// WebSocket events).
	a := &websocketAuthorizer{arn: n, identity: build.List(n.Pos, "route.request.header.Auth")}
	named := n
	if n.Kind == document.Map {
		a.arn, named = n.Get("arn"), n.Get("name")
		if i := n.Get("identitySource"); build.Given(i) {
			a.identity = i
			if i.IsScalar() {
				a.identity = build.List(i.Pos, i)
			}
		}
	} else if !strings.Contains(n.Text, ":") {
		a.arn = nil
	}
	switch {
	case build.Given(a.arn) && a.arn.IsScalar():
		a.name = a.arn.Text[strings.LastIndexByte(a.arn.Text, ':')+1:]
	case build.Given(a.arn) && !build.Given(named):
		c.errorf(n, key, "an ARN that is not plain text needs a name beside it")
		return nil
	case build.Given(a.arn):
		a.name = named.TextOr("")
	case build.Given(named):
		a.name = named.TextOr("")
		if a.function = c.byKey[a.name]; a.function == nil {
			c.noFunction(named, key)
			return nil
		}
		a.arn = a.function.arn(n.Pos)
	default:
		c.errorf(n, key, "the authorizer has neither a name nor an arn")
		return nil
	}
	return a
}

// websocketsAPI makes the API with all routes.
func (c *compiler) websocketsAPI() {
	if len(c.websockets) == 0 {
		return
	}
	at := c.websockets[0].pos
	external := build.First(c.provider.Get("apiGateway").Get("websocketApiId"))
	api := external
	mine := document.Object(at) // what the deployment stands for
	if external == nil {
		api = build.Ref(at, websocketsAPIID)
		mine.Set(websocketsAPIID, c.websocketsRoot(at))
	}
	var routes []string
	for _, w := range c.websockets {
		for _, id := range c.websocketRoute(w, api) {
			mine.Set(id, c.resources.Get(id))
			if strings.Contains(id, "WebsocketsRoute") {
				routes = append(routes, id)
			}
		}
	}
	description := build.OrText(c.provider.Get("websocketsDescription"), websocketsDescription, at)
	deployment := "WebsocketsDeployment" + hash(mine)
	p := build.Object(at, "ApiId", api, "Description", description)
	if external != nil {
		p.Set("StageName", document.Str(c.Stage, at))
	}
	c.add(at, deployment, "AWS::ApiGatewayV2::Deployment", p, routes...)
	if external == nil {
		c.websocketsStage(at, api, description, deployment)
	}
	c.output(at, "ServiceEndpointWebsocket", "URL of the service endpoint", build.EndpointURL(at, "wss://", api, "/"+c.Stage))
}

// websocketsRoot makes the API itself, and lets every generated role push to
// its connections.
func (c *compiler) websocketsRoot(at diag.Position) *document.Node {
	p := c.provider
	api := build.Object(at,
		"Name", build.OrText(p.Get("websocketsApiName"), c.Stage+"-"+c.service+"-websockets", at),
		"RouteSelectionExpression", build.OrText(p.Get("websocketsApiRouteSelectionExpression"), "$request.body.action", at),
		"Description", build.OrText(p.Get("websocketsDescription"), websocketsDescription, at),
		"ProtocolType", "WEBSOCKET")
	if p.Get("websocket").Get("useProviderTags").TruthOr(false) {
		api.Set("Tags", build.First(p.Get("tags")))
	}
	for _, r := range c.roles {
		r.add(build.Object(at, "Effect", "Allow", "Action", build.List(at, "execute-api:ManageConnections"),
			"Resource", build.List(at, build.Sub(at, "arn:${AWS::Partition}:execute-api:*:*:*/@connections/*"))))
	}
	return c.add(at, websocketsAPIID, "AWS::ApiGatewayV2::Api", api)
}

// websocketRoute makes a route and what it needs, and lists their ids.
func (c *compiler) websocketRoute(w websocketEvent, api *document.Node) []string {
	at, f := w.pos, w.f
	apiID := api.Get("Ref").TextOr("")
	integration := normalized(f.key) + "WebsocketsIntegration"
	c.add(at, integration, "AWS::ApiGatewayV2::Integration", build.Object(at,
		"ApiId", api, "IntegrationType", "AWS_PROXY", "IntegrationUri", build.LambdaURI(at, f.arn(at))), f.aliasID)
	route := websocketsRouteID(w.route.Text)
	p := build.Object(at, "ApiId", api, "RouteKey", w.route, "AuthorizationType", "NONE",
		"Target", build.Join(at, "/", "integrations", build.Ref(at, integration)))
	ids := []string{integration, route}
	if old := c.resources.Get(route); old != nil {
		c.msgs.Add(diag.Errorf(at, w.key, "the route %q is already taken", w.route.Text))
	}
	// The expression alone does not answer: replies follow the route response.
	if w.response != nil {
		p.Set("RouteResponseSelectionExpression", w.response)
		c.add(at, route+"Response", "AWS::ApiGatewayV2::RouteResponse", build.Object(at,
			"ApiId", api, "RouteId", build.Ref(at, route), "RouteResponseKey", "$default"))
		ids = append(ids, route+"Response")
	}
	if a := w.authorizer; a != nil {
		id := c.websocketAuthorizerResource(at, api, a)
		p.Set("AuthorizationType", document.Str("CUSTOM", at))
		p.Set("AuthorizerId", build.Ref(at, id))
		ids = append(ids, id)
	}
	c.add(at, route, "AWS::ApiGatewayV2::Route", p)
	needs := f.id
	if f.alias != "" {
		needs = f.aliasID
	}
	c.add(at, normalized(f.key)+"LambdaPermissionWebsockets", "AWS::Lambda::Permission", build.Object(at,
		"FunctionName", f.arn(at), "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com"), apiID, needs)
	return ids
}

// websocketAuthorizerResource makes an authorizer and lets it call its
// function; routes with the same one share it.
func (c *compiler) websocketAuthorizerResource(at diag.Position, api *document.Node, a *websocketAuthorizer) string {
	id := normalized(a.name) + "WebsocketsAuthorizer"
	apiID := api.Get("Ref").TextOr("")
	var alias, function string
	if a.function != nil {
		alias, function = a.function.aliasID, a.function.id
	}
	c.add(at, id, "AWS::ApiGatewayV2::Authorizer", build.Object(at,
		"ApiId", api, "Name", a.name, "AuthorizerType", "REQUEST",
		"AuthorizerUri", build.LambdaURI(at, a.arn), "IdentitySource", a.identity), alias)
	c.add(at, normalized(a.name)+"LambdaPermissionWebsockets", "AWS::Lambda::Permission", build.Object(at,
		"FunctionName", a.arn, "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com"), apiID, function, alias)
	return id
}

// websocketLogFormat is the framework's access log line.
const websocketLogFormat = "$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] " +
	`"$context.eventType $context.routeKey $context.connectionId" $context.requestId`

// websocketsStage makes the stage, named as the service's stage.
func (c *compiler) websocketsStage(at diag.Position, api, description *document.Node, deployment string) {
	p := build.Object(at, "ApiId", api, "StageName", c.Stage, "Description", description, "DeploymentId", build.Ref(at, deployment))
	if logs := c.provider.Get("logs").Get("websocket"); build.Given(logs) {
		level := build.OrText(logs.Get("level"), "INFO", logs.Pos)
		if !logs.Get("executionLogging").TruthOr(true) {
			level = document.Str("OFF", logs.Pos)
		}
		p.Set("DefaultRouteSettings", build.Object(logs.Pos,
			"DataTraceEnabled", logs.Get("fullExecutionData").TruthOr(true), "LoggingLevel", level))
		if logs.Get("accessLogging").TruthOr(true) {
			p.Set("AccessLogSettings", build.Object(logs.Pos,
				"DestinationArn", build.Sub(logs.Pos, "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${"+websocketsLogsID+"}"),
				"Format", build.OrText(logs.Get("format"), websocketLogFormat, logs.Pos)))
		}
		c.apiLogGroup(logs.Pos, websocketsLogsID, "/aws/websocket/"+c.service+"-"+c.Stage)
	}
	c.add(at, websocketsStageID, "AWS::ApiGatewayV2::Stage", p)
}

// apiLogGroup makes the log group of an API's access log.
func (c *compiler) apiLogGroup(at diag.Position, id, name string) {
	c.add(at, id, "AWS::Logs::LogGroup", build.Object(at, "LogGroupName", name,
		"RetentionInDays", build.First(c.provider.Get("logRetentionInDays")),
		"DataProtectionPolicy", build.First(c.provider.Get("logDataProtectionPolicy"))))
}
