package dynamodb

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

func (c *call) updateTimeToLive() error {
	q := request.ReadUpdateTimeToLive(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if q.TableName != nil {
		c.table = *q.TableName
	}
	if err := c.allowTable(c.operation, c.table); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	_, err := c.service.tables.Change(c.http.Context(), c.table, func(d *table.Definition) error {
		return setExpiry(d, *q.Enabled, *q.Attribute)
	})
	if errors.Is(err, table.ErrNoTable) {
		return message.CreateTable.Refuse(message.NoNamedTable, c.table)
	}
	if err != nil {
		return err
	}
	c.out = jsonwrite.Bool(jsonwrite.Object(append(c.out, '{'), "TimeToLiveSpecification"), "Enabled", *q.Enabled)
	c.out = append(jsonwrite.Text(c.out, "AttributeName", *q.Attribute), '}', '}')
	return nil
}

// setExpiry switches a table's time to live. DynamoDB allows one change an
// hour; here any number.
func setExpiry(d *table.Definition, enabled bool, name string) error {
	op, current := message.UpdateTable, d.Expiry.Attribute
	switch {
	case enabled && current == name:
		return op.Refuse(message.ExpiryEnabledAlready)
	case !enabled && current == "":
		return op.Refuse(message.ExpiryDisabledAlready)
	case current != "" && current != name:
		return op.Refuse(message.ExpiryOtherAttribute, current)
	case enabled:
		d.SetExpiry(name)
	default:
		d.SetExpiry("")
	}
	return nil
}

func (c *call) describeTimeToLive() error {
	t, err := c.named()
	if err != nil {
		return err
	}
	c.out = jsonwrite.Object(append(c.out, '{'), "TimeToLiveDescription")
	if name := t.Definition().Expiry.Attribute; name != "" {
		c.out = jsonwrite.Text(jsonwrite.Text(c.out, "TimeToLiveStatus", "ENABLED"), "AttributeName", name)
	} else {
		c.out = jsonwrite.Text(c.out, "TimeToLiveStatus", "DISABLED")
	}
	c.out = append(c.out, '}', '}')
	return nil
}

// tagging reads a request about the tags of a resource and finds the table.
func (c *call) tagging(check func(*request.Tagging) error) (*request.Tagging, error) {
	q := request.ReadTagging(c.body)
	if err := c.end(); err != nil {
		return nil, err
	}
	op := message.UpdateTable
	if q.ARN == nil {
		return nil, op.Refuse(message.TagArnMissing)
	}
	name, ok := c.service.account.TableOf(*q.ARN)
	if err := c.allow(c.operation, *q.ARN); err != nil {
		return nil, err
	}
	switch {
	case !strings.HasPrefix(*q.ARN, "arn:"):
		shown := *q.ARN
		if shown == "" {
			shown = "*"
		}
		return nil, &attribute.Error{Code: message.AccessDenied, Message: "User: " + c.caller.ARN +
			" is not authorized to perform: dynamodb:" + c.operation + " on resource: " + shown}
	case !ok:
		return nil, op.Refuse(message.TagArnInvalid, *q.ARN)
	}
	if err := check(q); err != nil {
		return nil, err
	}
	if c.table = name; c.service.tables.Find(name) == nil {
		return nil, op.Refuse(message.TagTableMissing, *q.ARN)
	}
	return q, nil
}

// changeTags edits the tags of the call's table; the answer is empty.
func (c *call) changeTags(q *request.Tagging, edit func(*table.Definition) error) error {
	_, err := c.service.tables.Change(c.http.Context(), c.table, edit)
	if errors.Is(err, table.ErrNoTable) {
		return message.UpdateTable.Refuse(message.TagTableMissing, *q.ARN)
	}
	return err
}

// maxTags is the most tags of one table.
const maxTags = 50

func (c *call) tagResource() error {
	op := message.UpdateTable
	q, err := c.tagging((*request.Tagging).CheckTags)
	if err != nil {
		return err
	}
	if len(q.Tags) == 0 {
		return op.Refuse(message.TagsEmpty)
	}
	return c.changeTags(q, func(d *table.Definition) error {
		for _, t := range q.Tags {
			d.Tags[*t.Key] = *t.Value
		}
		if len(d.Tags) > maxTags {
			return op.Refuse(message.TagsTooMany)
		}
		return nil
	})
}

func (c *call) untagResource() error {
	q, err := c.tagging((*request.Tagging).CheckKeys)
	if err != nil {
		return err
	}
	if len(q.Keys) == 0 {
		return message.UpdateTable.Refuse(message.TagKeysEmpty)
	}
	return c.changeTags(q, func(d *table.Definition) error {
		for _, key := range q.Keys {
			delete(d.Tags, key)
		}
		return nil
	})
}

func (c *call) listTags() error {
	_, err := c.tagging(func(*request.Tagging) error { return nil })
	if err != nil {
		return err
	}
	t, err := c.findNamed(c.table)
	if err != nil {
		return err
	}
	tags := t.Definition().Tags
	c.out = jsonwrite.List(append(c.out, '{'), "Tags") // at most 50: one page
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		c.out = jsonwrite.Text(append(jsonwrite.Comma(c.out), '{'), "Key", key)
		c.out = append(jsonwrite.Text(c.out, "Value", tags[key]), '}')
	}
	c.out = append(c.out, ']', '}')
	return nil
}

// skip reads an input of which nothing matters.
func (c *call) skip(resource string) error {
	c.body.Skip()
	if err := c.end(); err != nil {
		return err
	}
	return c.allow(c.operation, resource)
}

func (c *call) describeLimits() error {
	if err := c.skip("*"); err != nil {
		return err
	}
	c.out = append(c.out, `{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,`+
		`"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`...)
	return nil
}

// describeEndpoints names the host that the caller used: clients go on with
// what they get here.
func (c *call) describeEndpoints() error {
	if err := c.skip("*"); err != nil {
		return err
	}
	c.out = jsonwrite.Text(append(jsonwrite.List(append(c.out, '{'), "Endpoints"), '{'), "Address", c.http.Host)
	c.out = append(jsonwrite.Int(c.out, "CachePeriodInMinutes", 1440), '}', ']', '}')
	return nil
}

func (c *call) describeBackups() error {
	t, err := c.named()
	if err != nil {
		return backupError(err, c.table)
	}
	c.appendBackups(t.Definition())
	return nil
}

// updateBackups notes whether point-in-time recovery is wanted. Nothing is
// kept to recover from.
func (c *call) updateBackups() error {
	q := request.ReadRecovery(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if q.TableName != nil {
		c.table = *q.TableName
	}
	if err := c.allowTable(c.operation, c.table); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	d, err := c.service.tables.Change(c.http.Context(), c.table, func(d *table.Definition) error {
		d.Recovery = *q.Enabled
		return nil
	})
	if errors.Is(err, table.ErrNoTable) {
		return message.UpdateTable.Refuse(message.BackupTableMissing, c.table)
	}
	if err != nil {
		return err
	}
	c.appendBackups(d)
	return nil
}

func backupError(err error, name string) error {
	var refusal *attribute.Error
	if errors.As(err, &refusal) && refusal.Code == message.ResourceNotFound {
		return message.UpdateTable.Refuse(message.BackupTableMissing, name)
	}
	return err
}

func (c *call) appendBackups(d *table.Definition) {
	c.out = jsonwrite.Text(jsonwrite.Object(append(c.out, '{'), "ContinuousBackupsDescription"), "ContinuousBackupsStatus", "ENABLED")
	c.out = jsonwrite.Object(c.out, "PointInTimeRecoveryDescription")
	if d.Recovery {
		c.out = jsonwrite.Text(c.out, "PointInTimeRecoveryStatus", "ENABLED")
		c.out = jsonwrite.Int(c.out, "RecoveryPeriodInDays", 35)
		c.out = answer.Time(c.out, "EarliestRestorableDateTime", d.Created)
		c.out = answer.Time(c.out, "LatestRestorableDateTime", time.Now())
	} else {
		c.out = jsonwrite.Text(c.out, "PointInTimeRecoveryStatus", "DISABLED")
	}
	c.out = append(c.out, '}', '}', '}')
}
