package apigateway

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// definition is what an API serves. Service.mu is held.
func (s *Service) definition(a *api, now *websocketapi.Deployment) *websocketapi.Definition {
	d := &websocketapi.Definition{
		Authority:  a.listener.Authority(),
		Deployment: *now,
		Stages:     map[string]*websocketapi.Stage{},
		Domains:    a.mappings(),
		Keys:       s.keysOf(a),
	}
	for _, s := range a.stages() {
		d.Stages[s.Name] = s
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
		if d, ok := a.deploymentOf(name, spec); ok {
			one := stage(name, spec.Properties)
			one.Deployment = d
			stages = append(stages, one)
		}
	}
	slices.SortFunc(stages, func(x, y *websocketapi.Stage) int { return strings.Compare(x.Name, y.Name) })
	return stages
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
	r.Models = a.models(p)
	r.KeyRequired = r.Key == "$connect" && p.Get("ApiKeyRequired").TruthOr(false)
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
	return &websocketapi.Authorizer{
		ID: id, Function: function(p.Get("AuthorizerUri").TextOr("")),
		ByRole: p.Get("AuthorizerCredentialsArn").TextOr("") != "", Sources: identitySources(p),
	}
}
