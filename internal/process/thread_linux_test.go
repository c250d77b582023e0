package process

import (
	"context"
	"os"
	"runtime"
	"testing"
)

// A child costs no thread and no goroutine while it runs.
func TestChildrenKeepNoThreadsAndGoroutines(t *testing.T) {
	k, err := NewKeeper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close(context.Background()) }()
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(tasks)
	}
	start := func() {
		if _, err := k.Start(Command{Path: "/bin/sleep", Args: []string{"600"}}); err != nil {
			t.Fatal(err)
		}
	}
	start()
	before, goroutines := threads(), runtime.NumGoroutine()
	for range 60 {
		start()
	}
	if more := threads() - before; more > 30 {
		t.Errorf("60 children took %d threads", more)
	}
	if more := runtime.NumGoroutine() - goroutines; more > 5 {
		t.Errorf("60 children took %d goroutines", more)
	}
}
