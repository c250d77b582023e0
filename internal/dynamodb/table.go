package dynamodb

import (
	"context"
	"errors"
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

func (c *call) createTable() error {
	q := request.ReadCreateTable(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if q.TableName != nil {
		c.table = *q.TableName
	}
	if err := c.allowTable("CreateTable", c.table); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	d, err := c.service.create(c.http.Context(), q)
	if err != nil {
		return err
	}
	return c.describe("TableDescription", d, "CREATING")
}

// create makes a table that was checked.
func (s *Service) create(ctx context.Context, q *request.CreateTable) (*table.Definition, error) {
	d := q.NewDefinition()
	t, err := s.tables.Create(ctx, *d)
	if errors.Is(err, table.ErrExists) {
		return nil, message.CreateTable.Refuse(message.TableExists, d.Name)
	}
	if err != nil {
		return nil, err
	}
	return t.Definition(), nil
}

// named reads, allows and looks up a request for a table by name.
func (c *call) named() (*table.Table, error) {
	q := request.ReadNamedTable(c.body)
	if err := c.end(); err != nil {
		return nil, err
	}
	if q.TableName != nil {
		c.table = *q.TableName
	}
	if err := c.allowTable(c.operation, c.table); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	return c.findNamed(c.table)
}

// findNamed looks up a table for an operation on the table itself, whose
// refusal names it.
func (c *call) findNamed(name string) (*table.Table, error) {
	c.table = name
	if t := c.service.tables.Find(name); t != nil {
		return t, nil
	}
	return nil, message.CreateTable.Refuse(message.NoNamedTable, name)
}

func (c *call) describeTable() error {
	t, err := c.named()
	if err != nil {
		return err
	}
	d := t.Definition()
	status := "ACTIVE"
	if slices.ContainsFunc(d.Indexes, func(x table.Index) bool { return x.Status != table.StatusActive }) {
		status = "UPDATING"
	}
	return c.describe("Table", d, status)
}

func (c *call) deleteTable() error {
	t, err := c.named()
	if err != nil {
		return err
	}
	d := t.Definition()
	switch {
	case d.DeletionProtection:
		return message.CreateTable.Refuse(message.TableProtected)
	case slices.ContainsFunc(d.Indexes, func(x table.Index) bool { return x.Status != table.StatusActive }):
		return message.CreateTable.Refuse(message.IndexesInFlight)
	}
	dropped, err := c.service.tables.Drop(c.http.Context(), d.Name)
	if errors.Is(err, table.ErrNoTable) {
		return message.CreateTable.Refuse(message.NoNamedTable, d.Name)
	}
	if err != nil {
		return err
	}
	return c.describe("TableDescription", dropped, "DELETING")
}

func (c *call) updateTable() error {
	q := request.ReadUpdateTable(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if q.TableName != nil {
		c.table = *q.TableName
	}
	if err := c.allowTable("UpdateTable", c.table); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	if _, err := c.findNamed(c.table); err != nil {
		return err
	}
	d, err := c.service.tables.Change(c.http.Context(), c.table, q.Apply)
	if errors.Is(err, table.ErrNoTable) {
		return message.UpdateTable.Refuse(message.NoNamedTable, c.table)
	}
	if err != nil {
		return err
	}
	return c.describe("TableDescription", d, "UPDATING")
}

func (c *call) listTables() error {
	q := request.ReadListTables(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if err := c.allow("ListTables", "*"); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	limit := 100
	if q.Limit != nil {
		limit = int(*q.Limit)
	}
	names := c.service.tables.Names()
	if q.Start != nil {
		names = names[after(names, *q.Start):]
	}
	page := names[:min(limit, len(names))]
	c.out = jsonwrite.Texts(append(c.out, '{'), "TableNames", page)
	if len(page) < len(names) {
		c.out = jsonwrite.Text(c.out, "LastEvaluatedTableName", page[len(page)-1])
	}
	c.out = append(c.out, '}')
	return nil
}

// after is the position of the first name behind start.
func after(names []string, start string) int {
	i, found := slices.BinarySearch(names, start)
	if found {
		i++
	}
	return i
}

// describe answers with a table's description.
func (c *call) describe(name string, d *table.Definition, status string) error {
	var counts table.Counts
	if status != "CREATING" {
		if err := c.service.tables.View(func(v table.View) (err error) {
			counts, err = v.Counts(d)
			return err
		}); err != nil {
			return err
		}
	}
	described := answer.Table{Account: c.service.account, Definition: d, Status: status, Counts: counts}
	c.out = append(described.Append(jsonwrite.Object(append(c.out, '{'), name)), '}', '}')
	return nil
}
