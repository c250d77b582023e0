// Package api is Lambda's own API over HTTP, as far as apps use it at run time:
// invoking, looking functions up, and how their asynchronous events are
// treated. What it says about functions it asks of the service ([Functions]).
package api

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/async"
)

const (
	functionsPath = "/2015-03-31/functions"
	streamPath    = "/2021-11-15/functions/"
	asyncPath     = "/2014-11-13/functions/"
)

// Functions is what the API asks of the service.
type Functions interface {
	invoke.Starter
	// Function finds the function that a name, partial ARN or ARN means, and
	// the qualifier that it or the parameter names. Errors are *invoke.Error.
	Function(name, qualifier string) (f Function, actual string, err error)
	// All lists the functions by name.
	All() []Function
	// Target is the ARN that policies see for a name, also of a function that
	// does not exist.
	Target(name, qualifier string) string
}

// Function is one function that exists.
type Function interface {
	ARN() string // unqualified
	// Version finds the version that a qualifier means; the error is an
	// *invoke.Error.
	Version(qualifier string) (string, error)
	// Configuration describes a version, under the qualifier asked for.
	Configuration(qualifier, version string) Configuration
	EventConfigs() *async.EventConfigs
}

// Config makes a Handler.
type Config struct {
	Functions Functions
	// Authenticator and Authorizer guard the API; nil lets everyone in.
	Authenticator awsapi.Authenticator
	Authorizer    awsapi.Authorizer
}

// Handler is the API.
type Handler struct{ cfg Config }

// New makes it.
func New(cfg Config) *Handler { return &Handler{cfg} }

// IsInvoke tells from a request line, without its end, that ServeHTTP answers
// it in one piece: all but invocations are too rare to count.
func IsInvoke(line []byte) bool {
	return bytes.HasPrefix(line, []byte("POST "+functionsPath+"/")) && bytes.Contains(line, []byte("/invocations"))
}

// ServeHTTP answers one request.
func (s *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		WriteError(w, &invoke.Error{Status: http.StatusNotFound, Code: "UnknownOperationException",
			Message: "Suiro does not serve " + r.Method + " " + r.URL.Path + " of the Lambda API"})
		return
	}
	if err := call(w, r, name); err != nil {
		WriteError(w, err)
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

// target is the ARN that policies see for a name in a path.
func (s *Handler) target(name string, r *http.Request) string {
	return s.cfg.Functions.Target(name, r.URL.Query().Get("Qualifier"))
}

// authorize verifies the caller and his right to act on a function.
func (s *Handler) authorize(r *http.Request, body []byte, action, resourceARN string) error {
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

func (s *Handler) serveInvoke(w http.ResponseWriter, r *http.Request, name string) error {
	req, err := s.readRequest(w, r, name)
	if err != nil {
		return err
	}
	if late, ok := front.Later(w); ok { // whoever reads the function's answer gives it
		s.cfg.Functions.Start(late.Context(), req, func(res *invoke.Result, err error) {
			late.Answer(func() { answer(w, req, res, err) })
		})
		return nil
	}
	res, err := s.cfg.Functions.Invoke(r.Context(), req)
	answer(w, req, res, err)
	return nil
}

// answer answers a call with the function's result, or says why there is none.
func answer(w http.ResponseWriter, req *invoke.Request, res *invoke.Result, err error) {
	if err == nil {
		err = answerResult(w, req, res)
	}
	if err != nil {
		WriteError(w, err)
	}
}

func answerResult(w http.ResponseWriter, req *invoke.Request, res *invoke.Result) error {
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
func (s *Handler) serveInvokeAsync(w http.ResponseWriter, r *http.Request, name string) error {
	req, err := s.readRequest(w, r, name)
	if err != nil {
		return err
	}
	req.Type = invoke.Event
	if _, err := s.cfg.Functions.Invoke(r.Context(), req); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, map[string]int{"Status": http.StatusAccepted})
	return nil
}
