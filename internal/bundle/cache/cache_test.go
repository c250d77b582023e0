package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

func TestCacheFillsAFolderOnceForAll(t *testing.T) {
	dir := t.TempDir()
	var fills atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			// A cache of its own, as another process would have.
			got, err := New(dir, nil).Folder(t.Context(), Work{Slot: "s", Key: "k"}, func(_ context.Context, to string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(to, "f"), []byte("x"), 0o644)
			})
			if err != nil || !exists(filepath.Join(got, "f")) {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	if fills.Load() != 1 {
		t.Errorf("filled %d times", fills.Load())
	}
}

func TestCacheKeepsNothingOfAFailedFill(t *testing.T) {
	c := New(t.TempDir(), nil)
	fail := errors.New("broken")
	if _, err := c.Folder(t.Context(), Work{Slot: "s", Key: "k"}, func(_ context.Context, to string) error {
		_ = os.WriteFile(filepath.Join(to, "half"), nil, 0o644)
		return fail
	}); !errors.Is(err, fail) {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(filepath.Join(c.dir, "s"))
	if len(left) != 1 || left[0].Name() != ".lock" {
		t.Errorf("left %v", left)
	}
}

func TestCacheWaitsForTheLockUntilCancelled(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFile(t.Context(), filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := lockFile(ctx, filepath.Join(dir, ".lock")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	unlock()
	again, err := lockFile(t.Context(), filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestCacheForgetsOldResults(t *testing.T) {
	c := New(t.TempDir(), nil)
	fill := func(context.Context, string) error { return nil }
	for i, key := range []string{"a", "b", "c", "d", "e"} {
		p, err := c.Folder(t.Context(), Work{Slot: "s", Key: key}, fill)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-10) * time.Minute)
		_ = os.Chtimes(p, at, at)
	}
	if _, err := c.Folder(t.Context(), Work{Slot: "s", Key: "f"}, fill); err != nil {
		t.Fatal(err)
	}
	if got := len(c.Entries("s")); got != slotEntries || filepath.Base(c.Entries("s")[0]) != "f" {
		t.Errorf("%d entries, newest %q", got, c.Entries("s"))
	}

	// A month later nobody has used s; t was used today.
	if _, err := c.Folder(t.Context(), Work{Slot: "t", Key: "k"}, fill); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-unusedAfter - time.Hour)
	for _, p := range append(c.Entries("s"), filepath.Join(c.dir, "s"), filepath.Join(c.dir, "t")) {
		_ = os.Chtimes(p, old, old)
	}
	c.Prune()
	if exists(filepath.Join(c.dir, "s")) || !exists(filepath.Join(c.dir, "t")) {
		t.Error("pruned the wrong slot")
	}
}

func TestSlowWorkIsToldTwice(t *testing.T) {
	var j journal.Journal
	sub := j.Subscribe(10)
	defer sub.Close()
	c := New(t.TempDir(), &j)
	quick := Work{Slot: "s", Key: "quick", Text: "quick"}
	slow := Work{Slot: "s", Key: "slow", Text: "building", Function: "chat", Resource: "Chat"}
	fill := func(context.Context, string) error { return nil }
	if _, err := c.Folder(t.Context(), quick, fill); err != nil {
		t.Fatal(err)
	}
	var first journal.Entry
	if _, err := c.Folder(t.Context(), slow, func(context.Context, string) error { first = <-sub.Entries(); return nil }); err != nil {
		t.Fatal(err)
	}
	second := <-sub.Entries()
	if first.Kind != journal.Progress || first.Text != "building" || first.Function != "chat" || first.Duration != 0 || second.Duration < progressAfter || second.Text != "building" {
		t.Errorf("%+v %+v", first, second)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
