package apigateway

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// definition is what an API's records add up to. Service.mu is held.
func (a *api) definition() *websocketapi.Definition {
	d := &websocketapi.Definition{
		Authority: a.listener.Authority(),
		Selection: expression(a.spec.Properties.Get("RouteSelectionExpression").TextOr("")),
		Routes:    map[string]*websocketapi.Route{},
		Stages:    map[string]*websocketapi.Stage{},
		Domains:   a.mappings(),
		Closed:    a.spec.Properties.Get("DisableExecuteApiEndpoint").TruthOr(false),
	}
	for _, s := range a.stages() {
		d.Stages[s.Name] = s
	}
	for _, id := range a.inOrder(typeRoute) {
		spec := a.records[typeRoute][id]
		r := a.route(id, spec)
		d.Routes[r.Key] = r
	}
	return d
}

// inOrder lists the ids of a type's records, first made first.
func (a *api) inOrder(recordType string) []string {
	ids := make([]string, 0, len(a.records[recordType]))
	for id := range a.records[recordType] {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y string) int { return a.serial[recordType+x] - a.serial[recordType+y] })
	return ids
}

// stages lists the stages that are deployed.
func (a *api) stages() []*websocketapi.Stage {
	var stages []*websocketapi.Stage
	for name, spec := range a.records[typeStage] {
		if a.deployed(name, spec) {
			stages = append(stages, stage(name, spec.Properties))
		}
	}
	slices.SortFunc(stages, func(x, y *websocketapi.Stage) int { return strings.Compare(x.Name, y.Name) })
	return stages
}

func (a *api) deployed(name string, spec resource.Spec) bool {
	if spec.Properties.Get("AutoDeploy").TruthOr(false) || spec.Properties.Get("DeploymentId").TextOr("") != "" {
		return true
	}
	for _, d := range a.records[typeDeployment] {
		if d.Properties.Get("StageName").TextOr("") == name {
			return true
		}
	}
	return false
}

func variables(n *document.Node) []websocketapi.Variable {
	var vs []websocketapi.Variable
	for _, name := range n.Keys() {
		vs = append(vs, websocketapi.Variable{Name: name, Value: n.Get(name).TextOr("")})
	}
	return vs
}

// mappings are the API's custom domains: key to stage, by domain.
func (a *api) mappings() map[string]map[string]string {
	var all map[string]map[string]string
	for _, id := range a.inOrder(typeAPIMapping) {
		p := a.records[typeAPIMapping][id].Properties
		domain := strings.ToLower(p.Get("DomainName").TextOr(""))
		if all == nil {
			all = map[string]map[string]string{}
		}
		if all[domain] == nil {
			all[domain] = map[string]string{}
		}
		all[domain][p.Get("ApiMappingKey").TextOr("")] = p.Get("Stage").TextOr("")
	}
	return all
}

func (s *Service) setDomain(name string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known {
		s.domains[strings.ToLower(name)] = true
	} else {
		delete(s.domains, strings.ToLower(name))
	}
}

// route makes a route of its record. It replies when it has a route response,
// also without a RouteResponseSelectionExpression: that is what AWS goes by.
func (a *api) route(id string, spec resource.Spec) *websocketapi.Route {
	p := spec.Properties
	r := &websocketapi.Route{Key: p.Get("RouteKey").TextOr(""), Required: requiredParameters(p.Get("RequestParameters"))}
	integrationID := strings.TrimPrefix(p.Get("Target").TextOr(""), "integrations/")
	if i, ok := a.records[typeIntegration][integrationID]; ok {
		r.Integration = a.integration(integrationID, i)
	}
	for _, response := range a.records[typeRouteResponse] {
		if response.Properties.Get("RouteId").TextOr("") == id {
			r.Replies = true
		}
	}
	switch p.Get("AuthorizationType").TextOr("") {
	case "AWS_IAM":
		r.Authorization = websocketapi.AuthorizeIAM
	case "CUSTOM":
		r.Authorization = websocketapi.AuthorizeCustom
		r.Authorizer = a.authorizer(p.Get("AuthorizerId").TextOr(""))
	}
	return r
}

func (a *api) authorizer(id string) *websocketapi.Authorizer {
	spec, ok := a.records[typeAuthorizer][id]
	if !ok {
		return nil
	}
	p := spec.Properties
	z := &websocketapi.Authorizer{
		ID: id, Function: function(p.Get("AuthorizerUri").TextOr("")),
		ByRole: p.Get("AuthorizerCredentialsArn").TextOr("") != "",
	}
	for _, sources := range p.Get("IdentitySource").Strings() {
		for source := range strings.SplitSeq(sources, ",") {
			if source = strings.TrimSpace(source); source != "" {
				z.Sources = append(z.Sources, source)
			}
		}
	}
	return z
}

// integration makes a backend of its record; nil for types that are not run.
func (a *api) integration(id string, spec resource.Spec) *websocketapi.Integration {
	p := spec.Properties
	i := &websocketapi.Integration{
		ByRole:  p.Get("CredentialsArn").TextOr("") != "",
		Timeout: time.Duration(p.Get("TimeoutInMillis").IntegerOr(0)) * time.Millisecond,
		Method:  p.Get("IntegrationMethod").TextOr(http.MethodPost),
	}
	if i.Method == "ANY" {
		i.Method = http.MethodPost
	}
	i.Parameters, _ = parameters(p.Get("RequestParameters"))
	uri := p.Get("IntegrationUri").TextOr("")
	switch p.Get("IntegrationType").TextOr("") {
	case "AWS_PROXY":
		i.Type, i.Function = websocketapi.Lambda, function(uri)
	case "HTTP_PROXY":
		i.Type, i.URI = websocketapi.HTTPProxy, uri
	case "HTTP":
		i.Type, i.URI = websocketapi.HTTP, uri
		i.Responds, _ = a.response(id, http.StatusOK)
	case "MOCK":
		i.Type, i.MockStatus = websocketapi.Mock, mockStatus(p)
		i.Responds, i.MockReply = a.response(id, i.MockStatus)
	default:
		return nil
	}
	return i
}

// function takes a function's ARN out of an invocation URI:
// "arn:…:apigateway:…:lambda:path/2015-03-31/functions/{ARN}/invocations". An
// ARN by itself is taken as it is. "" when there is none.
func function(uri string) string {
	if _, rest, ok := strings.Cut(uri, "/functions/"); ok {
		name, _ := strings.CutSuffix(rest, "/invocations")
		return name
	}
	if a, err := arn.Parse(uri); err == nil && a.Service == "lambda" {
		return uri
	}
	return ""
}

// mockStatus is what a MOCK integration's request template says.
func mockStatus(p *document.Node) int {
	template, ok := choose(p.Get("RequestTemplates"), p.Get("TemplateSelectionExpression").TextOr(""))
	var answer struct{ StatusCode json.Number }
	if ok && json.Unmarshal([]byte(template), &answer) == nil {
		if n, err := strconv.Atoi(answer.StatusCode.String()); err == nil && n >= 200 && n <= 599 {
			return n
		}
	}
	return http.StatusOK
}

// response finds the integration response for a status, and its text when
// that is plain.
func (a *api) response(integrationID string, status int) (found bool, reply []byte) {
	var best *document.Node
	for _, id := range a.inOrder(typeIntegrationResponse) {
		p := a.records[typeIntegrationResponse][id].Properties
		if p.Get("IntegrationId").TextOr("") != integrationID {
			continue
		}
		key := p.Get("IntegrationResponseKey").TextOr("")
		if key == "$default" && best == nil || matchesStatus(key, status) {
			best = p
		}
	}
	if best == nil {
		return false, nil
	}
	if t, ok := choose(best.Get("ResponseTemplates"), best.Get("TemplateSelectionExpression").TextOr("")); ok && plain(t) {
		return true, []byte(t)
	}
	return true, nil
}

// matchesStatus tells whether a response key such as "/4\d\d/" covers a status.
func matchesStatus(key string, status int) bool {
	inner, ok := strings.CutPrefix(key, "/")
	if !ok {
		return false
	}
	re, err := regexp.Compile("^(?:" + strings.TrimSuffix(inner, "/") + ")$")
	return err == nil && re.MatchString(strconv.Itoa(status))
}

// choose picks a template: the one that the expression names, when that needs
// no message to be evaluated, else $default, else the only one.
func choose(templates *document.Node, selection string) (string, bool) {
	key := "$default"
	if e := expression(selection); e != nil {
		key = string(e.Key(nil, nil))
	}
	for _, k := range []string{key, "$default"} {
		if t, ok := templates.Get(k).Scalar(); ok {
			return t, true
		}
	}
	if keys := templates.Keys(); len(keys) == 1 {
		return templates.Get(keys[0]).Scalar()
	}
	return "", false
}

// badParameter is a request parameter that cannot be mapped.
type badParameter struct {
	pos       diag.Position
	key, text string
}

func (b *badParameter) at(spec resource.Spec) *diag.Message {
	return diag.Errorf(b.pos, spec.LogicalID+".RequestParameters", "%s: %s", b.key, b.text)
}

// parameters reads an integration's RequestParameters.
func parameters(n *document.Node) ([]websocketapi.Parameter, *badParameter) {
	if n == nil || n.Kind != document.Map {
		return nil, nil
	}
	var ps []websocketapi.Parameter
	for _, m := range n.Members {
		rest, ok := strings.CutPrefix(m.Key, "integration.request.")
		in, name, _ := strings.Cut(rest, ".")
		if !ok || name == "" || in != "header" && in != "querystring" && in != "path" {
			return nil, &badParameter{m.KeyPos, m.Key, "a target is integration.request.header, querystring or path and a name"}
		}
		ps = append(ps, websocketapi.Parameter{In: in, Name: name, Source: m.Value.TextOr("")})
	}
	return ps, nil
}
