package awsapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/journal"
)

// maxJSONBody is far more than any request of the APIs served this way.
const maxJSONBody = 2 << 20

// JSONAPI is a whole API of the JSON 1.1 protocol: X-Amz-Target names one of a
// few operations, each with a JSON object as its input and its output.
type JSONAPI struct {
	Service       string // the signing name
	TargetPrefix  string // "AmazonSSM."
	Authenticator Authenticator
	Journal       *journal.Journal
	// Operations take the request's body. An *Error is told as it is.
	Operations map[string]func(c Caller, body []byte) (any, error)
}

// ServeHTTP implements http.Handler.
func (a *JSONAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := a.answer(r)
	status := http.StatusOK
	var e *Error
	if errors.As(err, &e) {
		status = e.Status
	} else if err != nil {
		status = http.StatusInternalServerError
	}
	a.Journal.Publish(journal.Entry{Kind: journal.Requested, Resource: a.Service, Method: r.Method,
		Path: a.Service + ":" + strings.TrimPrefix(r.Header.Get("X-Amz-Target"), a.TargetPrefix), Status: status})
	if err != nil {
		WriteError(w, err, JSON11)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set(requestIDHeader, NewRequestID())
	h.Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out)
}

func (a *JSONAPI) answer(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSONBody+1))
	if err != nil || len(body) > maxJSONBody {
		return nil, &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "the request is too large or was cut short"}
	}
	caller := Caller{Owner: true}
	if a.Authenticator != nil {
		if caller, err = a.Authenticator.Authenticate(r, a.Service, body); err != nil {
			return nil, err
		}
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), a.TargetPrefix)
	operation := a.Operations[name]
	if !ok || operation == nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "Suiro does not run " + a.Service + ":" + name}
	}
	out, err := operation(caller, body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// ReadJSON reads an operation's input.
func ReadJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return nil
}
