package websocketapi

import (
	"strconv"
	"time"

	"github.com/suiro-dev/suiro/internal/jsonpath"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// eventType is requestContext.eventType.
type eventType string

const (
	connectEvent    eventType = "CONNECT"
	messageEvent    eventType = "MESSAGE"
	disconnectEvent eventType = "DISCONNECT"
)

// event is one thing that happens to a connection and may call a backend. The
// encoders write it as the Lambda proxy event of WebSocket APIs, members in
// the order AWS has them, straight into a buffer.
type event struct {
	conn      *connection
	stage     *Stage // nil when the stage is gone
	kind      eventType
	routeKey  string
	requestID string
	messageID string // MESSAGE
	at        time.Time

	body     []byte // MESSAGE: the text, lent until Message returns
	accepted func() // MESSAGE: a function's call has its place

	code   int // DISCONNECT
	reason string

	headers []Field // CONNECT
	query   []Field // CONNECT
	traceID string  // CONNECT
	// authorizerLatency is in milliseconds, only in CONNECT events.
	authorizerLatency int64

	// How it ended, for logs and metrics.
	called  called
	refused bool   // before the integration was called
	status  int    // what API Gateway answered
	message string // what it told the client of a failure
	invalid string // why its model refuses the message
	sent    int    // bytes sent back
	traced  string // the start of body, for the execution log
}

// appendProxy appends the event that an AWS_PROXY integration sends.
func (e *event) appendProxy(b []byte) []byte {
	b = append(b, '{')
	switch e.kind {
	case connectEvent:
		b = appendFields(append(b, `"headers":`...), withoutHop(e.headers))
		b = appendMulti(append(b, `,"multiValueHeaders":`...), withoutHop(e.headers))
		if len(e.query) > 0 { // else the members are absent, not null
			b = appendFields(append(b, `,"queryStringParameters":`...), e.query)
			b = appendMulti(append(b, `,"multiValueQueryStringParameters":`...), e.query)
		}
		b = append(b, ',')
	case disconnectEvent:
		host := e.conn.domain
		b = append(b, `"headers":{"Host":`...)
		b = jsonwrite.String(b, host)
		b = append(b, `,"x-api-key":"","X-Forwarded-For":"","x-restapi":""},"multiValueHeaders":{"Host":[`...)
		b = jsonwrite.String(b, host)
		b = append(b, `],"x-api-key":[""],"X-Forwarded-For":[""],"x-restapi":[""]},`...)
	}
	if e.stage != nil && len(e.stage.Variables) > 0 {
		b = e.stage.appendVariables(append(b, `"stageVariables":`...))
		b = append(b, ',')
	}
	b = e.appendContext(append(b, `"requestContext":`...), true)
	if e.kind == messageEvent {
		b = appendTextBytes(append(b, `,"body":`...), e.body)
	}
	return append(b, `,"isBase64Encoded":false}`...)
}

// appendContext appends requestContext; an authorizer's own event has it
// without what authorizers add.
func (e *event) appendContext(b []byte, authorized bool) []byte {
	c := e.conn
	b = jsonwrite.String(append(b, `{"routeKey":`...), e.routeKey)
	switch e.kind {
	case messageEvent:
		b = jsonwrite.String(append(b, `,"messageId":`...), e.messageID)
	case disconnectEvent:
		b = strconv.AppendInt(append(b, `,"disconnectStatusCode":`...), int64(e.code), 10)
	}
	b = append(b, `,"eventType":"`...)
	b = append(append(b, e.kind...), '"')
	if authorized && c.authorizer != nil {
		b = e.appendAuthorizer(append(b, `,"authorizer":`...))
	}
	b = jsonwrite.String(append(b, `,"extendedRequestId":`...), e.requestID)
	b = append(b, `,"requestTime":"`...)
	b = e.at.UTC().AppendFormat(b, "02/Jan/2006:15:04:05 +0000")
	b = append(b, `","messageDirection":"IN"`...)
	if e.kind == disconnectEvent {
		b = jsonwrite.String(append(b, `,"disconnectReason":`...), e.reason)
	}
	b = jsonwrite.String(append(b, `,"stage":`...), c.stage)
	b = strconv.AppendInt(append(b, `,"connectedAt":`...), c.connectedAt, 10)
	b = strconv.AppendInt(append(b, `,"requestTimeEpoch":`...), e.at.UnixMilli(), 10)
	b = c.appendIdentity(append(b, `,"identity":`...))
	b = jsonwrite.String(append(b, `,"requestId":`...), e.requestID)
	b = jsonwrite.String(append(b, `,"domainName":`...), c.domain)
	b = jsonwrite.String(append(b, `,"connectionId":`...), c.id)
	b = jsonwrite.String(append(b, `,"apiId":`...), c.api.config.ID)
	return append(b, '}')
}

// appendAuthorizer appends what the Lambda authorizer returned at $connect. It
// stays with the connection; the latency is told once.
func (e *event) appendAuthorizer(b []byte) []byte {
	z := e.conn.authorizer
	b = jsonwrite.String(append(b, `{"principalId":`...), z.principalID)
	if e.kind == connectEvent {
		b = strconv.AppendInt(append(b, `,"integrationLatency":`...), e.authorizerLatency, 10)
	}
	for _, f := range z.context {
		b = jsonwrite.String(append(b, ','), f.Name)
		b = jsonwrite.String(append(b, ':'), f.Value)
	}
	return append(b, '}')
}

// appendIdentity appends requestContext.identity. Members without a value are
// absent: the nulls of early WebSocket APIs are no longer sent.
func (c *connection) appendIdentity(b []byte) []byte {
	b = append(b, '{')
	if c.caller != nil {
		b = jsonwrite.String(append(b, `"userArn":`...), c.caller.ARN)
		b = append(b, ',')
	}
	if c.hasUserAgent {
		b = jsonwrite.String(append(b, `"userAgent":`...), c.userAgent)
		b = append(b, ',')
	}
	if c.caller != nil {
		b = jsonwrite.String(append(b, `"accountId":`...), c.caller.AccountID)
		b = jsonwrite.String(append(b, `,"caller":`...), c.caller.UserID)
		b = append(b, ',')
	}
	if c.key != nil {
		b = jsonwrite.String(append(b, `"apiKey":`...), c.key.Value)
		b = jsonwrite.String(append(b, `,"apiKeyId":`...), c.key.ID)
		b = append(b, ',')
	}
	b = jsonwrite.String(append(b, `"sourceIp":`...), c.sourceIP)
	if c.caller != nil {
		b = jsonwrite.String(append(b, `,"accessKey":`...), c.caller.AccessKeyID)
		b = jsonwrite.String(append(b, `,"user":`...), c.caller.UserID)
	}
	return append(b, '}')
}

func (s *Stage) appendVariables(b []byte) []byte {
	b = append(b, '{')
	if s != nil {
		for i, v := range s.Variables {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonwrite.String(b, v.Name)
			b = jsonwrite.String(append(b, ':'), v.Value)
		}
	}
	return append(b, '}')
}

// appendFields appends an object with the last value of each name.
func appendFields(b []byte, fs []Field) []byte {
	b = append(b, '{')
	first := true
	for i, f := range fs {
		if _, again := lookup(fs[i+1:], f.Name, false); again {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = jsonwrite.String(b, f.Name)
		b = jsonwrite.String(append(b, ':'), f.Value)
	}
	return append(b, '}')
}

// appendMulti appends an object with all values of each name, in order.
func appendMulti(b []byte, fs []Field) []byte {
	b = append(b, '{')
	first := true
	for i, f := range fs {
		if _, seen := lookup(fs[:i], f.Name, false); seen {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = jsonwrite.String(b, f.Name)
		b = append(b, `:[`...)
		b = jsonwrite.String(b, f.Value)
		for _, g := range fs[i+1:] {
			if g.Name == f.Name {
				b = jsonwrite.String(append(b, ','), g.Value)
			}
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendTextBytes is jsonwrite.String for a message's text, which is valid UTF-8.
func appendTextBytes(b, s []byte) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		n := jsonpath.PlainText(s)
		b = append(b, s[:n]...)
		if s = s[n:]; len(s) > 0 {
			b = jsonwrite.Escape(b, s[0])
			s = s[1:]
		}
	}
	return append(b, '"')
}
