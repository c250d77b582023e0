//go:build unix

package nonblock

import (
	"io"
	"sync"
	"syscall"
)

// operation is one read or write through Go's poller. They are pooled because
// what RawConn calls must live on the heap.
type operation struct {
	p                []byte
	n                int
	err              error
	read, write, try func(fd uintptr) bool
}

var operations = sync.Pool{New: func() any {
	o := new(operation)
	o.read, o.write, o.try = o.readOnce, o.writeAll, o.writeSome
	return o
}}

func (o *operation) readOnce(fd uintptr) bool {
	o.n, o.err = Read(int(fd), o.p)
	return o.err != syscall.EAGAIN
}

func (o *operation) writeAll(fd uintptr) bool {
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

func (o *operation) writeSome(fd uintptr) bool {
	o.n, o.err = WriteSome(int(fd), o.p)
	return true
}

// WriteSome writes as much of p as the kernel takes at once, perhaps nothing.
func WriteSome(fd int, p []byte) (int, error) {
	n, err := Write(fd, p)
	if err == syscall.EAGAIN {
		err = nil
	}
	return max(n, 0), err
}

// ReadRaw waits for something to read on a descriptor of Go's poller and reads
// it; io.EOF is its end. An error of the kernel is a [syscall.Errno], one of
// the poller (a deadline, a close) is not.
func ReadRaw(raw syscall.RawConn, p []byte) (int, error) {
	o := begin(p)
	n, err := o.end(raw.Read(o.read))
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// WriteRaw writes all of p, with errors as those of [ReadRaw].
func WriteRaw(raw syscall.RawConn, p []byte) (int, error) {
	o := begin(p)
	return o.end(raw.Write(o.write))
}

// TryRaw is [WriteSome] for a descriptor of Go's poller: it does not wait.
func TryRaw(raw syscall.RawConn, p []byte) (int, error) {
	o := begin(p)
	return o.end(raw.Write(o.try))
}

func begin(p []byte) *operation {
	o := operations.Get().(*operation)
	o.p, o.n, o.err = p, 0, nil
	return o
}

// end gives an operation back; err is the poller's.
func (o *operation) end(err error) (int, error) {
	n := o.n
	if err == nil {
		err = o.err
	}
	o.p = nil
	operations.Put(o)
	return n, err
}
