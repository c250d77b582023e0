// The race detector takes the usual calls for an order between both ends of a
// connection; of a raw one it knows nothing.

//go:build unix && (!linux || race)

package nonblock

import "syscall"

// Read reads once from a descriptor that does not block. EAGAIN says that
// there is nothing; 0 and no error is the end.
func Read(fd int, p []byte) (int, error) { return again(syscall.Read, fd, p) }

// Write writes once to a descriptor that does not block. EAGAIN says that
// there is no room.
func Write(fd int, p []byte) (int, error) { return again(syscall.Write, fd, p) }

func again(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
