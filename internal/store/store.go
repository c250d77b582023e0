// Package store keeps ordered keys on disk: the one place that remembers what
// an app has stored, and the only owner of the bbolt library.
//
// Reads come from snapshots: a [Store.View] sees the rows of one commit and
// nothing of later ones, however long it runs. Writes are functions handed to
// [Store.Commit], which take turns: whoever has the turn runs all functions that
// wait inside one transaction, and answers them after that transaction is on the
// disk. Sixty-four writers thus share one flush, one that is alone waits for
// nobody, and a function that fails undoes its own writes only.
//
// A transaction is one record of a log (record.go, log.go), which is flushed
// once. Its rows stay in memory, over those of a bbolt file (disk.go, tree.go),
// until a checkpoint brings them there and the log begins anew: when there are
// many, when nobody writes, and at Close, which leaves no log. Open reads what
// the file does not have yet. A transaction that the log cannot take, because
// it is large or the disk is full, goes to the file at once.
//
// Every record and every value carries a checksum. A write that was interrupted
// is as if it had not begun; a file whose bytes have changed behind Suiro's back
// is refused with [CorruptError], never served. The last record of a log is the
// one case where damage and interruption look alike.
package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
)

// ErrClosed is the answer to every call after Close.
var ErrClosed = errors.New("store is closed")

// InUseError tells that another process has the store's file open.
type InUseError struct {
	File string
}

// Error names the folder, because that is what a user knows and can choose.
func (e *InUseError) Error() string {
	return fmt.Sprintf("folder %s is in use by another running Suiro", filepath.Dir(e.File))
}

// CorruptError tells that the store's file does not hold what was written.
type CorruptError struct {
	File   string
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("file %s is damaged: %s", e.File, e.Reason)
}

// Range holds the keys from From up to, but not including, To. An empty From
// begins at the first key, an empty To ends after the last one.
type Range struct {
	From, To []byte
}

// Prefix is the range of all keys that begin with p.
func Prefix(p []byte) Range { return Range{From: p, To: After(p)} }

// After is the first key behind all keys that begin with p; empty when there
// is none, which as the end of a Range means the end of all keys.
func After(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			end := append([]byte(nil), p[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// Direction is the order of a scan.
type Direction bool

const (
	Ascending  Direction = false
	Descending Direction = true
)

// Snapshot reads rows as one commit left them. Keys and values it hands out
// are valid until the function that got the Snapshot returns, and must not be
// changed.
type Snapshot interface {
	// Get returns the value under key, nil when there is none.
	Get(key []byte) ([]byte, error)
	// Scan calls visit for each row in r in order until it returns false.
	Scan(r Range, d Direction, visit func(key, value []byte) bool) error
}

// Tx is a Snapshot that can be changed. It sees the writes of every function
// that ran before it and its own; a Scan sees those made before it began.
type Tx interface {
	Snapshot
	// Put sets a row. The store keeps both slices: the caller must not change
	// them afterwards. Keys are 1 to 32,768 bytes long.
	Put(key, value []byte) error
	// Delete removes a row; one that is not there is no error.
	Delete(key []byte) error
}

// engine is where rows live: a file, or memory for tests.
type engine interface {
	view(fn func(Snapshot) error) error
	begin() (batch, error)
	close() error
}

// batch is the one transaction an engine has open for writing: the rows before
// it, until it is committed or rolled back.
type batch interface {
	Snapshot
	// commit makes all writes, which are in order, or none.
	commit(writes []change) error
	rollback()
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	engine    engine
	committer *committer

	mu     sync.RWMutex // held for reading while a View runs
	closed bool
}

// Open opens the file at path, making it and its folder when they do not
// exist. It fails with *InUseError while another process has it open, and
// with *CorruptError when the file is not what a Store wrote.
func Open(path string) (*Store, error) {
	e, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	return start(e), nil
}

// OpenMemory makes a store without a file, which forgets everything at Close.
func OpenMemory() *Store { return start(newMemory()) }

func start(e engine) *Store { return &Store{engine: e, committer: newCommitter(e)} }

// View calls fn with the rows as they are now. fn must call neither Commit nor
// View: a growing file and Close both wait for the views that run.
func (s *Store) View(fn func(Snapshot) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return s.engine.view(fn)
}

// Close waits for the writes already queued and for running views, then
// releases the file.
func (s *Store) Close() error {
	s.committer.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.engine.close()
}
