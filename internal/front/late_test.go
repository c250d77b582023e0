package front

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pushedLate is pushed by another goroutine, after the handler has returned.
func pushedLate(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	l, ok := Later(w)
	if !ok {
		pushed(w, r)
		return
	}
	go l.Answer(func() { pushed(w, r) })
}

// waiting is a handler whose answers somebody else gives.
type waiting struct {
	late chan *Late
	w    chan http.ResponseWriter
}

func (h *waiting) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l, _ := Later(w)
	h.late <- l
	h.w <- w
}

func (h *waiting) next() (*Late, http.ResponseWriter) { return <-h.late, <-h.w }

func newWaiting(t *testing.T) (*waiting, *Listener) {
	t.Helper()
	h := &waiting{make(chan *Late, 9), make(chan http.ResponseWriter, 9)}
	return h, open(t, newFront(t, Config{}), Endpoint{Resource: "Url", Kind: "function-url", Direct: pushes, Handler: h})
}

const push = "POST /push/a HTTP/1.1\r\nHost: h\r\n\r\n"

func heard(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, 4096)
	n, err := r.Read(got)
	if got := string(got[:n]); err != nil || !strings.HasSuffix(got, "\r\n\r\n"+want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// A request that comes before the answer to the one before is not lost, and is
// answered after that.
func TestLateAnswersComeInOrder(t *testing.T) {
	h, l := newWaiting(t)
	c, r := dial(t, l, push+push)
	one, w := h.next()
	if _, err := io.WriteString(c, push); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"one", "two", "three"} {
		if i > 0 {
			one, w = h.next()
		}
		if len(h.late) > 0 {
			t.Error("a request was begun before the answer to the one before")
		}
		one.Answer(func() { fmt.Fprint(w, want) })
		heard(t, r, want)
	}
}

// Whoever is asked knows when the client has hung up, and the connection's end
// does not wait for the answer.
func TestHangingUpEndsTheContextOfALateAnswer(t *testing.T) {
	h, l := newWaiting(t)
	c, _ := dial(t, l, push)
	late, w := h.next()
	if late.Context().Err() != nil {
		t.Error("the client is there")
	}
	_ = c.Close()
	<-late.Context().Done()
	late.Answer(func() { fmt.Fprint(w, "to nobody") })
}

// A client that has nothing more to ask may still listen for a moment.
func TestAHalfClosedClientGetsALateAnswer(t *testing.T) {
	h, l := newWaiting(t)
	c, r := dial(t, l, push)
	late, w := h.next()
	_ = c.(*net.TCPConn).CloseWrite()
	late.Answer(func() { fmt.Fprint(w, "answer") })
	heard(t, r, "answer")
}

// net/http does not know of a direct request, and yet Close lets it end.
func TestCloseLetsLateAnswersEnd(t *testing.T) {
	h, l := newWaiting(t)
	_, r := dial(t, l, push)
	late, w := h.next()
	closed := make(chan error, 1)
	go func() { closed <- l.Close(context.WithoutCancel(t.Context())) }()
	silent, _ := net.Pipe()
	other := &conn{Conn: silent, owner: l}
	for l.began(other) { // until Close has begun
		l.ended(other)
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-closed:
		t.Errorf("closed before the end: %v", err)
	default:
	}
	late.Answer(func() { fmt.Fprint(w, "ended") })
	heard(t, r, "ended")
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// Who answers does not wait for a client that does not read.
func TestALateAnswerWaitsForNoClient(t *testing.T) {
	h, l := newWaiting(t)
	_, r := dial(t, l, push)
	late, w := h.next()
	long := strings.Repeat("x", 20<<20)
	late.Answer(func() { _, _ = io.WriteString(w, long) })
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != long {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestPanicInALateAnswerEndsItsConnectionOnly(t *testing.T) {
	h, l := newWaiting(t)
	_, r := dial(t, l, push)
	_, other := dial(t, l, "")
	late, _ := h.next()
	late.Answer(func() { panic("a fault of ours") })
	if got, err := io.ReadAll(r); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_ = other
	_, r = dial(t, l, push)
	late, w := h.next()
	late.Answer(func() { fmt.Fprint(w, "as before") })
	heard(t, r, "as before")
}

// A function may take longer than an idle connection may live.
func TestALateAnswerHasNoTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		h := &waiting{make(chan *Late, 9), make(chan http.ResponseWriter, 9)}
		l := &Listener{front: &Front{}, fresh: map[*conn]struct{}{}, endpoint: Endpoint{Direct: pushes, Handler: h}}
		own := &conn{Conn: server, owner: l}
		ended := make(chan error, 1)
		go func() {
			_, err := own.Read(make([]byte, 4096))
			ended <- err
		}()
		for range 2 {
			if _, err := io.WriteString(client, push); err != nil {
				t.Fatal(err)
			}
			late, w := h.next()
			time.Sleep(5 * idleTimeout)
			late.Answer(func() { fmt.Fprint(w, "at last") })
			heard(t, client, "at last")
		}
		began := time.Now()
		if err := <-ended; err == nil || time.Since(began) != idleTimeout {
			t.Errorf("it ended after %s: %v", time.Since(began), err)
		}
		_, _ = client.Close(), server.Close()
	})
}
