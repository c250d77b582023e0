package dynamodb

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/request"
	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// streamOperations by their name behind DynamoDBStreams_20120810.
var streamOperations = map[string]func(*call) error{
	"ListStreams":      (*call).listStreams,
	"DescribeStream":   (*call).describeStream,
	"GetShardIterator": (*call).getShardIterator,
	"GetRecords":       (*call).getRecords,
}

const (
	// maxRecords and maxRecordBytes bound one answer of GetRecords.
	maxRecords     = 1000
	maxRecordBytes = 1 << 20
	// iteratorLife is how long a shard iterator can be used (API reference,
	// GetShardIterator: 15 minutes).
	iteratorLife = 15 * time.Minute
)

// findStream finds a stream by its ARN.
func (s *Service) findStream(arn string) (*stream.Stream, error) {
	table, label, ok := strings.Cut(arn, "/stream/")
	if !strings.HasPrefix(arn, "arn:") || !ok || label == "" {
		return nil, message.Streams.Refuse(message.StreamArnInvalid)
	}
	if name, ok := s.account.TableOf(table); ok {
		if found := s.tables.Streams().Find(name, label); found != nil {
			return found, nil
		}
	}
	return nil, message.Streams.Refuse(message.NoStream, arn)
}

func (c *call) listStreams() error {
	q := request.ReadListStreams(c.body)
	if err := c.end(); err != nil {
		return err
	}
	if err := c.allow("ListStreams", "*"); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	limit, table, started := 100, "", q.Start == nil
	if q.Limit != nil {
		limit = int(*q.Limit)
	}
	if q.TableName != nil {
		table = *q.TableName
	}
	last, count := "", 0
	c.out = jsonwrite.List(append(c.out, '{'), "Streams")
	for _, s := range c.service.tables.Streams().List(table) {
		d := s.Definition()
		arn := c.service.account.Stream(d.Table, d.Label)
		if !started {
			started = arn > *q.Start
		}
		switch {
		case !started:
			continue
		case count == limit:
			c.out = append(jsonwrite.Text(append(c.out, ']'), "LastEvaluatedStreamArn", last), '}')
			return nil
		}
		last = arn
		count++
		c.out = jsonwrite.Text(append(jsonwrite.Comma(c.out), '{'), "StreamArn", arn)
		c.out = jsonwrite.Text(c.out, "TableName", d.Table)
		c.out = append(jsonwrite.Text(c.out, "StreamLabel", d.Label), '}')
	}
	c.out = append(c.out, ']', '}')
	return nil
}

// streamNamed allows and finds the stream of a request.
func (c *call) streamNamed(arn *string, check func() error) (*stream.Stream, error) {
	if err := c.end(); err != nil {
		return nil, err
	}
	if arn != nil {
		if err := c.allow(c.operation, *arn); err != nil {
			return nil, err
		}
	}
	if err := check(); err != nil {
		return nil, err
	}
	s, err := c.service.findStream(*arn)
	if err == nil {
		c.table = s.Definition().Table
	}
	return s, err
}

func (c *call) describeStream() error {
	q := request.ReadDescribeStream(c.body)
	s, err := c.streamNamed(q.ARN, q.Check)
	if err != nil {
		return err
	}
	d := s.Definition()
	status := "ENABLED"
	if !d.Open() {
		status = "DISABLED"
	}
	dst := jsonwrite.Text(jsonwrite.Object(append(c.out, '{'), "StreamDescription"), "StreamArn", *q.ARN)
	dst = jsonwrite.Text(dst, "StreamLabel", d.Label)
	dst = jsonwrite.Text(dst, "StreamStatus", status)
	dst = jsonwrite.Text(dst, "StreamViewType", d.View)
	dst = answer.Time(dst, "CreationRequestDateTime", d.Created)
	dst = jsonwrite.Text(dst, "TableName", d.Table)
	dst = answer.KeySchema(dst, table.KeySchema{Hash: d.Hash, Range: d.Range})
	dst = jsonwrite.List(dst, "Shards")
	if shard := d.Shard(); q.Start == nil || shard > *q.Start {
		dst = jsonwrite.Text(append(dst, '{'), "ShardId", shard)
		dst = jsonwrite.Text(jsonwrite.Object(dst, "SequenceNumberRange"), "StartingSequenceNumber", stream.FormatSequence(1))
		if !d.Open() {
			dst = jsonwrite.Text(dst, "EndingSequenceNumber", stream.FormatSequence(max(1, d.Last)))
		}
		dst = append(dst, '}', '}')
	}
	c.out = append(dst, ']', '}', '}')
	return nil
}

func (c *call) getShardIterator() error {
	q := request.ReadShardIterator(c.body)
	s, err := c.streamNamed(q.ARN, q.Check)
	if err != nil {
		return err
	}
	d := s.Definition()
	if *q.Shard != d.Shard() {
		return message.Streams.Refuse(message.NoShard, *q.Shard, *q.ARN)
	}
	it := iterator{arn: *q.ARN, made: time.Now()}
	switch bySequence := *q.Type == request.AtSequence || *q.Type == request.AfterSequence; {
	case bySequence && q.Sequence == nil:
		return message.Streams.Refuse(message.IteratorWithoutSequence, *q.Type)
	case !bySequence && q.Sequence != nil:
		return message.Streams.Refuse(message.IteratorWithSequence, *q.Type)
	case *q.Type == request.Latest:
		it.from = s.Last() + 1
	case bySequence:
		sequence, ok := stream.ParseSequence(*q.Sequence)
		if !ok || sequence > s.Last() && *q.Type == request.AfterSequence {
			return message.Streams.Refuse(message.SequenceInvalid, *q.Sequence)
		}
		if it.from = sequence; *q.Type == request.AfterSequence {
			it.from++
		}
		if it.from <= d.Trimmed {
			return message.Streams.Refuse(message.TrimmedData)
		}
	}
	c.out = append(jsonwrite.Text(append(c.out, '{'), "ShardIterator", it.encode()), '}')
	return nil
}

// iterator is a place in a shard. On the wire it is the stream's ARN, a format
// and the rest in base64: opaque to clients, as on AWS.
type iterator struct {
	arn  string
	from uint64 // sequence number; 0 is the oldest record at the time of reading
	made time.Time
}

const iteratorFormat = "|1|"

func (it iterator) encode() string {
	b := binary.BigEndian.AppendUint64(nil, it.from)
	b = binary.BigEndian.AppendUint64(b, uint64(it.made.UnixMilli()))
	return it.arn + iteratorFormat + base64.StdEncoding.EncodeToString(b)
}

func decodeIterator(s string) (it iterator, ok bool) {
	arn, rest, ok := strings.Cut(s, iteratorFormat)
	b, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(b) != 16 {
		return it, false
	}
	return iterator{arn, binary.BigEndian.Uint64(b), time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:])))}, true
}

func (c *call) getRecords() error {
	q := request.ReadRecords(c.body)
	var it iterator
	var arn *string
	readable := false
	if q.Iterator != nil {
		it, readable = decodeIterator(*q.Iterator)
		arn = &it.arn
	}
	s, err := c.streamNamed(arn, func() error {
		switch err := q.Check(); {
		case err != nil:
			return err
		case !readable:
			return message.Streams.Refuse(message.IteratorInvalid)
		case time.Since(it.made) > iteratorLife:
			return message.Streams.Refuse(message.IteratorExpired)
		}
		return nil
	})
	if err != nil {
		return err
	}
	limit := maxRecords
	if q.Limit != nil {
		limit = int(*q.Limit)
	}
	page, err := s.Read(it.from, limit, maxRecordBytes)
	switch {
	case err != nil:
		return err
	case page.Trimmed:
		return message.Streams.Refuse(message.TrimmedData)
	}
	c.out = jsonwrite.List(append(c.out, '{'), "Records")
	d := s.Definition()
	for i := range page.Records {
		c.out = append(c.service.account.Record(append(jsonwrite.Comma(c.out), '{'), d, &page.Records[i], answer.StreamsAPI), '}')
	}
	c.out = append(c.out, ']')
	if !page.Ended {
		next := iterator{arn: it.arn, from: page.Next, made: time.Now()}
		if it.from == 0 && len(page.Records) == 0 {
			next.from = 0 // still the oldest, whenever it comes
		}
		c.out = jsonwrite.Text(c.out, "NextShardIterator", next.encode())
	}
	c.out = append(c.out, '}')
	return nil
}
