// Package storetest holds what every store must do, on disk and in memory.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/suiro-dev/suiro/internal/store"
)

// Run checks the contract of stores that open makes, each one empty.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s *store.Store)
	}{
		{"a row is read back", readBack},
		{"an empty value is not an absent one", emptyValue},
		{"a scan is ordered in both directions and bounded", scanOrder},
		{"a failed write undoes its own rows only", failedWrite},
		{"a panic fails its own write only", panickingWrite},
		{"a write sees its own rows and earlier ones", ownWrites},
		{"a view does not change under its reader", stableView},
		{"a view sees all of a commit or nothing", atomicCommit},
		{"concurrent increments are all counted", concurrentIncrements},
		{"a write whose context ended does not run", endedContext},
		{"keys have a size", keySizes},
		{"everything is refused after close", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			c.test(t, s)
		})
	}
}

// Put commits key, value pairs.
func Put(t testing.TB, s *store.Store, pairs ...string) {
	t.Helper()
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			if err := tx.Put([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// Rows lists what a scan yields as "key=value".
func Rows(t testing.TB, s store.Snapshot, r store.Range, d store.Direction) []string {
	t.Helper()
	rows := []string{}
	err := s.Scan(r, d, func(key, value []byte) bool {
		rows = append(rows, string(key)+"="+string(value))
		return true
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return rows
}

func all(t testing.TB, s *store.Store) (rows []string) {
	t.Helper()
	if err := s.View(func(v store.Snapshot) error {
		rows = Rows(t, v, store.Range{}, store.Ascending)
		return nil
	}); err != nil {
		t.Fatalf("View: %v", err)
	}
	return rows
}

func want(t testing.TB, got []string, rows ...string) {
	t.Helper()
	if !slices.Equal(got, rows) {
		t.Errorf("rows are %q, want %q", got, rows)
	}
}

func readBack(t *testing.T, s *store.Store) {
	Put(t, s, "a", "1", "b", "2")
	Put(t, s, "a", "3")
	want(t, all(t, s), "a=3", "b=2")
	_ = s.View(func(v store.Snapshot) error {
		for key, value := range map[string]string{"a": "3", "b": "2", "c": "", "": ""} {
			if got, err := v.Get([]byte(key)); err != nil || string(got) != value {
				t.Errorf("Get(%q) = %q, %v", key, got, err)
			}
		}
		return nil
	})
}

func emptyValue(t *testing.T, s *store.Store) {
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		return errors.Join(tx.Put([]byte("nil"), nil), tx.Put([]byte("empty"), []byte{}))
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.View(func(v store.Snapshot) error {
		for key, present := range map[string]bool{"nil": true, "empty": true, "absent": false} {
			if got, err := v.Get([]byte(key)); err != nil || (got != nil) != present {
				t.Errorf("Get(%q) = %v, %v", key, got, err)
			}
		}
		return nil
	})
}

func scanOrder(t *testing.T, s *store.Store) {
	Put(t, s, "b/2", "", "a", "", "b/1", "", "c", "", "b", "", "b/\xff", "")
	err := s.View(func(v store.Snapshot) error {
		b := store.Prefix([]byte("b/"))
		want(t, Rows(t, v, b, store.Ascending), "b/1=", "b/2=", "b/\xff=")
		want(t, Rows(t, v, b, store.Descending), "b/\xff=", "b/2=", "b/1=")
		want(t, Rows(t, v, store.Range{From: []byte("b/1\x00")}, store.Ascending), "b/2=", "b/\xff=", "c=")
		want(t, Rows(t, v, store.Range{To: []byte("b/1")}, store.Descending), "b=", "a=")
		want(t, Rows(t, v, store.Range{}, store.Descending), "c=", "b/\xff=", "b/2=", "b/1=", "b=", "a=")
		want(t, Rows(t, v, store.Range{From: []byte("x"), To: []byte("b")}, store.Ascending))
		want(t, Rows(t, v, store.Range{To: []byte("z")}, store.Descending), "c=", "b/\xff=", "b/2=", "b/1=", "b=", "a=")
		n := 0
		_ = v.Scan(store.Range{}, store.Ascending, func(_, _ []byte) bool { n++; return n < 2 })
		if n != 2 {
			t.Errorf("a stopped scan visited %d rows, want 2", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func failedWrite(t *testing.T, s *store.Store) {
	Put(t, s, "keep", "1")
	refusal := errors.New("no")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := s.Commit(context.Background(), func(tx store.Tx) error {
				_ = tx.Put(fmt.Appendf(nil, "row-%02d", i), nil)
				_ = tx.Delete([]byte("keep"))
				if i%2 == 1 {
					return refusal
				}
				return tx.Put([]byte("keep"), []byte("1"))
			})
			if (i%2 == 1) != errors.Is(err, refusal) {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	rows := []string{"keep=1"}
	for i := 0; i < 20; i += 2 {
		rows = append(rows, fmt.Sprintf("row-%02d=", i))
	}
	want(t, all(t, s), rows...)
}

func panickingWrite(t *testing.T, s *store.Store) {
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		_ = tx.Put([]byte("a"), nil)
		panic("at the disco")
	})
	if err == nil {
		t.Error("a panic was answered with success")
	}
	Put(t, s, "b", "")
	want(t, all(t, s), "b=")
}

func ownWrites(t *testing.T, s *store.Store) {
	Put(t, s, "a", "1", "c", "1", "e", "1")
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		_ = tx.Put([]byte("b"), []byte("2"))
		_ = tx.Put([]byte("c"), []byte("2"))
		_ = tx.Delete([]byte("e"))
		_ = tx.Put([]byte("f"), []byte("2"))
		if v, _ := tx.Get([]byte("c")); string(v) != "2" {
			t.Errorf("own write reads %q", v)
		}
		if v, _ := tx.Get([]byte("e")); v != nil {
			t.Errorf("own deletion reads %q", v)
		}
		want(t, Rows(t, tx, store.Range{}, store.Ascending), "a=1", "b=2", "c=2", "f=2")
		want(t, Rows(t, tx, store.Range{}, store.Descending), "f=2", "c=2", "b=2", "a=1")
		want(t, Rows(t, tx, store.Range{From: []byte("b"), To: []byte("c")}, store.Ascending), "b=2")
		// Writing while scanning neither shows up in the scan nor disturbs it.
		seen := []string{}
		_ = tx.Scan(store.Range{}, store.Ascending, func(key, _ []byte) bool {
			seen = append(seen, string(key))
			_ = tx.Put(append([]byte("z"), key...), nil)
			return true
		})
		want(t, seen, "a", "b", "c", "f")
		for _, key := range []string{"za", "zb", "zc", "zf"} {
			_ = tx.Delete([]byte(key))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, all(t, s), "a=1", "b=2", "c=2", "f=2")
}

func stableView(t *testing.T, s *store.Store) {
	Put(t, s, "a", "1")
	inside, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		<-inside
		Put(t, s, "a", "2", "b", "2")
	}()
	_ = s.View(func(v store.Snapshot) error {
		close(inside)
		<-done
		want(t, Rows(t, v, store.Range{}, store.Ascending), "a=1")
		return nil
	})
	want(t, all(t, s), "a=2", "b=2")
}

func atomicCommit(t *testing.T, s *store.Store) {
	Put(t, s, "left", "0", "right", "0")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 20 {
				n := fmt.Sprint(i)
				Put(t, s, "left", n, "right", n)
			}
		})
		wg.Go(func() {
			for range 50 {
				_ = s.View(func(v store.Snapshot) error {
					left, _ := v.Get([]byte("left"))
					right, _ := v.Get([]byte("right"))
					if string(left) != string(right) {
						t.Errorf("a view saw half a commit: %s and %s", left, right)
					}
					return nil
				})
			}
		})
	}
	wg.Wait()
}

func concurrentIncrements(t *testing.T, s *store.Store) {
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 10 {
				err := s.Commit(context.Background(), func(tx store.Tx) error {
					v, err := tx.Get([]byte("n"))
					if err != nil {
						return err
					}
					return tx.Put([]byte("n"), append(append([]byte(nil), v...), '|'))
				})
				if err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	_ = s.View(func(v store.Snapshot) error {
		if n, _ := v.Get([]byte("n")); len(n) != 160 {
			t.Errorf("counted %d, want 160", len(n))
		}
		return nil
	})
}

func endedContext(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Commit(ctx, func(store.Tx) error {
		t.Error("a write ran although its context had ended")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	// One that ends while the committer is busy with another write.
	busy, release, finished := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		_ = s.Commit(context.Background(), func(store.Tx) error {
			close(busy)
			<-release
			return nil
		})
	}()
	<-busy
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		cancel()
	}()
	err = s.Commit(ctx, func(store.Tx) error {
		t.Error("a write ran after its caller had left")
		return nil
	})
	close(release)
	<-finished
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	Put(t, s, "after", "")
}

func keySizes(t *testing.T, s *store.Store) {
	for size, ok := range map[int]bool{0: false, 1: true, 32768: true, 32769: false} {
		err := s.Commit(context.Background(), func(tx store.Tx) error { return tx.Put(make([]byte, size), nil) })
		if (err == nil) != ok {
			t.Errorf("key of %d bytes: %v", size, err)
		}
	}
}

func closed(t *testing.T, s *store.Store) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(context.Background(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if err := s.View(func(store.Snapshot) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("View: %v", err)
	}
}
