package apigateway

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Rules between a resource's properties (check...) and between records
// (admit...), with what API Gateway refuses and what Suiro cannot do yet.

func checkRoute(spec resource.Spec) diag.List {
	var msgs diag.List
	if kind, ok := text(spec, "AuthorizationType"); ok {
		switch kind {
		case "NONE", "AWS_IAM", "JWT":
		case "CUSTOM":
			if spec.Properties.Get("AuthorizerId").IsNull() {
				msgs.Add(fault(spec, "AuthorizerId", "a route with AuthorizationType CUSTOM needs this property"))
			}
		default:
			msgs.Add(fault(spec, "AuthorizationType", "%q is no authorization type", kind).
				WithHint("one of NONE, AWS_IAM, CUSTOM, JWT"))
		}
	}
	key, known := text(spec, "RouteKey")
	if on, _ := spec.Properties.Get("ApiKeyRequired").Truth(); on && known && key != "$connect" {
		msgs.Add(lacking(spec, "ApiKeyRequired", "API keys are checked on $connect only; whoever is connected may use this route"))
	}
	if chosen, ok := text(spec, "ModelSelectionExpression"); ok {
		msgs.Add(checkSelection(spec, "ModelSelectionExpression", chosen, selection.Parse))
	}
	if target, ok := text(spec, "Target"); ok && !strings.HasPrefix(target, "integrations/") {
		msgs.Add(fault(spec, "Target", "a target is integrations/ and an integration's id, not %q", target))
	}
	return msgs
}

func admitRoute(s *Service, a *api, spec resource.Spec) diag.List {
	var msgs diag.List
	if target, ok := text(spec, "Target"); ok {
		id := strings.TrimPrefix(target, "integrations/")
		if _, known := a.records[typeIntegration][id]; !known {
			msgs.Add(fault(spec, "Target", "the API has no integration with the id %q", id).WithHint("refer to it with Ref"))
		}
	}
	if !a.websocket() {
		return msgs
	}
	key, _ := text(spec, "RouteKey")
	authorization, _ := text(spec, "AuthorizationType")
	switch {
	case authorization == "JWT":
		msgs.Add(fault(spec, "AuthorizationType", "JWT belongs to HTTP APIs; a WebSocket API has CUSTOM and AWS_IAM"))
	case authorization != "" && authorization != "NONE" && key != "$connect":
		msgs.Add(fault(spec, "AuthorizationType", "only the $connect route can be authorized; it guards the whole connection"))
	}
	if id, ok := text(spec, "AuthorizerId"); ok && authorization == "CUSTOM" {
		if _, known := a.records[typeAuthorizer][id]; !known {
			msgs.Add(fault(spec, "AuthorizerId", "the API has no authorizer with the id %q", id).WithHint("refer to it with Ref"))
		}
	}
	for _, other := range a.records[typeRoute] {
		if other.LogicalID != spec.LogicalID && other.Properties.Get("RouteKey").TextOr("") == key {
			s.notice(spec.LogicalID, "the API has two routes with the key "+key+"; the one made last counts (AWS refuses the second)")
		}
	}
	return msgs
}

// admitStage refuses what API Gateway refuses of a WebSocket API's stages.
func admitStage(_ *Service, a *api, spec resource.Spec) diag.List {
	var msgs diag.List
	if !a.websocket() {
		return nil
	}
	if name, _ := text(spec, "StageName"); name == "$default" {
		msgs.Add(fault(spec, "StageName", "a WebSocket API has no stage $default; its stage is part of every URL"))
	}
	id, _ := text(spec, "DeploymentId")
	if _, known := a.records[typeDeployment][id]; id != "" && !known {
		msgs.Add(fault(spec, "DeploymentId", "the API has no deployment with the id %q", id).WithHint("refer to it with Ref"))
	}
	return msgs
}

func checkRouteResponse(spec resource.Spec) diag.List {
	if key, ok := text(spec, "RouteResponseKey"); ok && key != "$default" {
		return diag.List{fault(spec, "RouteResponseKey", "the only route response is $default, not %q", key)}
	}
	return nil
}

func checkAPIMapping(spec resource.Spec) diag.List {
	if key, ok := text(spec, "ApiMappingKey"); ok && key != "" && !nameOf(key, "$-_.+!*'()/", 300) {
		return diag.List{fault(spec, "ApiMappingKey", "%q cannot be a path", key)}
	}
	return nil
}

func nameOf(s, extra string, limit int) bool {
	for _, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(extra, r)) {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

func admitAPIMapping(s *Service, a *api, spec resource.Spec) diag.List {
	var msgs diag.List
	if name, _ := text(spec, "DomainName"); !s.domains[strings.ToLower(name)] {
		msgs.Add(fault(spec, "DomainName", "the app has no domain name %q", name).WithHint("refer to it with Ref"))
	}
	if stage, _ := text(spec, "Stage"); stage != "$default" {
		if _, known := a.records[typeStage][stage]; !known {
			msgs.Add(fault(spec, "Stage", "the API has no stage %q", stage).WithHint("refer to it with Ref"))
		}
	}
	return msgs
}

func admitAuthorizer(_ *Service, a *api, spec resource.Spec) diag.List {
	var msgs diag.List
	if !a.websocket() {
		return nil
	}
	if kind, _ := text(spec, "AuthorizerType"); kind != "REQUEST" {
		msgs.Add(fault(spec, "AuthorizerType", "a WebSocket API's authorizer is of type REQUEST, not %q", kind))
	}
	if uri, _ := text(spec, "AuthorizerUri"); function(uri) == "" {
		msgs.Add(fault(spec, "AuthorizerUri", "%q does not name a Lambda function", uri))
	}
	for _, source := range identitySources(spec.Properties) {
		if !websocketapi.IsSource(source) || strings.HasPrefix(source, "'") || strings.HasPrefix(source, "route.request.body") {
			msgs.Add(fault(spec, "IdentitySource", "%q is no identity source of a WebSocket API", source).
				WithHint("route.request.header.X, route.request.querystring.X, stageVariables.X or context.X"))
		}
	}
	return msgs
}

// identitySources lists an authorizer's, which may be written as a list or with
// commas.
func identitySources(p *document.Node) []string {
	var all []string
	for _, sources := range p.Get("IdentitySource").Strings() {
		for source := range strings.SplitSeq(sources, ",") {
			if source = strings.TrimSpace(source); source != "" {
				all = append(all, source)
			}
		}
	}
	return all
}

// refers makes the rule that a property holds the id of a record of the API.
func refers(property, recordType string) func(*Service, *api, resource.Spec) diag.List {
	return func(_ *Service, a *api, spec resource.Spec) diag.List {
		id, _ := text(spec, property)
		if _, known := a.records[recordType][id]; known {
			return nil
		}
		return diag.List{fault(spec, property, "the API has nothing with the id %q", id).WithHint("refer to it with Ref")}
	}
}
