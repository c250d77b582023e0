package serverless

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// httpRoute is one route of the service's HTTP API.
type httpRoute struct {
	event
	key        string // "GET /x", or "*"
	authorizer *document.Node
}

// httpMethods are the methods of a route besides ANY.
var httpMethods = []string{"GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE"}

// methodAndPath matches the short form of an event.
var methodAndPath = regexp.MustCompile(`^(\S+) +(/\S*)$`)

// httpEvent reads `httpApi: GET /x`, `httpApi: '*'` or the object form.
func (c *compiler) httpEvent(e event) {
	r := httpRoute{event: e}
	var method, path string
	if e.conf.Kind == document.Map {
		method, path = strings.ToUpper(e.conf.Get("method").TextOr("")), e.conf.Get("path").TextOr("")
		r.authorizer = build.First(e.conf.Get("authorizer"))
	} else if text := e.conf.TextOr(""); text == "*" {
		path = "*"
	} else if m := methodAndPath.FindStringSubmatch(text); m != nil {
		method, path = strings.ToUpper(m[1]), m[2]
	}
	if method == "*" {
		method = "ANY"
	}
	switch {
	case path == "*" && (method == "" || method == "ANY"):
		r.key = "*"
	case path == "":
		c.msgs.Add(diag.Errorf(e.pos, e.key, "the event has no path").WithHint("write httpApi: GET /path, or httpApi: '*' for every request"))
		return
	case path == "*" || method != "ANY" && !slices.Contains(httpMethods, method):
		c.msgs.Add(diag.Errorf(e.pos, e.key, "%q is no method of an HTTP API", method))
		return
	default:
		r.key = method + " " + path
	}
	for _, old := range c.httpRoutes {
		if old.key == r.key {
			c.msgs.Add(diag.Errorf(e.pos, e.key, "the route %q is already taken by function %s", r.key, old.f.key))
			return
		}
	}
	c.httpRoutes = append(c.httpRoutes, r)
}

// httpAPI makes the API with all routes.
func (c *compiler) httpAPI() {
	if len(c.httpRoutes) == 0 {
		return
	}
	at := c.httpRoutes[0].pos
	conf := c.provider.Get("httpApi")
	api := build.First(conf.Get("id"))
	if api == nil {
		api = build.Ref(at, httpAPIID)
		c.httpRoot(at, conf)
		c.httpStage(at, conf)
	}
	for _, m := range build.Members(conf.Get("authorizers")) {
		c.httpAuthorizer(m, api)
	}
	for _, r := range c.httpRoutes {
		c.httpRoute(r, api, conf)
	}
}

// httpRoot makes the API itself and its outputs.
func (c *compiler) httpRoot(at diag.Position, conf *document.Node) {
	name := c.Stage + "-" + c.service
	if conf.Get("shouldStartNameWithService").TruthOr(false) {
		name = c.service + "-" + c.Stage
	}
	c.add(at, httpAPIID, "AWS::ApiGatewayV2::Api", build.Object(at,
		"Name", build.OrText(conf.Get("name"), name, at),
		"ProtocolType", "HTTP",
		"DisableExecuteApiEndpoint", build.UnlessNull(conf.Get("disableDefaultEndpoint")),
		"Tags", build.First(c.provider.Get("tags")),
		"CorsConfiguration", c.httpCORS(conf.Get("cors"))))
	c.output(at, "HttpApiId", "Id of the HTTP API", build.Ref(at, httpAPIID))
	c.output(at, "HttpApiUrl", "URL of the HTTP API", build.EndpointURL(at, "https://", build.Ref(at, httpAPIID), ""))
}

// apiCORSHeaders are the headers that CORS allows where none are named, on
// HTTP and REST APIs.
var apiCORSHeaders = []string{
	"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Amzn-Trace-Id",
}

// httpCORS reads provider.httpApi.cors: true, or what differs from the
// defaults. The API then answers preflight requests by itself.
func (c *compiler) httpCORS(cors *document.Node) *document.Node {
	if !build.Given(cors) {
		return nil
	}
	at := cors.Pos
	listOf := func(n *document.Node, def []string) *document.Node {
		if build.Given(n) {
			return build.Texts(n.Pos, n.Strings())
		}
		return build.Texts(at, def)
	}
	p := document.Object(at)
	if cors.Get("allowCredentials").TruthOr(false) {
		p.Set("AllowCredentials", document.Boolean(true, at))
	}
	p.Set("AllowHeaders", listOf(cors.Get("allowedHeaders"), apiCORSHeaders))
	p.Set("AllowMethods", listOf(cors.Get("allowedMethods"), c.httpMethodsInUse()))
	p.Set("AllowOrigins", listOf(cors.Get("allowedOrigins"), []string{"*"}))
	if n := cors.Get("exposedResponseHeaders"); build.Given(n) {
		p.Set("ExposeHeaders", listOf(n, nil))
	}
	p.Set("MaxAge", build.UnlessNull(cors.Get("maxAge")))
	return p
}

// httpMethodsInUse are OPTIONS and the methods of the routes; a route for any
// method stands for all of them.
func (c *compiler) httpMethodsInUse() []string {
	out := []string{"OPTIONS"}
	add := func(m string) {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, r := range c.httpRoutes {
		method, _, _ := strings.Cut(r.key, " ")
		if method == "*" || method == "ANY" {
			for _, m := range httpMethods {
				add(m)
			}
			continue
		}
		add(method)
	}
	return out
}

// httpLogFormat is the framework's access log line.
const httpLogFormat = `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime",` +
	`"httpMethod":"$context.httpMethod","routeKey":"$context.routeKey","status":"$context.status",` +
	`"protocol":"$context.protocol","responseLength":"$context.responseLength"}`

// httpStage makes the stage: always $default and deployed by itself, so the
// URL has no stage in its path.
func (c *compiler) httpStage(at diag.Position, conf *document.Node) {
	p := build.Object(at, "ApiId", build.Ref(at, httpAPIID), "StageName", "$default", "AutoDeploy", true,
		"DefaultRouteSettings", build.Object(at, "DetailedMetricsEnabled", conf.Get("metrics").TruthOr(false)),
		"Tags", build.First(c.provider.Get("tags")))
	var needs string
	if logs := c.provider.Get("logs").Get("httpApi"); build.Given(logs) {
		needs = httpLogsID
		c.apiLogGroup(logs.Pos, httpLogsID, "/aws/http-api/"+c.stackName())
		p.Set("AccessLogSettings", build.Object(logs.Pos,
			"DestinationArn", build.GetAtt(logs.Pos, httpLogsID, "Arn"), "Format", build.OrText(logs.Get("format"), httpLogFormat, logs.Pos)))
	}
	c.add(at, httpStageID, "AWS::ApiGatewayV2::Stage", p, needs)
}

// stackName is the name of the CloudFormation stack.
func (c *compiler) stackName() string {
	return cmp.Or(c.provider.Get("stackName").TextOr(""), c.service+"-"+c.Stage)
}

// httpAuthorizer makes an authorizer of provider.httpApi.authorizers.
func (c *compiler) httpAuthorizer(m document.Member, api *document.Node) {
	n, at, key := m.Value, m.KeyPos, "provider.httpApi.authorizers."+m.Key
	if at.IsZero() {
		at = c.at(n)
	}
	identity := build.List(at)
	if i := n.Get("identitySource"); build.Given(i) {
		identity = build.Texts(i.Pos, i.Strings())
	}
	name := n.Get("name").TextOr(m.Key)
	p := build.Object(at, "ApiId", api, "Name", name, "IdentitySource", identity)
	var alias string
	if n.Get("type").TextOr("jwt") == "request" {
		named, arn := n.Get("functionName"), n.Get("functionArn")
		if build.Given(named) == build.Given(arn) {
			c.msgs.Add(diag.Errorf(at, key, "an authorizer of type request has a functionName or a functionArn, one of them"))
			return
		}
		if build.Given(named) {
			arn = c.target(named, key+".functionName")
			if f := c.byKey[named.TextOr("")]; f != nil {
				alias = f.aliasID
			}
		}
		p.Set("AuthorizerType", document.Str("REQUEST", at))
		p.Set("EnableSimpleResponses", build.UnlessNull(n.Get("enableSimpleResponses")))
		p.Set("AuthorizerResultTtlInSeconds", build.UnlessNull(n.Get("resultTtlInSeconds")))
		p.Set("AuthorizerPayloadFormatVersion", build.OrText(n.Get("payloadVersion"), "2.0", at))
		p.Set("AuthorizerUri", build.LambdaURI(at, arn))
		if !n.Get("managedExternally").TruthOr(false) {
			c.add(at, normalized(name)+"LambdaAuthorizerPermissionHttpApi", "AWS::Lambda::Permission", build.Object(at,
				"FunctionName", arn, "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com",
				"SourceArn", build.ExecuteARN(at, api, "/*")), alias)
		}
	} else {
		p.Set("AuthorizerType", document.Str("JWT", at))
		audience := n.Get("audience")
		if audience != nil && audience.Kind != document.List {
			audience = build.List(at, audience)
		}
		p.Set("JwtConfiguration", build.Object(at, "Audience", audience, "Issuer", n.Get("issuerUrl")))
	}
	c.add(at, "HttpApiAuthorizer"+normalized(name), "AWS::ApiGatewayV2::Authorizer", p, alias)
}

// httpRoute makes a route, and the integration and permission of its function,
// which all routes of the function share.
func (c *compiler) httpRoute(r httpRoute, api, conf *document.Node) {
	at, f := r.pos, r.f
	integration := "HttpApiIntegration" + normalized(f.key)
	c.add(at, integration, "AWS::ApiGatewayV2::Integration", build.Object(at,
		"ApiId", api, "IntegrationType", "AWS_PROXY", "IntegrationUri", f.arn(at),
		"PayloadFormatVersion", build.OrText(build.First(f.node.Get("httpApi").Get("payload"), conf.Get("payload")), "2.0", at),
		// Not the function's timeout: a longer one only earns a warning.
		"TimeoutInMillis", 30000), f.aliasID)
	c.add(at, normalized(f.key)+"LambdaPermissionHttpApi", "AWS::Lambda::Permission", build.Object(at,
		"FunctionName", f.arn(at), "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com",
		"SourceArn", build.ExecuteARN(at, api, "/*")), f.aliasID)
	key := r.key
	if key == "*" {
		key = "$default"
	}
	p := build.Object(at, "ApiId", api, "RouteKey", key, "Target", build.Join(at, "/", "integrations", build.Ref(at, integration)))
	if r.authorizer != nil {
		c.httpRouteAuthorizer(r, p, conf)
	}
	c.add(at, httpRouteID(r.key), "AWS::ApiGatewayV2::Route", p, integration)
	c.httpTimeout(r)
}

// httpRouteAuthorizer guards a route: by IAM, by an authorizer of
// provider.httpApi.authorizers, or by the id of one of an existing API.
func (c *compiler) httpRouteAuthorizer(r httpRoute, p, conf *document.Node) {
	a, key := r.authorizer, r.event.key+".authorizer"
	kind, name := "", a
	if a.Kind == document.Map {
		kind, name = a.Get("type").TextOr(""), a.Get("name")
	}
	if kind == "aws_iam" {
		p.Set("AuthorizationType", document.Str("AWS_IAM", a.Pos))
		return
	}
	id := build.First(a.Get("id"))
	if id == nil {
		def := conf.Get("authorizers").Get(name.TextOr(""))
		if def == nil {
			c.errorf(a, key, "provider.httpApi.authorizers has no authorizer %q", name.TextOr(""))
			return
		}
		kind = def.Get("type").TextOr("")
		// The id is made of the authorizer's own name where it has one.
		id = build.Ref(a.Pos, "HttpApiAuthorizer"+normalized(def.Get("name").TextOr(name.TextOr(""))))
	}
	auth := "JWT"
	if kind == "request" {
		auth = "CUSTOM"
	}
	p.Set("AuthorizationType", document.Str(auth, a.Pos))
	p.Set("AuthorizerId", id)
	if scopes := a.Get("scopes"); build.Given(scopes) {
		p.Set("AuthorizationScopes", build.Texts(scopes.Pos, scopes.Strings()))
	}
}

// httpTimeout warns, once per function, where the API gives up first.
func (c *compiler) httpTimeout(r httpRoute) {
	n := build.First(r.f.node.Get("timeout"), c.provider.Get("timeout"))
	if s := n.IntegerOr(6); s >= 30 && r.f.count("httpApi timeout") == 1 {
		c.warnf(n, "functions."+r.f.key+".timeout", "an HTTP API waits 30 seconds, the function may take %d", s)
	}
}
