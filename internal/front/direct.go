package front

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Direct requests are those that an endpoint answers from their whole body,
// which must be short, in one piece: pushes to connections, of which there are
// many, and buffered invocations, which nothing but their end can change.
// net/http spends more on such a request than everything else together: a
// goroutine that watches the client while the handler runs, deadlines, buffers.
// They are answered within the connection's Read, on net/http's own goroutine,
// for which the first request has not come yet. The first one that is not
// direct, or that is not written in the plainest way (directHead), is net/http's,
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
		have += n
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
func (c *conn) tryDirect(b []byte, room int, ended bool) (used int, v verdict, err error) {
	v = c.owner.likely(b)
	var head directHead
	if v == yes {
		head, v = parseDirect(b)
	}
	if v == yes && c.owner.isForeign(head.host) {
		v = no
	}
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
		return 0, more, c.await(0)
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

// serveDirect runs the handler and writes its answer.
func (c *conn) serveDirect(head *directHead, body []byte) error {
	c.owner.spoken(c)
	defer c.owner.silent(c)
	d := c.direct
	if d == nil {
		d = c.makeDirect()
	}
	if !c.owner.began() {
		return io.EOF
	}
	defer c.owner.ended()
	head.fill(d)
	d.answer.client = c.Conn
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
	if _, err := c.Write(d.answer.encode()); err != nil {
		return err
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

// answer is the http.ResponseWriter of a direct request: it keeps what the
// handler writes and spells it as net/http does.
type answer struct {
	header http.Header
	status int
	body   []byte
	out    []byte
	names  []string
	close  bool
	client net.Conn
}

// Gone tells whether the client has hung up: a handler that took long may ask
// before it answers.
func (a *answer) Gone() bool { return hungUp(a.client) }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if !mayHaveBody(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	a.body = append(a.body, p...)
	return len(p), nil
}

func mayHaveBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// encode is the whole answer: the fields in the order of their names, then those
// that net/http adds.
func (a *answer) encode() []byte {
	a.WriteHeader(http.StatusOK)
	b := append(a.out[:0], "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(a.status), 10), ' ')
	if text := http.StatusText(a.status); text != "" {
		b = append(append(b, text...), "\r\n"...)
	} else {
		b = append(strconv.AppendInt(append(b, "status code "...), int64(a.status), 10), "\r\n"...)
	}
	a.names = a.names[:0]
	for name := range a.header {
		if !suppressed(a.status, name) {
			a.names = append(a.names, name)
		}
	}
	slices.Sort(a.names)
	for _, name := range a.names {
		for _, value := range a.header[name] {
			b = appendField(b, name, value)
		}
	}
	_, typed := a.header["Content-Type"]
	_, sized := a.header["Content-Length"]
	if _, dated := a.header["Date"]; !dated {
		b = time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat)
		b = append(b, "\r\n"...)
	}
	if mayHaveBody(a.status) && !sized {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(a.body)), 10)
		b = append(b, "\r\n"...)
	}
	if len(a.body) > 0 && !typed {
		b = appendField(b, "Content-Type", http.DetectContentType(a.body))
	}
	a.close = strings.EqualFold(a.header.Get("Connection"), "close")
	a.out = append(append(b, "\r\n"...), a.body...)
	return a.out
}

// suppressed are the fields that net/http drops from answers without a body.
func suppressed(status int, name string) bool {
	switch name {
	case "Content-Length":
		return !mayHaveBody(status)
	case "Content-Type":
		return status == http.StatusNotModified
	}
	return false
}

// appendField appends a line; a line's end in a value becomes a space.
func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	value = textproto.TrimString(value)
	for i := range len(value) {
		if c := value[i]; c == '\r' || c == '\n' {
			b = append(b, ' ')
		} else {
			b = append(b, c)
		}
	}
	return append(b, "\r\n"...)
}

// keptAnswer is how large a buffer stays with a connection.
const keptAnswer = 4 << 10

func (a *answer) reset() {
	clear(a.header)
	a.status, a.body = 0, a.body[:0]
	if cap(a.out)+cap(a.body) > keptAnswer {
		a.out, a.body = nil, nil
	}
}
