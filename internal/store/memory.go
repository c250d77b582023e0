package store

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
)

// memory is the engine for tests: a treap whose nodes never change, so that a
// snapshot is a pointer to a root. Priorities are hashes of the keys, which
// makes the tree's shape a function of its content.
type memory struct {
	root atomic.Pointer[node]
	seed maphash.Seed
}

type node struct {
	key, value  []byte
	priority    uint64
	left, right *node
}

func newMemory() *memory { return &memory{seed: maphash.MakeSeed()} }

func (m *memory) view(fn func(Snapshot) error) error { return fn(tree{m.root.Load()}) }

func (m *memory) begin() (batch, error) {
	return &memoryBatch{tree: tree{m.root.Load()}, memory: m}, nil
}

func (m *memory) close() error { return nil }

// tree reads from a root.
type tree struct{ root *node }

func (t tree) Get(key []byte) ([]byte, error) {
	for n := t.root; n != nil; {
		switch c := bytes.Compare(key, n.key); {
		case c == 0:
			return n.value, nil
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return nil, nil
}

func (t tree) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	t.root.scan(r, d, visit)
	return nil
}

func (n *node) scan(r Range, d Direction, visit func(key, value []byte) bool) bool {
	if n == nil {
		return true
	}
	aboveFrom := bytes.Compare(n.key, r.From) >= 0
	belowTo := len(r.To) == 0 || bytes.Compare(n.key, r.To) < 0
	first, second := n.left, n.right
	goFirst, goSecond := aboveFrom, belowTo
	if d == Descending {
		first, second, goFirst, goSecond = second, first, goSecond, goFirst
	}
	if goFirst && !first.scan(r, d, visit) {
		return false
	}
	if aboveFrom && belowTo && !visit(n.key, n.value) {
		return false
	}
	return !goSecond || second.scan(r, d, visit)
}

// memoryBatch builds a new root beside the old one.
type memoryBatch struct {
	tree
	memory *memory
}

func (b *memoryBatch) put(key, value []byte) error {
	n := &node{key: key, value: value, priority: maphash.Bytes(b.memory.seed, key)}
	left, right := b.root.split(key)
	b.root = join(join(left, n), right)
	return nil
}

func (b *memoryBatch) delete(key []byte) error {
	left, right := b.root.split(key)
	b.root = join(left, right)
	return nil
}

func (b *memoryBatch) commit() error {
	b.memory.root.Store(b.root)
	return nil
}

func (b *memoryBatch) rollback() {}

// split makes the trees of the keys below and above key; key itself is in
// neither.
func (n *node) split(key []byte) (below, above *node) {
	if n == nil {
		return nil, nil
	}
	switch c := bytes.Compare(n.key, key); {
	case c == 0:
		return n.left, n.right
	case c < 0:
		left, right := n.right.split(key)
		return n.with(n.left, left), right
	default:
		left, right := n.left.split(key)
		return left, n.with(right, n.right)
	}
}

func (n *node) with(left, right *node) *node {
	c := *n
	c.left, c.right = left, right
	return &c
}

// join makes one tree of two, all keys of a being below those of b.
func join(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		return a.with(a.left, join(a.right, b))
	default:
		return b.with(join(a, b.left), b.right)
	}
}
