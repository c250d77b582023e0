package table

import (
	"errors"
	"fmt"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/store"
)

// View reads items as one commit left them.
type View struct {
	rows store.Snapshot
}

// View calls fn with the items of this moment; fn must not
// write and wait for it.
func (t *Tables) View(fn func(View) error) error {
	return t.store.View(func(s store.Snapshot) error { return fn(View{s}) })
}

// Item reads an item; nil when there is none.
func (v View) Item(d *Definition, key Key) (attribute.Item, error) {
	return readItem(v.rows, d, key)
}

func readItem(rows store.Snapshot, d *Definition, key Key) (attribute.Item, error) {
	return readWith(rows, d, key, attribute.DecodeBinary)
}

// decoding is how a stored item is read.
type decoding func([]byte) (attribute.Item, error)

func readWith(rows store.Snapshot, d *Definition, key Key, decode decoding) (attribute.Item, error) {
	row, err := rows.Get(d.itemRow(key))
	if row == nil || err != nil {
		return nil, err
	}
	return decode.item(d, row)
}

func (decode decoding) item(d *Definition, row []byte) (attribute.Item, error) {
	item, err := decode(row)
	if err != nil {
		return nil, fmt.Errorf("item of table %s: %w", d.Name, err)
	}
	return item, nil
}

// Scan visits the items of a range in order until visit returns false. On an
// index too they are whole items; Project cuts them to what the index shows. An
// item is good until visit returns; its Clone may be kept.
func (v View) Scan(d *Definition, index *Index, r Range, dir store.Direction, visit func(attribute.Item) bool) error {
	var broken error
	decode := decoding(new(attribute.Scratch).Decode)
	err := v.rows.Scan(r.rows, dir, func(_, value []byte) bool {
		var item attribute.Item
		if index == nil {
			item, broken = decode.item(d, value)
		} else if item, broken = readWith(v.rows, d, Key(value), decode); item == nil && broken == nil {
			broken = fmt.Errorf("index %s of table %s leads to an item that does not exist", index.Name, d.Name)
		}
		return broken == nil && visit(item)
	})
	return errors.Join(err, broken)
}

// Count is how many items a table or index has, and their size.
type Count struct {
	Items, Bytes int64
}

// Counts of a table and, by number, of its indexes.
type Counts struct {
	Table   Count
	Indexes map[uint32]Count
}

// Counts reads a table's counts.
func (v View) Counts(d *Definition) (Counts, error) {
	row, err := v.rows.Get(d.prefix(rowCounts))
	if err != nil {
		return Counts{}, err
	}
	return decodeCounts(row), nil
}
