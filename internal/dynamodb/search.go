package dynamodb

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
	"github.com/suiro-dev/suiro/internal/store"
)

// maxPage is the size at which a page of a Query or Scan ends.
const maxPage = 1 << 20

// search is a Query or Scan, ready to read a page.
type search struct {
	*request.Search
	compiled  *expression.Compiled
	d         *table.Definition
	index     *table.Index // nil: the table
	rows      table.Range
	direction store.Direction
	// whole shows whole items from an index: a local one whose request asks
	// for more than it projects. They are fetched from the table.
	whole bool
}

func (c *call) query() error { return c.search(message.Query) }
func (c *call) scan() error  { return c.search(message.Scan) }

func (c *call) search(op message.Operation) error {
	q := request.ReadSearch(c.body, op)
	if err := c.end(); err != nil {
		return err
	}
	arn := c.service.account.Table(q.Table())
	if q.IndexName != nil {
		arn = c.service.account.Index(q.Table(), q.Index())
	}
	if err := c.allow(string(op), arn); err != nil {
		return err
	}
	compiled, err := q.Check(c.service.expressions)
	if err != nil {
		return err
	}
	t, err := c.find(q.Table())
	if err != nil {
		return err
	}
	s := &search{Search: q, compiled: compiled, d: t.Definition()}
	if q.Backward {
		s.direction = store.Descending
	}
	for _, step := range []func() error{s.chooseIndex, s.checkStart, s.chooseRows, s.chooseAttributes, s.start, s.checkKeys} {
		if err := step(); err != nil {
			return err
		}
	}
	return c.page(s)
}

func (s *search) chooseIndex() error {
	if s.IndexName == nil {
		return nil
	}
	s.index = s.d.Index(s.Index())
	switch {
	case s.index == nil || s.index.Status == table.StatusDeleting:
		return s.Operation.Refuse(message.NoIndex, s.Index())
	case s.ConsistentRead && !s.index.Local:
		return s.Operation.Refuse(message.ConsistentGlobal)
	case s.index.Status == table.StatusCreating:
		return s.Operation.Refuse(message.BackfillingIndex, s.index.Name)
	}
	return nil
}

// chooseAttributes decides between an index's projection and whole items.
func (s *search) chooseAttributes() error {
	if s.index == nil {
		return nil
	}
	return s.showAttributes(s.Select != nil && *s.Select == request.SelectAll, s.compiled.Projection.Names())
}

// showAttributes decides how an index can show all attributes, or those named.
func (s *search) showAttributes(all bool, names []string) error {
	var missing []string
	for _, name := range names {
		if !s.d.Projects(s.index, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case s.index.Local:
		s.whole = (all || len(missing) > 0) && s.index.Projection != table.ProjectAll
	case all && s.index.Projection != table.ProjectAll:
		return s.Operation.Refuse(message.GlobalAllAttributes, s.index.Name)
	case len(missing) > 0:
		return s.Operation.Refuse(message.GlobalNotProjected, s.index.Name, strings.Join(missing, ", "))
	}
	return nil
}

// key is the key schema that is read by.
func (s *search) key() table.KeySchema {
	if s.index != nil {
		return s.index.Key
	}
	return s.d.Key
}

// chooseRows fits the key condition, or the segment, to the table.
func (s *search) chooseRows() error {
	if s.Operation == message.Scan {
		segment, total := 0, 1
		if s.Total != nil {
			segment, total = int(*s.Segment), int(*s.Total)
		}
		s.rows = s.d.Segment(s.index, segment, total)
		return nil
	}
	key := s.key()
	r, err := s.compiled.KeyCondition.For(schemaOf(s.d, key))
	if err != nil {
		return err
	}
	s.rows = s.d.Query(s.index, table.Condition{
		Hash: r.Hash, Equal: r.Equal, Operator: rangeOperators[r.Operator], Low: r.Low, High: r.High,
	})
	return nil
}

// schemaOf is a key with the types of its attributes.
func schemaOf(d *table.Definition, key table.KeySchema) expression.KeySchema {
	typed := func(names []string) []expression.KeyAttribute {
		list := make([]expression.KeyAttribute, len(names))
		for i, name := range names {
			list[i] = expression.KeyAttribute{Name: name, Kind: d.TypeOf(name)}
		}
		return list
	}
	return expression.KeySchema{Hash: typed(key.Hash), Range: typed(key.Range)}
}

var rangeOperators = map[expression.RangeOperator]table.Operator{
	expression.Everything: table.Any, expression.Less: table.Less, expression.LessOrEqual: table.LessOrEqual,
	expression.Greater: table.Greater, expression.GreaterOrEqual: table.GreaterOrEqual,
	expression.Between: table.Between, expression.BeginsWith: table.BeginsWith,
}

// checkKeys checks where expressions may name key attributes.
func (s *search) checkKeys() error {
	if s.Operation == message.Query {
		if err := s.compiled.CheckFilterKeys(s.key().Names()); err != nil {
			return err
		}
	}
	return s.compiled.CheckKeys(s.d.Key.Names(), indexKeys(s.d))
}

// checkStart checks the attributes and types of ExclusiveStartKey.
func (s *search) checkStart() error {
	if s.Start == nil {
		return nil
	}
	e := s.d.CheckStart(s.index, s.Start)
	switch {
	case e == nil:
		return nil
	case s.index == nil && s.Operation == message.Scan:
		return s.Operation.Refuse(message.StartSchema)
	case e.Problem != table.KeyType || !s.d.StartsWhole(s.index, s.Start):
		return s.Operation.Refuse(message.StartInvalid)
	case s.key().Has(e.Attribute):
		return s.Operation.Refuse(message.KeyType)
	}
	return s.Operation.Refuse(message.StartSchema)
}

// start cuts the rows to those behind ExclusiveStartKey.
func (s *search) start() error {
	if s.Start == nil {
		return nil
	}
	if s.Operation == message.Query && s.index == nil && len(s.d.Key.Range) == 0 {
		return s.Operation.Refuse(message.StartSingle)
	}
	rows, outside := s.d.From(s.rows, s.index, s.Start, s.direction)
	switch {
	case outside == table.Inside:
		s.rows = rows
	case s.Operation == message.Scan:
		return s.Operation.Refuse(message.StartSegment, *s.Total, *s.Segment)
	case outside == table.OutsidePartition:
		return s.Operation.Refuse(message.StartOutside)
	default:
		return s.Operation.Refuse(message.StartPredicate)
	}
	return nil
}

// page reads one page and answers it. Items are appended to the answer as they
// are read.
func (c *call) page(s *search) error {
	var p page
	c.out = append(c.out, '{')
	if !s.Counts() {
		c.out = jsonwrite.List(c.out, "Items")
	}
	sortKey := ""
	if key := s.key(); len(key.Range) > 0 {
		sortKey = key.Range[0]
	}
	if err := c.service.tables.View(func(v table.View) error {
		return v.Scan(s.d, s.index, s.rows, s.direction, func(item attribute.Item) bool {
			seen := s.see(item, &p)
			if s.compiled.Filter.Eval(seen) {
				p.count++
				if !s.Counts() {
					c.out = s.compiled.Projection.Apply(seen).AppendJSON(jsonwrite.Comma(c.out))
				}
			}
			return !p.ends(s, seen, item, sortKey)
		})
	}); err != nil {
		return err
	}
	if !s.Counts() {
		c.out = append(c.out, ']')
	}
	c.out = jsonwrite.Int(c.out, "Count", int64(p.count))
	c.out = jsonwrite.Int(c.out, "ScannedCount", int64(p.scanned))
	if p.last != nil {
		c.out = p.last.AppendJSON(jsonwrite.Member(c.out, "LastEvaluatedKey"))
	}
	c.out = append(s.consumed(&p).Append(c.out), '}')
	return nil
}

// page is what was read so far.
type page struct {
	scanned, count int
	size           int // as pages are measured
	read           int // bytes read, as capacity is
	fetched        []int
	last           attribute.Item // the key where the page ended, nil at the end of the rows
}

// ends counts an item as read and tells whether the page ends with it.
func (p *page) ends(s *search, seen, item attribute.Item, sortKey string) bool {
	p.scanned++
	p.size += attribute.PageSize(seen, sortKey)
	if p.scanned == s.Page() || p.size >= maxPage {
		p.last = s.d.KeyOf(s.index, item).Clone()
	}
	return p.last != nil
}

// see is what the request can see of an item, and adds its size.
func (s *search) see(item attribute.Item, p *page) attribute.Item {
	if s.index == nil {
		p.read += attribute.Size(item)
		return item
	}
	seen := s.d.Project(s.index, item)
	p.read += attribute.Size(seen)
	if s.whole {
		p.fetched = append(p.fetched, attribute.Size(item))
		return item
	}
	return seen
}

func (s *search) consumed(p *page) *answer.Capacity {
	used := answer.NewCapacity(s.Consumed)
	if s.index == nil {
		used.Read(s.Table(), p.read, s.ConsistentRead)
		return used
	}
	used.ReadIndex(s.Table(), s.index, p.read, s.ConsistentRead)
	for _, size := range p.fetched {
		used.Read(s.Table(), size, s.ConsistentRead)
	}
	return used
}
