package sam

import (
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// corsMethods makes an OPTIONS method with a mock integration on every path
// that has none, as SAM does when Cors is set.
func (a *api) corsMethods(paths map[string]*restPath) {
	config := a.props.Get("Cors")
	if config.IsNull() {
		return
	}
	if config.IsScalar() || intrinsic(config) {
		config = object(config.Pos, "AllowOrigin", config)
	}
	headers := document.Object(config.Pos)
	for _, h := range []struct{ key, name string }{
		{"AllowOrigin", "Origin"}, {"AllowHeaders", "Headers"}, {"MaxAge", "Max-Age"},
	} {
		name := "Access-Control-Allow-" + h.name
		if h.key == "MaxAge" {
			name = "Access-Control-Max-Age"
		}
		headers.Set("method.response.header."+name, config.Get(h.key))
	}
	if on, _ := config.Get("AllowCredentials").Truth(); on {
		headers.Set("method.response.header.Access-Control-Allow-Credentials", text("'true'", config.Pos))
	}
	for _, path := range sortedPaths(paths) {
		p := paths[path]
		if hasMethod(p.routes, "OPTIONS") {
			continue
		}
		methods := config.Get("AllowMethods")
		if methods.IsNull() {
			methods = text(allowedMethods(p.routes), config.Pos)
		}
		own := headers.Clone().Set("method.response.header.Access-Control-Allow-Methods", methods)
		a.corsMethod(p, own)
	}
}

func hasMethod(routes []*route, method string) bool {
	for _, r := range routes {
		if r.method == method {
			return true
		}
	}
	return false
}

// allowedMethods lists a path's methods as a quoted header value.
func allowedMethods(routes []*route) string {
	methods := []string{"OPTIONS"}
	for _, r := range routes {
		if r.method == "ANY" {
			return "'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'"
		}
		methods = append(methods, r.method)
	}
	sort.Strings(methods)
	return "'" + strings.Join(methods, ",") + "'"
}

// corsMethod answers the preflight of one path. It asks for no authorization:
// browsers send none with a preflight.
func (a *api) corsMethod(p *restPath, headers *document.Node) {
	at := headers.Pos
	named := document.Object(at)
	for _, m := range headers.Members {
		named.Set(m.Key, document.Boolean(false, at))
	}
	response := object(at, "StatusCode", text("200", at)).
		Set("ResponseParameters", headers).
		Set("ResponseTemplates", object(at, "application/json", text("{}\n", at)))
	props := object(at, "RestApiId", ref(a.id, at)).
		Set("ResourceId", a.resourceID(p)).
		Set("HttpMethod", text("OPTIONS", at)).
		Set("AuthorizationType", text("NONE", at)).
		Set("Integration", object(at, "Type", text("MOCK", at)).
			Set("RequestTemplates", object(at, "application/json", text("{\"statusCode\": 200}", at))).
			Set("IntegrationResponses", document.Seq(at, response))).
		Set("MethodResponses", document.Seq(at, object(at, "StatusCode", text("200", at)).Set("ResponseParameters", named)))
	id := p.id
	if id == "" {
		id = a.id + "Root"
	}
	condition := a.anyCondition(id+"Condition", p.routes)
	n := a.add(id+"OptionsMethod", "AWS::ApiGateway::Method", props)
	if condition != nil {
		n.Set("Condition", condition)
	}
}
