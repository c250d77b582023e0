package runtime

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire is the platform's side of the Runtime API by hand, for what net/http
// hides: which requests come together, and answers that do.
type wire struct {
	t *testing.T
	l net.Listener
	c net.Conn
	r *bufio.Reader
}

// startOnWire runs a Node.js function against a wire.
func startOnWire(t *testing.T, code string) (*wire, *running) {
	t.Helper()
	return startFileOnWire(t, "nodejs20.x", "index.js", code)
}

func startFileOnWire(t *testing.T, runtime, file, code string) (*wire, *running) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, l: l}
	r := start(t, runtime, "index.handler", map[string]string{file: code}, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String())
	t.Cleanup(func() {
		l.Close()
		if w.c != nil {
			w.c.Close()
		}
	})
	w.accept()
	return w, r
}

func (w *wire) accept() {
	w.t.Helper()
	_ = w.l.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	c, err := w.l.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	w.c, w.r = c, bufio.NewReader(c)
}

// request reads one request: the end of its path, and its body.
func (w *wire) request() (what, body string) {
	w.t.Helper()
	r, err := http.ReadRequest(w.r)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], string(b)
}

func (w *wire) expect(what, body string) {
	w.t.Helper()
	if gotWhat, gotBody := w.request(); gotWhat != what || gotBody != body {
		w.t.Fatalf("%s %q, want %s %q", gotWhat, gotBody, what, body)
	}
}

func (w *wire) write(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.c, text); err != nil {
		w.t.Fatal(err)
	}
}

const wireAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

func wireEvent(n int, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: id-%d\r\nLambda-Runtime-Deadline-Ms:%d\r\nContent-Length: %d\r\n\r\n%s",
		n, time.Now().Add(time.Minute).UnixMilli(), len(body), body)
}

// An answer and the wish for the next event are one write, and their answers
// are told apart however they come.
func TestNodeAsksForTheNextEventWithItsAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, code, want string }{
		{"buffered", `exports.handler = async (e) => e.n`, `%d`},
		{"streamed", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('n'); s.end(String(e.n)) })`, `n%d`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w, _ := startOnWire(t, row.code)
			w.expect("next", "")
			w.write(wireEvent(1, `{"n":1}`))
			for n := 1; n < 40; n++ {
				w.expect("response", fmt.Sprintf(row.want, n))
				w.expect("next", "") // before the answer was answered
				answers := wireAccepted + wireEvent(n+1, fmt.Sprintf(`{"n":%d,"é":"日本"}`, n+1))
				if n == 1 {
					w.write(answers)
					continue
				}
				cut := n * len(answers) / 40 // in two pieces, cut everywhere
				w.write(answers[:cut])
				time.Sleep(time.Millisecond) // or the pieces would arrive as one
				w.write(answers[cut:])
			}
		})
	}
}

// A connection that is closed with a refusal takes the wish for the next event
// with it: another connection asks again.
func TestNodeAsksAgainWhenTheConnectionIsClosed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, code, want string }{
		{"buffered", `exports.handler = async (e) => e.n`, `1`},
		{"streamed", `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.end(String(e.n)) })`, `1`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w, _ := startOnWire(t, row.code)
			w.expect("next", "")
			w.write(wireEvent(1, `{"n":1}`))
			w.expect("response", row.want)
			w.write("HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
			w.c.Close()
			w.accept()
			w.expect("next", "")
			w.write(wireEvent(2, `{"n":2}`))
			w.expect("response", "2")
		})
	}
}

// A handler that destroys its stream cuts the answer short, and with it the
// connection.
func TestNodeDestroyedStreamIsCutShort(t *testing.T) {
	t.Parallel()
	w, _ := startOnWire(t, `exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('half'); await new Promise((r) => setTimeout(r, 20)); s.destroy() })`)
	w.expect("next", "")
	w.write(wireEvent(1, `{}`))
	r, err := http.ReadRequest(w.r)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); string(b) != "half" || err == nil {
		t.Errorf("%q %v", b, err)
	}
	w.accept()
	w.expect("next", "")
}

// What a handler leaves to the next turn of the loop may end the process: then
// no event must have been asked for, as the next environment should get it.
func TestNodeAsksForNoEventBeforeImmediatesRan(t *testing.T) {
	t.Parallel()
	w, r := startOnWire(t, `exports.handler = (e, c, callback) => { c.callbackWaitsForEmptyEventLoop = false; callback(null, 1); setImmediate(() => process.exit(3)) }`)
	w.expect("next", "")
	w.write(wireEvent(1, `{}`))
	w.expect("response", "1")
	if rest, _ := io.ReadAll(w.r); len(rest) > 0 {
		t.Errorf("after the answer: %q", rest)
	}
	if code := r.exit(); code != 3 {
		t.Errorf("exit status %d", code)
	}
}

// Content types are checked as node:http checks them.
func TestNodeContentTypeIsAHeader(t *testing.T) {
	t.Parallel()
	w, _ := startOnWire(t, `exports.handler = awslambda.streamifyResponse(async (e, s) => {
		try { s.setContentType('text/plain\r\nX: y') } catch (error) { s.write(error.code) } s.end() })`)
	w.expect("next", "")
	w.write(wireEvent(1, `{}`))
	w.expect("response", "ERR_INVALID_CHAR")
}
