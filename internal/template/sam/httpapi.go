package sam

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// httpProperties are the properties of AWS::Serverless::HttpApi.
var httpProperties = strings.Fields(`Name StageName Tags PropagateTags DefinitionBody DefinitionUri StageVariables
	CorsConfiguration AccessLogSettings DefaultRouteSettings Auth RouteSettings Domain FailOnWarnings Description
	DisableExecuteApiEndpoint`)

// httpAPI translates AWS::Serverless::HttpApi. In AWS, SAM writes the routes
// into an OpenAPI Body; here each is a Route and an Integration, which says
// the same and is what API Gateway makes of the Body.
func (a *api) httpAPI() {
	a.check(httpProperties)
	props := object(a.pos, "ProtocolType", text("HTTP", a.pos))
	body := a.definition()
	props.Set("Name", a.apiName(body))
	a.copy(props, "Description", "DisableExecuteApiEndpoint", "FailOnWarnings")
	props.Set("CorsConfiguration", a.cors(body))
	props.Set("Tags", a.tagMap("httpapi:createdBy"))
	a.main("AWS::ApiGatewayV2::Api", props)

	auth := a.httpAuthorizers(body)
	for _, r := range a.routes {
		a.httpRoute(r, auth)
	}
	a.httpStage()
}

// apiName is the API's name: given, the title of its document, or the stack.
func (a *api) apiName(body *document.Node) *document.Node {
	if name := a.props.Get("Name"); !name.IsNull() {
		return name
	}
	if title := body.Get("info").Get("title"); !title.IsNull() {
		return title
	}
	return ref("AWS::StackName", a.pos)
}

// cors is CorsConfiguration; true allows every origin.
func (a *api) cors(body *document.Node) *document.Node {
	given := a.props.Get("CorsConfiguration")
	if given.IsNull() {
		return renamed(body.Get("x-amazon-apigateway-cors"), capitalised)
	}
	if all, ok := given.Truth(); ok {
		if !all {
			return nil
		}
		return object(given.Pos, "AllowOrigins", list(given.Pos, "*"))
	}
	if given.Kind != document.Map {
		a.errorf(given, "CorsConfiguration", "CorsConfiguration is true or an object")
		return nil
	}
	return given
}

// renamed copies an object with its keys changed; nil stays nil.
func renamed(n *document.Node, rename func(string) string) *document.Node {
	if n.IsNull() || n.Kind != document.Map {
		return nil
	}
	out := document.Object(n.Pos)
	for _, m := range n.Members {
		m.Key = rename(m.Key)
		out.Members = append(out.Members, m)
	}
	return out
}

// httpStage makes the one stage of an HTTP API. It deploys by itself, so that
// no Deployment is needed.
func (a *api) httpStage() {
	props := object(a.pos, "ApiId", ref(a.id, a.pos))
	stage := a.props.Get("StageName")
	if stage.IsNull() {
		stage = text("$default", a.pos)
	}
	props.Set("StageName", stage).Set("AutoDeploy", document.Boolean(true, a.pos))
	a.copy(props, "AccessLogSettings", "DefaultRouteSettings", "StageVariables")
	settings := a.props.Get("RouteSettings")
	for _, r := range a.routes {
		if s := r.props.Get("RouteSettings"); !s.IsNull() {
			if !r.condition.IsNull() {
				s = object(s.Pos, "Fn::If", document.Seq(s.Pos, r.condition, s, ref("AWS::NoValue", s.Pos)))
			}
			settings = merge(object(s.Pos, r.routeKey(), s), settings)
		}
	}
	props.Set("RouteSettings", settings).Set("Tags", a.tagMap("httpapi:createdBy"))
	id := a.stageID("ApiGatewayDefaultStage")
	a.add(id, "AWS::ApiGatewayV2::Stage", props)
	a.t.refer(a.id, "Stage", id)
}

// routeKey is "GET /path" or "$default".
func (r *route) routeKey() string {
	if r.path == "" {
		return "$default"
	}
	return r.method + " " + r.path
}

// httpRoute makes a route and the integration behind it. Payload format 2.0 is
// what SAM writes when the event does not say.
func (a *api) httpRoute(r *route, auth *authorizers) {
	props := object(r.at, "ApiId", ref(a.id, r.at))
	if r.integration != nil {
		a.documentIntegration(props, r)
	} else {
		version := r.props.Get("PayloadFormatVersion")
		if version.IsNull() {
			version = text("2.0", r.at)
		}
		props.Set("IntegrationType", text("AWS_PROXY", r.at)).
			Set("IntegrationMethod", text("POST", r.at)).
			Set("IntegrationUri", invocation(r.target, r.at)).
			Set("PayloadFormatVersion", version).
			Set("TimeoutInMillis", r.props.Get("TimeoutInMillis"))
	}
	a.addRouteResource(r.id+"Integration", "AWS::ApiGatewayV2::Integration", r, props)

	props = object(r.at, "ApiId", ref(a.id, r.at)).
		Set("RouteKey", text(r.routeKey(), r.at)).
		Set("Target", object(r.at, "Fn::Join", document.Seq(r.at, text("/", r.at),
			document.Seq(r.at, text("integrations", r.at), ref(r.id+"Integration", r.at)))))
	auth.secure(a, r, props)
	a.addRouteResource(r.id+"Route", "AWS::ApiGatewayV2::Route", r, props)
}

// httpAuthorizers makes the authorizers of Auth and of an OpenAPI document.
func (a *api) httpAuthorizers(body *document.Node) *authorizers {
	config := a.props.Get("Auth")
	auth := &authorizers{standard: config.Get("DefaultAuthorizer").TextOr(""), kinds: map[string]string{}, scopes: map[string]*document.Node{}}
	if on, _ := config.Get("EnableIamAuthorizer").Truth(); on {
		auth.kinds["AWS_IAM"] = "AWS_IAM"
	}
	for _, m := range membersOf(config.Get("Authorizers")) {
		a.httpAuthorizer(m, auth)
	}
	for _, m := range membersOf(body.Get("components").Get("securitySchemes")) {
		if x := m.Value.Get("x-amazon-apigateway-authorizer"); !x.IsNull() {
			a.documentAuthorizer(m, x, auth)
		}
	}
	if auth.standard != "" && auth.kinds[auth.standard] == "" {
		a.errorf(config.Get("DefaultAuthorizer"), "Auth.DefaultAuthorizer", "the API has no authorizer %q", auth.standard).
			WithHint("%s", diag.DidYouMean(auth.standard, config.Get("Authorizers").Keys()))
	}
	return auth
}

// httpAuthorizer makes one entry of Auth.Authorizers: a Lambda authorizer
// when it names a function, else a JWT one.
func (a *api) httpAuthorizer(m document.Member, auth *authorizers) {
	n, at := m.Value, m.KeyPos
	id := a.id + plain(m.Key) + "Authorizer"
	props := object(at, "ApiId", ref(a.id, at)).Set("Name", text(m.Key, at))
	fn := n.Get("FunctionArn")
	if fn.IsNull() {
		jwt := renamed(n.Get("JwtConfiguration"), capitalised)
		if jwt == nil {
			a.errorf(n, "Auth.Authorizers."+m.Key, "an authorizer has a FunctionArn or a JwtConfiguration")
			return
		}
		props.Set("AuthorizerType", text("JWT", at)).Set("JwtConfiguration", jwt)
		if source := n.Get("IdentitySource"); !source.IsNull() {
			props.Set("IdentitySource", asList(source))
		}
		auth.kinds[m.Key] = "JWT"
		auth.scopes[m.Key] = n.Get("AuthorizationScopes")
		a.add(id, "AWS::ApiGatewayV2::Authorizer", props)
		return
	}
	props.Set("AuthorizerType", text("REQUEST", at)).
		Set("AuthorizerUri", functionInvocation(fn)).
		Set("AuthorizerPayloadFormatVersion", n.Get("AuthorizerPayloadFormatVersion")).
		Set("EnableSimpleResponses", n.Get("EnableSimpleResponses"))
	if n.Get("AuthorizerPayloadFormatVersion").IsNull() {
		a.errorf(n, "Auth.Authorizers."+m.Key+".AuthorizerPayloadFormatVersion", "a Lambda authorizer needs this property").
			WithHint("1.0 or 2.0")
	}
	if invoke := n.Get("FunctionInvokeRole"); !invoke.IsNull() && invoke.TextOr("") != "NONE" {
		props.Set("AuthorizerCredentialsArn", invoke)
	}
	identity := n.Get("Identity")
	if sources := identitySources(identity, "$request.header.", "$request.querystring.", "$stageVariables.", "$context."); len(sources) > 0 {
		props.Set("IdentitySource", list(at, sources...))
	}
	props.Set("AuthorizerResultTtlInSeconds", identity.Get("ReauthorizeEvery"))
	auth.kinds[m.Key] = "CUSTOM"
	a.add(id, "AWS::ApiGatewayV2::Authorizer", props)
	if on, _ := n.Get("EnableFunctionDefaultPermissions").Truth(); on {
		a.authorizerPermission(m.Key, fn)
	}
}

// identitySources are the values an authorizer's result is kept by.
func identitySources(identity *document.Node, header, query, stage, context string) []string {
	var out []string
	for _, kind := range []struct{ key, prefix string }{
		{"Headers", header}, {"QueryStrings", query}, {"StageVariables", stage}, {"Context", context},
	} {
		for _, name := range identity.Get(kind.key).Strings() {
			out = append(out, kind.prefix+name)
		}
	}
	return out
}

// authorizerPermission lets API Gateway call an authorizer's function.
func (a *api) authorizerPermission(name string, fn *document.Node) {
	source := sub(executeAPI+"${__ApiId__}/authorizers/*", a.pos, object(a.pos, "__ApiId__", ref(a.id, a.pos)))
	a.add(a.id+plain(name)+"AuthorizerPermission", "AWS::Lambda::Permission",
		object(a.pos, "Action", text("lambda:InvokeFunction", a.pos)).
			Set("FunctionName", fn).
			Set("Principal", text("apigateway.amazonaws.com", a.pos)).
			Set("SourceArn", source))
}

func asList(n *document.Node) *document.Node {
	if n.Kind == document.List || intrinsic(n) {
		return n
	}
	return document.Seq(n.Pos, n)
}

// authorizers are those of one API.
type authorizers struct {
	standard string                    // the default one, "" for none
	kinds    map[string]string         // AuthorizationType by name
	scopes   map[string]*document.Node // of JWT authorizers, by name
}

// secure sets the authorization of a route: what its event says, else the
// API's default.
func (auth *authorizers) secure(a *api, r *route, props *document.Node) {
	config := r.props.Get("Auth")
	name := config.Get("Authorizer").TextOr(auth.standard)
	scopes := config.Get("AuthorizationScopes")
	if r.security != nil {
		for _, it := range r.security.Items {
			for _, m := range it.Members {
				if auth.kinds[m.Key] != "" {
					name, scopes = m.Key, m.Value
				}
			}
		}
	}
	if name == "" || name == "NONE" {
		return
	}
	kind := auth.kinds[name]
	if kind == "" && name == "AWS_IAM" {
		kind = "AWS_IAM"
		if a.typ == httpType {
			a.t.msgs.Add(diag.Errorf(config.Get("Authorizer").Position(), r.key+".Auth.Authorizer", "%s does not allow AWS_IAM", a.id).
				WithHint("set Auth.EnableIamAuthorizer on the API"))
		}
	}
	if kind == "" {
		var known []string
		for k := range auth.kinds {
			known = append(known, k)
		}
		a.t.msgs.Add(diag.Errorf(config.Get("Authorizer").Position(), r.key+".Auth.Authorizer", "%s has no authorizer %q", a.id, name).
			WithHint("%s", diag.DidYouMean(name, known)))
		return
	}
	props.Set("AuthorizationType", text(kind, r.at))
	if kind == "AWS_IAM" {
		return
	}
	props.Set("AuthorizerId", ref(a.id+plain(name)+"Authorizer", r.at))
	if scopes.IsNull() {
		scopes = auth.scopes[name]
	}
	if kind == "JWT" || kind == "COGNITO_USER_POOLS" {
		if scopes != nil && len(scopes.Items) > 0 {
			props.Set("AuthorizationScopes", scopes)
		}
	}
}
