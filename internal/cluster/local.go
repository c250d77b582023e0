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
	seed maphash.Seed
	apis sync.Map // *[shards]shard by API: its id is not kept with each connection
}

type shard struct {
	mu      sync.RWMutex
	targets map[string]Target // by connection
}

// NewLocal makes an empty one.
func NewLocal() *Local { return &Local{seed: maphash.MakeSeed()} }

// Register implements Connections.
func (l *Local) Register(a Address, t Target) error {
	if _, known := l.apis.Load(a.API); !known {
		l.apis.LoadOrStore(a.API, new([shards]shard))
	}
	s := l.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.targets[a.Connection]; taken {
		return ErrTaken
	}
	if s.targets == nil {
		s.targets = make(map[string]Target)
	}
	s.targets[a.Connection] = t
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

// shard is where a connection is, if it is known; nil when its API is not.
func (l *Local) shard(a Address) *shard {
	all, ok := l.apis.Load(a.API)
	if !ok {
		return nil
	}
	// Connection ids are random: the id alone spreads well.
	return &all.(*[shards]shard)[maphash.String(l.seed, a.Connection)&(shards-1)]
}

func (l *Local) find(a Address) Target {
	s := l.shard(a)
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.targets[a.Connection]
}

func (l *Local) take(a Address) Target {
	s := l.shard(a)
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.targets[a.Connection]
	delete(s.targets, a.Connection)
	return t
}
