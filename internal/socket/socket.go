// Package socket is a WebSocket (RFC 6455), above all from the server's side:
// the upgrade out of an http.Handler, frames, limits, the close handshake, a
// bounded queue for what is written, and the timers for idle and old
// connections. [Dial] is the client's side, for terminals.
//
// A connection that is being used costs one goroutine, which reads. Buffers are
// borrowed from a pool while a frame is on its way and given back afterwards. A
// write goes straight to the kernel when nothing else is being written and there
// is room; nobody who sends ever waits for a client. A writer goroutine exists
// only while something is queued, over TLS also for each single frame.
//
// A plain connection that is idle is parked in its [Lot] where the system has
// one: the goroutine ends, and all that is left is the [Conn] and a descriptor,
// which an epoll set watches. Pushes are written to it as it is.
//
// The life of a connection: [CheckHandshake] judges the request, [Conn.Upgrade]
// takes it over from net/http, [Conn.Serve] answers 101 and reads, and at the
// end [Handler.Closed] is called exactly once. The http.Handler must return
// after Upgrade and run Serve on a goroutine of its own: only then does
// net/http free its buffers and the grown stack that ran the handshake.
//
// The codec (decoder) knows no transport: it is given bytes and yields frames.
package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options are the rules of a family of connections. They are shared by all
// connections made with them and must not change. Zero values mean no limit,
// unless said otherwise.
type Options struct {
	// MaxFrame is the largest payload of one frame as received; a larger one
	// closes with 1009 as soon as its header is read.
	MaxFrame int
	// MaxMessage is the largest payload of all frames of a message; more
	// closes with 1009. 0 is 1 MB.
	MaxMessage int
	// TooBigReason is the reason text of those closes.
	TooBigReason string
	// TextOnly closes with 1003 and BinaryReason on a binary frame.
	TextOnly     bool
	BinaryReason string
	// IdleTimeout closes with 1001 when no message went either way for so
	// long. Pings count as messages only with PingsKeepAlive.
	IdleTimeout    time.Duration
	PingsKeepAlive bool
	// MaxAge closes with 1001 when the connection has been open for so long.
	MaxAge time.Duration
	// TimeoutReason is the reason text of both timers.
	TimeoutReason string
	// QueueBytes bounds what waits to be written while the client does not
	// read; what does not fit is refused with ErrSlow. 0 is 1 MB, eight of the
	// largest messages API Gateway lets through.
	QueueBytes int
	// WriteTimeout bounds one write to the transport. 0 is 10 seconds.
	WriteTimeout time.Duration
	// CloseWait bounds the wait for the client's close frame after ours. 0 is
	// 2 seconds.
	CloseWait time.Duration
	// Lot is where idle connections are parked; nil keeps a goroutine for each.
	Lot *Lot
}

const (
	defaultMaxMessage   = 1 << 20
	defaultQueueBytes   = 1 << 20
	defaultWriteTimeout = 10 * time.Second
	defaultCloseWait    = 2 * time.Second
)

// Handler hears what a connection does. All calls come from the goroutine that
// reads the connection, one after the other; it is another one after a stay in
// the [Lot].
type Handler interface {
	// Message gets a complete, valid message. data is lent: it must not be
	// used after the call returns. While Message runs nothing is read, so a
	// handler that waits holds its client back.
	Message(c *Conn, data []byte, binary bool)
	// Closed is the last call and comes exactly once, whoever ended the
	// connection; the transport is closed by then. code is the client's own
	// (1005 when its close frame had none), the one Close or a broken rule
	// closed with, or 1006 when the transport ended without a close frame.
	Closed(c *Conn, code int, reason string)
}

// Conn is one connection, made by [Conn.Upgrade]; it may be part of something
// larger. Its methods may be called from any goroutine.
type Conn struct {
	options *Options
	handler Handler

	// awake is nil while the connection is parked. It is the reader's to
	// change, under mu.
	*awake
	fd   int32  // while parked
	turn uint32 // which stay in the Lot this is

	began  int64        // Unix nanoseconds
	active atomic.Int64 // Unix nanoseconds of the last message either way

	mu sync.Mutex
}

// awake is what a connection has that is not parked. It is made anew after
// each stay in the Lot: the last writer of before may not have ended quite.
type awake struct {
	transport transport
	raw       syscall.RawConn // of transport, for writes that do not wait; may be nil
	reader    *reader         // nil at the end

	out    outgoing // guarded by mu
	ending *ending  // not nil: a close frame was sent or cannot be; guarded by mu
	writer sync.WaitGroup
}

func newAwake(t transport, o *Options) *awake {
	return &awake{transport: t, raw: rawTransport(t), reader: newReader(o)}
}

// ending is how and when a connection that closes ends.
type ending struct {
	CloseCode
	by time.Time // when the wait for the client's close frame is over
}

// take makes a connection of c. Until Serve has written the handshake's
// answer, Send queues behind it.
func (c *Conn) take(t net.Conn, o *Options) {
	c.options, c.awake, c.began = o, newAwake(t, o), time.Now().UnixNano()
	c.active.Store(c.began)
	c.out.busy = true
}

// LastActive is when the last message went either way.
func (c *Conn) LastActive() time.Time { return time.Unix(0, c.active.Load()) }

// Began is when the connection was taken over from net/http.
func (c *Conn) Began() time.Time { return time.Unix(0, c.began) }

func (o *Options) maxMessage() int {
	if o.MaxMessage > 0 {
		return o.MaxMessage
	}
	return defaultMaxMessage
}

func (o *Options) queueBytes() int {
	if o.QueueBytes > 0 {
		return o.QueueBytes
	}
	return defaultQueueBytes
}

func (o *Options) writeTimeout() time.Duration {
	if o.WriteTimeout > 0 {
		return o.WriteTimeout
	}
	return defaultWriteTimeout
}

func (o *Options) closeWait() time.Duration {
	if o.CloseWait > 0 {
		return o.CloseWait
	}
	return defaultCloseWait
}
