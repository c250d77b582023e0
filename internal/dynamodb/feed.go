package dynamodb

import (
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/answer"
	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
)

// Feed is a stream as event sources read it: from the store, as soon as a
// record is there, instead of by polling the API.
type Feed struct {
	service *Service
	stream  *stream.Stream
}

// FeedRecord is one record of a Feed.
type FeedRecord struct {
	Sequence  uint64
	Text      string // the sequence number as clients see it
	Time      time.Time
	Partition string // equal for records of one partition key
	Event     []byte // the record as functions get it, JSON
}

// FeedPage is what one reading yields.
type FeedPage struct {
	Records []FeedRecord
	Next    uint64 // the sequence number to go on from
	Ended   bool   // the stream was disabled, and this is its end
	Trimmed bool   // the records asked for are gone; nothing was read
}

// Feed finds a stream by its ARN.
func (s *Service) Feed(arn string) (*Feed, error) {
	found, err := s.findStream(arn)
	if err != nil {
		return nil, err
	}
	return &Feed{s, found}, nil
}

// Shard is the id of the stream's shard.
func (f *Feed) Shard() string { return f.stream.Definition().Shard() }

// Latest is the sequence number of the next record.
func (f *Feed) Latest() uint64 { return f.stream.Last() + 1 }

// Changed is closed when there is more to read than when it was taken.
func (f *Feed) Changed() <-chan struct{} { return f.stream.Changed() }

// Read reads at most limit records from a sequence number on, 0 for the
// oldest, and about a megabyte of them.
func (f *Feed) Read(from uint64, limit int) (FeedPage, error) {
	page, err := f.stream.Read(from, limit, maxRecordBytes)
	if err != nil {
		return FeedPage{}, err
	}
	out := FeedPage{Next: page.Next, Ended: page.Ended, Trimmed: page.Trimmed, Records: make([]FeedRecord, len(page.Records))}
	d := f.stream.Definition()
	for i := range page.Records {
		r := &page.Records[i]
		out.Records[i] = FeedRecord{
			Sequence:  r.Sequence,
			Text:      stream.FormatSequence(r.Sequence),
			Time:      r.Time,
			Partition: string(attribute.AppendKey(nil, r.Keys.Get(d.Hash[0]))),
			Event:     append(f.service.account.Record([]byte{'{'}, d, r, answer.FunctionEvent), '}'),
		}
	}
	return out, nil
}
