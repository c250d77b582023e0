package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// queue holds a function's asynchronous events in memory until they succeed or
// have failed for good. Those in it when Suiro ends are lost.
type queue struct {
	fn *function

	mu      sync.Mutex
	pending int
}

// maxPending bounds the events of one function; AWS's queue is as good as
// unbounded.
const maxPending = 1000

// asyncConfig is an EventInvokeConfig.
type asyncConfig struct {
	retries              int
	maxAge               time.Duration
	onSuccess, onFailure string // functions
}

// defaultAsync is what applies without one: two retries, six hours.
func defaultAsync() asyncConfig { return asyncConfig{retries: 2, maxAge: 6 * time.Hour} }

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// functionDestination is the function that a destination names, if it does.
func functionDestination(arn string) (string, bool) {
	ref, ok := parseReference(arn)
	return arn, ok && ref.region != ""
}

func (q *queue) init(fn *function) { q.fn = fn }

// put accepts an event.
func (q *queue) put(in environment.Invocation, qualifier, version string) error {
	s := q.fn.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return errPoolClosed
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending == maxPending {
		return &invoke.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded."}
	}
	q.pending++
	s.work.Go(func() { q.run(event{Invocation: in, qualifier: qualifier, version: version, since: time.Now()}) })
	return nil
}

// event is one in the queue.
type event struct {
	environment.Invocation
	qualifier string
	version   string
	since     time.Time
}

// attempt is what came of trying an event once.
type attempt struct {
	body      []byte
	end       invoke.End
	condition string // of the destination record
	final     bool
}

// run takes one event through its attempts.
func (q *queue) run(e event) {
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.pending--
	}()
	q.fn.mu.Lock()
	c, ok := q.fn.async[unqualified(e.qualifier)]
	q.fn.mu.Unlock()
	if !ok {
		c = defaultAsync()
	}
	tries := 0
	backoff := time.Second
	for {
		a, err := q.try(e)
		var wait time.Duration
		switch {
		case errors.Is(err, error(errPoolClosed)):
			q.lost(e)
			return
		case err != nil: // throttled: from 1 second to 5 minutes, as long as it is young
			a.condition, a.end.Outcome = "EventAgeExceeded", invoke.FunctionError
			wait, backoff = backoff, min(2*backoff, 5*time.Minute)
		default:
			tries++
			if a.end.Outcome == invoke.Complete {
				q.tell(c.onSuccess, e, a, tries)
				return
			}
			wait = time.Duration(tries) * time.Minute // one minute, then two
			a.final = tries > c.retries
		}
		if time.Since(e.since)+wait > c.maxAge && !a.final {
			a.final, a.condition = true, "EventAgeExceeded"
		}
		if a.final {
			q.tell(c.onFailure, e, a, tries)
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-q.fn.service.closing:
			t.Stop()
			q.lost(e)
			return
		}
	}
}

// try invokes once; the request id stays the same over all attempts. An error
// means that the function did not run. Nobody cancels it: when Suiro ends, the
// pool does.
func (q *queue) try(e event) (attempt, error) {
	res, err := q.fn.pool.invoke(context.Background(), e.version, e.Invocation, nil)
	if err != nil {
		return attempt{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return attempt{}, err
	}
	a := attempt{body: body, end: res.End(), condition: "Success"}
	if a.end.Outcome != invoke.Complete {
		a.condition = "RetriesExhausted"
	}
	return a, nil
}

func (q *queue) lost(e event) {
	q.fn.service.cfg.Journal.Publish(journal.Entry{
		Kind: journal.Noticed, Resource: q.fn.logicalID, Function: q.fn.name, RequestID: e.RequestID,
		Text: "an asynchronous event was lost: events wait in memory", Err: "shut down",
	})
}

// record is what a destination gets.
type record struct {
	Version        string          `json:"version"`
	Timestamp      string          `json:"timestamp"`
	RequestContext recordRequest   `json:"requestContext"`
	RequestPayload json.RawMessage `json:"requestPayload"`
	Response       *recordResponse `json:"responseContext,omitempty"`
	Payload        json.RawMessage `json:"responsePayload,omitempty"`
}

type recordRequest struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Count       int    `json:"approximateInvokeCount"`
}

type recordResponse struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// tell sends the record of an event to its destination, when it has one.
func (q *queue) tell(destination string, e event, a attempt, tries int) {
	if destination == "" {
		return
	}
	r := record{
		Version:   "1.0",
		Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: recordRequest{
			RequestID: e.RequestID, FunctionARN: q.fn.arn + ":" + e.version, Condition: a.condition, Count: tries,
		},
		RequestPayload: jsonOrText(e.Payload),
	}
	if tries > 0 {
		r.Response = &recordResponse{StatusCode: http.StatusOK, ExecutedVersion: e.version}
		if a.end.Outcome != invoke.Complete {
			r.Response.FunctionError = "Unhandled"
		}
		r.Payload = jsonOrText(a.body)
	}
	payload, err := json.Marshal(r)
	if err == nil {
		_, err = q.fn.service.Invoke(context.Background(), &invoke.Request{Function: destination, Type: invoke.Event, Payload: payload})
	}
	if err != nil {
		q.fn.service.cfg.Journal.Publish(journal.Entry{
			Kind: journal.Noticed, Resource: q.fn.logicalID, Function: q.fn.name, RequestID: e.RequestID,
			Text: "the destination " + destination + " was not reached", Err: err.Error(),
		})
	}
}

func jsonOrText(b []byte) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	text, _ := json.Marshal(string(b)) // strings always marshal
	return text
}
