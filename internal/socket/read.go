package socket

import (
	"errors"
	"os"
	"time"

	"github.com/gobwas/ws"
)

// Serve answers the handshake, reads until the connection ends and then calls
// h.Closed. It returns after that; no goroutine of the connection is left.
func (c *Conn) Serve(h Handler) {
	if c.answer() == nil {
		c.read(h)
	}
	c.decoder.dropMessage()
	c.mu.Lock()
	lost := c.end(CloseCode{Code: StatusAbnormal})
	c.mu.Unlock()
	if !lost {
		c.flush() // our close frame may be on its way still
	}
	_ = c.transport.Close()
	c.settle()
	h.Closed(c, c.ending.Code, c.ending.Reason)
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
// the wait for either.
func (c *Conn) read(h Handler) {
	c.arm()
	for {
		op, payload, ok, fail := c.decoder.next()
		switch {
		case fail != nil:
			c.fail(fail)
		case ok:
			if c.handle(h, op, payload) {
				return
			}
		case !c.fill():
			return
		}
	}
}

// handle acts on a message or control frame and tells whether it was the last.
func (c *Conn) handle(h Handler, op ws.OpCode, payload []byte) (done bool) {
	switch op {
	case ws.OpText, ws.OpBinary:
		if c.Closing() { // what comes after our close frame is not for us
			return false
		}
		c.active.Store(time.Now().UnixNano())
		h.Message(c, payload, op == ws.OpBinary)
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
	if c.closing {
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
	c.decoder.abandon(broken)
	c.close(*code, true)
	if half, ok := c.transport.(interface{ CloseWrite() error }); ok && broken {
		c.flush()
		_ = half.CloseWrite() // the client sees the end and ends as well
	}
}

// fill reads once from the transport. It watches the timers: the transport's
// own deadline wakes the reader, so a connection needs no timer of its own and
// a message costs none.
func (c *Conn) fill() bool {
	for {
		space := c.decoder.space()
		if len(c.early) > 0 {
			n := copy(space, c.early)
			c.early = c.early[n:]
			c.decoder.filled(n)
			return true
		}
		c.early = nil
		n, err := c.transport.Read(space)
		if n > 0 {
			c.decoder.filled(n)
			return true
		}
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || !c.arm()) {
			return false
		}
	}
}

// arm sets the transport's read deadline for what is due next. When a timer is
// due it closes the connection; when the wait for the client's close frame is
// over it returns false.
func (c *Conn) arm() bool {
	now := time.Now()
	c.mu.Lock()
	if c.closing {
		over := !now.Before(c.closeBy)
		c.mu.Unlock()
		return !over
	}
	due := c.due()
	if due.IsZero() || now.Before(due) {
		_ = c.transport.SetReadDeadline(due)
		c.mu.Unlock()
		return true
	}
	c.mu.Unlock()
	c.Close(StatusGoingAway, c.options.TimeoutReason)
	c.decoder.abandon(false)
	return true
}

// due is when the connection will have been idle or open for too long.
func (c *Conn) due() time.Time {
	var due time.Time
	if d := c.options.MaxAge; d > 0 {
		due = time.Unix(0, c.began).Add(d)
	}
	if d := c.options.IdleTimeout; d > 0 {
		if idle := time.Unix(0, c.active.Load()).Add(d); due.IsZero() || idle.Before(due) {
			due = idle
		}
	}
	return due
}
