package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/suiro-dev/suiro/internal/store"
	"github.com/suiro-dev/suiro/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if task := os.Getenv("STORE_TEST_CHILD"); task != "" {
		child(task)
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, file string) *store.Store {
	t.Helper()
	s, err := store.Open(file)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func shut(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func TestContractOnDisk(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, filepath.Join(t.TempDir(), "new", "tables.db")) })
}

func TestContractInMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) *store.Store { return store.OpenMemory() })
}

func TestRowsSurviveReopening(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.db")
	s := open(t, file)
	storetest.Put(t, s, "a", "1", "b", "2")
	shut(t, s)
	s = open(t, file)
	defer shut(t, s)
	_ = s.View(func(v store.Snapshot) error {
		if rows := storetest.Rows(t, v, store.Range{}, store.Ascending); !slices.Equal(rows, []string{"a=1", "b=2"}) {
			t.Errorf("rows are %q", rows)
		}
		return nil
	})
}

func TestSecondOpenerIsToldTheFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "tables.db"))
	defer shut(t, s)
	_, err := store.Open(filepath.Join(dir, "tables.db"))
	var inUse *store.InUseError
	if !errors.As(err, &inUse) || !strings.Contains(err.Error(), dir+" is in use") {
		t.Errorf("second Open: %v", err)
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	write := func(t *testing.T) (file string, content []byte) {
		file = filepath.Join(t.TempDir(), "tables.db")
		s := open(t, file)
		for i := range 200 {
			storetest.Put(t, s, fmt.Sprintf("row-%03d", i), strings.Repeat("value ", 100))
		}
		shut(t, s)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return file, content
	}
	page := os.Getpagesize()
	for name, damage := range map[string]func(b []byte) []byte{
		"not a store":     func([]byte) []byte { return []byte(strings.Repeat("hello ", 5000)) },
		"both roots lost": func(b []byte) []byte { clear(b[:2*page]); return b },
		"cut short":       func(b []byte) []byte { return b[:4*page] },
		"a value changed": func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "value", "velue")) },
		"pages zeroed":    func(b []byte) []byte { clear(b[2*page:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			file, content := write(t)
			if err := os.WriteFile(file, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(file)
			if err == nil {
				err = s.View(func(v store.Snapshot) error {
					return v.Scan(store.Range{}, store.Ascending, func(_, value []byte) bool {
						if !strings.HasPrefix(string(value), "value value") {
							t.Errorf("a damaged row was served: %.20q", value)
						}
						return true
					})
				})
				_ = s.Close()
			}
			var damaged *store.CorruptError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), file) {
				t.Errorf("error is %v, want one that names %s", err, file)
			}
		})
	}
}

func TestFileOfAnotherFormatIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.db")
	shut(t, open(t, file))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(content), "rows-2", "rows-9")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(file); err == nil || !strings.Contains(err.Error(), "another version of Suiro") {
		t.Errorf("error is %v", err)
	}
}

// Random operations give the same rows and the same answers on disk and in
// memory.
func TestDiskAndMemoryAgree(t *testing.T) {
	dir := t.TempDir()
	var files atomic.Int32
	rapid.Check(t, func(t *rapid.T) {
		disk, err := store.Open(filepath.Join(dir, fmt.Sprintf("%d.db", files.Add(1))))
		if err != nil {
			t.Fatal(err)
		}
		twins := []*store.Store{disk, store.OpenMemory()}
		defer func() {
			for _, s := range twins {
				_ = s.Close()
			}
		}()
		key := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 3)
		for range rapid.IntRange(1, 8).Draw(t, "commits") {
			script := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
				return step{
					op:   rapid.SampledFrom([]string{"put", "put", "put", "delete", "get", "scan", "fail"}).Draw(t, "op"),
					key:  key.Draw(t, "key"),
					to:   key.Draw(t, "to"),
					down: rapid.Bool().Draw(t, "down"),
				}
			}), 0, 12).Draw(t, "script")
			if a, b := perform(twins[0], script), perform(twins[1], script); a != b {
				t.Fatalf("disk and memory differ:\n%s\n%s", a, b)
			}
		}
	})
}

type step struct {
	op      string
	key, to []byte
	down    bool
}

func perform(s *store.Store, script []step) string {
	var log strings.Builder
	scan := func(v store.Snapshot, r store.Range, d store.Direction) {
		err := v.Scan(r, d, func(k, v []byte) bool {
			fmt.Fprintf(&log, " %x=%x", k, v)
			return true
		})
		fmt.Fprintln(&log, err)
	}
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		for i, step := range script {
			switch step.op {
			case "put":
				fmt.Fprintln(&log, tx.Put(step.key, []byte{byte(i)}))
			case "delete":
				fmt.Fprintln(&log, tx.Delete(step.key))
			case "get":
				v, err := tx.Get(step.key)
				fmt.Fprintln(&log, v, err)
			case "scan":
				scan(tx, store.Range{From: step.key, To: step.to}, store.Direction(step.down))
			case "fail":
				return errors.New("undo")
			}
		}
		return nil
	})
	fmt.Fprintln(&log, err)
	_ = s.View(func(v store.Snapshot) error {
		scan(v, store.Range{}, store.Ascending)
		scan(v, store.Range{}, store.Descending)
		return nil
	})
	return log.String()
}
