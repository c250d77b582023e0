package front

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock waits until no other process holds the file's lock. Closing the file
// or the end of the process gives it back.
func lock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}
