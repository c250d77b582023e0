package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/suiro-dev/suiro/internal/store"
	"github.com/suiro-dev/suiro/internal/store/storetest"
)

// A file that is nearly all free pages gives its space back when it is opened
// again, and keeps its rows; what a killed copy left does not matter.
func TestFreeSpaceIsGivenBack(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 80 MB")
	}
	file := filepath.Join(t.TempDir(), "tables.db")
	s := open(t, file)
	const rows, perCommit = 20_000, 2_000
	value := make([]byte, 4000)
	each := func(do func(tx store.Tx, key []byte) error) {
		for first := 0; first < rows; first += perCommit {
			if err := s.Commit(context.Background(), func(tx store.Tx) error {
				for i := first; i < first+perCommit; i++ {
					if err := do(tx, fmt.Appendf(nil, "row-%06d", i)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	each(func(tx store.Tx, key []byte) error { return tx.Put(key, value) })
	shut(t, s)
	full := size(t, file)
	s = open(t, file)
	if size(t, file) != full {
		t.Error("a full file was written anew")
	}
	each(func(tx store.Tx, key []byte) error { return tx.Delete(key) })
	storetest.Put(t, s, "kept", "as it was")
	shut(t, s)
	if err := os.WriteFile(file+".compact", []byte("a copy that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if size(t, file) < 64<<20 {
		t.Fatalf("the file has only %d bytes", size(t, file))
	}
	s = open(t, file)
	defer shut(t, s)
	if n := size(t, file); n > 1<<20 {
		t.Errorf("%d bytes are left", n)
	}
	if err := s.View(func(v store.Snapshot) error {
		value, err := v.Get([]byte("kept"))
		if string(value) != "as it was" {
			t.Errorf("the row is %q", value)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file + ".compact"); err == nil {
		t.Error("the copy was left behind")
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
