package dynamodb

import (
	"maps"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// maxBatchAnswer is the size at which BatchGetItem leaves the rest of the keys
// unprocessed.
const maxBatchAnswer = 16 << 20

// keysOf are the row keys of one table's part of a BatchGetItem.
type keysOf struct {
	*request.TableKeys
	d    *table.Definition
	keys []table.Key
}

func (c *call) batchGet() error {
	op := message.BatchGetItem
	q := request.ReadBatchGet(c.body)
	if err := c.end(); err != nil {
		return err
	}
	for _, t := range q.Tables {
		if err := c.allowTable(string(op), t.Name); err != nil {
			return err
		}
	}
	if err := q.Check(c.service.expressions); err != nil {
		return err
	}
	tables := make([]keysOf, len(q.Tables))
	for i := range q.Tables {
		t, err := c.find(q.Tables[i].Name)
		if err != nil {
			return err
		}
		tables[i] = keysOf{TableKeys: &q.Tables[i], d: t.Definition()}
	}
	for i := range tables {
		if err := tables[i].check(op); err != nil {
			return err
		}
	}
	used := answer.NewCapacity(q.Consumed)
	return c.service.tables.View(func(v table.View) error { return c.batchGetFrom(v, tables, used) })
}

func (k *keysOf) check(op message.Operation) error {
	seen := map[string]bool{}
	for _, key := range k.Keys {
		if e := k.d.CheckKey(key); e != nil {
			return keyError(op, e)
		}
		row := k.d.RowKey(key)
		if seen[string(row)] {
			return op.Refuse(message.BatchDuplicates)
		}
		seen[string(row)] = true
		k.keys = append(k.keys, row)
	}
	return k.Compiled.CheckKeys(k.d.Key.Names(), indexKeys(k.d))
}

func (c *call) batchGetFrom(v table.View, tables []keysOf, used *answer.Capacity) error {
	size := 0
	rest := make([][]attribute.Item, len(tables)) // keys left unprocessed
	c.out = jsonwrite.Object(append(c.out, '{'), "Responses")
	for i, t := range tables {
		c.out = append(jsonwrite.String(jsonwrite.Comma(c.out), t.Given), ':', '[')
		for n, key := range t.keys {
			if size >= maxBatchAnswer {
				rest[i] = t.Keys[n:]
				break
			}
			item, err := v.Item(t.d, key)
			if err != nil {
				return err
			}
			bytes := attribute.Size(item)
			size += bytes
			used.Read(t.Name, bytes, t.ConsistentRead)
			if item != nil {
				c.out = t.Compiled.Projection.Apply(item).AppendJSON(jsonwrite.Comma(c.out))
			}
		}
		c.out = append(c.out, ']')
	}
	c.out = jsonwrite.Object(append(c.out, '}'), "UnprocessedKeys")
	for i, keys := range rest {
		if len(keys) > 0 {
			c.out = append(jsonwrite.String(jsonwrite.Comma(c.out), tables[i].Given), ':')
			c.out = tables[i].AppendJSON(c.out, keys)
		}
	}
	c.out = append(used.AppendList(append(c.out, '}')), '}')
	return nil
}

func (c *call) batchWrite() error {
	q := request.ReadBatchWrite(c.body)
	if err := c.end(); err != nil {
		return err
	}
	for _, t := range q.Tables {
		if err := c.allowTable("BatchWriteItem", t.Name); err != nil {
			return err
		}
	}
	if err := q.Check(); err != nil {
		return err
	}
	actions, err := c.batchActions(q)
	if err != nil {
		return err
	}
	used := answer.NewCapacity(q.Consumed)
	// One commit for all: a batch need not be atomic, but one flush is cheaper
	// than twenty-five.
	if err := c.service.tables.Write(c.http.Context(), func(w *table.Write) error {
		for _, a := range actions {
			out, err := a.run(w)
			if err != nil {
				return err
			}
			used.Write(a.Table(), attribute.Size(out.old), attribute.Size(out.new), out.touched)
		}
		return nil
	}); err != nil {
		return err
	}
	c.out = append(c.out, `{"UnprocessedItems":{}`...)
	c.out = appendAllMetrics(c.out, actions)
	c.out = append(used.AppendList(c.out), '}')
	return nil
}

// batchActions turns a batch into puts and deletions.
func (c *call) batchActions(q *request.BatchWrite) ([]*action, error) {
	op := message.BatchWriteItem
	for _, t := range q.Tables {
		if _, err := c.find(t.Name); err != nil {
			return nil, err
		}
	}
	var actions []*action
	for _, t := range q.Tables {
		seen := map[string]bool{}
		found, err := c.find(t.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range t.Writes {
			single := &request.Single{
				Operation: message.DeleteItem, Within: op, TableName: &t.Name, Key: e.Key, Metrics: q.Metrics,
			}
			if e.Item != nil {
				single.Operation, single.Item = message.PutItem, e.Item
			}
			a := &action{Single: single, compiled: emptyExpressions, table: found}
			if err := a.checkInBatch(found.Definition()); err != nil {
				return nil, err
			}
			if seen[string(a.key)] {
				return nil, op.Refuse(message.BatchDuplicates)
			}
			seen[string(a.key)] = true
			actions = append(actions, a)
		}
	}
	return actions, nil
}

// checkInBatch is check with the words of BatchWriteItem, which for puts too
// are those for keys.
func (a *action) checkInBatch(d *table.Definition) error {
	if a.Operation == message.PutItem {
		if e := d.CheckItem(a.Item); e != nil {
			return keyError(message.BatchWriteItem, e)
		}
	}
	return a.check(d)
}

// appendAllMetrics appends ItemCollectionMetrics as a map from tables to lists.
func appendAllMetrics(dst []byte, actions []*action) []byte {
	byTable := map[string][]byte{}
	for _, a := range actions {
		if !a.measures(a.checked) {
			continue
		}
		list := byTable[a.Table()]
		if list == nil {
			list = []byte{'['}
		}
		byTable[a.Table()] = a.appendMetrics(jsonwrite.Comma(list), a.checked)
	}
	if len(byTable) == 0 {
		return dst
	}
	dst = jsonwrite.Object(dst, "ItemCollectionMetrics")
	for _, name := range slices.Sorted(maps.Keys(byTable)) {
		dst = append(append(jsonwrite.Member(dst, name), byTable[name]...), ']')
	}
	return append(dst, '}')
}
