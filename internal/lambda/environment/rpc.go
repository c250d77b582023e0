package environment

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/rpc"
	"strconv"
	"time"
)

// The retired go1.x runtime called the handler's binary over net/rpc, and
// binaries built with aws-lambda-go before 1.18.0 know nothing else. serveRPC
// is their runtime: it takes events as any runtime does and asks the binary.
// The structs have the field names of aws-lambda-go's messages package, by
// which gob matches them.

type rpcPing struct{}

type rpcTime struct {
	Seconds int64
	Nanos   int64
}

type rpcRequest struct {
	Payload               []byte
	RequestId             string
	XAmznTraceId          string
	Deadline              rpcTime
	InvokedFunctionArn    string
	CognitoIdentityId     string
	CognitoIdentityPoolId string
	ClientContext         []byte
}

type rpcResponse struct {
	Payload []byte
	Error   *rpcError
}

type rpcError struct {
	Message    string      `json:"errorMessage"`
	Type       string      `json:"errorType"`
	StackTrace []*rpcFrame `json:"stackTrace,omitempty"`
	ShouldExit bool        `json:"-"`
}

type rpcFrame struct {
	Path  string `json:"path"`
	Line  int32  `json:"line"`
	Label string `json:"label"`
}

// freePort asks the system for a port that is free now.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// serveRPC is the runtime of l until l ends.
func (e *Environment) serveRPC(l *life, port string) {
	client := dialRPC(l, port)
	if client == nil {
		return
	}
	defer func() { _ = client.Close() }()
	if client.Call("Function.Ping", &rpcPing{}, &rpcPing{}) != nil {
		l.process.Kill()
		return
	}
	for {
		inv, refusal := e.next(l, nil)
		if inv == nil || refusal != nil {
			return
		}
		request := rpcRequest{
			Payload: inv.Payload, RequestId: inv.RequestID, XAmznTraceId: inv.TraceID,
			Deadline:           rpcTime{inv.deadline.Unix(), int64(inv.deadline.Nanosecond())},
			InvokedFunctionArn: inv.InvokedARN, ClientContext: inv.ClientContext,
		}
		var response rpcResponse
		if client.Call("Function.Invoke", &request, &response) != nil {
			return // the connection broke: the process ends, or its time is over
		}
		if response.Error == nil {
			e.respond(l, inv.RequestID, rpcPost(response.Payload))
			continue
		}
		body, _ := json.Marshal(response.Error) // strings and numbers always marshal
		e.fault(l, inv.RequestID, rpcPost(body))
		if response.Error.ShouldExit { // it panicked
			l.process.Kill()
			return
		}
	}
}

// dialRPC connects when the binary listens; nil when it ended before.
func dialRPC(l *life, port string) *rpc.Client {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return rpc.NewClient(conn)
		}
		select {
		case <-l.ended:
			return nil
		case <-tick.C:
		}
	}
}

func rpcPost(body []byte) post {
	return post{
		contentType: "application/json",
		length:      int64(len(body)),
		body:        io.NopCloser(bytes.NewReader(body)),
		trailer:     func(string) string { return "" },
		abort:       func() {},
	}
}
