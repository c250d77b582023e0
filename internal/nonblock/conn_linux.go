package nonblock

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Conn returns c with reads and writes by [Read] and [Write] when it is a
// plain TCP connection, else c itself.
func Conn(c net.Conn) net.Conn {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return c
	}
	return &conn{t, raw}
}

// conn is a TCP connection. What it does not have itself, deadlines and the
// rest, is that of net.
type conn struct {
	*net.TCPConn
	raw syscall.RawConn
}

// most is how much one call moves: copying more would keep the scheduler
// waiting for longer than telling it costs.
const most = 64 << 10

// operation is one read or write. They are pooled because what RawConn calls
// must live on the heap.
type operation struct {
	p           []byte
	n           int
	err         error
	read, write func(fd uintptr) bool
}

var operations = sync.Pool{New: func() any {
	o := new(operation)
	o.read, o.write = o.tryRead, o.tryWrite
	return o
}}

func (o *operation) tryRead(fd uintptr) bool {
	o.n, o.err = Read(int(fd), o.p)
	return o.err != syscall.EAGAIN
}

func (o *operation) tryWrite(fd uintptr) bool {
	for o.n < len(o.p) {
		n, err := Write(int(fd), o.p[o.n:])
		if err != nil {
			o.err = err
			return err != syscall.EAGAIN
		}
		o.n += n
	}
	o.err = nil
	return true
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 || len(p) > most {
		return c.TCPConn.Read(p)
	}
	o := operations.Get().(*operation)
	o.p, o.n, o.err = p, 0, nil
	err := c.raw.Read(o.read)
	n, failed := o.n, o.err
	o.p = nil
	operations.Put(o)
	switch {
	case err != nil:
		return 0, c.named("read", err)
	case failed != nil:
		return 0, c.failure("read", failed)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 || len(p) > most {
		return c.TCPConn.Write(p)
	}
	o := operations.Get().(*operation)
	o.p, o.n, o.err = p, 0, nil
	err := c.raw.Write(o.write)
	n, failed := o.n, o.err
	o.p = nil
	operations.Put(o)
	switch {
	case err != nil:
		return n, c.named("write", err)
	case failed != nil:
		return n, c.failure("write", failed)
	}
	return n, nil
}

// named gives an error of the poller the operation's usual name.
func (c *conn) named(op string, err error) error {
	if e, ok := err.(*net.OpError); ok {
		e.Op = op
	}
	return err
}

// failure is an error of the kernel as net words it.
func (c *conn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}
