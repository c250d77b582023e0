package sam

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// definition reads the OpenAPI document of an API (DefinitionBody or
// DefinitionUri) and makes its paths routes. As in SAM, events of functions
// add nothing to an API that has a document of its own, unless
// MergeDefinitions asks for it.
func (a *api) definition() *document.Node {
	body := a.props.Get("DefinitionBody")
	if include := body.Get("Fn::Transform"); !include.IsNull() {
		body = a.document(include.Get("Parameters").Get("Location"), "DefinitionBody")
	} else if body.IsNull() && !a.props.Get("DefinitionUri").IsNull() {
		body = a.document(a.props.Get("DefinitionUri"), "DefinitionUri")
	}
	if body.IsNull() {
		return nil
	}
	events := a.routes
	a.routes = nil
	if both, _ := a.props.Get("MergeDefinitions").Truth(); both {
		a.routes = events
	}
	for _, path := range membersOf(body.Get("paths")) {
		for i := range membersOf(path.Value) {
			a.documentRoute(path.Key, &path.Value.Members[i])
		}
	}
	return body
}

// document reads a local OpenAPI file.
func (a *api) document(location *document.Node, property string) *document.Node {
	name, ok := location.Scalar()
	if !ok || strings.HasPrefix(name, "s3:") {
		a.errorf(location, property, "the API's document lies in S3, which is not possible on this machine").
			WithHint("name a local file")
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(a.t.dir, filepath.FromSlash(name))
	}
	body, msgs, err := document.ReadFile(name)
	a.t.msgs.Add(msgs...)
	if err != nil && !msgs.HasErrors() {
		a.errorf(location, property, "%v", err)
	}
	return body
}

// documentMethods are the keys of a path that are operations.
var documentMethods = map[string]string{
	"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH",
	"x-amazon-apigateway-any-method": "ANY",
}

// documentRoute makes a route of one operation. API Gateway leaves operations
// without an integration out of an HTTP API, and so does this.
func (a *api) documentRoute(path string, m *document.Member) {
	method := documentMethods[strings.ToLower(m.Key)]
	if method == "" {
		return
	}
	r := &route{
		path: path, method: method, at: m.KeyPos, key: a.key("paths." + path + "." + m.Key),
		props: document.Object(m.KeyPos), security: m.Value.Get("security"),
		integration: m.Value.Get("x-amazon-apigateway-integration"),
	}
	if r.integration.IsNull() {
		a.t.msgs.Add(diag.Warningf(m.KeyPos, r.key, "the operation has no x-amazon-apigateway-integration; it is left out"))
		return
	}
	if path == "$default" {
		r.path, r.method = "", ""
	}
	r.id = a.id + capitalised(strings.ToLower(method))
	for _, part := range strings.Split(path, "/") {
		r.id += capitalised(plain(part))
	}
	for base, i := r.id, 2; a.hasRoute(r.id); i++ {
		r.id = base + strconv.Itoa(i)
	}
	a.routes = append(a.routes, r)
}

func (a *api) hasRoute(id string) bool {
	for _, r := range a.routes {
		if r.id == id {
			return true
		}
	}
	return false
}

// pass copies members under other names.
func pass(to, from *document.Node, names ...string) {
	for i := 0; i+1 < len(names); i += 2 {
		if v := from.Get(names[i]); !v.IsNull() {
			to.Set(names[i+1], v)
		}
	}
}

// documentIntegration writes an integration of a document as the properties
// of AWS::ApiGatewayV2::Integration.
func (a *api) documentIntegration(props *document.Node, r *route) {
	x := r.integration
	props.Set("IntegrationType", text(strings.ToUpper(x.Get("type").TextOr("")), x.Pos))
	pass(props, x, "uri", "IntegrationUri", "httpMethod", "IntegrationMethod", "payloadFormatVersion", "PayloadFormatVersion",
		"timeoutInMillis", "TimeoutInMillis", "connectionId", "ConnectionId", "connectionType", "ConnectionType",
		"credentials", "CredentialsArn", "requestParameters", "RequestParameters", "responseParameters", "ResponseParameters",
		"integrationSubtype", "IntegrationSubtype", "description", "Description")
}

// documentMethod writes an operation of a document as the properties of
// AWS::ApiGateway::Method.
func (a *api) documentMethod(props *document.Node, r *route) {
	x := r.integration
	out := object(x.Pos, "Type", text(strings.ToUpper(x.Get("type").TextOr("")), x.Pos))
	pass(out, x, "uri", "Uri", "httpMethod", "IntegrationHttpMethod", "timeoutInMillis", "TimeoutInMillis",
		"connectionId", "ConnectionId", "connectionType", "ConnectionType", "credentials", "Credentials",
		"requestParameters", "RequestParameters", "requestTemplates", "RequestTemplates",
		"passthroughBehavior", "PassthroughBehavior", "contentHandling", "ContentHandling",
		"cacheKeyParameters", "CacheKeyParameters", "cacheNamespace", "CacheNamespace",
		"responseTransferMode", "ResponseTransferMode")
	responses, codes := document.Seq(x.Pos), document.Seq(x.Pos)
	for _, m := range membersOf(x.Get("responses")) {
		one := document.Object(m.KeyPos)
		if m.Key != "default" {
			one.Set("SelectionPattern", text(m.Key, m.KeyPos))
		}
		pass(one, m.Value, "statusCode", "StatusCode", "responseTemplates", "ResponseTemplates",
			"responseParameters", "ResponseParameters", "contentHandling", "ContentHandling")
		responses.Items = append(responses.Items, one)
		code := object(m.KeyPos, "StatusCode", one.Get("StatusCode"))
		params := document.Object(m.KeyPos)
		for _, p := range membersOf(one.Get("ResponseParameters")) {
			params.Set(p.Key, document.Boolean(false, p.KeyPos))
		}
		if len(params.Members) > 0 {
			code.Set("ResponseParameters", params)
		}
		codes.Items = append(codes.Items, code)
	}
	if len(responses.Items) > 0 {
		out.Set("IntegrationResponses", responses)
		props.Set("MethodResponses", codes)
	}
	props.Set("Integration", out)
}

// documentAuthorizer makes an authorizer of a document's security scheme.
func (a *api) documentAuthorizer(m document.Member, x *document.Node, auth *authorizers) {
	id := a.id + plain(m.Key) + "Authorizer"
	kind := strings.ToUpper(x.Get("type").TextOr(""))
	props := object(m.KeyPos, "Name", text(m.Key, m.KeyPos))
	auth.kinds[m.Key] = map[string]string{"JWT": "JWT", "COGNITO_USER_POOLS": "COGNITO_USER_POOLS"}[kind]
	if auth.kinds[m.Key] == "" {
		auth.kinds[m.Key] = "CUSTOM"
	}
	if a.typ == httpType {
		props.Set("ApiId", ref(a.id, m.KeyPos)).Set("AuthorizerType", text(kind, m.KeyPos))
		pass(props, x, "authorizerUri", "AuthorizerUri", "authorizerCredentials", "AuthorizerCredentialsArn",
			"authorizerResultTtlInSeconds", "AuthorizerResultTtlInSeconds",
			"authorizerPayloadFormatVersion", "AuthorizerPayloadFormatVersion", "enableSimpleResponses", "EnableSimpleResponses")
		if source := x.Get("identitySource"); !source.IsNull() {
			props.Set("IdentitySource", asList(source))
		}
		props.Set("JwtConfiguration", renamed(x.Get("jwtConfiguration"), capitalised))
		a.add(id, "AWS::ApiGatewayV2::Authorizer", props)
		return
	}
	props.Set("RestApiId", ref(a.id, m.KeyPos)).Set("Type", text(kind, m.KeyPos))
	pass(props, x, "authorizerUri", "AuthorizerUri", "authorizerCredentials", "AuthorizerCredentials",
		"authorizerResultTtlInSeconds", "AuthorizerResultTtlInSeconds", "identitySource", "IdentitySource",
		"identityValidationExpression", "IdentityValidationExpression", "providerARNs", "ProviderARNs")
	if props.Get("IdentitySource").IsNull() && kind != "REQUEST" {
		props.Set("IdentitySource", text("method.request.header."+m.Value.Get("name").TextOr("Authorization"), m.KeyPos))
	}
	a.add(id, "AWS::ApiGateway::Authorizer", props)
}
