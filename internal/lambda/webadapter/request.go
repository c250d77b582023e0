package webadapter

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// origin is what made an event; the form of the result follows it.
type origin int

const (
	passThrough origin = iota // no HTTP request
	payloadV1                 // REST APIs, and HTTP APIs that ask for 1.0
	payloadV2                 // function URLs and HTTP APIs
	loadBalancer
)

// event has what the formats of HTTP events say, together.
type event struct {
	HTTPMethod  *string             `json:"httpMethod"`
	Path        string              `json:"path"`
	RawPath     string              `json:"rawPath"`
	RawQuery    string              `json:"rawQueryString"`
	Cookies     []string            `json:"cookies"`
	Headers     map[string]string   `json:"headers"`
	MultiHeader map[string][]string `json:"multiValueHeaders"`
	Query       map[string]string   `json:"queryStringParameters"`
	MultiQuery  map[string][]string `json:"multiValueQueryStringParameters"`
	Body        *string             `json:"body"`
	IsBase64    bool                `json:"isBase64Encoded"`
	Context     json.RawMessage     `json:"requestContext"`
}

// eventContext is what of requestContext tells the formats apart.
type eventContext struct {
	HTTP *struct {
		Method string `json:"method"`
	} `json:"http"`
	ELB *struct{} `json:"elb"`
}

// request is an event as an HTTP request to the server.
type request struct {
	origin  origin
	method  string
	path    string
	query   string
	header  map[string][]string // lower case
	body    []byte
	context json.RawMessage // requestContext
}

// readEvent turns an event into a request. What has not the form of an HTTP
// event passes through as the body of a POST, WebSocket events too.
func readEvent(payload []byte) (*request, error) {
	var e event
	var c eventContext
	if json.Unmarshal(payload, &e) != nil || len(e.Context) == 0 || json.Unmarshal(e.Context, &c) != nil {
		return passedThrough(payload), nil
	}
	r := &request{header: make(map[string][]string, len(e.Headers)+4), context: e.Context}
	switch {
	case c.HTTP != nil && c.HTTP.Method != "":
		r.origin, r.method, r.path, r.query = payloadV2, c.HTTP.Method, e.RawPath, e.RawQuery
	case e.HTTPMethod != nil && c.ELB != nil:
		r.origin, r.method, r.path, r.query = loadBalancer, *e.HTTPMethod, e.Path, e.query(true)
	case e.HTTPMethod != nil:
		r.origin, r.method, r.path, r.query = payloadV1, *e.HTTPMethod, e.Path, e.query(false)
	default:
		return passedThrough(payload), nil
	}
	for name, value := range e.Headers {
		r.header[strings.ToLower(name)] = []string{value}
	}
	for name, values := range e.MultiHeader {
		r.header[strings.ToLower(name)] = values
	}
	if len(e.Cookies) > 0 {
		r.header["cookie"] = []string{strings.Join(e.Cookies, ";")}
	}
	if e.Body == nil {
		return r, nil
	}
	r.body = []byte(*e.Body)
	if e.IsBase64 {
		var err error
		if r.body, err = base64.StdEncoding.DecodeString(*e.Body); err != nil {
			return nil, fmt.Errorf("the event's body is not base64: %w", err)
		}
	}
	return r, nil
}

// passedThrough is an event that is no HTTP request; null when it is no JSON.
func passedThrough(payload []byte) *request {
	if !json.Valid(payload) {
		payload = []byte("null")
	}
	return &request{
		origin: passThrough, method: http.MethodPost, body: payload, context: json.RawMessage("null"),
		header: map[string][]string{"content-type": {"application/json"}},
	}
}

// query encodes an event's query again; a load balancer leaves names and
// values encoded as they came.
func (e *event) query(encoded bool) string {
	values := e.MultiQuery
	if len(values) == 0 {
		values = make(map[string][]string, len(e.Query))
		for name, value := range e.Query {
			values[name] = []string{value}
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	escape := func(s string) string {
		if encoded {
			if plain, err := url.QueryUnescape(s); err == nil {
				s = plain
			}
		}
		return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	var pairs []string
	for _, name := range names {
		for _, value := range values[name] {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// hopHeaders belong to the connection that a request came by, and lengths to
// how its body travelled.
var hopHeaders = []string{"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "content-length", "host", "expect"}

// http makes the request for the server.
func (r *request) http(ctx context.Context, s *server, e *environment.Event, logStream string) *http.Request {
	h := make(http.Header, len(r.header)+8)
	for name, values := range r.header {
		h[name] = values
	}
	for _, name := range hopHeaders {
		delete(h, name)
	}
	h["x-amzn-request-context"] = []string{oneLine(r.context)}
	h["x-amzn-lambda-context"] = []string{s.lambdaContext(e, logStream)}
	if e.TraceID != "" {
		h["x-amzn-trace-id"] = []string{e.TraceID}
	}
	if source := s.set.AuthorizationSource; source != "" && len(h[source]) > 0 {
		values := h[source]
		delete(h, source)
		h["authorization"] = values
	}
	// net/http adds a user agent of its own where this name has no value.
	h["User-Agent"] = []string{strings.Join(h["user-agent"], ",")}
	delete(h, "user-agent")
	address := s.address()
	req := &http.Request{Method: r.method, URL: target(address, s.path(r), r.query), Header: h, Host: address}
	if host := r.header["host"]; len(host) > 0 {
		req.Host = host[0]
	}
	if len(r.body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
	}
	return req.WithContext(ctx)
}

// path is the request's path at the server: without the stage, and without the
// base path, however often it is repeated.
func (s *server) path(r *request) string {
	if r.origin == passThrough {
		return rooted(s.set.PassThroughPath)
	}
	path := r.path
	if base := s.set.BasePath; base != "" {
		for strings.HasPrefix(path, base) {
			path = path[len(base):]
		}
	}
	return rooted(path)
}

func rooted(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "/" + path
	}
	return path
}

// target is a URL whose path reaches the server byte for byte, escapes and
// all, but for bytes that cannot stand in a request line.
func target(address, path, query string) *url.URL {
	u := &url.URL{Scheme: "http", Host: address, RawQuery: escapeBytes(query)}
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = plain, path
		if u.EscapedPath() == path {
			return u
		}
	}
	u.Path, u.RawPath = "", ""
	u.Opaque = escapeBytes(path)
	if strings.HasPrefix(u.Opaque, "//") { // which net/url would take for a host
		u.Opaque = "//" + address + u.Opaque
	}
	return u
}

// escapeBytes escapes what no request line may hold.
func escapeBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// oneLine is JSON as the value of a header.
func oneLine(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return "null"
	}
	return b.String()
}

// lambdaContext is the runtime's context of an invocation as the adapter
// serialises it (aws-lambda-rust-runtime, Context).
func (s *server) lambdaContext(e *environment.Event, logStream string) string {
	type config struct {
		FunctionName string `json:"function_name"`
		Memory       int    `json:"memory"`
		Version      string `json:"version"`
		LogStream    string `json:"log_stream"`
		LogGroup     string `json:"log_group"`
	}
	c := struct {
		RequestID     string          `json:"request_id"`
		Deadline      int64           `json:"deadline"`
		FunctionARN   string          `json:"invoked_function_arn"`
		TraceID       *string         `json:"xray_trace_id"`
		ClientContext json.RawMessage `json:"client_context"`
		Identity      *struct{}       `json:"identity"`
		TenantID      *string         `json:"tenant_id"`
		Config        config          `json:"env_config"`
	}{
		RequestID: e.RequestID, Deadline: e.Deadline.UnixMilli(), FunctionARN: e.InvokedARN,
		Config: config{s.adapter.cfg.FunctionName, s.adapter.cfg.MemorySize, s.version, logStream, s.adapter.cfg.LogGroup},
	}
	if e.TraceID != "" {
		c.TraceID = &e.TraceID
	}
	if json.Valid(e.ClientContext) {
		c.ClientContext = e.ClientContext
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "{}"
	}
	return string(text)
}
