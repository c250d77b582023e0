package api

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// readRequest reads and checks an invocation's HTTP request.
func (s *Handler) readRequest(w http.ResponseWriter, r *http.Request, name string) (*invoke.Request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, invoke.MaxPayload+1))
	if err != nil {
		return nil, badContent("Could not read the request body")
	}
	if len(body) > invoke.MaxPayload {
		// A caller who is still writing would see a broken connection instead.
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
		return nil, invoke.TooLarge("Request must be smaller than " + strconv.Itoa(invoke.MaxPayload) + " bytes for the InvokeFunction operation")
	}
	if err := s.authorize(r, body, "lambda:InvokeFunction", s.target(name, r)); err != nil {
		return nil, err
	}
	if len(body) > 0 && (!json.Valid(body) || !utf8.Valid(body)) {
		return nil, badContent("Could not parse request body into json: Could not parse payload into json: " + jsonFault(body))
	}
	req := &invoke.Request{
		Function:  name,
		Qualifier: r.URL.Query().Get("Qualifier"),
		Type:      invoke.Type(r.Header.Get("X-Amz-Invocation-Type")),
		Payload:   body,
		TraceID:   traceOf(r),
		RequestID: w.Header().Get("X-Amzn-Requestid"),
	}
	return req, readHeaders(req, w.Header(), r.Header)
}

// readHeaders reads the headers of an invocation that may be refused.
func readHeaders(req *invoke.Request, answer, h http.Header) (err error) {
	if id := h.Get("X-Amzn-Requestid"); id != "" {
		if !isUUID(id) { // callers may choose it
			return badContent("x-amzn-RequestId must be a UUID")
		}
		req.RequestID = id
		answer.Set("X-Amzn-Requestid", id)
	}
	switch t := h.Get("X-Amz-Log-Type"); t {
	case "", "None":
	case "Tail":
		req.LogTail = true
	default:
		return &invoke.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: "1 validation error detected: Value '" + t +
			"' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"}
	}
	c := h.Get("X-Amz-Client-Context")
	if c == "" {
		return nil
	}
	if len(c) > maxClientContext {
		return badContent("Client context must not be longer than " + strconv.Itoa(maxClientContext) + " bytes.")
	}
	if req.ClientContext, err = base64.StdEncoding.DecodeString(c); err != nil || !json.Valid(req.ClientContext) {
		return badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	return nil
}

const (
	// maxClientContext bounds X-Amz-Client-Context as it is sent (Lambda API
	// Reference, Invoke: 3,583 bytes of base64).
	maxClientContext = 3583
	// maxDiscarded is what is read of a body that is too large.
	maxDiscarded = 64 << 20
)

func badContent(text string) *invoke.Error {
	return &invoke.Error{Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: text}
}

func isUUID(s string) bool {
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.Contains("0123456789abcdefABCDEF", s[i:i+1]) {
			return false
		}
	}
	return len(s) == 36
}

func jsonFault(body []byte) string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err.Error()
	}
	return "Invalid UTF-8"
}

// traceOf is the trace the caller is in, or a new one that is not sampled.
func traceOf(r *http.Request) string {
	if t := r.Header.Get("X-Amzn-Trace-Id"); t != "" {
		return t
	}
	return invoke.NewTrace(time.Now())
}

// answeredTrace is a trace as answers carry it: "root=1-…;sampled=0".
func answeredTrace(trace string) string {
	var kept []string
	for part := range strings.SplitSeq(trace, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name = strings.ToLower(name); name == "root" || name == "sampled" || name == "lineage" {
			kept = append(kept, name+"="+value)
		}
	}
	return strings.Join(kept, ";")
}
