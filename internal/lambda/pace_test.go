package lambda

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
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
		oldest, want  time.Duration
	}{
		{"nothing runs", learned(100*ms, ms), 1, 0, 0, 0},
		{"short calls", learned(100*ms, 2*ms), 1, 1, 0, 49 * ms},
		{"a call as long as half a start", learned(90*ms, 30*ms), 1, 1, 0, 0},
		{"several will come back sooner than one", learned(90*ms, 30*ms), 1, 2, 0, 30 * ms},
		{"too many wait", learned(100*ms, 10*ms), 5, 1, 0, 0},
		{"long calls", learned(5100*ms, 5000*ms), 1, 1, 0, 0},
		{"the first has just been started", new(pace), 1, 1, 0, 0},
		{"the first is under way", new(pace), 1, 1, 30 * ms, 15 * ms},
	} {
		if got := c.pace.wait(c.waiting, c.busy, c.oldest); got != c.want {
			t.Errorf("%s: waits %s, want %s", c.name, got, c.want)
		}
	}
	slow := learned(100*ms, ms)
	for range 3 {
		slow.note(time.Second, false)
	}
	if got := slow.wait(1, 1, 0); got != 0 {
		t.Errorf("a function that has become slow is waited for, %s", got)
	}
}

// brisk makes a pool believe that an environment is back long before another
// one has started: tests of waiting must not depend on how fast a machine is.
func (p *pool) brisk() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace = pace{start: 24 * time.Hour, usual: time.Nanosecond}
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

func TestShortCallsWaitForABusyEnvironment(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	first, _ := p.call("fn", `{"do":"pid"}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.brisk()
	second := p.accepted(`{"do":"pid"}`)
	if idle, busy := pool.count(); idle != 0 || busy != 1 {
		t.Errorf("%d idle and %d busy environments", idle, busy)
	}
	p.touch("a")
	<-a
	if got := <-second; got != first {
		t.Errorf("process %s after %s", got, first)
	}
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

// When more calls wait than the busy environments can take soon, another one
// is started, for the call that waits longest.
func TestAQueueThatGrowsStartsAnEnvironment(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	p.call("fn", `{}`)
	a := p.holding("a")
	pool := p.function("fn").pool
	pool.mu.Lock()
	pool.pace = pace{start: 10 * time.Hour, usual: 3 * time.Hour} // one call may wait, two may not
	pool.mu.Unlock()
	second, third := p.accepted(`{"do":"pid"}`), p.accepted(`{"do":"pid"}`)
	if x, y := <-second, <-third; x == "" || x != y { // both ran while a was held: in one that was started for them
		t.Errorf("processes %s and %s", x, y)
	}
	p.touch("a")
	<-a
}
