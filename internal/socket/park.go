package socket

import (
	"io"
	"sync"
	"time"
)

// defaultLinger is more than what passes between the messages of a client that
// waits for answers, also on a machine with too much to do.
const defaultLinger = time.Second

// longestLinger is between two attempts to park what cannot be parked: a
// connection in the midst of a message, or a process without free descriptors.
const longestLinger = time.Minute

// transport is what a connection reads and writes: the net.Conn of its
// handshake or, once it has been parked, the descriptor by itself.
type transport interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// reader is what only a connection with a goroutine needs.
type reader struct {
	decoder
	early []byte        // what came together with the handshake, nearly always nothing
	heard bool          // something came since the deadline was set
	pause time.Duration // until the next attempt to park
}

func (l *Lot) linger() time.Duration {
	if l == nil || l.Linger == 0 {
		return defaultLinger
	}
	return l.Linger
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func newReader(o *Options) *reader {
	r := readers.Get().(*reader)
	r.options, r.pause = o, o.Lot.linger()
	return r
}

// rest is for a connection that was not parked at its deadline: the next
// attempt comes soon after one that was talking, and later after others.
func (r *reader) rest() {
	if r.heard {
		r.heard, r.pause = false, r.options.Lot.linger()
	} else {
		r.pause = min(2*r.pause, longestLinger)
	}
}

func (r *reader) release() {
	r.dropMessage()
	*r = reader{}
	readers.Put(r)
}

// park gives a connection with nothing half-read and nothing queued to the
// Lot. After true the caller, its reader, must not touch it any more: it may
// have been woken already.
func (c *Conn) park() bool {
	lot := c.options.Lot
	if lot == nil || c.reader.heard || len(c.reader.early) > 0 || !c.reader.empty() {
		return false
	}
	c.mu.Lock()
	if c.ending != nil || c.out.busy || c.out.broken || c.raw == nil || c.overdue(time.Now()) || !lot.admit(c) {
		c.mu.Unlock()
		return false
	}
	was := c.transport
	c.reader.release()
	c.awake = nil
	c.mu.Unlock()
	_ = was.Close() // the Lot has a descriptor of its own
	return true
}

// unpark makes an ordinary connection of a parked one; whoever calls it must
// see to it that [Conn.again] runs on a goroutine. c.mu is held.
func (c *Conn) unpark() {
	c.awake = newAwake(c.options.Lot.dismiss(c), c.options)
}

// wake starts the reader of a connection if it is parked; c.mu is held.
func (c *Conn) wake() {
	if c.awake == nil {
		c.unpark()
		go c.again()
	}
}

// resume is wake on a goroutine that becomes the reader; turn is the stay in
// the Lot that is meant.
func (c *Conn) resume(turn uint32) {
	c.mu.Lock()
	if c.awake != nil || c.turn != turn {
		c.mu.Unlock()
		return
	}
	c.unpark()
	c.mu.Unlock()
	c.again()
}

// again is the life of a reader after a stay in the Lot, which waits for it.
func (c *Conn) again() {
	defer c.options.Lot.leave()
	c.run()
}
