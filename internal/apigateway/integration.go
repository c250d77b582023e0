package apigateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/mapping"
	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// runServices are the services whose actions integrations can call.
var runServices = []string{"dynamodb"}

// integration makes a backend of its record; nil for what is not run.
func (a *api) integration(id string, spec resource.Spec) *websocketapi.Integration {
	p := spec.Properties
	i := &websocketapi.Integration{
		ByRole:   p.Get("CredentialsArn").TextOr("") != "",
		Timeout:  time.Duration(p.Get("TimeoutInMillis").IntegerOr(0)) * time.Millisecond,
		Method:   p.Get("IntegrationMethod").TextOr(http.MethodPost),
		Request:  templates(p, "RequestTemplates", selection.Parse),
		ToBinary: p.Get("ContentHandlingStrategy").TextOr("") == "CONVERT_TO_BINARY",
	}
	if i.Method == "ANY" {
		i.Method = http.MethodPost
	}
	i.Parameters, _ = parameters(p.Get("RequestParameters"))
	i.Responses = a.responses(id)
	switch p.Get("PassthroughBehavior").TextOr("") {
	case "NEVER":
		i.Passthrough = websocketapi.Never
	case "WHEN_NO_TEMPLATES":
		i.Passthrough = websocketapi.WhenNoTemplates
	}
	uri := p.Get("IntegrationUri").TextOr("")
	switch p.Get("IntegrationType").TextOr("") {
	case "AWS_PROXY":
		i.Type, i.Function = websocketapi.Lambda, function(uri)
	case "HTTP_PROXY":
		i.Type, i.URI = websocketapi.HTTPProxy, uri
	case "HTTP":
		i.Type, i.URI = websocketapi.HTTP, uri
	case "MOCK":
		i.Type = websocketapi.Mock
	case "AWS":
		if i.Function = function(uri); i.Function != "" {
			i.Type = websocketapi.Function
			break
		}
		service, action := serviceAction(uri)
		if !slices.Contains(runServices, service) || action == "" {
			return nil
		}
		i.Type = websocketapi.ServiceAction
		i.Action = websocketapi.Action{Service: service, Name: action, RoleARN: p.Get("CredentialsArn").TextOr("")}
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

// serviceAction reads "arn:{partition}:apigateway:{region}:{service}:action/{Action}"
// and the ":path/" form, which has no action.
func serviceAction(uri string) (service, action string) {
	parts := strings.SplitN(uri, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "apigateway" {
		return "", ""
	}
	action, ok := strings.CutPrefix(parts[5], "action/")
	if !ok {
		action = ""
	}
	return parts[4], action
}

// templates compiles a property with templates; Check has reported those that
// cannot be read.
func templates(p *document.Node, property string, parse func(string) (*selection.Expression, error)) websocketapi.Templates {
	t := websocketapi.Templates{ByKey: map[string]*mapping.Template{}}
	for _, key := range p.Get(property).Keys() {
		if parsed, err := mapping.Parse(p.Get(property).Get(key).TextOr("")); err == nil {
			t.ByKey[key] = parsed
		}
	}
	if chosen := p.Get("TemplateSelectionExpression").TextOr(""); chosen != "" && chosen != selection.Default {
		t.Selection, _ = parse(chosen)
	}
	return t
}

// responses are an integration's responses, first made first.
func (a *api) responses(integrationID string) []*websocketapi.Response {
	var all []*websocketapi.Response
	for _, id := range a.inOrder(typeIntegrationResponse) {
		p := a.records[typeIntegrationResponse][id].Properties
		if p.Get("IntegrationId").TextOr("") != integrationID {
			continue
		}
		r, err := websocketapi.NewResponse(p.Get("IntegrationResponseKey").TextOr(""))
		if err != nil {
			continue
		}
		r.Templates = templates(p, "ResponseTemplates", selection.ParseResponse)
		r.ToText = p.Get("ContentHandlingStrategy").TextOr("") == "CONVERT_TO_TEXT"
		for _, target := range p.Get("ResponseParameters").Keys() {
			if name, ok := strings.CutPrefix(target, "route.response.header."); ok {
				source := p.Get("ResponseParameters").Get(target).TextOr("")
				r.Headers = append(r.Headers, websocketapi.Parameter{In: "header", Name: name, Source: source})
			}
		}
		all = append(all, r)
	}
	return all
}

func checkIntegration(spec resource.Spec) diag.List {
	var msgs diag.List
	if kind, ok := text(spec, "IntegrationType"); ok && !slices.Contains([]string{"AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"}, kind) {
		msgs.Add(fault(spec, "IntegrationType", "%q is no integration type", kind).
			WithHint("one of AWS_PROXY, HTTP_PROXY, HTTP, MOCK, AWS"))
	}
	if uri, ok := text(spec, "IntegrationUri"); ok && spec.Properties.Get("IntegrationType").TextOr("") == "AWS" && function(uri) == "" {
		service, action := serviceAction(uri)
		switch {
		case service == "":
		case !slices.Contains(runServices, service):
			msgs.Add(lacking(spec, "IntegrationUri", "integrations with %s are not run; messages to it get Internal server error", service).
				WithHint("Lambda functions and actions of DynamoDB are"))
		case action == "":
			msgs.Add(lacking(spec, "IntegrationUri", "integrations with a path of %s are not run; messages to it get Internal server error", service).
				WithHint("arn:aws:apigateway:{region}:dynamodb:action/PutItem"))
		}
	}
	if connection, ok := text(spec, "ConnectionType"); ok && connection != "INTERNET" {
		msgs.Add(lacking(spec, "ConnectionType", "private integrations are called directly"))
	}
	if ms, ok := spec.Properties.Get("TimeoutInMillis").Integer(); ok && (ms < 50 || ms > 30000) {
		msgs.Add(fault(spec, "TimeoutInMillis", "a timeout is 50 to 29000 milliseconds, not %d", ms))
	}
	msgs.Add(checkWord(spec, "PassthroughBehavior", "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"))
	msgs.Add(checkWord(spec, "ContentHandlingStrategy", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"))
	msgs.Add(checkTemplates(spec, "RequestTemplates")...)
	if chosen, ok := text(spec, "TemplateSelectionExpression"); ok {
		msgs.Add(checkSelection(spec, "TemplateSelectionExpression", chosen, selection.Parse))
	}
	return msgs
}

// checkWord refuses a value that is none of those that a property has.
func checkWord(spec resource.Spec, property string, words ...string) *diag.Message {
	if word, ok := text(spec, property); ok && !slices.Contains(words, word) {
		return fault(spec, property, "%q is not among %s", word, strings.Join(words, ", "))
	}
	return nil
}

// checkSelection refuses an expression that cannot be read; "$default" without
// its backslash is taken as what it means.
func checkSelection(spec resource.Spec, property, chosen string, parse func(string) (*selection.Expression, error)) *diag.Message {
	if chosen == selection.Default {
		return nil
	}
	if _, err := parse(chosen); err != nil {
		return fault(spec, property, "%v", err)
	}
	return nil
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
	case "AWS":
		if service, _ := serviceAction(uri); service == "" && function(uri) == "" {
			msgs.Add(fault(spec, "IntegrationUri", "%q names neither a Lambda function nor an action of a service", uri).
				WithHint("arn:aws:apigateway:{region}:{service}:action/{Action}"))
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
	msgs := checkTemplates(spec, "ResponseTemplates")
	msgs.Add(checkWord(spec, "ContentHandlingStrategy", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"))
	if key, ok := text(spec, "IntegrationResponseKey"); ok {
		if _, err := websocketapi.NewResponse(key); err != nil {
			msgs.Add(fault(spec, "IntegrationResponseKey", "%q is no pattern: %v", key, err))
		}
	}
	if chosen, ok := text(spec, "TemplateSelectionExpression"); ok {
		msgs.Add(checkSelection(spec, "TemplateSelectionExpression", chosen, selection.ParseResponse))
	}
	return msgs
}

// checkTemplates refuses templates that cannot be read. The place within the
// template is part of the text: how YAML folds lines cannot be undone here.
func checkTemplates(spec resource.Spec, property string) diag.List {
	var msgs diag.List
	templates := spec.Properties.Get(property)
	if templates == nil || templates.Kind != document.Map {
		return nil
	}
	for _, m := range templates.Members {
		source, ok := m.Value.Scalar()
		if !ok || resource.Unknown(m.Value) {
			continue
		}
		if _, err := mapping.Parse(source); err != nil {
			msgs.Add(diag.Errorf(m.Value.Pos, spec.LogicalID+"."+property+"."+m.Key, "the template cannot be read: %v", err))
		}
	}
	return msgs
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
		if !nameOf(name, "._$-", 256) {
			return nil, &badParameter{m.KeyPos, m.Key, "a name has letters, digits and ._$-"}
		}
		if source, known := m.Value.Scalar(); known && !resource.Unknown(m.Value) && !websocketapi.IsSource(source) {
			return nil, &badParameter{m.Value.Pos, m.Key, fmt.Sprintf("%q is no source: route.request.header, querystring or body, stageVariables, context, or a text in single quotes", source)}
		}
		ps = append(ps, websocketapi.Parameter{In: in, Name: name, Source: m.Value.TextOr("")})
	}
	return ps, nil
}

// expression compiles what a Check has accepted; nil for what cannot be read.
func expression(text string) *selection.Expression {
	e, err := selection.Parse(text)
	if err != nil {
		return nil
	}
	return e
}
