//go:build unix

package process

import (
	"io"
	"sync"
	"syscall"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// await waits until there is something to read, and hands it over. The lock is
// taken before the bytes leave the pipe: whoever holds it and finds the pipe
// empty knows that everything written was handed over (see flush).
func (o *output) await() error {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return err
	}
	var end error
	err = raw.Read(func(fd uintptr) bool {
		var again bool
		again, end = o.drain(int(fd))
		return !again || end != nil
	})
	if err != nil {
		return err
	}
	return end
}

// drain reads once; again says that the pipe was empty.
func (o *output) drain(fd int) (again bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	buf := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buf)
	n, err := nonblock.Read(fd, buf[:])
	switch {
	case err == syscall.EAGAIN:
		return true, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, io.EOF
	}
	o.take(buf[:n])
	return false, nil
}

// flushReads bounds what one flush hands over, for a child that writes without
// end: four times what a pipe holds.
const flushReads = 4

func (o *output) flush() {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for range flushReads {
			if again, err := o.drain(int(fd)); again || err != nil {
				break
			}
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endLine()
}
