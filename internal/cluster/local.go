package cluster

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
)

// shards keeps pushes to different connections from waiting for one lock. It
// is a power of two.
const shards = 64

// Local is a cluster of one node.
type Local struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu      sync.RWMutex
	targets map[Address]Target
}

// NewLocal makes an empty one.
func NewLocal() *Local { return &Local{seed: maphash.MakeSeed()} }

// Register implements Connections.
func (l *Local) Register(a Address, t Target) error {
	s := l.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.targets[a]; taken {
		return ErrTaken
	}
	if s.targets == nil {
		s.targets = make(map[Address]Target)
	}
	s.targets[a] = t
	return nil
}

// Forget implements Connections.
func (l *Local) Forget(a Address) { l.take(a) }

// Deliver implements Connections.
func (l *Local) Deliver(_ context.Context, a Address, payload []byte) error {
	t := l.find(a)
	if t == nil {
		return ErrGone
	}
	err := t.Push(payload)
	if err != nil && !errors.Is(err, ErrFull) {
		return ErrGone
	}
	return err
}

// Close implements Connections.
func (l *Local) Close(_ context.Context, a Address) error {
	t := l.take(a)
	if t == nil {
		return ErrGone
	}
	t.Disconnect()
	return nil
}

// Info implements Connections.
func (l *Local) Info(_ context.Context, a Address) (Info, error) {
	t := l.find(a)
	if t == nil {
		return Info{}, ErrGone
	}
	return t.Info(), nil
}

func (l *Local) shard(a Address) *shard {
	// Connection ids are random: the id alone spreads well.
	return &l.shards[maphash.String(l.seed, a.Connection)&(shards-1)]
}

func (l *Local) find(a Address) Target {
	s := l.shard(a)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.targets[a]
}

func (l *Local) take(a Address) Target {
	s := l.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.targets[a]
	delete(s.targets, a)
	return t
}
