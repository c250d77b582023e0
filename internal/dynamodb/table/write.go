package table

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
	"github.com/suiro-dev/suiro/internal/store"
)

// Cause is who changed an item, for stream records: deletions by the sweeper
// carry the service's identity.
type Cause int

const (
	ByUser Cause = iota
	ByExpiry
)

// Change is one item's change inside a commit. Old is nil for a new item, New
// for a deleted one.
type Change struct {
	Definition *Definition
	Key        Key
	Old, New   attribute.Item
	Cause      Cause
	// Encoded is New's stored form when it was made beforehand, outside of the
	// committer, by Encode; nil makes it now.
	Encoded []byte
}

// Encode makes an item's stored form.
func Encode(item attribute.Item) []byte {
	return attribute.AppendBinary(make([]byte, 0, 64+attribute.Size(item)*5/4), item)
}

// Write changes items inside one commit of the store.
type Write struct {
	tx       store.Tx
	counts   []*tableCounts
	streams  *stream.Streams
	recorded []*stream.Stream // those that have new records
}

// Write runs fn inside a commit and returns after it is on disk; see
// [store.Store.Commit]. An error of fn undoes everything it did.
func (t *Tables) Write(ctx context.Context, fn func(*Write) error) error {
	w := &Write{streams: t.streams}
	err := t.store.Commit(ctx, func(tx store.Tx) error {
		w.tx = tx
		if err := fn(w); err != nil {
			return err
		}
		return w.saveCounts()
	})
	if err != nil {
		return err
	}
	for _, s := range w.recorded {
		s.Tell()
	}
	return nil
}

// Item reads an item as it is inside this write; nil when there is none.
func (w *Write) Item(d *Definition, key Key) (attribute.Item, error) {
	return readItem(w.tx, d, key)
}

// Touched is what a change meant for one index, in bytes of its entries: 0
// where there was or is none.
type Touched struct {
	Index              *Index
	OldBytes, NewBytes int
	Moved              bool // the entry has another key
}

// Apply makes a change: the item, the index rows and the expiry row. It
// returns the indexes whose entries changed. An identical item changes
// nothing and yields no stream record.
func (w *Write) Apply(c Change) ([]Touched, error) {
	d := c.Definition
	if c.Old != nil && c.New != nil && attribute.EqualItems(c.Old, c.New) || c.Old == nil && c.New == nil {
		return nil, nil
	}
	row := d.itemRow(c.Key)
	var err error
	if c.New == nil {
		err = w.tx.Delete(row)
	} else {
		if c.Encoded == nil {
			c.Encoded = Encode(c.New)
		}
		err = w.tx.Put(row, c.Encoded)
	}
	if err != nil {
		return nil, err
	}
	counts, err := w.countsOf(d)
	if err != nil {
		return nil, err
	}
	counts.add(0, exists(c.New)-exists(c.Old), attribute.Size(c.New)-attribute.Size(c.Old))
	touched, err := w.applyIndexes(c, counts)
	if err != nil {
		return nil, err
	}
	if d.Stream != 0 {
		if err := w.record(c); err != nil {
			return nil, err
		}
	}
	return touched, w.applyExpiry(c)
}

// record writes the change into the table's stream.
func (w *Write) record(c Change) error {
	s := w.streams.Get(c.Definition.Stream)
	if s == nil {
		return fmt.Errorf("table %s has no stream %d", c.Definition.Name, c.Definition.Stream)
	}
	if !slices.Contains(w.recorded, s) {
		w.recorded = append(w.recorded, s)
	}
	return s.Append(w.tx, stream.Change{Old: c.Old, New: c.New, Encoded: c.Encoded, ByService: c.Cause == ByExpiry})
}

func exists(item attribute.Item) int {
	if item == nil {
		return 0
	}
	return 1
}

func (w *Write) applyIndexes(c Change, counts *tableCounts) (touched []Touched, err error) {
	for i := range c.Definition.Indexes {
		x := &c.Definition.Indexes[i]
		if x.Status == StatusDeleting {
			continue
		}
		before, beforeBytes := entryOf(c, x, c.Old)
		after, afterBytes := entryOf(c, x, c.New)
		if before != nil && x.Status == StatusCreating {
			// The item may be one that the filling has not come to yet.
			if value, err := w.tx.Get(before); err != nil {
				return nil, err
			} else if value == nil {
				before, beforeBytes = nil, 0
			}
		}
		same := bytes.Equal(before, after)
		if same && (before == nil || c.Definition.sameEntry(x, c.Old, c.New)) {
			continue
		}
		if !same {
			if err := w.move(before, after, c.Key); err != nil {
				return nil, err
			}
		}
		touched = append(touched, Touched{x, beforeBytes, afterBytes, !same && before != nil && after != nil})
		counts.add(x.Number, present(after)-present(before), afterBytes-beforeBytes)
	}
	return touched, nil
}

// entryOf is an item's row in an index and its projected size.
func entryOf(c Change, x *Index, item attribute.Item) ([]byte, int) {
	if item == nil {
		return nil, 0
	}
	row := c.Definition.indexRow(x, item, c.Key)
	if row == nil {
		return nil, 0
	}
	return row, attribute.Size(c.Definition.Project(x, item))
}

func (w *Write) move(before, after []byte, key Key) error {
	if before != nil {
		if err := w.tx.Delete(before); err != nil {
			return err
		}
	}
	if after != nil {
		return w.tx.Put(after, key)
	}
	return nil
}

func present(row []byte) int {
	if row == nil {
		return 0
	}
	return 1
}

// sameEntry tells whether an index shows no difference between two items.
func (d *Definition) sameEntry(x *Index, a, b attribute.Item) bool {
	return attribute.EqualItems(d.Project(x, a), d.Project(x, b))
}

// tableCounts are the counts of one table that a write changes.
type tableCounts struct {
	Counts
	row     []byte // its key in the store
	changed bool
}

// add counts items and bytes more, or fewer, in an index; 0 is the table.
func (c *tableCounts) add(index uint32, items, bytes int) {
	if items == 0 && bytes == 0 {
		return
	}
	c.changed = true
	if index == 0 {
		c.Table = c.Table.plus(items, bytes)
		return
	}
	if c.Indexes == nil {
		c.Indexes = map[uint32]Count{}
	}
	c.Indexes[index] = c.Indexes[index].plus(items, bytes)
}

func (w *Write) countsOf(d *Definition) (*tableCounts, error) {
	key := d.prefix(rowCounts)
	for _, c := range w.counts {
		if bytes.Equal(c.row, key) {
			return c, nil
		}
	}
	row, err := w.tx.Get(key)
	if err != nil {
		return nil, err
	}
	c := &tableCounts{Counts: decodeCounts(row), row: key}
	w.counts = append(w.counts, c)
	return c, nil
}

func (w *Write) saveCounts() error {
	for _, c := range w.counts {
		if !c.changed {
			continue
		}
		if err := w.tx.Put(c.row, c.append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// applyExpiry keeps the row that leads the sweeper to an item.
func (w *Write) applyExpiry(c Change) error {
	e := c.Definition.Expiry
	if e.Attribute == "" {
		return nil
	}
	before, had := expirySecond(c.Old.Get(e.Attribute))
	after, has := expirySecond(c.New.Get(e.Attribute))
	if had && (!has || before != after) {
		if err := w.tx.Delete(c.Definition.expiryRow(before, c.Key)); err != nil {
			return err
		}
	}
	if has && (!had || before != after) {
		return w.tx.Put(c.Definition.expiryRow(after, c.Key), nil)
	}
	return nil
}

// fill adds the row of an existing item to an index that is being created, or
// its expiry row when index is 0.
func (w *Write) fill(d *Definition, index uint32, key Key, item attribute.Item) error {
	if index == 0 {
		second, ok := expirySecond(item.Get(d.Expiry.Attribute))
		if !ok || d.Expiry.Attribute == "" {
			return nil
		}
		return w.tx.Put(d.expiryRow(second, key), nil)
	}
	for i := range d.Indexes {
		x := &d.Indexes[i]
		if x.Number != index || x.Status != StatusCreating {
			continue
		}
		row, size := entryOf(Change{Definition: d, Key: key}, x, item)
		if row == nil {
			return nil
		}
		if value, err := w.tx.Get(row); value != nil || err != nil {
			return err
		}
		counts, err := w.countsOf(d)
		if err != nil {
			return err
		}
		counts.add(index, 1, size)
		return w.tx.Put(row, key)
	}
	return nil
}

func (d *Definition) expiryPrefix() []byte {
	return binary.BigEndian.AppendUint32(d.prefix(rowExpiry), d.Expiry.Generation)
}

func (d *Definition) expiryRow(second int64, key Key) []byte {
	return append(binary.BigEndian.AppendUint64(d.expiryPrefix(), uint64(second)), key...)
}

func splitExpiryRow(row []byte) (second int64, key Key) {
	const head = 1 + 4 + 4 // kind, number, generation
	return int64(binary.BigEndian.Uint64(row[head:])), Key(row[head+8:])
}
