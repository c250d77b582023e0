package dynamodb

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// emptyExpressions are those of an action that has none.
var emptyExpressions = new(expression.Compiled)

// transactionCanceled is a transaction of which nothing was done; one reason
// for each action.
type transactionCanceled struct {
	reasons []reason
}

type reason struct {
	code, message string // code None: nothing was wrong
	item          attribute.Item
}

func (*transactionCanceled) Error() string { return "the transaction was cancelled" }

func (e *transactionCanceled) refusal() *attribute.Error {
	codes := make([]string, len(e.reasons))
	for i, r := range e.reasons {
		codes[i] = r.code
	}
	return &attribute.Error{
		Code:    message.TransactionCanceled,
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
	}
}

func (e *transactionCanceled) append(dst []byte) []byte {
	dst = jsonwrite.List(dst, "CancellationReasons")
	for _, r := range e.reasons {
		dst = jsonwrite.Text(append(jsonwrite.Comma(dst), '{'), "Code", r.code)
		if r.message != "" {
			dst = jsonwrite.Text(dst, "Message", r.message)
		}
		if r.item != nil {
			dst = r.item.AppendJSON(jsonwrite.Member(dst, "Item"))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// reasonFor turns an action's error into a reason; ok is false for errors that
// are not the action's fault.
func reasonFor(err error) (r reason, ok bool) {
	var failed *conditionFailed
	var refusal *attribute.Error
	switch {
	case err == nil:
		return reason{code: "None"}, true
	case errors.As(err, &failed):
		text := message.TransactWriteItems.Refuse(message.ConditionFalse).Message
		return reason{"ConditionalCheckFailed", text, failed.item}, true
	case errors.As(err, &refusal) && refusal.Code == message.Validation:
		return reason{code: "ValidationError", message: refusal.Message}, true
	case errors.As(err, &refusal) && refusal.Code == message.DuplicateItem:
		return reason{code: "DuplicateItem", message: refusal.Message}, true
	}
	return reason{}, false
}

// transaction reads, allows and checks either operation.
func (c *call) transaction(op message.Operation) (*request.Transact, []*action, error) {
	q := request.ReadTransact(c.body, op)
	if err := c.end(); err != nil {
		return nil, nil, err
	}
	for _, a := range q.Actions {
		needed := string(a.Operation)
		if a.Operation == request.ConditionCheck {
			needed = "ConditionCheckItem"
		}
		if err := c.allowTable(needed, a.Table()); err != nil {
			return nil, nil, err
		}
	}
	if err := q.Check(c.service.expressions); err != nil {
		return nil, nil, err
	}
	actions := make([]*action, len(q.Actions))
	for i, single := range q.Actions {
		t, err := c.find(single.Table())
		if err != nil {
			return nil, nil, err
		}
		actions[i] = &action{Single: single, compiled: q.Compiled[i], table: t}
	}
	return q, actions, nil
}

// checkAll checks each action against its table. What is wrong with one is
// kept in the action; empty keys and one item named twice are refused at once.
func checkAll(op message.Operation, actions []*action) error {
	seen := map[string]bool{}
	for _, a := range actions {
		d := a.table.Definition()
		a.refused = a.check(d)
		item := a.Key
		if item == nil {
			item = a.Item
		}
		if e := d.CheckItem(item); e != nil && e.Problem == table.KeyEmpty {
			return a.refused
		}
		if a.key == nil {
			continue
		}
		id := d.ID + string(a.key)
		if seen[id] {
			return op.Refuse(message.TransactDuplicates)
		}
		seen[id] = true
	}
	return nil
}

// misfit cancels a transaction of which an action does not fit its table. The
// first one hides the others, and nothing is evaluated (ScyllaDB Alternator
// test_transact.py, run against AWS).
func misfit(actions []*action) error {
	failures := make([]error, len(actions))
	for i, a := range actions {
		if failures[i] = a.refused; a.refused != nil {
			return cancel(failures)
		}
	}
	return nil
}

// cancel makes the error of a transaction if any action failed; errors that
// are no action's fault are passed on.
func cancel(failures []error) error {
	canceled := &transactionCanceled{reasons: make([]reason, len(failures))}
	failed := false
	for i, err := range failures {
		r, ok := reasonFor(err)
		if !ok {
			return err
		}
		canceled.reasons[i] = r
		failed = failed || err != nil
	}
	if failed {
		return canceled
	}
	return nil
}

func (c *call) transactGet() error {
	q, actions, err := c.transaction(message.TransactGetItems)
	if err != nil {
		return err
	}
	if err := checkAll(q.Operation, actions); err != nil {
		return err
	}
	if err := misfit(actions); err != nil {
		return err
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
				c.out = a.compiled.Projection.Apply(item).AppendJSON(jsonwrite.Member(c.out, "Item"))
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

func (c *call) transactWrite() error {
	q, actions, err := c.transaction(message.TransactWriteItems)
	if err != nil {
		return err
	}
	if err := checkAll(q.Operation, actions); err != nil {
		return err
	}
	used := answer.NewCapacity(q.Consumed)
	if err := c.service.tables.Write(c.http.Context(), func(w *table.Write) error {
		return runAll(w, q, digestOf(actions), actions, used)
	}); err != nil {
		return err
	}
	for _, a := range actions {
		a.Metrics = q.Metrics
	}
	c.out = append(c.out, '{')
	c.out = appendAllMetrics(c.out, actions)
	c.out = append(used.AppendList(c.out), '}')
	return nil
}

// runAll does a transaction inside a commit, or nothing when its token says
// that it has been done. Every action is evaluated, so that all reasons to
// cancel are told.
func runAll(w *table.Write, q *request.Transact, digest []byte, actions []*action, used *answer.Capacity) error {
	used.Transaction = "Write"
	if q.Token != nil && *q.Token != "" {
		done, err := w.Remembered(*q.Token)
		switch {
		case err != nil:
			return err
		case done != nil && !bytes.Equal(done, digest):
			return q.Operation.Refuse(message.TokenMismatch)
		case done != nil:
			return replay(w, actions, used)
		}
		if err := w.Remember(*q.Token, digest); err != nil {
			return err
		}
	}
	if err := misfit(actions); err != nil {
		return err
	}
	failures := make([]error, len(actions))
	for i, a := range actions {
		var out outcome
		out, failures[i] = a.run(w)
		used.Write(a.Table(), attribute.Size(out.old), attribute.Size(out.new), out.touched)
	}
	return cancel(failures)
}

// replay is a transaction that was done before: it costs what reading its
// items costs.
func replay(w *table.Write, actions []*action, used *answer.Capacity) error {
	used.Transaction = "Read"
	for _, a := range actions {
		item, err := w.Item(a.checked, a.key)
		if err != nil {
			return err
		}
		used.Read(a.Table(), attribute.Size(item), true)
	}
	return nil
}

// digestOf is the same for two requests that ask for the same, however their
// JSON is written.
func digestOf(actions []*action) []byte {
	var b []byte
	add := func(texts ...string) {
		for _, t := range texts {
			b = jsonwrite.String(b, t)
		}
	}
	for _, a := range actions {
		add(string(a.Operation), a.Table())
		for _, e := range []*string{a.Update, a.Condition, a.OnFailure} {
			if e != nil {
				add("+", *e)
			} else {
				add("-")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(a.Names)) {
			add(name, a.Names[name])
		}
		for _, item := range []attribute.Item{a.Key, a.Item, a.Values} {
			b = item.AppendJSON(b)
		}
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
