package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// model is what a store should hold.
type model map[string]string

func (m model) scan(r Range, d Direction) (rows []string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k >= string(r.From) && (len(r.To) == 0 || k < string(r.To)) {
			rows = append(rows, k+"="+m[k])
		}
	}
	if d == Descending {
		slices.Reverse(rows)
	}
	return rows
}

// differs tells how a snapshot differs from what it should hold.
func (m model) differs(v Snapshot, ranges ...Range) error {
	for _, r := range append(ranges, Range{}) {
		for _, d := range []Direction{Ascending, Descending} {
			var rows []string
			err := v.Scan(r, d, func(key, value []byte) bool {
				rows = append(rows, string(key)+"="+string(value))
				return true
			})
			if want := m.scan(r, d); err != nil || !slices.Equal(rows, want) {
				return fmt.Errorf("scan of %q to %q, down %v: %q, want %q: %v", r.From, r.To, d, rows, want, err)
			}
		}
		if got, err := v.Get(r.From); err != nil || string(got) != m[string(r.From)] {
			return fmt.Errorf("%q is %q, want %q: %v", r.From, got, m[string(r.From)], err)
		}
	}
	return nil
}

// check compares a store with what it should hold.
func (m model) check(s *Store, ranges ...Range) error {
	return s.View(func(v Snapshot) error { return m.differs(v, ranges...) })
}

// reader is a view that is held.
type reader struct {
	asks chan []Range
	says chan error
}

func hold(s *Store, m model) reader {
	h := reader{make(chan []Range), make(chan error)}
	m = maps.Clone(m)
	began := make(chan struct{})
	go func() {
		h.says <- s.View(func(v Snapshot) error {
			close(began)
			for ranges := range h.asks {
				h.says <- m.differs(v, ranges...)
			}
			return nil
		})
	}()
	<-began
	return h
}

func (h reader) ask(ranges ...Range) error {
	h.asks <- ranges
	return <-h.says
}

func (h reader) release() error {
	close(h.asks)
	return <-h.says
}

// copied is the folder of a store as a kill at this moment leaves it.
func copied(file, to string) (string, error) {
	for _, name := range []string{file, segmentName(file, 0), segmentName(file, 1)} {
		from, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err = errors.Join(err, os.MkdirAll(to, 0o700)); err != nil {
			return "", err
		}
		next, err := os.Create(filepath.Join(to, filepath.Base(name)))
		if err != nil {
			return "", err
		}
		_, err = io.Copy(next, from)
		if err = errors.Join(err, next.Close(), from.Close()); err != nil {
			return "", err
		}
	}
	return filepath.Join(to, filepath.Base(file)), nil
}

// inMemory is a folder on no disk where there is such a place, for tests of what
// files hold and not of when; a flush costs nothing there.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "suiro-store-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Whatever is written, in whatever state log and base are, a view sees the rows
// of the commit before it, for as long as it runs, and an opened store those of
// the last one.
func TestViewsSeeOneCommitAcrossCheckpoints(t *testing.T) {
	dir := inMemory(t)
	var folders atomic.Int32
	rapid.Check(t, func(t *rapid.T) {
		folder := func() string { return filepath.Join(dir, fmt.Sprint(folders.Add(1))) }
		file := filepath.Join(folder(), "tables.db")
		s, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		m := model{}
		var held []reader
		release := func() {
			for _, h := range held {
				if err := h.release(); err != nil {
					t.Error(err)
				}
			}
			held = nil
		}
		defer func() {
			release()
			_ = s.Close()
		}()
		key := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 3), func(b []byte) string { return string(b) })
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			ranges := []Range{{[]byte(key.Draw(t, "from")), []byte(key.Draw(t, "to"))}}
			switch what := rapid.SampledFrom([]string{
				"commit", "commit", "commit", "commit", "commit", "commit", "large", "hold", "hold", "release", "checkpoint", "checkpoint", "open", "kill",
			}).Draw(t, "step"); what {
			case "commit", "large":
				next := maps.Clone(m)
				err := s.Commit(context.Background(), func(tx Tx) error {
					if what == "large" { // too large for the log
						next["large"] = strings.Repeat("x", maxRecord)
						if err := tx.Put([]byte("large"), []byte(next["large"])); err != nil {
							return err
						}
					} else if _, there := next["large"]; there {
						delete(next, "large") // scans of it take long
						if err := tx.Delete([]byte("large")); err != nil {
							return err
						}
					}
					for range rapid.IntRange(0, 5).Draw(t, "writes") {
						k := key.Draw(t, "key")
						v, err := tx.Get([]byte(key.Draw(t, "copied")))
						switch {
						case err != nil:
							return err
						case rapid.Bool().Draw(t, "delete"):
							err = tx.Delete([]byte(k))
							delete(next, k)
						case v != nil && len(v) < 100:
							// A value that a view gave, which may lie in the file's pages.
							err = tx.Put([]byte(k), v)
							next[k] = string(v)
						default:
							next[k] = fmt.Sprint(len(next))
							err = tx.Put([]byte(k), []byte(next[k]))
						}
						if err != nil {
							return err
						}
					}
					return next.differs(tx, ranges...)
				})
				if err != nil {
					t.Fatal(err)
				}
				m = next
			case "hold":
				held = append(held, hold(s, m))
			case "release":
				release()
			case "checkpoint":
				s.engine.(*disk).keep()
			case "open":
				release()
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(segmentName(file, 0)); err == nil {
					t.Fatal("a closed store has a log")
				}
				if s, err = Open(file); err != nil {
					t.Fatal(err)
				}
			case "kill":
				release()
				next, err := copied(file, folder())
				if err = errors.Join(err, s.Close()); err != nil {
					t.Fatal(err)
				}
				file = next
				if s, err = Open(file); err != nil {
					t.Fatal(err)
				}
			}
			for _, h := range held {
				if err := h.ask(ranges...); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.check(s, ranges...); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The tree over the base keeps the rows that came while a checkpoint was made.
func TestTreeKeepsLaterRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{seed: maphash.MakeSeed()}
		var tree *node
		numbers := map[string]uint64{}
		for number := range rapid.Uint64Range(1, 40).Draw(t, "commits") {
			key := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 1, 3, -1).Draw(t, "key")
			numbers[key] = number
			r := makeRecord([]change{{[]byte(key), []byte{1}}})
			tree, _ = d.over(tree, recordRows(r), number)
		}
		through := rapid.Uint64Range(0, 41).Draw(t, "through")
		maps.DeleteFunc(numbers, func(_ string, number uint64) bool { return number <= through })
		c := tree.since(through).cursor(Range{}, Ascending)
		var last []byte
		for n := c.next(); n != nil; n = c.next() {
			if numbers[string(n.key)] != n.number || bytes.Compare(n.key, last) <= 0 {
				t.Fatalf("%q of commit %d behind %q", n.key, n.number, last)
			}
			last = n.key
			delete(numbers, string(n.key))
		}
		if len(numbers) > 0 {
			t.Fatalf("lost %v", numbers)
		}
	})
}
