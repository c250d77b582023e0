package functionurl

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

// octets is the content type of a stream that has none.
const octets = "application/octet-stream"

// buffers are what preludes and fast streams are read with; one holds the
// largest prelude.
var buffers = sync.Pool{New: func() any { b := make([]byte, 2*maxPrelude); return &b }}

// slowRead is what a stream waits for its next piece with. Thousands of
// streams wait at the same time, and a large buffer for each would be most of
// their memory.
const slowRead = 1 << 10

// stream answers with a response as the function writes it.
func (c *call) stream(res *invoke.Result) {
	if res.ContentType != integrationType {
		c.raw(res)
		return
	}
	held := buffers.Get().(*[]byte)
	h, rest, err := readPrelude(res.Body, *held)
	if err != nil {
		buffers.Put(held)
		c.noPrelude(res, err)
		return
	}
	if strings.EqualFold(h.get("Content-Encoding"), "gzip") && !takesGzip(c.r) {
		// AWS's front end undoes gzip that the client did not ask for.
		rest = bytes.Clone(rest)
		buffers.Put(held)
		h.drop("Content-Encoding")
		c.begin(h, octets)
		if c.flush() {
			c.unzip(res, rest)
		}
		return
	}
	c.begin(h, octets)
	there := c.write(rest) && c.flush()
	buffers.Put(held)
	if there {
		c.goOn(res)
	}
}

// goOn sees to the rest of a response that has begun: without net/http where
// that can be, in a goroutine whose owner is the front.
func (c *call) goOn(res *invoke.Result) {
	s, ok := front.Detach(c.w, c.r, c.status)
	if !ok {
		c.pass(res, res.Body)
		return
	}
	c.detached = s
	c.w, c.r = nil, nil // they hold net/http's buffers
	s.Go(func() {
		c.passOn(res)
		_ = res.Body.Close()
		c.tell()
		if c.complete {
			s.End()
		} else {
			s.Cut()
		}
	})
}

// passOn writes what is left of the body: its chunks as they are, where it has
// some.
func (c *call) passOn(res *invoke.Result) {
	body, ok := res.Body.(invoke.ChunkCopier)
	if !ok {
		c.pass(res, res.Body)
		return
	}
	n, err := body.CopyChunks(c.detached.Chunks())
	c.sent += int(n)
	if refused := (*invoke.WriteError)(nil); errors.As(err, &refused) {
		c.gone = true
		return
	}
	c.finish(res, err)
}

// noPrelude answers a result that names no status and headers.
func (c *call) noPrelude(res *invoke.Result, err error) {
	switch end := endOf(res, err); {
	case errors.Is(err, errNothing) && end.Outcome == invoke.Complete:
		c.lostPrelude()
	case end.Outcome != invoke.Complete:
		c.internal(failure(end))
	default:
		c.internal("the result is no response: " + err.Error())
	}
}

// endOf is what ended the body, if it has ended: the end is known only then.
func endOf(res *invoke.Result, err error) invoke.End {
	if errors.Is(err, errNothing) || errors.Is(err, errNoPrelude) {
		return res.End()
	}
	return invoke.End{}
}

// raw passes on a stream without a prelude: also the result of a function that
// does not stream, which is shown as it is and not interpreted.
func (c *call) raw(res *invoke.Result) {
	buf := make([]byte, slowRead)
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = res.Body.Read(buf)
	}
	if n == 0 {
		// Nothing was sent yet, so that a failure can still be told. Node's
		// client reports one in trailers here, for which an empty 200 was
		// seen on AWS too.
		if end := res.End(); end.Outcome != invoke.Complete {
			c.internal(failure(end))
			return
		}
	}
	contentType := res.ContentType
	if contentType == "" {
		contentType = octets
	}
	c.begin(&head{status: http.StatusOK}, contentType)
	if c.write(buf[:n]) && c.flush() {
		c.goOn(res)
	}
}

// lostPrelude answers a function that named a status and headers and ended
// without writing: its client library sends the prelude with the first byte.
func (c *call) lostPrelude() {
	c.url.service.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: c.url.logicalID, RequestID: c.requestID,
		Text: "the function ended its stream before it wrote anything: status and headers are lost, as on AWS; write an empty string first"})
	c.begin(&head{status: http.StatusOK}, octets)
	c.flush()
}

// pass writes each piece as it comes.
func (c *call) pass(res *invoke.Result, body io.Reader) {
	small := make([]byte, slowRead)
	var large *[]byte // while pieces are large
	defer func() {
		if large != nil {
			buffers.Put(large)
		}
	}()
	for {
		buf := small
		if large != nil {
			buf = *large
		}
		n, err := body.Read(buf)
		if n > 0 && !c.send(buf[:n]) {
			return
		}
		switch {
		case err != nil:
			c.finish(res, err)
			return
		case n < slowRead && large != nil:
			buffers.Put(large)
			large = nil
		case n == slowRead && large == nil:
			large = buffers.Get().(*[]byte)
		}
	}
}

// unzip is pass for a compressed stream. What the function flushed is decoded
// as soon as it is there.
func (c *call) unzip(res *invoke.Result, first []byte) {
	z, err := gzip.NewReader(io.MultiReader(bytes.NewReader(first), res.Body))
	if err != nil {
		c.finish(res, err)
		return
	}
	c.pass(res, z)
}

// finish ends a response whose body has ended. When it did not end well the
// connection is cut without the last chunk, since status and headers are gone:
// the client then knows that the body is not whole.
func (c *call) finish(res *invoke.Result, err error) {
	end := res.End()
	c.complete = end.Outcome == invoke.Complete && errors.Is(err, io.EOF)
	switch {
	case c.left():
		c.gone = true
	case end.Outcome != invoke.Complete:
		c.failed = failure(end)
	case !errors.Is(err, io.EOF):
		c.failed = err.Error()
	}
	if c.failed != "" && c.detached == nil {
		panic(http.ErrAbortHandler) // the way to end a response without its end
	}
}

// left tells whether the client is known to be gone.
func (c *call) left() bool {
	if c.detached != nil {
		return c.detached.Gone()
	}
	return c.r.Context().Err() != nil
}

// send writes a piece of the body, at once.
func (c *call) send(p []byte) bool {
	if c.detached == nil {
		return c.write(p) && c.flush()
	}
	n, err := c.detached.Write(p)
	c.sent += n
	c.gone = err != nil
	return !c.gone
}

// write sends bytes; false when the client is gone. A body that the status or
// the method does not allow is read all the same, and dropped.
func (c *call) write(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	n, err := c.w.Write(p)
	c.sent += n
	c.gone = err != nil && !errors.Is(err, http.ErrBodyNotAllowed)
	return !c.gone
}

func (c *call) flush() bool {
	c.gone = http.NewResponseController(c.w).Flush() != nil
	return !c.gone
}

// takesGzip tells whether the client asked for gzip.
func takesGzip(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			coding, quality, _ := strings.Cut(strings.TrimSpace(item), ";")
			if quality = strings.ReplaceAll(quality, " ", ""); quality == "q=0" || quality == "q=0.0" {
				continue
			}
			if coding = strings.TrimSpace(coding); strings.EqualFold(coding, "gzip") || coding == "*" {
				return true
			}
		}
	}
	return false
}
