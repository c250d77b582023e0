package environment

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

// MaxResponse is the largest buffered result: 6 MiB and 100 bytes.
const MaxResponse = 6<<20 + 100

// tooLarge is what the invoker gets for a larger one; its key order is AWS's.
const tooLarge = `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`

// invocation is one event on its way through an environment.
type invocation struct {
	Invocation
	env *Environment
	// attempt is Lambda-Runtime-Invocation-Id: unlike the request id it is
	// never used twice.
	attempt string

	// answered is closed when response or failure is known; then is told next.
	answered chan struct{}
	then     func(*invoke.Result)
	// collected is a buffered invocation's response; before answered closes.
	collected []byte
	// abandoned is closed when the caller does not want the response any more.
	abandoned chan struct{}
	abandons  sync.Once

	// Guarded by env.mu.
	started    time.Time // zero before its time runs
	deadline   time.Time
	initTime   time.Duration // the init phase, when this is its first invocation, for REPORT
	dispatched bool
	response   *response // the head is known, the body is being read
	failure    *failure  // what ended it otherwise
	unwanted   bool      // abandoned
	finished   bool
	end        invoke.End
	responded  time.Time // when the response began; only for telemetry
	tellings   int       // what subscribers of telemetry have heard

	size atomic.Int64 // bytes of response read
	tail tail
}

// response is the runtime's POST to /response while its body is read.
type response struct {
	post
	readOnce sync.Once
	read     chan struct{} // closed when the body was read to its end
	refusal  *apiError     // what the runtime is told instead of 202; before read closes
	held     bool          // nobody waits for read; the connection is resumed
	resumed  sync.Once
}

// goOn resumes the connection, once.
func (r *response) goOn() {
	if r.held {
		r.resumed.Do(func() { go r.loop.conn.resume(r) })
	}
}

// failure is an end that is no response.
type failure struct {
	outcome   invoke.Outcome
	errorType string
	body      []byte
	status    string // REPORT's Status; empty when the runtime itself answered
	abort     bool   // the connection has nothing more to say
	message   string // the platform's, of which of makes a body for an invocation
}

func (e *Environment) newInvocation(in Invocation, then func(*invoke.Result)) *invocation {
	return &invocation{
		Invocation: in,
		env:        e,
		attempt:    awsapi.NewRequestID(),
		answered:   make(chan struct{}),
		then:       then,
		abandoned:  make(chan struct{}),
	}
}

// armed tells whether its time runs. env.mu is held.
func (inv *invocation) armed() bool { return !inv.started.IsZero() }

// platformError is a payload that Lambda itself writes; the key order is AWS's.
func platformError(errorType, requestID, message string) []byte {
	b, _ := json.Marshal(struct { // strings always marshal
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, "RequestId: " + requestID + " Error: " + message})
	return b
}

// abandon lets go of the response; the function goes on undisturbed.
func (inv *invocation) abandon() {
	inv.abandons.Do(func() {
		close(inv.abandoned)
		inv.env.mu.Lock()
		defer inv.env.mu.Unlock()
		inv.unwanted = true
		if r := inv.response; r != nil && r.held && !r.whole() && !inv.env.closed {
			inv.env.work.Go(func() { inv.drain(r) })
		}
	})
}

// whole tells whether the body was read to its end.
func (r *response) whole() bool {
	select {
	case <-r.read:
		return true
	default:
		return false
	}
}

// drain reads what nobody wants: the function goes on.
func (inv *invocation) drain(r *response) {
	_, err := io.Copy(io.Discard, r.body)
	if err == nil {
		err = io.EOF
	}
	_ = inv.bodyEnded(r, err)
}

// fail ends an invocation that has no complete response. When a response is
// being read the reader meets the end of the connection and finds f.
func (e *Environment) fail(inv *invocation, f *failure) {
	e.mu.Lock()
	if inv.finished || inv.failure != nil {
		e.mu.Unlock()
		return
	}
	inv.failure = f
	r := inv.response
	e.mu.Unlock()
	if r != nil {
		if f.abort {
			r.abort()
		}
		return
	}
	e.finish(inv, f)
	inv.answer()
}

// answer tells whoever invoked that response or failure is known, once.
// env.mu is not held.
func (inv *invocation) answer() {
	close(inv.answered)
	inv.then(inv.result())
}

// finish settles how inv ended (f is nil for a complete response), writes END
// and REPORT, and frees the environment. Only the first call counts.
func (e *Environment) finish(inv *invocation, f *failure) {
	e.mu.Lock()
	l, finished := e.life, inv.finished
	e.mu.Unlock()
	if finished {
		return
	}
	if l != nil {
		e.flush(l) // what the function wrote belongs before END
	}
	e.mu.Lock()
	if inv.finished {
		e.mu.Unlock()
		return
	}
	inv.finished = true
	if inv.armed() {
		inv.end.Duration = time.Since(inv.started)
	}
	inv.failure = f
	if f != nil {
		inv.end.Outcome, inv.end.ErrorType = f.outcome, f.errorType
		if inv.Mode == invoke.Stream {
			inv.end.ErrorBody = f.body
		}
	}
	if e.current == inv {
		e.current = nil
	}
	if l != nil && l == e.life && l.hub.Active() {
		l.told = inv
	}
	armed, peak := inv.armed(), e.peak
	e.mu.Unlock()
	if armed {
		inv.report(l, peak)
	}
	e.logging.CompareAndSwap(inv, nil)
	inv.publish()
}

// publish tells the journal how the invocation ended.
func (inv *invocation) publish() {
	fn := &inv.env.cfg.Function
	entry := journal.Entry{
		Kind: journal.Invoked, Resource: fn.LogicalID, Function: fn.Name,
		RequestID: inv.RequestID, Duration: inv.end.Duration, Bytes: int(inv.size.Load()),
	}
	if inv.end.Outcome != invoke.Complete {
		entry.Err = inv.end.ErrorType
		if entry.Err == "" {
			entry.Err = "function error"
		}
	}
	inv.env.cfg.Journal.Publish(entry)
}

// result is what Start hands over once answered is closed.
func (inv *invocation) result() *invoke.Result {
	e := inv.env
	res := &invoke.Result{
		RequestID:       inv.RequestID,
		ExecutedVersion: e.cfg.Function.Version,
		End:             func() invoke.End { e.mu.Lock(); defer e.mu.Unlock(); return inv.end },
		LogTail:         noTail,
	}
	if inv.LogTail {
		res.LogTail = inv.tail.bytes
	}
	e.mu.Lock()
	r, f := inv.response, inv.failure
	e.mu.Unlock()
	switch {
	case r == nil && inv.Mode == invoke.Stream:
		res.Body = io.NopCloser(bytes.NewReader(nil))
	case r == nil:
		res.Body = io.NopCloser(bytes.NewReader(f.body))
	case inv.Mode == invoke.Stream:
		res.ContentType = r.contentType
		b := body{inv: inv, response: r}
		if in, ok := r.body.(*incoming); ok && in.left < 0 {
			res.Body = &chunkedBody{b, in}
		} else {
			res.Body = &b
		}
	default:
		res.ContentType = r.contentType
		res.Body = io.NopCloser(bytes.NewReader(inv.collected))
	}
	return res
}

// collect reads a whole response for a buffered invocation. A body that has
// begun ends within the function's time.
func (inv *invocation) collect(r *response) []byte {
	b := &body{inv: inv, response: r}
	data, err := readUpTo(b, r.length, MaxResponse)
	if errors.Is(err, errTooLarge) {
		inv.refuse(r, refuseTooLarge, &failure{
			outcome: invoke.FunctionError, errorType: "Function.ResponseSizeTooLarge",
			body: []byte(tooLarge), status: "error",
		})
	}
	inv.env.mu.Lock()
	defer inv.env.mu.Unlock()
	if inv.failure != nil {
		return inv.failure.body
	}
	return data
}

// refuse ends an invocation whose response is unusable; the runtime is told why.
func (inv *invocation) refuse(r *response, why *apiError, f *failure) {
	r.refusal = why
	inv.env.finish(inv, f)
	inv.abandon() // the rest is read and dropped, so that the runtime hears us
}

var errTooLarge = errors.New("the response is too large")

// readUpTo reads all of r, at most limit bytes; length is -1 when unknown.
func readUpTo(r io.Reader, length int64, limit int) ([]byte, error) {
	if length > int64(limit) {
		return nil, errTooLarge
	}
	buf := make([]byte, 0, max(512, length+1)) // one more, to meet EOF without growing
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// body is a response as its reader sees it: the bytes come straight from the
// runtime's connection.
type body struct {
	inv      *invocation
	response *response
	err      error // what ended it; the connection is another's by then
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.response.body.Read(p)
	b.inv.size.Add(int64(n))
	if err != nil {
		b.err = b.inv.bodyEnded(b.response, err)
	}
	return n, b.err
}

// chunkedBody is a body that came in chunks.
type chunkedBody struct {
	body
	in *incoming
}

// CopyChunks implements invoke.ChunkCopier.
func (b *chunkedBody) CopyChunks(w io.Writer) (int64, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.in.pass(w)
	b.inv.size.Add(n)
	if refused := (*invoke.WriteError)(nil); !errors.As(err, &refused) {
		b.err = b.inv.bodyEnded(b.response, err)
		err = b.err
	}
	return n, err
}

// Close abandons what is left.
func (b *body) Close() error {
	b.inv.abandon()
	return nil
}

// bodyEnded settles the end of a response by what its last read said: io.EOF
// for its proper end. It may be called again and then changes nothing.
func (inv *invocation) bodyEnded(r *response, err error) error {
	e := inv.env
	r.readOnce.Do(func() {
		if err == io.EOF {
			e.finish(inv, trailerFailure(r))
		} else {
			f := inv.truncated()
			if f.outcome == invoke.Truncated { // the runtime is there to hear it
				r.refusal = refuseTruncated
			}
			e.finish(inv, f)
		}
		close(r.read)
		r.goOn()
		e.released()
	})
	if err == io.EOF {
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}

// trailerFailure is how a response that came whole failed all the same: a
// runtime that met an error after its first byte says so in trailers.
func trailerFailure(r *response) *failure {
	errorType := r.trailer("Lambda-Runtime-Function-Error-Type")
	encoded := r.trailer("Lambda-Runtime-Function-Error-Body")
	if errorType == "" && encoded == "" {
		return nil
	}
	f := &failure{outcome: invoke.FunctionError, errorType: errorType, body: []byte(encoded)}
	if data, err := base64.StdEncoding.DecodeString(encoded); err == nil {
		f.body = data // as documented; anything else is passed on as it came
	}
	if t := errorTypeOf(f.body); t != "" {
		f.errorType = t
	}
	return f
}

// truncated is how a response that was cut failed: by what ended the process,
// when something did.
func (inv *invocation) truncated() *failure {
	e := inv.env
	known := func() (*life, *failure) {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.life, inv.failure
	}
	l, f := known()
	if f == nil && l != nil {
		// The connection usually breaks a moment before the exit is known.
		t := time.NewTimer(4 * exitNews)
		defer t.Stop()
		select {
		case <-l.lost:
		case <-l.ended:
		case <-t.C:
		}
		_, f = known()
	}
	if f == nil {
		f = &failure{
			outcome: invoke.Truncated, errorType: "Runtime.TruncatedResponse", status: "error",
			body: platformError("Runtime.TruncatedResponse", inv.RequestID, "the response ended before its end"),
		}
	}
	return f
}

// errorTypeOf reads errorType from an error body; empty when it has none.
func errorTypeOf(body []byte) string {
	var v struct {
		ErrorType string `json:"errorType"`
	}
	_ = json.Unmarshal(body, &v) // any bytes may be an error body
	return v.ErrorType
}
