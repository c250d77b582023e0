package websocketapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

const (
	unauthorized   = "Unauthorized"
	explicitDeny   = "User is not authorized to access this resource with an explicit deny in an identity-based policy"
	implicitDeny   = "User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"
	invokeAction   = "execute-api:Invoke"
	maxAuthorizing = 8 << 10 // quota of a Lambda authorizer's result
)

// principal is what a Lambda authorizer said of a client. It is repeated in
// every event of the connection.
type principal struct {
	principalID string
	context     []Field
	key         string // usageIdentifierKey: an API key
}

// authorizeCustom asks the Lambda authorizer of $connect. Nothing is cached:
// every handshake calls it.
func (h *handshake) authorizeCustom(z *Authorizer) bool {
	if z == nil {
		h.refuse(http.StatusInternalServerError, internalServerError, "the route's authorizer does not exist")
		return false
	}
	for _, source := range z.Sources {
		if v, ok := h.event.identitySource(source); !ok || v == "" {
			h.refuse(http.StatusUnauthorized, unauthorized, "identity source "+source+" is missing; the authorizer was not called")
			return false
		}
	}
	ctx, cancel := context.WithTimeout(h.api.ctx, maxTimeout)
	defer cancel()
	began := time.Now()
	answer, fail := h.invokeAuthorizer(ctx, z)
	h.event.authorizerLatency = time.Since(began).Milliseconds()
	if fail != nil {
		h.refuseAs(fail)
		return false
	}
	granted, policy, wrong := readPrincipal(answer)
	decision := Unspoken
	if wrong == "" {
		var err error
		if decision, err = h.api.config.Evaluate(policy, invokeAction, h.methodARN(), h.r); err != nil {
			wrong = "the result has no usable policyDocument: " + err.Error()
		}
	}
	if wrong != "" {
		h.refuseBlank(http.StatusInternalServerError, "authorizer "+functionName(z.Function)+": "+wrong)
		return false
	}
	switch decision {
	case Denied:
		h.refuse(http.StatusForbidden, explicitDeny, "the authorizer's policy denies "+h.methodARN())
	case Unspoken:
		h.refuse(http.StatusForbidden, implicitDeny, "the authorizer's policy does not allow "+h.methodARN())
	default:
		h.event.conn.known().authorizer = granted
		return true
	}
	return false
}

// identitySource evaluates one identity source. Two context values exist only
// after authorization and so are never there.
func (e *event) identitySource(source string) (string, bool) {
	if source == "context.eventType" || source == "context.messageDirection" {
		return "", false
	}
	return e.source(source)
}

func (h *handshake) methodARN() string { return h.api.arn(h.event.conn.stage + "/" + routeConnect) }

// invokeAuthorizer calls the function. An error whose message is exactly
// "Unauthorized" is a 401, any other a 500 without a message.
func (h *handshake) invokeAuthorizer(ctx context.Context, z *Authorizer) ([]byte, *failure) {
	res, err := h.api.config.Invoker.Invoke(ctx, h.authorizerRequest(z, h.authorizerEvent()))
	if err != nil {
		return nil, internal(err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	if end := res.End(); end.Outcome != invoke.Complete {
		cause := functionError(res.Body, end)
		if _, message, _ := strings.Cut(cause, ": "); message == unauthorized {
			return nil, &failure{http.StatusUnauthorized, unauthorized, "the authorizer answered Unauthorized"}
		}
		return nil, &failure{http.StatusInternalServerError, "", "authorizer: " + cause}
	}
	answer := make([]byte, 0, 1024)
	for len(answer) <= maxAuthorizing {
		if len(answer) == cap(answer) {
			answer = append(answer, 0)[:len(answer)]
		}
		n, err := res.Body.Read(answer[len(answer):cap(answer)])
		answer = answer[:len(answer)+n]
		if err != nil {
			return answer, nil // what is cut is no JSON, and is refused as that
		}
	}
	return nil, &failure{http.StatusInternalServerError, "", "the authorizer's result is over 8 KB"}
}

func (h *handshake) refuseAs(f *failure) {
	if f.message == "" {
		h.refuseBlank(f.status, f.cause)
		return
	}
	h.refuse(f.status, f.message, f.cause)
}

// authorizerEvent is the REQUEST event: unlike an integration's it shows the
// headers of the hop, and maps without entries are there and empty.
func (h *handshake) authorizerEvent() []byte {
	e := &h.event
	headers := withHop(e.headers)
	b := append([]byte(nil), `{"type":"REQUEST","methodArn":`...)
	b = jsonwrite.String(b, h.methodARN())
	b = appendFields(append(b, `,"headers":`...), headers)
	b = appendMulti(append(b, `,"multiValueHeaders":`...), headers)
	b = appendFields(append(b, `,"queryStringParameters":`...), e.query)
	b = appendMulti(append(b, `,"multiValueQueryStringParameters":`...), e.query)
	b = e.stage.appendVariables(append(b, `,"stageVariables":`...))
	b = e.appendContext(append(b, `,"requestContext":`...), false)
	return append(b, '}')
}

// readPrincipal reads an authorizer's result; the text says what is wrong with
// it.
func readPrincipal(answer []byte) (*principal, *document.Node, string) {
	n, err := document.FromJSON(answer, diag.Position{})
	if err != nil || n.Kind != document.Map {
		return nil, nil, "the result is no JSON object"
	}
	id, ok := n.Get("principalId").Scalar()
	if !ok || id == "" {
		return nil, nil, "the result has no principalId"
	}
	p := &principal{principalID: id, key: n.Get("usageIdentifierKey").TextOr("")}
	values := n.Get("context")
	if !values.IsNull() && values.Kind != document.Map {
		return nil, nil, "context is no object"
	}
	if !values.IsNull() {
		for _, m := range values.Members {
			if m.Value.IsNull() {
				continue // entries that are null vanish
			}
			text, ok := m.Value.Scalar()
			if !ok {
				return nil, nil, "context." + m.Key + " is neither text, number nor boolean"
			}
			p.context = append(p.context, Field{m.Key, text})
		}
	}
	return p, n.Get("policyDocument"), ""
}
