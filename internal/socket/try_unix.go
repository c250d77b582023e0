//go:build !windows

package socket

import (
	"net"
	"sync"
	"syscall"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// rawTransport is the system's socket under a plain connection; nil when
// there is none (TLS), and then every frame is written by the writer.
func rawTransport(transport net.Conn) syscall.RawConn {
	t, ok := transport.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// attempt is one write that does not wait. They are pooled because what
// RawConn calls must live on the heap.
type attempt struct {
	b   []byte
	n   int
	err error
	run func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.run = a.write
	return a
}}

func (a *attempt) write(fd uintptr) bool {
	a.n, a.err = nonblock.Write(int(fd), a.b)
	return true // also on EAGAIN: whoever waits is the writer
}

// tryWrite writes as much of b as the kernel takes at once.
func tryWrite(raw syscall.RawConn, b []byte) (int, error) {
	a := attempts.Get().(*attempt)
	a.b, a.n, a.err = b, 0, nil
	err := raw.Write(a.run)
	if err == nil && a.err != syscall.EAGAIN {
		err = a.err
	}
	n := max(a.n, 0)
	a.b = nil
	attempts.Put(a)
	return n, err
}
