package request

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// ConditionCheck is the action of a transaction that only checks.
const ConditionCheck message.Operation = "ConditionCheck"

// Single is the input of an operation on one item: PutItem, UpdateItem,
// DeleteItem, GetItem, and the actions of transactions.
type Single struct {
	// Operation is what is done with the item, Within the operation that was
	// called: the same, except for the actions of a transaction.
	Operation, Within message.Operation

	TableName *string
	Key, Item attribute.Item // nil: not given
	Expressions

	ReturnValues   *string
	OnFailure      *string // ReturnValuesOnConditionCheckFailure
	Consumed       *string // ReturnConsumedCapacity
	Metrics        *string // ReturnItemCollectionMetrics
	ConsistentRead bool

	refused *attribute.Error // the first bad value in Key or Item
	older   older
}

// ReadSingle reads the input of an operation on one item.
func ReadSingle(body *attribute.Reader, op message.Operation) *Single {
	return readSingle(reader{body}, string(op)+"Input", op, op)
}

func readSingle(r reader, typ string, op, within message.Operation) *Single {
	q := &Single{Operation: op, Within: within}
	layer := within.Layer()
	for name := range r.Struct(typ) {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "Key":
			q.Key, q.refused = r.Item(layer)
		case "Item":
			q.Item, q.refused = r.Item(layer)
		case "ReturnValues":
			q.ReturnValues = r.text()
		case "ReturnValuesOnConditionCheckFailure":
			q.OnFailure = r.text()
		case "ReturnConsumedCapacity":
			q.Consumed = r.text()
		case "ReturnItemCollectionMetrics":
			q.Metrics = r.text()
		case "ConsistentRead":
			q.ConsistentRead = r.Truth()
		default:
			if !q.older.read(r, layer, name) {
				q.Expressions.read(r, layer, name)
			}
		}
	}
	return q
}

// Check makes every check that needs no table and returns the expressions.
func (q *Single) Check(c *expression.Compiler) (*expression.Compiled, error) {
	if err := q.constraints(); err != nil {
		return nil, err
	}
	compiled, err := q.CheckContent(c)
	if err != nil {
		return nil, wrap(q.Within, err)
	}
	return compiled, nil
}

func (q *Single) constraints() error {
	c := constraints{layer: q.Within.Layer()}
	q.constrain(&c, "")
	return c.err()
}

// constrain checks the members; prefix is the path of an action of a
// transaction, empty otherwise.
func (q *Single) constrain(c *constraints, prefix string) {
	c.enum(prefix+"returnConsumedCapacity", q.Consumed, enumConsumed)
	c.required(prefix+"tableName", q.TableName != nil)
	c.name(prefix+"tableName", q.TableName, 1)
	values := enumReturnValues
	if c.layer == attribute.New {
		values = enumReturnsNew
	}
	c.enum(prefix+"returnValues", q.ReturnValues, values)
	c.enum(prefix+"returnItemCollectionMetrics", q.Metrics, enumMetrics)
	c.enum(prefix+"returnValuesOnConditionCheckFailure", q.OnFailure, enumOnFailure)
	q.older.constrain(c)
	if q.Operation == message.PutItem {
		c.required(prefix+"item", q.Item != nil)
	} else {
		c.required(prefix+"key", q.Key != nil)
	}
	switch {
	case q.Within == TransactWrite && q.Operation == message.UpdateItem:
		c.required(prefix+"updateExpression", q.Update != nil)
	case q.Operation == ConditionCheck:
		c.required(prefix+"conditionExpression", q.Condition != nil)
	}
}

// CheckContent is Check without the members' constraints and without what
// stands in front of messages.
func (q *Single) CheckContent(c *expression.Compiler) (*expression.Compiled, error) {
	layer := q.Within.Layer()
	err := firstError(
		expression.CheckStyles(q.older.given(), q.given()),
		q.checkPresence(layer, q.offered()),
		asError(q.refused),
		q.checkValues(layer),
		asError(q.older.refusal),
		attribute.CheckNesting(q.Item),
		attribute.CheckNesting(q.Values),
		q.checkReturnValues(),
	)
	if err == nil && attribute.Size(q.Item) > attribute.MaxItemSize {
		err = q.Within.Refuse(message.ItemTooLarge)
	}
	if err != nil {
		return nil, err
	}
	if compiled, err := q.older.compile(); compiled != nil || err != nil {
		return compiled, err
	}
	return c.Compile(q.request(layer, q.offered()))
}

func (q *Single) offered() []expression.Parameter {
	switch q.Operation {
	case message.UpdateItem:
		return []expression.Parameter{expression.UpdateExpression, expression.ConditionExpression}
	case message.GetItem:
		return nil
	}
	return []expression.Parameter{expression.ConditionExpression}
}

func (q *Single) checkReturnValues() error {
	if q.ReturnValues == nil || q.Operation != message.PutItem && q.Operation != message.DeleteItem {
		return nil
	}
	if v := *q.ReturnValues; v != "NONE" && v != "ALL_OLD" {
		return q.Operation.Refuse(message.ReturnValuesRestricted)
	}
	return nil
}

// Table is the table's name.
func (q *Single) Table() string { return value(q.TableName) }

// Returns tells whether ReturnValues has a value.
func (q *Single) Returns(what string) bool { return value(q.ReturnValues) == what }

// ReturnsOnFailure tells whether a failed condition shows the item.
func (q *Single) ReturnsOnFailure() bool { return value(q.OnFailure) == "ALL_OLD" }
