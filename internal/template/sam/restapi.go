package sam

import (
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// restProperties are the properties of AWS::Serverless::Api.
var restProperties = strings.Fields(`Name StageName Tags PropagateTags DefinitionBody DefinitionUri MergeDefinitions
	CacheClusterEnabled CacheClusterSize Variables EndpointConfiguration MethodSettings BinaryMediaTypes
	MinimumCompressionSize Cors Auth GatewayResponses AccessLogSetting CanarySetting TracingEnabled OpenApiVersion Models
	Domain FailOnWarnings Description Mode DisableExecuteApiEndpoint ApiKeySourceType AlwaysDeploy Policy SecurityPolicy
	EndpointAccessMode`)

// restAPI translates AWS::Serverless::Api. In AWS, SAM writes the routes into
// an OpenAPI Body; here they are Resources and Methods. A stage called
// "Stage", which SAM's deployment adds for old templates without
// OpenApiVersion, is not made.
func (a *api) restAPI() {
	a.check(restProperties, "StageName")
	body := a.definition()
	props := object(a.pos, "Name", a.apiName(body))
	a.copy(props, "Description", "MinimumCompressionSize", "DisableExecuteApiEndpoint", "ApiKeySourceType", "Policy",
		"FailOnWarnings", "Mode", "SecurityPolicy", "EndpointAccessMode")
	props.Set("BinaryMediaTypes", a.binaryMediaTypes(body))
	props.Set("EndpointConfiguration", a.endpointConfiguration())
	if !a.props.Get("Tags").IsNull() {
		props.Set("Tags", a.tags(""))
	}
	a.main("AWS::ApiGateway::RestApi", props)

	from := len(a.out)
	auth := a.restAuthorizers(body)
	paths := a.restResources()
	for _, r := range a.routes {
		a.restMethod(r, auth, paths[r.path])
	}
	a.corsMethods(paths)
	a.gatewayResponses()
	a.restStage(a.out[from:])
	a.usagePlan()
	if v := a.props.Get("Models"); !v.IsNull() {
		a.warnf(v, "Models", "request models are not checked on this machine")
	}
	if v := a.props.Get("Auth").Get("ResourcePolicy"); !v.IsNull() {
		a.warnf(v, "Auth.ResourcePolicy", "the resource policy is not applied on this machine")
	}
}

// binaryMediaTypes are written with ~1 for the slash in SAM templates.
func (a *api) binaryMediaTypes(body *document.Node) *document.Node {
	given := a.props.Get("BinaryMediaTypes")
	if given.IsNull() {
		given = body.Get("x-amazon-apigateway-binary-media-types")
	}
	if given.IsNull() || given.Kind != document.List {
		return given
	}
	out := document.Seq(given.Pos)
	for _, it := range given.Items {
		if s, ok := it.Scalar(); ok {
			it = text(strings.ReplaceAll(s, "~1", "/"), it.Pos)
		}
		out.Items = append(out.Items, it)
	}
	return out
}

// endpointConfiguration turns SAM's short form, one type alone, into the list
// that CloudFormation takes.
func (a *api) endpointConfiguration() *document.Node {
	given := a.props.Get("EndpointConfiguration")
	if given.IsNull() {
		return nil
	}
	kind := given
	if given.Kind == document.Map && !intrinsic(given) {
		kind = given.Get("Type")
	}
	out := document.Object(given.Pos)
	if !kind.IsNull() {
		out.Set("Types", document.Seq(kind.Pos, kind))
	}
	return out.Set("VpcEndpointIds", given.Get("VPCEndpointIds")).Set("IpAddressType", given.Get("IpAddressType"))
}

// restPath is a path of the API and the Resource made for it.
type restPath struct {
	id     string // "" for the root
	routes []*route
	below  []*route // on it and under it
}

// resourceID is what ResourceId and ParentId take.
func (a *api) resourceID(p *restPath) *document.Node {
	if p.id == "" {
		return getAtt(a.id, "RootResourceId", a.pos)
	}
	return ref(p.id, a.pos)
}

// restResources makes one Resource for every part of every path.
func (a *api) restResources() map[string]*restPath {
	paths := map[string]*restPath{"": {}}
	var order []string
	used := map[string]bool{}
	for _, r := range a.routes {
		parts := strings.Split(strings.Trim(r.path, "/"), "/")
		path := ""
		for _, part := range parts {
			if part == "" {
				continue
			}
			path += "/" + part
			p := paths[path]
			if p == nil {
				p = &restPath{id: a.pathID(path, used)}
				paths[path] = p
				order = append(order, path)
			}
			p.below = append(p.below, r)
		}
		paths[path].routes = append(paths[path].routes, r)
		paths[r.path] = paths[path]
	}
	for _, path := range order {
		p := paths[path]
		slash := strings.LastIndexByte(path, '/')
		n := a.addRouteResource(p.id, "AWS::ApiGateway::Resource", p.below[0], object(p.below[0].at, "RestApiId", ref(a.id, a.pos)).
			Set("ParentId", a.resourceID(paths[path[:slash]])).
			Set("PathPart", text(path[slash+1:], p.below[0].at)))
		n.Remove("Condition")
		if c := a.anyCondition(p.id+"Condition", p.below); c != nil {
			n.Set("Condition", c)
		} else {
			n.Set("Condition", a.condition)
		}
	}
	return paths
}

// pathID is a logical id for a path: its letters and digits, made different
// from those of other paths.
func (a *api) pathID(path string, used map[string]bool) string {
	id := a.id + "Resource"
	for _, part := range strings.Split(path, "/") {
		id += capitalised(plain(part))
		if strings.HasPrefix(part, "{") {
			id += "Var"
		}
	}
	for used[id] {
		id += "X"
	}
	used[id] = true
	return id
}

// restMethod makes the Method of a route, with the integration inside it.
func (a *api) restMethod(r *route, auth *authorizers, p *restPath) {
	props := object(r.at, "RestApiId", ref(a.id, r.at)).
		Set("ResourceId", a.resourceID(p)).
		Set("HttpMethod", text(r.method, r.at)).
		Set("AuthorizationType", text("NONE", r.at))
	auth.secure(a, r, props)
	a.requireKey(r, props)
	if params := requestParameters(r.props.Get("RequestParameters")); params != nil {
		props.Set("RequestParameters", params)
	}
	if m := r.props.Get("RequestModel"); !m.IsNull() {
		a.t.msgs.Add(diag.Warningf(m.Pos, r.key+".RequestModel", "request models are not checked on this machine"))
	}
	if r.integration != nil {
		a.documentMethod(props, r)
	} else {
		props.Set("Integration", a.functionIntegration(r))
	}
	a.addRouteResource(r.id+"Method", "AWS::ApiGateway::Method", r, props)
}

// functionIntegration is the proxy integration of a function's Api event.
// Streaming calls another URI of Lambda (API Gateway developer guide,
// "Configure a Lambda proxy integration with payload response streaming").
func (a *api) functionIntegration(r *route) *document.Node {
	integration := object(r.at, "Type", text("AWS_PROXY", r.at)).
		Set("IntegrationHttpMethod", text("POST", r.at)).
		Set("Uri", invocation(r.target, r.at)).
		Set("TimeoutInMillis", r.props.Get("TimeoutInMillis"))
	mode := r.props.Get("ResponseTransferMode")
	switch mode.TextOr("") {
	case "", "BUFFERED":
	case "RESPONSE_STREAM", "STREAM":
		integration.Set("Uri", sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2021-11-15/functions/"+r.target+"/response-streaming-invocations", r.at, nil))
		integration.Set("ResponseTransferMode", text("STREAM", mode.Pos))
	default:
		a.t.msgs.Add(diag.Errorf(mode.Pos, r.key+".ResponseTransferMode", "ResponseTransferMode is BUFFERED or RESPONSE_STREAM, not %q", mode.Text))
	}
	return integration
}

// requestParameters reads the list of names, each alone or with Required.
func requestParameters(n *document.Node) *document.Node {
	if n.IsNull() {
		return nil
	}
	out := document.Object(n.Pos)
	for _, it := range n.Items {
		if s, ok := it.Scalar(); ok {
			out.Set(s, document.Boolean(false, it.Pos))
		}
		for _, m := range it.Members {
			required, _ := m.Value.Get("Required").Truth()
			out.Set(m.Key, document.Boolean(required, m.KeyPos))
		}
	}
	return out
}

// requireKey sets ApiKeyRequired from the event, the document or the API.
func (a *api) requireKey(r *route, props *document.Node) {
	required, said := r.props.Get("Auth").Get("ApiKeyRequired").Truth()
	if !said && r.integration == nil {
		required, _ = a.props.Get("Auth").Get("ApiKeyRequired").Truth()
	}
	if r.security != nil {
		for _, it := range r.security.Items {
			required = required || it.Member("api_key") != nil
		}
	}
	if required {
		props.Set("ApiKeyRequired", document.Boolean(true, r.at))
	}
}

// restAuthorizers makes the authorizers of Auth and of an OpenAPI document.
func (a *api) restAuthorizers(body *document.Node) *authorizers {
	config := a.props.Get("Auth")
	auth := &authorizers{standard: config.Get("DefaultAuthorizer").TextOr(""), kinds: map[string]string{}, scopes: map[string]*document.Node{}}
	auth.kinds["AWS_IAM"] = "AWS_IAM"
	for _, m := range membersOf(config.Get("Authorizers")) {
		a.restAuthorizer(m, auth)
	}
	schemes := body.Get("securityDefinitions")
	if schemes.IsNull() {
		schemes = body.Get("components").Get("securitySchemes")
	}
	for _, m := range membersOf(schemes) {
		if x := m.Value.Get("x-amazon-apigateway-authorizer"); !x.IsNull() {
			a.documentAuthorizer(m, x, auth)
		}
	}
	if auth.standard != "" && auth.standard != "AWS_IAM" && auth.kinds[auth.standard] == "" {
		a.errorf(config.Get("DefaultAuthorizer"), "Auth.DefaultAuthorizer", "the API has no authorizer %q", auth.standard).
			WithHint("%s", diag.DidYouMean(auth.standard, config.Get("Authorizers").Keys()))
	}
	return auth
}

// restAuthorizer makes one entry of Auth.Authorizers: of a user pool, or a
// Lambda authorizer of type TOKEN or REQUEST.
func (a *api) restAuthorizer(m document.Member, auth *authorizers) {
	n, at := m.Value, m.KeyPos
	identity := n.Get("Identity")
	props := object(at, "RestApiId", ref(a.id, at)).Set("Name", text(m.Key, at))
	id := a.id + plain(m.Key) + "Authorizer"
	header := "method.request.header." + identity.Get("Header").TextOr("Authorization")
	if pool := n.Get("UserPoolArn"); !pool.IsNull() {
		auth.kinds[m.Key] = "COGNITO_USER_POOLS"
		auth.scopes[m.Key] = n.Get("AuthorizationScopes")
		a.add(id, "AWS::ApiGateway::Authorizer", props.Set("Type", text("COGNITO_USER_POOLS", at)).
			Set("ProviderARNs", asList(pool)).
			Set("IdentitySource", text(header, at)))
		return
	}
	fn := n.Get("FunctionArn")
	if fn.IsNull() {
		a.errorf(n, "Auth.Authorizers."+m.Key, "an authorizer has a FunctionArn or a UserPoolArn")
		return
	}
	kind := n.Get("FunctionPayloadType").TextOr("TOKEN")
	if kind == "REQUEST" {
		sources := identitySources(identity, "method.request.header.", "method.request.querystring.", "stageVariables.", "context.")
		if len(sources) > 0 {
			props.Set("IdentitySource", text(strings.Join(sources, ", "), at))
		}
	} else {
		props.Set("IdentitySource", text(header, at)).
			Set("IdentityValidationExpression", identity.Get("ValidationExpression"))
	}
	if invoke := n.Get("FunctionInvokeRole"); !invoke.IsNull() && invoke.TextOr("") != "NONE" {
		props.Set("AuthorizerCredentials", invoke)
	}
	auth.kinds[m.Key] = "CUSTOM"
	a.add(id, "AWS::ApiGateway::Authorizer", props.Set("Type", text(kind, at)).
		Set("AuthorizerUri", functionInvocation(fn)).
		Set("AuthorizerResultTtlInSeconds", identity.Get("ReauthorizeEvery")))
	if off, _ := n.Get("DisableFunctionDefaultPermissions").Truth(); !off {
		a.authorizerPermission(m.Key, fn)
	}
}

// gatewayResponses makes what the API says itself.
func (a *api) gatewayResponses() {
	for _, m := range membersOf(a.props.Get("GatewayResponses")) {
		props := object(m.KeyPos, "RestApiId", ref(a.id, m.KeyPos)).
			Set("ResponseType", text(m.Key, m.KeyPos)).
			Set("StatusCode", m.Value.Get("StatusCode")).
			Set("ResponseTemplates", m.Value.Get("ResponseTemplates"))
		params := document.Object(m.KeyPos)
		for _, kind := range []struct{ key, part string }{{"Headers", "header"}, {"Paths", "path"}, {"QueryStrings", "querystring"}} {
			for _, p := range membersOf(m.Value.Get("ResponseParameters").Get(kind.key)) {
				params.Set("gatewayresponse."+kind.part+"."+p.Key, p.Value)
			}
		}
		if len(params.Members) > 0 {
			props.Set("ResponseParameters", params)
		}
		a.add(a.id+plain(capitalised(strings.ToLower(m.Key)))+"GatewayResponse", "AWS::ApiGateway::GatewayResponse", props)
	}
}

// restStage makes the deployment of everything made so far, and the stage.
// The hash in the deployment's id makes a new one when a route changes.
func (a *api) restStage(made []document.Member) {
	all := &document.Node{Kind: document.Map, Members: made}
	deployment := a.id + "Deployment" + digest(all)
	n := a.add(deployment, "AWS::ApiGateway::Deployment", object(a.pos, "RestApiId", ref(a.id, a.pos)))
	needs := document.Seq(a.pos)
	for _, m := range made {
		if m.Value.Get("Type").TextOr("") == "AWS::ApiGateway::Method" {
			needs.Items = append(needs.Items, text(m.Key, a.pos))
		}
	}
	if len(needs.Items) > 0 {
		n.Set("DependsOn", needs)
	}
	props := object(a.pos, "DeploymentId", ref(deployment, a.pos)).
		Set("RestApiId", ref(a.id, a.pos)).Set("StageName", a.props.Get("StageName"))
	a.copy(props, "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "MethodSettings",
		"TracingEnabled", "Variables")
	id := a.stageID("Stage")
	a.add(id, "AWS::ApiGateway::Stage", props)
	a.t.refer(a.id, "Stage", id)
	a.t.refer(a.id, "Deployment", deployment)
}

// usagePlan makes the plan and the key of Auth.UsagePlan. A SHARED plan is
// made for each API: on one machine nobody tells them apart.
func (a *api) usagePlan() {
	plan := a.props.Get("Auth").Get("UsagePlan")
	if plan.IsNull() || plan.Get("CreateUsagePlan").TextOr("NONE") == "NONE" {
		return
	}
	stage := ref(a.stageID("Stage"), a.pos)
	props := object(plan.Pos, "ApiStages", document.Seq(plan.Pos, object(plan.Pos, "ApiId", ref(a.id, a.pos)).Set("Stage", stage)))
	for _, name := range []string{"Description", "Quota", "Tags", "Throttle", "UsagePlanName"} {
		props.Set(name, plan.Get(name))
	}
	a.add(a.id+"UsagePlan", "AWS::ApiGateway::UsagePlan", props).Set("DependsOn", list(a.pos, a.id))
	keys := document.Seq(a.pos, object(a.pos, "RestApiId", ref(a.id, a.pos)).Set("StageName", stage))
	a.add(a.id+"ApiKey", "AWS::ApiGateway::ApiKey", object(a.pos, "Enabled", document.Boolean(true, a.pos)).
		Set("StageKeys", keys)).Set("DependsOn", list(a.pos, a.id+"UsagePlan"))
	a.add(a.id+"UsagePlanKey", "AWS::ApiGateway::UsagePlanKey", object(a.pos, "KeyId", ref(a.id+"ApiKey", a.pos)).
		Set("KeyType", text("API_KEY", a.pos)).
		Set("UsagePlanId", ref(a.id+"UsagePlan", a.pos))).Set("DependsOn", list(a.pos, a.id+"ApiKey"))
	for property, id := range map[string]string{"UsagePlan": "UsagePlan", "ApiKey": "ApiKey", "UsagePlanKey": "UsagePlanKey"} {
		a.t.refer(a.id, property, a.id+id)
	}
}

// sortedPaths lists the paths that have routes.
func sortedPaths(paths map[string]*restPath) []string {
	var out []string
	for path, p := range paths {
		if len(p.routes) > 0 && path == p.routes[0].path {
			out = append(out, path)
		}
	}
	sort.Strings(out)
	return out
}
