package invoke

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// Fake is a Starter for tests of services: each function is a Go func that
// gets the payload and returns the response. It records what it was asked.
type Fake struct {
	// Functions by the name (or ARN) used in the request.
	Functions map[string]func(ctx context.Context, payload []byte) (response []byte, end End)

	mu    sync.Mutex
	calls []Request
}

// Calls returns the requests so far, in order of arrival.
func (f *Fake) Calls() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Request(nil), f.calls...)
}

// Invoke implements Invoker.
func (f *Fake) Invoke(ctx context.Context, req *Request) (*Result, error) {
	payload := f.record(req)
	if req.Accepted != nil {
		req.Accepted()
	}
	return f.run(ctx, req.Function, payload)
}

// Start implements Starter, by a goroutine for each call.
func (f *Fake) Start(ctx context.Context, req *Request, answered func(*Result, error)) {
	function, payload := req.Function, f.record(req)
	go func() { answered(f.run(ctx, function, payload)) }()
}

// record notes a call and returns its payload.
func (f *Fake) record(req *Request) []byte {
	kept := *req
	kept.Payload, kept.Accepted = bytes.Clone(req.Payload), nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, kept)
	return kept.Payload
}

func (f *Fake) run(ctx context.Context, function string, payload []byte) (*Result, error) {
	fn := f.Functions[function]
	if fn == nil {
		return nil, &Error{Status: 404, Code: "ResourceNotFoundException", Message: "Function not found: " + function}
	}
	body, end := fn(ctx, payload)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Result{
		RequestID:       "00000000-0000-4000-8000-000000000000",
		ExecutedVersion: "$LATEST",
		Body:            io.NopCloser(bytes.NewReader(body)),
		End:             func() End { return end },
		LogTail:         func() []byte { return nil },
	}, nil
}
