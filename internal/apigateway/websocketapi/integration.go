package websocketapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/mapping"
	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/jsonpath"
)

// Integrations that are no proxies: a template makes the request of the
// message, another one the reply of the backend's answer.

const (
	badRequestBody       = "Bad request body"
	unsupportedMediaType = "Unsupported Media Type" // the frame's text is not documented
)

// Templates are mapping templates and what chooses among them.
type Templates struct {
	// Selection gives a key of ByKey; nil is $default.
	Selection *selection.Expression
	ByKey     map[string]*mapping.Template
}

// choose returns the template of a key, else that of $default. Without a
// selection expression there is one template in practice, under whatever key:
// templates from REST APIs have application/json.
func (t *Templates) choose(key func() string) *mapping.Template {
	if t.Selection != nil {
		if found := t.ByKey[key()]; found != nil {
			return found
		}
	}
	if found := t.ByKey[routeDefault]; found != nil || t.Selection != nil {
		return found
	}
	if found := t.ByKey["application/json"]; found != nil {
		return found
	}
	if len(t.ByKey) == 1 {
		for _, only := range t.ByKey {
			return only
		}
	}
	return nil
}

// Passthrough says what happens to a message for which there is no template.
type Passthrough int

// The values of PassthroughBehavior.
const (
	WhenNoMatch     Passthrough = iota // it is sent as it is
	WhenNoTemplates                    // the same, but only where there are no templates at all
	Never                              // it is refused
)

// Response is an integration response.
type Response struct {
	// Key is "$default", "/pattern/" or text.
	Key       string
	Templates Templates
	ToText    bool // CONVERT_TO_TEXT: bytes become base64
	// Headers are those of a refused or accepted handshake, by name, from
	// ResponseParameters; only $connect has any.
	Headers []Parameter

	pattern *regexp.Regexp
}

// NewResponse makes a response with a key; the error says what is wrong with
// the key's pattern.
func NewResponse(key string) (*Response, error) {
	r := &Response{Key: key}
	inner, ok := strings.CutPrefix(key, "/")
	if !ok {
		return r, nil
	}
	var err error
	r.pattern, err = regexp.Compile("^(?:" + strings.TrimSuffix(inner, "/") + ")$")
	return r, err
}

func (r *Response) matches(selected string) bool {
	if r.pattern != nil {
		return r.pattern.MatchString(selected)
	}
	return r.Key == selected
}

// Action is an operation of an AWS service that an integration calls.
type Action struct {
	Service string // "dynamodb"
	Name    string // "PutItem"
	RoleARN string // whose policies count
	Body    []byte
}

// ActionAnswer is what the service answered.
type ActionAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

// answer is what a backend gave back.
type answer struct {
	status int
	header http.Header
	body   []byte
	// thrown is a function's error message, when it failed.
	thrown string
	failed bool
}

// exchange calls the backend of an integration that is no proxy. What comes
// back is mapped; its body is nil when no integration response is there for it.
func (e *event) exchange(ctx context.Context, i *Integration) (*answer, *failure) {
	payload, fail := e.requestBody(i)
	if fail != nil {
		return nil, fail
	}
	began := time.Now()
	var got *answer
	switch i.Type {
	case Function:
		got, fail = e.callFunction(ctx, i, payload)
	case ServiceAction:
		got, fail = e.callAction(ctx, i, payload)
	case HTTP:
		e.body = payload
		got = &answer{}
		got.status, got.header, got.body, fail = e.conn.api.callHTTP(ctx, e, i)
	default:
		got, fail = mockAnswer(i, payload)
	}
	if i.Type != Mock && i.Type != HTTP {
		e.called.made, e.called.latency, e.called.failed = true, time.Since(began), fail.text()
	}
	if fail != nil {
		return nil, fail
	}
	if i.Type != Mock {
		e.called.service, e.called.status = got.status, got.status
	}
	return e.mapAnswer(i, got)
}

// requestBody makes the backend's request of the message.
func (e *event) requestBody(i *Integration) ([]byte, *failure) {
	t := i.Request.choose(func() string { return i.Request.Selection.Text(e.body, nil) })
	body := e.body
	switch {
	case t != nil:
		var err error
		if body, err = e.render(t, e.body); err != nil {
			return nil, mappingFailure("request", err)
		}
	case i.Passthrough == Never, i.Passthrough == WhenNoTemplates && len(i.Request.ByKey) > 0:
		return nil, &failure{http.StatusUnsupportedMediaType, unsupportedMediaType, "no request template matches, and the message may not pass as it is"}
	}
	if i.ToBinary {
		raw, err := base64.StdEncoding.DecodeString(string(body))
		if err != nil {
			return nil, &failure{http.StatusBadRequest, badRequestBody, "CONVERT_TO_BINARY: the text is no base64"}
		}
		return raw, nil
	}
	return body, nil
}

// render runs a template with a body as $input. The result must not be changed.
func (e *event) render(t *mapping.Template, body []byte) ([]byte, error) {
	if always, ok := t.Constant(); ok {
		return always, nil
	}
	text, err := t.Render(e.mappingInput(body))
	return []byte(text), err
}

// mappingFailure tells a message that is no JSON from a template that fails.
func mappingFailure(which string, err error) *failure {
	if broken := (*mapping.BodyError)(nil); errors.As(err, &broken) && which == "request" {
		return &failure{http.StatusBadRequest, badRequestBody, "request template: " + err.Error()}
	}
	return internal(which + " template: " + err.Error())
}

// mappingInput is what a template sees of the event.
func (e *event) mappingInput(body []byte) *mapping.Input {
	in := &mapping.Input{Body: body, Context: e.logValue, Query: mappingFields(e.query), Header: mappingFields(withoutHop(e.headers))}
	if e.stage != nil {
		for _, v := range e.stage.Variables {
			in.StageVariables = append(in.StageVariables, mapping.Field(v))
		}
	}
	return in
}

func mappingFields(fs []Field) []mapping.Field {
	out := make([]mapping.Field, len(fs))
	for i, f := range fs {
		out[i] = mapping.Field(f)
	}
	return out
}

// callFunction invokes a Lambda function with a payload of the template's
// making. A function that fails has answered too: its error chooses the
// integration response.
func (e *event) callFunction(ctx context.Context, i *Integration, payload []byte) (*answer, *failure) {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !jsonpath.Valid(payload) {
		return nil, internal("the request for the function is no JSON: " + excerpt(payload))
	}
	req := e.conn.api.request(e, i, payload)
	req.TraceID, req.Accepted = e.traceID, e.accepted
	got := &answer{status: http.StatusOK}
	if i.async(e) {
		req.Type, got.status = invoke.Event, http.StatusAccepted
	}
	res, err := e.conn.api.config.Invoker.Invoke(ctx, req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &failure{http.StatusGatewayTimeout, endpointTimedOut, "integration timed out"}
	case err != nil:
		return nil, internal(err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	e.called.requestID = res.RequestID
	if got.body, err = io.ReadAll(res.Body); err != nil {
		return nil, internal("reading the function's answer: " + err.Error())
	}
	if end := res.End(); end.Outcome != invoke.Complete {
		if end.ErrorBody != nil {
			got.body = end.ErrorBody
		}
		var said struct{ ErrorMessage string }
		_ = json.Unmarshal(got.body, &said) // what is not JSON has no message
		got.failed, got.thrown = true, said.ErrorMessage
		if got.thrown == "" {
			got.thrown = end.ErrorType
		}
	}
	return got, nil
}

// async: a request parameter asks Lambda to queue the call, as the Developer
// Guide has it for REST APIs: X-Amz-Invocation-Type is 'Event'.
func (i *Integration) async(e *event) bool {
	for _, p := range i.Parameters {
		if p.In == "header" && strings.EqualFold(p.Name, "X-Amz-Invocation-Type") {
			v, _ := e.source(p.Source)
			return v == string(invoke.Event)
		}
	}
	return false
}

// excerpt is the start of what a template made, for the developer.
func excerpt(b []byte) string {
	const most = 200
	if len(b) > most {
		return string(b[:most]) + "…"
	}
	return string(b)
}

// callAction calls another service in the name of the integration's role.
func (e *event) callAction(ctx context.Context, i *Integration, payload []byte) (*answer, *failure) {
	act := i.Action
	act.RoleARN, act.Body = e.stage.expand(act.RoleARN), payload
	do := e.conn.api.config.Action
	if do == nil {
		return nil, internal("no service " + act.Service + " is there to be called")
	}
	res, err := do(ctx, &act)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &failure{http.StatusGatewayTimeout, endpointTimedOut, "integration timed out"}
	case err != nil:
		return nil, internal(err.Error())
	}
	return &answer{status: res.Status, header: res.Header, body: res.Body}, nil
}

// statusCode is where a mock's request has its status.
var statusCode = func() jsonpath.Path {
	p, err := jsonpath.Parse("$.statusCode")
	if err != nil {
		panic(err) // a constant
	}
	return p
}()

// mockAnswer reads the status out of what the request template made,
// {"statusCode": 200}. What passes as it is has none and counts as 200.
func mockAnswer(i *Integration, payload []byte) (*answer, *failure) {
	if len(i.Request.ByKey) == 0 {
		return &answer{status: http.StatusOK}, nil
	}
	if v, ok := statusCode.Find(payload); ok && v.Kind == jsonpath.Number {
		if n, err := strconv.Atoi(string(v.Raw)); err == nil && 200 <= n && n <= 599 {
			return &answer{status: n}, nil // nearly always; no reflection
		}
	}
	var said struct{ StatusCode json.Number }
	if err := json.Unmarshal(payload, &said); err != nil {
		return nil, internal("the mock's request template makes no JSON: " + excerpt(payload))
	}
	status := http.StatusOK
	if n, err := strconv.Atoi(said.StatusCode.String()); err == nil {
		status = n
	}
	if status < 200 || status > 599 {
		return nil, internal("the mock's statusCode is no status: " + said.StatusCode.String())
	}
	return &answer{status: status}, nil
}

// mapAnswer finds the integration response and makes the reply. The message of
// a function's error chooses, or the backend's status.
func (e *event) mapAnswer(i *Integration, got *answer) (*answer, *failure) {
	selected := got.thrown
	if i.Type != Function {
		selected = statusKey(got.status)
	}
	response := i.response(selected, i.Type == Function && !got.failed)
	if response == nil {
		switch {
		case got.failed:
			return nil, &failure{http.StatusBadGateway, internalServerError, "function error: " + got.thrown}
		case got.status >= 400 && i.Type == ServiceAction, got.status >= 300 && len(i.Responses) > 0:
			return nil, internal(fmt.Sprintf("the integration answered %d, for which there is no integration response: %s", got.status, excerpt(got.body)))
		}
		return &answer{status: got.status, header: got.header}, nil
	}
	body := got.body
	t := response.Templates.choose(func() string { return response.Templates.Selection.Text(e.body, got.part) })
	if t != nil {
		var err error
		if body, err = e.render(t, got.body); err != nil {
			return nil, mappingFailure("response", err)
		}
	}
	if response.ToText {
		body = []byte(base64.StdEncoding.EncodeToString(body))
	}
	got.header = e.responseHeaders(response, got)
	got.body = body
	return got, nil
}

// statusKey is a status as text.
func statusKey(status int) string {
	if status == http.StatusOK {
		return "200" // without making it
	}
	return strconv.Itoa(status)
}

// response finds the integration response for a status or a message; only is
// set when nothing but $default may be chosen.
func (i *Integration) response(selected string, only bool) *Response {
	var fallback *Response
	for _, r := range i.Responses {
		switch {
		case r.Key == routeDefault:
			fallback = r
		case !only && r.matches(selected):
			return r
		}
	}
	return fallback
}

// part is a value of an answer that expressions name, without the
// "integration.response." before it.
func (a *answer) part(name string) string {
	where, rest, _ := strings.Cut(name, ".")
	switch where {
	case "statuscode":
		return strconv.Itoa(a.status)
	case "header":
		return a.header.Get(rest)
	case "multivalueheader":
		if all := a.header.Values(rest); len(all) > 0 {
			return "[" + strings.Join(all, ", ") + "]"
		}
	case "body":
		if rest == "" {
			return string(a.body)
		}
		if p, err := jsonpath.Parse("." + rest); err == nil {
			if v, ok := p.Find(a.body); ok && v.Kind != jsonpath.Null {
				return v.Text()
			}
		}
	}
	return ""
}

// responseHeaders are what ResponseParameters make of an answer.
func (e *event) responseHeaders(r *Response, got *answer) http.Header {
	if len(r.Headers) == 0 {
		return nil
	}
	h := http.Header{}
	for _, p := range r.Headers {
		v, ok := "", true
		if rest, of := strings.CutPrefix(p.Source, "integration.response."); of {
			v = got.part(rest)
		} else {
			v, ok = e.source(p.Source)
		}
		if ok && v != "" {
			h.Set(p.Name, v)
		}
	}
	return h
}
