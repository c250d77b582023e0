package request

import (
	"fmt"
	"maps"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// Limits of batches (Amazon DynamoDB Developer Guide, "Quotas").
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
)

// BatchGet is the input of BatchGetItem.
type BatchGet struct {
	Tables   []TableKeys
	Consumed *string
	given    bool
}

// TableKeys are the keys that a BatchGetItem reads from one table.
type TableKeys struct {
	Name           string // without its ARN
	Given          string // as it was sent: answers name it so
	Keys           []attribute.Item
	ConsistentRead bool
	Compiled       *expression.Compiled // after Check
	Expressions

	hasKeys bool
	refused *attribute.Error
	older   older
}

// ReadBatchGet reads the input of BatchGetItem.
func ReadBatchGet(body *attribute.Reader) *BatchGet {
	r, q := reader{body}, &BatchGet{}
	for name := range r.Struct("BatchGetItemInput") {
		switch name {
		case "RequestItems":
			q.given = true
			for table := range r.Map("KeysAndAttributes") {
				q.Tables = append(q.Tables, r.tableKeys(table))
			}
		case "ReturnConsumedCapacity":
			q.Consumed = r.text()
		}
	}
	return q
}

func (r reader) tableKeys(table string) TableKeys {
	t := TableKeys{Name: TableName(table), Given: table}
	for name := range r.Entry("KeysAndAttributes") {
		switch name {
		case "Keys":
			t.hasKeys = true
			for range r.List() {
				key, refused := r.Item(attribute.New)
				if t.refused == nil {
					t.refused = refused
				}
				t.Keys = append(t.Keys, key)
			}
		case "ConsistentRead":
			t.ConsistentRead = r.Truth()
		default:
			if !t.older.read(r, attribute.New, name) {
				t.read(r, attribute.New, name)
			}
		}
	}
	return t
}

// Check makes every check that needs no table.
func (q *BatchGet) Check(c *expression.Compiler) error {
	if err := q.constraints(); err != nil {
		return err
	}
	keys, expressions, attributes := 0, false, false
	for i := range q.Tables {
		t := &q.Tables[i]
		keys += len(t.Keys)
		expressions = expressions || t.Projection != nil
		attributes = attributes || t.older.has("AttributesToGet")
	}
	switch {
	case expressions && attributes:
		return message.BatchGetItem.Refuse(message.BatchBothStyles)
	case keys > maxBatchGet:
		return message.BatchGetItem.Refuse(message.BatchTooMany)
	}
	for i := range q.Tables {
		if err := q.Tables[i].check(c); err != nil {
			return err
		}
	}
	return nil
}

func (q *BatchGet) constraints() error {
	c := constraints{layer: attribute.New}
	c.enum("returnConsumedCapacity", q.Consumed, enumConsumed)
	c.required("requestItems", q.given)
	if q.given {
		c.count("requestItems", "{}", len(q.Tables), 1, maxBatchGet)
	}
	for _, t := range q.Tables {
		path := "requestItems." + t.Given + ".member."
		c.name(path[:len(path)-1], &t.Name, 1)
		c.required(path+"keys", t.hasKeys)
		if t.hasKeys {
			c.count(path+"keys", "", len(t.Keys), 1, maxBatchGet)
		}
	}
	return c.err()
}

func (t *TableKeys) check(c *expression.Compiler) error {
	err := firstError(
		expression.CheckStyles(t.older.given(), t.given()),
		asError(t.refused),
		t.checkPresence(attribute.New, nil),
		t.checkValues(attribute.New),
	)
	if err != nil {
		return err
	}
	if t.Compiled, err = t.older.compile(); t.Compiled == nil && err == nil {
		t.Compiled, err = c.Compile(t.request(attribute.New, nil))
	}
	return err
}

// AppendJSON appends the request for some of the keys, for UnprocessedKeys.
func (t *TableKeys) AppendJSON(dst []byte, keys []attribute.Item) []byte {
	dst = append(dst, `{"Keys":[`...)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = key.AppendJSON(dst)
	}
	dst = append(dst, ']')
	if t.ConsistentRead {
		dst = append(dst, `,"ConsistentRead":true`...)
	}
	if t.Projection != nil {
		dst = jsonwrite.String(append(dst, `,"ProjectionExpression":`...), *t.Projection)
	}
	if t.Names != nil {
		dst = append(dst, `,"ExpressionAttributeNames":{`...)
		for i, name := range slices.Sorted(maps.Keys(t.Names)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsonwrite.String(dst, name), ':')
			dst = jsonwrite.String(dst, t.Names[name])
		}
		dst = append(dst, '}')
	}
	for i, name := range t.older.AttributesToGet {
		separator := `,"AttributesToGet":[`
		if i > 0 {
			separator = ","
		}
		dst = jsonwrite.String(append(dst, separator...), name)
	}
	if len(t.older.AttributesToGet) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// BatchWrite is the input of BatchWriteItem.
type BatchWrite struct {
	Tables            []TableWrites
	Consumed, Metrics *string
	given             bool
}

// TableWrites are the puts and deletions of one table.
type TableWrites struct {
	Name, Given string
	Writes      []BatchEntry
}

// BatchEntry is a put when Item is set, a deletion when Key is.
type BatchEntry struct {
	Item, Key attribute.Item
	refused   *attribute.Error
}

// ReadBatchWrite reads the input of BatchWriteItem.
func ReadBatchWrite(body *attribute.Reader) *BatchWrite {
	r, q := reader{body}, &BatchWrite{}
	for name := range r.Struct("BatchWriteItemInput") {
		switch name {
		case "RequestItems":
			q.given = true
			for table := range r.Map("WriteRequest") {
				t := TableWrites{Name: TableName(table), Given: table}
				for range r.List() {
					t.Writes = append(t.Writes, r.batchEntry())
				}
				q.Tables = append(q.Tables, t)
			}
		case "ReturnConsumedCapacity":
			q.Consumed = r.text()
		case "ReturnItemCollectionMetrics":
			q.Metrics = r.text()
		}
	}
	return q
}

func (r reader) batchEntry() (e BatchEntry) {
	for name := range r.Entry("WriteRequest") {
		switch name {
		case "PutRequest":
			for member := range r.Struct("PutRequest") {
				if member == "Item" {
					e.Item, e.refused = r.Item(attribute.Old)
				}
			}
		case "DeleteRequest":
			for member := range r.Struct("DeleteRequest") {
				if member == "Key" {
					e.Key, e.refused = r.Item(attribute.Old)
				}
			}
		}
	}
	return e
}

// Check makes every check that needs no table.
func (q *BatchWrite) Check() error {
	op := message.BatchWriteItem
	if err := q.constraints(); err != nil {
		return err
	}
	if len(q.Tables) == 0 {
		return op.Refuse(message.BatchEmpty, op)
	}
	writes := 0
	for _, t := range q.Tables {
		writes += len(t.Writes)
	}
	if writes > maxBatchWrite {
		return op.Refuse(message.BatchTooMany)
	}
	for _, t := range q.Tables {
		for _, w := range t.Writes {
			if err := w.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *BatchWrite) constraints() error {
	c := constraints{layer: attribute.Old}
	c.enum("returnConsumedCapacity", q.Consumed, enumConsumed)
	c.enum("returnItemCollectionMetrics", q.Metrics, enumMetrics)
	c.required("requestItems", q.given)
	for _, t := range q.Tables {
		c.name("requestItems."+t.Given, &t.Name, 1)
		if n := len(t.Writes); n == 0 || n > maxBatchWrite {
			c.fail("requestItems", "{"+t.Given+"=["+sketch(n)+"]}", "satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to 1]", maxBatchWrite)
			last := &c.failures[len(c.failures)-1]
			last.mapValue = true
		}
	}
	return c.err()
}

// sketch stands for the entries that DynamoDB prints in the form of its own
// classes.
func sketch(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d requests", n)
}

func (e *BatchEntry) check() error {
	op := message.BatchWriteItem
	switch {
	case (e.Item == nil) == (e.Key == nil):
		return op.Refuse(message.BatchEntryEmpty)
	case e.refused != nil:
		return e.refused
	case attribute.Size(e.Item) > attribute.MaxItemSize:
		return op.Refuse(message.ItemTooLarge)
	}
	return attribute.CheckNesting(e.Item)
}
