package dynamodb

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// conditionFailed is a condition that was false; item is shown when the
// request asks for it.
type conditionFailed struct {
	item attribute.Item
}

func (*conditionFailed) Error() string { return "the conditional request failed" }

// action is one item's operation, ready to run: alone or in a transaction.
type action struct {
	*request.Single
	compiled *expression.Compiled
	// statement is what a PartiQL statement asks for; the key and the
	// condition come from its WHERE, once the table is known.
	statement *partiql.Bound
	table     *table.Table
	key       table.Key
	// checked is the definition that check went by; another one by the time
	// of the commit is checked again.
	checked *table.Definition
	// encoded is the stored form of a put item, made outside of the committer.
	encoded []byte
	refused error // in a transaction: what check found
}

// outcome is what an action did.
type outcome struct {
	old, new attribute.Item
	touched  []table.Touched
}

// find looks up a table that items are read from or written to.
func (c *call) find(name string) (*table.Table, error) {
	c.table = name
	if t := c.service.tables.Find(name); t != nil {
		return t, nil
	}
	return nil, message.PutItem.Refuse(message.NoTable)
}

// single reads, allows and checks an operation on one item.
func (c *call) single(op message.Operation) (*action, error) {
	q := request.ReadSingle(c.body, op)
	if err := c.end(); err != nil {
		return nil, err
	}
	if err := c.allowTable(string(op), q.Table()); err != nil {
		return nil, err
	}
	compiled, err := q.Check(c.service.expressions)
	if err != nil {
		return nil, err
	}
	t, err := c.find(q.Table())
	if err != nil {
		return nil, err
	}
	a := &action{Single: q, compiled: compiled, table: t}
	return a, a.check(t.Definition())
}

// check makes the checks that need the table, and the key's bytes.
func (a *action) check(d *table.Definition) error {
	op := a.Operation
	if a.statement != nil {
		if err := a.resolve(d); err != nil {
			return err
		}
	}
	if op == message.PutItem {
		if e := d.CheckItem(a.Item); e != nil {
			return a.keyError(e)
		}
		a.key = d.RowKey(a.Item)
	} else {
		if e := d.CheckKey(a.Key); e != nil {
			return a.keyError(e)
		}
		a.key = d.RowKey(a.Key)
	}
	if a.compiled.HasPaths() {
		if err := a.compiled.CheckKeys(d.Key.Names(), indexKeys(d)); err != nil {
			return err
		}
	}
	if op == message.PutItem {
		if e := d.CheckIndexKeys(a.Item); e != nil {
			return a.keyError(e)
		}
		a.encoded = table.Encode(a.Item)
	}
	a.checked = d
	return nil
}

// indexKeys are the key attributes of a table's indexes that are not the
// table's own.
func indexKeys(d *table.Definition) (names []string) {
	for i := range d.Indexes {
		for _, name := range d.Indexes[i].Key.Names() {
			if !d.Key.Has(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// keyError words what is wrong with the action's key.
func (a *action) keyError(e *table.KeyError) error {
	if a.statement != nil && e.Index == "" {
		switch e.Problem {
		case table.KeyMissing:
			return message.ExecuteStatement.Refuse(message.KeyMissing, e.Attribute)
		case table.KeyType:
			return message.ExecuteStatement.Refuse(message.KeyType, e.Attribute)
		}
	}
	return keyError(a.Operation, e)
}

// keyError words what is wrong with a key for an operation.
func keyError(op message.Operation, e *table.KeyError) error {
	word := "string"
	if e.Expected == attribute.B {
		word = "binary"
	}
	switch {
	case e.Problem == table.KeyMissing && op == message.PutItem:
		return op.Refuse(message.KeyMissing, e.Attribute)
	case e.Problem == table.KeyType && e.Index != "":
		return op.Refuse(message.IndexKeyType, e.Attribute, e.Expected, e.Actual, e.Index)
	case e.Problem == table.KeyType && op == message.PutItem:
		return op.Refuse(message.KeyType, e.Attribute, e.Expected, e.Actual)
	case e.Problem == table.KeyEmpty && e.Index != "" && op == message.UpdateItem:
		return op.Refuse(message.IndexKeyEmpty, word)
	case e.Problem == table.KeyEmpty && e.Index != "":
		return op.Refuse(message.IndexKeyEmpty, word, e.Index, e.Attribute)
	case e.Problem == table.KeyEmpty:
		return op.Refuse(message.KeyEmpty, word, e.Attribute)
	case e.Problem == table.HashTooLong:
		return op.Refuse(message.HashTooLong)
	case e.Problem == table.RangeTooLong:
		return op.Refuse(message.RangeTooLong)
	}
	return op.Refuse(message.KeyExtra) // the words for all keys of a wrong shape
}

// run does the action inside a commit.
func (a *action) run(w *table.Write) (outcome, error) {
	d := a.table.Definition()
	if d.Dropped {
		return outcome{}, message.PutItem.Refuse(message.NoTable)
	}
	if d != a.checked {
		if err := a.check(d); err != nil {
			return outcome{}, err
		}
	}
	old, err := w.Item(d, a.key)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{old: old}
	if done, err := a.settled(old); done || err != nil {
		return out, err
	}
	if !a.compiled.Condition.Eval(old) {
		failed := new(conditionFailed)
		if a.ReturnsOnFailure() {
			failed.item = old
		}
		return out, failed
	}
	switch a.Operation {
	case request.ConditionCheck:
		out.new = old
		return out, nil
	case message.PutItem:
		out.new = a.Item
	case message.UpdateItem:
		if out.new, err = a.update(d, old); err != nil {
			return out, err
		}
	}
	out.touched, err = w.Apply(table.Change{Definition: d, Key: a.key, Old: old, New: out.new, Encoded: a.encoded})
	return out, err
}

// update works out the new item of an UpdateItem.
func (a *action) update(d *table.Definition, old attribute.Item) (attribute.Item, error) {
	op := message.UpdateItem
	if old == nil && !a.compiled.Update.Creates() {
		return nil, nil
	}
	updated, err := a.compiled.Update.Apply(old, a.Key)
	if err != nil {
		return nil, err
	}
	if e := d.CheckIndexKeys(updated); e != nil {
		return nil, keyError(op, e)
	}
	if attribute.Size(updated) > attribute.MaxItemSize {
		return nil, op.Refuse(message.UpdatedItemTooLarge)
	}
	return updated, nil
}

// write runs an operation on one item and answers it; shown is what
// ReturnValues asks to see.
func (c *call) write(op message.Operation, shown func(*action, outcome) attribute.Item) error {
	a, err := c.single(op)
	if err != nil {
		return err
	}
	var out outcome
	if err := c.service.tables.Write(c.http.Context(), func(w *table.Write) (err error) {
		out, err = a.run(w)
		return err
	}); err != nil {
		return err
	}
	c.out = append(c.out, '{')
	if item := shown(a, out); len(item) > 0 {
		c.out = item.AppendJSON(jsonwrite.Member(c.out, "Attributes"))
	}
	used := answer.NewCapacity(a.Consumed)
	used.Write(a.Table(), attribute.Size(out.old), attribute.Size(out.new), out.touched)
	c.out = used.Append(c.out)
	if d := a.checked; a.measures(d) {
		c.out = a.appendMetrics(jsonwrite.Member(c.out, "ItemCollectionMetrics"), d)
	}
	c.out = append(c.out, '}')
	return nil
}

// measures tells whether the answer shows the size of the item's collection,
// which only tables with local indexes have.
func (a *action) measures(d *table.Definition) bool {
	return a.Metrics != nil && *a.Metrics == "SIZE" && d.HasLocalIndex()
}

// appendMetrics appends the size of the item's collection, which is an
// estimate on AWS too: between nothing and a gigabyte.
func (a *action) appendMetrics(dst []byte, d *table.Definition) []byte {
	item := a.Key
	if item == nil {
		item = a.Item
	}
	dst = item.Only(d.Key.Hash[0]).AppendJSON(append(dst, `{"ItemCollectionKey":`...))
	return append(dst, `,"SizeEstimateRangeGB":[0.0,1.0]}`...)
}

func (c *call) putItem() error    { return c.write(message.PutItem, showOld) }
func (c *call) deleteItem() error { return c.write(message.DeleteItem, showOld) }
func (c *call) updateItem() error { return c.write(message.UpdateItem, showUpdate) }

func showOld(a *action, out outcome) attribute.Item {
	if a.Returns("ALL_OLD") {
		return out.old
	}
	return nil
}

func showUpdate(a *action, out outcome) attribute.Item {
	switch {
	case a.Returns("ALL_OLD"):
		return out.old
	case a.Returns("ALL_NEW"):
		return out.new
	case a.Returns("UPDATED_OLD"):
		return a.compiled.Update.UpdatedOld(out.old)
	case a.Returns("UPDATED_NEW"):
		return a.compiled.Update.UpdatedNew(out.new)
	}
	return nil
}

func (c *call) getItem() error {
	a, err := c.single(message.GetItem)
	if err != nil {
		return err
	}
	var item attribute.Item
	if err := c.service.tables.View(func(v table.View) (err error) {
		item, err = v.Item(a.checked, a.key)
		return err
	}); err != nil {
		return err
	}
	c.out = append(c.out, '{')
	if item != nil {
		c.out = a.compiled.Projection.Apply(item).AppendJSON(jsonwrite.Member(c.out, "Item"))
	}
	used := answer.NewCapacity(a.Consumed)
	used.Read(a.Table(), attribute.Size(item), a.ConsistentRead)
	c.out = append(used.Append(c.out), '}')
	return nil
}
