package websocketapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/jsonpath"
)

// caller is API Gateway's name in resource policies of functions.
const caller = "apigateway.amazonaws.com"

// maxBackendBody bounds what an HTTP integration may answer (the payload quota
// of API Gateway).
const maxBackendBody = 10 << 20

// failure is why a backend gave no answer: what the client hears, the status a
// handshake gets, and the cause for the developer.
type failure struct {
	status  int
	message string
	cause   string
}

func (f *failure) text() string {
	if f == nil {
		return ""
	}
	return f.cause
}

func (f *failure) statusOr(status int) int {
	if f == nil {
		return status
	}
	return f.status
}

// internal is a failure on API Gateway's side: it may not call the function,
// there is none, or it answered with something else than asked for.
func internal(cause string) *failure {
	return &failure{http.StatusInternalServerError, internalServerError, cause}
}

// invoke calls a function and returns its answer, which is empty unless
// wanted. payload may be used again only when reusable is true: a function
// that is not waited for any more may still be reading it.
func (e *event) invoke(ctx context.Context, req *invoke.Request, wanted bool) (answer []byte, reusable bool, fail *failure) {
	began := time.Now()
	res, err := e.conn.api.config.Invoker.Invoke(ctx, req)
	return e.invoked(began, res, err, wanted)
}

// invoked takes what came of a call that began then.
func (e *event) invoked(began time.Time, res *invoke.Result, err error, wanted bool) (answer []byte, reusable bool, fail *failure) {
	answer, reusable, fail = e.result(res, err, wanted)
	e.called.made, e.called.latency, e.called.failed = true, time.Since(began), fail.text()
	return answer, reusable, fail
}

func (e *event) result(res *invoke.Result, err error, wanted bool) (answer []byte, reusable bool, fail *failure) {
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			e.called.service = http.StatusOK // it was called, and runs on
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, false, &failure{http.StatusGatewayTimeout, endpointTimedOut, "integration timed out"}
		}
		return nil, false, internal(err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	e.called.service, e.called.requestID = http.StatusOK, res.RequestID
	end := res.End()
	if end.Outcome != invoke.Complete {
		return nil, true, &failure{http.StatusBadGateway, internalServerError, functionError(res.Body, end)}
	}
	if !wanted {
		e.called.status = glanceStatus(res.Body)
		return nil, true, nil
	}
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		return nil, true, internal("reading the function's answer: " + err.Error())
	}
	e.called.status = glanceStatus(bytes.NewReader(answer))
	return answer, true, nil
}

var glances = sync.Pool{New: func() any { return new([256]byte) }}

// glanceStatus finds the statusCode at the start of an answer that nobody
// reads, for metrics and logs; 0 when it is not there. It does not parse: the
// answers of one-way routes are thrown away, and cost next to nothing.
func glanceStatus(answer io.Reader) int {
	room := glances.Get().(*[256]byte)
	defer glances.Put(room)
	n, _ := io.ReadFull(answer, room[:])
	_, rest, found := bytes.Cut(room[:n], []byte(`"statusCode"`))
	if !found {
		return 0
	}
	rest = bytes.TrimLeft(rest, ": \t\r\n\"")
	status := 0
	for i := 0; i < len(rest) && i < 3 && '0' <= rest[i] && rest[i] <= '9'; i++ {
		status = 10*status + int(rest[i]-'0')
	}
	return status
}

// functionError says how a function failed, in its own words.
func functionError(body io.Reader, end invoke.End) string {
	var e struct{ ErrorType, ErrorMessage string }
	text := end.ErrorBody
	if text == nil {
		text, _ = io.ReadAll(io.LimitReader(body, 64<<10))
	}
	_ = json.Unmarshal(text, &e) // what is not JSON has no message
	kind := end.ErrorType
	if kind == "" {
		kind = e.ErrorType
	}
	if kind == "" {
		kind = "function error"
	}
	if e.ErrorMessage != "" {
		return kind + ": " + e.ErrorMessage
	}
	return kind
}

// request is the invocation that a route's Lambda integration makes.
func (a *API) request(e *event, i *Integration, payload []byte) *invoke.Request {
	req := &invoke.Request{Function: e.stage.expand(i.Function), Payload: payload}
	if !i.ByRole {
		req.Caller = invoke.Caller{Service: caller, SourceARN: a.arn(e.conn.stage + "/" + e.routeKey)}
	}
	return req
}

// arn names a part of the API for policies.
func (a *API) arn(resource string) string {
	c := &a.config
	return "arn:" + c.Partition + ":execute-api:" + c.Region + ":" + c.AccountID + ":" + c.ID + "/" + resource
}

// functionName is the name in a function's ARN, for the journal.
func functionName(function string) string {
	_, name, ok := strings.Cut(function, ":function:")
	if !ok {
		return function
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

// callHTTP makes an HTTP integration's request with the message as its body.
func (a *API) callHTTP(ctx context.Context, e *event, i *Integration) (status int, header http.Header, body []byte, fail *failure) {
	began := time.Now()
	defer func() {
		e.called = called{made: true, service: status, status: status, latency: time.Since(began), failed: fail.text()}
	}()
	req, err := e.httpRequest(ctx, i)
	if err != nil {
		return 0, nil, nil, internal(err.Error())
	}
	res, err := a.client.Do(req)
	if err == nil {
		defer func() { _ = res.Body.Close() }()
		body, err = io.ReadAll(io.LimitReader(res.Body, maxBackendBody))
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return 0, nil, nil, &failure{http.StatusGatewayTimeout, endpointTimedOut, "integration timed out"}
	case err != nil:
		return 0, nil, nil, internal(err.Error())
	}
	return res.StatusCode, res.Header, body, nil
}

// httpRequest fills in an integration's URL and mapped parameters (API Gateway
// Developer Guide, "Setting up data mapping for WebSocket APIs").
func (e *event) httpRequest(ctx context.Context, i *Integration) (*http.Request, error) {
	target := e.stage.expand(i.URI)
	query, header := url.Values{}, http.Header{}
	for _, p := range i.Parameters {
		for _, v := range e.sources(p.Source) {
			switch p.In {
			case "header":
				header.Add(p.Name, v)
			case "querystring":
				query.Add(p.Name, v)
			case "path":
				target = strings.ReplaceAll(target, "{"+p.Name+"}", url.PathEscape(v))
			}
		}
	}
	req, err := http.NewRequestWithContext(ctx, i.Method, target, bytes.NewReader(e.body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if len(query) > 0 {
		if req.URL.RawQuery != "" {
			req.URL.RawQuery += "&"
		}
		req.URL.RawQuery += query.Encode()
	}
	return req, nil
}

// IsSource tells whether a request parameter's right side can be read.
func IsSource(expression string) bool {
	n := len(expression)
	if n >= 2 && expression[0] == '\'' && expression[n-1] == '\'' {
		return true
	}
	for _, prefix := range []string{"stageVariables.", "context.", "route.request.header.", "route.request.multivalueheader.",
		"route.request.querystring.", "route.request.multivaluequerystring."} {
		if rest, ok := strings.CutPrefix(expression, prefix); ok {
			return rest != ""
		}
	}
	path, ok := strings.CutPrefix(expression, "route.request.body")
	if !ok || path == "" {
		return ok
	}
	_, err := jsonpath.Parse(strings.TrimPrefix(path, ".$"))
	return err == nil
}

// sources are the values of a request parameter: more than one only where the
// expression asks for all of a repeated header or query parameter.
func (e *event) sources(expression string) []string {
	var all []string
	name, of := strings.CutPrefix(expression, "route.request.multivalueheader.")
	fields, fold := e.headers, true
	if !of {
		name, of = strings.CutPrefix(expression, "route.request.multivaluequerystring.")
		fields, fold = e.query, false
	}
	if v, ok := e.source(expression); ok && !of {
		return []string{v}
	}
	for _, f := range fields {
		if of && (f.Name == name || fold && strings.EqualFold(f.Name, name)) {
			all = append(all, f.Value)
		}
	}
	return all
}

// source evaluates the right side of a request parameter, or an authorizer's
// identity source.
func (e *event) source(expression string) (string, bool) {
	if n := len(expression); n >= 2 && expression[0] == '\'' && expression[n-1] == '\'' {
		return expression[1 : n-1], true
	}
	if name, ok := strings.CutPrefix(expression, "stageVariables."); ok {
		return e.stage.variable(name)
	}
	if name, ok := strings.CutPrefix(expression, "context."); ok {
		return e.contextValue(name)
	}
	rest, ok := strings.CutPrefix(expression, "route.request.")
	if !ok {
		return "", false
	}
	where, name, _ := strings.Cut(rest, ".")
	switch where {
	case "header", "multivalueheader":
		return lookup(e.headers, name, true)
	case "querystring", "multivaluequerystring":
		return lookup(e.query, name, false)
	case "body":
		p, err := jsonpath.Parse(strings.TrimPrefix("."+name, ".$"))
		if name == "" {
			p, err = jsonpath.Path{}, nil
		}
		if err != nil {
			return "", false
		}
		if v, ok := p.Find(e.body); ok && v.Kind != jsonpath.Null {
			return v.Text(), true
		}
	}
	return "", false
}
