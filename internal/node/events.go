package node

import (
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/eventbridge"
	"github.com/suiro-dev/suiro/internal/lambda/trigger"
)

// openEvents opens what calls functions by itself.
func (s *services) openEvents(n *Node) (err error) {
	s.clock = eventbridge.New(eventbridge.Config{Region: s.region, AccountID: s.account, Invoker: s.lambda, Journal: n.config.Journal})
	s.triggers, err = trigger.New(trigger.Config{
		Region: s.region, AccountID: s.account, Functions: s.lambda, Stream: s.stream, Readable: s.readable, Store: s.store,
		Journal: n.config.Journal, Authenticator: s.iam, Authorizer: s.iam,
	})
	return err
}

// feed is a table's stream as event source mappings read it.
type feed struct{ source }

// source is a stream of a table that is here or outside.
type source interface {
	Shard() string
	Latest() uint64
	Read(from uint64, limit int) (dynamodb.FeedPage, error)
	Changed() <-chan struct{}
}

// Read implements trigger.Stream.
func (f feed) Read(from uint64, limit int) (trigger.Page, error) {
	page, err := f.source.Read(from, limit)
	out := trigger.Page{Next: page.Next, Ended: page.Ended, Trimmed: page.Trimmed, Records: make([]trigger.Record, len(page.Records))}
	for i, r := range page.Records {
		out.Records[i] = trigger.Record(r)
	}
	return out, err
}

func (s *services) stream(arn string) (trigger.Stream, error) {
	if s.outside != nil {
		f, err := s.outside.Stream(arn)
		if err != nil {
			return nil, err
		}
		return feed{f}, nil
	}
	f, err := s.dynamodb.Feed(arn)
	if err != nil {
		return nil, err
	}
	return feed{f}, nil
}

// readable tells whether a function's role may read a stream.
func (s *services) readable(roleARN, streamARN string) bool {
	caller := s.iam.Session(roleARN, "event-source")
	for _, action := range []string{"GetRecords", "GetShardIterator", "DescribeStream"} {
		if s.iam.Authorize(caller, "dynamodb:"+action, streamARN) != nil {
			return false
		}
	}
	return true
}

// lambdaAPI is Lambda's API, whose mappings have a service of their own.
func (s *services) lambdaAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, trigger.Path) {
			s.triggers.ServeHTTP(w, r)
			return
		}
		s.lambda.ServeHTTP(w, r)
	})
}
