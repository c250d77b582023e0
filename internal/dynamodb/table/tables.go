package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
	"github.com/suiro-dev/suiro/internal/store"
)

var (
	// ErrNoTable: the table does not exist, or no longer.
	ErrNoTable = errors.New("table does not exist")
	// ErrExists: a table of that name exists.
	ErrExists = errors.New("table exists already")
)

// Table is one table. Its definition changes; the Table stays the same until
// the table is dropped.
type Table struct {
	definition atomic.Pointer[Definition]
	changed    atomic.Pointer[chan struct{}] // closed by the next publish
}

// Definition is what the table is now. Inside a Write it is what the write
// must go by; elsewhere it may be outdated a moment later.
func (t *Table) Definition() *Definition { return t.definition.Load() }

func newTable(d *Definition) *Table {
	t := new(Table)
	t.publish(d)
	return t
}

func (t *Table) publish(d *Definition) {
	t.definition.Store(d)
	next := make(chan struct{})
	if last := t.changed.Swap(&next); last != nil {
		close(*last)
	}
}

// Settled waits until nothing of the table is being made or removed in the
// background.
func (t *Table) Settled(ctx context.Context) error {
	for {
		changed := *t.changed.Load()
		if d := t.Definition(); d.Dropped || !d.unsettled() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Definition) unsettled() bool {
	return d.Expiry.Filling || d.Expiry.Clearing ||
		slices.ContainsFunc(d.Indexes, func(x Index) bool { return x.Status != StatusActive })
}

// Options of Open.
type Options struct {
	// SweepEvery is how often expired items are looked for; 0 means 2 s.
	SweepEvery time.Duration
	// Failed is told when work in the background fails; it is tried again.
	Failed func(error)
}

// Tables are all tables of one account in one store.
type Tables struct {
	store   *store.Store
	options Options
	streams *stream.Streams

	// byName is replaced as a whole, so that finding a table never waits.
	byName atomic.Pointer[map[string]*Table]
	// change is held while a definition changes, from reading it to publishing
	// its successor. dropped is guarded by it.
	change  sync.Mutex
	dropped []*Definition
	last    uint32 // highest number in use

	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

// Open reads the definitions in s and starts the work in the background.
func Open(s *store.Store, o Options) (*Tables, error) {
	if o.SweepEvery == 0 {
		o.SweepEvery = 2 * time.Second
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	streams, err := stream.Open(s)
	if err != nil {
		return nil, err
	}
	t := &Tables{store: s, options: o, streams: streams, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := t.load(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := t.settleStreams(ctx); err != nil {
		cancel()
		return nil, err
	}
	t.stop = cancel
	go func() {
		defer close(t.done)
		t.work(ctx)
	}()
	return t, nil
}

// Close ends the work in the background. The store stays open.
func (t *Tables) Close() {
	t.stop()
	<-t.done
}

func (t *Tables) load() error {
	byName := map[string]*Table{}
	err := t.store.View(func(v store.Snapshot) error {
		var broken error
		err := v.Scan(store.Prefix([]byte{rowDefinition}), store.Ascending, func(key, value []byte) bool {
			d := new(Definition)
			if broken = json.Unmarshal(value, d); broken != nil {
				return false
			}
			t.last = max(t.last, d.Number)
			if d.Dropped {
				t.dropped = append(t.dropped, d)
				return true
			}
			byName[d.Name] = newTable(d)
			return true
		})
		return errors.Join(err, broken)
	})
	if err != nil {
		return fmt.Errorf("read the table definitions: %w", err)
	}
	t.byName.Store(&byName)
	return nil
}

// Find returns a table by name, nil when there is none.
func (t *Tables) Find(name string) *Table { return (*t.byName.Load())[name] }

// Names lists the tables in byte order.
func (t *Tables) Names() []string { return slices.Sorted(maps.Keys(*t.byName.Load())) }

// Create makes a table of a definition, whose Number and index numbers it
// fills in, or fails with ErrExists.
func (t *Tables) Create(ctx context.Context, d Definition) (*Table, error) {
	t.change.Lock()
	defer t.change.Unlock()
	if t.Find(d.Name) != nil {
		return nil, ErrExists
	}
	d.Number = t.last + 1
	d.Indexes = slices.Clone(d.Indexes)
	for i := range d.Indexes {
		d.NextIndex++
		d.Indexes[i].Number = d.NextIndex
		d.Indexes[i].Status = StatusActive
	}
	if err := t.saveWithStream(ctx, &d, ""); err != nil {
		return nil, err
	}
	t.last = d.Number
	table := newTable(&d)
	byName := maps.Clone(*t.byName.Load())
	byName[d.Name] = table
	t.byName.Store(&byName)
	return table, nil
}

// Change publishes a new definition of a table: edit alters a copy of the old
// one. New indexes get StatusCreating and are filled in the background, as are
// the rows of a new Expiry; indexes set to StatusDeleting are removed there.
func (t *Tables) Change(ctx context.Context, name string, edit func(*Definition) error) (*Definition, error) {
	t.change.Lock()
	defer t.change.Unlock()
	table := t.Find(name)
	if table == nil {
		return nil, ErrNoTable
	}
	old := table.Definition()
	d := old.clone()
	if err := edit(d); err != nil {
		return nil, err
	}
	for i := range d.Indexes {
		if d.Indexes[i].Number == 0 {
			d.NextIndex++
			d.Indexes[i].Number, d.Indexes[i].Status = d.NextIndex, StatusCreating
		}
	}
	if err := t.saveWithStream(ctx, d, old.StreamViewType); err != nil {
		return nil, err
	}
	// Writes run one after the other in the store's committer: those that ran
	// before this line are in the rows that the background work reads later,
	// those after it go by the new definition.
	table.publish(d)
	t.awake()
	if old.Stream != d.Stream {
		return d, t.streams.End(ctx, old.Stream)
	}
	return d, nil
}

// SetExpiry alters a definition's time to live; an empty attribute ends it.
func (d *Definition) SetExpiry(attribute string) {
	d.Expiry = Expiry{
		Attribute:  attribute,
		Generation: d.Expiry.Generation + 1,
		Filling:    attribute != "",
		Clearing:   true,
	}
}

// Drop removes a table. Its rows are removed in the background.
func (t *Tables) Drop(ctx context.Context, name string) (*Definition, error) {
	t.change.Lock()
	defer t.change.Unlock()
	table := t.Find(name)
	if table == nil {
		return nil, ErrNoTable
	}
	d := table.Definition().clone()
	d.Dropped = true
	if err := t.save(ctx, d); err != nil {
		return nil, err
	}
	table.publish(d)
	byName := maps.Clone(*t.byName.Load())
	delete(byName, name)
	t.byName.Store(&byName)
	t.dropped = append(t.dropped, d)
	t.awake()
	return d, t.streams.End(ctx, d.Stream)
}

func (t *Tables) save(ctx context.Context, d *Definition, also ...func(store.Tx) error) error {
	value, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write the definition of table %s: %w", d.Name, err)
	}
	return t.store.Commit(ctx, func(tx store.Tx) error {
		for _, put := range also {
			if err := put(tx); err != nil {
				return err
			}
		}
		return tx.Put(d.prefix(rowDefinition), value)
	})
}

// Streams are the change streams of the tables, also of those that are gone.
func (t *Tables) Streams() *stream.Streams { return t.streams }

// saveWithStream saves a definition and begins the stream that it asks for
// when before was another view type.
func (t *Tables) saveWithStream(ctx context.Context, d *Definition, before string) error {
	if d.StreamViewType == before {
		return t.save(ctx, d)
	}
	d.Stream = 0
	if d.StreamViewType == "" {
		return t.save(ctx, d)
	}
	asked := stream.Definition{Table: d.Name, TableID: d.ID, View: d.StreamViewType, Hash: d.Key.Hash, Range: d.Key.Range}
	return t.streams.Begin(asked, func(label string, number uint32, put func(store.Tx) error) error {
		d.StreamLabel, d.Stream = label, number
		return t.save(ctx, d, put)
	})
}

// settleStreams brings tables and streams together after a start: a table
// whose stream was only promised by an earlier version gets one, and a stream
// that no table writes to any more (Suiro was killed just then) is ended.
func (t *Tables) settleStreams(ctx context.Context) error {
	used := map[uint32]bool{}
	for _, table := range *t.byName.Load() {
		if d := table.Definition(); d.StreamViewType != "" && d.Stream == 0 {
			d = d.clone()
			if err := t.saveWithStream(ctx, d, ""); err != nil {
				return err
			}
			table.publish(d)
		}
		used[table.Definition().Stream] = true
	}
	for _, s := range t.streams.List("") {
		if number := s.Definition().Number; !used[number] {
			if err := t.streams.End(ctx, number); err != nil {
				return err
			}
		}
	}
	return nil
}

// awake tells the background work that there is some.
func (t *Tables) awake() {
	select {
	case t.wake <- struct{}{}:
	default: // it has been told
	}
}
