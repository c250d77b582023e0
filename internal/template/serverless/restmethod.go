package serverless

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// itoa is a number inside an id.
func itoa(n int) string { return strconv.Itoa(n) }

// method makes one method with its permission, authorizer and validation.
func (r *rest) method(e restEvent) {
	at, f := e.pos, e.f
	permission := normalized(f.key) + "LambdaPermissionApiGateway"
	r.add(at, permission, "AWS::Lambda::Permission", build.Object(at,
		"FunctionName", f.arn(at), "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com",
		"SourceArn", build.ExecuteARN(at, r.api, "/*/*")), f.aliasID)
	p := build.Object(at,
		"HttpMethod", e.method,
		"RequestParameters", requestParameters(e),
		"ResourceId", r.resource(e.path, at),
		"RestApiId", r.api,
		"OperationName", build.First(e.conf.Get("operationId")),
		"ApiKeyRequired", e.conf.Get("private").TruthOr(false))
	needs := []string{permission, f.aliasID}
	if id := r.authorize(e, p); id != "" {
		needs = append(needs, id)
	}
	p.Set("Integration", r.integration(e))
	p.Set("MethodResponses", r.methodResponses(e))
	r.validation(e, p)
	id := restMethodID(normalizedPath(e.path), e.method)
	if r.resources.Get(id) != nil && e.method != "OPTIONS" {
		r.msgs.Add(diag.Errorf(at, e.key, "the method %s /%s is already taken", e.method, e.path))
	}
	r.add(at, id, "AWS::ApiGateway::Method", p, needs...)
	r.methods = append(r.methods, id)
}

// parameter is one request parameter: method.request.path.id and what it maps to.
type parameter struct {
	name     string
	required *document.Node
	mapped   string
}

// parameters reads request.parameters.
func parameters(e restEvent) []parameter {
	var out []parameter
	conf := e.conf.Get("request").Get("parameters")
	for _, place := range [][2]string{{"querystrings", "querystring"}, {"paths", "path"}, {"headers", "header"}} {
		for _, m := range build.Members(conf.Get(place[0])) {
			p := parameter{name: "method.request." + place[1] + "." + m.Key, required: m.Value}
			p.mapped = p.name
			if m.Value.Kind == document.Map {
				p.mapped = m.Value.Get("mappedValue").TextOr(p.name)
				if p.required = m.Value.Get("required"); p.required.IsNull() {
					p.required = document.Boolean(true, m.Value.Pos)
				}
			}
			out = append(out, p)
		}
	}
	return out
}

// requestParameters tells which parameters are required.
func requestParameters(e restEvent) *document.Node {
	out := document.Object(e.pos)
	for _, p := range parameters(e) {
		out.Set(p.name, p.required)
	}
	return out
}

// integration says what the method calls.
func (r *rest) integration(e restEvent) *document.Node {
	at, request, response := e.pos, e.conf.Get("request"), e.conf.Get("response")
	p := build.Object(at, "IntegrationHttpMethod", "POST", "Type", e.integration,
		"TimeoutInMillis", build.First(e.conf.Get("timeoutInMillis"), r.conf.Get("timeoutInMillis")))
	stream := false
	if m := response.Get("transferMode"); build.Given(m) {
		if e.integration != "AWS_PROXY" && e.integration != "HTTP_PROXY" {
			r.errorf(m, e.key+".response.transferMode", "only proxy integrations stream, not %s", e.integration)
		}
		p.Set("ResponseTransferMode", build.Upper(m))
		stream = build.Upper(m).Text == "STREAM"
	}
	switch e.integration {
	case "AWS", "AWS_PROXY":
		p.Set("Uri", restLambdaURI(e, stream && e.integration == "AWS_PROXY"))
	case "HTTP", "HTTP_PROXY":
		if !build.Given(request.Get("uri")) {
			r.msgs.Add(diag.Errorf(at, e.key, "an integration of type %s needs request.uri", e.integration))
		}
		p.Set("Uri", request.Get("uri"))
		p.Set("IntegrationHttpMethod", document.Str(strings.ToUpper(request.Get("method").TextOr(e.method)), at))
		if t := e.conf.Get("connectionType"); build.Given(t) {
			p.Set("ConnectionType", document.Str(strings.ReplaceAll(build.Upper(t).Text, "-", "_"), t.Pos))
			p.Set("ConnectionId", e.conf.Get("connectionId"))
		}
	case "MOCK":
	default:
		r.msgs.Add(diag.Errorf(at, e.key+".integration", "there is no integration %q", e.conf.Get("integration").TextOr("")).
			WithHint("lambda-proxy, lambda, http, http-proxy and mock"))
	}
	if e.integration == "AWS" || e.integration == "HTTP" || e.integration == "MOCK" {
		pass := build.First(request.Get("passThrough"))
		if pass == nil && e.integration == "AWS" {
			pass = document.Str("NEVER", at)
		}
		p.Set("PassthroughBehavior", pass)
		p.Set("ContentHandling", build.First(request.Get("contentHandling")))
		p.Set("RequestTemplates", r.requestTemplates(e))
		p.Set("IntegrationResponses", r.integrationResponses(e))
	}
	mapped := document.Object(at)
	if e.integration != "AWS_PROXY" && e.integration != "MOCK" {
		for _, x := range parameters(e) {
			mapped.Set("integration."+strings.TrimPrefix(x.name, "method."), document.Str(x.mapped, at))
		}
	}
	if e.conf.Get("async").TruthOr(false) {
		mapped.Set("integration.request.header.X-Amz-Invocation-Type", document.Str("'Event'", at))
	}
	if len(mapped.Members) > 0 {
		p.Set("RequestParameters", mapped)
	}
	return p
}

// restLambdaURI names the function; streamed responses use another path.
func restLambdaURI(e restEvent, stream bool) *document.Node {
	at, version, tail := e.pos, "2015-03-31", "/invocations"
	if stream {
		version, tail = "2021-11-15", "/response-streaming-invocations"
	}
	parts := []any{"arn:", build.Ref(at, "AWS::Partition"), ":apigateway:", build.Ref(at, "AWS::Region"),
		":lambda:path/" + version + "/functions/", build.GetAtt(at, e.f.id, "Arn")}
	if e.f.alias != "" {
		parts = append(parts, ":", e.f.alias)
	}
	return build.Join(at, "", append(parts, tail)...)
}

// restAuthorizer guards a method.
type restAuthorizer struct {
	kind     string // upper case, "" for a token authorizer
	name     string
	arn      *document.Node
	id       *document.Node // of one that exists already
	function *function
	conf     *document.Node // the object form, or nil
	pos      diag.Position
}

// cognito tells whether a user pool does the checking.
func (a *restAuthorizer) cognito() bool {
	return a.kind == "COGNITO_USER_POOLS" || a.arn.IsScalar() && strings.Contains(a.arn.Text, ":cognito-idp:")
}

// restAuthorizer reads the authorizer of an event.
func (c *compiler) restAuthorizer(e restEvent, n *document.Node) *restAuthorizer {
	a := &restAuthorizer{pos: n.Pos}
	key := e.key + ".authorizer"
	named, arn := n, (*document.Node)(nil)
	if n.Kind == document.Map {
		a.conf, a.kind = n, build.Upper(n.Get("type")).Text
		named, arn = n.Get("name"), n.Get("arn")
		if a.kind != "" && build.Given(n.Get("authorizerId")) {
			a.id = n.Get("authorizerId")
			return a
		}
	} else if strings.Contains(n.TextOr(""), ":") {
		named, arn = nil, n
	} else if strings.EqualFold(n.TextOr(""), "aws_iam") {
		a.kind = "AWS_IAM"
	}
	if a.kind == "AWS_IAM" {
		return a
	}
	switch {
	case build.Given(arn):
		a.arn, a.name = arn, named.TextOr("")
		if a.name == "" {
			if !arn.IsScalar() {
				c.errorf(n, key, "an ARN that is not plain text needs a name beside it")
				return nil
			}
			// What follows the last - of the function's name.
			name := arn.Text[strings.LastIndexByte(arn.Text, ':')+1:]
			a.name = name[strings.LastIndexByte(name, '-')+1:]
		}
	case build.Given(named):
		a.name = named.TextOr("")
		if a.function = c.byKey[a.name]; a.function == nil {
			c.noFunction(named, key)
			return nil
		}
		a.arn = a.function.arn(named.Pos)
	default:
		c.errorf(n, key, "the authorizer has neither a name nor an arn")
		return nil
	}
	return a
}

// authorize sets a method's authorization, makes the authorizer, and returns
// its id when the method has to wait for it.
func (r *rest) authorize(e restEvent, p *document.Node) string {
	a := e.authorizer
	auth := func(s string) { p.Set("AuthorizationType", document.Str(s, e.pos)) }
	switch {
	case a == nil:
		auth("NONE")
		return ""
	case a.kind == "AWS_IAM":
		auth("AWS_IAM")
		return ""
	}
	id := ""
	if a.id != nil {
		p.Set("AuthorizerId", a.id)
	} else {
		id = normalized(a.name) + "ApiGatewayAuthorizer"
		r.authorizer(id, a)
		p.Set("AuthorizerId", build.Ref(e.pos, id))
	}
	if a.cognito() {
		auth("COGNITO_USER_POOLS")
		if s := a.conf.Get("scopes"); build.Given(s) && len(s.Items) > 0 {
			p.Set("AuthorizationScopes", s)
		}
		return id
	}
	auth("CUSTOM")
	return id
}

// authorizer makes the authorizer and lets it call its function. Only the
// object form sets how long answers are kept: 300 seconds if it does not say.
func (r *rest) authorizer(id string, a *restAuthorizer) {
	at := a.pos
	ttl := build.UnlessNull(a.conf.Get("resultTtlInSeconds"))
	if ttl == nil && a.conf != nil {
		ttl = document.Int(300, at)
	}
	source := build.First(a.conf.Get("identitySource"))
	if source == nil && !(a.kind == "REQUEST" && ttl.IntegerOr(300) == 0) {
		source = document.Str("method.request.header.Authorization", at)
	}
	p := build.Object(at, "AuthorizerResultTtlInSeconds", ttl, "IdentitySource", source, "Name", a.name, "RestApiId", r.api,
		"IdentityValidationExpression", build.First(a.conf.Get("identityValidationExpression")))
	alias := ""
	if a.function != nil {
		alias = a.function.aliasID
	}
	if a.cognito() {
		p.Set("Type", document.Str("COGNITO_USER_POOLS", at))
		p.Set("ProviderARNs", build.List(at, a.arn))
	} else {
		p.Set("AuthorizerUri", build.LambdaURI(at, a.arn))
		p.Set("Type", document.Str(cmp.Or(a.kind, "TOKEN"), at))
		if !a.conf.Get("managedExternally").TruthOr(false) {
			r.add(at, normalized(a.name)+"LambdaPermissionApiGateway", "AWS::Lambda::Permission", build.Object(at,
				"FunctionName", a.arn, "Action", "lambda:InvokeFunction", "Principal", "apigateway.amazonaws.com",
				"SourceArn", build.ExecuteARN(at, r.api, "/*/*")), alias)
		}
	}
	r.add(at, id, "AWS::ApiGateway::Authorizer", p, alias)
}

// validation makes the request validator and models that a method asks for.
func (r *rest) validation(e restEvent, p *document.Node) {
	needed := false
	for _, x := range parameters(e) {
		needed = needed || x.required.TruthOr(false)
	}
	request := e.conf.Get("request")
	schemas := request.Get("schemas")
	if schemas.IsNull() {
		schemas = request.Get("schema")
	}
	models := document.Object(e.pos)
	for _, m := range build.Members(schemas) {
		models.Set(m.Key, build.Ref(m.KeyPos, r.model(e, m)))
	}
	if len(models.Members) > 0 {
		p.Set("RequestModels", models)
		needed = true
	}
	if !needed {
		return
	}
	id := "ApiGateway" + normalizedText(r.service) + "RequestValidator"
	if r.resources.Get(id) == nil {
		r.add(e.pos, id, "AWS::ApiGateway::RequestValidator", build.Object(e.pos,
			"RestApiId", r.api, "ValidateRequestBody", true, "ValidateRequestParameters", true,
			"Name", r.service+"-"+r.Stage+" | Validate request body and querystring parameters"))
	}
	p.Set("RequestValidatorId", build.Ref(e.pos, id))
}

// model makes the model for one content type; a name means one of
// provider.apiGateway.request.schemas.
func (r *rest) model(e restEvent, m document.Member) string {
	id := restMethodID(normalizedPath(e.path), e.method) + startCase(m.Key) + "Model"
	def, contentType := m.Value, m.Key
	if def.IsScalar() {
		if shared := r.conf.Get("request").Get("schemas").Get(def.Text); shared != nil {
			id, def, contentType = "ApiGateway"+camelWords(def.Text)+"Model", shared, "application/json"
		}
	}
	p := build.Object(m.Value.Pos, "RestApiId", r.api, "ContentType", contentType)
	if s := def.Get("schema"); s != nil && s.Kind == document.Map {
		p.Set("Schema", s)
		p.Set("Name", build.UnlessNull(def.Get("name")))
		p.Set("Description", build.UnlessNull(def.Get("description")))
	} else {
		p.Set("Schema", def)
	}
	r.add(m.Value.Pos, id, "AWS::ApiGateway::Model", p)
	return id
}
