package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What was fetched is there the next time; what was ended half-way is not, is
// not tried twice in one run, and is named once.
func TestCached(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	runs := 0
	fetch := func(name, script string) (string, error) {
		return cached(name, func(ctx context.Context, part string) *exec.Cmd {
			runs++
			return exec.CommandContext(ctx, "sh", "-c", script, "sh", part)
		})
	}
	for range 2 {
		dir, err := fetch("whole", `echo x >"$1/file"`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
			t.Error(err)
		}
	}
	b := &bench{peers: true}
	for range 2 {
		s := b.peer("half", func() (*server, error) {
			_, err := fetch("half", `echo x >"$1/file"; exit 3`)
			return nil, err
		})
		if s != nil {
			t.Error("a peer that could not be fetched")
		}
	}
	if runs != 2 || len(b.Missing) != 1 || !strings.Contains(b.Missing[0], "fetching half by sh: exit status 3") {
		t.Errorf("%d runs, missing %q", runs, b.Missing)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "suiro-bench", "half")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half of it is there: %v", err)
	}
}
