package async

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

// Conditions of a destination record.
const (
	success      = "Success"
	exhausted    = "RetriesExhausted"
	ageExceeded  = "EventAgeExceeded"
	zeroReserved = "ZeroReservedConcurrency"
)

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

func recordOf(e Event, a Attempt, condition string) record {
	version := a.Version
	if version == "" {
		version = "$LATEST"
	}
	r := record{
		Version:        "1.0",
		Timestamp:      time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: recordRequest{RequestID: e.RequestID, FunctionARN: e.FunctionARN + ":" + version, Condition: condition, Count: e.Tried},
		RequestPayload: jsonOrText(e.Payload),
	}
	if e.Tried > 0 && a.Version != "" {
		r.Response = &recordResponse{StatusCode: http.StatusOK, ExecutedVersion: version}
		if a.Failed {
			r.Response.FunctionError = "Unhandled"
		}
		r.Payload = jsonOrText(a.Body)
	}
	return r
}

func jsonOrText(b []byte) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	text, _ := json.Marshal(string(b)) // strings always marshal
	return text
}

func (q *queue) succeed(p Policy, e Event, a Attempt) follow {
	return follow{settled: true, to: q.address(p.OnSuccess, e, a, success)}
}

// giveUp ends an event that failed for good. Queues and topics do not run
// here, so the user sees what a dead-letter queue would have got.
func (q *queue) giveUp(p Policy, e Event, a Attempt, condition string) follow {
	if p.DeadLetters != "" {
		q.note(e, "an asynchronous event was given up ("+condition+"); its dead-letter queue "+p.DeadLetters+" does not run here and would have got "+string(e.Payload), nil)
	} else if p.OnFailure == "" {
		q.note(e, "an asynchronous event was given up ("+condition+")", nil)
	}
	return follow{settled: true, to: q.address(p.OnFailure, e, a, condition)}
}

// address makes the event for a destination, when there is one that runs.
func (q *queue) address(destination string, e Event, a Attempt, condition string) *Event {
	if destination == "" {
		return nil
	}
	payload, err := json.Marshal(recordOf(e, a, condition))
	if err != nil {
		q.note(e, "the destination "+destination+" was not reached", err)
		return nil
	}
	to, ok := q.all.cfg.Event(destination, payload)
	if !ok {
		q.note(e, "the destination "+destination+" does not run here and would have got "+string(payload), nil)
		return nil
	}
	return &to
}

func (q *queue) note(e Event, text string, err error) {
	entry := journal.Entry{Kind: journal.Noticed, Function: e.Function, RequestID: e.RequestID, Text: text}
	if err != nil {
		entry.Err = err.Error()
	}
	q.all.cfg.Journal.Publish(entry)
}
