package lambda

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	learned := func(start, usual time.Duration) *pace {
		p := new(pace)
		p.note(start, true)
		p.note(usual, false)
		return p
	}
	for _, c := range []struct {
		name          string
		pace          *pace
		waiting, busy int
		oldest        time.Duration
		want          bool
	}{
		{"nothing runs", learned(100*ms, ms), 1, 0, 0, false},
		{"short calls", learned(100*ms, 2*ms), 1, 1, 0, true},
		{"a call as long as half a start", learned(90*ms, 30*ms), 1, 1, 0, false},
		{"several will come back sooner than one", learned(90*ms, 30*ms), 1, 2, 0, true},
		{"too many wait", learned(100*ms, 10*ms), 5, 1, 0, false},
		{"long calls", learned(5100*ms, 5000*ms), 1, 1, 0, false},
		{"the first has just been started", new(pace), 1, 1, 0, false},
		{"the first is under way", new(pace), 1, 1, 30 * ms, true},
	} {
		if got := c.pace.worth(c.waiting, c.busy, c.oldest); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	slow := learned(100*ms, ms)
	for range 3 {
		slow.note(time.Second, false)
	}
	if slow.worth(1, 1, 0) {
		t.Error("a function that has become slow is waited for")
	}
}

// brisk makes a pool believe that an environment is back long before another
// one has started: tests of waiting must not depend on how fast a machine is.
func (p *pool) brisk() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace = pace{start: 24 * time.Hour, usual: time.Nanosecond}
}

// gate keeps environments from starting until what it returns is closed.
func (p *pool) gate() (open chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	open = make(chan struct{})
	start := p.open
	p.open = func(rev *revision, version string, idle, started func(*environment.Environment)) (*environment.Environment, error) {
		<-open
		return start(rev, version, idle, started)
	}
	return open
}

// accepted begins a call and returns when it has an environment or its place in
// the queue.
func (p *place) accepted(event string) (answer chan string) {
	answer = make(chan string, 1)
	accepted := make(chan struct{})
	go func() {
		defer close(answer)
		res, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn", Payload: []byte(event), Accepted: func() { close(accepted) }})
		if err != nil {
			p.t.Error(err)
			close(accepted)
			return
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			p.t.Error(err)
		}
		answer <- string(body)
	}()
	<-accepted
	return answer
}

// A call that waits is served by what is ready first: here by the environment
// that starts meanwhile, of which there is one for each call that waits.
func TestShortCallsWaitForTheFirstEnvironmentThatIsReady(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	first, _ := p.call("fn", `{"do":"pid"}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.brisk()
	second, third := p.accepted(`{"do":"pid"}`), p.accepted(`{"do":"pid"}`)
	for _, answer := range []chan string{second, third} {
		if got := <-answer; got == "" || got == first {
			t.Errorf("process %q, while %s runs a call", got, first)
		}
	}
	p.touch("a")
	<-a
	p.call("fn", `{}`) // finds one
	if idle, busy := pool.count(); idle+busy > 3 {
		t.Errorf("%d idle and %d busy environments", idle, busy)
	}
}

// A start that takes long keeps nobody from what comes back sooner, and what it
// has started is there for the next call.
func TestACallWaitsNoLongerThanForTheBusyEnvironment(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	first, _ := p.call("fn", `{"do":"pid"}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.brisk()
	go2 := pool.gate()
	second := p.accepted(`{"do":"pid"}`)
	p.touch("a")
	<-a
	if got := <-second; got != first {
		t.Errorf("process %s after %s", got, first)
	}
	close(go2)
	for idle := 0; idle < 2; idle, _ = pool.count() {
		time.Sleep(time.Millisecond)
	}
}

// A start that fails is told to who waits for it.
func TestAFailingStartIsToldToWhoWaits(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.call("fn", `{}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.brisk()
	broken := errors.New("no descriptors left")
	pool.mu.Lock()
	pool.open = func(*revision, string, func(*environment.Environment), func(*environment.Environment)) (*environment.Environment, error) {
		return nil, broken
	}
	pool.mu.Unlock()
	if _, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn"}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	p.touch("a")
	<-a
}

// An environment with old code does not come back: nobody waits for it.
func TestNobodyWaitsForOldCode(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	a := p.holding("a")
	p.write("code", `"new"`)
	if err := p.Rebuild(context.Background(), []string{"Fn"}); err != nil {
		t.Fatal(err)
	}
	p.function("fn").pool.brisk()
	p.call("fn", `{"do":"pid"}`)
	p.touch("a")
	<-a
}

// Calls over the reserved concurrency are refused at once, as on AWS, also
// when it would be worth to wait.
func TestReservedConcurrencyDoesNotWait(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: a.b, FunctionName: fn, Timeout: 20, ReservedConcurrentExecutions: 1}`)
	p.call("fn", `{}`)
	a := p.holding("a")
	p.function("fn").pool.brisk()
	if _, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn"}); !errors.Is(err, error(throttled)) {
		t.Errorf("error %v", err)
	}
	p.touch("a")
	<-a
}

// A call over what the busy environments can take soon has one started for
// itself, with its init.
func TestAQueueThatGrowsStartsAnEnvironment(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	first, _ := p.call("fn", `{"do":"pid"}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.mu.Lock()
	pool.pace = pace{start: 10 * time.Hour, usual: 3 * time.Hour} // one call may wait, two may not
	pool.mu.Unlock()
	second, third := p.accepted(`{"do":"pid"}`), p.accepted(`{"do":"pid"}`)
	if x, y := <-second, <-third; x == "" || y == "" || x == first || y == first {
		t.Errorf("processes %s and %s while %s runs a call", x, y, first)
	}
	p.touch("a")
	<-a
}

// A burst on a function that does not run yet must not start so many processes
// that none is ready in time; who waits is served by those that start.
func TestABurstStartsFewEnvironmentsAtOnce(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	pool := p.function("fn").pool
	pool.starts = 1
	go2 := pool.gate()
	first := make(chan string, 1)
	go func() {
		answer, _ := p.call("fn", `{"do":"pid"}`)
		first <- answer
	}()
	for busy := 0; busy == 0; _, busy = pool.count() {
		time.Sleep(time.Millisecond)
	}
	var others []chan string
	for range 20 {
		others = append(others, p.accepted(`{"do":"pid"}`))
	}
	if idle, busy := pool.count(); idle != 0 || busy != 1 {
		t.Errorf("%d idle and %d busy environments", idle, busy)
	}
	close(go2)
	for _, answer := range append(others, first) {
		if <-answer == "" {
			t.Error("a call without an answer")
		}
	}
}
