package dynamodb

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// slot is one statement of a batch; what is wrong with it is said in its own
// place of the answer.
type slot struct {
	statement *request.Statement
	bound     *partiql.Bound
	action    *action
	found     bool // its table and item are known
	refused   error
	shown     attribute.Item // the item it answers with, nil: none
}

func (c *call) batchExecute() error {
	q := request.ReadStatements(c.body, message.BatchExecuteStatement)
	if err := c.end(); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	slots := make([]*slot, len(q.List))
	for i, s := range q.List {
		slots[i] = &slot{statement: s}
		slots[i].bound, slots[i].refused = s.Bind()
	}
	reads, err := c.prepare(slots)
	if err != nil {
		return err
	}
	used := answer.NewCapacity(q.Consumed)
	if reads {
		err = c.service.tables.View(func(v table.View) error { return readSlots(v, slots, used) })
	} else {
		err = c.service.tables.Write(c.http.Context(), func(w *table.Write) error { return writeSlots(w, slots, used) })
	}
	if err != nil {
		return err
	}
	c.out = jsonwrite.List(append(c.out, '{'), "Responses")
	for _, s := range slots {
		c.out = s.append(append(jsonwrite.Comma(c.out), '{'))
	}
	c.out = append(used.AppendList(append(c.out, ']')), '}')
	return nil
}

// prepare makes the statements of a batch actions, which all read or all
// write, each on an item of its own.
func (c *call) prepare(slots []*slot) (reads bool, err error) {
	op := message.BatchExecuteStatement
	kinds := map[bool]bool{}
	for _, s := range slots {
		if s.bound != nil {
			kinds[isRead(s.bound)] = true
		}
	}
	if len(kinds) > 1 {
		return false, op.Refuse(message.BatchReadsAndWrites)
	}
	seen := map[string]bool{}
	for _, s := range slots {
		if s.refused != nil {
			continue
		}
		if s.refused = c.prepareSlot(s); s.refused != nil {
			continue
		}
		id := s.action.checked.ID + string(s.action.key)
		if seen[id] {
			return false, op.Refuse(message.BatchDuplicates)
		}
		seen[id] = true
	}
	return kinds[true], nil
}

func (c *call) prepareSlot(s *slot) (err error) {
	op := message.BatchExecuteStatement
	if s.bound.Verb == partiql.Exists {
		return op.Refuse(message.ExistsOutside)
	}
	if s.action, err = c.statement(s.statement, s.bound, op); err != nil {
		return err
	}
	if isRead(s.bound) && s.bound.Index != "" {
		return op.Refuse(message.BatchSelectKey)
	}
	err = s.action.check(s.action.table.Definition())
	if isRead(s.bound) && (err != nil || s.action.compiled.Condition != nil) {
		return op.Refuse(message.BatchSelectKey)
	}
	s.found = err == nil
	return err
}

func readSlots(v table.View, slots []*slot, used *answer.Capacity) error {
	for _, s := range slots {
		if s.refused != nil {
			continue
		}
		item, err := v.Item(s.action.checked, s.action.key)
		if err != nil {
			return err
		}
		used.Read(s.action.Table(), attribute.Size(item), s.action.ConsistentRead)
		if item != nil {
			s.shown = s.bound.Show(item)
		}
	}
	return nil
}

// writeSlots runs the writes of a batch in one commit. One that is refused has
// done nothing and does not hold up the others.
func writeSlots(w *table.Write, slots []*slot, used *answer.Capacity) error {
	for _, s := range slots {
		if s.refused != nil {
			continue
		}
		out, err := s.action.run(w)
		if err != nil {
			if !isRefusal(err) {
				return err
			}
			s.refused = err
			continue
		}
		used.Write(s.action.Table(), attribute.Size(out.old), attribute.Size(out.new), out.touched)
		if item := showUpdate(s.action, out); len(item) > 0 {
			s.shown = item
		}
	}
	return nil
}

func isRefusal(err error) bool {
	var refusal *attribute.Error
	var failed *conditionFailed
	return errors.As(err, &refusal) || errors.As(err, &failed)
}

// append appends a statement's place in the answer.
func (s *slot) append(dst []byte) []byte {
	if s.refused != nil {
		dst = appendStatementError(jsonwrite.Object(dst, "Error"), s.refused)
	}
	if s.shown != nil {
		dst = s.shown.AppendJSON(jsonwrite.Member(dst, "Item"))
	}
	if s.found {
		dst = jsonwrite.Text(dst, "TableName", s.action.Table())
	}
	return append(dst, '}')
}

// appendStatementError appends a BatchStatementError, whose codes are shorter
// than the names of exceptions.
func appendStatementError(dst []byte, err error) []byte {
	var refusal *attribute.Error
	var failed *conditionFailed
	if errors.As(err, &failed) {
		refusal = message.ExecuteStatement.Refuse(message.ConditionFalse)
	} else if !errors.As(err, &refusal) {
		refusal = &attribute.Error{Code: message.InternalServerError, Message: err.Error()}
	}
	code := strings.TrimSuffix(refusal.Code, "Exception")
	if code == "Validation" {
		code = "ValidationError"
	}
	dst = jsonwrite.Text(jsonwrite.Text(dst, "Code", code), "Message", refusal.Message)
	if failed != nil && failed.item != nil {
		dst = failed.item.AppendJSON(jsonwrite.Member(dst, "Item"))
	}
	return append(dst, '}')
}

func (c *call) executeTransaction() error {
	q := request.ReadStatements(c.body, message.ExecuteTransaction)
	if err := c.end(); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	actions := make([]*action, len(q.List))
	bounds := make([]*partiql.Bound, len(q.List))
	kinds := map[bool]bool{}
	for i, s := range q.List {
		var err error
		if bounds[i], err = s.Bind(); err == nil && bounds[i].Returning != "" {
			err = q.Operation.Refuse(message.TransactReturning)
		}
		if err == nil && bounds[i].Index != "" {
			err = q.Operation.Refuse(message.TransactIndex)
		}
		if err != nil {
			return inStatement(i, err)
		}
		kinds[isRead(bounds[i])] = true
	}
	if len(kinds) > 1 {
		return q.Operation.Refuse(message.TransactReadsAndWrites)
	}
	for i, s := range q.List {
		var err error
		if actions[i], err = c.statement(s, bounds[i], message.TransactWriteItems); err != nil {
			return err
		}
	}
	if err := checkAll(message.TransactWriteItems, actions); err != nil {
		return err
	}
	if kinds[true] {
		return c.readStatements(q, actions)
	}
	return c.writeStatements(q, actions)
}

// inStatement says in which statement of a transaction something is wrong.
func inStatement(i int, err error) error {
	var refusal *attribute.Error
	if errors.As(err, &refusal) && refusal.Code == message.Validation {
		return attribute.Invalid(request.Within(i) + refusal.Message)
	}
	return err
}

func (c *call) readStatements(q *request.Statements, actions []*action) error {
	for i, a := range actions {
		if a.refused != nil || a.compiled.Condition != nil {
			return inStatement(i, q.Operation.Refuse(message.TransactSelectKey))
		}
	}
	used := answer.NewCapacity(q.Consumed)
	used.Transaction = "Read"
	c.out = jsonwrite.List(append(c.out, '{'), "Responses")
	if err := c.service.tables.View(func(v table.View) error {
		for _, a := range actions {
			item, err := v.Item(a.checked, a.key)
			if err != nil {
				return err
			}
			used.Read(a.Table(), attribute.Size(item), true)
			c.out = append(jsonwrite.Comma(c.out), '{')
			if item != nil {
				c.out = a.statement.Show(item).AppendJSON(jsonwrite.Member(c.out, "Item"))
			}
			c.out = append(c.out, '}')
		}
		return nil
	}); err != nil {
		return err
	}
	c.out = append(used.AppendList(append(c.out, ']')), '}')
	return nil
}

func (c *call) writeStatements(q *request.Statements, actions []*action) error {
	for i, a := range actions {
		if a.statement.Verb == partiql.Exists && (a.refused != nil || a.compiled.Condition == nil) {
			return inStatement(i, q.Operation.Refuse(message.ExistsCondition))
		}
	}
	var digests [][]byte
	for _, s := range q.List {
		digests = append(digests, digestOfStatement(s))
	}
	digest := sha256.Sum256(bytes.Join(digests, nil))
	used := answer.NewCapacity(q.Consumed)
	transact := &request.Transact{Operation: message.TransactWriteItems, Token: q.Token}
	if err := c.service.tables.Write(c.http.Context(), func(w *table.Write) error {
		return runAll(w, transact, digest[:], actions, used)
	}); err != nil {
		return err
	}
	c.out = append(used.AppendList(append(jsonwrite.List(append(c.out, '{'), "Responses"), ']')), '}')
	return nil
}
