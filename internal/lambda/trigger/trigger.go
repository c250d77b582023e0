// Package trigger is Lambda's event source mappings: it reads the change
// streams of tables and calls functions with batches of their records.
//
// A mapping reads its stream in lanes, as many as its ParallelizationFactor,
// each with the records of its own partition keys, in order. A lane gathers a
// batch (lane.go), calls the function and goes on, retries, splits or gives up
// by what the function answered (batch.go), and then notes on disk how far it
// has come (progress.go): after a restart, kill -9 included, it goes on there.
// A record may so be delivered twice, and is never skipped.
//
// Mappings come from templates (resource.go) and from Lambda's API (api.go).
package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

// Functions finds and calls functions; *lambda.Service is one.
type Functions interface {
	invoke.Invoker
	Lookup(name, qualifier string) (lambda.FunctionInfo, error)
}

// Record is one record of a stream.
type Record struct {
	Sequence  uint64
	Text      string // the sequence number as functions see it
	Time      time.Time
	Partition string // records with the same one stay in order
	Event     []byte // the record as functions get it, JSON
}

// Page is what one reading of a stream yields.
type Page struct {
	Records []Record
	Next    uint64 // the sequence number to go on from
	Ended   bool   // the stream has no more and gets no more
	Trimmed bool   // the records asked for are gone; nothing was read
}

// Stream is a change stream.
type Stream interface {
	// Shard is the id of its shard.
	Shard() string
	// Latest is the sequence number of the next record.
	Latest() uint64
	// Read reads at most limit records from a sequence number on, 0 for the
	// oldest.
	Read(from uint64, limit int) (Page, error)
	// Changed is closed when there is more to read than when it was taken.
	Changed() <-chan struct{}
}

// Config makes a Service. Functions, Streams and Store are needed to run
// mappings; a service without them only checks templates.
type Config struct {
	Region, AccountID string
	Functions         Functions
	// Stream finds a stream by its ARN.
	Stream func(arn string) (Stream, error)
	// Readable tells whether a role may read a stream; nil lets every one.
	Readable func(roleARN, streamARN string) bool
	Store    *store.Store
	Journal  *journal.Journal
	// Authenticator and Authorizer guard the API; nil lets everyone in.
	Authenticator awsapi.Authenticator
	Authorizer    awsapi.Authorizer
}

// Service holds the mappings. It is safe for concurrent use.
type Service struct {
	cfg Config
	// closing ends the reading of streams; cut ends the wait for functions.
	closing context.Context
	stop    context.CancelFunc
	cut     context.Context
	abandon context.CancelFunc

	mu       sync.Mutex
	mappings map[string]*mapping // by UUID
	ended    bool
}

// New makes the service and starts the mappings that the API made in earlier
// runs.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, mappings: make(map[string]*mapping)}
	s.closing, s.stop = context.WithCancel(context.Background())
	s.cut, s.abandon = context.WithCancel(context.Background())
	if cfg.Store == nil {
		return s, nil
	}
	saved, err := s.loadMappings()
	if err != nil {
		return nil, err
	}
	for _, set := range saved {
		s.add(set)
	}
	return s, nil
}

// Handlers are the resource types the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{mappingType: mappingHandler{s}}
}

// Close ends the reading of streams and lets running functions finish until
// ctx ends. What they did not finish is delivered again at the next start.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	stopped := context.AfterFunc(ctx, s.abandon)
	defer stopped()
	s.mu.Lock()
	s.ended = true
	all := s.list()
	s.mu.Unlock()
	for _, m := range all {
		m.halt()
	}
	return nil
}

// list is all mappings in the order of their UUIDs. s.mu is held.
func (s *Service) list() []*mapping {
	all := make([]*mapping, 0, len(s.mappings))
	for _, m := range s.mappings {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *mapping) int { return strings.Compare(a.settings().UUID, b.settings().UUID) })
	return all
}

var errEnded = errors.New("Suiro is shutting down")

// mapping is one event source mapping.
type mapping struct {
	service *Service

	change sync.Mutex // held while lanes are started or stopped

	mu         sync.Mutex
	set        settings
	lastResult string
	stop       context.CancelFunc // nil while it is not running
	work       sync.WaitGroup
}

func (m *mapping) settings() settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set
}

// add makes a mapping run.
func (s *Service) add(set settings) *mapping {
	m := &mapping{service: s, set: set, lastResult: noRecords}
	s.mu.Lock()
	s.mappings[set.UUID] = m
	s.mu.Unlock()
	m.start()
	return m
}

// start runs an enabled mapping. When it returns its place in the stream is
// settled: LATEST is what was latest then.
func (m *mapping) start() {
	m.change.Lock()
	defer m.change.Unlock()
	set := m.settings()
	if !set.Enabled || !set.runs() {
		return
	}
	ctx, cancel := context.WithCancel(m.service.closing)
	m.mu.Lock()
	m.stop = cancel
	m.mu.Unlock()
	lanes, err := m.prepare(ctx, set)
	m.work.Go(func() {
		for told := ""; err != nil; lanes, err = m.prepare(ctx, set) {
			if text := err.Error(); text != told && ctx.Err() == nil {
				told = text
				m.result("PROBLEM: " + text)
				m.notice("nothing is read from "+set.Source, err)
			}
			if wait(ctx, tryAgain) != nil {
				return
			}
		}
		m.result(noRecords)
		for _, l := range lanes {
			m.work.Go(func() { l.run(ctx) })
		}
	})
}

// tryAgain is the pause before a stream is looked for again that could not be
// read: made, or allowed, by a resource that comes later.
const tryAgain = time.Second

// prepare finds the stream and the places where the lanes go on.
func (m *mapping) prepare(ctx context.Context, set settings) ([]*lane, error) {
	cfg := m.service.cfg
	fn, err := cfg.Functions.Lookup(set.Function, "")
	if err != nil {
		return nil, err
	}
	s, err := cfg.Stream(set.Source)
	if err != nil {
		return nil, fmt.Errorf("Stream not found: %s", set.Source)
	}
	if cfg.Readable != nil && !cfg.Readable(fn.Role, set.Source) {
		return nil, fmt.Errorf("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", set.Source)
	}
	patterns, err := set.patterns()
	if err != nil {
		return nil, err
	}
	places, err := m.service.places(ctx, set, s)
	if err != nil {
		return nil, err
	}
	lanes := make([]*lane, len(places))
	for i, next := range places {
		lanes[i] = &lane{mapping: m, set: set, patterns: patterns, stream: s, number: i, next: next, saved: next}
	}
	return lanes, nil
}

// wait returns after a time, or with the context's error when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// halt stops the lanes and waits for them.
func (m *mapping) halt() {
	m.change.Lock()
	defer m.change.Unlock()
	m.mu.Lock()
	stop := m.stop
	m.stop = nil
	m.mu.Unlock()
	if stop != nil {
		stop()
		m.work.Wait()
	}
}

// replace gives the mapping other settings.
func (m *mapping) replace(set settings) {
	m.halt()
	m.mu.Lock()
	m.set = set
	m.mu.Unlock()
	m.start()
}

// remove ends a mapping and forgets how far it came.
func (s *Service) remove(ctx context.Context, m *mapping) error {
	m.halt()
	uuid := m.settings().UUID
	s.mu.Lock()
	delete(s.mappings, uuid)
	s.mu.Unlock()
	return s.forget(ctx, uuid)
}

func (s *Service) find(uuid string) *mapping {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mappings[uuid]
}

// LastProcessingResult of a mapping.
const (
	noRecords = "No records processed"
	allRight  = "OK"
)

// result notes what came of the last batch.
func (m *mapping) result(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastResult = text
}

// notice tells the user, with the mapping's name.
func (m *mapping) notice(text string, err error) {
	set := m.settings()
	e := journal.Entry{Kind: journal.Noticed, Resource: set.Resource, Function: set.functionName(), Text: text}
	if err != nil {
		e.Err = err.Error()
	}
	m.service.cfg.Journal.Publish(e)
}
