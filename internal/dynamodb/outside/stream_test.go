package outside_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// shards is an endpoint with a stream of two shards, of which the first has
// ended; refusals are answered once each.
type shards struct {
	t        *testing.T
	sequence string // of the record in the first shard
	refuse   []string
}

func (s *shards) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	asks := func(text string) bool { return strings.Contains(string(body), text) }
	record := func(sequence string) string {
		return `{"eventID":"1","eventName":"REMOVE","userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"},` +
			`"dynamodb":{"ApproximateCreationDateTime":1.5,"Keys":{"pk":{"S":"a"}},"SequenceNumber":"` + sequence + `"}}`
	}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDBStreams_20120810.") {
	case "DescribeStream":
		fmt.Fprint(w, `{"StreamDescription":{"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"Shards":[`+
			`{"ShardId":"two","SequenceNumberRange":{"StartingSequenceNumber":"000000000000000000020"}},`+
			`{"ShardId":"one","SequenceNumberRange":{"StartingSequenceNumber":"000000000000000000010","EndingSequenceNumber":"000000000000000000019"}}]}}`)
	case "GetShardIterator":
		name := "one"
		if asks(`"two"`) {
			name = "two"
		}
		if asks("AFTER_SEQUENCE_NUMBER") {
			name += "-after"
		}
		fmt.Fprint(w, `{"ShardIterator":"`+name+`"}`)
	case "GetRecords":
		if len(s.refuse) > 0 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"x#`+s.refuse[0]+`","message":"no"}`)
			s.refuse = s.refuse[1:]
			return
		}
		switch {
		case asks(`"one"`):
			fmt.Fprint(w, `{"Records":[`+record(s.sequence)+`]}`)
		case asks(`"one-after"`):
			fmt.Fprint(w, `{"Records":[]}`)
		case asks(`"two"`):
			fmt.Fprint(w, `{"Records":[`+record("000000000000000000021")+`],"NextShardIterator":"end"}`)
		default:
			fmt.Fprint(w, `{"Records":[],"NextShardIterator":"end"}`)
		}
	}
}

func TestStreamGoesFromShardToShard(t *testing.T) {
	endpoint := &shards{t: t, sequence: "000000000000000000011"}
	o := newOutside(t, serve(t, endpoint), newLocal(t))
	s, err := o.Stream("arn")
	if err != nil {
		t.Fatal(err)
	}
	endpoint.refuse = []string{"ExpiredIteratorException"}
	var read []string
	from := uint64(0)
	for range 6 {
		page, err := s.Read(from, 10)
		if err != nil || page.Ended {
			t.Fatal(page, err)
		}
		for _, r := range page.Records {
			read = append(read, s.Shard()+" "+r.Text)
			if !strings.Contains(string(r.Event), `"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}`) || r.Time.UnixMilli() != 1500 {
				t.Errorf("record %s at %v", r.Event, r.Time)
			}
		}
		from = page.Next
	}
	if got := strings.Join(read, ", "); got != "one 000000000000000000011, two 000000000000000000021" {
		t.Errorf("read %s", got)
	}
	endpoint.refuse = []string{"TrimmedDataAccessException"}
	if page, err := s.Read(from, 10); err != nil || !page.Trimmed {
		t.Errorf("records that are gone: %+v, %v", page, err)
	}
	endpoint.refuse = []string{"InternalServerError"}
	if _, err := s.Read(from, 10); err == nil {
		t.Error("an error was not told")
	}
}

func TestStreamsWithLongSequenceNumbersAreRefused(t *testing.T) {
	o := newOutside(t, serve(t, &shards{t: t, sequence: "111100000000000000000001"}), newLocal(t))
	s, err := o.Stream("arn")
	if err == nil {
		_, err = s.Read(0, 10)
	}
	if err == nil || !strings.Contains(err.Error(), "more than 64 bits") {
		t.Errorf("the error is %v", err)
	}
}
