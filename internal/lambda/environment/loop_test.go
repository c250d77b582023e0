//go:build linux

package environment

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/chunked"
	"github.com/suiro-dev/suiro/internal/process"
)

// FuzzHead: what the loop takes for one of its own requests, net/http reads as
// the same one, with the same body and the same next request behind it.
func FuzzHead(f *testing.F) {
	const response = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8/response HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
	for _, s := range []string{
		"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\nGET",
		response + "Content-Type: application/json\r\nContent-Length: 4\r\n\r\nnullPOST",
		response + "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\n\r\n4\r\nnull\r\n0\r\n\r\nGET",
		response + "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n2;x=y\r\n{}\r\n0\r\nLambda-Runtime-Function-Error-Type: Oops\r\nlambda-runtime-function-error-body:  e30=\r\n\r\nGET",
		response + "CONTENT-LENGTH: 1\r\nlambda-runtime-function-response-mode: streaming\r\n\r\n1",
		response + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
		response + "Content-Length: +1\r\n\r\n1",
		response + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		response + "Transfer-Encoding: identity\r\n\r\n",
		response + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n1",
		response + "X: a\r\n b\r\n\r\n", response + "X : a\r\n\r\n", response + "X: a\n\r\n", response + "Host: b\r\n\r\n",
		strings.Replace(response, "response HTTP/1.1", "error HTTP/1.0", 1) + "Connection: close\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end, plain := endOfHead(b)
		var h head
		if !plain || end == 0 || !h.parse(b[:end]) {
			return
		}
		theirs := bufio.NewReader(bytes.NewReader(b))
		r, err := http.ReadRequest(theirs)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		path := invocations + map[hot]string{hotNext: "next", hotResponse: h.id + "/response", hotError: h.id + "/error"}[h.kind]
		mode, hasMode := r.Header["Lambda-Runtime-Function-Response-Mode"]
		if r.URL.Path != path || r.ProtoMinor != 1 || r.Close || r.ContentLength != h.length ||
			r.Header.Get("Content-Type") != h.contentType || r.Header.Get("Lambda-Runtime-Function-Error-Type") != h.errorType ||
			r.Header.Get("Lambda-Runtime-Invocation-Id") != h.attempt || hasMode != h.hasMode || hasMode && mode[0] != h.mode {
			t.Fatalf("net/http reads %s %s %v %d, we %+v", r.Method, r.URL, r.Header, r.ContentLength, h)
		}
		ours := bufio.NewReader(bytes.NewReader(b[end:]))
		in := &incoming{conn: &loopConn{r: ours}, left: h.length, chunks: chunked.New(ours)}
		got, gotErr := io.ReadAll(in)
		want, wantErr := io.ReadAll(r.Body)
		if gotErr != nil {
			return // net/http is more patient with trailers
		}
		if wantErr != nil || !bytes.Equal(got, want) {
			t.Fatalf("we read %q, net/http %q and %v", got, want, wantErr)
		}
		if a, b := in.trailer("Lambda-Runtime-Function-Error-Type"), r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); a != b {
			t.Fatalf("trailer %q, by net/http %q", a, b)
		}
		rest, _ := io.ReadAll(ours)
		theirRest, _ := io.ReadAll(theirs)
		if !bytes.Equal(rest, theirRest) {
			t.Fatalf("we leave %q, net/http %q", rest, theirRest)
		}
	})
}

// bare is an environment whose runtime this test plays on connections of its
// own; the process itself says nothing.
type bare struct {
	t   *testing.T
	env *Environment
}

func newBare(t *testing.T) *bare {
	k, err := process.NewKeeper()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{
		Function: Function{Name: "fn", Version: "$LATEST", MemorySize: 128, Timeout: 20 * time.Second},
		Command:  process.Command{Path: "/bin/sleep", Args: []string{"600"}}, Keeper: k,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); _ = k.Close(context.Background()) })
	e.Warm()
	for deadline := time.Now().Add(10 * time.Second); e.Pid() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no process")
		}
	}
	return &bare{t, e}
}

type bareConn struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (b *bare) dial() *bareConn {
	c, err := net.Dial("tcp", b.env.server.address())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return &bareConn{c, b.t, bufio.NewReader(c)}
}

func (c *bareConn) say(format string, args ...any) {
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		c.t.Error(err)
	}
}

// hear reads an answer.
func (c *bareConn) hear() (*http.Response, string) {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

const nextRequest = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"

func (b *bare) invoke(payload string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		for {
			res, err := b.env.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(payload)})
			if errors.Is(err, errBusy) {
				time.Sleep(time.Millisecond)
				continue
			}
			if err != nil {
				answer <- err.Error()
				return
			}
			body, _ := io.ReadAll(res.Body)
			answer <- string(body)
			return
		}
	}()
	return answer
}

// Every way in which a client may write the requests that count leads to the
// same, on one connection, whoever of the two servers takes it.
func TestRuntimeAPIOnTheWire(t *testing.T) {
	response := "POST /2018-06-01/runtime/invocation/" + requestID + "/response HTTP/1.1\r\n"
	for name, answer := range map[string]string{
		"length":            response + "Host: x\r\nContent-Length: 6\r\n\r\n\"pong\"",
		"chunks":            response + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\"po\r\n3;ext\r\nng\"\r\n0\r\n\r\n",
		"trailers":          response + "Host: x\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n6\r\n\"pong\"\r\n0\r\nX: y\r\n\r\n",
		"odd casing":        response + "HOST: x\r\ncOnTeNt-LeNgTh:6\r\n\r\n\"pong\"",
		"bare line feeds":   strings.ReplaceAll(response+"Host: x\r\nContent-Length: 6\r\n\r\n", "\r\n", "\n") + "\"pong\"",
		"expect":            response + "Host: x\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n\"pong\"",
		"a long header":     response + "Host: x\r\nX-Long: " + strings.Repeat("x", 100<<10) + "\r\nContent-Length: 6\r\n\r\n\"pong\"",
		"closing":           response + "Host: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\n\"pong\"",
		"HTTP/1.0":          strings.Replace(response, "1.1", "1.0", 1) + "Content-Length: 6\r\n\r\n\"pong\"",
		"an absolute URL":   strings.Replace(response, "POST ", "POST http://127.0.0.1", 1) + "Host: x\r\nContent-Length: 6\r\n\r\n\"pong\"",
		"with the next one": response + "Host: x\r\nContent-Length: 6\r\n\r\n\"pong\"" + nextRequest,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBare(t)
			c := b.dial()
			c.say(nextRequest)
			got := b.invoke(`"ping"`)
			if res, body := c.hear(); body != `"ping"` || res.Header.Get("Lambda-Runtime-Aws-Request-Id") != requestID {
				t.Fatalf("next gave %s, %v", body, res.Header)
			}
			for i := range len(answer) { // byte by byte, so that nothing depends on how it is cut
				if i < 300 || i > len(answer)-100 {
					c.say("%s", answer[i:i+1])
				} else if i == 300 {
					c.say("%s", answer[300:len(answer)-99])
				}
			}
			res, body := c.hear()
			if res.StatusCode == http.StatusContinue {
				res, body = c.hear()
			}
			if res.StatusCode != 202 || body != "{\"status\":\"OK\"}\n" {
				t.Errorf("answered %d %s", res.StatusCode, body)
			}
			if s := <-got; s != `"pong"` {
				t.Errorf("the invoker got %s", s)
			}
			if !res.Close && name != "with the next one" {
				c.say(nextRequest)
			}
			if res.Close {
				c = b.dial()
				c.say(nextRequest)
			}
			again := b.invoke(`"again"`)
			if _, body := c.hear(); body != `"again"` {
				t.Errorf("the next event was %s", body)
			}
			c.say("POST /2018-06-01/runtime/invocation/%s/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", requestID)
			if res, _ := c.hear(); res.StatusCode != 202 {
				t.Errorf("the error was answered %d", res.StatusCode)
			}
			if s := <-again; s != "{}" {
				t.Errorf("the invoker got %s", s)
			}
		})
	}
}

// A request that is refused leaves the connection where the next one begins,
// also when its body was not wanted.
func TestRefusalsKeepTheConnection(t *testing.T) {
	b := newBare(t)
	c := b.dial()
	c.say(nextRequest)
	got := b.invoke("1")
	c.hear()
	for _, method := range []string{"wrong/response", "wrong/error"} {
		c.say("POST /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", method, 100<<10, strings.Repeat("x", 100<<10))
		if res, body := c.hear(); res.StatusCode != 400 || body != "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n" {
			t.Errorf("%s: %d %s", method, res.StatusCode, body)
		}
	}
	c.say("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2", requestID)
	if res, _ := c.hear(); res.StatusCode != 202 {
		t.Errorf("answered %d", res.StatusCode)
	}
	if s := <-got; s != "2" {
		t.Errorf("the invoker got %s", s)
	}
}

// A runtime that hangs up while it waits is not given the event that comes
// next: who asks again gets it.
func TestHangingUpGivesTheEventToWhoAsksAgain(t *testing.T) {
	b := newBare(t)
	c := b.dial()
	c.say(nextRequest)
	first := b.invoke("1")
	c.hear()
	c.say("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1%s", requestID, nextRequest)
	c.hear()
	<-first
	waits := func() bool {
		b.env.mu.Lock()
		defer b.env.mu.Unlock()
		return b.env.life != nil && b.env.life.waiting != nil
	}
	until := func(want bool) {
		for deadline := time.Now().Add(10 * time.Second); waits() != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waiting is not %v", want)
			}
		}
	}
	until(true)
	_ = c.Close()
	until(false)
	second := b.invoke("2")
	again := b.dial()
	again.say(nextRequest)
	if _, body := again.hear(); body != "2" {
		t.Errorf("got %s", body)
	}
	again.say("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3", requestID)
	again.hear()
	if s := <-second; s != "3" {
		t.Errorf("the invoker got %s", s)
	}
}

// inChunks is text in chunks of a size.
func inChunks(text string, size int) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return b.String() + "0\r\n"
}

// A streamed response whose chunks pass through ends as one that is read: with
// its trailers, and with its connection good for the next event.
func TestCopyChunks(t *testing.T) {
	b := newBare(t)
	c := b.dial()
	c.say(nextRequest)
	for _, end := range []struct {
		trailers string
		outcome  invoke.Outcome
	}{{"\r\n", invoke.Complete}, {"Lambda-Runtime-Function-Error-Type: Oh\r\n\r\n", invoke.FunctionError}} {
		result := make(chan *invoke.Result, 1)
		go func() {
			res, err := b.env.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte("{}"), Mode: invoke.Stream})
			if err != nil {
				t.Error(err)
			}
			result <- res
		}()
		c.hear()
		c.say("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s%s%s",
			requestID, inChunks(strings.Repeat("x", 100_000), 30_000), end.trailers, nextRequest)
		res := <-result
		body, ok := res.Body.(invoke.ChunkCopier)
		if !ok {
			t.Fatalf("%T", res.Body)
		}
		var out bytes.Buffer
		n, err := body.CopyChunks(&out)
		if err != io.EOF || n != 100_000 || res.End().Outcome != end.outcome {
			t.Errorf("%d bytes, %v, %+v", n, err, res.End())
		}
		if again, err := body.CopyChunks(&out); again != 0 || err != io.EOF {
			t.Errorf("after the end %d, %v", again, err)
		}
		_ = res.Body.Close()
		if answer, _ := c.hear(); answer.StatusCode != 202 {
			t.Errorf("the runtime is told %d", answer.StatusCode)
		}
	}
}
