package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

func (p *place) function(name string) *function { return p.Service.function(name) }

// holding starts a call that the function holds until the file appears.
func (p *place) holding(file string) (done chan string) {
	p.t.Helper()
	done = make(chan string, 1)
	go func() {
		body, _ := p.call("fn", `{"do":"wait","file":"`+file+`"}`)
		done <- body
	}()
	within(p.t, "the function", func() bool { return p.exists(file + ".in") })
	return done
}

func TestEnvironmentIsUsedAgain(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	first, _ := p.call("fn", `{"do":"pid"}`)
	for range 50 {
		if pid, _ := p.call("fn", `{"do":"pid"}`); pid != first {
			t.Fatalf("process %s after %s", pid, first)
		}
	}
}

func TestConcurrentCallsGetEnvironmentsOfTheirOwn(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	a, b := p.holding("a"), p.holding("b")
	if _, busy := p.function("fn").pool.count(); busy != 2 {
		t.Errorf("%d environments run", busy)
	}
	p.touch("a")
	p.touch("b")
	<-a
	<-b
}

func TestCallsWaitAtMaxConcurrency(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.MaxConcurrency = 1 })
	p.create("Fn", "Function", simple)
	a := p.holding("a")
	second := make(chan string, 1)
	go func() { body, _ := p.call("fn", `"second"`); second <- body }()
	p.touch("a")
	<-a
	if got := <-second; got != `"second"` {
		t.Errorf("got %s", got)
	}
}

func TestWaitingCallCanBeCancelled(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.MaxConcurrency = 1 })
	p.create("Fn", "Function", simple)
	a := p.holding("a")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Invoke(ctx, &invoke.Request{Function: "fn"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	p.touch("a")
	<-a
}

// A call whose caller has gone while it was in the queue is not run.
func TestAbandonedCallInTheQueueDoesNotRun(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.MaxConcurrency = 1 })
	p.create("Fn", "Function", simple)
	a := p.holding("a")
	ctx, cancel := context.WithCancel(context.Background())
	answers := make(chan error, 2)
	p.Start(ctx, &invoke.Request{Function: "fn", Payload: []byte(`{"do":"wait","file":"b"}`)}, func(_ *invoke.Result, err error) { answers <- err })
	cancel()
	if err := <-answers; !errors.Is(err, context.Canceled) || !errors.Is(err, invoke.ErrQueued) {
		t.Errorf("error %v", err)
	}
	p.touch("a")
	<-a
	if got, _ := p.call("fn", `"next"`); got != `"next"` {
		t.Errorf("got %s", got)
	}
	if p.exists("b.in") {
		t.Error("the function ran for nobody")
	}
	if len(answers) > 0 {
		t.Error("it was answered twice")
	}
}

// A function whose caller has gone runs on.
func TestAbandonedCallRunsOn(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	ctx, cancel := context.WithCancel(context.Background())
	answers := make(chan error, 2)
	p.Start(ctx, &invoke.Request{Function: "fn", Payload: []byte(`{"do":"wait","file":"b"}`)}, func(_ *invoke.Result, err error) { answers <- err })
	within(t, "the function", func() bool { return p.exists("b.in") })
	cancel()
	if err := <-answers; !errors.Is(err, context.Canceled) || errors.Is(err, invoke.ErrQueued) {
		t.Errorf("error %v", err)
	}
	p.touch("b")
	within(t, "the environment's return", func() bool { idle, busy := p.function("fn").pool.count(); return idle == 1 && busy == 0 })
	if len(answers) > 0 {
		t.Error("it was answered twice")
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: a.b, FunctionName: fn, Timeout: 20, ReservedConcurrentExecutions: 1}`)
	for range 20 { // one after the other is no concurrency
		p.call("fn", `{}`)
	}
	a := p.holding("a")
	_, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn"})
	if !errors.Is(err, error(throttled)) {
		t.Errorf("error %v", err)
	}
	p.touch("a")
	<-a
}

func TestReservedConcurrencyOfZeroStopsAFunction(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: a.b, FunctionName: fn, ReservedConcurrentExecutions: 0}`)
	if _, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn"}); !errors.Is(err, error(throttled)) {
		t.Errorf("error %v", err)
	}
}

func TestIdleEnvironmentsEnd(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	p.create("Fn", "Function", simple)
	p.call("fn", `{}`)
	within(t, "the end of the idle environment", func() bool { idle, busy := p.function("fn").pool.count(); return idle+busy == 0 })
}

func TestWarm(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.Warm = true })
	p.create("Fn", "Function", simple)
	within(t, "a warm environment", func() bool { idle, _ := p.function("fn").pool.count(); return idle == 1 })
}

// A reload lets running invocations finish on the code they began with.
func TestRebuildDropsNoInvocation(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.write("code", `"old"`)
	if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
		t.Fatal(err)
	}
	old, _ := p.call("fn", `{"do":"pid"}`)
	a := p.holding("a")
	p.write("code", `"new"`)
	if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
		t.Fatal(err)
	}
	if pid, _ := p.call("fn", `{"do":"pid"}`); pid == old {
		t.Error("new calls run in the old environment")
	}
	p.touch("a")
	if got := <-a; !strings.Contains(got, "wait") {
		t.Errorf("the running invocation got %s", got)
	}
	within(t, "the old environment's end", func() bool { idle, busy := p.function("fn").pool.count(); return idle == 1 && busy == 0 })
}

func TestRebuildWithoutAChangeKeepsTheEnvironment(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	before, _ := p.call("fn", `{"do":"pid"}`)
	if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
		t.Fatal(err)
	}
	if after, _ := p.call("fn", `{"do":"pid"}`); after != before {
		t.Errorf("process %s after %s", after, before)
	}
}

func TestFailedBuildKeepsTheOldCode(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.builder.mu.Lock()
	p.builder.fail = errors.New("syntax error")
	p.builder.mu.Unlock()
	err := p.Rebuild(context.Background(), []string{"Fn"})
	if err == nil || err.Error() != "Fn keeps its old code: syntax error" {
		t.Errorf("error %v", err)
	}
	if body, _ := p.call("fn", `"still here"`); body != `"still here"` {
		t.Errorf("got %s", body)
	}
	if _, err := p.try("Other", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: a.b}`); err == nil {
		t.Error("a function without a build was made")
	}
}

func TestUpdate(t *testing.T) {
	p := newPlace(t)
	old := p.create("Fn", "Function", simple)
	before := p.spec("Fn", "AWS::Lambda::Function", simple)
	change := func(properties string) *resource.Instance {
		t.Helper()
		spec := p.spec("Fn", "AWS::Lambda::Function", properties)
		next, err := p.Handlers()[spec.Type].Update(context.Background(), spec, old, before.Properties)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	same := change(`{Code: ".", Runtime: nodejs22.x, Handler: other.handler, FunctionName: fn}`)
	if same.PhysicalID != "fn" {
		t.Errorf("name %s", same.PhysicalID)
	}
	if body, _ := p.call("fn", `{"do":"env"}`); !strings.Contains(body, "_HANDLER=other.handler") {
		t.Error("the new handler is not used")
	}
	renamed := change(`{Code: ".", Runtime: nodejs22.x, Handler: a.b, FunctionName: renamed}`)
	if renamed.PhysicalID != "renamed" || p.function("fn") != nil {
		t.Errorf("name %s, old function %v", renamed.PhysicalID, p.function("fn"))
	}
}

func TestCloseWaitsForRunningInvocations(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	a := p.holding("a")
	closed := make(chan error, 1)
	go func() { closed <- p.Close(context.Background()) }()
	within(t, "the refusal of new calls", func() bool {
		_, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn"})
		return errors.Is(err, error(errPoolClosed))
	})
	p.touch("a")
	if got := <-a; !strings.Contains(got, "wait") {
		t.Errorf("got %s", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestCloseStopsWhatDoesNotEnd(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	a := p.holding("never")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
	<-a
}

func TestManyConcurrentCalls(t *testing.T) {
	p := newPlace(t, func(c *Config) { c.MaxConcurrency = 4 })
	p.create("Fn", "Function", simple)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 25 {
				event := fmt.Sprintf(`"%d %d"`, i, j)
				if body, end := p.call("fn", event); body != event || end.Outcome != invoke.Complete {
					t.Errorf("%s: got %s, %+v", event, body, end)
				}
			}
		})
	}
	group.Wait()
	if idle, busy := p.function("fn").pool.count(); idle+busy > 4 {
		t.Errorf("%d environments", idle+busy)
	}
}

func TestAsynchronousEvents(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.create("Config", "EventInvokeConfig", `{FunctionName: fn, Qualifier: "$LATEST", MaximumRetryAttempts: 0, DestinationConfig: {
		OnFailure: {Destination: "arn:aws:lambda:eu-west-1:123456789012:function:fn"}}}`)
	res, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn", Type: invoke.Event, Payload: []byte(`{"do":"fail"}`), RequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd"})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(res.Body); len(body) != 0 {
		t.Errorf("body %s", body)
	}
	within(t, "the record at the destination", func() bool { return p.exists("record") })
	within(t, "the whole record", func() bool {
		got := p.read("record")
		return strings.Contains(got, `"requestContext":{"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:fn:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":1},`+
			`"requestPayload":{"do":"fail"},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorType":"Oops","errorMessage":"as ordered"}}`)
	})
}

// One environment serves calls in the order in which they were accepted, also
// while the queue moves.
func TestCallsAreServedInTheOrderAccepted(t *testing.T) {
	for _, most := range []int{1, 3} {
		p := newPlace(t, func(c *Config) { c.MaxConcurrency = most })
		p.create("Fn", "Function", simple)
		const calls = 300
		var group sync.WaitGroup
		for i := range calls {
			accepted := make(chan struct{})
			group.Go(func() {
				res, err := p.Invoke(context.Background(), &invoke.Request{
					Function: "fn", Payload: fmt.Appendf(nil, `{"do":"print","text":"call %d"}`, i), Accepted: func() { close(accepted) },
				})
				if err != nil {
					t.Error(err)
					close(accepted)
					return
				}
				_ = res.Body.Close()
			})
			<-accepted
		}
		group.Wait()
		if most > 1 {
			continue // they run side by side; that all were accepted is enough
		}
		next := 0
		within(t, "every line", func() bool {
			for len(p.sub.Entries()) > 0 {
				e := <-p.sub.Entries()
				if !strings.HasPrefix(e.Text, "call ") {
					continue
				}
				if want := fmt.Sprintf("call %d", next); e.Text != want {
					t.Fatalf("%s ran when %s was due", e.Text, want)
				}
				next++
			}
			return next == calls
		})
	}
}
