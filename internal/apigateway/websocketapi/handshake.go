package websocketapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
	"github.com/suiro-dev/suiro/internal/socket"
)

// handshake is one upgrade on its way through authorization and $connect. The
// client hears nothing before both are done.
type handshake struct {
	api     *API
	w       http.ResponseWriter
	r       *http.Request
	event   event
	traceID string
}

// handshake answers an upgrade to a stage; "" is no stage.
func (a *API) handshake(w http.ResponseWriter, r *http.Request, d *Definition, stage string) {
	now := time.Now()
	h := &handshake{api: a, w: w, r: r, traceID: a.traceID(now)}
	h.event = event{
		conn: a.newConnection(d, r, stage, now), stage: d.Stages[stage], kind: connectEvent,
		routeKey: routeConnect, requestID: a.ids.request(), at: now,
	}
	if !a.enter() {
		h.refuse(http.StatusServiceUnavailable, "Service Unavailable", "Suiro is stopping")
		return
	}
	defer a.work.Done()
	if h.event.stage == nil {
		h.refuse(http.StatusForbidden, forbidden, "there is no such stage; the URL is /{stage}")
		return
	}
	if !h.wellFormed() {
		return
	}
	serves := d.deployment(h.event.stage)
	route := serves.Routes[routeConnect]
	if route == nil {
		if h.admit(&Route{}) {
			h.accept(nil, "")
		}
		return
	}
	h.event.headers = forwarded(a.fields(r), h.event.conn.sourceIP, h.traceID)
	h.event.query = queryFields(r.URL.RawQuery)
	if h.authorize(route) && h.checkKey(d.Keys, serves.KeyFromAuthorizer, route) && h.admit(route) {
		h.connect(route)
	}
}

// admit applies what comes between authorization and the integration: the
// stage's throttle and the inputs that the route cannot do without. That a
// missing one is a 400, as of REST APIs, is not documented.
func (h *handshake) admit(route *Route) bool {
	if !h.event.stage.throttle(routeConnect).allow(h.event.at) {
		h.refuse(http.StatusTooManyRequests, tooManyRequests, "the stage's throttle")
		return false
	}
	var missing []string
	for _, name := range route.Required {
		if v, ok := h.event.source("route.request." + name); !ok || v == "" {
			_, short, _ := strings.Cut(name, ".")
			missing = append(missing, short)
		}
	}
	if len(missing) == 0 {
		return true
	}
	message := "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"
	h.refuse(http.StatusBadRequest, message, message)
	return false
}

// enter counts a handshake among what Close waits for; false when closing.
func (a *API) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return false
	}
	a.work.Add(1)
	return true
}

// wellFormed refuses what is no handshake of RFC 6455. An ordinary GET is
// Forbidden, like any path that the API does not have.
func (h *handshake) wellFormed() bool {
	if len(h.r.Header["Authorization"]) > 1 {
		// The only refusal that comes with HTML, from in front of API Gateway.
		const page = "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n"
		h.journal(http.StatusBadRequest, "the Authorization header is there twice")
		h.w.Header().Set("Content-Type", "text/html")
		h.write(http.StatusBadRequest, []byte(page))
		return false
	}
	err := socket.CheckHandshake(h.r)
	if err == nil {
		return true
	}
	var broken *socket.HandshakeError
	errors.As(err, &broken)
	switch {
	case h.r.Header["Upgrade"] == nil:
		h.refuse(http.StatusForbidden, forbidden, err.Error())
	case broken.Status == http.StatusUpgradeRequired:
		h.w.Header().Set("Sec-WebSocket-Version", "13")
		h.refuse(broken.Status, "Upgrade Required", err.Error())
	default:
		h.refuse(http.StatusBadRequest, "Bad Request", err.Error())
	}
	return false
}

// authorize applies the AuthorizationType of $connect, which guards the whole
// connection.
func (h *handshake) authorize(route *Route) bool {
	switch route.Authorization {
	case AuthorizeIAM:
		return h.authorizeIAM()
	case AuthorizeCustom:
		return h.authorizeCustom(route.Authorizer)
	}
	return true
}

// authorizeIAM verifies the signature of the upgrade request, in its headers
// or its query string, and asks the caller's policies.
func (h *handshake) authorizeIAM() bool {
	a := h.api
	if a.config.Authenticator == nil {
		return true
	}
	who, err := a.config.Authenticator.Authenticate(h.r, "execute-api", []byte{})
	if err == nil {
		h.event.conn.known().caller = &who
		err = a.permit(who, invokeAction, h.event.conn.stage+"/"+routeConnect, h.r)
	}
	if err == nil {
		return true
	}
	var e *awsapi.Error
	if !errors.As(err, &e) {
		h.refuse(http.StatusInternalServerError, internalServerError, err.Error())
		return false
	}
	h.w.Header().Set("x-amzn-ErrorType", e.Code)
	h.refuse(http.StatusForbidden, e.Message, e.Error())
	return false
}

// connect runs the $connect integration; its result decides.
func (h *handshake) connect(route *Route) {
	a, e, i := h.api, &h.event, route.Integration
	if i == nil {
		h.accept(route, "")
		return
	}
	ctx, cancel := a.invokeContext(i)
	defer cancel()
	if i.Type != Lambda {
		h.other(ctx, route)
		return
	}
	req := a.request(e, i, e.appendProxy(nil))
	req.TraceID = h.traceID
	answer, _, fail := e.invoke(ctx, req, true)
	if fail != nil {
		h.refuse(fail.status, fail.message, fail.cause)
		return
	}
	h.proxyResult(route, answer)
}

// other runs a $connect integration that is no Lambda proxy. The backend's
// status decides; of a function that is called with a template, only whether
// it fails.
func (h *handshake) other(ctx context.Context, route *Route) {
	e, i := &h.event, route.Integration
	var got *answer
	var fail *failure
	if i.proxy() {
		got = &answer{}
		got.status, got.header, got.body, fail = h.api.callHTTP(ctx, e, i)
	} else {
		e.traceID = h.traceID
		if got, fail = e.exchange(ctx, i); fail == nil && got.failed {
			fail = &failure{http.StatusBadGateway, internalServerError, "function error: " + got.thrown}
		}
	}
	if fail != nil {
		h.refuse(fail.status, fail.message, fail.cause)
		return
	}
	h.status(route, got.status, got.header, got.body)
}

// proxyResult accepts with 200 to 299 and passes any other status on, with the
// function's own headers and body.
func (h *handshake) proxyResult(route *Route, answer []byte) {
	result, fail := readProxyResult(answer)
	var status int
	var body []byte
	if fail == nil {
		status, fail = result.status()
	}
	if fail == nil {
		body, fail = result.content()
	}
	if fail != nil {
		h.refuse(fail.status, fail.message, fail.cause)
		return
	}
	if status >= 200 && status <= 299 {
		h.accept(route, result.header("Sec-WebSocket-Protocol"))
		return
	}
	header := http.Header{}
	for name, v := range result.Headers {
		header.Set(name, headerText(v))
	}
	for name, vs := range result.MultiValueHeaders {
		header[http.CanonicalHeaderKey(name)] = vs
	}
	h.status(route, status, header, body)
}

// status is the result's statusCode, also one written as text.
func (r *proxyResult) status() (int, *failure) {
	n, err := strconv.Atoi(strings.Trim(string(r.StatusCode), `"`))
	if err != nil || n < 200 || n > 599 {
		return 0, internal("the function returned no usable statusCode")
	}
	return n, nil
}

// status ends a handshake as a backend's status says.
func (h *handshake) status(route *Route, status int, header http.Header, body []byte) {
	if status >= 200 && status <= 299 {
		h.accept(route, header.Get("Sec-WebSocket-Protocol"))
		return
	}
	h.journal(status, "$connect answered "+strconv.Itoa(status))
	to := h.w.Header()
	for name, values := range header {
		switch name {
		case "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Keep-Alive":
		default:
			to[name] = values
		}
	}
	if to.Get("Content-Type") == "" {
		to.Set("Content-Type", "application/json")
	}
	h.write(status, body)
}

// accept opens the socket. The subprotocol is only what $connect returned: API
// Gateway never picks one of the client's offers itself.
func (h *handshake) accept(route *Route, subprotocol string) {
	a, c := h.api, h.event.conn
	var header http.Header
	if subprotocol != "" {
		header = http.Header{"Sec-WebSocket-Protocol": {subprotocol}}
	}
	if err := c.sock.Upgrade(h.w, h.r, header, &a.options); err != nil {
		h.refuse(http.StatusInternalServerError, internalServerError, err.Error())
		return
	}
	h.event.conclude(http.StatusOK)
	if a.config.Journal.Wants(journal.Connected) {
		entry := journal.Entry{
			Kind: journal.Connected, Resource: a.config.Resource, ConnectionID: c.id, RequestID: h.event.requestID,
			Path: h.r.URL.Path, Status: http.StatusSwitchingProtocols, Duration: time.Since(h.event.at),
		}
		entry.Route, entry.Function = h.backend(route)
		a.config.Journal.Publish(entry)
	}
	if err := c.open(); err != nil {
		c.sock.Abort()
		c.sock.Serve(ended{})
	}
}

// ended is the handler of a socket that nobody could register.
type ended struct{}

func (ended) Message(*socket.Conn, []byte, bool) {}
func (ended) Closed(*socket.Conn, int, string)   {}
func (h *handshake) backend(route *Route) (key, function string) {
	if route == nil {
		return "", ""
	}
	if i := route.Integration; i != nil {
		function = i.function(h.event.stage)
	}
	return route.Key, function
}

// refuse answers in API Gateway's own words. The connection id was used up all
// the same; no $disconnect follows, as there was no connection.
func (h *handshake) refuse(status int, message, cause string) {
	h.event.message = message
	h.journal(status, cause)
	b := jsonwrite.String(append([]byte(nil), `{"message":`...), message)
	h.refusal(status, b)
}

// refuseBlank is a refusal whose message is null: an authorizer that gave no
// usable answer.
func (h *handshake) refuseBlank(status int, cause string) {
	h.journal(status, cause)
	h.refusal(status, []byte(`{"message":null`))
}

func (h *handshake) refusal(status int, b []byte) {
	b = jsonwrite.String(append(b, `,"connectionId":`...), h.event.conn.id)
	b = jsonwrite.String(append(b, `,"requestId":`...), h.event.requestID)
	h.w.Header().Set("Content-Type", "application/json")
	h.write(status, append(b, '}'))
}

func (h *handshake) write(status int, body []byte) {
	h.w.Header()["x-amz-apigw-id"] = []string{h.event.requestID}
	h.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	h.w.WriteHeader(status)
	_, _ = h.w.Write(body)
}

func (h *handshake) journal(status int, cause string) {
	h.event.refused = !h.event.called.made
	h.event.conclude(status)
	h.api.config.Journal.Publish(journal.Entry{
		Kind: journal.Refused, Resource: h.api.config.Resource, ConnectionID: h.event.conn.id,
		RequestID: h.event.requestID, Method: h.r.Method, Path: h.r.URL.Path, Status: status,
		Duration: time.Since(h.event.at), Text: cause,
	})
}

// authorizerRequest is the invocation of a Lambda authorizer.
func (h *handshake) authorizerRequest(z *Authorizer, payload []byte) *invoke.Request {
	a := h.api
	req := &invoke.Request{Function: h.event.stage.expand(z.Function), Payload: payload, TraceID: h.traceID}
	if !z.ByRole {
		req.Caller = invoke.Caller{Service: caller, SourceARN: a.arn("authorizers/" + z.ID)}
	}
	return req
}
