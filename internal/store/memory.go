package store

import (
	"hash/maphash"
	"sync/atomic"
)

// memory is the engine for tests: one tree.
type memory struct {
	root atomic.Pointer[node]
	seed maphash.Seed
}

func newMemory() *memory { return &memory{seed: maphash.MakeSeed()} }

func (m *memory) view(fn func(Snapshot) error) error { return fn(tree{m.root.Load()}) }

func (m *memory) begin() (batch, error) { return memoryBatch{tree{m.root.Load()}, m}, nil }

func (m *memory) close() error { return nil }

// tree reads from a root.
type tree struct{ root *node }

func (t tree) Get(key []byte) ([]byte, error) {
	if n := t.root.find(key); n != nil {
		return n.value, nil
	}
	return nil, nil
}

func (t tree) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	c := t.root.cursor(r, d)
	for n := c.next(); n != nil; n = c.next() {
		if !visit(n.key, n.value) {
			break
		}
	}
	return nil
}

// memoryBatch builds a new root beside the old one.
type memoryBatch struct {
	tree
	memory *memory
}

func (b memoryBatch) commit(writes []change) error {
	root := b.root
	for _, c := range writes {
		if c.value == nil {
			root = root.without(c.key)
		} else {
			root = root.put(newNode(b.memory.seed, c.key, c.value, 0))
		}
	}
	b.memory.root.Store(root)
	return nil
}

func (b memoryBatch) rollback() {}
