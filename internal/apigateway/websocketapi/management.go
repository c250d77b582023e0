package websocketapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// managementAt finds the "@connections" segment of a path; SDKs send it raw,
// hand-written clients as "%40connections".
func managementAt(path []string) (int, bool) {
	at := slices.IndexFunc(path, func(s string) bool { return s == "@connections" || unescape(s) == "@connections" })
	return at, at >= 0
}

// IsManagement tells from a request line, without its end, that ServeHTTP
// answers it as a management call.
func IsManagement(line []byte) bool {
	path, _, _ := bytes.Cut(line, []byte{'?'})
	return bytes.Contains(path, []byte("/@connections/")) || bytes.Contains(path, []byte("/%40connections/"))
}

// management is one call of the @connections API (apigatewaymanagementapi,
// 2018-11-29).
type management struct {
	api *API
	w   http.ResponseWriter
	r   *http.Request
	id  string
	at  time.Time
	// stage is the one that the path names; nil without one.
	stage *Stage
}

// manage serves POST, GET and DELETE /{stage}/@connections/{id}. before are
// the path's segments before @connections, after those behind it. Any stage of
// the API addresses any of its connections. Without a stage, as emulators of
// old had it, the call is taken too: it cannot be meant for something else.
func (a *API) manage(w http.ResponseWriter, r *http.Request, d *Definition, before, after []string) {
	m := &management{api: a, w: w, r: r, at: time.Now()}
	stage := d.stageName(r.Host, before)
	m.stage = d.Stages[stage]
	switch {
	case r.ContentLength > maxMessage:
		m.tooLarge()
	case len(before) > 1, len(before) == 1 && d.Stages[stage] == nil, len(d.Stages) == 0, len(after) != 1:
		m.refuse(&awsapi.Error{Status: http.StatusForbidden, Code: "ForbiddenException", Message: forbidden})
	default:
		m.id = unescape(after[0])
		if !wellFormed(m.id) {
			m.refuse(&awsapi.Error{Status: http.StatusBadRequest, Code: "BadRequestException", Message: "Invalid connectionId: " + m.id})
			return
		}
		m.call(d, stage)
	}
}

// call does what the method says, once the caller may.
func (m *management) call(d *Definition, stage string) {
	payload := payloads.Get().(*[]byte)
	defer func() {
		if cap(*payload) <= largestKept {
			payloads.Put(payload)
		}
	}()
	var err error
	if *payload, err = readPayload((*payload)[:0], m.r.Body); err != nil {
		m.refuse(&awsapi.Error{Status: http.StatusBadRequest, Code: "BadRequestException", Message: err.Error()})
		return
	}
	if len(*payload) > maxMessage {
		m.tooLarge()
		return
	}
	if err := m.authorize(d, stage, *payload); err != nil {
		m.refuse(err)
		return
	}
	switch m.r.Method {
	case http.MethodPost:
		m.post(*payload)
	case http.MethodGet:
		m.get()
	case http.MethodDelete:
		m.delete()
	default:
		m.refuse(&awsapi.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"})
	}
}

var payloads = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// readPayload reads at most one byte more than a message may have.
func readPayload(b []byte, from io.Reader) ([]byte, error) {
	for len(b) <= maxMessage {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := from.Read(b[len(b):min(cap(b), maxMessage+1)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

// authorize checks signature and policy. The policy is held against the
// method's template text, so a policy that names one connection's id matches
// nothing, as on AWS.
func (m *management) authorize(d *Definition, stage string, payload []byte) error {
	a := m.api
	if a.config.Authenticator == nil {
		return nil
	}
	who, err := a.config.Authenticator.Authenticate(m.r, "execute-api", payload)
	if err != nil {
		return err
	}
	const action = "execute-api:ManageConnections"
	method := "/" + m.r.Method + "/@connections/{connectionId}"
	if stage != "" {
		return a.permit(who, action, stage+method, m.r)
	}
	for name := range d.Stages { // named none: any that the caller may use
		if err = a.permit(who, action, name+method, m.r); err == nil {
			break
		}
	}
	return err
}

// permit asks the caller's policies.
func (a *API) permit(who awsapi.Caller, action, resource string, r *http.Request) error {
	if who.Owner || a.config.Authorizer == nil {
		return nil
	}
	return a.config.Authorizer.AuthorizeRequest(who, action, a.arn(resource), r)
}

func (m *management) address() cluster.Address {
	return cluster.Address{API: m.api.config.ID, Connection: m.id}
}

// post pushes the payload as a text message, whatever its Content-Type. It has
// been written, or queued behind others for a client that reads slowly, when
// the caller gets 200.
func (m *management) post(payload []byte) {
	err := m.api.config.Connections.Deliver(m.r.Context(), m.address(), toText(payload))
	if err != nil {
		m.refuse(err)
		return
	}
	if j := m.api.config.Journal; j.Wants(journal.Pushed) {
		j.Publish(journal.Entry{
			Kind: journal.Pushed, Resource: m.api.config.Resource, ConnectionID: m.id,
			Method: m.r.Method, Status: http.StatusOK, Bytes: len(payload), Duration: time.Since(m.at),
		})
	}
	m.log(http.StatusOK, "")
	m.headers()
	m.w.Header()["Content-Type"] = jsonType
	m.w.Header()["Content-Length"] = zeroLength
	m.w.WriteHeader(http.StatusOK)
}

// Header values that every push sends.
var (
	jsonType   = []string{"application/json"}
	zeroLength = []string{"0"}
)

func (m *management) get() {
	info, err := m.api.config.Connections.Info(m.r.Context(), m.address())
	if err != nil {
		m.refuse(err)
		return
	}
	const stamp = "2006-01-02T15:04:05.000Z"
	b := jsonwrite.String([]byte("{\n  \"identity\" : {\n    \"sourceIp\" : "), info.SourceIP)
	b = append(b, ",\n    \"userAgent\" : "...)
	if info.UserAgent == "" {
		b = append(b, "null"...)
	} else {
		b = jsonwrite.String(b, info.UserAgent)
	}
	b = append(b, "\n  },\n  \"connectedAt\" : \""...)
	b = info.ConnectedAt.UTC().AppendFormat(b, stamp)
	b = append(b, "\",\n  \"lastActiveAt\" : \""...)
	b = info.LastActiveAt.UTC().AppendFormat(b, stamp)
	b = append(b, "\"\n}"...)
	m.log(http.StatusOK, "")
	m.headers()
	m.w.Header()["Content-Type"] = jsonType
	m.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = m.w.Write(b)
}

func (m *management) delete() {
	if err := m.api.config.Connections.Close(m.r.Context(), m.address()); err != nil {
		m.refuse(err)
		return
	}
	m.log(http.StatusNoContent, "")
	m.headers()
	m.w.WriteHeader(http.StatusNoContent)
}

// headers sets what every answer has. The names are spelled as API Gateway
// spells them.
func (m *management) headers() {
	h := m.w.Header()
	h["x-amzn-RequestId"] = []string{awsapi.NewRequestID()}
	h["x-amz-apigw-id"] = []string{m.api.ids.request()}
	trace := m.r.Header.Get("X-Amzn-Trace-Id")
	if trace == "" {
		trace = m.api.traceID(m.at)
	}
	h["X-Amzn-Trace-Id"] = []string{trace}
}

// refuse answers with an error. 410 has no body: SDKs know GoneException by
// its header alone.
func (m *management) refuse(err error) {
	var e *awsapi.Error
	switch {
	case errors.Is(err, cluster.ErrGone):
		e = &awsapi.Error{Status: http.StatusGone, Code: "GoneException"}
	case errors.Is(err, cluster.ErrFull): // "the WebSocket client side buffer is full" (API model)
		e = &awsapi.Error{Status: http.StatusTooManyRequests, Code: "LimitExceededException", Message: "Limit exceeded"}
	case !errors.As(err, &e):
		e = &awsapi.Error{Status: http.StatusInternalServerError, Code: "InternalServerErrorException", Message: internalServerError}
	}
	m.api.config.Journal.Publish(journal.Entry{
		Kind: journal.Refused, Resource: m.api.config.Resource, ConnectionID: m.id, Method: m.r.Method,
		Path: m.r.URL.Path, Status: e.Status, Text: e.Code, Err: e.Message, Duration: time.Since(m.at),
	})
	m.log(e.Status, e.Message)
	m.headers()
	h := m.w.Header()
	h["x-amzn-ErrorType"] = []string{e.Code}
	h["Content-Type"] = jsonType
	var body []byte
	if e.Code != "GoneException" {
		body = jsonwrite.String(append(body, `{"`+awsapi.MessageKey(e.Code)+`":`...), e.Message)
		body = append(body, '}')
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	m.w.WriteHeader(e.Status)
	_, _ = m.w.Write(body)
}

// tooLarge is a bare 413, from in front of API Gateway: no error type and no
// request id.
func (m *management) tooLarge() {
	// A client that is still writing must not meet a reset before it reads the
	// answer; one that goes on for long must.
	_, _ = io.CopyN(io.Discard, m.r.Body, 8*maxMessage)
	m.api.config.Journal.Publish(journal.Entry{
		Kind: journal.Refused, Resource: m.api.config.Resource, ConnectionID: m.id, Method: m.r.Method,
		Path: m.r.URL.Path, Status: http.StatusRequestEntityTooLarge, Text: "more than 131072 bytes", Duration: time.Since(m.at),
	})
	m.log(http.StatusRequestEntityTooLarge, "Request Too Large")
	m.w.Header()["Content-Type"] = nil
	m.w.Header()["Content-Length"] = zeroLength
	m.w.WriteHeader(http.StatusRequestEntityTooLarge)
}
