package serverless

import (
	"fmt"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// What `integration: lambda` and CORS need: templates, responses, preflight.

// lambdaTemplate is the event of `integration: lambda`: the fields the
// framework promises (its guide, "Lambda Integration"), around a body.
func lambdaTemplate(body string, claims []string) string {
	var extra strings.Builder
	for _, claim := range claims {
		name, path := claim, "."+claim
		if i := strings.IndexByte(claim, ':'); i >= 0 {
			name, path = claim[i+1:], "['"+claim+"']"
		}
		fmt.Fprintf(&extra, "%q: \"$context.authorizer.claims%s\",", name, path)
	}
	const pairs = `#define($pairs)
{#foreach($name in $from.keySet())"$util.escapeJavaScript($name)": "$util.escapeJavaScript($from.get($name)).replaceAll("\\'", "'")"#if($foreach.hasNext),#end#end}
#end
`
	fields := `{
  "body": $body,
  "method": "$context.httpMethod",
  "principalId": "$context.authorizer.principalId",
  "stage": "$context.stage",
  "cognitoPoolClaims": {` + extra.String() + `"sub": "$context.authorizer.claims.sub"},
`
	for _, f := range [][2]string{
		{"enhancedAuthContext", "$context.authorizer"}, {"headers", "$input.params().header"},
		{"query", "$input.params().querystring"}, {"path", "$input.params().path"},
		{"identity", "$context.identity"}, {"stageVariables", "$stageVariables"},
	} {
		fields += "#set($from = " + f[1] + ")  \"" + f[0] + "\": $pairs,\n"
	}
	return body + pairs + fields + `  "requestPath": "$context.resourcePath"
}
`
}

// The bodies of the two content types that `integration: lambda` reads.
const (
	jsonBody = "#set($body = $input.json(\"$\"))\n"
	formBody = `#define($body)
{#foreach($field in $input.path('$').split('&'))#set($parts = $field.split('='))"$util.escapeJavaScript($util.urlDecode($parts[0]))": "#if($parts.size() > 1)$util.escapeJavaScript($util.urlDecode($parts[1])).replaceAll("\\'", "'")#end"#if($foreach.hasNext),#end#end}
#end
`
)

// requestTemplates are the framework's for `lambda`, with the user's own over
// them; null takes one away.
func (r *rest) requestTemplates(e restEvent) *document.Node {
	out := document.Object(e.pos)
	if e.integration == "AWS" {
		var claims []string
		if e.authorizer != nil {
			claims = e.authorizer.conf.Get("claims").Strings()
		}
		out.Set("application/json", document.Str(lambdaTemplate(jsonBody, claims), e.pos))
		out.Set("application/x-www-form-urlencoded", document.Str(lambdaTemplate(formBody, claims), e.pos))
	}
	for _, m := range build.Members(e.conf.Get("request").Get("template")) {
		if m.Value.IsNull() {
			out.Remove(m.Key)
			continue
		}
		out.Set(m.Key, m.Value)
	}
	if len(out.Members) == 0 {
		return nil
	}
	return out
}

// response is one status a `lambda` or `http` integration answers with.
type response struct {
	status  string
	pattern string
	conf    *document.Node
}

// responses are the statuses of an event. By default a function chooses one by
// writing it in brackets into its error message.
func responses(e restEvent) []response {
	conf := e.conf.Get("response")
	codes := conf.Get("statusCodes")
	if conf.IsNull() && e.integration != "AWS" || e.integration == "AWS_PROXY" || e.integration == "HTTP_PROXY" {
		return nil
	}
	if !codes.IsNull() {
		var out []response
		plain := false
		for _, m := range codes.Members {
			out = append(out, response{m.Key, m.Value.Get("pattern").TextOr(""), m.Value})
			p := m.Value.Get("pattern")
			plain = plain || p != nil && p.TextOr("x") == ""
		}
		if !plain && codes.Get("200") == nil {
			out = append([]response{{status: "200"}}, out...)
		} else if !plain {
			i := slices.IndexFunc(out, func(r response) bool { return r.status == "200" })
			out[i] = response{status: "200"}
		}
		return out
	}
	const any = `[\s\S]*`
	out := []response{{status: "200"}}
	for _, s := range []string{"400", "401", "403", "404", "422"} {
		out = append(out, response{status: s, pattern: any + `\[` + s + `\]` + any})
	}
	return append(out,
		response{status: "500", pattern: any + `(Process\s?exited\s?before\s?completing\s?request|\[500\])` + any},
		response{status: "502", pattern: any + `\[502\]` + any},
		response{status: "504", pattern: `(` + any + `\[504\]` + any + `)|(.*Task timed out after \d+\.\d+ seconds$)`})
}

// responseHeaders are those of every status: CORS, then the event's own.
func (r *rest) responseHeaders(e restEvent) []document.Member {
	var out []document.Member
	if cors := r.cors(e); cors != nil {
		origin := cors.origin
		if len(cors.origins) > 0 {
			origin = strings.Join(cors.origins, ",")
		}
		out = append(out, document.Member{Key: "Access-Control-Allow-Origin", Value: document.Str("'"+origin+"'", e.pos)})
		if cors.credentials {
			out = append(out, document.Member{Key: "Access-Control-Allow-Credentials", Value: document.Str("true", e.pos)})
		}
	}
	return append(out, build.Members(e.conf.Get("response").Get("headers"))...)
}

// integrationResponses choose a status by the function's error message and
// make the answer for it.
func (r *rest) integrationResponses(e restEvent) *document.Node {
	conf := e.conf.Get("response")
	out := build.List(e.pos)
	for _, x := range responses(e) {
		params, templates := document.Object(e.pos), document.Object(e.pos)
		for _, m := range append(r.responseHeaders(e), build.Members(x.conf.Get("headers"))...) {
			params.Set("method.response.header."+m.Key, m.Value)
		}
		templates.Set("application/json", build.First(conf.Get("template")))
		switch t := x.conf.Get("template"); {
		case t != nil && t.Kind == document.Map:
			templates = build.Overlay(templates, t)
		case build.Given(t):
			templates.Set("application/json", t)
		}
		item := build.Object(e.pos, "StatusCode", x.status, "SelectionPattern", x.pattern, "ResponseParameters", params, "ResponseTemplates", templates)
		if strings.HasPrefix(x.status, "2") {
			item.Set("ContentHandling", build.First(conf.Get("contentHandling")))
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// methodResponses declare the statuses and headers that the integration sets.
func (r *rest) methodResponses(e restEvent) *document.Node {
	out := build.List(e.pos)
	for _, x := range responses(e) {
		params := document.Object(e.pos)
		for _, m := range append(r.responseHeaders(e), build.Members(x.conf.Get("headers"))...) {
			params.Set("method.response.header."+m.Key, document.Boolean(true, e.pos))
		}
		out.Items = append(out.Items, build.Object(e.pos, "ResponseParameters", params, "ResponseModels", document.Object(e.pos), "StatusCode", x.status))
	}
	return out
}

// restCORS is what preflight requests to a path are answered with.
type restCORS struct {
	path              string
	at                diag.Position
	origin            string
	origins           []string
	methods, headers  []string
	credentials       bool
	maxAge, cacheCtrl *document.Node
}

// cors reads `cors` of an event; nil without it.
func (r *rest) cors(e restEvent) *restCORS {
	n := e.conf.Get("cors")
	if !build.Given(n) {
		return nil
	}
	c := &restCORS{path: e.path, at: n.Pos, origin: "*", methods: []string{"OPTIONS"}, headers: apiCORSHeaders}
	if n.Kind == document.Map {
		if o := n.Get("origins"); build.Given(o) {
			c.origin, c.origins = "", o.Strings()
		}
		if o := n.Get("origin"); build.Given(o) {
			c.origin = o.TextOr("*")
		}
		if m := n.Get("methods"); build.Given(m) {
			c.methods = appendNew(slices.Clone(m.Strings()), "OPTIONS")
		}
		if h := n.Get("headers"); build.Given(h) {
			c.headers = h.Strings()
		}
		c.credentials = n.Get("allowCredentials").TruthOr(false)
		c.maxAge, c.cacheCtrl = build.First(n.Get("maxAge")), build.First(n.Get("cacheControl"))
	}
	c.methods = appendNew(c.methods, e.method)
	return c
}

// appendNew appends the items that are not in the list yet.
func appendNew(list []string, items ...string) []string {
	for _, it := range items {
		if !slices.Contains(list, it) {
			list = append(list, it)
		}
	}
	return list
}

// collectCORS adds an event's CORS to that of its path.
func (r *rest) collectCORS(e restEvent) {
	c := r.cors(e)
	if c == nil {
		return
	}
	i := slices.IndexFunc(r.preflight, func(p *restCORS) bool { return p.path == c.path })
	if i < 0 {
		r.preflight = append(r.preflight, c)
		return
	}
	p := r.preflight[i]
	p.headers = appendNew(slices.Clone(c.headers), p.headers...)
	p.methods = appendNew(slices.Clone(c.methods), p.methods...)
	p.origins = appendNew(slices.Clone(c.origins), p.origins...)
	p.origin, p.credentials = c.origin, p.credentials || c.credentials
	if c.maxAge != nil {
		p.maxAge = c.maxAge
	}
	if c.cacheCtrl != nil {
		p.cacheCtrl = c.cacheCtrl
	}
}

// corsMethod makes the OPTIONS method that answers preflight requests.
func (r *rest) corsMethod(c *restCORS) {
	at := c.at
	origin, origins := c.origin, c.origins
	if strings.Contains(origin, ",") {
		origins = nil
		for _, o := range strings.Split(origin, ",") {
			origins = append(origins, strings.TrimSpace(o))
		}
	}
	if len(origins) > 0 {
		origin = origins[0]
	}
	allowed := strings.ReplaceAll(strings.Join(c.methods, ","), "ANY", "DELETE,GET,HEAD,PATCH,POST,PUT")
	values, flags := document.Object(at), document.Object(at)
	header := func(name, value string) {
		values.Set("method.response.header."+name, document.Str("'"+value+"'", at))
		flags.Set("method.response.header."+name, document.Boolean(true, at))
	}
	header("Access-Control-Allow-Origin", origin)
	header("Access-Control-Allow-Headers", strings.Join(c.headers, ","))
	header("Access-Control-Allow-Methods", allowed)
	if c.credentials {
		header("Access-Control-Allow-Credentials", "true")
	}
	if c.maxAge != nil {
		header("Access-Control-Max-Age", c.maxAge.TextOr(""))
	}
	if c.cacheCtrl != nil {
		header("Cache-Control", c.cacheCtrl.TextOr(""))
	}
	id := restMethodID(normalizedPath(c.path), "OPTIONS")
	r.add(at, id, "AWS::ApiGateway::Method", build.Object(at,
		"AuthorizationType", "NONE", "HttpMethod", "OPTIONS",
		"MethodResponses", build.List(at, build.Object(at, "StatusCode", "200", "ResponseParameters", flags, "ResponseModels", document.Object(at))),
		"RequestParameters", document.Object(at),
		"Integration", build.Object(at, "Type", "MOCK",
			"RequestTemplates", build.Object(at, "application/json", "{statusCode:200}"),
			"ContentHandling", "CONVERT_TO_TEXT",
			"IntegrationResponses", build.List(at, build.Object(at, "StatusCode", "200", "ResponseParameters", values,
				"ResponseTemplates", build.Object(at, "application/json", originTemplate(origins))))),
		"ResourceId", r.resource(c.path, at), "RestApiId", r.api))
	r.methods = append(r.methods, id)
}

// originTemplate answers with the caller's origin where it is one of several.
func originTemplate(origins []string) string {
	if len(origins) == 0 {
		return ""
	}
	var tests []string
	for _, o := range origins {
		pattern := strings.Replace(strings.ReplaceAll(o, ".", "[.]"), "*", ".+", 1)
		tests = append(tests, `$origin.matches("`+pattern+`")`)
	}
	return "#set($origin = $input.params(\"Origin\"))\n#if($origin == \"\") #set($origin = $input.params(\"origin\")) #end\n" +
		"#if(" + strings.Join(tests, " || ") + ") #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin) #end"
}
