package front

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func pushes(line []byte) bool { return bytes.Contains(line, []byte("/push/")) }

// pushed answers like describe, and tells who served the request.
func pushed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h := w.Header()
	h["x-amzn-RequestId"] = []string{"1"}
	if r.Context().Value(http.ServerContextKey) == nil {
		h.Set("Served", "directly")
	}
	switch r.URL.Query().Get("as") {
	case "nothing":
	case "204":
		w.WriteHeader(http.StatusNoContent)
	case "410":
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusGone)
	case "bare":
		h["Content-Type"] = nil
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case "split":
		h["Split"] = []string{"a\r\nb: c"}
	case "close":
		h.Set("Connection", "close")
	case "299":
		h["padded"] = []string{" a "}
		w.WriteHeader(299)
	case "whole": // as long as the length says, in one write or in two
		n, _ := strconv.Atoi(r.URL.Query().Get("size"))
		h["Content-Length"] = []string{strconv.Itoa(n)}
		at := n
		if r.URL.Query().Has("pieces") {
			at = n / 2
		}
		for _, piece := range []string{strings.Repeat("a", at), strings.Repeat("b", n-at)} {
			_, _ = io.WriteString(w, piece)
		}
	case "304":
		h["Content-Type"], h["Content-Length"] = []string{"text/plain"}, []string{"7"}
		w.WriteHeader(http.StatusNotModified)
	default:
		if len(body) > 1000 { // net/http sends long answers in chunks
			body = fmt.Appendf(nil, "%d %x", len(body), sha256.Sum256(body))
		}
		fmt.Fprintf(w, "%s %s %s %s %v %d %q %v %v %v", r.Method, r.URL, r.RequestURI, r.Host, r.TLS != nil, r.ContentLength, body, err,
			r.Header, r.RemoteAddr != "")
	}
}

var (
	served = regexp.MustCompile("Served: directly\r\n")
	dated  = regexp.MustCompile("Date: [^\r]*\r\n")
)

// converse sends requests over one connection and returns all that comes back.
func converse(t *testing.T, l *Listener, secure bool, requests string, pieces int) string {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if secure {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // not what is tested
	}
	for rest := requests; rest != ""; {
		n := min(len(rest), max(1, len(requests)/pieces))
		if _, err := io.WriteString(c, rest[:n]); err != nil {
			break // the server has refused what came before
		}
		rest = rest[n:]
	}
	answer, _ := io.ReadAll(c) // a refusal may end in a reset
	return dated.ReplaceAllString(string(answer), "Date: now\r\n")
}

const last = "GET /end HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

// What a client sees does not depend on who serves its request.
func TestDirectAnswersAreThoseOfNetHTTP(t *testing.T) {
	for _, kind := range []string{"websocket", "function-url", KindAWS} { // the latter two also speak HTTP/2
		for name, handler := range map[string]http.HandlerFunc{"at once": pushed, "late": pushedLate} {
			t.Run(kind+" "+name, func(t *testing.T) { testDirectAnswers(t, kind, handler) })
		}
	}
}

func testDirectAnswers(t *testing.T, kind string, handler http.HandlerFunc) {
	f := newFront(t, Config{CADir: t.TempDir()})
	direct := open(t, f, Endpoint{Resource: "Direct", Kind: kind, Handler: handler, Direct: pushes})
	plain := open(t, f, Endpoint{Resource: "Plain", Kind: kind, Handler: http.HandlerFunc(pushed)})
	post := func(target, more, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost:3001\r\n%sContent-Length: %d\r\n\r\n%s", target, more, len(body), body)
	}
	large := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		name, requests string
		directly       int // how many of the answers
	}{
		{"post", post("/dev/push/a%3D", "", "hello"), 1},
		{"fields", post("/push/a", "x-amz-date: 1\r\nX-Amz-Date:  2 \r\nAccept: \r\nUser-Agent: me\r\nconnection: Keep-Alive\r\n", "hello"), 1},
		{"no body", "POST /push/a HTTP/1.1\r\nHost: h\r\n\r\n", 1},
		{"GET and DELETE", "GET /push/a?b=c HTTP/1.1\r\nHost: h\r\n\r\nDELETE /push/a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 2},
		{"several at once", post("/push/a", "", "one") + post("/push/b", "", "") + post("/push/c", "", "three"), 3},
		{"longer than a buffer", post("/push/a", "", large) + post("/push/b", "", "small"), 2},
		{"too long", post("/push/a", "", strings.Repeat("y", maxDirect+1)) + post("/push/b", "", "small"), 0},
		{"another request before", "GET / HTTP/1.1\r\nHost: h\r\n\r\n" + post("/push/a", "", "x"), 0},
		{"another request between", post("/push/a", "", "x") + "GET / HTTP/1.1\r\nHost: h\r\n\r\n" + post("/push/a", "", "x"), 1},
		{"204", post("/push/a?as=204", "", "x"), 1},
		{"410", post("/push/a?as=410", "", "x"), 1},
		{"bare", post("/push/a?as=bare", "", "x"), 1},
		{"an unknown status", post("/push/a?as=299", "", "x"), 1},
		{"whole", post("/push/a?as=whole&size=100", "", "x") + post("/push/a?as=whole&size=101&pieces", "", "x"), 2},
		{"whole and long", post("/push/a?as=whole&size=5000", "", "x") + post("/push/a?as=whole&size=65000", "", "x"), 2},
		{"whole and longer than one write", post("/push/a?as=whole&size=500000", "", "x") + post("/push/b", "", "x"), 2},
		{"304", post("/push/a?as=304", "", "x"), 1},
		{"nothing", post("/push/a?as=nothing", "", "x"), 1},
		{"a line's end in a value", post("/push/a?as=split", "", "x"), 1},
		{"closed by the handler", post("/push/a?as=close", "", "x"), 1},
		{"chunked", "POST /push/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 0},
		{"expects", post("/push/a", "Expect: 100-continue\r\n", "x"), 0},
		{"folded", post("/push/a", "A: b\r\n c\r\n", "x"), 0},
		{"two hosts", post("/push/a", "Host: other\r\n", "x"), 0},
		{"two lengths", post("/push/a", "Content-Length: 1\r\n", "x"), 0},
		{"no host", "POST /push/a HTTP/1.1\r\n\r\n", 0},
		{"space before the colon", post("/push/a", "A : b\r\n", "x"), 0},
		{"a bare line's end", post("/push/a", "A: b\nC: d\r\n", "x"), 0},
		{"HTTP/1.0", "POST /push/a HTTP/1.0\r\nHost: h\r\n\r\n", 0},
		{"absolute", post("http://h/push/a", "", "x"), 0},
		{"an escape that is none", post("/push/%zz", "", "x"), 0},
		{"an unfinished head", "POST /push/a HT", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, secure := range []bool{false, true} {
				want := converse(t, plain, secure, c.requests+last, 1)
				pieces := []int{1, 7, 1 << 20}
				if len(c.requests) > 1000 {
					pieces = pieces[:2]
				}
				if !strings.Contains(want, "/end") { // closed before: what is sent then may undo the answer
					pieces = pieces[:1]
				}
				for _, n := range pieces {
					got := converse(t, direct, secure, c.requests+last, n)
					if n := len(served.FindAllString(got, -1)); n != c.directly {
						t.Errorf("%d requests were served directly, want %d", n, c.directly)
					}
					if got = served.ReplaceAllString(got, ""); got != want {
						t.Errorf("in %d pieces\n%.2000q\nwant\n%.2000q", n, got, want)
					}
				}
			}
		})
	}
}

// A client that keeps a connection for its next push does not hold up the end.
func TestCloseEndsConnectionsOfDirectRequests(t *testing.T) {
	f := newFront(t, Config{})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "websocket", Handler: http.HandlerFunc(pushed), Direct: pushes})
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /push/a HTTP/1.1\r\nHost: h\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	// net/http alone would wait for five seconds: to it the connection is new.
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestDirectHandlerThatPanicsClosesItsConnection(t *testing.T) {
	f := newFront(t, Config{})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "websocket", Direct: pushes,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
	if got := converse(t, l, false, "POST /push/a HTTP/1.1\r\nHost: h\r\n\r\n", 1); got != "" {
		t.Errorf("got %q", got)
	}
}

// The time limits are net/http's: an idle connection, a header that does not go
// on; a body may take its time.
func TestDirectDeadlines(t *testing.T) {
	const request = "POST /push/a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	for _, c := range []struct {
		name, sent string
		limit      time.Duration // 0: none
	}{
		{"idle", request, idleTimeout},
		{"a header", request + request[:20], headerTimeout},
		{"a body", request + request[:len(request)-1], 0},
		{"the first body", request[:len(request)-1], 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				l := &Listener{front: &Front{}, fresh: map[*conn]struct{}{}, endpoint: Endpoint{Direct: pushes, Handler: http.HandlerFunc(pushed)}}
				own := &conn{Conn: server, owner: l}
				_ = own.SetReadDeadline(time.Now().Add(headerTimeout)) // as net/http does
				ended := make(chan error, 1)
				go func() {
					_, err := own.Read(make([]byte, 4096))
					ended <- err
				}()
				go func() { _, _ = io.Copy(io.Discard, client) }()
				began := time.Now()
				if _, err := io.WriteString(client, c.sent); err != nil {
					t.Fatal(err)
				}
				if c.limit == 0 {
					time.Sleep(time.Hour)
					synctest.Wait()
					select {
					case err := <-ended:
						t.Errorf("it ended after %s: %v", time.Since(began), err)
					default:
					}
				} else if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != c.limit {
					t.Errorf("it ended after %s: %v", time.Since(began), err)
				}
				client.Close()
				server.Close()
				synctest.Wait()
			})
		})
	}
}

// What parseDirect takes, net/http takes too, and for the same.
func FuzzDirectHead(f *testing.F) {
	f.Add([]byte("POST /push/a%20b?c=d HTTP/1.1\r\nHost: localhost:1\r\nx-amz-date: 1\r\nX-Amz-Date: 2\r\nContent-Length: 2\r\n\r\nab"))
	f.Add([]byte("GET /push/a HTTP/1.1\r\nhost: [::1]\r\nConnection: keep-alive\r\nA:\r\n\r\n"))
	f.Add([]byte("DELETE //x/../push HTTP/1.1\r\nHost: a_b\r\nTE: trailers\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, v := parseDirect(data)
		if v != yes || len(data) < head.length+head.body {
			return
		}
		d := &direct{header: make(http.Header)}
		head.fill(d)
		r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(data), 1<<20))
		if err != nil {
			t.Fatalf("net/http: %v", err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, data[head.length:head.length+head.body]) || r.ContentLength != int64(head.body) {
			t.Errorf("body %q, net/http %q", data[head.length:head.length+head.body], body)
		}
		if r.Method != head.method || r.RequestURI != head.target || r.Host != head.host || !reflect.DeepEqual(r.URL, head.url) {
			t.Errorf("%+v, net/http %+v", head, r)
		}
		if !reflect.DeepEqual(r.Header, d.header) || r.Close || len(r.TransferEncoding) > 0 || r.Trailer != nil {
			t.Errorf("fields %q, net/http %q", d.header, r.Header)
		}
	})
}
