package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// rowsBucket holds every row. Its name carries the format's version: a file
// that has other buckets was written by another one and is refused.
const rowsBucket = "rows-2"

// logBucket holds the mark, and is there while a log is. Its name carries the
// log's format, so that a Suiro that knows of none does not open half a store.
const logBucket = "log-1"

var markKey = []byte("mark")

// lockPatience covers a Suiro that is just ending; bbolt asks every 50 ms.
const lockPatience = 500 * time.Millisecond

// checksumSize is the CRC-32C of key and value at the end of each value. bbolt
// itself checks its two root pages only.
const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// base is the bbolt file: rows, and how much of the log is among them.
type base struct {
	db   *bolt.DB
	file string
	// stuck is set when bbolt gave up in the middle of a write and cannot even
	// take it back: its write lock is never released. Whoever writes has it.
	stuck bool
	// crossed is called between the steps of what the disk sees; for tests.
	crossed func()
}

// mark is kept with the rows and says which log goes on where they end.
type mark struct {
	log     uint64 // the log's id
	through uint64 // the last commit of it that is among the rows
}

func openBase(file string) (_ *base, _ *mark, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	// A copy that cannot be made leaves the file as it is; what is wrong with
	// the file itself is said below.
	_ = compact(file)
	b := &base{file: file, crossed: func() {}}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer b.guard(&err)
	// bench/engine.go opens its file alike, to measure what is above the engine.
	b.db, err = bolt.Open(file, 0o600, &bolt.Options{
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
		return nil, nil, &InUseError{File: file}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, nil, &CorruptError{File: file, Reason: err.Error()}
	case err != nil:
		return nil, nil, fmt.Errorf("open the store %s: %w", file, err)
	}
	m, err := b.check()
	if err != nil {
		return nil, nil, errors.Join(err, b.db.Close())
	}
	return b, m, nil
}

// check makes the bucket in a new file, refuses a file that is shorter than
// its own root says or that another format wrote, and reads the mark, nil when
// there is no log. It reads three pages.
func (b *base) check() (m *mark, err error) {
	info, err := os.Stat(b.file)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	made := false
	err = b.db.View(func(tx *bolt.Tx) error {
		if info.Size() < tx.Size() {
			return &CorruptError{File: b.file, Reason: fmt.Sprintf("it has %d bytes of %d", info.Size(), tx.Size())}
		}
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) (err error) {
			switch string(name) {
			case rowsBucket:
				made = true
			case logBucket:
				m, err = b.readMark(bucket)
			default:
				err = fmt.Errorf("file %s was written by another version of Suiro (it holds %q, this one reads %q)", b.file, name, rowsBucket)
			}
			return err
		})
	})
	if err != nil || made {
		return m, err
	}
	err = b.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte(rowsBucket))
		return err
	})
	return nil, errors.Join(err, syncFolder(filepath.Dir(b.file)))
}

func (b *base) readMark(bucket *bolt.Bucket) (*mark, error) {
	value, err := b.open(markKey, bucket.Get(markKey))
	if err != nil || len(value) != 16 {
		return nil, &CorruptError{File: b.file, Reason: "checksum of the log's mark"}
	}
	return &mark{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}, nil
}

// guard turns a panic of bbolt over a page that makes no sense into an error.
// Goroutines that read have SetPanicOnFault, so that a mapped page that is not
// there (a file cut short, a failing disk) ends here too and not the process.
func (b *base) guard(err *error) {
	if p := recover(); p != nil {
		reason, _, _ := strings.Cut(fmt.Sprint(p), "\n")
		*err = &CorruptError{File: b.file, Reason: reason}
	}
}

func (b *base) guarded(fn func() error) (err error) {
	defer b.guard(&err)
	return fn()
}

// begin opens a snapshot. Whoever reads from it has SetPanicOnFault.
func (b *base) begin() (rows baseRows, err error) {
	defer b.guard(&err)
	tx, err := b.db.Begin(false)
	if err != nil {
		return baseRows{}, fmt.Errorf("read the store: %w", err)
	}
	return baseRows{b, tx, tx.Bucket([]byte(rowsBucket))}, nil
}

// save writes rows, of which those without a value are deletions, and behind
// the last one the mark. With each limit in turn, of rows, a transaction ends:
// until the last one the rows must be had elsewhere too. None is one
// transaction. A nil mark removes the one there is.
func (b *base) save(rows *node, m *mark, limit int) error {
	c := rows.cursor(Range{}, Ascending)
	for more := true; more; {
		err := b.update(func(tx *bolt.Tx) (err error) {
			more, err = b.saveSome(tx, &c, limit)
			if err == nil && !more {
				err = saveMark(tx, m)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *base) saveSome(tx *bolt.Tx, c *cursor, limit int) (more bool, err error) {
	rows := tx.Bucket([]byte(rowsBucket))
	for i := 1; ; i++ {
		if i%64 == 0 {
			runtime.Gosched() // nobody waits for these rows, and somebody may for the log
		}
		n := c.next()
		switch {
		case n == nil:
			return false, nil
		case n.value == nil:
			err = rows.Delete(n.key)
		default:
			err = rows.Put(n.key, seal(n.key, n.value))
		}
		if err != nil || i == limit {
			return true, err
		}
	}
}

func saveMark(tx *bolt.Tx, m *mark) error {
	if m == nil {
		if err := tx.DeleteBucket([]byte(logBucket)); !errors.Is(err, bolterrors.ErrBucketNotFound) {
			return err
		}
		return nil
	}
	bucket, err := tx.CreateBucketIfNotExists([]byte(logBucket))
	if err != nil {
		return err
	}
	value := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.log), m.through)
	return bucket.Put(markKey, seal(markKey, value))
}

// update is one transaction that writes.
func (b *base) update(fn func(tx *bolt.Tx) error) error {
	if b.stuck {
		return &CorruptError{File: b.file, Reason: "an earlier write failed half-way"}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var tx *bolt.Tx
	if err := b.guarded(func() (err error) { tx, err = b.db.Begin(true); return err }); err != nil {
		return fmt.Errorf("begin a write: %w", err)
	}
	err := b.guarded(func() error { return fn(tx) })
	if err == nil {
		err = b.guarded(tx.Commit)
	}
	if err == nil {
		b.crossed()
		return nil
	}
	// bbolt has taken back a commit that failed by itself, not one it gave up.
	if undo := b.guarded(tx.Rollback); undo != nil && !errors.Is(undo, bolterrors.ErrTxClosed) {
		b.stuck = true
	}
	return err
}

func (b *base) close() error {
	if b.stuck {
		return nil // bbolt would wait for its own lock; the file ends with the process
	}
	return b.db.Close()
}

// baseRows reads one transaction's rows.
type baseRows struct {
	base *base
	tx   *bolt.Tx
	rows *bolt.Bucket
}

func (s baseRows) end() { _ = s.tx.Rollback() } // of a reading transaction: only ends it

func (s baseRows) Get(key []byte) (value []byte, err error) {
	defer s.base.guard(&err)
	if len(key) == 0 {
		return nil, nil
	}
	stored := s.rows.Get(key)
	if stored == nil {
		return nil, nil
	}
	return s.base.open(key, stored)
}

func (s baseRows) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	c := s.rows.Cursor()
	key, stored, err := s.first(c, r, d)
	for err == nil && key != nil && r.holds(key, d) {
		var value []byte
		if value, err = s.base.open(key, stored); err != nil {
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

func (s baseRows) first(c *bolt.Cursor, r Range, d Direction) (key, stored []byte, err error) {
	defer s.base.guard(&err)
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

func (s baseRows) step(c *bolt.Cursor, d Direction) (key, stored []byte, err error) {
	defer s.base.guard(&err)
	if d == Descending {
		key, stored = c.Prev()
	} else {
		key, stored = c.Next()
	}
	return key, stored, nil
}

// seal puts a value's checksum behind it.
func seal(key, value []byte) []byte {
	stored := make([]byte, 0, len(value)+checksumSize)
	stored = append(stored, value...)
	return binary.BigEndian.AppendUint32(stored, checksum(key, value))
}

// open checks a stored value and returns it without its checksum.
func (b *base) open(key, stored []byte) ([]byte, error) {
	n := len(stored) - checksumSize
	if n < 0 || binary.BigEndian.Uint32(stored[n:]) != checksum(key, stored[:n]) {
		return nil, &CorruptError{File: b.file, Reason: fmt.Sprintf("checksum of the row %x", key)}
	}
	return stored[:n:n], nil
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}
