package request

import (
	"fmt"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// TransactWrite and TransactGet are the operations that actions are within.
const (
	TransactWrite = message.TransactWriteItems
	TransactGet   = message.TransactGetItems
)

const (
	maxActions     = 100
	maxTransaction = 4 << 20
	maxTokenLength = 36
)

// Transact is the input of TransactWriteItems and TransactGetItems.
type Transact struct {
	Operation         message.Operation
	Actions           []*Single
	Compiled          []*expression.Compiled // after Check, one for each action
	Token             *string                // ClientRequestToken
	Consumed, Metrics *string

	given    bool
	elements int  // of TransactItems
	invalid  bool // an element without exactly one action
}

// actions by the member that holds one.
var actions = map[string]message.Operation{
	"Put": message.PutItem, "Update": message.UpdateItem, "Delete": message.DeleteItem,
	"ConditionCheck": ConditionCheck, "Get": message.GetItem,
}

// ReadTransact reads the input of either operation.
func ReadTransact(body *attribute.Reader, op message.Operation) *Transact {
	r, q := reader{body}, &Transact{Operation: op}
	for name := range r.Struct(string(op) + "Input") {
		switch name {
		case "TransactItems":
			q.given = true
			for range r.List() {
				q.readAction(r)
			}
		case "ClientRequestToken":
			q.Token = r.text()
		case "ReturnConsumedCapacity":
			q.Consumed = r.text()
		case "ReturnItemCollectionMetrics":
			q.Metrics = r.text()
		}
	}
	return q
}

func (q *Transact) readAction(r reader) {
	n := len(q.Actions)
	q.elements++
	for name := range r.Entry("TransactItem") {
		if op, ok := actions[name]; ok && (op == message.GetItem) == (q.Operation == TransactGet) {
			q.Actions = append(q.Actions, readSingle(r, name, op, q.Operation))
		}
	}
	q.invalid = q.invalid || len(q.Actions) != n+1
}

// Check makes every check that needs no table.
func (q *Transact) Check(c *expression.Compiler) error {
	if err := q.constraints(); err != nil {
		return err
	}
	if q.invalid {
		return q.Operation.Refuse(message.TransactAction)
	}
	size := 0
	q.Compiled = make([]*expression.Compiled, len(q.Actions))
	for i, a := range q.Actions {
		compiled, err := a.CheckContent(c)
		if err != nil {
			return err
		}
		q.Compiled[i] = compiled
		size += attribute.Size(a.Item) + attribute.Size(a.Key) + attribute.Size(a.Values)
	}
	if size > maxTransaction {
		return q.Operation.Refuse(message.TransactTooLarge)
	}
	return nil
}

func (q *Transact) constraints() error {
	c := constraints{layer: attribute.Old}
	c.enum("returnConsumedCapacity", q.Consumed, enumConsumed)
	c.enum("returnItemCollectionMetrics", q.Metrics, enumMetrics)
	if q.Token != nil {
		c.count("clientRequestToken", *q.Token, utf8.RuneCountInString(*q.Token), 1, maxTokenLength)
	}
	c.required("transactItems", q.given)
	if q.given {
		c.count("transactItems", "["+sketch(q.elements)+"]", q.elements, 1, maxActions)
	}
	for i, a := range q.Actions {
		a.constrain(&c, fmt.Sprintf("transactItems.%d.member.%s.", i+1, memberOf(a.Operation)))
	}
	return c.err()
}

func memberOf(op message.Operation) string {
	for name, o := range actions {
		if o == op {
			return string(name[0]|0x20) + name[1:]
		}
	}
	return ""
}
