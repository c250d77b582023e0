package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

const (
	// pollEvery is how often a stream is asked for more; Lambda asks four
	// times a second (Developer Guide, "Using AWS Lambda with DynamoDB").
	pollEvery = 250 * time.Millisecond
	// answerTime bounds one call.
	answerTime = 10 * time.Second
	// mostRecords is the most that one call yields.
	mostRecords = 1000
)

// Stream reads a stream of the endpoint for event source mappings, shard by
// shard. Sequence numbers must fit into 64 bits: those of DynamoDB Local do,
// those of AWS do not.
type Stream struct {
	outside *Service
	arn     string

	mu       sync.Mutex
	known    *streamDescription // as of the last look
	shard    string
	iterator string // stands before next; empty: to be asked for
	next     uint64
}

// streamDescription is what DescribeStream tells of a stream.
type streamDescription struct {
	Shards    []shard
	KeySchema []struct{ AttributeName, KeyType string }
}

type shard struct {
	ID    string                                  `json:"ShardId"`
	Range struct{ StartingSequenceNumber string } `json:"SequenceNumberRange"`
}

// Stream finds a stream by its ARN.
func (o *Service) Stream(arn string) (*Stream, error) {
	s := &Stream{outside: o, arn: arn}
	if err := s.describe(); err != nil {
		return nil, err
	}
	if len(s.known.Shards) > 0 {
		s.shard = s.known.Shards[0].ID
	}
	return s, nil
}

// Shard is the id of the shard that was read last.
func (s *Stream) Shard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shard
}

// Latest is the sequence number behind the last record.
func (s *Stream) Latest() uint64 {
	reader := &Stream{outside: s.outside, arn: s.arn}
	for at := uint64(0); ; {
		page, err := reader.Read(at, mostRecords)
		if err != nil || len(page.Records) == 0 {
			return page.Next
		}
		at = page.Next
	}
}

// Changed is closed when it is time to ask again.
func (s *Stream) Changed() <-chan struct{} {
	again := make(chan struct{})
	time.AfterFunc(pollEvery, func() { close(again) })
	return again
}

// Read reads at most limit records from a sequence number on, 0 for the
// oldest.
func (s *Stream) Read(from uint64, limit int) (dynamodb.FeedPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := dynamodb.FeedPage{Next: from}
	if s.iterator == "" || s.next != from {
		if err := s.seek(from); err != nil || s.iterator == "" {
			return page, err
		}
	}
	var out struct {
		Records           []json.RawMessage
		NextShardIterator string
	}
	err := s.call("GetRecords", map[string]any{"ShardIterator": s.iterator, "Limit": min(limit, mostRecords)}, &out)
	switch {
	case isRefused(err, message.TrimmedDataAccess):
		s.iterator, page.Trimmed = "", true
		return page, nil
	case err != nil: // also an iterator that has expired: the next reading asks for another
		s.iterator = ""
		if isRefused(err, message.ExpiredIterator) {
			err = nil
		}
		return page, err
	}
	for _, raw := range out.Records {
		r, err := s.record(raw)
		if err != nil {
			s.iterator = ""
			return page, err
		}
		if r.Sequence >= from {
			page.Records, page.Next = append(page.Records, r), r.Sequence+1
		}
	}
	s.iterator, s.next = out.NextShardIterator, page.Next
	if s.iterator == "" && len(page.Records) == 0 {
		page.Ended, err = s.advance()
	}
	return page, err
}

// seek asks for an iterator at a sequence number: in the last shard that
// begins before it, or at the beginning of the first.
func (s *Stream) seek(from uint64) error {
	s.iterator, s.next = "", from
	if err := s.describe(); err != nil || len(s.known.Shards) == 0 {
		return err
	}
	at, after := s.known.Shards[0], ""
	for _, shard := range s.known.Shards {
		if start, err := sequence(shard.Range.StartingSequenceNumber); err == nil && from > 0 && start < from {
			at, after = shard, fmt.Sprintf("%021d", from-1)
		}
	}
	return s.enter(at.ID, after)
}

// enter asks for an iterator in a shard: behind a record, or at its beginning.
func (s *Stream) enter(shardID, after string) error {
	input := map[string]any{"StreamArn": s.arn, "ShardId": shardID, "ShardIteratorType": "TRIM_HORIZON"}
	if after != "" {
		input["ShardIteratorType"], input["SequenceNumber"] = "AFTER_SEQUENCE_NUMBER", after
	}
	var out struct{ ShardIterator string }
	if err := s.call("GetShardIterator", input, &out); err != nil {
		return err
	}
	s.shard, s.iterator = shardID, out.ShardIterator
	return nil
}

// advance goes on in the shard behind one that has ended; without one the
// stream has ended.
func (s *Stream) advance() (ended bool, err error) {
	if err := s.describe(); err != nil {
		return false, err
	}
	at := slices.IndexFunc(s.known.Shards, func(x shard) bool { return x.ID == s.shard })
	if at+1 >= len(s.known.Shards) {
		return true, nil
	}
	return false, s.enter(s.known.Shards[at+1].ID, "")
}

// describe looks up the stream's shards, oldest first.
func (s *Stream) describe() error {
	var all streamDescription
	for last := ""; ; {
		input := map[string]any{"StreamArn": s.arn}
		if last != "" {
			input["ExclusiveStartShardId"] = last
		}
		var out struct {
			StreamDescription struct {
				streamDescription
				LastEvaluatedShardID string `json:"LastEvaluatedShardId"`
			}
		}
		if err := s.call("DescribeStream", input, &out); err != nil {
			return err
		}
		all.KeySchema = out.StreamDescription.KeySchema
		all.Shards = append(all.Shards, out.StreamDescription.Shards...)
		if last = out.StreamDescription.LastEvaluatedShardID; last == "" {
			break
		}
	}
	slices.SortStableFunc(all.Shards, func(a, b shard) int {
		x, _ := sequence(a.Range.StartingSequenceNumber)
		y, _ := sequence(b.Range.StartingSequenceNumber)
		return int(min(max(int64(x-y), -1), 1))
	})
	s.known = &all
	return nil
}

func (s *Stream) call(operation string, input, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	return s.outside.call(ctx, streamsTargetPrefix+operation, input, out)
}

func sequence(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("sequence number %s has more than 64 bits: event sources cannot read streams of AWS itself", text)
	}
	return n, err
}

// record is a record as functions get it: with the stream's ARN, and the
// identity of a time-to-live deletion spelled as Lambda spells it.
func (s *Stream) record(raw json.RawMessage) (r dynamodb.FeedRecord, err error) {
	var event map[string]json.RawMessage
	var change struct {
		SequenceNumber              string
		ApproximateCreationDateTime float64
		Keys                        map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &event); err != nil {
		return r, err
	}
	if err := json.Unmarshal(event["dynamodb"], &change); err != nil {
		return r, err
	}
	if r.Sequence, err = sequence(change.SequenceNumber); err != nil {
		return r, err
	}
	var identity struct{ PrincipalID, Type string }
	if event["userIdentity"] != nil && json.Unmarshal(event["userIdentity"], &identity) == nil {
		event["userIdentity"], _ = json.Marshal(map[string]string{"principalId": identity.PrincipalID, "type": identity.Type})
	}
	event["eventSourceARN"], _ = json.Marshal(s.arn)
	for _, k := range s.known.KeySchema {
		if k.KeyType == "HASH" {
			r.Partition = string(change.Keys[k.AttributeName])
		}
	}
	r.Text = change.SequenceNumber
	r.Time = time.UnixMilli(int64(change.ApproximateCreationDateTime * 1000))
	r.Event, err = json.Marshal(event)
	return r, err
}
