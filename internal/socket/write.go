package socket

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// ErrClosed is returned for a connection that is ending or has ended.
var ErrClosed = errors.New("websocket is closed")

// ErrSlow is returned to the sender whose message did not fit the queue: the
// client does not read what waits for it. The message is dropped; the
// connection lives on until WriteTimeout ends it.
var ErrSlow = errors.New("websocket client reads too slowly")

// Frame is a text message ready for the wire, made once and sent to many.
type Frame struct{ b []byte }

// NewFrame makes a frame; text is copied.
func NewFrame(text []byte) Frame {
	b := make([]byte, 0, len(text)+ws.MaxHeaderSize)
	return Frame{append(appendHeader(b, ws.OpText, len(text)), text...)}
}

// Send sends a text message; it must be valid UTF-8. It never waits for the
// client: the message is given to the kernel at once or, when that has no room
// or another message is being written, queued. Messages go out in the order of
// the calls. text may be changed after Send.
func (c *Conn) Send(text []byte) error {
	b := borrow(len(text) + ws.MaxHeaderSize)
	b.b = append(appendHeader(b.b, ws.OpText, len(text)), text...)
	return c.send(message{owned: b})
}

// SendFrame sends a frame that other connections may be sent as well.
func (c *Conn) SendFrame(f Frame) error { return c.send(message{shared: f.b}) }

func (c *Conn) send(m message) error {
	c.mu.Lock()
	if c.over() {
		c.mu.Unlock()
		m.owned.release()
		return ErrClosed
	}
	c.active.Store(time.Now().UnixNano())
	return c.write(m)
}

// message is one frame to be written: owned goes back to the pool afterwards,
// shared is somebody else's.
type message struct {
	owned  *buffer
	shared []byte
	sent   int // bytes of it that the kernel has
}

func (m message) bytes() []byte {
	if m.owned != nil {
		return m.owned.b[m.sent:]
	}
	return m.shared[m.sent:]
}

// outgoing is what waits to be written, guarded by Conn.mu.
type outgoing struct {
	busy   bool // somebody is writing to the transport
	broken bool // the transport cannot be written to any more
	queue  []message
	bytes  int           // in queue
	idle   chan struct{} // closed when busy ends; made by who waits for it
}

// write hands a frame to the kernel, or to the queue while somebody else writes
// or the kernel has no room. c.mu is held and is released.
func (c *Conn) write(m message) error {
	if c.awake == nil {
		return c.writeParked(m)
	}
	o := &c.out
	switch {
	case o.broken:
		c.mu.Unlock()
		m.owned.release()
		return ErrClosed
	case o.busy:
		// The close frame, of which there is one, always has a place.
		if o.bytes+len(m.bytes()) > c.options.queueBytes() && c.ending == nil {
			c.mu.Unlock()
			m.owned.release()
			return ErrSlow
		}
		o.queue = append(o.queue, m)
		o.bytes += len(m.bytes())
		c.mu.Unlock()
		return nil
	}
	o.busy = true
	if c.raw == nil {
		o.queue, o.bytes = append(o.queue, m), len(m.bytes())
		c.writer.Go(c.drain)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock() // nobody parks it meanwhile, as it is busy
	n, err := tryWrite(c.raw, m.bytes())
	c.mu.Lock()
	return c.tried(m, n, err)
}

// writeParked is write for a connection without transport and queue. It is
// awake afterwards when the kernel did not take all. c.mu is held and is
// released.
func (c *Conn) writeParked(m message) error {
	n, err := writeDescriptor(int(c.fd), m.bytes())
	if n == len(m.bytes()) {
		c.mu.Unlock()
		m.owned.release()
		return nil
	}
	c.wake()
	c.out.busy = true
	return c.tried(m, n, err)
}

// tried ends write after the kernel has taken n bytes. c.mu is held and is
// released.
func (c *Conn) tried(m message, n int, err error) error {
	o := &c.out
	m.sent += n
	if err != nil || len(m.bytes()) == 0 {
		m.owned.release()
	} else {
		o.queue, o.bytes = slices.Insert(o.queue, 0, m), o.bytes+len(m.bytes())
	}
	c.wrote(err)
	if err != nil {
		return ErrClosed
	}
	return nil
}

// put writes one frame to the transport, and waits for the client if it must.
func (c *Conn) put(m message) error {
	_ = c.transport.SetWriteDeadline(time.Now().Add(c.options.writeTimeout()))
	_, err := c.transport.Write(m.bytes())
	m.owned.release()
	if c.raw != nil {
		_ = c.transport.SetWriteDeadline(time.Time{}) // it holds for tryWrite too
	}
	return err
}

// wrote ends a turn at writing: it starts a writer for what was queued
// meanwhile, so that the sender need not stay. c.mu is held and is released.
func (c *Conn) wrote(err error) {
	defer c.mu.Unlock()
	o := &c.out
	if err != nil {
		o.fail()
	}
	if len(o.queue) > 0 {
		c.writer.Go(c.drain)
		return
	}
	o.rest()
	if err != nil {
		_ = c.transport.Close() // wakes the reader, which tells the handler
	}
}

// drain writes what is queued until nothing is.
func (c *Conn) drain() {
	c.mu.Lock()
	for len(c.out.queue) > 0 {
		batch := c.out.queue
		c.out.queue, c.out.bytes = nil, 0
		c.mu.Unlock()
		var err error
		for i, m := range batch {
			if err = c.put(m); err != nil {
				releaseAll(batch[i+1:])
				break
			}
		}
		c.mu.Lock()
		if err != nil {
			c.out.fail()
			_ = c.transport.Close()
		}
	}
	c.out.rest()
	c.mu.Unlock()
}

// settle waits until nothing is being written any more.
func (c *Conn) settle() {
	c.mu.Lock()
	if c.out.busy {
		if c.out.idle == nil {
			c.out.idle = make(chan struct{})
		}
		idle := c.out.idle
		c.mu.Unlock()
		<-idle
		c.mu.Lock()
	}
	c.mu.Unlock()
	c.writer.Wait()
}

func (o *outgoing) rest() {
	o.busy, o.queue = false, nil
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
}

func (o *outgoing) fail() {
	o.broken = true
	releaseAll(o.queue)
	o.queue, o.bytes = nil, 0
}

func releaseAll(ms []message) {
	for _, m := range ms {
		m.owned.release()
	}
}

// appendHeader appends the header of an unfragmented frame from a server.
func appendHeader(b []byte, op ws.OpCode, n int) []byte {
	b = append(b, 0x80|byte(op))
	switch {
	case n < 126:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
}
