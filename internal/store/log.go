package store

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

const (
	// segmentSize bounds one of the log's two files.
	segmentSize = 8 << 20
	// segmentStep is by how much a segment grows: it is filled with zeros, so
	// that what a record overwrites has its place on the disk and a flush has
	// nothing but the record to write. Later rounds find the file as it is.
	segmentStep = 256 << 10
	// maxRecord is the longest record; what is larger goes to the base at once,
	// rather than to be written twice.
	maxRecord = 1 << 20
)

// log is a pair of files, of which one takes the records of new commits while
// those in the other one are brought to the base.
type log struct {
	id       uint64
	segments [2]segment
	active   int
	number   uint64 // the last one that was tried
	previous uint64 // the last one that is acknowledged
	// doubtful is the number of a record that may be found by the next Open
	// although its commit has failed; 0 for none. Nothing is appended until it
	// is behind the base's mark.
	doubtful uint64
}

type segment struct {
	file   logFile
	size   int64  // how much of the file is allocated
	end    int64  // where the next record goes; 0 when none is needed any more
	newest uint64 // number of the last record
}

// logFile is a segment's file.
type logFile interface {
	io.WriterAt
	io.Closer
	// Flush returns when what was written is on the disk.
	Flush() error
}

// segmentFile is a logFile on a disk.
type segmentFile struct{ *os.File }

func (f segmentFile) Flush() error { return flush(f.File) }

func segmentName(base string, i int) string { return base + ".log" + strconv.Itoa(i) }

// beginLog makes the empty files of a new log.
func beginLog(base string) (*log, error) {
	l := &log{id: rand.Uint64()}
	for i := range l.segments {
		f, err := os.OpenFile(segmentName(base, i), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("begin the log of the store: %w", err), l.close())
		}
		l.segments[i].file = segmentFile{f}
	}
	if err := syncFolder(filepath.Dir(base)); err != nil {
		return nil, errors.Join(fmt.Errorf("begin the log of the store: %w", err), l.close())
	}
	return l, nil
}

// openLog reads the log that a mark names and calls visit with the records that
// the base does not have, in order.
func openLog(base string, m mark, visit func(record) error) (_ *log, err error) {
	l := &log{id: m.log, number: m.through, previous: m.through}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	var found [2][]record
	for i := range l.segments {
		if found[i], err = l.open(i, base, m.through); err != nil {
			return nil, err
		}
	}
	first, second := 0, 1
	if a, b := l.segments[0], l.segments[1]; a.end > 0 && b.end > 0 && a.newest > b.newest {
		first, second = 1, 0
	}
	for _, i := range []int{first, second} {
		s := &l.segments[i]
		if s.end > 0 {
			l.active = i
		}
		for _, r := range found[i] {
			if r.number <= m.through {
				continue
			}
			if r.previous > l.previous {
				return nil, &CorruptError{File: segmentName(base, i), Reason: fmt.Sprintf("commit %d follows %d, and the last one found is %d", r.number, r.previous, l.previous)}
			}
			if err := visit(r); err != nil {
				return nil, &CorruptError{File: segmentName(base, i), Reason: err.Error()}
			}
			l.number, l.previous = r.number, r.number
		}
		// What a killed process wrote may not be on the disk; from now on it is
		// served, so it must be.
		if s.end > 0 {
			if err := s.file.Flush(); err != nil {
				return nil, fmt.Errorf("flush the log of the store: %w", err)
			}
		}
	}
	return l, nil
}

// open reads a segment.
func (l *log) open(i int, base string, through uint64) ([]record, error) {
	name := segmentName(base, i)
	f, err := os.OpenFile(name, os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &CorruptError{File: name, Reason: "it is missing, and the store was not closed"}
	} else if err != nil {
		return nil, fmt.Errorf("open the log of the store: %w", err)
	}
	s := &l.segments[i]
	s.file = segmentFile{f}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the log of the store: %w", err)
	}
	content := make([]byte, min(info.Size(), segmentSize))
	if _, err := f.ReadAt(content, 0); err != nil {
		return nil, fmt.Errorf("read the log of the store: %w", err)
	}
	records, end, err := readSegment(content, l.id, through)
	if err != nil {
		return nil, &CorruptError{File: name, Reason: err.Error()}
	}
	s.size = int64(len(content))
	if n := len(records); n > 0 && records[n-1].number > through {
		s.end, s.newest = int64(end), records[n-1].number
	}
	return records, nil
}

// takes tells whether a record may be appended.
func (l *log) takes(b []byte) bool {
	return l.doubtful == 0 && len(b) <= maxRecord && l.segments[l.active].end+int64(len(b)) <= segmentSize
}

// append gives a record the next number and returns when it is on the disk.
// When it fails the record is gone, or nothing is taken any more.
func (l *log) append(b []byte) error {
	s := &l.segments[l.active]
	l.number++
	number(b, l.id, l.number, l.previous)
	if err := s.grow(s.end + int64(len(b))); err != nil {
		return fmt.Errorf("make room in the log of the store: %w", err)
	}
	_, err := s.file.WriteAt(b, s.end)
	if err == nil {
		err = s.file.Flush()
	}
	if err != nil {
		if cut := s.cut(); cut != nil {
			l.doubtful, s.newest = l.number, l.number
		}
		return fmt.Errorf("write to the log of the store: %w", err)
	}
	s.end += int64(len(b))
	s.newest, l.previous = l.number, l.number
	return nil
}

func (s *segment) grow(size int64) error {
	for s.size < size {
		n := segmentStep - s.size%segmentStep
		if _, err := s.file.WriteAt(make([]byte, n), s.size); err != nil {
			return err
		}
		s.size += n
	}
	return nil
}

// cut ends the segment at its last good record.
func (s *segment) cut() error {
	if _, err := s.file.WriteAt(make([]byte, recordHeader), s.end); err != nil {
		return err
	}
	return s.file.Flush()
}

// turn has new records written to the other segment, unless its own are still
// needed.
func (l *log) turn() {
	if other := 1 - l.active; l.segments[other].end == 0 {
		l.active = other
	}
}

// release tells that the base has all commits up to a number.
func (l *log) release(through uint64) {
	for i := range l.segments {
		if s := &l.segments[i]; s.newest <= through {
			s.end = 0
		}
	}
	if l.doubtful <= through {
		l.doubtful = 0
	}
	l.previous = max(l.previous, through)
}

// used is how many bytes of the active segment are.
func (l *log) used() int64 { return l.segments[l.active].end }

func (l *log) close() error {
	var all error
	for i := range l.segments {
		if f := l.segments[i].file; f != nil {
			all = errors.Join(all, f.Close())
		}
	}
	return all
}

// removeLog deletes the files of a log that the base no longer names.
func removeLog(base string) error {
	return errors.Join(removeIfThere(segmentName(base, 0)), removeIfThere(segmentName(base, 1)))
}
