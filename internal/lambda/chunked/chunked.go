// Package chunked reads bodies in HTTP/1.1's chunked coding (RFC 9112, 7.1),
// and passes them on as they are.
//
// Most responses of functions come in it, and most clients of streams are sent
// the same. Such bytes pass through as they came: they are looked at for where
// each chunk ends, and not copied apart and put together again.
package chunked

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"
)

var errChunk = errors.New("the body is not in chunked coding")

// large are what bodies are passed through with while they come fast.
var large = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// Body is how far a body has been read.
type Body struct {
	r    *bufio.Reader
	left int64 // of the chunk begun
	crlf bool  // the end of a chunk is next, before anything else
}

// New returns the body that begins where r is. The line before a chunk, a size
// and an extension, may have half of r's size.
func New(r *bufio.Reader) Body { return Body{r: r} }

// Read reads what is there, over the ends of chunks, and waits only when there
// is nothing. io.EOF is the last chunk; trailers follow.
func (c *Body) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if c.left == 0 {
			if n > 0 && !c.lineIsThere() {
				return n, nil
			}
			if err := c.line(); err != nil {
				return n, err
			}
		}
		if n > 0 && c.r.Buffered() == 0 {
			return n, nil
		}
		more, err := c.r.Read(p[n:min(int64(len(p)), int64(n)+c.left)])
		n += more
		if c.left -= int64(more); c.left == 0 {
			c.crlf = true
		}
		if err != nil {
			return n, unexpected(err)
		}
	}
	return n, nil
}

// lineIsThere tells whether line would not wait.
func (c *Body) lineIsThere() bool {
	b, _ := c.r.Peek(c.r.Buffered())
	if c.crlf {
		b = b[min(2, len(b)):]
	}
	return bytes.IndexByte(b, '\n') >= 0
}

// line reads the line before a chunk; io.EOF when it is the last chunk's.
func (c *Body) line() error {
	if err := c.endChunk(); err != nil {
		return err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return unexpected(err)
	}
	size, _, _ := bytes.Cut(line, []byte(";")) // extensions mean nothing here
	c.left, err = chunkSize(bytes.TrimRight(size, " \t\r\n"))
	if err == nil && c.left == 0 {
		return io.EOF
	}
	return err
}

func chunkSize(digits []byte) (int64, error) {
	if len(digits) == 0 || len(digits) > 15 {
		return 0, errChunk
	}
	n := int64(0)
	for _, d := range digits {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			return 0, errChunk
		}
		n = n<<4 | int64(d)
	}
	return n, nil
}

// endChunk reads the end of a chunk, if it is next.
func (c *Body) endChunk() error {
	if !c.crlf {
		return nil
	}
	b, err := c.r.Peek(2)
	if err != nil {
		return unexpected(err)
	}
	if b[0] != '\r' || b[1] != '\n' {
		return errChunk
	}
	_, _ = c.r.Discard(2)
	c.crlf = false
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Pass writes the body's chunks to w as they come, up to the last one, and
// returns how many bytes they carry. rest is the connection below c.r, and
// unread puts back what was read of it. The error is io.EOF at the last chunk;
// trailers follow.
func (c *Body) Pass(w io.Writer, rest io.Reader, unread func([]byte)) (n int64, err error) {
	for {
		size, err := c.passMiddle(w)
		if n += size; err != nil {
			return n, err
		}
		size, err = c.passWhole(w, rest, unread)
		if n += size; err != nil {
			return n, err
		}
		if err := c.line(); err != nil {
			return n, err
		}
	}
}

// passMiddle makes chunks of what is left of the one begun.
func (c *Body) passMiddle(w io.Writer) (n int64, err error) {
	for c.left > 0 {
		if _, err := c.r.Peek(1); err != nil {
			return n, unexpected(err)
		}
		some, _ := c.r.Peek(int(min(c.left, int64(c.r.Buffered()))))
		b := append(strconv.AppendInt(nil, int64(len(some)), 16), '\r', '\n')
		if _, err := w.Write(append(append(b, some...), '\r', '\n')); err != nil {
			return n, err
		}
		n += int64(len(some))
		c.left -= int64(len(some))
		c.crlf = c.left == 0
		_, _ = c.r.Discard(len(some))
	}
	return n, c.endChunk()
}

// passWhole passes chunks as they are, until a line that line has to read.
func (c *Body) passWhole(w io.Writer, rest io.Reader, unread func([]byte)) (n int64, err error) {
	for want := 1; ; want = c.r.Buffered() + 1 {
		if _, err := c.r.Peek(want); err != nil {
			return n, unexpected(err)
		}
		b, _ := c.r.Peek(c.r.Buffered())
		whole, size, stop := c.span(b)
		n += size
		if whole > 0 {
			if _, err := w.Write(b[:whole]); err != nil {
				return n, err
			}
		}
		_, _ = c.r.Discard(whole)
		if !stop && whole == c.r.Size() { // there is more than c.r holds
			size, stop, err = c.passLarge(w, rest, unread)
			n += size
		}
		if stop || err != nil {
			return n, err
		}
	}
}

// passLarge is passWhole while each read is more than c.r holds, which is
// empty.
func (c *Body) passLarge(w io.Writer, rest io.Reader, unread func([]byte)) (n int64, stop bool, err error) {
	held := large.Get().(*[]byte)
	defer large.Put(held)
	for kept := 0; ; {
		more, err := rest.Read((*held)[kept:])
		b := (*held)[:kept+more]
		whole, size, stop := c.span(b)
		n += size
		if whole > 0 {
			if _, err := w.Write(b[:whole]); err != nil {
				return n, false, err
			}
		}
		kept = copy(*held, b[whole:])
		if stop || err != nil || more < c.r.Size() {
			unread((*held)[:kept])
			return n, stop, unexpected(err)
		}
	}
}

// span tells how much of b can be passed on as it is: up to its end, or to a
// line that is not there to its end. stop says that line has to read what is
// next: the last chunk's, one with an extension, or nothing sensible. size is
// how many bytes of body that is.
func (c *Body) span(b []byte) (whole int, size int64, stop bool) {
	for {
		some := min(c.left, int64(len(b)-whole))
		whole += int(some)
		size += some
		if c.left -= some; c.left > 0 {
			return whole, size, false
		}
		c.crlf = c.crlf || some > 0
		if c.crlf {
			if len(b)-whole < 2 {
				return whole, size, false
			}
			if b[whole] != '\r' || b[whole+1] != '\n' {
				return whole, size, true
			}
			whole, c.crlf = whole+2, false
		}
		end := bytes.IndexByte(b[whole:], '\n')
		if end < 0 {
			return whole, size, len(b)-whole > c.r.Size()/2
		}
		digits, plain := bytes.CutSuffix(b[whole:whole+end], []byte("\r"))
		next, err := chunkSize(digits)
		if err != nil || !plain || next == 0 {
			return whole, size, true
		}
		whole, c.left = whole+end+1, next
	}
}
