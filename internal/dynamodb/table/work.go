package table

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/store"
)

const (
	// chunk is how many rows one commit of background work touches: enough to
	// be quick, few enough not to hold up other writers.
	chunk = 500
	// retryAfter is the pause after background work failed (a full disk).
	retryAfter = 5 * time.Second
	// expiryWindow: DynamoDB leaves items alone whose time to live lies more
	// than five years back (Developer Guide, "Using time to live").
	expiryWindow = 5 * 365 * 24 * time.Hour
)

// work is the background goroutine: what the definitions ask for, chunk by
// chunk, and every so often a sweep.
func (t *Tables) work(ctx context.Context) {
	ticker := time.NewTicker(t.options.SweepEvery)
	defer ticker.Stop()
	filled := map[fillKey][]byte{} // how far each filling has come
	for {
		busy, err := t.chunkOfEach(ctx, filled)
		if err != nil && ctx.Err() == nil {
			t.options.Failed(err)
			busy = false
		}
		if busy {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				t.sweep(ctx)
			default:
			}
			continue
		}
		retry := (<-chan time.Time)(nil)
		if err != nil {
			retry = time.After(retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-retry:
		case <-ticker.C:
			t.sweep(ctx)
		}
	}
}

// fillKey names one filling: an index, or the expiry rows (index 0) of a
// generation.
type fillKey struct {
	table, index, generation uint32
}

// chunkOfEach does one chunk of everything there is to do and tells whether
// there was any.
func (t *Tables) chunkOfEach(ctx context.Context, filled map[fillKey][]byte) (busy bool, err error) {
	for _, table := range *t.byName.Load() {
		d := table.Definition()
		for i := range d.Indexes {
			switch x := &d.Indexes[i]; x.Status {
			case StatusCreating:
				busy = true
				err = errors.Join(err, t.fill(ctx, table, fillKey{d.Number, x.Number, 0}, filled))
			case StatusDeleting:
				busy = true
				err = errors.Join(err, t.removeIndex(ctx, table, d, x))
			}
		}
		if d.Expiry.Clearing {
			busy = true
			err = errors.Join(err, t.clearExpiry(ctx, table, d))
		}
		if d.Expiry.Filling {
			busy = true
			err = errors.Join(err, t.fill(ctx, table, fillKey{d.Number, 0, d.Expiry.Generation}, filled))
		}
	}
	t.change.Lock()
	dropped := slices.Clone(t.dropped)
	t.change.Unlock()
	for _, d := range dropped {
		busy = true
		err = errors.Join(err, t.removeTable(ctx, d))
	}
	return busy, err
}

// fill adds index or expiry rows for the next chunk of existing items.
func (t *Tables) fill(ctx context.Context, table *Table, key fillKey, filled map[fillKey][]byte) error {
	var next []byte
	err := t.Write(ctx, func(w *Write) error {
		d := table.Definition()
		r := store.Prefix(d.prefix(rowItem))
		if from := filled[key]; from != nil {
			r.From = from
		}
		rows, after, err := collect(w.tx, r, chunk)
		if err != nil {
			return err
		}
		next = after
		for _, row := range rows {
			item, err := decoding(attribute.DecodeBinary).item(d, row.value)
			if err != nil {
				return err
			}
			if err := w.fill(d, key.index, Key(row.key[len(d.prefix(rowItem)):]), item); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if filled[key] = next; next != nil {
		return nil
	}
	delete(filled, key)
	return t.edit(ctx, table, func(d *Definition) {
		for i := range d.Indexes {
			if x := &d.Indexes[i]; x.Number == key.index && x.Status == StatusCreating {
				x.Status = StatusActive
			}
		}
		if key.index == 0 && d.Expiry.Generation == key.generation {
			d.Expiry.Filling = false
		}
	})
}

// edit is Change for the background work, which leaves a table alone that was
// dropped meanwhile.
func (t *Tables) edit(ctx context.Context, table *Table, change func(*Definition)) error {
	d := table.Definition()
	_, err := t.Change(ctx, d.Name, func(now *Definition) error {
		if now.Number != d.Number {
			return ErrNoTable
		}
		change(now)
		return nil
	})
	if errors.Is(err, ErrNoTable) {
		return nil
	}
	return err
}

func (t *Tables) removeIndex(ctx context.Context, table *Table, d *Definition, x *Index) error {
	ended, err := t.removeRows(ctx, store.Prefix(d.indexPrefix(x)))
	if err != nil || !ended {
		return err
	}
	return t.edit(ctx, table, func(d *Definition) {
		d.Indexes = slices.DeleteFunc(d.Indexes, func(y Index) bool { return y.Number == x.Number })
	})
}

func (t *Tables) clearExpiry(ctx context.Context, table *Table, d *Definition) error {
	ended, err := t.removeRows(ctx, store.Range{From: d.prefix(rowExpiry), To: d.expiryPrefix()})
	if err != nil || !ended {
		return err
	}
	return t.edit(ctx, table, func(now *Definition) {
		if now.Expiry.Generation == d.Expiry.Generation {
			now.Expiry.Clearing = false
		}
	})
}

func (t *Tables) removeTable(ctx context.Context, d *Definition) error {
	for _, kind := range []byte{rowItem, rowIndex, rowExpiry, rowCounts} {
		ended, err := t.removeRows(ctx, store.Prefix(d.prefix(kind)))
		if err != nil || !ended {
			return err
		}
	}
	t.change.Lock()
	defer t.change.Unlock()
	// Last the definition: until it is gone a restart goes on here.
	err := t.store.Commit(ctx, func(tx store.Tx) error { return tx.Delete(d.prefix(rowDefinition)) })
	if err == nil {
		t.dropped = slices.DeleteFunc(t.dropped, func(o *Definition) bool { return o == d })
	}
	return err
}

// removeRows deletes one chunk of a range and tells whether nothing is left.
func (t *Tables) removeRows(ctx context.Context, r store.Range) (ended bool, err error) {
	err = t.store.Commit(ctx, func(tx store.Tx) error {
		rows, next, err := collect(tx, r, chunk)
		for _, row := range rows {
			err = errors.Join(err, tx.Delete(row.key))
		}
		ended = next == nil
		return err
	})
	return ended, err
}

type row struct {
	key, value []byte
}

// collect takes at most limit rows of a range and the key at which to go on,
// nil when there are no more. Keys are copies, values are not.
func collect(v store.Snapshot, r store.Range, limit int) (rows []row, next []byte, err error) {
	err = v.Scan(r, store.Ascending, func(key, value []byte) bool {
		if len(rows) == limit {
			next = append([]byte(nil), key...)
			return false
		}
		rows = append(rows, row{append([]byte(nil), key...), value})
		return true
	})
	return rows, next, err
}

// expirySecond reads a time to live: a number, epoch seconds. Values of other
// types never expire, fractions count by their whole part.
func expirySecond(v attribute.Value) (int64, bool) {
	if v.Kind() != attribute.N {
		return 0, false
	}
	whole, _, _ := strings.Cut(string(v.Number()), ".")
	second, err := strconv.ParseInt(whole, 10, 64)
	return second, err == nil && second > 0
}

// sweep deletes the items that have expired, the records of streams that are
// too old and the tokens that are forgotten.
func (t *Tables) sweep(ctx context.Context) {
	for _, table := range *t.byName.Load() {
		if d := table.Definition(); d.Expiry.Attribute == "" {
			continue
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = t.sweepTable(ctx, table); err != nil && ctx.Err() == nil {
				t.options.Failed(err)
				break
			}
		}
	}
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = t.streams.Trim(ctx); err != nil && ctx.Err() == nil {
			t.options.Failed(err)
			break
		}
	}
	if err := t.sweepTokens(ctx); err != nil && ctx.Err() == nil {
		t.options.Failed(err)
	}
}

// sweepTable deletes a chunk of expired items and tells whether there may be
// more. Each item is looked at again inside the deleting commit, because it
// may have been renewed since.
func (t *Tables) sweepTable(ctx context.Context, table *Table) (more bool, err error) {
	due, err := t.due(table.Definition(), time.Now())
	if err != nil || len(due) == 0 {
		return false, err
	}
	err = t.Write(ctx, func(w *Write) error {
		d := table.Definition()
		for _, row := range due {
			if d.Dropped || !bytes.HasPrefix(row.key, d.expiryPrefix()) {
				return nil // the time to live is another one by now
			}
			if err := w.expire(d, row.key); err != nil {
				return err
			}
		}
		return nil
	})
	return err == nil && len(due) == chunk, err
}

// expire deletes the item that a due expiry row leads to if it still says so,
// and the row in any case.
func (w *Write) expire(d *Definition, row []byte) error {
	second, key := splitExpiryRow(row)
	item, err := w.Item(d, key)
	if err != nil {
		return err
	}
	if now, ok := expirySecond(item.Get(d.Expiry.Attribute)); !ok || now != second {
		return w.tx.Delete(row)
	}
	_, err = w.Apply(Change{Definition: d, Key: key, Old: item, Cause: ByExpiry})
	return err
}

// due lists at most a chunk of expiry rows whose time has come.
func (t *Tables) due(d *Definition, now time.Time) (due []row, err error) {
	r := store.Range{
		From: d.expiryRow(max(0, now.Add(-expiryWindow).Unix()), nil),
		To:   d.expiryRow(now.Unix(), nil),
	}
	err = t.store.View(func(v store.Snapshot) (err error) {
		due, _, err = collect(v, r, chunk)
		return err
	})
	return due, err
}

func (t *Tables) sweepTokens(ctx context.Context) error {
	var expired [][]byte
	err := t.store.View(func(v store.Snapshot) (err error) {
		expired, err = expiredTokens(v, chunk)
		return err
	})
	if err != nil || len(expired) == 0 {
		return err
	}
	return t.store.Commit(ctx, func(tx store.Tx) error {
		var err error
		for _, row := range expired {
			err = errors.Join(err, tx.Delete(row))
		}
		return err
	})
}
