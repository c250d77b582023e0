package dynamodb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
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
	d := newDefinition(q)
	t, err := s.tables.Create(ctx, *d)
	if errors.Is(err, table.ErrExists) {
		return nil, message.CreateTable.Refuse(message.TableExists, d.Name)
	}
	if err != nil {
		return nil, err
	}
	return t.Definition(), nil
}

// newDefinition is the table that a request which was checked asks for, born
// now.
func newDefinition(q *request.CreateTable) *table.Definition {
	d := q.Definition()
	d.ID, d.Created = awsapi.NewRequestID(), time.Now()
	if d.OnDemand {
		d.OnDemandSince = d.Created
	}
	return &d
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
	c.out = appendTexts(append(c.out, '{'), "TableNames", page)
	if len(page) < len(names) {
		c.out = appendText(c.out, "LastEvaluatedTableName", page[len(page)-1])
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
	s := &description{service: c.service, d: d, status: status, counts: counts}
	c.out = append(s.append(object(append(c.out, '{'), name)), '}', '}')
	return nil
}

// description is a TableDescription.
type description struct {
	service *Service
	d       *table.Definition
	status  string
	counts  table.Counts
}

func (s *description) append(dst []byte) []byte {
	d := s.d
	dst = appendText(dst, "TableName", d.Name)
	dst = appendText(dst, "TableStatus", s.status)
	dst = appendText(dst, "TableArn", s.service.tableARN(d.Name))
	dst = appendText(dst, "TableId", d.ID)
	dst = appendInt(dst, "ItemCount", s.counts.Table.Items)
	dst = appendInt(dst, "TableSizeBytes", s.counts.Table.Bytes)
	dst = s.appendThroughput(dst, d.Throughput)
	if d.OnDemand || !d.OnDemandSince.IsZero() { // once on demand, a table tells its mode for good
		dst = appendText(object(dst, "BillingModeSummary"), "BillingMode", map[bool]string{false: "PROVISIONED", true: "PAY_PER_REQUEST"}[d.OnDemand])
		if s.status != "CREATING" {
			dst = appendTime(dst, "LastUpdateToPayPerRequestDateTime", d.OnDemandSince)
		}
		dst = append(dst, '}')
	}
	dst = appendBool(dst, "DeletionProtectionEnabled", d.DeletionProtection)
	if s.status == "DELETING" {
		return dst // what the table was like is left out by then
	}
	dst = appendTime(dst, "CreationDateTime", d.Created)
	dst = s.appendKeys(dst)
	dst = s.appendIndexes(dst, "LocalSecondaryIndexes", true)
	dst = s.appendIndexes(dst, "GlobalSecondaryIndexes", false)
	dst = appendOnDemand(dst, d.OnDemandThroughput)
	if d.TableClass != "" {
		dst = append(appendText(object(dst, "TableClassSummary"), "TableClass", d.TableClass), '}')
	}
	if s.status != "CREATING" {
		dst = s.appendWarmth(dst, d.Throughput)
	}
	if d.EncryptionKey != "" {
		dst = appendText(object(dst, "SSEDescription"), "Status", "ENABLED")
		dst = append(appendText(appendText(dst, "SSEType", "KMS"), "KMSMasterKeyArn", d.EncryptionKey), '}')
	}
	return s.appendStream(dst)
}

func (s *description) appendThroughput(dst []byte, t table.Throughput) []byte {
	dst = appendInt(object(dst, "ProvisionedThroughput"), "NumberOfDecreasesToday", 0)
	dst = appendInt(dst, "ReadCapacityUnits", t.Read)
	return append(appendInt(dst, "WriteCapacityUnits", t.Write), '}')
}

// appendWarmth appends what a table bears at once; on-demand tables begin with
// 4,000 writes and 12,000 reads.
func (s *description) appendWarmth(dst []byte, t table.Throughput) []byte {
	if s.d.OnDemand {
		t = table.Throughput{Read: 12000, Write: 4000}
	}
	dst = appendInt(object(dst, "WarmThroughput"), "ReadUnitsPerSecond", t.Read)
	dst = appendInt(dst, "WriteUnitsPerSecond", t.Write)
	return append(appendText(dst, "Status", "ACTIVE"), '}')
}

func appendOnDemand(dst []byte, t *table.OnDemandThroughput) []byte {
	if t == nil {
		return dst
	}
	dst = appendInt(object(dst, "OnDemandThroughput"), "MaxReadRequestUnits", t.Read)
	return append(appendInt(dst, "MaxWriteRequestUnits", t.Write), '}')
}

func (s *description) appendKeys(dst []byte) []byte {
	dst = list(dst, "AttributeDefinitions")
	for _, a := range s.d.Attributes {
		dst = appendText(append(separate(dst), '{'), "AttributeName", a.Name)
		dst = append(appendText(dst, "AttributeType", a.Type), '}')
	}
	return appendKeySchema(append(dst, ']'), s.d.Key)
}

func appendKeySchema(dst []byte, k table.KeySchema) []byte {
	dst = list(dst, "KeySchema")
	for i, names := range [2][]string{k.Hash, k.Range} {
		for _, name := range names {
			dst = appendText(append(separate(dst), '{'), "AttributeName", name)
			dst = append(appendText(dst, "KeyType", [2]string{"HASH", "RANGE"}[i]), '}')
		}
	}
	return append(dst, ']')
}

func (s *description) appendIndexes(dst []byte, name string, local bool) []byte {
	if !slices.ContainsFunc(s.d.Indexes, func(x table.Index) bool { return x.Local == local }) {
		return dst
	}
	dst = list(dst, name)
	for _, x := range s.d.Indexes {
		if x.Local == local {
			dst = append(s.appendIndex(append(separate(dst), '{'), x), '}')
		}
	}
	return append(dst, ']')
}

func (s *description) appendIndex(dst []byte, x table.Index) []byte {
	dst = appendText(dst, "IndexName", x.Name)
	dst = appendText(dst, "IndexArn", s.service.indexARN(s.d.Name, x.Name))
	dst = appendInt(dst, "ItemCount", s.counts.Indexes[x.Number].Items)
	dst = appendInt(dst, "IndexSizeBytes", s.counts.Indexes[x.Number].Bytes)
	dst = appendKeySchema(dst, x.Key)
	dst = appendText(object(dst, "Projection"), "ProjectionType", x.Projection)
	if len(x.Included) > 0 {
		dst = appendTexts(dst, "NonKeyAttributes", x.Included)
	}
	dst = append(dst, '}')
	if x.Local {
		return dst
	}
	status := x.Status
	if s.status == "CREATING" {
		status = s.status
	}
	dst = appendText(dst, "IndexStatus", status)
	if x.Status == table.StatusCreating {
		dst = appendBool(dst, "Backfilling", true)
	}
	dst = s.appendThroughput(dst, x.Throughput)
	dst = appendOnDemand(dst, x.OnDemandThroughput)
	if s.status != "CREATING" {
		dst = s.appendWarmth(dst, x.Throughput)
	}
	return dst
}

func (s *description) appendStream(dst []byte) []byte {
	if s.d.StreamViewType != "" {
		dst = appendBool(object(dst, "StreamSpecification"), "StreamEnabled", true)
		dst = append(appendText(dst, "StreamViewType", s.d.StreamViewType), '}')
	}
	if s.d.StreamLabel != "" {
		dst = appendText(dst, "LatestStreamLabel", s.d.StreamLabel)
		dst = appendText(dst, "LatestStreamArn", s.service.streamARN(s.d.Name, s.d.StreamLabel))
	}
	return dst
}

// tableOfARN is the name in the ARN of one of the account's tables.
func (s *Service) tableOfARN(arn string) (name string, ok bool) {
	name, ok = strings.CutPrefix(arn, s.tableARN(""))
	return name, ok && !strings.Contains(name, "/")
}
