package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

func openT(t *testing.T, file string) (*Store, *disk) {
	t.Helper()
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.engine.(*disk)
}

// put writes rows and notes in the model what was acknowledged.
func (m model) put(s *Store, pairs ...string) error {
	err := s.Commit(context.Background(), func(tx Tx) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := tx.Put([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return err
}

func (m model) mustPut(t *testing.T, s *Store, pairs ...string) {
	t.Helper()
	if err := m.put(s, pairs...); err != nil {
		t.Fatal(err)
	}
}

// A kill between any two steps loses nothing that was acknowledged, and shows
// nothing else but the commit that was under way.
func TestKillBetweenAnyTwoSteps(t *testing.T) {
	dir := inMemory(t)
	file := filepath.Join(dir, "tables.db")
	s, d := openT(t, file)
	m, pending := model{}, model{}
	kills := 0
	kill := func() {
		killed, err := copied(file, filepath.Join(dir, fmt.Sprint("killed-", kills)))
		if err != nil {
			t.Fatal(err)
		}
		kills++
		again, err := Open(killed)
		if err != nil {
			t.Fatalf("after kill %d: %v", kills, err)
		}
		if before := m.check(again); before != nil && pending.check(again) != nil {
			t.Errorf("after kill %d: %.300v", kills, before)
		}
		// And it goes on from there.
		after := model{}
		if err := again.View(func(v Snapshot) error {
			return v.Scan(Range{}, Ascending, func(key, value []byte) bool { after[string(key)] = string(value); return true })
		}); err != nil {
			t.Fatal(err)
		}
		after.mustPut(t, again, "after", fmt.Sprint(kills))
		again.engine.(*disk).keep()
		after.mustPut(t, again, "after", "checkpoint")
		if err := after.check(again); err != nil {
			t.Errorf("%.300v", err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	write := func(pairs ...string) {
		t.Helper()
		pending = maps.Clone(m)
		for i := 0; i < len(pairs); i += 2 {
			pending[pairs[i]] = pairs[i+1]
		}
		m.mustPut(t, s, pairs...)
		kill()
	}
	d.base.crossed = kill
	write("a", "1", "b", "1") // begins the log
	var many []string
	for i := range checkpointStep + 10 {
		many = append(many, fmt.Sprintf("row-%06d", i), "x")
	}
	write(many...)
	write("a", "2")
	d.keep()
	write("b", "2", "a", "3")
	write("large", strings.Repeat("x", maxRecord))
	write("a", "4")
	pending = m
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kill()
	if kills < 11 {
		t.Errorf("only %d kills", kills)
	}
}

// faulty is a segment on a disk that fails.
type faulty struct {
	logFile
	mu     sync.Mutex
	writes error // of all writes, of which half of the bytes arrive
	flush  []error
}

func (f *faulty) WriteAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writes == nil {
		return f.logFile.WriteAt(b, at)
	}
	n, err := f.logFile.WriteAt(b[:len(b)/2], at)
	return n, errors.Join(f.writes, err)
}

func (f *faulty) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.flush) == 0 {
		return f.logFile.Flush()
	}
	err := f.flush[0]
	f.flush = f.flush[1:]
	return errors.Join(err, f.logFile.Flush())
}

// set has both segments of a store fail.
func set(d *disk, writes error, flushes ...error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	for i := range d.log.segments {
		s := &d.log.segments[i]
		if f, ok := s.file.(*faulty); ok {
			s.file = f.logFile
		}
		s.file = &faulty{logFile: s.file, writes: writes, flush: flushes}
	}
}

// A log that cannot be written to is cut back, and the rows go to the base; when
// that fails too the writer is told, and neither this process nor the next one
// shows what it wrote.
func TestFailingLog(t *testing.T) {
	full := errors.New("no space left on device")
	for name, c := range map[string]struct {
		writes  error
		flushes []error
		base    bool // it fails too
	}{
		"a write fails":                       {writes: full},
		"a flush fails":                       {flushes: []error{full}},
		"nor can it be cut":                   {flushes: []error{full, full}},
		"a write fails, and the base":         {writes: full, base: true},
		"a flush fails, and the base":         {flushes: []error{full}, base: true},
		"nothing can be written to any place": {flushes: []error{full, full, full, full}, base: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "tables.db")
			s, d := openT(t, file)
			defer func() { _ = s.Close() }()
			m := model{}
			m.mustPut(t, s, "a", "1")
			m.mustPut(t, s, "a", "2", "b", "2")
			set(d, c.writes, c.flushes...)
			stuck := c.base
			d.base.stuck = stuck // as when bbolt has given up
			err := m.put(s, "a", "3", "c", "3")
			if c.base != (err != nil) || err != nil && !errors.Is(err, full) {
				t.Fatalf("error is %v", err)
			}
			if err := m.check(s); err != nil {
				t.Error(err)
			}
			if err != nil && c.writes == nil && len(c.flushes) > 1 {
				// A record that could not be cut: nothing is taken until the base has
				// all before it.
				if err := m.put(s, "d", "4"); err == nil {
					t.Error("acknowledged behind a record that may be there")
				}
			}
			if len(c.flushes) < 3 || !c.base {
				killed, err := copied(file, filepath.Join(dir, "killed"))
				if err != nil {
					t.Fatal(err)
				}
				again, _ := openT(t, killed)
				if err := m.check(again); err != nil {
					t.Errorf("after a kill: %v", err)
				}
				_ = again.Close()
			}
			set(d, nil)
			d.base.stuck = false
			for i := range 3 {
				m.mustPut(t, s, "a", fmt.Sprint("later ", i))
			}
			killed, err := copied(file, filepath.Join(dir, "killed later"))
			if err != nil {
				t.Fatal(err)
			}
			again, _ := openT(t, killed)
			defer func() { _ = again.Close() }()
			if err := errors.Join(m.check(s), m.check(again)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A checkpoint that fails leaves everything in the log; the next one takes all.
func TestFailingCheckpoint(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tables.db")
	s, d := openT(t, file)
	m := model{}
	for i := range 3 {
		m.mustPut(t, s, "a", fmt.Sprint(i), fmt.Sprint("b", i), "x")
	}
	d.base.stuck = true
	for i := range 3 {
		if !d.keep() {
			t.Error("nothing is left to be written")
		}
		m.mustPut(t, s, "a", fmt.Sprint("more ", i), fmt.Sprint("c", i), "x")
		killed, err := copied(file, filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		again, _ := openT(t, killed)
		if err := errors.Join(m.check(s), m.check(again), again.Close()); err != nil {
			t.Error(err)
		}
	}
	d.base.stuck = false
	if d.keep() || d.log.used() != 0 && d.log.segments[1-d.log.active].end != 0 {
		t.Error("rows are left, or both segments are in use")
	}
	if err := errors.Join(m.check(s), s.Close()); err != nil {
		t.Error(err)
	}
}

// The log and what is in memory are bounded, however much is written.
func TestLogIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.db")
	s, d := openT(t, file)
	m := model{}
	value := strings.Repeat("x", 200<<10)
	for i := range 120 {
		m.mustPut(t, s, fmt.Sprint("row ", i%40), value)
	}
	for i := range 2 {
		if info, err := os.Stat(segmentName(file, i)); err != nil || info.Size() > segmentSize {
			t.Errorf("segment %d: %v, %v", i, info, err)
		}
	}
	// Without a keeper that makes checkpoints in time, writers make them.
	d.checkpoints.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 60 {
			m.mustPut(t, s, fmt.Sprint("row ", i), value)
		}
	}()
	for full := false; !full; runtime.Gosched() {
		d.writing.Lock()
		full = !d.log.takes(make([]byte, 210<<10))
		d.writing.Unlock()
	}
	d.checkpoints.Unlock()
	<-done
	if err := errors.Join(m.check(s), s.Close(), gone(segmentName(file, 0))); err != nil {
		t.Errorf("%.300v", err)
	}
}

func gone(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there: %v", file, err)
	}
	return nil
}

// Rows do not stay in memory alone when nobody writes, nor when somebody
// always does.
func TestCheckpointWhenIdleAndWhenOld(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.db")
	synctest.Test(t, func(t *testing.T) {
		s, d := openT(t, file)
		empty := func() bool {
			synctest.Wait()
			d.writing.Lock()
			defer d.writing.Unlock()
			return d.rows == nil
		}
		m := model{}
		m.mustPut(t, s, "a", "1")
		m.mustPut(t, s, "a", "2")
		if empty() {
			t.Error("the second commit did not go to the log")
		}
		time.Sleep(2 * checkpointIdle)
		if !empty() {
			t.Error("no checkpoint was made when idle")
		}
		for range checkpointAge/time.Second - 1 {
			m.mustPut(t, s, "a", "again")
			if empty() {
				t.Fatal("a checkpoint was made in the midst of writes")
			}
			time.Sleep(time.Second)
		}
		made := false
		for range 2 * checkpointIdle / time.Second {
			time.Sleep(time.Second)
			made = made || empty()
			m.mustPut(t, s, "a", "again")
		}
		if !made {
			t.Error("no checkpoint was made for a minute")
		}
		if err := errors.Join(m.check(s), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// A log whose base was closed is deleted, and one that the base wants and that
// is not there is told.
func TestLogWithoutBaseAndBaseWithoutLog(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tables.db")
	s, _ := openT(t, file)
	m := model{}
	m.mustPut(t, s, "a", "1")
	m.mustPut(t, s, "a", "2")
	killed, err := copied(file, filepath.Join(dir, "killed"))
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := os.Rename(segmentName(killed, i), segmentName(file, i)); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = openT(t, file)
	if err := errors.Join(m.check(s), gone(segmentName(file, 0)), gone(segmentName(file, 1)), s.Close()); err != nil {
		t.Error(err)
	}
	damage := (*CorruptError)(nil)
	if _, err := Open(killed); !errors.As(err, &damage) || !strings.Contains(err.Error(), segmentName(killed, 0)) {
		t.Errorf("error is %v", err)
	}
}

// A base that is written anew, as one that is nearly all free pages is, goes on
// with its log.
func TestSmallerBaseKeepsItsLog(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tables.db")
	s, _ := openT(t, file)
	m := model{}
	m.mustPut(t, s, "a", "1")
	m.mustPut(t, s, "a", "2", "b", "2")
	killed, err := copied(file, filepath.Join(dir, "killed"))
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	source, err := bolt.Open(killed, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := bolt.Open(killed+".compact", 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = bolt.Compact(target, source, compactTx)
	if err = errors.Join(err, source.Close(), target.Close(), os.Rename(killed+".compact", killed)); err != nil {
		t.Fatal(err)
	}
	s, _ = openT(t, killed)
	if err := errors.Join(m.check(s), s.Close()); err != nil {
		t.Error(err)
	}
}
