package functionurl

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/front"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn"

// function stands for Lambda: one function that a test writes as Go code.
type function struct {
	// answer is the result of an invocation, or its refusal.
	answer func(req *invoke.Request) (*invoke.Result, error)
	// url and direct are what the function's policy grants.
	url, direct func(authType string, c awsapi.Caller) bool

	mu    sync.Mutex
	calls []invoke.Request
}

func (f *function) Invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	f.mu.Lock()
	f.calls = append(f.calls, *req)
	f.mu.Unlock()
	return f.answer(req)
}

func (f *function) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	go func() { answered(f.Invoke(ctx, req)) }()
}

func (f *function) Lookup(name, qualifier string) (lambda.FunctionInfo, error) {
	if !strings.HasPrefix(name, functionARN) && name != "fn" && name != "fn:live" || qualifier == "gone" {
		return lambda.FunctionInfo{}, &invoke.Error{Status: 404, Code: "ResourceNotFoundException"}
	}
	return lambda.FunctionInfo{ARN: functionARN, Name: "fn", AccountID: "123456789012"}, nil
}

func (f *function) PermitsURL(_, _, authType string, c awsapi.Caller) (url, direct bool) {
	return f.url(authType, c), f.direct(authType, c)
}

func everyone(string, awsapi.Caller) bool { return true }
func nobody(string, awsapi.Caller) bool   { return false }

// last is the event of the last invocation.
func (f *function) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.calls[len(f.calls)-1].Payload)
}

func (f *function) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// result makes an answer of a body that is there at once.
func result(contentType, body string, end invoke.End) func(*invoke.Request) (*invoke.Result, error) {
	return func(*invoke.Request) (*invoke.Result, error) {
		return stream(contentType, strings.NewReader(body), end), nil
	}
}

func stream(contentType string, body io.Reader, end invoke.End) *invoke.Result {
	c, ok := body.(io.ReadCloser)
	if !ok {
		c = io.NopCloser(body)
	}
	return &invoke.Result{ContentType: contentType, Body: c, End: func() invoke.End { return end }, LogTail: func() []byte { return nil }}
}

// place is a function URL that is served.
type place struct {
	t *testing.T
	*function
	service *Service
	front   *front.Front
	address string // host:port
	sub     *journal.Subscription
}

// newPlace opens a URL with properties besides its target.
func newPlace(t *testing.T, properties string, change ...func(*Config)) *place {
	t.Helper()
	p := &place{t: t, function: &function{url: everyone, direct: everyone}}
	j := new(journal.Journal)
	p.sub = j.Subscribe(10000)
	var err error
	if p.front, err = front.New(front.Config{CADir: t.TempDir(), FirstPort: 23700}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Functions: p.function, Journal: j, Region: "eu-west-1", Open: func(ctx context.Context, e Endpoint) (Listener, error) {
		l, err := p.front.Open(ctx, front.Endpoint{Resource: e.Resource, Kind: e.Kind, Handler: e.Handler, Direct: e.Direct, Hosts: e.Hosts})
		if err != nil {
			return nil, err
		}
		p.address = fmt.Sprintf("127.0.0.1:%d", l.Port())
		return l, nil
	}}
	for _, f := range change {
		f(&cfg)
	}
	p.service = New(cfg)
	t.Cleanup(func() { _ = p.service.Close(context.Background()) })
	if _, err := p.create("Url", "{TargetFunctionArn: '"+functionARN+"', "+properties+"}"); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) create(id, properties string) (*resource.Instance, error) {
	return p.service.Handlers()[Type].Create(context.Background(), specOf(p.t, id, properties))
}

func specOf(t *testing.T, id, properties string) resource.Spec {
	t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return resource.Spec{LogicalID: id, Type: Type, Pos: diag.Position{File: "template.yaml", Line: 1}, Properties: n,
		Stack: resource.Stack{Name: "app", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws"}}
}

func (p *place) origin() string { return "http://" + p.address }

// raw sends bytes as they are and returns all that comes back.
func (p *place) raw(request string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		p.t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

func (p *place) do(method, path, body string, headers ...string) answer {
	p.t.Helper()
	r, err := http.NewRequest(method, p.origin()+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return p.send(&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}, r)
}

func (p *place) send(c *http.Client, r *http.Request) answer {
	p.t.Helper()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(data), err}
}

// entry is the next journal entry of a kind.
func (p *place) entry(kind journal.Kind) journal.Entry {
	for e := range p.sub.Entries() {
		if e.Kind == kind {
			return e
		}
	}
	return journal.Entry{}
}
