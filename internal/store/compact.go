package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

const (
	// compactFree is how much of a file must be free for it to be worth
	// writing anew. The list of free pages is written with each commit: after
	// a table of 1 GB was dropped, commits take several times as long.
	compactFree = 64 << 20
	// compactLive bounds what is copied, and so the time that Open takes.
	compactLive = 32 << 20
	// compactTx is how much one transaction of the copy holds.
	compactTx = 4 << 20
)

// compact writes a file that is nearly all free pages anew, which gives the
// disk its space back. It may fail, of a full disk for example: then the old
// file is as good as before. Nobody else may open the file meanwhile, which
// the lock of the state folder sees to.
func compact(file string) error {
	fresh := file + ".compact"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // of a copy that was killed
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() < compactFree {
		return nil // a file that is not there is not large
	}
	worth, err := copyLive(file, fresh, info.Size())
	if err != nil || !worth {
		return errors.Join(err, removeIfThere(fresh))
	}
	if err := os.Rename(fresh, file); err != nil {
		return errors.Join(fmt.Errorf("replace the store by its smaller copy: %w", err), removeIfThere(fresh))
	}
	return syncFolder(filepath.Dir(file))
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyLive copies the rows of a file, with their checksums, if it is worth it.
func copyLive(file, fresh string, size int64) (worth bool, err error) {
	b := &base{file: file}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer b.guard(&err)
	source, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: lockPatience, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	free := int64(source.Stats().FreePageN) * int64(source.Info().PageSize)
	if free < compactFree || size-free > compactLive {
		return false, nil
	}
	target, err := bolt.Open(fresh, 0o600, &bolt.Options{NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return false, err
	}
	err = bolt.Compact(target, source, compactTx)
	return true, errors.Join(err, target.Sync(), target.Close())
}
