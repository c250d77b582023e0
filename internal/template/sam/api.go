package sam

import (
	"slices"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// The APIs that come to be when events name none.
const (
	implicitRest = "ServerlessRestApi"
	implicitHTTP = "ServerlessHttpApi"
)

const (
	restType      = "AWS::Serverless::Api"
	httpType      = "AWS::Serverless::HttpApi"
	websocketType = "AWS::Serverless::WebSocketApi"
)

// api is an API while functions add routes to it.
type api struct {
	*owner
	implicit bool
	routes   []*route
}

// route is one path and method of an API and the function behind it.
type route struct {
	id           string // prefix of logical ids: function and event
	method, path string // "" and "" for the default route of an HTTP API
	at           diag.Position
	condition    *document.Node
	props        *document.Node // of the event: Auth, TimeoutInMillis ...
	key          string         // of the event, for messages
	target       string         // the function's ARN as a variable of Fn::Sub
	integration  *document.Node // from an OpenAPI document; nil for a function
	security     *document.Node // from an OpenAPI document
}

// collectAPIs finds the APIs of the template, before functions look for them.
func (t *translator) collectAPIs() {
	for i := range membersOf(t.resources) {
		m := &t.resources.Members[i]
		switch m.Value.Get("Type").TextOr("") {
		case restType, httpType, websocketType:
			t.apis[m.Key] = &api{owner: t.owner(m)}
		}
	}
}

// implicitAPI returns the API of events that name none.
func (t *translator) implicitAPI(id, typ string, at diag.Position) *api {
	a := t.apis[id]
	if a == nil {
		a = &api{implicit: true, owner: &owner{
			t: t, id: id, typ: typ, pos: at, node: document.Object(at),
			props: merge(t.globals[typ], document.Object(at)),
		}}
		if typ == restType {
			a.props = merge(a.props, object(at, "StageName", text("Prod", at)))
		}
		t.apis[id] = a
	}
	return a
}

// route adds a function's HttpApi or Api event to its API, with the
// permission to call the function.
func (e *event) route() {
	typ, property, implicit := httpType, "ApiId", implicitHTTP
	if e.typ == "Api" {
		typ, property, implicit = restType, "RestApiId", implicitRest
	}
	a := e.api(typ, property, implicit)
	if a == nil {
		return
	}
	r := &route{
		id: e.made(""), at: e.pos, condition: e.condition, props: e.props,
		key: e.key(""), target: e.arnVariable(),
	}
	r.key = strings.TrimSuffix(r.key, ".")
	path, method := e.t.parameter(e.props.Get("Path")), e.t.parameter(e.props.Get("Method"))
	if path.IsNull() && method.IsNull() && typ == httpType {
		a.routes = append(a.routes, r)
		e.routePermission(a, "/*")
		return
	}
	if path.IsNull() {
		e.need("Path")
		return
	}
	if method.IsNull() {
		e.need("Method")
		return
	}
	r.path, r.method = path.TextOr(""), strings.ToUpper(method.TextOr(""))
	if !strings.HasPrefix(r.path, "/") {
		e.t.msgs.Add(diag.Errorf(path.Pos, e.key("Path"), "the path %q does not begin with /", r.path))
		return
	}
	if r.method == "X-AMAZON-APIGATEWAY-ANY-METHOD" || r.method == "*" {
		r.method = "ANY"
	}
	a.addRoute(r)
	called := r.method
	if called == "ANY" {
		called = "*"
	}
	e.routePermission(a, "/"+called+permissionPath(r.path))
}

// addRoute adds a route unless the API has one for the path and method: SAM
// refuses two events for the same.
func (a *api) addRoute(r *route) {
	for _, old := range a.routes {
		if old.path == r.path && old.method == r.method && old.integration == nil && old.path != "" {
			a.t.msgs.Add(diag.Errorf(r.at, r.key, "%s %s of %s is taken by another event at line %d", r.method, r.path, a.id, old.at.Line))
			return
		}
	}
	a.routes = append(a.routes, r)
}

// api finds the API an event names.
func (e *event) api(typ, property, implicit string) *api {
	named := e.props.Get(property)
	if named.IsNull() {
		return e.t.implicitAPI(implicit, typ, e.pos)
	}
	id := refName(named)
	if id == "" {
		id = named.TextOr("")
	}
	if a := e.t.apis[id]; a != nil && a.typ == typ {
		return a
	}
	var ids []string
	for other, a := range e.t.apis {
		if a.typ == typ {
			ids = append(ids, other)
		}
	}
	e.t.msgs.Add(diag.Errorf(named.Pos, e.key(property), "%s names an %s of the same template by Ref", property, typ).
		WithHint("%s", diag.DidYouMean(id, ids)))
	return nil
}

// routePermission lets API Gateway call the function for one route. For REST
// APIs the stage is part of the logical id.
func (e *event) routePermission(a *api, path string) {
	suffix := "Permission"
	if a.typ == restType {
		stage := "Stage"
		if s, ok := a.props.Get("StageName").Scalar(); ok {
			stage = plain(s)
		}
		suffix += stage
	}
	values := object(e.pos, "__ApiId__", ref(a.id, e.pos)).Set("__Stage__", text("*", e.pos))
	e.permission(e.made(suffix), "apigateway.amazonaws.com", sub(executeAPI+"${__ApiId__}/${__Stage__}"+path, e.pos, values))
}

// executeAPI begins the ARN of what API Gateway calls a function for.
const executeAPI = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"

// permissionPath is a path in such an ARN: parameters become *.
func permissionPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = "*"
		}
	}
	path = strings.Join(parts, "/")
	if path == "/" {
		return path
	}
	return strings.TrimSuffix(path, "/")
}

// invocation is the URI an integration calls a function by.
func invocation(target string, at diag.Position) *document.Node {
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+target+"/invocations", at, nil)
}

// functionInvocation is the same for a function given as an ARN.
func functionInvocation(arn *document.Node) *document.Node {
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${FunctionArn}/invocations",
		arn.Pos, object(arn.Pos, "FunctionArn", arn))
}

// translate makes the API and everything its routes need.
func (a *api) translate() []document.Member {
	if a.implicit {
		a.condition = a.anyCondition(a.id+"Condition", a.routes)
	}
	switch a.typ {
	case httpType:
		a.httpAPI()
	case restType:
		a.restAPI()
	case websocketType:
		a.websocketAPI()
	}
	if d := a.props.Get("Domain"); !d.IsNull() {
		a.t.msgs.Add(diag.Notef(d.Pos, a.key("Domain"), "the API answers on this machine under its local URL, not under the domain"))
	}
	return a.out
}

// stageID is the logical id of the stage: the stage's name is part of it when
// it is a text.
func (a *api) stageID(unnamed string) string {
	stage := a.props.Get("StageName")
	if stage.IsNull() {
		return a.id + unnamed
	}
	s, ok := stage.Scalar()
	switch {
	case !ok:
		return a.id + "Stage"
	case s == "$default":
		return a.id + "ApiGatewayDefaultStage"
	}
	return a.id + plain(s) + "Stage"
}

// anyCondition is the condition under which any of the routes exists: none
// when one always does, a made one when they differ.
func (a *api) anyCondition(id string, routes []*route) *document.Node {
	var names []string
	for _, r := range routes {
		name := r.condition.TextOr("")
		if name == "" {
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if len(names) == 1 {
		return text(names[0], a.pos)
	}
	return text(a.t.either(id, names, a.pos), a.pos)
}

// either adds the condition that any of the named ones holds. Fn::Or takes
// ten at most, so that many are put together in steps.
func (t *translator) either(id string, names []string, at diag.Position) string {
	for step := 0; len(names) > 10; step++ {
		names = append([]string{t.either(id+strconv.Itoa(step), names[:10], at)}, names[10:]...)
	}
	all := document.Seq(at)
	for _, n := range names {
		all.Items = append(all.Items, object(at, "Condition", text(n, at)))
	}
	if t.conditions.IsNull() {
		t.conditions = document.Object(at)
	}
	t.conditions.Set(id, object(at, "Fn::Or", all))
	return id
}

// addRouteResource makes a resource under the route's condition.
func (a *api) addRouteResource(id, typ string, r *route, props *document.Node) *document.Node {
	n := object(r.at, "Type", text(typ, r.at))
	n.Set("Condition", a.routeCondition(r)).Set("Properties", props)
	a.out = append(a.out, document.Member{Key: id, KeyPos: r.at, Value: n})
	return n
}

// routeCondition is the route's condition, or the API's when it has none.
func (a *api) routeCondition(r *route) *document.Node {
	if r.condition.IsNull() {
		return a.condition
	}
	return r.condition
}
