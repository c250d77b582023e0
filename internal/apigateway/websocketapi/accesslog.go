package websocketapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

// LogFormat is the Format of a stage's AccessLogSettings, ready to be filled in.
type LogFormat struct{ parts []logPart }

// logPart is text and the $context variable behind it.
type logPart struct{ text, variable string }

// ParseLogFormat reads a format; "" is nil, no log.
func ParseLogFormat(format string) *LogFormat {
	if format == "" {
		return nil
	}
	const mark = "$context."
	f := &LogFormat{}
	for {
		text, rest, found := strings.Cut(format, mark)
		if !found {
			f.parts = append(f.parts, logPart{text: text})
			return f
		}
		end := 0
		for end < len(rest) && variableByte(rest[end]) {
			end++
		}
		name := strings.TrimRight(rest[:end], ".") // a sentence may end behind it
		f.parts = append(f.parts, logPart{text, name})
		format = rest[len(name):]
	}
}

func variableByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

// line fills the format in; what is not known is "-".
func (f *LogFormat) line(value func(name string) (string, bool)) string {
	var b strings.Builder
	for _, p := range f.parts {
		b.WriteString(p.text)
		if p.variable == "" {
			continue
		}
		v, ok := value(p.variable)
		if !ok || v == "" {
			v = "-"
		}
		b.WriteString(v)
	}
	return b.String()
}

// called is the backend's part in an event.
type called struct {
	made bool
	// service is the status of Lambda itself or of the HTTP backend, 0 when
	// that could not be called; status is what the function returned.
	service, status int
	latency         time.Duration
	requestID       string
	failed          string
}

// conclude counts and logs an event that has ended. status is what API Gateway
// answered.
func (e *event) conclude(status int) {
	c := e.conn
	e.status = status
	if c.meters != nil {
		c.meters.count(e)
		if e.settings().DetailedMetrics {
			c.api.meters.of(dimensions{c.stage, e.routeKey}).count(e)
		}
	}
	if e.stage != nil && e.stage.AccessLog != nil && c.api.config.Journal.Wants(journal.AccessLogged) {
		c.api.config.Journal.Publish(journal.Entry{
			Kind: journal.AccessLogged, Resource: c.api.config.Resource, ConnectionID: c.id, RequestID: e.requestID,
			Route: e.routeKey, Status: status, Text: e.stage.AccessLog.line(e.logValue),
		})
	}
	e.executionLog()
}

// logValue is a $context variable of an access log (API Gateway Developer
// Guide, "Configure logging for a WebSocket API"). Epochs are milliseconds.
func (e *event) logValue(name string) (string, bool) {
	by := &e.called
	var v string
	switch name {
	case "status":
		v = strconv.Itoa(e.status)
	case "integrationLatency", "integration.latency":
		if by.made {
			v = strconv.FormatInt(by.latency.Milliseconds(), 10)
		}
	case "integration.integrationStatus", "integrationStatus":
		v = positive(by.service)
	case "integration.status":
		v = positive(by.status)
	case "integration.requestId":
		v = by.requestID
	case "integration.error", "integrationErrorMessage":
		v = by.failed
	case "error.message", "authorizer.error", "authorize.error":
		if name == "error.message" || e.status == 401 || e.status == 403 {
			v = e.message
		}
	case "error.messageString":
		if e.message != "" {
			v = strconv.Quote(e.message)
		}
	case "error.validationErrorString":
		v = e.invalid
	case "error.responseType":
		v = responseTypes[e.status]
	case "authorizer.integrationLatency", "authorizer.latency":
		if e.conn.authorizer != nil && e.kind == connectEvent {
			v = strconv.FormatInt(e.authorizerLatency, 10)
		}
	case "authorizer.status", "authorizer.integrationStatus", "authorize.status":
		if e.conn.authorizer != nil && e.kind == connectEvent {
			v = "200"
		}
	case "authenticate.status":
		if e.conn.caller != nil && e.kind == connectEvent {
			v = "200"
		}
	default:
		return e.contextValue(name)
	}
	return v, v != ""
}

// log writes a call of @connections into the stage's access log, which names
// the method's template and not the connection in the route key.
func (m *management) log(status int, message string) {
	if m.stage == nil || m.stage.AccessLog == nil || !m.api.config.Journal.Wants(journal.AccessLogged) {
		return
	}
	w := whence{stage: m.stage.Name, domain: m.r.Host, sourceIP: sourceIP(m.r), userAgent: m.r.UserAgent()}
	e := event{
		conn:  &connection{origin: &origin{api: m.api, whence: w}, credentials: &anonymous, id: m.id},
		stage: m.stage, kind: "CONNECTION_API", routeKey: m.r.Method + " /@connections/{connectionId}",
		requestID: m.api.ids.request(), at: m.at, message: message,
	}
	e.conclude(status)
}

// responseTypes are the gateway response types of what API Gateway answers by
// itself.
var responseTypes = map[int]string{
	400: "BAD_REQUEST_BODY", 401: "UNAUTHORIZED", 403: "ACCESS_DENIED", 413: "REQUEST_TOO_LARGE", 429: "THROTTLED",
	500: "DEFAULT_5XX", 502: "INTEGRATION_FAILURE", 504: "INTEGRATION_TIMEOUT",
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
