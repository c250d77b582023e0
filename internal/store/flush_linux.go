package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flush puts a file's content on the disk, and of what is known about the file
// only what is needed to find it again.
func flush(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
