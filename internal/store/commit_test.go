package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// A queue full of writes that nobody waits for any more is in nobody's way.
func TestAbandonedWritesLeaveTheQueue(t *testing.T) {
	s := OpenMemory()
	defer func() { _ = s.Close() }()
	busy, release := make(chan struct{}), make(chan struct{})
	var first, others sync.WaitGroup
	first.Go(func() {
		_ = s.Commit(context.Background(), func(Tx) error {
			close(busy)
			<-release
			return nil
		})
	})
	<-busy
	ctx, cancel := context.WithCancel(context.Background())
	for range queueLength {
		others.Go(func() {
			err := s.Commit(ctx, func(Tx) error {
				t.Error("an abandoned write ran")
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
		})
	}
	for len(s.committer.queue) < queueLength {
		runtime.Gosched()
	}
	cancel()
	others.Wait()
	close(release)
	first.Wait()
	m := model{}
	if err := errors.Join(m.put(s, "after", "1"), m.check(s)); err != nil {
		t.Error(err)
	}
}
