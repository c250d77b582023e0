package front

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// Late is a direct request that is answered after its handler has returned, by
// whoever has what it asks for. So nobody needs to be woken for the answer: the
// connection's own goroutine reads on meanwhile, which tells it at once when
// the client hangs up, and reads the next request when the client has seen the
// answer.
type Late struct {
	conn   *conn
	direct *direct
	ctx    context.Context
}

// Later lets the handler of a direct request return without an answer, which
// [Late.Answer] then gives; false for all other requests. The handler must have
// read the body. Request and writer stay as they are until Answer has run.
func Later(w http.ResponseWriter) (*Late, bool) {
	a, ok := w.(*answer)
	if !ok {
		return nil, false
	}
	d := a.client.direct
	l := &Late{conn: a.client, direct: d}
	a.late = true
	l.ctx, d.late.hungUp = context.WithCancel(context.Background())
	d.late.awaited, d.late.sent, d.late.failed = true, false, nil
	return l, true
}

// Context ends when the client hangs up before it has its answer.
func (l *Late) Context() context.Context { return l.ctx }

// Answer runs f, which answers by the request's writer, and sends that. It
// waits for nobody: what the client does not take at once is written by a
// goroutine. Closing the Listener waits for it. A panic ends the connection and
// is reported, as net/http does. It must be called once.
func (l *Late) Answer(f func()) {
	a, c := &l.direct.answer, l.conn
	if a.failed = l.run(f); a.failed != nil {
		l.done()
		return
	}
	n := 0
	if c.tls.Load() == nil {
		n, a.failed = nonblock.TryWrite(c.Conn, a.out)
	}
	if a.failed != nil || n == len(a.out) {
		l.done()
		return
	}
	go func() { // counted by began
		_, a.failed = c.Write(a.out[n:])
		l.done()
	}()
}

func (l *Late) run(f func()) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != http.ErrAbortHandler {
				l.conn.owner.server.ErrorLog.Printf("panic in a late answer to %s: %v\n%s", l.conn.remote(), cause, debug.Stack())
			}
			err = io.EOF
		}
	}()
	f()
	l.direct.answer.finish()
	return nil
}

// done is the end of a late answer: the connection may go on, or not.
func (l *Late) done() {
	failed := l.conn.next(l.direct)
	l.conn.owner.ended(l.conn)
	l.direct.late.end(l.conn, failed)
}

// late is what a connection's reader and the one who answers late know of each
// other.
type late struct {
	awaited bool // the reader's: it has not seen the end of the last answer yet
	hungUp  context.CancelFunc

	mu     sync.Mutex
	sent   bool
	failed error         // why no more requests are read
	wake   chan struct{} // of the reader, while it waits for sent
}

// end lets the reader go on.
func (t *late) end(c *conn, failed error) {
	t.hungUp() // nobody minds any more
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent, t.failed = true, failed
	switch {
	case t.wake != nil:
		close(t.wake)
		t.wake = nil
	case failed != nil:
		_ = c.SetReadDeadline(time.Unix(1, 0)) // it may be reading
	}
}

// brief is how long a client that sends no more is still answered: it may have
// ended only its own direction. After that it counts as gone, as for net/http.
const brief = 50 * time.Millisecond

// meet tells the reader, who has read n bytes or met an error, what has become
// of the late answer: again when it is to read on, failed when it has to end.
func (t *late) meet(c *conn, n int, err error) (again bool, failed error) {
	overdue := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case n > 0:
		t.wait(nil)
	case overdue:
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.sent { // the deadline is that of the next request
			return true, c.SetReadDeadline(time.Now().Add(idleTimeout))
		}
	case err != nil:
		patience := time.NewTimer(brief)
		defer patience.Stop()
		if !t.wait(patience.C) {
			t.hungUp()
			return false, err
		}
	default:
		return true, nil
	}
	t.awaited = false
	if t.failed != nil {
		return false, t.failed
	}
	return overdue && time.Now().Before(c.direct.until), nil
}

// wait waits until the answer is sent or over; false when it is over.
func (t *late) wait(over <-chan time.Time) bool {
	t.mu.Lock()
	if t.sent {
		t.mu.Unlock()
		return true
	}
	wake := make(chan struct{})
	t.wake = wake
	t.mu.Unlock()
	select {
	case <-wake:
		return true
	case <-over:
		return false
	}
}
