package websocketapi

import (
	"strconv"
	"strings"
	"time"
)

// contextValue is a $context variable of an event, as text (API Gateway
// Developer Guide, "API Gateway WebSocket API mapping template reference").
func (e *event) contextValue(name string) (string, bool) {
	c := e.conn
	var v string
	switch name {
	case "apiId":
		v = c.api.config.ID
	case "connectedAt":
		v = strconv.FormatInt(c.connectedAt, 10)
	case "connectionId":
		v = c.id
	case "domainName":
		v = c.domain
	case "eventType":
		v = string(e.kind)
	case "extendedRequestId", "requestId":
		v = e.requestID
	case "messageDirection":
		v = "IN"
	case "messageId":
		v = e.messageID
	case "requestTime":
		v = e.at.UTC().Format("02/Jan/2006:15:04:05 +0000")
	case "requestTimeEpoch":
		v = strconv.FormatInt(e.at.UnixMilli(), 10)
	case "routeKey":
		v = e.routeKey
	case "stage":
		v = c.stage
	case "identity.sourceIp":
		v = c.sourceIP
	case "identity.userAgent":
		v = c.userAgent
	default:
		v = e.authorizerValue(name)
	}
	return v, v != ""
}

// authorizerValue is $context.authorizer.x, or what AWS_IAM knows of a caller.
func (e *event) authorizerValue(name string) string {
	if z := e.conn.authorizer; z != nil {
		if key, ok := strings.CutPrefix(name, "authorizer."); ok {
			if key == "principalId" {
				return z.principalID
			}
			v, _ := lookup(z.context, key, false)
			return v
		}
	}
	if k := e.conn.key; k != nil {
		switch name {
		case "identity.apiKey":
			return k.Value
		case "identity.apiKeyId":
			return k.ID
		}
	}
	if c := e.conn.caller; c != nil {
		switch name {
		case "identity.accountId":
			return c.AccountID
		case "identity.caller", "identity.user":
			return c.UserID
		case "identity.userArn":
			return c.ARN
		case "identity.accessKey":
			return c.AccessKeyID
		}
	}
	return ""
}

// traceID is an X-Amzn-Trace-Id for a request that has none.
func (a *API) traceID(at time.Time) string {
	const digits = 24
	n := strconv.FormatUint(a.ids.counter.Add(1)*0x9e3779b97f4a7c15, 16)
	sum := strings.Repeat("0", digits)
	return "Root=1-" + strconv.FormatInt(at.Unix(), 16) + "-" + sum[:digits-len(n)] + n
}
