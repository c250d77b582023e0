package answer

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// Capacity adds up the capacity units of a call. Nothing is throttled here;
// the figures are for ReturnConsumedCapacity.
type Capacity struct {
	mode string // of ReturnConsumedCapacity; empty: nobody asks
	// Transaction is "Read" or "Write" in transactions, which cost twice and
	// say which kind of units they used.
	Transaction string
	tables      []*tableConsumption
}

type tableConsumption struct {
	name    string
	units   float64
	indexes []indexConsumption
}

type indexConsumption struct {
	name  string
	local bool
	units float64
}

// NewCapacity makes one; mode is ReturnConsumedCapacity, nil when not given.
func NewCapacity(mode *string) *Capacity {
	c := new(Capacity)
	if mode != nil && *mode != "NONE" {
		c.mode = *mode
	}
	return c
}

func (c *Capacity) of(name string) *tableConsumption {
	for _, t := range c.tables {
		if t.name == name {
			return t
		}
	}
	t := &tableConsumption{name: name}
	c.tables = append(c.tables, t)
	return t
}

func (c *Capacity) factor() float64 {
	if c.Transaction != "" {
		return 2
	}
	return 1
}

const (
	readUnit  = 4096
	writeUnit = 1024
)

func unitsOf(size, unit int) float64 { return float64(max(1, (size+unit-1)/unit)) }

// Read adds the reading of size bytes, which were rounded up together.
func (c *Capacity) Read(name string, size int, consistent bool) {
	if c.mode != "" {
		c.of(name).units += c.readUnits(size, consistent)
	}
}

func (c *Capacity) readUnits(size int, consistent bool) float64 {
	units := unitsOf(size, readUnit) * c.factor()
	if !consistent && c.Transaction == "" {
		units /= 2
	}
	return units
}

// ReadIndex adds the reading of size bytes from an index.
func (c *Capacity) ReadIndex(name string, x *table.Index, size int, consistent bool) {
	if c.mode != "" {
		c.of(name).index(x, c.readUnits(size, consistent))
	}
}

// Write adds a change of an item of old and new bytes, and of its entries.
func (c *Capacity) Write(name string, oldBytes, newBytes int, touched []table.Touched) {
	if c.mode == "" {
		return
	}
	t := c.of(name)
	t.units += unitsOf(max(oldBytes, newBytes), writeUnit) * c.factor()
	for _, e := range touched {
		units := unitsOf(max(e.OldBytes, e.NewBytes), writeUnit)
		if e.Moved { // a deletion and an insertion
			units = unitsOf(e.OldBytes, writeUnit) + unitsOf(e.NewBytes, writeUnit)
		}
		t.index(e.Index, units*c.factor())
	}
}

func (t *tableConsumption) index(x *table.Index, units float64) {
	for i := range t.indexes {
		if t.indexes[i].name == x.Name {
			t.indexes[i].units += units
			return
		}
	}
	t.indexes = append(t.indexes, indexConsumption{x.Name, x.Local, units})
}

// Append appends ConsumedCapacity as one object.
func (c *Capacity) Append(dst []byte) []byte {
	if c.mode == "" || len(c.tables) == 0 {
		return dst
	}
	return c.appendTable(jsonwrite.Member(dst, "ConsumedCapacity"), c.tables[0])
}

// AppendList appends ConsumedCapacity as a list, one element a table.
func (c *Capacity) AppendList(dst []byte) []byte {
	if c.mode == "" {
		return dst
	}
	dst = jsonwrite.List(dst, "ConsumedCapacity")
	for _, t := range c.tables {
		dst = c.appendTable(jsonwrite.Comma(dst), t)
	}
	return append(dst, ']')
}

func (c *Capacity) appendTable(dst []byte, t *tableConsumption) []byte {
	total := t.units
	for _, x := range t.indexes {
		total += x.units
	}
	dst = jsonwrite.Text(append(dst, '{'), "TableName", t.name)
	dst = c.appendAll(dst, total)
	if c.mode == "INDEXES" {
		dst = append(c.appendAll(jsonwrite.Object(dst, "Table"), t.units), '}') // 0.0 when only an index was read
		dst = c.appendIndexes(dst, "LocalSecondaryIndexes", t.indexes, true)
		dst = c.appendIndexes(dst, "GlobalSecondaryIndexes", t.indexes, false)
	}
	return append(dst, '}')
}

func (c *Capacity) appendIndexes(dst []byte, name string, indexes []indexConsumption, local bool) []byte {
	if !slices.ContainsFunc(indexes, func(x indexConsumption) bool { return x.local == local }) {
		return dst
	}
	dst = jsonwrite.Object(dst, name)
	for _, x := range indexes {
		if x.local == local {
			dst = append(c.appendAll(jsonwrite.Object(dst, x.name), x.units), '}')
		}
	}
	return append(dst, '}')
}

func (c *Capacity) appendAll(dst []byte, units float64) []byte {
	dst = Units(dst, "CapacityUnits", units)
	if c.Transaction != "" {
		dst = Units(dst, c.Transaction+"CapacityUnits", units)
	}
	return dst
}
