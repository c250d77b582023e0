package dynamodb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
	"github.com/suiro-dev/suiro/internal/store"
)

// verbs are the IAM actions of statements and the operations on one item that
// they amount to.
var verbs = map[partiql.Verb]struct {
	permission string
	operation  message.Operation
}{
	partiql.Select: {"PartiQLSelect", message.GetItem},
	partiql.Exists: {"PartiQLSelect", request.ConditionCheck},
	partiql.Insert: {"PartiQLInsert", message.PutItem},
	partiql.Update: {"PartiQLUpdate", message.UpdateItem},
	partiql.Delete: {"PartiQLDelete", message.DeleteItem},
}

func isRead(b *partiql.Bound) bool { return b.Verb == partiql.Select }

// statement allows a statement and makes it an action on one item.
func (c *call) statement(s *request.Statement, b *partiql.Bound, within message.Operation) (*action, error) {
	name := request.TableName(b.Table)
	if err := c.allow(verbs[b.Verb].permission, c.service.statementARN(b.Statement)); err != nil {
		return nil, err
	}
	t, err := c.find(name)
	if err != nil {
		return nil, err
	}
	single := &request.Single{
		Operation: verbs[b.Verb].operation, Within: within, TableName: &name, OnFailure: s.OnFailure, ConsistentRead: s.ConsistentRead,
	}
	if b.Returning != "" {
		single.ReturnValues = &b.Returning
	}
	return &action{Single: single, statement: b, compiled: emptyExpressions, table: t}, nil
}

// statementARN is the table or index that a statement is about.
func (s *Service) statementARN(q *partiql.Statement) string {
	name := request.TableName(q.Table)
	if q.Index != "" {
		return s.account.Index(name, q.Index)
	}
	return s.account.Table(name)
}

// resolve finds the item that the action's statement is about.
func (a *action) resolve(d *table.Definition) error {
	b := a.statement
	if b.Verb == partiql.Insert {
		a.Item = b.Item
		return nil
	}
	key, condition, err := b.Key(schemaOf(d, d.Key))
	a.Key, a.compiled = key, &expression.Compiled{Condition: condition, Update: b.Update}
	return err
}

// settled decides what a statement does by whether its item is there: INSERT
// needs it absent, UPDATE and EXISTS need it, DELETE without it is done.
func (a *action) settled(old attribute.Item) (done bool, err error) {
	if a.statement == nil {
		return false, nil
	}
	switch verb := a.statement.Verb; {
	case verb == partiql.Insert && old != nil:
		return false, message.ExecuteStatement.Refuse(message.DuplicateKey)
	case (verb == partiql.Update || verb == partiql.Exists) && old == nil:
		return false, new(conditionFailed)
	}
	return a.statement.Verb == partiql.Delete && old == nil, nil
}

func (c *call) executeStatement() error {
	q := request.ReadStatements(c.body, message.ExecuteStatement)
	if err := c.end(); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	b, err := q.List[0].Bind()
	if err != nil {
		return err
	}
	if b.Verb == partiql.Exists {
		return q.Operation.Refuse(message.ExistsOutside)
	}
	a, err := c.statement(q.List[0], b, q.Operation)
	if err != nil {
		return err
	}
	if isRead(b) {
		return c.selectItems(q, a)
	}
	if err := a.check(a.table.Definition()); err != nil {
		return err
	}
	var out outcome
	if err := c.service.tables.Write(c.http.Context(), func(w *table.Write) (err error) {
		out, err = a.run(w)
		return err
	}); err != nil {
		return err
	}
	c.out = jsonwrite.List(append(c.out, '{'), "Items")
	if item := showUpdate(a, out); len(item) > 0 {
		c.out = item.AppendJSON(c.out)
	}
	used := answer.NewCapacity(q.Consumed)
	used.Write(a.Table(), attribute.Size(out.old), attribute.Size(out.new), out.touched)
	c.out = append(used.Append(append(c.out, ']')), '}')
	return nil
}

// selectItems answers a page of a SELECT. Its rows are those of a Query for
// each partition key that WHERE names, or of a Scan; WHERE is the filter.
func (c *call) selectItems(q *request.Statements, a *action) error {
	b, d := a.statement, a.table.Definition()
	s := &search{
		Search:   &request.Search{Operation: q.Operation, TableName: a.TableName, Consumed: q.Consumed, Limit: q.Limit},
		compiled: &expression.Compiled{Filter: b.Filter}, d: d,
	}
	s.ConsistentRead = a.ConsistentRead
	if b.Index != "" {
		s.IndexName = &b.Index
	}
	rows, err := s.chooseStatement(b)
	if err != nil {
		return err
	}
	at, err := s.resume(b, q, rows)
	if err != nil {
		return err
	}
	var p page
	c.out = jsonwrite.List(append(c.out, '{'), "Items")
	sortKey := ""
	if key := s.key(); len(key.Range) > 0 {
		sortKey = key.Range[0]
	}
	if err := c.service.tables.View(func(v table.View) error {
		for ; at < len(rows) && p.last == nil; at++ {
			if err := v.Scan(d, s.index, rows[at], s.direction, func(item attribute.Item) bool {
				seen := s.see(item, &p)
				if b.Filter.Eval(seen) {
					c.out = b.Show(seen).AppendJSON(jsonwrite.Comma(c.out))
				}
				return !p.ends(s, seen, item, sortKey)
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	c.out = append(c.out, ']')
	if p.last != nil {
		c.out = jsonwrite.Text(c.out, "NextToken", nextToken(b, q, at-1, p.last))
		c.out = p.last.AppendJSON(jsonwrite.Member(c.out, "LastEvaluatedKey"))
	}
	c.out = append(s.consumed(&p).Append(c.out), '}')
	return nil
}

// chooseStatement fits a SELECT to its table or index and tells what rows to
// read.
func (s *search) chooseStatement(b *partiql.Bound) ([]table.Range, error) {
	if err := s.chooseIndex(); err != nil {
		return nil, err
	}
	if s.index != nil {
		if err := s.showAttributes(false, b.Attributes()); err != nil {
			return nil, err
		}
	}
	if err := s.compiled.CheckKeys(s.d.Key.Names(), indexKeys(s.d)); err != nil {
		return nil, err
	}
	schema := schemaOf(s.d, s.key())
	ranges, keyed, err := b.Ranges(schema)
	if err != nil {
		return nil, err
	}
	if b.Descending(schema) {
		s.direction = store.Descending
	}
	if !keyed {
		return []table.Range{s.d.Segment(s.index, 0, 1)}, nil
	}
	if s.index != nil && !b.Alternatives() {
		missing := slices.DeleteFunc(slices.Clone(b.Filter.Names()), func(name string) bool { return s.d.Projects(s.index, name) })
		if len(missing) > 0 {
			return nil, s.Operation.Refuse(message.FilterNotProjected, s.index.Name, strings.Join(missing, ", "))
		}
	}
	rows := make([]table.Range, len(ranges))
	for i, r := range ranges {
		rows[i] = s.d.Query(s.index, table.Condition{
			Hash: r.Hash, Equal: r.Equal, Operator: rangeOperators[r.Operator], Low: r.Low, High: r.High,
		})
	}
	return rows, nil
}

// digestOfStatement tells a statement with its parameters from others.
func digestOfStatement(s *request.Statement) []byte {
	text := jsonwrite.String(nil, *s.Text)
	sum := sha256.Sum256(attribute.List(s.Parameters...).AppendJSON(text))
	return sum[:]
}

const shownDigest = 8 // bytes of the digest in a NextToken

// nextToken says where a page ended: which statement, which of its ranges,
// behind which key.
func nextToken(b *partiql.Bound, q *request.Statements, at int, last attribute.Item) string {
	token := binary.BigEndian.AppendUint32(digestOfStatement(q.List[0])[:shownDigest:shownDigest], uint32(at))
	return base64.URLEncoding.EncodeToString(last.AppendJSON(token))
}

// resume cuts the ranges to what follows a NextToken and tells with which to
// begin.
func (s *search) resume(b *partiql.Bound, q *request.Statements, rows []table.Range) (at int, err error) {
	if q.NextToken == nil {
		return 0, nil
	}
	refused := q.Operation.Refuse(message.NextTokenInvalid)
	token, err := base64.URLEncoding.DecodeString(*q.NextToken)
	if err != nil || len(token) < shownDigest+4 || string(token[:shownDigest]) != string(digestOfStatement(q.List[0])[:shownDigest]) {
		return 0, refused
	}
	at = int(binary.BigEndian.Uint32(token[shownDigest:]))
	last, err := attribute.DecodeItem(token[shownDigest+4:], attribute.Old)
	if err != nil || at >= len(rows) || s.d.CheckStart(s.index, last) != nil {
		return 0, refused
	}
	rest, outside := s.d.From(rows[at], s.index, last, s.direction)
	if outside != table.Inside {
		return 0, refused
	}
	rows[at] = rest
	return at, nil
}
