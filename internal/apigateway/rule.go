package apigateway

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Rules between a resource's properties (check...) and between records
// (admit...), with what API Gateway refuses and what Suiro cannot do yet.

func checkRoute(spec resource.Spec) diag.List {
	var msgs diag.List
	if on, _ := spec.Properties.Get("ApiKeyRequired").Truth(); on {
		msgs.Add(lacking(spec, "ApiKeyRequired", "API keys are not checked yet; everybody may connect"))
	}
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

func checkIntegration(spec resource.Spec) diag.List {
	var msgs diag.List
	kind, known := text(spec, "IntegrationType")
	switch {
	case !known:
	case kind == "AWS":
		msgs.Add(lacking(spec, "IntegrationType", "integrations of type AWS are not run yet; messages to it get Internal server error").
			WithHint("AWS_PROXY calls a Lambda function"))
	case kind == "AWS_PROXY", kind == "HTTP", kind == "HTTP_PROXY", kind == "MOCK":
	default:
		msgs.Add(fault(spec, "IntegrationType", "%q is no integration type", kind).
			WithHint("one of AWS_PROXY, HTTP_PROXY, HTTP, MOCK, AWS"))
	}
	if connection, ok := text(spec, "ConnectionType"); ok && connection != "INTERNET" {
		msgs.Add(lacking(spec, "ConnectionType", "private integrations are called directly"))
	}
	if ms, ok := spec.Properties.Get("TimeoutInMillis").Integer(); ok && (ms < 50 || ms > 30000) {
		msgs.Add(fault(spec, "TimeoutInMillis", "a timeout is 50 to 29000 milliseconds, not %d", ms))
	}
	templates := spec.Properties.Get("RequestTemplates")
	switch {
	case templates.IsNull() || kind == "AWS":
	case kind == "MOCK":
		msgs.Add(checkTemplates(spec, "RequestTemplates")...)
	case kind == "HTTP":
		msgs.Add(lacking(spec, "RequestTemplates", "mapping templates are not run yet; the message is sent as it is"))
	}
	return msgs
}

func admitIntegration(_ *Service, a *api, spec resource.Spec) diag.List {
	var msgs diag.List
	if !a.websocket() {
		return nil
	}
	uri, _ := text(spec, "IntegrationUri")
	switch kind, _ := text(spec, "IntegrationType"); kind {
	case "AWS_PROXY":
		if function(uri) == "" {
			msgs.Add(fault(spec, "IntegrationUri", "%q does not name a Lambda function", uri).
				WithHint("arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations"))
		}
	case "HTTP", "HTTP_PROXY":
		if !strings.HasPrefix(uri, "http://") && !strings.HasPrefix(uri, "https://") && !strings.Contains(uri, "${stageVariables.") {
			msgs.Add(fault(spec, "IntegrationUri", "%q is no http or https URL", uri))
		}
	}
	if _, bad := parameters(spec.Properties.Get("RequestParameters")); bad != nil {
		msgs.Add(bad.at(spec))
	}
	if ms, ok := spec.Properties.Get("TimeoutInMillis").Integer(); ok && ms > 29000 {
		msgs.Add(fault(spec, "TimeoutInMillis", "a WebSocket integration's timeout is 50 to 29000 milliseconds, not %d", ms))
	}
	return msgs
}

func checkIntegrationResponse(spec resource.Spec) diag.List {
	return checkTemplates(spec, "ResponseTemplates")
}

// checkTemplates reports templates that need a template language; plain text
// is served as it is.
func checkTemplates(spec resource.Spec, property string) diag.List {
	var msgs diag.List
	templates := spec.Properties.Get(property)
	if templates == nil || templates.Kind != document.Map {
		return nil
	}
	for _, m := range templates.Members {
		if t, ok := m.Value.Scalar(); ok && !resource.Unknown(m.Value) && !plain(t) {
			msgs.Add(diag.Warningf(m.Value.Pos, spec.LogicalID+"."+property+"."+m.Key, "mapping templates are not run yet"))
		}
	}
	return msgs
}

// plain tells whether a template has nothing for the template language.
func plain(template string) bool { return !strings.ContainsAny(template, "$#") }

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
	return msgs
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

// expression compiles what the API's Check has accepted.
func expression(text string) *websocketapi.Expression {
	e, err := websocketapi.ParseExpression(text)
	if err != nil {
		return nil
	}
	return e
}
