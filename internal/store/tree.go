package store

import (
	"bytes"
	"hash/maphash"
)

// node is a row in a treap whose nodes never change once they are shared, so
// that a snapshot is a pointer to a root. Priorities are hashes of the keys,
// which makes the tree's shape a function of its content.
type node struct {
	key, value  []byte
	priority    uint64
	number      uint64 // of the commit that wrote the row, where the engine counts them
	left, right *node
}

// newNode is a row to be put into a tree. value is nil where the tree lies
// over other rows and this one is deleted.
func newNode(seed maphash.Seed, key, value []byte, number uint64) *node {
	return &node{key: key, value: value, priority: maphash.Bytes(seed, key), number: number}
}

func (n *node) find(key []byte) *node {
	for n != nil {
		switch c := bytes.Compare(key, n.key); {
		case c == 0:
			return n
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return nil
}

// put is the tree with a new node in it, which takes the place of one with the
// same key.
func (n *node) put(m *node) *node {
	if n == nil || m.priority > n.priority {
		m.left, m.right = n.split(m.key)
		return m
	}
	switch c := bytes.Compare(m.key, n.key); {
	case c == 0:
		m.left, m.right = n.left, n.right
		return m
	case c < 0:
		return n.with(n.left.put(m), n.right)
	default:
		return n.with(n.left, n.right.put(m))
	}
}

// without is the tree without a key.
func (n *node) without(key []byte) *node { return join(n.split(key)) }

// since is the tree of the rows written by later commits.
func (n *node) since(number uint64) *node {
	if n == nil {
		return nil
	}
	left, right := n.left.since(number), n.right.since(number)
	switch {
	case n.number <= number:
		return join(left, right)
	case left == n.left && right == n.right:
		return n
	default:
		return n.with(left, right)
	}
}

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

// cursor walks the rows of a range in order.
type cursor struct {
	path []*node // the next row is the last; of those before it, it is below
	r    Range
	d    Direction
}

func (n *node) cursor(r Range, d Direction) cursor {
	c := cursor{r: r, d: d}
	c.descend(n)
	return c
}

// descend goes from a subtree's root to its first row in range.
func (c *cursor) descend(n *node) {
	for n != nil {
		inside, near, far := false, n.left, n.right
		if c.d == Ascending {
			inside = bytes.Compare(n.key, c.r.From) >= 0
		} else {
			inside = len(c.r.To) == 0 || bytes.Compare(n.key, c.r.To) < 0
			near, far = far, near
		}
		if inside {
			c.path = append(c.path, n)
			n = near
		} else {
			n = far
		}
	}
}

// next is the next row, nil behind the last one.
func (c *cursor) next() *node {
	last := len(c.path) - 1
	if last < 0 {
		return nil
	}
	n := c.path[last]
	c.path = c.path[:last]
	if !c.r.holds(n.key, c.d) {
		c.path = nil
		return nil
	}
	if c.d == Ascending {
		c.descend(n.right)
	} else {
		c.descend(n.left)
	}
	return n
}
