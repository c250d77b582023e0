package table_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// definition is a table with a string hash key pk, a number range key sk, a
// local index on l and a global one on g and h.
func definition(name string) table.Definition {
	return table.Definition{
		Name:       name,
		Attributes: []table.AttributeType{{"g", "S"}, {"h", "N"}, {"l", "S"}, {"pk", "S"}, {"sk", "N"}},
		Key:        table.KeySchema{Hash: []string{"pk"}, Range: []string{"sk"}},
		Indexes: []table.Index{
			{Name: "local", Local: true, Key: table.KeySchema{Hash: []string{"pk"}, Range: []string{"l"}}, Projection: table.ProjectAll},
			{Name: "global", Key: table.KeySchema{Hash: []string{"g"}, Range: []string{"h"}}, Projection: table.ProjectKeys},
		},
	}
}

func item(pk string, sk int64, more ...attribute.Attribute) attribute.Item {
	return attribute.NewItem(append(more, attribute.Attribute{Name: "pk", Value: attribute.String(pk)}, attribute.Attribute{Name: "sk", Value: attribute.Int(sk)})...)
}

func with(name string, v attribute.Value) attribute.Attribute {
	return attribute.Attribute{Name: name, Value: v}
}

func openTables(t testing.TB, s *store.Store) *table.Tables {
	t.Helper()
	tables, err := table.Open(s, table.Options{Failed: func(err error) { t.Errorf("background work: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// put replaces or, when attributes is nil, deletes an item.
func put(t testing.TB, tables *table.Tables, name string, key, value attribute.Item) {
	t.Helper()
	err := tables.Write(context.Background(), func(w *table.Write) error {
		d := tables.Find(name).Definition()
		old, err := w.Item(d, d.RowKey(key))
		if err != nil {
			return err
		}
		_, err = w.Apply(table.Change{Definition: d, Key: d.RowKey(key), Old: old, New: value})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// list reads a whole table or index as "pk/sk" in order.
func list(t testing.TB, tables *table.Tables, name, index string, dir store.Direction) []string {
	t.Helper()
	rows := []string{}
	d := tables.Find(name).Definition()
	if err := tables.View(func(v table.View) error {
		return v.Scan(d, d.Index(index), d.Segment(d.Index(index), 0, 1), dir, func(it attribute.Item) bool {
			rows = append(rows, it.Get("pk").Text()+"/"+string(it.Get("sk").Number()))
			return true
		})
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTablesAndItemsSurviveReopening(t *testing.T) {
	ctx, file := context.Background(), filepath.Join(t.TempDir(), "tables.db")
	for round := range 2 {
		s, err := store.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		tables := openTables(t, s)
		if round == 0 {
			if _, err := tables.Create(ctx, definition("one")); err != nil {
				t.Fatal(err)
			}
			if _, err := tables.Create(ctx, definition("gone")); err != nil {
				t.Fatal(err)
			}
			put(t, tables, "one", item("a", 1), item("a", 1, with("l", attribute.String("x"))))
			put(t, tables, "gone", item("a", 1), item("a", 1))
			if _, err := tables.Drop(ctx, "gone"); err != nil {
				t.Fatal(err)
			}
		} else {
			if names := tables.Names(); !slices.Equal(names, []string{"one"}) {
				t.Errorf("tables are %v", names)
			}
			if rows := list(t, tables, "one", "local", store.Ascending); !slices.Equal(rows, []string{"a/1"}) {
				t.Errorf("index rows are %v", rows)
			}
			if _, err := tables.Create(ctx, definition("one")); err != table.ErrExists {
				t.Errorf("Create: %v", err)
			}
		}
		tables.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A dropped table leaves nothing behind, however large it was.
func TestDropRemovesEveryRow(t *testing.T) {
	s := store.OpenMemory()
	tables := openTables(t, s)
	d := definition("tab")
	d.SetExpiry("ttl")
	if _, err := tables.Create(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	later := attribute.Int(time.Now().Add(time.Hour).Unix())
	for i := range int64(1300) {
		put(t, tables, "tab", item("a", i), item("a", i, with("l", attribute.String("x")), with("g", attribute.String("g")), with("h", attribute.Int(i)), with("ttl", later)))
	}
	if _, err := tables.Drop(context.Background(), "tab"); err != nil {
		t.Fatal(err)
	}
	rows := 1
	for deadline := time.Now().Add(10 * time.Second); rows > 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		rows = 0
		_ = s.View(func(v store.Snapshot) error {
			return v.Scan(store.Range{}, store.Ascending, func(_, _ []byte) bool { rows++; return true })
		})
	}
	if rows > 0 {
		t.Errorf("%d rows remain", rows)
	}
	tables.Close()
	_ = s.Close()
}

func TestExpiredItemsAreSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.OpenMemory()
		tables := openTables(t, s)
		defer func() { tables.Close(); _ = s.Close() }()
		if _, err := tables.Create(context.Background(), definition("tab")); err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		in := func(seconds int64) attribute.Attribute { return with("ttl", attribute.Int(now+seconds)) }
		index := []attribute.Attribute{with("l", attribute.String("x")), with("g", attribute.String("g")), with("h", attribute.Int(1))}
		for i, ttl := range []attribute.Attribute{
			with("ttl", attribute.Bool(true)),
			in(10), // written before the time to live is enabled
			in(3600),
			with("ttl", attribute.String(fmt.Sprint(now+10))), // not a number
			with("ttl", attribute.Num("100000000000000000000")),
			in(-6 * 365 * 24 * 3600), // more than five years ago
			in(20),
		} {
			put(t, tables, "tab", item("a", int64(i)), item("a", int64(i), append(slices.Clone(index), ttl)...))
		}
		setExpiry := func(name string) {
			if _, err := tables.Change(context.Background(), "tab", func(d *table.Definition) error { d.SetExpiry(name); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := tables.Find("tab").Settled(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		check := func(want ...string) {
			t.Helper()
			for _, in := range []string{"", "local", "global"} {
				got := list(t, tables, "tab", in, store.Ascending)
				slices.Sort(got) // equal index keys come in the order of a hash
				if !slices.Equal(got, want) {
					t.Errorf("%q holds %v, want %v", in, got, want)
				}
			}
		}
		setExpiry("ttl")
		time.Sleep(8 * time.Second)
		check("a/0", "a/1", "a/2", "a/3", "a/4", "a/5", "a/6")
		time.Sleep(6 * time.Second)
		check("a/0", "a/2", "a/3", "a/4", "a/5", "a/6")
		// Renewed in time; and one that loses its time to live.
		put(t, tables, "tab", item("a", 6), item("a", 6, append(slices.Clone(index), in(100))...))
		time.Sleep(20 * time.Second)
		check("a/0", "a/2", "a/3", "a/4", "a/5", "a/6")
		setExpiry("")
		time.Sleep(2 * time.Hour)
		check("a/0", "a/2", "a/3", "a/4", "a/5", "a/6")
		setExpiry("ttl")
		time.Sleep(4 * time.Second)
		check("a/0", "a/3", "a/4", "a/5")
	})
}

func TestTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.OpenMemory()
		tables := openTables(t, s)
		defer func() { tables.Close(); _ = s.Close() }()
		remembered := func() (what string) {
			if err := tables.Write(context.Background(), func(w *table.Write) error {
				b, err := w.Remembered("token")
				what = string(b)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return what
		}
		if err := tables.Write(context.Background(), func(w *table.Write) error { return w.Remember("token", []byte("it")) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		if got := remembered(); got != "it" {
			t.Errorf("after 9 minutes: %q", got)
		}
		time.Sleep(2 * time.Minute)
		if got := remembered(); got != "" {
			t.Errorf("after 11 minutes: %q", got)
		}
		rows := 0
		_ = s.View(func(v store.Snapshot) error {
			return v.Scan(store.Range{}, store.Ascending, func(_, _ []byte) bool { rows++; return true })
		})
		if rows != 0 {
			t.Errorf("%d rows remain", rows)
		}
	})
}

// twin is a table as a list of items, by which the real one is judged.
type twin map[string]attribute.Item

// Whatever is written, queries on the table and its indexes find exactly the
// items that a plain list has, in order, in both directions, from any starting
// key; an index made later holds the same as one that was there.
func TestQueriesAgreeWithAPlainList(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := store.OpenMemory()
		tables := openTables(t, s)
		defer func() { tables.Close(); _ = s.Close() }()
		if _, err := tables.Create(context.Background(), definition("tab")); err != nil {
			t.Fatal(err)
		}
		expected := twin{}
		text := rapid.SampledFrom([]string{"", "a", "b", "a\x00", "\x00", "aa", "\xff"})
		number := rapid.SampledFrom([]string{"-10", "-1.5", "0", "0.25", "3", "20", "1000000000000000000000000000000"})
		pick := func(name string) (attribute.Value, attribute.Value) {
			return attribute.String(text.Filter(func(s string) bool { return s != "" }).Draw(r, name)), attribute.Num(attribute.Number(number.Draw(r, name)))
		}
		for range rapid.IntRange(1, 40).Draw(r, "writes") {
			pk, sk := pick("key")
			key := attribute.NewItem(with("pk", pk), with("sk", sk))
			value := key
			for _, name := range []string{"g", "l"} {
				if v := text.Draw(r, name); v != "" {
					value = value.With(name, attribute.String(v))
				}
			}
			if rapid.Bool().Draw(r, "has h") {
				value = value.With("h", attribute.Num(attribute.Number(number.Draw(r, "h"))))
			}
			id := pk.Text() + "/" + string(sk.Number())
			if rapid.IntRange(0, 4).Draw(r, "delete") == 0 {
				put(t, tables, "tab", key, nil)
				delete(expected, id)
			} else {
				put(t, tables, "tab", key, value)
				expected[id] = value
			}
		}
		if _, err := tables.Change(context.Background(), "tab", func(d *table.Definition) error {
			late := *d.Index("global")
			late.Name, late.Number, late.Status = "late", 0, ""
			d.Indexes = append(d.Indexes, late)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := tables.Find("tab").Settled(context.Background()); err != nil {
			t.Fatal(err)
		}
		checkQueries(t, r, tables, expected)
	})
}

func checkQueries(t *testing.T, r *rapid.T, tables *table.Tables, expected twin) {
	d := tables.Find("tab").Definition()
	counts := table.Counts{}
	_ = tables.View(func(v table.View) (err error) { counts, err = v.Counts(d); return err })
	for _, name := range []string{"", "local", "global", "late"} {
		index := d.Index(name)
		key := d.Key
		count := counts.Table
		if index != nil {
			key = index.Key
			count = counts.Indexes[index.Number]
		}
		in := 0
		var hash attribute.Value
		for _, it := range expected {
			if it.Has(key.Hash[0]) && it.Has(key.Range[0]) {
				in++
				hash = it.Get(key.Hash[0])
			}
		}
		if int(count.Items) != in {
			r.Fatalf("%q counts %d items, has %d", name, count.Items, in)
		}
		if !hash.Exists() {
			continue
		}
		low := attribute.Value{}
		for _, it := range expected {
			if it.Has(key.Range[0]) {
				low = it.Get(key.Range[0])
			}
		}
		for op := table.Any; op <= table.GreaterOrEqual; op++ {
			want := expected.query(d, key, hash, op, low)
			c := table.Condition{Hash: []attribute.Value{hash}, Operator: op, Low: low}
			for _, dir := range []store.Direction{store.Ascending, store.Descending} {
				if got := pages(r, tables, d, index, c, dir); !sameOrder(got, want, key.Range[0], dir) {
					r.Fatalf("%q operator %d: %v, want %v", name, op, got, want)
				}
			}
		}
	}
}

func (e twin) query(d *table.Definition, key table.KeySchema, hash attribute.Value, op table.Operator, low attribute.Value) (items []attribute.Item) {
	for _, it := range e {
		v := it.Get(key.Range[0])
		if !attribute.Equal(it.Get(key.Hash[0]), hash) || !v.Exists() {
			continue
		}
		order, _ := attribute.Compare(v, low)
		if op == table.Any || op == table.Less && order < 0 || op == table.LessOrEqual && order <= 0 ||
			op == table.Greater && order > 0 || op == table.GreaterOrEqual && order >= 0 {
			items = append(items, it)
		}
	}
	return items
}

// pages reads a query one item at a time.
func pages(r *rapid.T, tables *table.Tables, d *table.Definition, index *table.Index, c table.Condition, dir store.Direction) (items []attribute.Item) {
	rows := d.Query(index, c)
	for {
		var last attribute.Item
		if err := tables.View(func(v table.View) error {
			return v.Scan(d, index, rows, dir, func(it attribute.Item) bool { last = it.Clone(); return false })
		}); err != nil {
			r.Fatal(err)
		}
		if last == nil {
			return items
		}
		items = append(items, last)
		start := d.KeyOf(index, last)
		if e := d.CheckStart(index, start); e != nil {
			r.Fatal(e)
		}
		var outside table.Outside
		if rows, outside = d.From(rows, index, start, dir); outside != table.Inside {
			r.Fatalf("own key is outside: %d", outside)
		}
	}
}

// sameOrder tells whether got holds the items of want in the order of a key.
func sameOrder(got, want []attribute.Item, by string, dir store.Direction) bool {
	if len(got) != len(want) {
		return false
	}
	for i, it := range got {
		if !slices.ContainsFunc(want, func(w attribute.Item) bool { return attribute.EqualItems(w, it) }) {
			return false
		}
		if i > 0 {
			order, _ := attribute.Compare(got[i-1].Get(by), it.Get(by))
			if dir == store.Ascending && order > 0 || dir == store.Descending && order < 0 {
				return false
			}
		}
	}
	return true
}

// Items written while an index is being filled are in it exactly once.
func TestIndexIsFilledWhileItemsAreWritten(t *testing.T) {
	s := store.OpenMemory()
	tables := openTables(t, s)
	defer func() { tables.Close(); _ = s.Close() }()
	d := definition("tab")
	d.Indexes = nil
	if _, err := tables.Create(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	indexed := func(i int64, g string) attribute.Item {
		return item(strings.Repeat("x", int(i%7)+1), i, with("g", attribute.String(g)), with("h", attribute.Int(i)))
	}
	for i := range int64(3000) {
		put(t, tables, "tab", indexed(i, "old"), indexed(i, "old"))
	}
	if _, err := tables.Change(context.Background(), "tab", func(d *table.Definition) error {
		d.Indexes = append(d.Indexes, definition("").Indexes[1])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := int64(0); i < 3000; i += 3 {
		put(t, tables, "tab", indexed(i, "old"), indexed(i, "new"))
		if i%2 == 0 {
			put(t, tables, "tab", indexed(i, "old"), nil)
		}
	}
	if err := tables.Find("tab").Settled(context.Background()); err != nil {
		t.Fatal(err)
	}
	rows, index := list(t, tables, "tab", "", store.Ascending), list(t, tables, "tab", "global", store.Ascending)
	slices.Sort(rows)
	slices.Sort(index)
	if !slices.Equal(rows, index) || len(rows) != 2500 {
		t.Errorf("the table has %d items, the index %d", len(rows), len(index))
	}
	var counts table.Counts
	_ = tables.View(func(v table.View) (err error) {
		counts, err = v.Counts(tables.Find("tab").Definition())
		return err
	})
	if counts.Table.Items != 2500 || counts.Indexes[1].Items != 2500 {
		t.Errorf("counts are %+v", counts)
	}
}

// A table whose stream was only promised, by a Suiro that had none, gets one
// at the next start; a stream whose table let go of it in a Suiro that was
// killed just then is ended.
func TestStreamsAreSettledAtStart(t *testing.T) {
	s := store.OpenMemory()
	defer func() { _ = s.Close() }()
	tables := openTables(t, s)
	d := definition("kept")
	d.StreamViewType = "KEYS_ONLY"
	if _, err := tables.Create(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	tables.Close()
	// The table of number 1 as it was written before streams: without one.
	old := `{"Name":"kept","Number":1,"Key":{"Hash":["pk"]},"Attributes":[{"Name":"pk","Type":"S"}],"StreamViewType":"KEYS_ONLY","StreamLabel":"2020-01-01T00:00:00.000"}`
	if err := s.Commit(context.Background(), func(tx store.Tx) error { return tx.Put([]byte("d\x00\x00\x00\x01"), []byte(old)) }); err != nil {
		t.Fatal(err)
	}
	tables = openTables(t, s)
	defer tables.Close()
	list := tables.Streams().List("kept")
	if len(list) != 2 || list[0].Definition().Open() || !list[1].Definition().Open() || list[1].Definition().Number != tables.Find("kept").Definition().Stream {
		t.Fatalf("%+v", list)
	}
	put(t, tables, "kept", item("a", 1), item("a", 1))
	if p, err := list[1].Read(0, 10, 0); err != nil || len(p.Records) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}
