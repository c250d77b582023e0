//go:build !windows

package front

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock waits until no other process holds the file's lock. Closing the file
// or the end of the process gives it back.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			return err
		}
	}
}
