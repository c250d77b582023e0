package lambda

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// maxEvent is the largest event of an asynchronous invocation: 1 MiB since
// October 2025.
const maxEvent = 1 << 20

// Invoke implements invoke.Invoker.
func (s *Service) Invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	return invoke.Wait(func(answered func(*invoke.Result, error)) { s.Start(ctx, req, answered) }, req.Accepted)
}

// Start implements invoke.Starter. An asynchronous event is on disk when Start
// returns, which waits for that.
func (s *Service) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	fn, qualifier, version, err := s.admit(req)
	if err != nil {
		answered(nil, err)
		return
	}
	in := fn.invocation(req, qualifier)
	switch req.Type {
	case invoke.Event:
		if err := s.queueEvent(ctx, fn, qualifier, in); err != nil {
			answered(nil, err)
			return
		}
		fallthrough
	case invoke.DryRun:
		answered(accepted(in.RequestID, version), nil)
		return
	}
	if req.Mode == invoke.Stream && s.cfg.StreamLimits {
		told := answered
		answered = func(res *invoke.Result, err error) {
			if err == nil {
				limitStream(res)
			}
			told(res, err)
		}
	}
	fn.pool.invoke(ctx, version, in, answered)
}

// admit finds the function and version that are meant, and refuses calls that
// Lambda refuses by themselves. Errors are *invoke.Error.
func (s *Service) admit(req *invoke.Request) (fn *function, qualifier, version string, err error) {
	if fn, qualifier, err = s.resolve(req.Function, req.Qualifier); err != nil {
		return nil, "", "", err
	}
	if version, err = fn.version(qualifier); err != nil {
		return nil, "", "", err
	}
	if req.Caller.Service != "" && !fn.permits("lambda:InvokeFunction", qualifier, req.Caller) {
		return nil, "", "", fn.refused(req.Caller)
	}
	switch req.Type {
	case "", invoke.RequestResponse:
		if len(req.Payload) > invoke.MaxPayload {
			err = invoke.TooLarge(fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", invoke.MaxPayload))
		}
	case invoke.Event:
		if len(req.Payload) > maxEvent {
			err = invoke.TooLarge(fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(req.Payload), maxEvent))
		}
	case invoke.DryRun:
	default:
		err = &invoke.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException",
			Message: "Unsupported invocation type: " + string(req.Type)}
	}
	return fn, qualifier, version, err
}

// invocation is what the function will see of a request.
func (fn *function) invocation(req *invoke.Request, qualifier string) environment.Invocation {
	in := environment.Invocation{
		RequestID:  req.RequestID,
		Payload:    req.Payload,
		InvokedARN: fn.arn, // with a qualifier only when it was invoked by one
		TraceID:    req.TraceID,
		Mode:       req.Mode,
		LogTail:    req.LogTail,
	}
	if in.RequestID == "" {
		in.RequestID = awsapi.NewRequestID()
	}
	if in.TraceID == "" {
		in.TraceID = invoke.NewTrace(time.Now())
	}
	if len(in.Payload) == 0 {
		in.Payload = []byte("{}") // not known of AWS; every runtime can parse it
	}
	if qualifier != "" {
		in.InvokedARN += ":" + qualifier
	}
	if req.Type == "" || req.Type == invoke.RequestResponse {
		in.ClientContext = req.ClientContext
	}
	return in
}

// accepted is the result of a call that has no response.
func accepted(requestID, version string) *invoke.Result {
	return &invoke.Result{
		RequestID:       requestID,
		ExecutedVersion: version,
		Body:            io.NopCloser(bytes.NewReader(nil)),
		End:             func() invoke.End { return invoke.End{} },
		LogTail:         func() []byte { return nil },
	}
}
