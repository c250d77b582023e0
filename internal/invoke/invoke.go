// Package invoke is the door through which every service calls a function:
// API Gateway, Function URLs, triggers and the Invoke API all use [Invoker],
// and only the lambda service knows about processes.
//
// A result's body yields bytes as the function writes them, so that no caller
// needs a second way for streams; what ended it is known after its EOF.
package invoke

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// Type is how the caller waits: Lambda's X-Amz-Invocation-Type.
type Type string

const (
	RequestResponse Type = "RequestResponse"
	Event           Type = "Event" // queued; the result is an accepted request without a body
	DryRun          Type = "DryRun"
)

// Mode says whether the caller wants the response as it is written. It is the
// invoke that decides, not the runtime (docs/compatibility.md, Streaming).
type Mode int

const (
	// Buffered: at most 6,291,556 bytes; the body is complete when Invoke
	// returns, and so is what ended it.
	Buffered Mode = iota
	// Stream: Invoke returns with the first byte of the response, its end or
	// a failure, whichever comes first.
	Stream
)

// Caller is the service on whose behalf a function is called, for the
// function's resource policy; the zero value is a caller whose right was
// checked already (the Invoke API, a credentials role).
type Caller struct {
	Service   string // e.g. "apigateway.amazonaws.com"
	SourceARN string // e.g. "arn:aws:execute-api:…/$connect"
}

// Request is one invocation.
type Request struct {
	// Function is a name, partial ARN or ARN, with or without a qualifier.
	Function  string
	Qualifier string
	Type      Type // "" is RequestResponse
	Mode      Mode
	Payload   []byte // JSON; must not change until the result is closed
	Caller    Caller
	// RequestID is chosen by Lambda when empty.
	RequestID     string
	TraceID       string // X-Amzn-Trace-Id of the caller, may be empty
	ClientContext []byte // decoded JSON, RequestResponse only
	LogTail       bool   // collect the last 4 KB of log for Result.LogTail
	// Accepted, when set, is called once the invocation has its place, in an
	// environment or in a queue: no invocation of the function that is asked
	// for later starts before it. It is called at most once, by Invoke itself
	// and so before Invoke returns; not when the call is refused. Start needs
	// none: it returns then.
	Accepted func()
}

// Outcome is what ended an invocation.
type Outcome int

const (
	// Complete: the function answered.
	Complete Outcome = iota
	// FunctionError: the function, its runtime or its process failed;
	// ErrorType and the body (Buffered) or ErrorBody (Stream) say how.
	FunctionError
	// TimedOut: the function's own time limit passed. Also a function error
	// to the caller (X-Amz-Function-Error is set).
	TimedOut
	// Truncated: the response ended before its end.
	Truncated
)

// End is what is known once the body has ended.
type End struct {
	Outcome Outcome
	// ErrorType is Lambda's name for the failure, e.g. "Runtime.ExitError" or
	// the function's own errorType; empty when Complete.
	ErrorType string
	// ErrorBody is the error as JSON when it is not the body itself.
	ErrorBody []byte
	Duration  time.Duration
}

// Result is an invocation that was accepted.
type Result struct {
	RequestID       string
	ExecutedVersion string // "$LATEST" or a number
	ContentType     string // as the runtime sent it, may be empty
	// Body yields the response as it is written. It is never nil; for Event
	// and DryRun it is empty. Close abandons what is left, and must be called.
	Body io.ReadCloser
	// End tells what ended the body. It is valid after Body has returned
	// io.EOF or an error, and at once in Buffered mode.
	End func() End
	// LogTail returns the log collected, when it was asked for, after End.
	LogTail func() []byte
}

// ChunkCopier is what the body of a streamed result may be, too.
type ChunkCopier interface {
	// CopyChunks writes what is left of the body to w as it comes, in HTTP/1.1's
	// chunked coding up to the last chunk (RFC 9112, 7.1), and returns how many
	// bytes of body that is. The error is Read's, or a *WriteError.
	CopyChunks(w io.Writer) (n int64, err error)
}

// WriteError is why a writer did not take what a function wrote.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *WriteError) Unwrap() error { return e.Err }

// Invoker calls functions.
type Invoker interface {
	// Invoke starts an invocation and waits as Request.Mode says. Errors are
	// *Error when Lambda would have refused the call; a failure inside the
	// function is no error but an End. Cancelling ctx abandons the wait: a call
	// that is in a queue is dropped, a function that runs goes on, as on AWS.
	Invoke(ctx context.Context, req *Request) (*Result, error)
}

// Starter is an Invoker that need not be waited for.
type Starter interface {
	Invoker
	// Start is Invoke for who has better things to do than wait: it returns
	// once the invocation has its place, and answered gets, once, what Invoke
	// would have returned. That is nearly always in the goroutine that reads the
	// function's answer, which takes the next one when answered returns: so
	// answered must not wait for anybody. It may be called before Start returns.
	Start(ctx context.Context, req *Request, answered func(*Result, error))
}

// Wait waits for what start, a call of Start, hands to answered; accepted is
// that of a Request.
func Wait(start func(answered func(*Result, error)), accepted func()) (*Result, error) {
	type answer struct {
		res *Result
		err error
	}
	answers := make(chan answer, 1)
	start(func(res *Result, err error) { answers <- answer{res, err} })
	refused := false
	if accepted != nil {
		select {
		case a := <-answers:
			answers <- a
			refused = a.err != nil
		default:
		}
		if !refused {
			accepted()
		}
	}
	a := <-answers
	return a.res, a.err
}

// ErrQueued is in the error of a call that was abandoned, beside its context's,
// when it was in a queue yet: the function is not called any more.
var ErrQueued = errors.New("the function was not called")

// Error is a refusal by Lambda itself: the function is missing, the caller
// may not invoke it, the payload is too large, there is no capacity.
type Error struct {
	Status  int    // HTTP status of the Invoke API
	Code    string // e.g. "ResourceNotFoundException"
	Message string
	Reason  string // why a call was throttled, may be empty
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// MaxPayload is the largest event of a synchronous invocation: 6 MiB.
const MaxPayload = 6 << 20

// TooLarge is the refusal of an event that is too large.
func TooLarge(message string) *Error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: message}
}

// NewTrace begins a trace that is not sampled, as X-Amzn-Trace-Id has it.
func NewTrace(now time.Time) string {
	id := strings.ReplaceAll(awsapi.NewRequestID()+awsapi.NewRequestID(), "-", "")
	return "Root=1-" + strconv.FormatInt(now.Unix(), 16) + "-" + id[:24] + ";Parent=" + id[24:40] + ";Sampled=0"
}
