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

// restEvent is one method of the service's REST API.
type restEvent struct {
	event
	path        string // without slashes at its ends
	method      string // upper case
	integration string // AWS_PROXY, AWS, HTTP, HTTP_PROXY, MOCK
	conf        *document.Node
	authorizer  *restAuthorizer
}

// rest is the REST API being made.
type rest struct {
	*compiler
	at        diag.Position
	conf      *document.Node            // provider.apiGateway
	api       *document.Node            // its id
	root      *document.Node            // id of the resource /
	ids       map[string]*document.Node // of resources, by path
	methods   []string
	preflight []*restCORS
}

// restMethods are the methods of a REST API.
var restMethods = append([]string{"ANY"}, httpMethods...)

// stageName is what API Gateway takes as a stage's name.
var stageName = regexp.MustCompile(`^[-_a-zA-Z0-9]+$`)

// restEvent reads `http: GET x` or the object form.
func (c *compiler) restEvent(e event) {
	r := restEvent{event: e, conf: e.conf}
	if e.conf.Kind == document.Map {
		r.method, r.path = e.conf.Get("method").TextOr(""), e.conf.Get("path").TextOr("")
		if e.conf.Get("path").IsNull() {
			c.msgs.Add(diag.Errorf(e.pos, e.key, "the event has no path"))
			return
		}
	} else {
		var ok bool
		if r.method, r.path, ok = strings.Cut(strings.TrimSpace(e.conf.TextOr("")), " "); !ok {
			c.msgs.Add(diag.Errorf(e.pos, e.key, "%q is not a method and a path", e.conf.TextOr("")).WithHint("write http: GET path"))
			return
		}
	}
	r.method = strings.ToUpper(r.method)
	if r.method == "*" {
		r.method = "ANY"
	}
	r.path = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(r.path), "/"), "/")
	if !slices.Contains(restMethods, r.method) {
		c.msgs.Add(diag.Errorf(e.pos, e.key, "%q is no method of a REST API", r.method))
		return
	}
	r.integration = restIntegration(r.conf)
	if a := e.conf.Get("authorizer"); build.Given(a) {
		if r.authorizer = c.restAuthorizer(r, a); r.authorizer == nil {
			return
		}
	}
	c.restEvents = append(c.restEvents, r)
}

// restIntegration is the kind of integration: lambda is AWS, lambda-proxy (the
// default) AWS_PROXY.
func restIntegration(conf *document.Node) string {
	kind := strings.ReplaceAll(strings.ToUpper(conf.Get("integration").TextOr("")), "-", "_")
	switch {
	case kind == "LAMBDA":
		return "AWS"
	case kind == "LAMBDA_PROXY":
		return "AWS_PROXY"
	case kind != "":
		return kind
	case conf.Get("async").TruthOr(false):
		return "AWS"
	}
	return "AWS_PROXY"
}

// restAPI makes the API with all resources and methods.
func (c *compiler) restAPI() {
	if len(c.restEvents) == 0 {
		return
	}
	r := &rest{compiler: c, at: c.restEvents[0].pos, conf: c.provider.Get("apiGateway"), ids: map[string]*document.Node{}}
	if !stageName.MatchString(c.Stage) {
		c.msgs.Add(diag.Errorf(r.at, "provider.stage", "the stage %q cannot name a stage of a REST API: letters, digits, - and _ only", c.Stage))
	}
	r.api, r.root = build.First(r.conf.Get("restApiId")), build.First(r.conf.Get("restApiRootResourceId"))
	if r.api == nil {
		r.api, r.root = build.Ref(r.at, restAPIID), build.GetAtt(r.at, restAPIID, "RootResourceId")
		r.makeAPI()
	} else if r.root == nil {
		c.errorf(r.api, "provider.apiGateway.restApiId", "an existing API needs restApiRootResourceId too")
		return
	}
	r.predefined()
	for _, e := range c.restEvents {
		r.resource(e.path, e.pos)
	}
	for _, e := range c.restEvents {
		r.collectCORS(e)
	}
	for _, p := range r.preflight {
		r.corsMethod(p)
	}
	for _, e := range c.restEvents {
		r.method(e)
	}
	r.deployment()
}

// makeAPI makes the API itself.
func (r *rest) makeAPI() {
	p := r.provider
	endpoint := build.Object(r.at, "Types", build.List(r.at, strings.ToUpper(cmp.Or(p.Get("endpointType").TextOr(""), "EDGE"))),
		"VpcEndpointIds", build.First(p.Get("vpcEndpointIds")))
	name := r.Stage + "-" + r.service
	if r.conf.Get("shouldStartNameWithService").TruthOr(false) {
		name = r.service + "-" + r.Stage
	}
	// An empty policy takes back one that an earlier deployment set.
	policy := document.Str("", r.at)
	if rp := r.conf.Get("resourcePolicy"); build.Given(rp) && len(rp.Items)+len(rp.Members) > 0 {
		policy = build.Object(rp.Pos, "Version", "2012-10-17", "Statement", rp)
	}
	api := build.Object(r.at,
		"Name", build.OrText(p.Get("apiName"), name, r.at),
		"BinaryMediaTypes", build.First(r.conf.Get("binaryMediaTypes")),
		"DisableExecuteApiEndpoint", build.UnlessNull(r.conf.Get("disableDefaultEndpoint")),
		"EndpointConfiguration", endpoint,
		"Policy", policy,
		"MinimumCompressionSize", build.UnlessNull(r.conf.Get("minimumCompressionSize")),
		"Description", build.First(r.conf.Get("description")))
	if n := r.conf.Get("apiKeySourceType"); build.Given(n) {
		api.Set("ApiKeySourceType", build.Upper(n))
	}
	r.add(r.at, restAPIID, "AWS::ApiGateway::RestApi", api)
}

// predefined takes the resources of an existing API that the service names.
func (r *rest) predefined() {
	n := r.conf.Get("restApiResources")
	for _, m := range build.Members(n) {
		r.ids[strings.Trim(m.Key, "/")] = m.Value
	}
	for _, it := range build.Items(n) {
		r.ids[strings.Trim(it.Get("path").TextOr(""), "/")] = it.Get("resourceId")
	}
}

// resource returns the id of the resource at a path, making it and those
// above it as needed.
func (r *rest) resource(path string, at diag.Position) *document.Node {
	if path == "" {
		return r.root
	}
	if n := r.ids[path]; n != nil {
		return n
	}
	parent, part := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		parent, part = path[:i], path[i+1:]
	}
	above := r.resource(parent, at)
	id := "ApiGatewayResource" + normalizedPath(path)
	r.add(at, id, "AWS::ApiGateway::Resource", build.Object(at, "ParentId", above, "PathPart", part, "RestApiId", r.api))
	r.ids[path] = build.Ref(at, id)
	return r.ids[path]
}

// deployment makes what goes with the methods: the deployment, keys and plans.
func (r *rest) deployment() {
	at := r.at
	mine := document.Object(at)
	for _, m := range r.resources.Members {
		if strings.HasPrefix(m.Key, "ApiGateway") {
			mine.Set(m.Key, m.Value)
		}
	}
	// The framework makes a new id on every run; here a changed API gets one.
	id := "ApiGatewayDeployment" + hash(mine)
	stage := build.OrText(r.conf.Get("stage"), r.Stage, at)
	r.add(at, id, "AWS::ApiGateway::Deployment", build.Object(at,
		"RestApiId", r.api, "StageName", stage, "Description", build.First(r.conf.Get("description"))), r.methods...)
	r.output(at, "ServiceEndpoint", "URL of the service endpoint", build.EndpointURL(at, "https://", r.api, "/"+r.Stage))
	if logs := r.provider.Get("logs").Get("restApi"); build.Given(logs) && logs.Get("accessLogging").TruthOr(true) {
		r.apiLogGroup(logs.Pos, restLogsID, "/aws/api-gateway/"+r.service+"-"+r.Stage)
	}
	r.usagePlans(id, stage)
}

// usagePlans makes the plans and keys of provider.apiGateway: one plan for all
// keys, or named plans with keys of their own.
func (r *rest) usagePlans(deployment string, stage *document.Node) {
	plans, keys := r.conf.Get("usagePlan"), r.conf.Get("apiKeys")
	if plans.IsNull() && keys.IsNull() {
		return
	}
	named := map[string]bool{}
	if plans != nil && plans.Kind == document.List {
		for _, it := range plans.Items {
			for _, m := range build.Members(it) {
				named[m.Key] = true
				r.usagePlan(deployment, m.Key, m.Value)
			}
		}
	} else {
		r.usagePlan(deployment, "", plans)
	}
	single := 0
	for _, it := range build.Items(keys) {
		for _, m := range build.Members(it) {
			if named[m.Key] {
				for i, k := range build.Items(m.Value) {
					r.apiKey(deployment, m.Key, i+1, k)
				}
			}
		}
		if len(it.Members) == 0 || !named[it.Members[0].Key] {
			single++
			r.apiKey(deployment, "", single, it)
		}
	}
}

// usagePlan makes one plan; the only one of a service has no name.
func (r *rest) usagePlan(deployment, name string, n *document.Node) {
	at := r.compiler.at(n)
	title, text := r.service+"-"+r.Stage, "Usage plan for "+r.service+" "+r.Stage+" stage"
	if name != "" {
		title = r.service + "-" + name + "-" + r.Stage
		text = `Usage plan "` + name + `" for ` + r.service + " " + r.Stage + " stage"
	}
	p := build.Object(at, "ApiStages", build.List(at, build.Object(at, "ApiId", r.api, "Stage", r.Stage)), "Description", text, "UsagePlanName", title)
	if q := n.Get("quota"); build.Given(q) {
		p.Set("Quota", build.Object(q.Pos, "Limit", q.Get("limit"), "Offset", build.UnlessNull(q.Get("offset")), "Period", q.Get("period")))
	}
	if t := n.Get("throttle"); build.Given(t) {
		p.Set("Throttle", build.Object(t.Pos, "BurstLimit", t.Get("burstLimit"), "RateLimit", t.Get("rateLimit")))
	}
	r.add(at, "ApiGatewayUsagePlan"+upperFirst(name), "AWS::ApiGateway::UsagePlan", p, deployment)
}

// apiKey makes a key and puts it into its plan. Keys are text or an object.
func (r *rest) apiKey(deployment, plan string, number int, n *document.Node) {
	at := r.compiler.at(n)
	suffix := upperFirst(plan) + itoa(number)
	p := build.Object(at, "Enabled", true, "StageKeys", build.List(at, build.Object(at, "RestApiId", r.api, "StageName", r.Stage)))
	if n.Kind == document.Map {
		p.Set("Name", build.UnlessNull(n.Get("name")))
		p.Set("Value", build.First(n.Get("value")))
		p.Set("Description", build.UnlessNull(n.Get("description")))
		p.Set("CustomerId", build.UnlessNull(n.Get("customerId")))
		p.Set("Enabled", build.UnlessNull(n.Get("enabled")))
	} else {
		p.Set("Name", n)
	}
	r.add(at, "ApiGatewayApiKey"+suffix, "AWS::ApiGateway::ApiKey", p, deployment)
	r.add(at, "ApiGatewayUsagePlanKey"+suffix, "AWS::ApiGateway::UsagePlanKey", build.Object(at,
		"KeyId", build.Ref(at, "ApiGatewayApiKey"+suffix), "KeyType", "API_KEY", "UsagePlanId", build.Ref(at, "ApiGatewayUsagePlan"+upperFirst(plan))))
}
