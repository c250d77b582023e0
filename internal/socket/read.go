package socket

import (
	"errors"
	"os"
	"time"

	"github.com/gobwas/ws"
)

// Serve answers the handshake, reads until the connection ends and then calls
// h.Closed. It returns after that; no goroutine of the connection is left. With
// a Lot it may return earlier, when there is nothing to read; the Lot's Close
// waits for what is left.
func (c *Conn) Serve(h Handler) {
	c.handler = h
	if c.answer() != nil {
		c.finish()
	} else if !c.park() {
		c.run()
	}
}

// run reads until the connection ends or is parked.
func (c *Conn) run() {
	if !c.read() {
		c.finish()
	}
}

// finish is the end of every connection.
func (c *Conn) finish() {
	c.mu.Lock()
	lost := c.end(CloseCode{Code: StatusAbnormal})
	c.mu.Unlock()
	if !lost {
		c.flush() // our close frame may be on its way still
	}
	_ = c.transport.Close()
	c.settle()
	c.reader.release()
	c.reader = nil
	c.handler.Closed(c, c.ending.Code, c.ending.Reason)
}

// answer writes the 101 and lets go what was sent before it.
func (c *Conn) answer() error {
	c.mu.Lock()
	err := ErrClosed
	if len(c.out.queue) > 0 { // else given up already: Abort, or a full queue
		first := c.out.queue[0] // put there by Upgrade
		c.out.queue = c.out.queue[1:]
		c.out.bytes -= len(first.bytes())
		c.mu.Unlock()
		err = c.put(first)
		c.mu.Lock()
	}
	c.wrote(err)
	return err
}

// read runs until the client's close frame, the transport's end, or the end of
// the wait for either; or until the connection was parked.
func (c *Conn) read() (parked bool) {
	c.arm()
	for {
		op, payload, ok, fail := c.reader.next()
		switch {
		case fail != nil:
			c.fail(fail)
		case ok:
			if c.handle(op, payload) {
				return false
			}
		default:
			if filled, parked := c.fill(); !filled {
				return parked
			}
		}
	}
}

// handle acts on a message or control frame and tells whether it was the last.
func (c *Conn) handle(op ws.OpCode, payload []byte) (done bool) {
	switch op {
	case ws.OpText, ws.OpBinary:
		if c.Closing() { // what comes after our close frame is not for us
			return false
		}
		c.active.Store(time.Now().UnixNano())
		c.handler.Message(c, payload, op == ws.OpBinary)
	case ws.OpPing:
		if c.options.PingsKeepAlive {
			c.active.Store(time.Now().UnixNano())
		}
		c.pong(payload)
	case ws.OpClose:
		return c.peerClosed(payload)
	}
	return false
}

func (c *Conn) pong(payload []byte) {
	b := borrow(ws.MinHeaderSize + len(payload))
	b.b = append(appendHeader(b.b, ws.OpPong, len(payload)), payload...)
	c.mu.Lock()
	if c.ending != nil {
		c.mu.Unlock()
		b.release()
		return
	}
	_ = c.write(message{owned: b}) // a broken transport ends the next read; a client that does not read misses none
}

// peerClosed answers the client's close frame with the same code and reason.
// It is the end, also when the frame itself is wrong.
func (c *Conn) peerClosed(payload []byte) bool {
	code, fail := parseClose(payload)
	if fail != nil {
		code = *fail
	}
	if c.close(code, false) {
		c.flush()
	}
	return true
}

// flush waits for what is queued, but not longer than for a close frame.
func (c *Conn) flush() {
	late := time.AfterFunc(c.options.closeWait(), func() { _ = c.transport.Close() })
	c.settle()
	late.Stop()
}

// fail closes for a broken rule. What the client still sends is dropped until
// its close frame: closing a transport with unread bytes would take our close
// frame away from it (RFC 6455, section 7.1.1).
func (c *Conn) fail(code *CloseCode) {
	broken := code.Code == StatusProtocolError
	c.reader.abandon(broken)
	c.close(*code, true)
	if half, ok := c.transport.(interface{ CloseWrite() error }); ok && broken {
		c.flush()
		_ = half.CloseWrite() // the client sees the end and ends as well
	}
}

// fill reads once from the transport. It watches the timers: the transport's
// own deadline wakes the reader, so a connection needs no timer of its own and
// a message costs none. A connection that was silent until its deadline is
// parked, if it can be.
func (c *Conn) fill() (filled, parked bool) {
	r := c.reader
	for {
		space := r.space()
		if len(r.early) > 0 {
			n := copy(space, r.early)
			r.early = r.early[n:]
			r.filled(n)
			return true, false
		}
		r.early = nil
		n, err := c.transport.Read(space)
		switch {
		case n > 0:
			r.heard = true
			r.filled(n)
			return true, false
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return false, false
		case c.park():
			return false, true
		default:
			r.rest()
			if !c.arm() {
				return false, false
			}
		}
	}
}

// arm sets the transport's read deadline for what is due next. When a timer is
// due it closes the connection; when the wait for the client's close frame is
// over it returns false.
func (c *Conn) arm() bool {
	now := time.Now()
	c.mu.Lock()
	if c.ending != nil {
		over := !now.Before(c.ending.by)
		c.mu.Unlock()
		return !over
	}
	if !c.overdue(now) {
		_ = c.transport.SetReadDeadline(c.deadline(now))
		c.mu.Unlock()
		return true
	}
	c.mu.Unlock()
	c.Close(StatusGoingAway, c.options.TimeoutReason)
	c.reader.abandon(false)
	return true
}

// deadline is for the next read: what is due, or the next attempt to park. It
// is zero when there is neither.
func (c *Conn) deadline(now time.Time) time.Time {
	due := c.due()
	if c.options.Lot != nil && c.raw != nil {
		if attempt := now.Add(c.reader.pause).UnixNano(); due == 0 || attempt < due {
			due = attempt
		}
	}
	if due == 0 {
		return time.Time{}
	}
	return time.Unix(0, due)
}

// due is when the connection will have been idle or open for too long, in Unix
// nanoseconds; 0 is never.
func (c *Conn) due() (due int64) {
	if d := c.options.MaxAge; d > 0 {
		due = c.began + int64(d)
	}
	if d := c.options.IdleTimeout; d > 0 {
		if idle := c.active.Load() + int64(d); due == 0 || idle < due {
			due = idle
		}
	}
	return due
}

func (c *Conn) overdue(now time.Time) bool {
	due := c.due()
	return due != 0 && due <= now.UnixNano()
}
