//go:build !windows

package socket

import (
	"io"
	"sync"
	"syscall"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// rawTransport is the system's socket under a plain connection; nil when
// there is none (TLS), and then every frame is written by the writer.
func rawTransport(transport any) syscall.RawConn {
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

// attempt is one read or write. They are pooled because what RawConn calls must
// live on the heap.
type attempt struct {
	b           []byte
	n           int
	err         error
	read, write func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.read, a.write = a.tryRead, a.tryWrite
	return a
}}

func (a *attempt) tryRead(fd uintptr) bool {
	a.n, a.err = nonblock.Read(int(fd), a.b)
	return a.err != syscall.EAGAIN
}

func (a *attempt) tryWrite(fd uintptr) bool {
	a.n, a.err = writeDescriptor(int(fd), a.b)
	return true // also when there is no room: whoever waits is the writer
}

// writeDescriptor writes as much of b as the kernel takes at once, perhaps
// nothing.
func writeDescriptor(fd int, b []byte) (int, error) {
	n, err := nonblock.Write(fd, b)
	if err == syscall.EAGAIN {
		err = nil
	}
	return max(n, 0), err
}

// tryWrite is writeDescriptor on what the runtime's poller watches.
func tryWrite(raw syscall.RawConn, b []byte) (int, error) {
	a := attempts.Get().(*attempt)
	a.b, a.n, a.err = b, 0, nil
	return a.result(raw.Write(a.write))
}

// read waits for something to read and reads it.
func read(raw syscall.RawConn, b []byte) (int, error) {
	a := attempts.Get().(*attempt)
	a.b, a.n, a.err = b, 0, nil
	n, err := a.result(raw.Read(a.read))
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// result gives a back; err is why it was not made.
func (a *attempt) result(err error) (int, error) {
	n := a.n
	if err == nil {
		err = a.err
	}
	a.b = nil
	attempts.Put(a)
	return n, err
}
