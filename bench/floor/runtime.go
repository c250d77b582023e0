package floor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// functions are processes that speak the Lambda Runtime API to us, which is
// written by hand on the connection: one invocation at a time in each.
type functions struct {
	address string // of the server in front of them
	idle    chan *environment
	answers bool // on the socket, by what the function returns
}

// environment is one process.
type environment struct {
	conn   net.Conn
	answer chan []byte
	serial int
	head   []byte
}

// startFunctions starts the bench program as a function, and waits until all
// of them have asked for their first event.
func startFunctions(o Options) (*functions, error) {
	f := &functions{idle: make(chan *environment, o.Environments), answers: o.Handler == "both"}
	for range o.Environments {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		go f.accept(l)
		cmd := exec.CommandContext(context.Background(), os.Args[0])
		cmd.Env = FunctionEnviron(l.Addr().String(), o.Handler)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			return nil, err
		}
	}
	for limit := time.Now().Add(30 * time.Second); len(f.idle) < o.Environments; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			return nil, errors.New("the functions did not start")
		}
	}
	return f, nil
}

// sessionToken is as long as those that functions get here; each request is
// signed with it.
var sessionToken = strings.Repeat("t", 160)

// FunctionEnviron is the environment of a function's process.
func FunctionEnviron(api, handler string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "_HANDLER=" + handler, "AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_GROUP_NAME=x", "AWS_LAMBDA_LOG_STREAM_NAME=x",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=" + sessionToken,
	}
}

func (f *functions) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = f.converse(&environment{conn: conn, answer: make(chan []byte, 1)})
		}()
	}
}

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

func (f *functions) converse(e *environment) error {
	r := bufio.NewReader(e.conn)
	for {
		next, length, err := readHeader(r)
		if err != nil {
			return err
		}
		if next {
			f.idle <- e
			continue
		}
		body, err := readBody(r, length)
		if err != nil {
			return err
		}
		e.answer <- body
		if _, err := io.WriteString(e.conn, accepted); err != nil {
			return err
		}
	}
}

// readHeader reads a request's header; length is -1 for a chunked body.
func readHeader(r *bufio.Reader) (next bool, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return false, 0, err
	}
	next = line[0] == 'G'
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return next, length, err
		}
		switch {
		case len(line) > 16 && strings.EqualFold(string(line[:15]), "content-length:"):
			length, _ = strconv.Atoi(strings.TrimSpace(string(line[15:])))
		case len(line) > 18 && strings.EqualFold(string(line[:18]), "transfer-encoding:"):
			length = -1
		}
	}
}

func readBody(r *bufio.Reader, length int) ([]byte, error) {
	if length >= 0 {
		body := make([]byte, length)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	body, err := io.ReadAll(httputil.NewChunkedReader(r))
	if err != nil {
		return nil, err
	}
	for { // trailers
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return body, err
		}
	}
}

// invoke hands an event to an environment that waits, and returns its answer.
func (f *functions) invoke(event []byte) ([]byte, error) {
	e := <-f.idle
	e.serial++
	e.head = append(e.head[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n"...)
	e.head = fmt.Appendf(e.head, "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-%012x\r\nLambda-Runtime-Deadline-Ms: %d\r\nContent-Length: %d\r\n\r\n",
		e.serial, time.Now().Add(time.Minute).UnixMilli(), len(event))
	e.head = append(e.head, event...)
	if _, err := e.conn.Write(e.head); err != nil {
		return nil, err
	}
	return <-e.answer, nil
}

// ServeHTTP is one invocation for one request.
func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer, err := f.invoke(event)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}
