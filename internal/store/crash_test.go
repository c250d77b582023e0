//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/store"
	"github.com/suiro-dev/suiro/internal/store/storetest"
)

// child is what this test binary does when a test starts it again.
func child(task string) {
	var err error
	switch file := os.Getenv("STORE_TEST_FILE"); task {
	case "write":
		err = writeForever(file)
	case "full":
		err = fillUp(file)
	}
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func again(task, file string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+task, "STORE_TEST_FILE="+file)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeForever has 8 writers put rows and says each one's key after it was
// acknowledged.
func writeForever(file string) error {
	s, err := store.Open(file)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	run := rand.Uint32()
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%08x-%d-%d", run, w, i)
				err := s.Commit(context.Background(), func(tx store.Tx) error {
					return errors.Join(tx.Put([]byte(key), make([]byte, i%3000)), tx.Put([]byte("twin/"+key), []byte(key)))
				})
				if err != nil {
					fmt.Println("FAILED:", err)
					os.Exit(1)
				}
				os.Stdout.WriteString(key + "\n")
			}
		})
	}
	wg.Wait()
	return nil
}

func TestAcknowledgedRowsSurviveKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes for seconds")
	}
	file := filepath.Join(t.TempDir(), "tables.db")
	acknowledged := map[string]bool{}
	for range 6 {
		cmd := again("write", file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// After a random number of rows, so that some kills hit a commit.
		rows, last := 0, 1+rand.IntN(400)
		for lines := bufio.NewScanner(out); lines.Scan(); rows++ {
			acknowledged[lines.Text()] = true
			if rows == last {
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait() // killed
		checkRows(t, file, acknowledged)
	}
}

func checkRows(t *testing.T, file string, acknowledged map[string]bool) {
	t.Helper()
	s := open(t, file)
	defer shut(t, s)
	err := s.View(func(v store.Snapshot) error {
		for key := range acknowledged {
			row, err := v.Get([]byte(key))
			twin, twinErr := v.Get([]byte("twin/" + key))
			if err != nil || twinErr != nil || row == nil || string(twin) != key {
				t.Fatalf("acknowledged row %q is lost or torn: %v %v", key, err, twinErr)
			}
		}
		return v.Scan(store.Range{}, store.Ascending, func(_, _ []byte) bool { return true })
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fillUp writes until the file may not grow (RLIMIT_FSIZE stands for a full
// disk: the same write fails at the same place), then lifts the limit.
func fillUp(file string) error {
	s, err := store.Open(file)
	if err != nil {
		return err
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	limit, err := strconv.ParseUint(os.Getenv("STORE_TEST_LIMIT"), 10, 64)
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		return err
	}
	put := func(i int) error {
		return s.Commit(context.Background(), func(tx store.Tx) error {
			return tx.Put(fmt.Appendf(nil, "row-%04d", i), make([]byte, 64<<10))
		})
	}
	n := 0
	for ; err == nil && n < 2000; n++ {
		err = put(n)
	}
	if err == nil {
		return errors.New("the disk never became full")
	}
	n-- // refused
	fmt.Println("full after", n, "rows:", err)
	if err := put(n); err == nil {
		n++ // the refused one made room in the log
	}
	count := 0
	if err := s.View(func(v store.Snapshot) error {
		return v.Scan(store.Range{}, store.Ascending, func(_, _ []byte) bool { count++; return true })
	}); err != nil || count != n {
		return fmt.Errorf("%d rows of %d are readable: %v", count, n, err)
	}
	// Deleting makes room without growing the file.
	for i := range 20 {
		if err := s.Commit(context.Background(), func(tx store.Tx) error { return tx.Delete(fmt.Appendf(nil, "row-%04d", i)) }); err != nil {
			return fmt.Errorf("delete on the full disk: %w", err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	for i := range n + 50 {
		if err := put(i); err != nil {
			return fmt.Errorf("write after the disk has room again: %w", err)
		}
	}
	return s.Close()
}

func TestFullDiskLosesNothing(t *testing.T) {
	for name, limit := range map[string]string{
		"for the log": "400000", "for the file": "16777216",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tables.db")
			cmd := again("full", file)
			cmd.Env = append(cmd.Env, "STORE_TEST_LIMIT="+limit)
			out, err := cmd.Output()
			t.Logf("%s", out)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, file)
			defer shut(t, s)
			_ = s.View(func(v store.Snapshot) error {
				if rows := storetest.Rows(t, v, store.Range{}, store.Ascending); len(rows) < 50 {
					t.Errorf("%d rows after reopening", len(rows))
				}
				return nil
			})
		})
	}
}
