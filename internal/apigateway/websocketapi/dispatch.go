package websocketapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// What API Gateway itself tells a client, in error frames and in refusals.
const (
	forbidden           = "Forbidden"
	internalServerError = "Internal server error"
	endpointTimedOut    = "Endpoint request timed out"
	tooManyRequests     = "Too Many Requests" // the frame's text is not documented
)

// job is a message on its way to its backend. Jobs are pooled together with
// the buffer that holds the encoded event.
type job struct {
	event   event
	route   *Route
	payload []byte
	size    int // of the client's message

	// Of a function that is called as a proxy: since when, and what ends it
	// early.
	began    time.Time
	cancel   context.CancelFunc
	answered func(*invoke.Result, error) // conclude

	// Of the other backends.
	accepted func() // tells the reader that the message has its place
	told     bool
	started  chan struct{} // on which it is told
}

var jobs = sync.Pool{New: func() any { return new(job) }}

// accept lets the reader go on to the next message, once.
func (j *job) accept() {
	if !j.told {
		j.told = true
		j.started <- struct{}{}
	}
}

// largestKept keeps the pool from holding on to what a rare large message took.
const largestKept = 64 << 10

// dispatch hands a message to its backend. A function has accepted it when
// dispatch returns: it has an execution environment or its place in the queue
// for one. So messages of one connection reach their functions in the order in
// which they arrived. Nobody waits for the answer: that of a function which is
// called as a proxy is dealt with by who reads it (conclude), for the other
// backends there is a goroutine.
func (c *connection) dispatch(e *event, route *Route) {
	j := jobs.Get().(*job)
	if j.accepted == nil { // a new one
		j.accepted, j.answered = j.accept, j.conclude
	}
	j.event, j.route, j.size = *e, route, len(e.body)
	if route.Integration.Type == Lambda {
		j.payload = e.appendProxy(j.payload[:0])
	} else {
		j.payload = append(j.payload[:0], e.body...)
	}
	j.event.body = nil
	c.api.work.Add(1)
	if route.Integration.Type == Lambda {
		j.invoke()
		return
	}
	started := starts.Get().(chan struct{})
	j.started = started
	go j.run()
	<-started
	starts.Put(started) // the job has let go of it with what it told
}

// starts are channels that hold one value. They are not the jobs' own, since a
// job may be somebody else's by the time its reader has heard of its start.
var starts = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

// invoke calls the function. The job may be over when it returns.
func (j *job) invoke() {
	a, i := j.event.conn.api, j.route.Integration
	var ctx context.Context
	ctx, j.cancel = a.invokeContext(i)
	j.began = time.Now()
	a.config.Invoker.Start(ctx, a.request(&j.event, i, j.payload), j.answered)
}

// conclude tells the client what there is to tell of the function's answer. It
// runs on the goroutine that has read it, and waits for nobody.
func (j *job) conclude(res *invoke.Result, err error) {
	e, c := &j.event, j.event.conn
	answer, reusable, fail := e.invoked(j.began, res, err, j.route.Replies)
	var reply []byte
	if fail == nil && j.route.Replies {
		reply, fail = proxyReply(answer)
	}
	c.finish(e, j.route, j.size, reply, fail)
	j.cancel()
	c.leave()
	c.api.work.Done()
	j.recycle(reusable)
}

// run calls a backend that is no Lambda proxy and tells the client what there is
// to tell.
func (j *job) run() {
	e, c, i := &j.event, j.event.conn, j.route.Integration
	a := c.api
	defer a.work.Done()
	defer c.leave()
	ctx, cancel := a.invokeContext(i)
	defer cancel()
	if i.Type != Function {
		j.accept() // what order the backend sees is the network's
	}
	e.body, e.accepted = j.payload, j.accepted
	reply, fail := e.reply(ctx, j.route)
	j.accept() // a call that was refused accepts nothing
	c.finish(e, j.route, j.size, reply, fail)
	j.recycle(true)
}

func (j *job) recycle(reusable bool) {
	if !reusable || cap(j.payload) > largestKept {
		j.payload = nil
	}
	j.event, j.route, j.told, j.started, j.cancel = event{}, nil, false, nil, nil
	jobs.Put(j)
}

// reply calls a backend that is no Lambda proxy and returns what the client
// gets.
func (e *event) reply(ctx context.Context, route *Route) ([]byte, *failure) {
	i := route.Integration
	var body []byte
	if i.proxy() {
		status, _, got, fail := e.conn.api.callHTTP(ctx, e, i)
		if fail == nil && status >= 500 {
			fail = internal("the integration answered " + http.StatusText(status))
		}
		if fail != nil {
			return nil, fail
		}
		body = got
	} else {
		got, fail := e.exchange(ctx, i)
		if fail != nil {
			return nil, fail
		}
		body = got.body
	}
	if !route.Replies {
		return nil, nil
	}
	return toText(body), nil
}

// fail ends a message that reached no backend.
func (c *connection) fail(e *event, cause, message string) {
	if cause == "" && message == forbidden {
		cause = "no route for this message, and no $default route"
	}
	status := http.StatusInternalServerError
	switch message {
	case forbidden:
		status = http.StatusForbidden
	case tooManyRequests:
		status = http.StatusTooManyRequests
	}
	c.finish(e, nil, len(e.body), nil, &failure{status, message, cause})
}

// finish sends what a message leads to: an error frame, also on a one-way
// route, or the reply, unless it is empty. The socket stays open either way.
func (c *connection) finish(e *event, route *Route, size int, reply []byte, fail *failure) {
	switch {
	case fail != nil:
		e.message, e.refused = fail.message, !e.called.made && fail.status < 500
		var room [192]byte
		_ = c.sock.Send(appendErrorFrame(room[:0], fail.message, c.id, e.requestID))
	case len(reply) > 0:
		e.sent = len(reply)
		_ = c.sock.Send(reply)
		c.meters.message.Add(1)
	}
	e.conclude(fail.statusOr(http.StatusOK))
	j := c.api.config.Journal
	if !j.Active() {
		return
	}
	entry := journal.Entry{
		Kind: journal.Message, Resource: c.api.config.Resource, ConnectionID: c.id, RequestID: e.requestID,
		Route: e.routeKey, Duration: time.Since(e.at), Bytes: size, Err: fail.text(),
	}
	if route != nil {
		entry.Function = route.Integration.function(e.stage)
	}
	j.Publish(entry)
	if len(reply) > 0 && fail == nil {
		j.Publish(journal.Entry{
			Kind: journal.Pushed, Resource: c.api.config.Resource, ConnectionID: c.id, RequestID: e.requestID,
			Route: e.routeKey, Bytes: len(reply),
		})
	}
}

// disconnected runs the $disconnect route. What comes of it has nowhere to go.
func (c *connection) disconnected(e *event, route *Route) {
	a, i := c.api, route.Integration
	ctx, cancel := a.invokeContext(i)
	defer cancel()
	var fail *failure
	entry := journal.Entry{
		Kind: journal.Message, Resource: a.config.Resource, ConnectionID: c.id,
		RequestID: e.requestID, Route: e.routeKey, Function: i.function(e.stage),
	}
	switch i.Type {
	case Lambda:
		_, _, fail = e.invoke(ctx, a.request(e, i, e.appendProxy(nil)), false)
	case HTTPProxy:
		_, _, _, fail = a.callHTTP(ctx, e, i)
	default:
		_, fail = e.exchange(ctx, i)
	}
	e.conclude(fail.statusOr(http.StatusOK))
	entry.Duration, entry.Err = time.Since(e.at), fail.text()
	a.config.Journal.Publish(entry)
}

// appendErrorFrame appends the object that API Gateway sends, with the spacing
// it has there.
func appendErrorFrame(b []byte, message, connectionID, requestID string) []byte {
	b = jsonwrite.String(append(b, `{"message": `...), message)
	b = jsonwrite.String(append(b, `, "connectionId":`...), connectionID)
	b = jsonwrite.String(append(b, `, "requestId":`...), requestID)
	return append(b, '}')
}

// proxyResult is what a Lambda proxy integration returns.
type proxyResult struct {
	StatusCode        json.RawMessage            `json:"statusCode"`
	Headers           map[string]json.RawMessage `json:"headers"`
	MultiValueHeaders map[string][]string        `json:"multiValueHeaders"`
	Body              *string                    `json:"body"`
	IsBase64Encoded   bool                       `json:"isBase64Encoded"`
}

// readProxyResult reads an envelope; anything but an object is none.
func readProxyResult(answer []byte) (*proxyResult, *failure) {
	var r proxyResult
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || answer[0] != '{' {
		return nil, internal("the function returned no object with a statusCode")
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, internal("the function's answer is malformed: " + err.Error())
	}
	return &r, nil
}

// content is the body, decoded when it is base64.
func (r *proxyResult) content() ([]byte, *failure) {
	if r.Body == nil {
		return nil, nil
	}
	if !r.IsBase64Encoded {
		return []byte(*r.Body), nil
	}
	b, err := base64.StdEncoding.DecodeString(*r.Body)
	if err != nil {
		return nil, internal("the function's body is not the base64 that it says")
	}
	return b, nil
}

// proxyReply is the message that a two-way route sends: the body alone;
// statusCode and headers have no effect.
func proxyReply(answer []byte) ([]byte, *failure) {
	r, fail := readProxyResult(answer)
	if fail != nil {
		return nil, fail
	}
	body, fail := r.content()
	return toText(body), fail
}

// header returns a header of the result by name, in any case.
func (r *proxyResult) header(name string) string {
	for n, v := range r.Headers {
		if strings.EqualFold(n, name) {
			return headerText(v)
		}
	}
	for n, v := range r.MultiValueHeaders {
		if strings.EqualFold(n, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// headerText is a header's value, which functions also write as numbers.
func headerText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
