package process

import (
	"context"
	"os"
	"testing"
)

// A child costs no thread while it runs.
func TestChildrenKeepNoThreads(t *testing.T) {
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
	before := threads()
	for range 60 {
		start()
	}
	if more := threads() - before; more > 30 {
		t.Errorf("60 children took %d threads", more)
	}
}
