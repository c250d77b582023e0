package request

import (
	"iter"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// CreateTable is the input of CreateTable.
type CreateTable struct {
	TableName          *string
	Attributes         []AttributeDefinition
	Key                []KeyElement
	Local, Global      []Index // nil when not given
	Billing            *string
	Throughput         *Throughput
	OnDemand           *OnDemand
	Stream             *Stream
	Encryption         *Encryption
	TableClass         *string
	DeletionProtection *bool
	Tags               []Tag

	hasAttributes, hasKey bool
}

// AttributeDefinition declares a key attribute.
type AttributeDefinition struct {
	Name, Type *string
}

// KeyElement is an element of a key schema.
type KeyElement struct {
	Name, Type *string
}

// Index is a secondary index as CreateTable and UpdateTable get it.
type Index struct {
	Name       *string
	Key        []KeyElement
	Projection *Projection
	Throughput *Throughput
	OnDemand   *OnDemand
	hasKey     bool
}

// Projection says what an index shows.
type Projection struct {
	Type     *string
	NonKey   []string
	included bool // NonKeyAttributes was given
}

// Throughput is provisioned capacity.
type Throughput struct {
	Read, Write *int64
}

// OnDemand caps an on-demand table.
type OnDemand struct {
	Read, Write *int64
}

// Stream is a StreamSpecification.
type Stream struct {
	Enabled *bool
	View    *string
}

// Encryption is an SSESpecification.
type Encryption struct {
	Enabled     *bool
	Type, KeyID *string
}

// Tag is a name and a value on a table.
type Tag struct {
	Key, Value *string
}

// ReadCreateTable reads the input of CreateTable.
func ReadCreateTable(body *attribute.Reader) *CreateTable {
	r, q := reader{body}, &CreateTable{}
	for name := range r.Struct("CreateTableInput") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "AttributeDefinitions":
			q.Attributes, q.hasAttributes = r.definitions(), true
		case "KeySchema":
			q.Key, q.hasKey = r.key(), true
		case "LocalSecondaryIndexes":
			q.Local = r.indexes("LocalSecondaryIndex")
		case "GlobalSecondaryIndexes":
			q.Global = r.indexes("GlobalSecondaryIndex")
		case "BillingMode":
			q.Billing = r.text()
		case "ProvisionedThroughput":
			q.Throughput = r.throughput()
		case "OnDemandThroughput":
			q.OnDemand = r.onDemand()
		case "StreamSpecification":
			q.Stream = r.stream()
		case "SSESpecification":
			q.Encryption = r.encryption()
		case "TableClass":
			q.TableClass = r.text()
		case "DeletionProtectionEnabled":
			q.DeletionProtection = r.truth()
		case "Tags":
			q.Tags = r.tags()
		}
	}
	return q
}

func (r reader) definitions() []AttributeDefinition {
	list := []AttributeDefinition{}
	for range r.List() {
		var d AttributeDefinition
		for name := range r.Entry("AttributeDefinition") {
			switch name {
			case "AttributeName":
				d.Name = r.text()
			case "AttributeType":
				d.Type = r.text()
			}
		}
		list = append(list, d)
	}
	return list
}

func (r reader) key() []KeyElement {
	list := []KeyElement{}
	for range r.List() {
		var k KeyElement
		for name := range r.Entry("KeySchemaElement") {
			switch name {
			case "AttributeName":
				k.Name = r.text()
			case "KeyType":
				k.Type = r.text()
			}
		}
		list = append(list, k)
	}
	return list
}

func (r reader) indexes(typ string) []Index {
	list := []Index{}
	for range r.List() {
		list = append(list, r.index(r.Entry(typ)))
	}
	return list
}

func (r reader) index(members iter.Seq[string]) Index {
	var x Index
	for name := range members {
		switch name {
		case "IndexName":
			x.Name = r.text()
		case "KeySchema":
			x.Key, x.hasKey = r.key(), true
		case "Projection":
			x.Projection = r.projection()
		case "ProvisionedThroughput":
			x.Throughput = r.throughput()
		case "OnDemandThroughput":
			x.OnDemand = r.onDemand()
		}
	}
	return x
}

func (r reader) projection() *Projection {
	p := new(Projection)
	for name := range r.Struct("Projection") {
		switch name {
		case "ProjectionType":
			p.Type = r.text()
		case "NonKeyAttributes":
			p.NonKey, p.included = r.texts(), true
		}
	}
	return p
}

func (r reader) throughput() *Throughput {
	t := new(Throughput)
	for name := range r.Struct("ProvisionedThroughput") {
		switch name {
		case "ReadCapacityUnits":
			t.Read = r.integer("Long")
		case "WriteCapacityUnits":
			t.Write = r.integer("Long")
		}
	}
	return t
}

func (r reader) onDemand() *OnDemand {
	t := new(OnDemand)
	for name := range r.Struct("OnDemandThroughput") {
		switch name {
		case "MaxReadRequestUnits":
			t.Read = r.integer("Long")
		case "MaxWriteRequestUnits":
			t.Write = r.integer("Long")
		}
	}
	return t
}

func (r reader) stream() *Stream {
	s := new(Stream)
	for name := range r.Struct("StreamSpecification") {
		switch name {
		case "StreamEnabled":
			s.Enabled = r.truth()
		case "StreamViewType":
			s.View = r.text()
		}
	}
	return s
}

func (r reader) encryption() *Encryption {
	e := new(Encryption)
	for name := range r.Struct("SSESpecification") {
		switch name {
		case "Enabled":
			e.Enabled = r.truth()
		case "SSEType":
			e.Type = r.text()
		case "KMSMasterKeyId":
			e.KeyID = r.text()
		}
	}
	return e
}

func (r reader) tags() []Tag {
	list := []Tag{}
	for range r.List() {
		var t Tag
		for name := range r.Entry("Tag") {
			switch name {
			case "Key":
				t.Key = r.text()
			case "Value":
				t.Value = r.text()
			}
		}
		list = append(list, t)
	}
	return list
}

// UpdateTable is the input of UpdateTable.
type UpdateTable struct {
	TableName          *string
	Attributes         []AttributeDefinition
	Indexes            []IndexUpdate // nil when not given
	Billing            *string
	Throughput         *Throughput
	OnDemand           *OnDemand
	Stream             *Stream
	Encryption         *Encryption
	TableClass         *string
	DeletionProtection *bool
	hasReplicas        bool
}

// IndexUpdate is one change of the global indexes: exactly one is set.
type IndexUpdate struct {
	Create, Update, Delete *Index
}

// ReadUpdateTable reads the input of UpdateTable.
func ReadUpdateTable(body *attribute.Reader) *UpdateTable {
	r, q := reader{body}, &UpdateTable{}
	for name := range r.Struct("UpdateTableInput") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "AttributeDefinitions":
			q.Attributes = r.definitions()
		case "GlobalSecondaryIndexUpdates":
			q.Indexes = r.indexUpdates()
		case "BillingMode":
			q.Billing = r.text()
		case "ProvisionedThroughput":
			q.Throughput = r.throughput()
		case "OnDemandThroughput":
			q.OnDemand = r.onDemand()
		case "StreamSpecification":
			q.Stream = r.stream()
		case "SSESpecification":
			q.Encryption = r.encryption()
		case "TableClass":
			q.TableClass = r.text()
		case "DeletionProtectionEnabled":
			q.DeletionProtection = r.truth()
		case "ReplicaUpdates":
			q.hasReplicas = true
		}
	}
	return q
}

func (r reader) indexUpdates() []IndexUpdate {
	list := []IndexUpdate{}
	for range r.List() {
		var u IndexUpdate
		for name := range r.Entry("GlobalSecondaryIndexUpdate") {
			switch name {
			case "Create":
				x := r.index(r.Struct("CreateGlobalSecondaryIndexAction"))
				u.Create = &x
			case "Update":
				x := r.index(r.Struct("UpdateGlobalSecondaryIndexAction"))
				u.Update = &x
			case "Delete":
				x := r.index(r.Struct("DeleteGlobalSecondaryIndexAction"))
				u.Delete = &x
			}
		}
		list = append(list, u)
	}
	return list
}

// ListTables is the input of ListTables.
type ListTables struct {
	Start *string
	Limit *int64
}

// ReadListTables reads the input of ListTables.
func ReadListTables(body *attribute.Reader) *ListTables {
	r, q := reader{body}, &ListTables{}
	for name := range r.Struct("ListTablesInput") {
		switch name {
		case "ExclusiveStartTableName":
			q.Start = r.text()
		case "Limit":
			q.Limit = r.integer("Integer")
		}
	}
	return q
}

// Check checks the request's members.
func (q *ListTables) Check() error {
	c := constraints{layer: attribute.Old}
	c.atLeast("limit", q.Limit, 1)
	c.atMost("limit", q.Limit, 100)
	c.name("exclusiveStartTableName", q.Start, 3)
	return c.err()
}

// NamedTable is the input of the operations that take a table's name and
// nothing else that matters here.
type NamedTable struct {
	TableName *string
}

// ReadNamedTable reads the input of such an operation.
func ReadNamedTable(body *attribute.Reader) *NamedTable {
	r, q := reader{body}, &NamedTable{}
	for name := range r.Struct("TableInput") {
		if name == "TableName" {
			q.TableName = r.table()
		}
	}
	return q
}

// Check checks the request's members.
func (q *NamedTable) Check() error {
	if q.TableName == nil {
		return message.CreateTable.Refuse(message.TableNameMissing)
	}
	c := constraints{layer: attribute.Old}
	c.name("tableName", q.TableName, 1)
	return c.err()
}
