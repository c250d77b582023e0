package environment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// apiError is a refusal by the Runtime API or the Extensions API.
type apiError struct {
	status    int
	errorType string
	message   string
}

// The bodies are those of AWS's runtime interface emulator, which shares its
// code with Lambda.
var (
	refuseID        = &apiError{400, "InvalidRequestID", "Invalid request ID"}
	refuseMode      = &apiError{400, "InvalidFunctionResponseMode", "Invalid function response mode"}
	refuseTruncated = &apiError{400, "TruncatedHTTPRequest", "HTTP request detected as truncated"}
	refuseTooLarge  = &apiError{413, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxResponse)}
	refuseContainer = &apiError{500, "InternalServerError", "Internal Server Error"}
)

func refuseTransition(from, to state) *apiError {
	return &apiError{403, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", from, to)}
}

// body is what a refused call answers, as JSON.
func (r *apiError) body() any {
	return struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{r.message, r.errorType}
}

// post is a runtime's answer as a transport hands it over.
type post struct {
	contentType string
	errorType   string // Lambda-Runtime-Function-Error-Type
	attempt     string // Lambda-Runtime-Invocation-Id, when echoed
	mode        string // Lambda-Runtime-Function-Response-Mode
	hasMode     bool
	length      int64 // of the body, -1 when unknown
	body        io.Reader
	trailer     func(name string) string // after the body's end
	abort       func()                   // makes reads of the body fail
	// loop, when set, is the body of a connection that can do without the
	// goroutine that waits in respond while others read a stream, and that
	// tells whoever invoked of a buffered response after the runtime.
	loop *incoming
}

// waiter is a runtime's open call for its next event. take is called once at
// most, with nil when there will be no event any more; env.mu is not held.
type waiter interface{ take(inv *invocation) }

// channel is the waiter of a call that blocks.
type channel chan *invocation

func (c channel) take(inv *invocation) { c <- inv }

// delivery is an event on its way to the runtime. Whoever dispatched it under
// env.mu makes it when that is free again: writing to a process may take as
// long as that likes.
type delivery struct {
	to    waiter
	inv   *invocation
	apart bool // in a goroutine of its own, which env.work counts
}

// atOnce is how large a payload may be to be written by who invokes. The
// kernel takes as much of it without waiting.
const atOnce = 64 << 10

func (d delivery) make() {
	switch {
	case d.to == nil:
	case d.apart:
		go func() { defer d.inv.env.work.Done(); d.to.take(d.inv) }()
	default:
		d.to.take(d.inv)
	}
}

// ask notes that the runtime waits for its next event. A runtime that asks
// while it has one gets the same again.
func (e *Environment) ask(l *life, w waiter) (again *invocation, refusal *apiError) {
	e.mu.Lock()
	if e.life != l {
		e.mu.Unlock()
		return nil, refuseContainer
	}
	switch l.state {
	case stateRunning:
		inv := e.current
		e.mu.Unlock()
		return inv, nil
	case stateStarted, stateReady, stateResponseSent:
	default:
		e.mu.Unlock()
		return nil, refuseTransition(l.state, stateReady)
	}
	if l.state == stateStarted {
		l.tellRuntimeDone(nil)
	}
	if l.told != nil {
		e.tellFinished(l, l.told, l.told.failure, toldRuntimeDone)
	}
	l.state = stateReady
	l.waiting = w
	d := e.settle(l)
	e.mu.Unlock()
	d.make()
	e.released()
	return nil, nil
}

// unask takes the call of a runtime that hung up away.
func (e *Environment) unask(l *life, w waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.waiting == w {
		l.waiting = nil
	}
}

// next waits for the runtime's next event. It returns nil, nil when there will
// be none: the process ended or hung up.
func (e *Environment) next(l *life, hungUp <-chan struct{}) (*invocation, *apiError) {
	wait := make(channel, 1) // a delivery never waits
	if again, refusal := e.ask(l, wait); again != nil || refusal != nil {
		return again, refusal
	}
	select {
	case inv := <-wait:
		return inv, nil
	case <-l.ended:
	case <-hungUp:
		e.unask(l, wait)
	}
	return nil, nil
}

// respond takes the runtime's response, and the runtime hears of it when the
// body was read: that of a buffered invocation here and now, because waking the
// invoker for it would be most of its cost; that of a stream by whoever
// invoked. The runtime hears first, so that it comes back for its next event
// while the invoker goes on. Then respond may return at once: held says that the connection's
// resume is called when it would have returned.
func (e *Environment) respond(l *life, id string, p post) (refusal *apiError, held bool) {
	r := &response{post: p, read: make(chan struct{})}
	inv, refusal := e.claim(l, id, p, stateResponse, r)
	switch {
	case inv == nil:
		return refusal, false
	case refusal != nil:
		e.fail(inv, &failure{outcome: invoke.FunctionError, errorType: "Runtime.InvalidResponseModeHeader"})
		e.sent(l)
		return refusal, false
	}
	if inv.Mode != invoke.Stream {
		inv.collected = inv.collect(r)
	}
	if r.held {
		p.loop.conn.hold(r)
		inv.answer()
		return nil, true
	}
	if p.loop != nil && inv.Mode != invoke.Stream && r.whole() {
		p.loop.told = inv
	} else {
		inv.answer()
	}
	select {
	case <-r.read:
	case <-inv.abandoned:
		inv.drain(r)
	case <-e.closing:
		return refuseContainer, false
	}
	e.sent(l)
	return r.refusal, false
}

// claim finds the invocation that an answer is for and moves the runtime to
// the state of giving it. For a response whose mode header is wrong it gives
// both the invocation and the refusal.
func (e *Environment) claim(l *life, id string, p post, to state, r *response) (*invocation, *apiError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	inv := e.current
	switch {
	case e.life != l:
		return nil, refuseContainer
	case l.state == stateStarted || l.state == stateInitError:
		return nil, refuseTransition(l.state, to)
	case inv == nil || inv.RequestID != id || !inv.dispatched:
		return nil, refuseID
	case p.attempt != "" && p.attempt != inv.attempt:
		return nil, refuseID // the answer to an earlier attempt; AWS's own status is not known
	case l.state != stateRunning:
		return nil, refuseTransition(l.state, to)
	case inv.failure != nil:
		return nil, refuseID // its time is over
	}
	l.state = to
	if p.hasMode && p.mode != "streaming" {
		return inv, refuseMode
	}
	inv.response = r
	if r != nil {
		r.held = inv.Mode == invoke.Stream && p.loop != nil && !inv.unwanted
	}
	if l.hub.Active() {
		inv.responded = time.Now()
	}
	return inv, nil
}

// sent notes that an answer is complete; now the runtime may ask for the next
// event.
func (e *Environment) sent(l *life) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.state = stateResponseSent
}

// fault takes the runtime's error for an invocation. Its bytes are the
// invoker's, whatever they are.
func (e *Environment) fault(l *life, id string, p post) *apiError {
	p.hasMode = false // a mode header is accepted on errors and says nothing
	inv, refusal := e.claim(l, id, p, stateErrorResponse, nil)
	if refusal != nil {
		return refusal
	}
	defer e.sent(l)
	f, refusal := readFailure(p)
	e.fail(inv, f)
	return refusal
}

// initFault takes the runtime's report that it cannot start.
func (e *Environment) initFault(l *life, p post) *apiError {
	f, refusal := readFailure(p)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.life != l:
		return refuseContainer
	case l.state != stateStarted:
		return refuseTransition(l.state, stateInitError)
	}
	f.status = "error"
	l.failInit(f)
	return refusal
}

// causeType is the content type of an error body that carries an X-Ray cause
// for Lambda itself.
const causeType = "application/vnd.aws.lambda.error.cause+json"

func readFailure(p post) (*failure, *apiError) {
	f := &failure{outcome: invoke.FunctionError, errorType: p.errorType}
	data, err := readUpTo(p.body, p.length, MaxResponse)
	switch {
	case errors.Is(err, errTooLarge):
		f.errorType, f.body = "Function.ResponseSizeTooLarge", []byte(tooLarge)
		_, _ = io.Copy(io.Discard, p.body) // so that the runtime hears us
		return f, refuseTooLarge
	case err != nil:
		f.errorType = "Runtime.TruncatedResponse"
		return f, refuseTruncated
	}
	f.body = data
	if p.contentType == causeType {
		f.body = withoutCause(data)
	}
	if t := errorTypeOf(f.body); t != "" {
		f.errorType = t
	}
	return f, nil
}

// withoutCause drops the errorCause member.
func withoutCause(data []byte) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return []byte(`{"errorMessage":"Invalid error body","errorType":"Runtime.Unknown"}`)
	}
	delete(members, "errorCause")
	out, err := json.Marshal(members)
	if err != nil {
		return data
	}
	return out
}
