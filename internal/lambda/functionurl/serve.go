package functionurl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/api"
)

// maxRequest is the largest event, and so more than the largest body: base64
// makes four bytes of three.
const maxRequest = 6 << 20

// call is one request on its way through a URL.
type call struct {
	url       *url
	set       *settings
	w         http.ResponseWriter
	r         *http.Request
	method    string
	path      string
	began     time.Time
	requestID string // the client's, the event's and the function's
	trace     trace
	caller    awsapi.Caller // zero for AuthType NONE

	status   int // as it was sent
	sent     int // bytes of body
	gone     bool
	queued   bool   // gone before the function was called
	complete bool   // the function's stream came to its proper end
	failed   string // what ended the response badly

	// detached is the response after net/http has let go of it, with w and r.
	detached *front.Stream
}

// ServeHTTP implements http.Handler for the URL's endpoint.
func (u *url) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{url: u, set: u.settings.Load(), w: w, r: r, method: r.Method, path: r.URL.Path, began: time.Now(), requestID: awsapi.NewRequestID()}
	c.trace = newTrace(r.Header.Get("X-Amzn-Trace-Id"), c.began)
	h := w.Header()
	h["x-amzn-RequestId"] = []string{c.requestID}
	h["X-Amzn-Trace-Id"] = []string{c.trace.answered}
	if r.ProtoMajor == 1 && !r.Close {
		h["Connection"] = []string{"keep-alive"}
	}
	if c.set.cors != nil {
		if isPreflight(r) {
			c.status = http.StatusOK
			c.set.cors.preflight(w, r.Header.Get("Origin"))
			c.tell()
			return
		}
		c.set.cors.answer(h, r.Header.Get("Origin"))
	}
	req, err := c.admitted()
	if err != nil {
		c.answer(nil, err)
		return
	}
	functions := u.service.cfg.Functions
	if late, ok := front.Later(w); ok { // whoever reads the function's answer gives it
		functions.Start(late.Context(), req, func(res *invoke.Result, err error) {
			late.Answer(func() { c.answer(res, err) })
		})
		return
	}
	c.answer(functions.Invoke(r.Context(), req))
}

// answer answers the request with the function's result, or says why there is
// none.
func (c *call) answer(res *invoke.Result, err error) {
	defer func() {
		if c.detached == nil {
			c.tell()
		}
	}()
	if err != nil {
		c.refuse(err)
		return
	}
	defer func() {
		if c.detached == nil {
			_ = res.Body.Close()
		}
	}()
	if c.set.stream {
		c.stream(res)
	} else {
		c.whole(res)
	}
}

// admitted reads the request, asks whether it may pass, and returns the
// invocation that it is.
func (c *call) admitted() (*invoke.Request, error) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxRequest+1))
	if err != nil {
		return nil, &awsapi.Error{Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: "Could not read the request body"}
	}
	if len(body) > maxRequest {
		return nil, errTooLarge
	}
	functions := c.url.service.cfg.Functions
	if _, err := functions.Lookup(c.set.function, c.set.qualifier); err != nil {
		return nil, forbidden // an alias that was deleted leaves its URL behind
	}
	if err := c.admit(body); err != nil {
		return nil, err
	}
	payload := c.payload(body)
	if len(payload) > maxRequest {
		return nil, errTooLarge
	}
	mode := invoke.Buffered
	if c.set.stream {
		mode = invoke.Stream
	}
	return &invoke.Request{
		Function: c.set.function, Qualifier: c.set.qualifier, Mode: mode, Payload: payload,
		RequestID: c.requestID, TraceID: c.trace.whole,
	}, nil
}

// errTooLarge is the refusal of a request whose event is too large.
var errTooLarge = &awsapi.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
	Message: "Request must be smaller than " + strconv.Itoa(maxRequest) + " bytes for the InvokeFunction operation"}

// refuse answers a request that did not reach the function.
func (c *call) refuse(err error) {
	var shell *awsapi.Error
	var refused *invoke.Error
	switch {
	case c.r.Context().Err() != nil || errors.Is(err, context.Canceled):
		c.gone, c.queued = true, errors.Is(err, invoke.ErrQueued)
	case errors.As(err, &shell):
		c.status, c.failed = shell.Status, shell.Code
		if shell == forbidden || shell == errTooLarge { // "Message", by any name
			c.w.Header().Set("X-Amzn-Errortype", shell.Code)
			c.text(shell.Status, `{"Message":"`+shell.Message+`"}`)
			return
		}
		delete(c.w.Header(), "x-amzn-RequestId")
		c.w.Header().Set("X-Amzn-Requestid", c.requestID) // as WriteError looks for it
		awsapi.WriteError(c.w, err, awsapi.RESTJSON)
	case errors.As(err, &refused):
		c.status, c.failed = refused.Status, refused.Code
		api.WriteError(c.w, err)
	default:
		c.internal(err.Error())
	}
}

// internal is the answer to every failure of the function before its first
// byte, and to results that are no response.
func (c *call) internal(why string) {
	c.failed = why
	h := c.w.Header()
	for name := range h { // what the function may have set already
		switch name {
		case "x-amzn-RequestId", "X-Amzn-Trace-Id", "Connection", "Vary",
			"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers":
		default:
			delete(h, name)
		}
	}
	c.text(http.StatusBadGateway, "Internal Server Error")
}

// text sends a short answer of our own.
func (c *call) text(status int, body string) {
	h := c.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.status = status
	c.w.WriteHeader(status)
	n, _ := io.WriteString(c.w, body)
	c.sent += n
}

// tell gives the journal the request, however it ended.
func (c *call) tell() {
	j := c.url.service.cfg.Journal
	if !j.Wants(journal.Answered) {
		return
	}
	e := journal.Entry{
		Kind: journal.Answered, Resource: c.url.logicalID, RequestID: c.requestID, Function: functionName(c.set.function),
		Method: c.method, Path: c.path, Status: c.status, Bytes: c.sent, Duration: time.Since(c.began), Err: c.failed,
	}
	switch {
	case c.queued:
		e.Err = "the client went away before the function was called"
	case c.gone:
		e.Err = "the client went away; the function goes on to its end, as on AWS"
	}
	j.Publish(e)
}

func functionName(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == ':' {
			return arn[i+1:]
		}
	}
	return arn
}

// failure words the end of an invocation.
func failure(end invoke.End) string {
	if end.ErrorType != "" {
		return end.ErrorType
	}
	return fmt.Sprintf("function error %d", end.Outcome)
}
