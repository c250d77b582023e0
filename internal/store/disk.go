package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// rowsBucket holds every row. Its name carries the format's version: a file
// that has other buckets was written by another one and is refused.
const rowsBucket = "rows-2"

// lockPatience covers a Suiro that is just ending; bbolt asks every 50 ms.
const lockPatience = 500 * time.Millisecond

// checksumSize is the CRC-32C of key and value at the end of each value. bbolt
// itself checks its two root pages only.
const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// disk is the engine on a file.
type disk struct {
	db   *bolt.DB
	file string
	// stuck is set when bbolt gave up in the middle of a write and cannot even
	// take it back: its write lock is never released. Committer only.
	stuck bool
}

func openDisk(file string) (_ *disk, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	// A copy that cannot be made leaves the file as it is; what is wrong with
	// the file itself is said below.
	_ = compact(file)
	d := &disk{file: file}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer d.guard(&err)
	// bench/engine.go opens its file alike, to measure what is above the engine.
	d.db, err = bolt.Open(file, 0o600, &bolt.Options{
		Timeout: lockPatience,
		// The free pages are written with each commit: leaving them out would
		// save that write and make Open read the whole file.
		NoFreelistSync:  false,
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: initialMap,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, &InUseError{File: file}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, &CorruptError{File: file, Reason: err.Error()}
	case err != nil:
		return nil, fmt.Errorf("open the store %s: %w", file, err)
	}
	if err := d.check(); err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	return d, nil
}

// check makes the bucket in a new file, and refuses a file that is shorter
// than its own root says or that another format wrote. It reads two pages.
func (d *disk) check() error {
	info, err := os.Stat(d.file)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	made := false
	err = d.db.View(func(tx *bolt.Tx) error {
		if info.Size() < tx.Size() {
			return &CorruptError{File: d.file, Reason: fmt.Sprintf("it has %d bytes of %d", info.Size(), tx.Size())}
		}
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if string(name) != rowsBucket {
				return fmt.Errorf("file %s was written by another version of Suiro (it holds %q, this one reads %q)", d.file, name, rowsBucket)
			}
			made = true
			return nil
		})
	})
	if err != nil || made {
		return err
	}
	err = d.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte(rowsBucket))
		return err
	})
	return errors.Join(err, syncFolder(filepath.Dir(d.file)))
}

// guard turns a panic of bbolt over a page that makes no sense into an error.
// Goroutines that read have SetPanicOnFault, so that a mapped page that is not
// there (a file cut short, a failing disk) ends here too and not the process.
func (d *disk) guard(err *error) {
	if p := recover(); p != nil {
		reason, _, _ := strings.Cut(fmt.Sprint(p), "\n")
		*err = &CorruptError{File: d.file, Reason: reason}
	}
}

func (d *disk) view(fn func(Snapshot) error) error {
	tx, err := d.db.Begin(false)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of a reading transaction: only ends it
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return fn(&diskRows{d, tx.Bucket([]byte(rowsBucket))})
}

func (d *disk) begin() (_ batch, err error) {
	if d.stuck {
		return nil, &CorruptError{File: d.file, Reason: "an earlier write failed half-way"}
	}
	debug.SetPanicOnFault(true) // of the committer, for good
	defer d.guard(&err)
	tx, err := d.db.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("begin a write: %w", err)
	}
	return &diskBatch{diskRows{d, tx.Bucket([]byte(rowsBucket))}, tx}, nil
}

func (d *disk) close() error {
	if d.stuck {
		return nil // bbolt would wait for its own lock; the file ends with the process
	}
	return d.db.Close()
}

// diskRows reads one transaction's rows.
type diskRows struct {
	disk *disk
	rows *bolt.Bucket
}

func (s *diskRows) Get(key []byte) (value []byte, err error) {
	defer s.disk.guard(&err)
	if len(key) == 0 {
		return nil, nil
	}
	stored := s.rows.Get(key)
	if stored == nil {
		return nil, nil
	}
	return s.open(key, stored)
}

func (s *diskRows) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	c := s.rows.Cursor()
	key, stored, err := s.first(c, r, d)
	for err == nil && key != nil && r.holds(key, d) {
		var value []byte
		if value, err = s.open(key, stored); err != nil {
			break
		}
		if !visit(key, value) {
			return nil
		}
		key, stored, err = s.step(c, d)
	}
	return err
}

// holds tells whether a scan that began inside r is still inside.
func (r Range) holds(key []byte, d Direction) bool {
	if d == Descending {
		return bytes.Compare(key, r.From) >= 0
	}
	return len(r.To) == 0 || bytes.Compare(key, r.To) < 0
}

func (s *diskRows) first(c *bolt.Cursor, r Range, d Direction) (key, stored []byte, err error) {
	defer s.disk.guard(&err)
	switch {
	case d == Ascending:
		key, stored = c.Seek(r.From)
	case len(r.To) == 0:
		key, stored = c.Last()
	default:
		if key, _ = c.Seek(r.To); key == nil {
			key, stored = c.Last() // all keys are below To
		} else {
			key, stored = c.Prev()
		}
	}
	return key, stored, nil
}

func (s *diskRows) step(c *bolt.Cursor, d Direction) (key, stored []byte, err error) {
	defer s.disk.guard(&err)
	if d == Descending {
		key, stored = c.Prev()
	} else {
		key, stored = c.Next()
	}
	return key, stored, nil
}

// open checks a stored value and returns it without its checksum.
func (s *diskRows) open(key, stored []byte) ([]byte, error) {
	n := len(stored) - checksumSize
	if n < 0 || binary.BigEndian.Uint32(stored[n:]) != checksum(key, stored[:n]) {
		return nil, &CorruptError{File: s.disk.file, Reason: fmt.Sprintf("checksum of the row %x", key)}
	}
	return stored[:n:n], nil
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// diskBatch is the open writing transaction.
type diskBatch struct {
	diskRows
	tx *bolt.Tx
}

func (b *diskBatch) put(key, value []byte) (err error) {
	defer b.disk.guard(&err)
	stored := make([]byte, 0, len(value)+checksumSize)
	stored = append(stored, value...)
	stored = binary.BigEndian.AppendUint32(stored, checksum(key, value))
	return b.rows.Put(key, stored)
}

func (b *diskBatch) delete(key []byte) (err error) {
	defer b.disk.guard(&err)
	return b.rows.Delete(key)
}

func (b *diskBatch) commit() error {
	err := b.tryCommit()
	if damage := (*CorruptError)(nil); errors.As(err, &damage) {
		b.rollback()
	}
	return err
}

func (b *diskBatch) tryCommit() (err error) {
	defer b.disk.guard(&err)
	return b.tx.Commit()
}

func (b *diskBatch) rollback() {
	if err := b.tryRollback(); err != nil {
		b.disk.stuck = true
	}
}

func (b *diskBatch) tryRollback() (err error) {
	defer b.disk.guard(&err)
	if err := b.tx.Rollback(); !errors.Is(err, bolterrors.ErrTxClosed) {
		return err
	}
	return nil
}
