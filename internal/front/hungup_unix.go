//go:build !windows

package front

import (
	"net"
	"syscall"
)

// hungUp tells whether the other side has ended a connection, or its half of
// it, as far as is known here. It reads nothing and does not wait.
func hungUp(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return true
	}
	var n int
	var peeking error
	err = raw.Control(func(fd uintptr) {
		n, _, peeking = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err != nil || n == 0 && peeking != syscall.EAGAIN && peeking != syscall.EINTR
}
