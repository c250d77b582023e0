package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
)

const (
	functionsPath = "/2015-03-31/functions"
	streamPath    = "/2021-11-15/functions/"
	asyncPath     = "/2014-11-13/functions/"
)

// ServeHTTP is Lambda's own API, as far as apps use it at run time: invoking,
// and looking functions up.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", awsapi.NewRequestID())
	path := r.URL.EscapedPath()
	var call func(http.ResponseWriter, *http.Request, string) error
	var name string
	switch {
	case match(&name, path, functionsPath+"/", "/invocations") && r.Method == http.MethodPost:
		call = s.serveInvoke
	case match(&name, path, streamPath, "/response-streaming-invocations") && r.Method == http.MethodPost:
		call = s.serveStream
	case match(&name, path, asyncPath, "/invoke-async") && r.Method == http.MethodPost,
		match(&name, path, asyncPath, "/invoke-async/") && r.Method == http.MethodPost:
		call = s.serveInvokeAsync
	case match(&name, path, eventConfigPath, "/event-invoke-config/list") && r.Method == http.MethodGet:
		call = s.serveEventConfigs
	case match(&name, path, eventConfigPath, "/event-invoke-config") && eventConfigActions[r.Method] != "":
		call = s.serveEventConfig
	case match(&name, path, functionsPath+"/", "/configuration") && r.Method == http.MethodGet:
		call = s.serveConfiguration
	case strings.TrimSuffix(path, "/") == functionsPath && r.Method == http.MethodGet:
		call = s.serveList
	case match(&name, path, functionsPath+"/", "") && r.Method == http.MethodGet && !strings.Contains(name, "/"):
		call = s.serveGet
	default:
		writeError(w, &invoke.Error{Status: http.StatusNotFound, Code: "UnknownOperationException",
			Message: "Suiro does not serve " + r.Method + " " + r.URL.Path + " of the Lambda API"})
		return
	}
	if err := call(w, r, name); err != nil {
		writeError(w, err)
	}
}

// match cuts the function's name out of a path.
func match(name *string, path, prefix, suffix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok || len(rest) <= len(suffix) {
		return false
	}
	rest, ok = strings.CutSuffix(rest, suffix)
	if ok {
		if plain, err := url.PathUnescape(rest); err == nil {
			rest = plain
		}
		*name = rest
	}
	return ok
}

// authorize verifies the caller and his right to act on a function.
func (s *Service) authorize(r *http.Request, body []byte, action, resourceARN string) error {
	if s.cfg.Authenticator == nil {
		return nil
	}
	caller, err := s.cfg.Authenticator.Authenticate(r, "lambda", body)
	if err != nil {
		return err
	}
	if s.cfg.Authorizer == nil {
		return nil
	}
	return s.cfg.Authorizer.Authorize(caller, action, resourceARN)
}

// target is the ARN that policies see for a name in a path.
func (s *Service) target(name string, r *http.Request) string {
	ref, _ := parseReference(name)
	resource := "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.AccountID + ":function:" + ref.name
	if fn := s.function(ref.name); fn != nil {
		resource = fn.arn
	}
	if ref.qualifier == "" {
		ref.qualifier = r.URL.Query().Get("Qualifier")
	}
	if ref.qualifier != "" {
		resource += ":" + ref.qualifier
	}
	return resource
}

// readRequest reads and checks an invocation's HTTP request.
func (s *Service) readRequest(w http.ResponseWriter, r *http.Request, name string) (*invoke.Request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return nil, badContent("Could not read the request body")
	}
	if len(body) > maxPayload {
		// A caller who is still writing would see a broken connection instead.
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
		return nil, tooLarge("Request must be smaller than " + strconv.Itoa(maxPayload) + " bytes for the InvokeFunction operation")
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
	return newTrace(time.Now())
}

func newTrace(now time.Time) string {
	id := strings.ReplaceAll(awsapi.NewRequestID()+awsapi.NewRequestID(), "-", "")
	return "Root=1-" + strconv.FormatInt(now.Unix(), 16) + "-" + id[:24] + ";Parent=" + id[24:40] + ";Sampled=0"
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

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	req, err := s.readRequest(w, r, name)
	if err != nil {
		return err
	}
	res, err := s.Invoke(r.Context(), req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	h := w.Header()
	switch req.Type {
	case invoke.Event:
		h.Set("X-Amzn-Trace-Id", answeredTrace(req.TraceID))
		h.Set("X-Amzn-Remapped-Content-Length", "0")
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusAccepted)
		return nil
	case invoke.DryRun:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/json")
	if res.ContentType != "" {
		h.Set("Content-Type", res.ContentType)
	}
	h.Set("X-Amz-Executed-Version", res.ExecutedVersion)
	h.Set("X-Amzn-Trace-Id", answeredTrace(req.TraceID))
	h.Set("X-Amzn-Remapped-Content-Length", "0")
	if res.End().Outcome != invoke.Complete {
		h.Set("X-Amz-Function-Error", "Unhandled")
	}
	if req.LogTail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(res.LogTail()))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a caller who went away
	return nil
}

// serveInvokeAsync is the API of 2014, which some old clients still use.
func (s *Service) serveInvokeAsync(w http.ResponseWriter, r *http.Request, name string) error {
	req, err := s.readRequest(w, r, name)
	if err != nil {
		return err
	}
	req.Type = invoke.Event
	if _, err := s.Invoke(r.Context(), req); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, map[string]int{"Status": http.StatusAccepted})
	return nil
}

// configuration is a FunctionConfiguration.
type configuration struct {
	FunctionName  string         `json:"FunctionName"`
	FunctionArn   string         `json:"FunctionArn"`
	Runtime       string         `json:"Runtime"`
	Role          string         `json:"Role"`
	Handler       string         `json:"Handler"`
	Description   string         `json:"Description"`
	Timeout       int            `json:"Timeout"`
	MemorySize    int            `json:"MemorySize"`
	LastModified  string         `json:"LastModified"`
	CodeSha256    string         `json:"CodeSha256"`
	Version       string         `json:"Version"`
	Environment   *variablesJSON `json:"Environment,omitempty"`
	PackageType   string         `json:"PackageType"`
	Architectures []string       `json:"Architectures"`
	State         string         `json:"State"`
	LastUpdate    string         `json:"LastUpdateStatus"`
}

type variablesJSON struct {
	Variables map[string]string `json:"Variables"`
}

func (fn *function) configuration(qualifier, version string) configuration {
	rev := fn.current()
	c := configuration{
		FunctionName: fn.name, FunctionArn: fn.arn, Runtime: rev.runtime, Role: rev.role, Handler: rev.handler,
		Description: rev.description, Timeout: int(rev.timeout.Seconds()), MemorySize: rev.memorySize,
		LastModified: rev.modified.UTC().Format("2006-01-02T15:04:05.000+0000"), CodeSha256: rev.runnable.Hash,
		Version: version, PackageType: "Zip", Architectures: []string{rev.code.Architecture},
		State: "Active", LastUpdate: "Successful",
	}
	if qualifier != "" {
		c.FunctionArn += ":" + qualifier
	}
	if len(rev.variables) > 0 {
		c.Environment = &variablesJSON{rev.variables}
	}
	return c
}

// lookUp finds a function for one of the reading calls.
func (s *Service) lookUp(r *http.Request, name, action string) (configuration, error) {
	if err := s.authorize(r, []byte{}, action, s.target(name, r)); err != nil {
		return configuration{}, err
	}
	fn, qualifier, err := s.resolve(name, r.URL.Query().Get("Qualifier"))
	if err != nil {
		return configuration{}, err
	}
	version, err := fn.version(qualifier)
	if err != nil {
		return configuration{}, err
	}
	return fn.configuration(qualifier, version), nil
}

func (s *Service) serveConfiguration(w http.ResponseWriter, r *http.Request, name string) error {
	c, err := s.lookUp(r, name, "lambda:GetFunctionConfiguration")
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, c)
	return nil
}

func (s *Service) serveGet(w http.ResponseWriter, r *http.Request, name string) error {
	c, err := s.lookUp(r, name, "lambda:GetFunction")
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"Configuration": c, "Code": map[string]string{}, "Tags": map[string]string{}})
	return nil
}

func (s *Service) serveList(w http.ResponseWriter, r *http.Request, _ string) error {
	if err := s.authorize(r, []byte{}, "lambda:ListFunctions", "*"); err != nil {
		return err
	}
	query := r.URL.Query()
	limit := pageOfFunctions
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return &invoke.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: "1 validation error detected: Value '" + text +
				"' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}
		}
		limit = min(n, limit)
	}
	list, next := []configuration{}, any(nil)
	for _, fn := range s.all() {
		if fn.name <= query.Get("Marker") {
			continue
		}
		if len(list) == limit {
			next = list[limit-1].FunctionName
			break
		}
		list = append(list, fn.configuration("", latest))
	}
	writeJSON(w, http.StatusOK, map[string]any{"Functions": list, "NextMarker": next})
	return nil
}

// pageOfFunctions is the most functions of one answer (API reference,
// ListFunctions: 50, whatever MaxItems says).
const pageOfFunctions = 50

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// capitalMessage lists the exceptions whose text stands under "Message"; it is
// "message" in the others (Lambda's service model).
var capitalMessage = map[string]bool{
	"ResourceNotFoundException": true, "AccessDeniedException": true, "ServiceException": true,
	"RecursiveInvocationException": true, "SnapStartException": true, "NoPublishedVersionException": true,
}

// writeError answers with an error in Lambda's shape: Type, the text under the
// key that this error has, and Reason for throttling.
func writeError(w http.ResponseWriter, err error) {
	e := &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "Internal server error"}
	var refused *invoke.Error
	var shell *awsapi.Error
	switch {
	case errors.As(err, &refused):
		e = refused
	case errors.As(err, &shell):
		awsapi.WriteError(w, err, awsapi.RESTJSON)
		return
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	writeJSON(w, e.Status, errorBody(e))
}

// errorJSON has its members in the order in which AWS writes them.
type errorJSON struct {
	Reason  string `json:"Reason,omitempty"`
	Type    string `json:"Type"`
	Message string `json:"Message,omitempty"`
	Lower   string `json:"message,omitempty"`
}

func errorBody(e *invoke.Error) errorJSON {
	body := errorJSON{Type: "User"}
	if e.Status >= http.StatusInternalServerError {
		body.Type = "Service"
	}
	if capitalMessage[e.Code] {
		body.Message = e.Message
	} else {
		body.Lower = e.Message
	}
	if e == throttled {
		body.Reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
	} else if e.Code == throttled.Code {
		body.Reason = "ConcurrentInvocationLimitExceeded"
	}
	return body
}
