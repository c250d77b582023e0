package store

import (
	"bytes"
	"errors"
	"slices"
)

// maxKey is the longest key bbolt takes.
const maxKey = 32768

var errKeySize = errors.New("key must be 1 to 32,768 bytes long")

// overlay is the Tx one function sees: its own writes, held back, over what
// the batch has so far. Dropping the overlay undoes the function.
type overlay struct {
	base   Snapshot
	writes []change // by key, each key once
}

type change struct {
	key, value []byte // value is nil for a deletion
}

func (o *overlay) find(key []byte) (int, bool) {
	// Most functions write in ascending order, or one row.
	if n := len(o.writes); n == 0 || bytes.Compare(o.writes[n-1].key, key) < 0 {
		return n, false
	}
	return slices.BinarySearchFunc(o.writes, key, func(c change, k []byte) int { return bytes.Compare(c.key, k) })
}

func (o *overlay) set(c change) error {
	if len(c.key) == 0 || len(c.key) > maxKey {
		return errKeySize
	}
	i, found := o.find(c.key)
	if found {
		o.writes[i] = c
	} else {
		o.writes = slices.Insert(o.writes, i, c)
	}
	return nil
}

func (o *overlay) Put(key, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return o.set(change{key, value})
}

func (o *overlay) Delete(key []byte) error { return o.set(change{key, nil}) }

func (o *overlay) Get(key []byte) ([]byte, error) {
	if i, found := o.find(key); found {
		return o.writes[i].value, nil
	}
	return o.base.Get(key)
}

// Scan merges the held-back writes into the base's rows. It works on a copy of
// the writes in range, so that visit may write.
func (o *overlay) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	mine := o.within(r)
	if d == Descending {
		slices.Reverse(mine)
	}
	return merge(func() (c change, more bool) {
		if len(mine) == 0 {
			return change{}, false
		}
		c, mine = mine[0], mine[1:]
		return c, true
	}, o.base, r, d, visit)
}

// merge scans base's rows as they are under the changes that next yields, which
// are those in range and in the scan's order.
func merge(next func() (change, bool), base Snapshot, r Range, d Direction, visit func(key, value []byte) bool) error {
	c, more := next()
	if !more {
		return base.Scan(r, d, visit)
	}
	stopped := false
	// emit visits the changed rows up to key (all when key is nil); a change of
	// key itself takes the place of the base's row.
	emit := func(key []byte) (replaced bool) {
		for more && !stopped {
			order := -1
			if key != nil {
				order = bytes.Compare(c.key, key)
				if d == Descending {
					order = -order
				}
			}
			if order > 0 {
				break
			}
			changed := c
			c, more = next()
			if changed.value != nil && !visit(changed.key, changed.value) {
				stopped = true
			}
			if order == 0 {
				return true
			}
		}
		return false
	}
	err := base.Scan(r, d, func(key, value []byte) bool {
		if replaced := emit(key); replaced || stopped {
			return !stopped
		}
		if !visit(key, value) {
			stopped = true
		}
		return !stopped
	})
	if err == nil && !stopped {
		emit(nil)
	}
	return err
}

func (o *overlay) within(r Range) []change {
	if len(o.writes) == 0 {
		return nil
	}
	from, to := 0, len(o.writes)
	if len(r.From) > 0 {
		from, _ = o.find(r.From)
	}
	if len(r.To) > 0 {
		to, _ = o.find(r.To)
	}
	if from >= to {
		return nil
	}
	return slices.Clone(o.writes[from:to])
}

// absorb takes over the writes of a function that ran on top, and returns
// their size.
func (o *overlay) absorb(top *overlay) (size int) {
	if len(o.writes) == 0 {
		o.writes = top.writes
	}
	for _, c := range top.writes {
		size += len(c.key) + len(c.value)
		if i, found := o.find(c.key); found {
			o.writes[i] = c
		} else {
			o.writes = slices.Insert(o.writes, i, c)
		}
	}
	return size
}
