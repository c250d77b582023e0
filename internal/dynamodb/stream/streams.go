package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/store"
)

// Streams are all streams of one account in one store.
type Streams struct {
	store *store.Store

	// byNumber is replaced as a whole, so that a commit that records a change
	// never waits.
	byNumber atomic.Pointer[map[uint32]*Stream]
	change   sync.Mutex // held while the set of streams, or a definition, changes
	highest  uint32     // number in use
}

// Open reads the streams of a store.
func Open(s *store.Store) (*Streams, error) {
	t := &Streams{store: s}
	byNumber := map[uint32]*Stream{}
	err := s.View(func(v store.Snapshot) error {
		var broken error
		err := v.Scan(store.Prefix([]byte{rowStream}), store.Ascending, func(_, value []byte) bool {
			d := new(Definition)
			if broken = json.Unmarshal(value, d); broken != nil {
				return false
			}
			t.highest = max(t.highest, d.Number)
			byNumber[d.Number] = newStream(s, d)
			return true
		})
		for _, stream := range byNumber {
			err = errors.Join(err, stream.loadLast(v))
		}
		return errors.Join(err, broken)
	})
	if err != nil {
		return nil, fmt.Errorf("read the streams: %w", err)
	}
	t.byNumber.Store(&byNumber)
	return t, nil
}

// loadLast finds the last sequence number in use.
func (s *Stream) loadLast(v store.Snapshot) error {
	return v.Scan(store.Prefix(streamPrefix(rowRecord, s.Definition().Number)), store.Descending, func(key, _ []byte) bool {
		s.last.Store(max(s.last.Load(), sequenceOf(key)))
		return false
	})
}

// Get returns a stream by number, nil when there is none.
func (t *Streams) Get(number uint32) *Stream { return (*t.byNumber.Load())[number] }

// Find returns a table's stream by label, nil when there is none.
func (t *Streams) Find(table, label string) *Stream {
	for _, s := range *t.byNumber.Load() {
		if d := s.Definition(); d.Table == table && d.Label == label {
			return s
		}
	}
	return nil
}

// List lists the streams of a table, of all tables when its name is empty, in
// the order of their ARNs.
func (t *Streams) List(table string) []*Stream {
	var list []*Stream
	for _, s := range *t.byNumber.Load() {
		if table == "" || s.Definition().Table == table {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *Stream) int {
		x, y := a.Definition(), b.Definition()
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(x.Label, y.Label))
	})
	return list
}

// labelFormat is how a stream's time of making becomes its label.
const labelFormat = "2006-01-02T15:04:05.000"

// Begin makes a stream: it fills in number, label and time of d, and calls
// save with what must be written in the same commit as the table's definition.
func (t *Streams) Begin(d Definition, save func(label string, number uint32, put func(store.Tx) error) error) error {
	t.change.Lock()
	defer t.change.Unlock()
	d.Number, d.Created = t.highest+1, time.Now()
	made := d.Created
	for d.Label = made.UTC().Format(labelFormat); t.Find(d.Table, d.Label) != nil; d.Label = made.UTC().Format(labelFormat) {
		made = made.Add(time.Millisecond) // two in one: their ARNs must differ
	}
	row, err := d.row()
	if err != nil {
		return err
	}
	if err := save(d.Label, d.Number, row); err != nil {
		return err
	}
	t.highest = d.Number
	t.replace(func(m map[uint32]*Stream) { m[d.Number] = newStream(t.store, &d) })
	return nil
}

// row is what writes a definition.
func (d *Definition) row() (func(store.Tx) error, error) {
	value, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the stream %s of table %s: %w", d.Label, d.Table, err)
	}
	return func(tx store.Tx) error { return tx.Put(streamPrefix(rowStream, d.Number), value) }, nil
}

func (t *Streams) replace(edit func(map[uint32]*Stream)) {
	m := maps.Clone(*t.byNumber.Load())
	edit(m)
	t.byNumber.Store(&m)
}

// End closes a stream, once nothing writes to it any more: the definition of
// the table that published another one has been seen by the store's committer.
func (t *Streams) End(ctx context.Context, number uint32) error {
	t.change.Lock()
	defer t.change.Unlock()
	s := t.Get(number)
	if s == nil || !s.Definition().Open() {
		return nil
	}
	d := *s.Definition()
	d.Ended = time.Now()
	err := t.store.Commit(ctx, func(tx store.Tx) error {
		d.Last = s.Last() // the committer runs nothing else now
		row, err := d.row()
		if err != nil {
			return err
		}
		return row(tx)
	})
	if err != nil {
		return err
	}
	s.definition.Store(&d)
	s.Tell()
	return nil
}

// trimChunk is how many records one commit removes.
const trimChunk = 1000

// Trim removes records older than Retention, and streams that ended that long
// ago. more tells that it has not come to the end.
func (t *Streams) Trim(ctx context.Context) (more bool, err error) {
	for _, s := range *t.byNumber.Load() {
		m, e := t.trim(ctx, s)
		more = more || m
		err = errors.Join(err, e)
	}
	return more, err
}

func (t *Streams) trim(ctx context.Context, s *Stream) (more bool, err error) {
	horizon := time.Now().Add(-Retention)
	d := *s.Definition()
	old, err := s.olderThan(horizon)
	if err != nil {
		return false, err
	}
	gone := len(old) == 0 && !d.Open() && d.Ended.Before(horizon)
	if len(old) == 0 && !gone {
		return false, nil
	}
	t.change.Lock()
	defer t.change.Unlock()
	d = *s.Definition()
	if len(old) > 0 {
		d.Trimmed = old[len(old)-1]
	}
	row, err := d.row()
	if err != nil {
		return false, err
	}
	// Published before the rows go, so that nobody takes a hole for the oldest
	// record; what is left behind by a commit that fails goes next time.
	s.definition.Store(&d)
	err = t.store.Commit(ctx, func(tx store.Tx) error {
		for _, sequence := range old {
			if err := tx.Delete(recordRow(d.Number, sequence)); err != nil {
				return err
			}
		}
		if gone {
			return tx.Delete(streamPrefix(rowStream, d.Number))
		}
		return row(tx)
	})
	if err == nil && gone {
		t.replace(func(m map[uint32]*Stream) { delete(m, d.Number) })
		s.Tell()
	}
	return len(old) == trimChunk, err
}

// olderThan lists the sequence numbers of at most trimChunk records made
// before a time.
func (s *Stream) olderThan(horizon time.Time) (old []uint64, err error) {
	err = s.store.View(func(v store.Snapshot) error {
		return v.Scan(store.Prefix(streamPrefix(rowRecord, s.Definition().Number)), store.Ascending, func(key, value []byte) bool {
			if !recordTime(value).Before(horizon) || len(old) == trimChunk {
				return false
			}
			old = append(old, sequenceOf(key))
			return true
		})
	})
	return old, err
}
