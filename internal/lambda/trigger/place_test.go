package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn"

// answer is what the function does with a batch.
type answer struct {
	body   string
	fails  bool
	refuse *invoke.Error // the function does not even run
}

// place is a table with a stream, a function and the mappings between them.
type place struct {
	t       testing.TB
	store   *store.Store
	tables  *dynamodb.Service
	service *Service
	entries *journal.Subscription
	stream  string // ARN

	mu      sync.Mutex
	does    func(keys []string) answer
	batches []string // the keys of each batch, in the order of the calls
	times   []time.Time
	events  [][]byte
	calls   chan string
}

func newPlace(t testing.TB, view string) *place {
	t.Helper()
	p := &place{t: t, store: store.OpenMemory(), calls: make(chan string, 10000)}
	p.openTables()
	p.call("CreateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],`+
		`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"`+view+`"}}`)
	var d struct {
		Table struct{ LatestStreamArn string }
	}
	if err := json.Unmarshal([]byte(p.call("DescribeTable", `{"TableName":"tab"}`)), &d); err != nil {
		t.Fatal(err)
	}
	p.stream = d.Table.LatestStreamArn
	p.open()
	t.Cleanup(func() {
		p.close()
		_ = p.store.Close()
	})
	return p
}

func (p *place) openTables() {
	tables, err := dynamodb.New(dynamodb.Config{Store: p.store, Region: "eu-west-1", AccountID: "123456789012"})
	if err != nil {
		p.t.Fatal(err)
	}
	p.tables = tables
}

func (p *place) open() {
	j := new(journal.Journal)
	p.entries = j.Subscribe(10000)
	s, err := New(Config{Region: "eu-west-1", AccountID: "123456789012", Functions: p, Stream: p.find, Store: p.store, Journal: j})
	if err != nil {
		p.t.Fatal(err)
	}
	p.service = s
}

func (p *place) close() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := p.service.Close(ctx); err != nil {
		p.t.Error(err)
	}
	p.entries.Close()
	if err := p.tables.Close(); err != nil {
		p.t.Error(err)
	}
}

// restart is another run of Suiro on the same store.
func (p *place) restart() {
	p.close()
	p.openTables()
	p.open()
}

type feed struct{ *dynamodb.Feed }

func (f feed) Read(from uint64, limit int) (Page, error) {
	page, err := f.Feed.Read(from, limit)
	out := Page{Next: page.Next, Ended: page.Ended, Trimmed: page.Trimmed}
	for _, r := range page.Records {
		out.Records = append(out.Records, Record(r))
	}
	return out, err
}

func (p *place) find(arn string) (Stream, error) {
	f, err := p.tables.Feed(arn)
	if err != nil {
		return nil, err
	}
	return feed{f}, nil
}

// Lookup implements Functions.
func (p *place) Lookup(name, _ string) (lambda.FunctionInfo, error) {
	name, qualifier, _ := strings.Cut(strings.TrimPrefix(name, functionARN[:len(functionARN)-2]), ":")
	if name != "fn" {
		return lambda.FunctionInfo{}, &invoke.Error{Status: 404, Code: "ResourceNotFoundException", Message: "Function not found: " + name}
	}
	return lambda.FunctionInfo{Name: "fn", ARN: functionARN, Qualifier: qualifier, Version: "$LATEST"}, nil
}

// keyOf finds the keys in a payload.
var keyOf = regexp.MustCompile(`"Keys":\{"pk":\{"S":"(\w+)"`)

// event is the payload of a call.
func (p *place) event(i int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[i]
}

// Invoke implements Functions: the function does what the test says.
func (p *place) Invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	if !bytes.HasPrefix(req.Payload, []byte(`{"Records":[{`)) || !bytes.HasSuffix(req.Payload, []byte(`}]}`)) {
		p.t.Errorf("%.100s", req.Payload)
	}
	var keys []string
	for _, m := range keyOf.FindAllSubmatch(req.Payload, -1) {
		keys = append(keys, string(m[1]))
	}
	p.mu.Lock()
	p.batches = append(p.batches, strings.Join(keys, ","))
	p.times = append(p.times, time.Now())
	p.events = append(p.events, req.Payload)
	does := p.does
	p.mu.Unlock()
	a := answer{}
	if does != nil {
		a = does(keys)
	}
	p.calls <- strings.Join(keys, ",")
	if a.refuse != nil {
		return nil, a.refuse
	}
	fake := invoke.Fake{Functions: map[string]func(context.Context, []byte) ([]byte, invoke.End){
		req.Function: func(context.Context, []byte) ([]byte, invoke.End) {
			if a.fails {
				return []byte(`{"errorType":"Oops"}`), invoke.End{Outcome: invoke.FunctionError, ErrorType: "Oops"}
			}
			return []byte(a.body), invoke.End{}
		},
	}}
	return fake.Invoke(ctx, req)
}

// call calls an operation of DynamoDB.
func (p *place) call(operation, body string) string {
	p.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	p.tables.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		p.t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.String()
}

func (p *place) put(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.call("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"`+key+`"}}}`)
	}
}

// putTogether writes keys in one commit, so that they come in one reading.
func (p *place) putTogether(keys ...string) {
	p.t.Helper()
	var puts []string
	for _, key := range keys {
		puts = append(puts, `{"PutRequest":{"Item":{"pk":{"S":"`+key+`"}}}}`)
	}
	p.call("BatchWriteItem", `{"RequestItems":{"tab":[`+strings.Join(puts, ",")+`]}}`)
}

func (p *place) spec(properties string) resource.Spec {
	p.t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		p.t.Fatal(msgs)
	}
	return resource.Spec{LogicalID: "Mapping", Type: mappingType, Properties: n, Pos: diag.Position{File: "template.yaml", Line: 1},
		Stack: resource.Stack{Name: "app-dev", Region: "eu-west-1", AccountID: "123456789012"}}
}

// mapping makes a mapping of a template; properties are further ones.
func (p *place) mapping(properties string) *resource.Instance {
	p.t.Helper()
	spec := p.spec("{FunctionName: fn, EventSourceArn: '" + p.stream + "', " + properties + "}")
	h := p.service.Handlers()[mappingType]
	if msgs := h.(resource.Checker).Check(spec); msgs.HasErrors() {
		p.t.Fatal(msgs)
	}
	i, err := h.Create(context.Background(), spec)
	if err != nil {
		p.t.Fatal(err)
	}
	return i
}

// want waits for calls of the function and compares their keys.
func (p *place) want(batches ...string) {
	p.t.Helper()
	for i, want := range batches {
		if got := <-p.calls; got != want {
			p.t.Fatalf("batch %d is %q, want %q", i, got, want)
		}
	}
}

// none fails when the function was called again.
func (p *place) none() {
	p.t.Helper()
	select {
	case got := <-p.calls:
		p.t.Fatalf("an unexpected batch %q", got)
	default:
	}
}

func (p *place) do(f func(keys []string) answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = f
}

// seen are the batches so far.
func (p *place) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.batches...)
}

// notices are what the user was told so far.
func (p *place) notices() string {
	var all []string
	for {
		select {
		case e := <-p.entries.Entries():
			all = append(all, e.Text+" "+e.Err)
		default:
			return strings.Join(all, "\n")
		}
	}
}

// api calls the API of mappings.
func (p *place) api(method, path, body string) (int, string) {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.service.ServeHTTP(w, httptest.NewRequest(method, Path+path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func failing(bad string) func([]string) answer {
	return func(keys []string) answer {
		for _, k := range keys {
			if k == bad {
				return answer{fails: true}
			}
		}
		return answer{}
	}
}

// reporting is a function that says that some records failed.
func (p *place) reporting(event int, positions ...int) string {
	var e struct {
		Records []struct {
			Dynamodb struct{ SequenceNumber string }
		}
	}
	_ = json.Unmarshal(p.event(event), &e)
	var list []string
	for _, at := range positions {
		list = append(list, fmt.Sprintf(`{"itemIdentifier":"%s"}`, e.Records[at].Dynamodb.SequenceNumber))
	}
	return `{"batchItemFailures":[` + strings.Join(list, ",") + `]}`
}
