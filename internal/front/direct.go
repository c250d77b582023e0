package front

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// Direct requests are those that an endpoint answers from their whole body,
// which must be short, in one piece: pushes to connections and calls of tables,
// of which there are many, and buffered invocations, which nothing but their end
// can change.
// net/http spends more on such a request than everything else together: a
// goroutine that watches the client while the handler runs, deadlines, buffers.
// They are answered within the connection's Read, on net/http's own goroutine,
// for which the first request has not come yet, or later by another one
// (late.go). The first one that is not direct, or that is not written in the plainest way (directHead), is net/http's,
// and so is all that follows it on its connection.
//
// The header's time limit, the limit of an idle connection, and the end of
// connections in Listener.Close are the same here and there.

// maxDirect bounds the body of a direct request.
const maxDirect = 256 << 10

// direct is what a connection needs for its direct requests; it is made for the
// first one and used again.
type direct struct {
	request http.Request
	header  http.Header
	values  []string // behind header
	body    heldBody
	answer  answer
	until   time.Time     // the deadline for the next request; zero while one comes
	awaited time.Duration // what await has set
	// head is of a request whose body is still to come: many clients send it
	// behind the header, in a write of its own.
	head   directHead
	headed bool
	late   late
}

// directRoom is what a connection reads at once, as in net/http.
const directRoom = 4 << 10

// readDirect answers direct requests until there is something for net/http to
// read, which it puts into p. Where HTTP/2 is spoken without TLS, net/http looks
// at the first bytes alone; the room is then the connection's own.
func (c *conn) readDirect(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed // net/http may read again after it has only looked
	}
	if len(p) >= directRoom {
		return c.serveDirects(p)
	}
	room := make([]byte, directRoom)
	n, err := c.serveDirects(room)
	if n == 0 {
		c.failed = err
		return 0, err
	}
	c.early = room[:n] // and the error comes again
	return c.read(p)
}

func (c *conn) serveDirects(p []byte) (int, error) {
	have := 0
	for {
		n, err := c.read(p[have:])
		if err != nil && c.isPatient(err) {
			err = c.await(0)
		}
		have += n
		if d := c.direct; d != nil && d.late.awaited {
			again, failed := d.late.meet(c, n, err)
			if failed != nil {
				return 0, failed
			}
			if again {
				continue
			}
		}
		for have > 0 {
			used, v, failed := c.tryDirect(p[:have], len(p), err != nil)
			if failed != nil {
				return 0, failed
			}
			if v == no && err != nil {
				c.passed = true
				return have, err
			}
			if v == no {
				return have, c.handOver()
			}
			if v == more {
				break
			}
			have = copy(p, p[used:have])
			if d := c.direct; have > 0 && d.late.awaited { // answers come in the order of the requests
				if _, failed := d.late.meet(c, have, nil); failed != nil {
					return 0, failed
				}
			}
		}
		if err != nil {
			return have, err
		}
	}
}

// handOver leaves the connection to net/http.
func (c *conn) handOver() error {
	c.passed = true
	if c.direct == nil {
		return nil // net/http's deadline stands
	}
	c.direct = nil
	c.owner.spoken(c)
	return c.SetReadDeadline(time.Now().Add(headerTimeout))
}

// tryDirect answers the request at the start of b when it is a direct one, and
// tells how much of b that was. There is room for so many bytes; ended: no more
// will come.
func (c *conn) tryDirect(b []byte, room int, ended bool) (used int, _ verdict, err error) {
	head, v := c.readHead(b)
	if v == more {
		if ended || len(b) == room {
			return 0, no, nil
		}
		return 0, more, c.await(headerTimeout)
	}
	if v == no {
		return 0, no, nil
	}
	body := b[head.length:]
	switch {
	case len(body) >= head.body:
		used, body = head.length+head.body, body[:head.body]
	case ended:
		return 0, no, nil
	case head.length+head.body <= room:
		return 0, more, c.awaitBody(&head)
	default: // longer than net/http's buffer
		whole := make([]byte, head.body)
		at := copy(whole, body)
		if err := errors.Join(c.await(0), c.readFull(whole[at:])); err != nil {
			return 0, no, err
		}
		used, body = len(b), whole
	}
	return used, yes, c.serveDirect(&head, body)
}

// readHead takes the header at the start of b, once.
func (c *conn) readHead(b []byte) (head directHead, v verdict) {
	if d := c.direct; d != nil && d.headed {
		d.headed = false
		return d.head, yes
	}
	if v = c.owner.likely(b); v == yes {
		head, v = parseDirect(b)
	}
	if v == yes && c.owner.isForeign(head.host) {
		v = no
	}
	return head, v
}

// await sets the deadline for the rest of a request that has begun to come; a
// body has none, as in net/http.
func (c *conn) await(limit time.Duration) error {
	d := c.direct
	if d == nil && limit > 0 {
		return nil // net/http has set it
	}
	if d == nil {
		d = c.makeDirect()
	}
	if d.awaited == limit && d.until.IsZero() {
		return nil
	}
	d.awaited, d.until = limit, time.Time{}
	if limit == 0 {
		return c.SetReadDeadline(time.Time{})
	}
	return c.SetReadDeadline(time.Now().Add(limit))
}

// awaitBody keeps the header of a request whose body has not come yet. It comes
// with the next read nearly always, which is why the deadline that there is stays,
// for isPatient to take away.
func (c *conn) awaitBody(head *directHead) (err error) {
	if c.direct == nil {
		c.makeDirect()
	}
	if c.tls.Load() != nil {
		err = c.await(0)
	}
	c.direct.head, c.direct.headed = *head, true
	return err
}

// isPatient tells whether err is a deadline that does not hold, because a body
// is on its way.
func (c *conn) isPatient(err error) bool {
	return c.direct != nil && c.direct.headed && c.tls.Load() == nil && errors.Is(err, os.ErrDeadlineExceeded)
}

func (c *conn) makeDirect() *direct {
	c.direct = &direct{header: make(http.Header), answer: answer{header: make(http.Header)}, awaited: -1}
	return c.direct
}

func (c *conn) readFull(p []byte) error {
	for len(p) > 0 {
		n, err := c.read(p)
		if p = p[n:]; err != nil && len(p) > 0 {
			return err
		}
	}
	return nil
}

// serveDirect runs the handler and writes its answer, unless it is late.
func (c *conn) serveDirect(head *directHead, body []byte) error {
	d := c.direct
	if d == nil {
		d = c.makeDirect()
	}
	if !c.owner.began(c) {
		return io.EOF
	}
	defer func() {
		if !d.late.awaited { // else [Late.Answer] sees to the rest, and may have
			c.owner.ended(c)
		}
	}()
	head.fill(d)
	d.answer.client = c
	d.request = http.Request{
		Method: head.method, URL: head.url, RequestURI: head.target, Host: head.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: d.header, ContentLength: int64(head.body), Body: http.NoBody,
		RemoteAddr: c.remote(), TLS: c.state,
	}
	if len(body) > 0 {
		d.body.rest = body
		d.request.Body = &d.body
	}
	c.owner.route(&d.answer, &d.request)
	if d.late.awaited {
		return nil
	}
	d.answer.finish()
	return c.next(d)
}

// next is for the next request, unless the answer was the last.
func (c *conn) next(d *direct) error {
	if d.answer.failed != nil {
		return d.answer.failed
	}
	if d.answer.close {
		return io.EOF
	}
	d.answer.reset()
	d.request, d.body.rest = http.Request{}, nil
	return c.extend(d)
}

// extend moves the deadline for the next request, at long intervals: it costs
// more than what else is done for a request here.
func (c *conn) extend(d *direct) error {
	now := time.Now()
	if d.until.Sub(now) > idleTimeout/2 {
		return nil
	}
	d.until = now.Add(idleTimeout)
	return c.SetReadDeadline(d.until)
}

func (c *conn) remote() string {
	if c.peer == "" {
		c.peer = c.RemoteAddr().String()
	}
	return c.peer
}

// heldBody is a body that has come already.
type heldBody struct{ rest []byte }

func (h *heldBody) Read(p []byte) (int, error) {
	n := copy(p, h.rest)
	if h.rest = h.rest[n:]; len(h.rest) == 0 {
		return n, io.EOF
	}
	return n, nil
}

func (*heldBody) Close() error { return nil }
