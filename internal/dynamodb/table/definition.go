// Package table keeps DynamoDB tables in a store: their definitions, their
// items, the rows of their indexes and of their time to live.
//
// A [Definition] says what a table is; it never changes once published, a
// change publishes another. A [View] reads items of one moment. A [Write]
// changes items inside one commit of the store: the item, its index rows, its
// expiry row and the table's counts land together or not at all.
//
// Slow work (filling a new index, removing a dropped table's rows, deleting
// expired items) is done in chunks by one goroutine; what remains to be done
// is part of the definitions, so it goes on after a restart.
package table

import (
	"slices"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// Definition is everything about a table except its items. It is immutable:
// [Tables.Change] works on a copy.
type Definition struct {
	Name    string
	ID      string // a UUID, fixed for the table's life
	Number  uint32 // begins the table's rows in the store; never two tables' at once
	Created time.Time
	Dropped bool // the table is gone, its rows are being removed

	Attributes []AttributeType // of keys only, sorted by name
	Key        KeySchema       // one Hash, at most one Range
	Indexes    []Index         // local ones first, each kind in submitted order
	NextIndex  uint32          // number of the last index made

	OnDemand           bool
	OnDemandSince      time.Time
	Throughput         Throughput
	OnDemandThroughput *OnDemandThroughput `json:",omitempty"`
	TableClass         string              `json:",omitempty"`
	DeletionProtection bool
	EncryptionKey      string `json:",omitempty"` // ARN of a KMS key; nothing is encrypted
	Recovery           bool   // point-in-time recovery was asked for; nothing is kept

	StreamViewType string `json:",omitempty"` // empty: no stream
	StreamLabel    string `json:",omitempty"` // of the latest stream, also after it was disabled
	Stream         uint32 `json:",omitempty"` // number of the stream that records changes, 0 for none
	Expiry         Expiry
	Tags           map[string]string `json:",omitempty"`
}

// AttributeType is the declared type of a key attribute.
type AttributeType struct {
	Name string
	Type string // S, N or B
}

// KeySchema names the attributes of a key. Global indexes may have up to four
// of each kind; tables and local indexes have one Hash and at most one Range.
type KeySchema struct {
	Hash  []string
	Range []string `json:",omitempty"`
}

// Names are all attributes of the key, Hash first.
func (k KeySchema) Names() []string { return append(slices.Clone(k.Hash), k.Range...) }

// Has tells whether an attribute is part of the key.
func (k KeySchema) Has(name string) bool {
	return slices.Contains(k.Hash, name) || slices.Contains(k.Range, name)
}

// Throughput is provisioned capacity; on-demand tables have zeros.
type Throughput struct {
	Read, Write int64
}

// OnDemandThroughput caps an on-demand table; -1 is no cap. Nothing is
// throttled here, the figures are only shown.
type OnDemandThroughput struct {
	Read, Write int64
}

// Status of an index, in DynamoDB's words.
const (
	StatusActive   = "ACTIVE"
	StatusCreating = "CREATING" // rows of existing items are being added
	StatusDeleting = "DELETING" // rows are being removed; nothing writes or reads them
)

// Projection types.
const (
	ProjectAll      = "ALL"
	ProjectKeys     = "KEYS_ONLY"
	ProjectIncluded = "INCLUDE"
)

// Index is a secondary index. Its rows hold no attributes: an index row leads
// to its item in the same snapshot, and the projection is applied on reading.
type Index struct {
	Name   string
	Number uint32
	Local  bool
	Status string
	Key    KeySchema

	Projection         string
	Included           []string            `json:",omitempty"` // sorted; only with ProjectIncluded
	Throughput         Throughput          // of global indexes of provisioned tables
	OnDemandThroughput *OnDemandThroughput `json:",omitempty"`
}

// Expiry is a table's time to live.
type Expiry struct {
	Attribute string `json:",omitempty"` // empty: disabled
	// Generation tells the expiry rows of this Attribute from those of an
	// earlier one that are still being removed.
	Generation uint32
	Filling    bool // rows of existing items are being added
	Clearing   bool // rows of earlier generations are being removed
}

// TypeOf is the declared type of a key attribute, None of others.
func (d *Definition) TypeOf(name string) attribute.Kind {
	for _, a := range d.Attributes {
		if a.Name == name {
			kind, _ := attribute.ParseKind(a.Type)
			return kind
		}
	}
	return attribute.None
}

// Index finds an index by name, nil when there is none.
func (d *Definition) Index(name string) *Index {
	for i := range d.Indexes {
		if d.Indexes[i].Name == name {
			return &d.Indexes[i]
		}
	}
	return nil
}

// HasLocalIndex tells whether items form collections that are measured.
func (d *Definition) HasLocalIndex() bool {
	return slices.ContainsFunc(d.Indexes, func(x Index) bool { return x.Local })
}

// KeyOf is an item reduced to its key: the table's and, when index is not
// nil, the index's.
func (d *Definition) KeyOf(index *Index, item attribute.Item) attribute.Item {
	key := make(attribute.Item, 0, 4)
	for i := range item {
		if d.Key.Has(item[i].Name) || index != nil && index.Key.Has(item[i].Name) {
			key = append(key, item[i])
		}
	}
	return key
}

// Projects tells whether entries of the index show an attribute.
func (d *Definition) Projects(index *Index, name string) bool {
	return index.Projection == ProjectAll || d.Key.Has(name) || index.Key.Has(name) ||
		index.Projection == ProjectIncluded && slices.Contains(index.Included, name)
}

// Project is what the index shows of an item.
func (d *Definition) Project(index *Index, item attribute.Item) attribute.Item {
	if index.Projection == ProjectAll {
		return item
	}
	shown := make(attribute.Item, 0, len(item))
	for i := range item {
		if d.Projects(index, item[i].Name) {
			shown = append(shown, item[i])
		}
	}
	return shown
}

// clone copies what Change may alter.
func (d *Definition) clone() *Definition {
	c := *d
	c.Attributes = slices.Clone(d.Attributes)
	c.Indexes = slices.Clone(d.Indexes)
	c.Tags = make(map[string]string, len(d.Tags))
	for k, v := range d.Tags {
		c.Tags[k] = v
	}
	return &c
}
