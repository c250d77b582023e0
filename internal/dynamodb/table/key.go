package table

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/store"
)

// Every row of the store that belongs to tables begins with one of these.
// Behind it stands the table's number, except for tokens.
const (
	rowDefinition byte = 'd' // number → definition as JSON
	rowCounts     byte = 'c' // number → counts of table and indexes
	rowItem       byte = 'i' // number, key → item
	rowIndex      byte = 'n' // number, index number, index key, hash of key, key → key
	rowExpiry     byte = 'x' // number, generation, second, key → nothing
	rowToken      byte = 'k' // client request token → when and what
)

// Limits of key values in bytes (Amazon DynamoDB Developer Guide, "Quotas").
const (
	MaxHashSize  = 2048
	MaxRangeSize = 1024
)

// KeyProblem is what is wrong with a key.
type KeyProblem int

const (
	KeyMissing   KeyProblem = iota // an attribute of the key is absent
	KeyType                        // it has another type than declared
	KeyExtra                       // a Key parameter has an attribute that is not of the key
	KeyEmpty                       // an empty string or binary
	HashTooLong                    // over MaxHashSize
	RangeTooLong                   // over MaxRangeSize
)

// KeyError tells why an item cannot be stored or a key cannot be looked up.
// The words depend on the operation, so they are the caller's.
type KeyError struct {
	Problem   KeyProblem
	Attribute string
	Expected  attribute.Kind
	Actual    attribute.Kind
	Index     string // the index whose key it is; empty for the table's
}

func (e *KeyError) Error() string { return "key attribute " + e.Attribute + " is not usable" }

// CheckItem checks the table's key in an item that is to be stored.
func (d *Definition) CheckItem(item attribute.Item) *KeyError {
	return d.checkKey(d.Key, item, false)
}

// CheckKey checks a Key parameter: the table's key and nothing else.
func (d *Definition) CheckKey(key attribute.Item) *KeyError {
	if e := d.checkTypes(d.Key, key, false); e != nil {
		return e
	}
	for i := range key {
		if !d.Key.Has(key[i].Name) {
			return &KeyError{Problem: KeyExtra, Attribute: key[i].Name}
		}
	}
	return d.checkSizes(d.Key, key)
}

// CheckStart checks an ExclusiveStartKey: the table's key, the index's too
// when there is one, and nothing else.
func (d *Definition) CheckStart(index *Index, key attribute.Item) *KeyError {
	if index == nil {
		return d.CheckKey(key)
	}
	for _, schema := range []KeySchema{d.Key, index.Key} {
		if e := d.checkKey(schema, key, false); e != nil {
			return e
		}
	}
	for i := range key {
		if name := key[i].Name; !d.Key.Has(name) && !index.Key.Has(name) {
			return &KeyError{Problem: KeyExtra, Attribute: name}
		}
	}
	return nil
}

// StartsWhole tells whether an ExclusiveStartKey has the attributes that it
// needs and no others, which DynamoDB looks at before their types.
func (d *Definition) StartsWhole(index *Index, key attribute.Item) bool {
	needed := d.Key.Names()
	if index != nil {
		needed = append(needed, index.Key.Names()...)
	}
	slices.Sort(needed)
	needed = slices.Compact(needed)
	for _, name := range needed {
		if !key.Get(name).Exists() {
			return false
		}
	}
	return len(key) == len(needed)
}

// CheckIndexKeys checks the attributes of an item that are keys of indexes:
// they may be absent, but not of another type or empty. The alphabetically
// first index at fault is named.
func (d *Definition) CheckIndexKeys(item attribute.Item) *KeyError {
	var worst *KeyError
	for i := range d.Indexes {
		x := &d.Indexes[i]
		if x.Status == StatusDeleting || worst != nil && worst.Index <= x.Name {
			continue
		}
		if e := d.checkKey(x.Key, item, true); e != nil {
			e.Index = x.Name
			worst = e
		}
	}
	return worst
}

// checkKey checks one key; a sparse one may lack attributes.
func (d *Definition) checkKey(k KeySchema, item attribute.Item, sparse bool) *KeyError {
	if e := d.checkTypes(k, item, sparse); e != nil {
		return e
	}
	return d.checkSizes(k, item)
}

func (d *Definition) checkTypes(k KeySchema, item attribute.Item, sparse bool) *KeyError {
	for _, names := range [2][]string{k.Hash, k.Range} {
		for _, name := range names {
			v, want := item.Get(name), d.TypeOf(name)
			switch {
			case !v.Exists() && !sparse:
				return &KeyError{Problem: KeyMissing, Attribute: name, Expected: want}
			case v.Exists() && v.Kind() != want:
				return &KeyError{Problem: KeyType, Attribute: name, Expected: want, Actual: v.Kind()}
			}
		}
	}
	return nil
}

func (d *Definition) checkSizes(k KeySchema, item attribute.Item) *KeyError {
	var sizes [2]int
	for i, names := range [2][]string{k.Hash, k.Range} {
		for _, name := range names {
			v := item.Get(name)
			if v.Exists() && v.Kind() != attribute.N && v.Len() == 0 {
				return &KeyError{Problem: KeyEmpty, Attribute: name, Expected: v.Kind(), Actual: v.Kind()}
			}
			sizes[i] += attribute.ValueSize(v)
		}
	}
	switch {
	case sizes[0] > MaxHashSize:
		return &KeyError{Problem: HashTooLong, Attribute: k.Hash[0]}
	case sizes[1] > MaxRangeSize:
		return &KeyError{Problem: RangeTooLong, Attribute: k.Range[0]}
	}
	return nil
}

// prefix begins all rows of one kind of a table.
func (d *Definition) prefix(kind byte) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 128), kind), d.Number)
}

func (d *Definition) indexPrefix(x *Index) []byte {
	return binary.BigEndian.AppendUint32(d.prefix(rowIndex), x.Number)
}

// Key is a table key in the form that orders rows: a hash of the partition
// key (Amazon scans partitions in the order of a hash), then the key's values.
type Key []byte

// RowKey makes the key of an item, or of a Key parameter, that was checked.
func (d *Definition) RowKey(item attribute.Item) Key {
	hash := item.Get(d.Key.Hash[0])
	prefix := attribute.HashPrefix(hash)
	key := append(make(Key, 0, 64), prefix[:]...)
	key = attribute.AppendKey(key, hash)
	if len(d.Key.Range) > 0 {
		key = attribute.AppendKey(key, item.Get(d.Key.Range[0]))
	}
	return key
}

func (d *Definition) itemRow(key Key) []byte { return append(d.prefix(rowItem), key...) }

// indexRow is the row of an item in an index; nil when the item is not in it,
// because an index key attribute is absent or cannot be a key.
func (d *Definition) indexRow(x *Index, item attribute.Item, key Key) []byte {
	hashes := make([]attribute.Value, len(x.Key.Hash))
	hashSize, rangeSize := 0, 0
	for i, name := range x.Key.Hash {
		hashes[i] = item.Get(name)
		if !d.indexable(name, hashes[i]) {
			return nil
		}
		hashSize += attribute.ValueSize(hashes[i])
	}
	if hashSize > MaxHashSize {
		return nil
	}
	row := appendPartition(d.indexPrefix(x), hashes)
	for _, name := range x.Key.Range {
		v := item.Get(name)
		if !d.indexable(name, v) {
			return nil
		}
		if rangeSize += attribute.ValueSize(v); rangeSize > MaxRangeSize {
			return nil
		}
		row = attribute.AppendKey(row, v)
	}
	// Entries with equal index keys are ordered by a hash of the table's key.
	tie := attribute.HashPrefix(item.Get(d.Key.Hash[0]))
	if len(d.Key.Range) > 0 {
		tie = attribute.HashPrefix(item.Get(d.Key.Hash[0]), item.Get(d.Key.Range[0]))
	}
	return append(append(row, tie[:]...), key...)
}

func (d *Definition) indexable(name string, v attribute.Value) bool {
	return v.Exists() && v.Kind() == d.TypeOf(name) && (v.Kind() == attribute.N || v.Len() > 0)
}

func appendPartition(dst []byte, hashes []attribute.Value) []byte {
	prefix := attribute.HashPrefix(hashes...)
	dst = append(dst, prefix[:]...)
	for _, v := range hashes {
		dst = attribute.AppendKey(dst, v)
	}
	return dst
}

// Operator is a condition on the last sort key attribute of a query.
type Operator int

const (
	Any Operator = iota
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	Between
	BeginsWith
)

// Condition selects the rows of a query: the partition key's values, leading
// sort key attributes that must be equal, and one condition on the next.
type Condition struct {
	Hash      []attribute.Value
	Equal     []attribute.Value
	Operator  Operator
	Low, High attribute.Value // High only with Between
}

// Range is a part of a table or an index that rows are read from.
type Range struct {
	rows store.Range
	// partition holds the whole partition of a query, to tell a starting key
	// that is outside of it from one that is outside of the condition.
	partition store.Range
}

// Query is the range of a key condition on the table (index nil) or an index.
func (d *Definition) Query(index *Index, c Condition) Range {
	base := appendPartition(d.base(index), c.Hash)
	partition := store.Prefix(slices.Clone(base))
	for _, v := range c.Equal {
		base = attribute.AppendKey(base, v)
	}
	end := store.After(base)
	with := func(v attribute.Value) []byte { return attribute.AppendKey(slices.Clone(base), v) }
	r := store.Range{From: base, To: end}
	switch c.Operator {
	case Less:
		r.To = with(c.Low)
	case LessOrEqual:
		r.To = store.After(with(c.Low))
	case Greater:
		r.From = store.After(with(c.Low))
	case GreaterOrEqual:
		r.From = with(c.Low)
	case Between:
		r.From, r.To = with(c.Low), store.After(with(c.High))
	case BeginsWith:
		r = store.Prefix(attribute.AppendKeyPrefix(base, c.Low))
	}
	return Range{rows: r, partition: partition}
}

// Segment is the range of one segment of a parallel scan, of everything for
// segment 0 of 1. Segments split the range of the first twelve bits of the
// partition keys' hash.
func (d *Definition) Segment(index *Index, segment, total int) Range {
	base := d.base(index)
	r := store.Prefix(base)
	bound := func(i int) []byte {
		first := (4096*i + total - 1) / total
		if first >= 4096 {
			return store.After(base)
		}
		return append(slices.Clone(base), byte(first>>4), byte(first<<4))
	}
	if total > 1 {
		r = store.Range{From: bound(segment), To: bound(segment + 1)}
	}
	return Range{rows: r, partition: r}
}

func (d *Definition) base(index *Index) []byte {
	if index == nil {
		return d.prefix(rowItem)
	}
	return d.indexPrefix(index)
}

// Outside tells where a starting key does not fit the range it continues.
type Outside int

const (
	Inside Outside = iota
	OutsidePartition
	OutsideCondition
)

// From cuts a range to what follows a starting key, which was checked with
// CheckStart and need not exist.
func (d *Definition) From(r Range, index *Index, start attribute.Item, dir store.Direction) (Range, Outside) {
	key := d.RowKey(start)
	row := []byte(nil)
	if index == nil {
		row = d.itemRow(key)
	} else {
		row = d.indexRow(index, start, key)
	}
	switch {
	case !contains(r.partition, row):
		return r, OutsidePartition
	case !contains(r.rows, row):
		return r, OutsideCondition
	}
	if dir == store.Descending {
		r.rows.To = row
	} else {
		r.rows.From = append(row, 0)
	}
	return r, Inside
}

func contains(r store.Range, row []byte) bool {
	return bytes.Compare(row, r.From) >= 0 && (len(r.To) == 0 || bytes.Compare(row, r.To) < 0)
}
