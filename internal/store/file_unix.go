//go:build !windows

package store

import (
	"errors"
	"os"
)

// initialMap is the address space reserved for the file at Open: until it is
// used up, a growing file never has to wait for running views. It costs no
// memory and no disk.
const initialMap = 1 << 28

// syncFolder puts a new file's name on the disk. The file's own flush does not
// promise that.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
