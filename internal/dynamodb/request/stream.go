package request

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

const enumIterator = "[AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"

// Types of shard iterators.
const (
	TrimHorizon   = "TRIM_HORIZON"
	Latest        = "LATEST"
	AtSequence    = "AT_SEQUENCE_NUMBER"
	AfterSequence = "AFTER_SEQUENCE_NUMBER"
)

// ListStreams is the input of ListStreams.
type ListStreams struct {
	TableName *string
	Limit     *int64
	Start     *string // ExclusiveStartStreamArn
}

// ReadListStreams reads the input of ListStreams.
func ReadListStreams(body *attribute.Reader) *ListStreams {
	r, q := reader{body}, &ListStreams{}
	for name := range r.Struct("ListStreamsInput") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "Limit":
			q.Limit = r.integer("Integer")
		case "ExclusiveStartStreamArn":
			q.Start = r.text()
		}
	}
	return q
}

// maxPage is the most streams or shards of one answer.
const maxPage = 100

// Check checks the request's members.
func (q *ListStreams) Check() error {
	c := constraints{layer: attribute.Old}
	c.name("tableName", q.TableName, 3)
	c.page(q.Limit, maxPage)
	return c.err()
}

// page checks a Limit.
func (c *constraints) page(limit *int64, most int64) {
	c.atLeast("limit", limit, 1)
	c.atMost("limit", limit, most)
}

// DescribeStream is the input of DescribeStream.
type DescribeStream struct {
	ARN   *string
	Limit *int64
	Start *string // ExclusiveStartShardId
}

// ReadDescribeStream reads the input of DescribeStream.
func ReadDescribeStream(body *attribute.Reader) *DescribeStream {
	r, q := reader{body}, &DescribeStream{}
	for name := range r.Struct("DescribeStreamInput") {
		switch name {
		case "StreamArn":
			q.ARN = r.text()
		case "Limit":
			q.Limit = r.integer("Integer")
		case "ExclusiveStartShardId":
			q.Start = r.text()
		}
	}
	return q
}

// Check checks the request's members.
func (q *DescribeStream) Check() error {
	c := constraints{layer: attribute.Old}
	c.required("streamArn", q.ARN != nil)
	c.page(q.Limit, maxPage)
	c.shard("exclusiveStartShardId", q.Start)
	return c.err()
}

// shard checks the length of a shard's id; nil passes.
func (c *constraints) shard(path string, v *string) { c.length(path, v, 28, 65) }

// ShardIterator is the input of GetShardIterator.
type ShardIterator struct {
	ARN, Shard, Type, Sequence *string
}

// ReadShardIterator reads the input of GetShardIterator.
func ReadShardIterator(body *attribute.Reader) *ShardIterator {
	r, q := reader{body}, &ShardIterator{}
	for name := range r.Struct("GetShardIteratorInput") {
		switch name {
		case "StreamArn":
			q.ARN = r.text()
		case "ShardId":
			q.Shard = r.text()
		case "ShardIteratorType":
			q.Type = r.text()
		case "SequenceNumber":
			q.Sequence = r.text()
		}
	}
	return q
}

// Check checks the request's members.
func (q *ShardIterator) Check() error {
	c := constraints{layer: attribute.Old}
	c.required("streamArn", q.ARN != nil)
	c.required("shardId", q.Shard != nil)
	c.shard("shardId", q.Shard)
	c.required("shardIteratorType", q.Type != nil)
	c.enum("shardIteratorType", q.Type, enumIterator)
	c.length("sequenceNumber", q.Sequence, 21, 40)
	return c.err()
}

// Records is the input of GetRecords.
type Records struct {
	Iterator *string
	Limit    *int64
}

// ReadRecords reads the input of GetRecords.
func ReadRecords(body *attribute.Reader) *Records {
	r, q := reader{body}, &Records{}
	for name := range r.Struct("GetRecordsInput") {
		switch name {
		case "ShardIterator":
			q.Iterator = r.text()
		case "Limit":
			q.Limit = r.integer("Integer")
		}
	}
	return q
}

// Check checks the request's members.
func (q *Records) Check() error {
	c := constraints{layer: attribute.Old}
	c.required("shardIterator", q.Iterator != nil)
	c.length("shardIterator", q.Iterator, 1, 2048)
	c.page(q.Limit, 1000)
	return c.err()
}
