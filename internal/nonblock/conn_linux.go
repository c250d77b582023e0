package nonblock

import (
	"net"
	"os"
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

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 || len(p) > most {
		return c.TCPConn.Read(p)
	}
	n, err := ReadRaw(c.raw, p)
	return n, c.worded("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 || len(p) > most {
		return c.TCPConn.Write(p)
	}
	n, err := WriteRaw(c.raw, p)
	return n, c.worded("write", err)
}

// TryWrite writes as much of p as the kernel takes at once, perhaps nothing,
// and nothing on connections that [Conn] has not made.
func TryWrite(c net.Conn, p []byte) (int, error) {
	own, ok := c.(*conn)
	if !ok || len(p) == 0 {
		return 0, nil
	}
	n, err := TryRaw(own.raw, p[:min(len(p), most)])
	return n, own.worded("write", err)
}

// worded is an error as net words it: one of the poller by the operation's
// usual name, and one of the kernel with both ends.
func (c *conn) worded(op string, err error) error {
	switch e := err.(type) {
	case *net.OpError:
		e.Op = op
	case syscall.Errno:
		return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, e)}
	}
	return err
}
