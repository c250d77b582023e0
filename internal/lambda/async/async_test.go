package async

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is queues on a store, with functions that do what the test says.
type place struct {
	t       *testing.T
	store   *store.Store
	queues  *Queues
	entries *journal.Subscription

	mu     sync.Mutex
	policy Policy
	does   func(Event) (Attempt, error)
	tried  []Event
	times  []time.Time
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, store: store.OpenMemory(), policy: Default()}
	p.open()
	t.Cleanup(func() {
		p.queues.Close()
		_ = p.store.Close()
	})
	return p
}

func (p *place) open() {
	j := new(journal.Journal)
	p.entries = j.Subscribe(1000)
	q, err := Open(Config{
		Store: p.store, Journal: j, Most: 2, Try: p.try,
		Policy: p.policyOf,
		Event: func(destination string, payload []byte) (Event, bool) {
			return Event{Function: destination, FunctionARN: destination, RequestID: "r-" + destination, Payload: payload, Accepted: time.Now()}, !strings.Contains(destination, "sqs")
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.queues = q
	q.Start("fn")
	q.Start("after")
}

func (p *place) policyOf(function, _ string) Policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	if function == "after" {
		return Default()
	}
	return p.policy
}

func (p *place) try(e Event) (Attempt, error) {
	p.mu.Lock()
	p.tried = append(p.tried, e)
	p.times = append(p.times, time.Now())
	does := p.does
	p.mu.Unlock()
	if does == nil || e.Function == "after" {
		return Attempt{Version: "$LATEST", Body: []byte(`"fine"`)}, nil
	}
	return does(e)
}

func (p *place) do(f func(Event) (Attempt, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = f
}

func fails(Event) (Attempt, error) {
	return Attempt{Version: "$LATEST", Body: []byte(`{"errorType":"Oops"}`), Failed: true}, nil
}

func (p *place) put(payload string) {
	p.t.Helper()
	err := p.queues.Put(context.Background(), Event{Function: "fn", FunctionARN: "arn:fn", RequestID: "r-" + payload, TraceID: "trace", Payload: []byte(payload), Accepted: time.Now()})
	if err != nil {
		p.t.Fatal(err)
	}
}

// payloads are the events tried so far.
func (p *place) payloads() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.tried {
		all = append(all, string(e.Payload))
	}
	return all
}

// left counts the events on disk.
func (p *place) left() (n int) {
	_ = p.store.View(func(v store.Snapshot) error {
		return v.Scan(store.Prefix([]byte{rowEvent}), store.Ascending, func(_, _ []byte) bool { n++; return true })
	})
	return n
}

func (p *place) notices() string {
	var all []string
	for len(p.entries.Entries()) > 0 {
		e := <-p.entries.Entries()
		all = append(all, e.Text+" "+e.Err)
	}
	return strings.Join(all, "\n")
}

func TestEventsRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		for i := range 10 {
			p.put(fmt.Sprint(i))
		}
		synctest.Wait()
		got := p.payloads()
		slices.Sort(got)
		if strings.Join(got, "") != "0123456789" || p.left() != 0 {
			t.Errorf("%v, %d left", got, p.left())
		}
		if e := p.tried[0]; e.FunctionARN != "arn:fn" || e.TraceID != "trace" || e.RequestID != "r-"+string(e.Payload) {
			t.Errorf("%+v", e)
		}
	})
}

// A function that fails is tried again after one minute and after two, with the
// same request id; then the event goes to the failure destination.
func TestRetriesAfterOneAndTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy.OnFailure = "after"
		p.do(fails)
		p.put(`{"a":1}`)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(p.tried) != 4 || p.times[1].Sub(p.times[0]) != time.Minute || p.times[2].Sub(p.times[1]) != 2*time.Minute ||
			p.tried[2].RequestID != p.tried[0].RequestID || p.times[3] != p.times[2] {
			t.Fatalf("%+v at %v", p.tried, p.times)
		}
		var r record
		if err := json.Unmarshal(p.tried[3].Payload, &r); err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(r)
		want := `{"version":"1.0","timestamp":"` + r.Timestamp + `","requestContext":{"requestId":"r-{\"a\":1}","functionArn":"arn:fn:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorType":"Oops"}}`
		if string(got) != want || p.left() != 0 {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}

func TestSuccessDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy.OnSuccess, p.policy.OnFailure = "after", "arn:aws:sqs:x"
		p.put(`1`)
		synctest.Wait()
		if got := p.payloads(); len(got) < 2 || !strings.Contains(got[1], `"condition":"Success","approximateInvokeCount":1},"requestPayload":1,"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"fine"}`) {
			t.Errorf("%v", got)
		}
		p.mu.Lock()
		p.policy.OnSuccess = ""
		p.mu.Unlock()
		p.do(func(Event) (Attempt, error) { return Attempt{}, errors.New("no such alias") })
		p.put(`2`)
		synctest.Wait()
		if said := p.notices(); !strings.Contains(said, "no such alias") || !strings.Contains(said, "the destination arn:aws:sqs:x does not run here and would have got {") {
			t.Errorf("%s", said)
		}
	})
}

// No capacity is no attempt: it is tried again after one second, two, four, up
// to five minutes, as long as the event is young enough.
func TestEventsWithoutCapacityWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy.OnFailure = "after"
		p.do(func(Event) (Attempt, error) { return Attempt{}, ErrRefused })
		p.put(`1`)
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			if got := p.times[i+1].Sub(p.times[i]); got != want*time.Second {
				t.Errorf("pause %d is %v", i, got)
			}
		}
		last := len(p.tried) - 1
		if p.times[last].Sub(p.times[0]) > 6*time.Hour || !strings.Contains(string(p.tried[last].Payload), `"condition":"EventAgeExceeded","approximateInvokeCount":0},"requestPayload":1}`) {
			t.Errorf("%v: %s", p.times[last].Sub(p.times[0]), p.tried[last].Payload)
		}
	})
}

func TestMaximumEventAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy = Policy{Retries: 2, MaxAge: 90 * time.Second, OnFailure: "after"}
		p.do(fails)
		p.put(`1`)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := p.payloads(); len(got) != 3 || !strings.Contains(got[2], `"condition":"EventAgeExceeded","approximateInvokeCount":2`) {
			t.Errorf("%v", got)
		}
	})
}

func TestZeroReservedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy.OnFailure = "after"
		p.do(func(Event) (Attempt, error) { return Attempt{}, ErrReserved })
		p.put(`1`)
		synctest.Wait()
		if got := p.payloads(); len(got) != 2 || !strings.Contains(got[1], `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0`) {
			t.Errorf("%v", got)
		}
	})
}

func TestDeadLettersAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.policy = Policy{MaxAge: time.Hour, DeadLetters: "arn:aws:sqs:eu-west-1:1:dead"}
		p.do(fails)
		p.put(`{"x":1}`)
		synctest.Wait()
		if said := p.notices(); !strings.Contains(said, `its dead-letter queue arn:aws:sqs:eu-west-1:1:dead does not run here and would have got {"x":1}`) {
			t.Errorf("%s", said)
		}
	})
}

// What waits, runs, or waits for a retry when Suiro ends is there at the next
// start, and goes on once the app is as its template says.
func TestEventsOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		end := make(chan struct{})
		p.do(func(e Event) (Attempt, error) {
			if string(e.Payload) == "retry" {
				return fails(e)
			}
			<-end
			return Attempt{}, ErrEnding
		})
		p.put("retry")
		synctest.Wait()
		p.put("running 1")
		p.put("running 2")
		p.put("waiting") // two run at once
		synctest.Wait()
		if got := p.payloads(); len(got) != 3 {
			t.Fatalf("%v", got)
		}
		p.queues.Stop()
		close(end)
		p.queues.Close()
		if err := p.queues.Put(context.Background(), Event{Function: "fn"}); !errors.Is(err, ErrEnding) || p.left() != 4 {
			t.Fatalf("%v, %d left", err, p.left())
		}
		p.tried, p.does = nil, nil
		p.open()
		p.put("new")
		synctest.Wait()
		if got := p.payloads(); len(got) != 1 || got[0] != "new" {
			t.Errorf("%v", got)
		}
		p.queues.Resume()
		synctest.Wait()
		if got := p.payloads(); len(got) != 4 {
			t.Errorf("%v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := p.payloads(); len(got) != 5 || got[4] != "retry" || p.tried[4].Tried != 1 || p.left() != 0 {
			t.Errorf("%v, %d left", got, p.left())
		}
	})
}

func TestDroppedFunctionsForgetTheirEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.do(fails)
		p.put("1")
		synctest.Wait()
		if err := p.queues.Drop(context.Background(), "fn"); err != nil || p.left() != 0 {
			t.Errorf("%v, %d left", err, p.left())
		}
	})
}

// A thousand events wait on disk: as many are in memory as are tried at once.
func TestLongQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		var most, now int
		p.do(func(Event) (Attempt, error) {
			p.mu.Lock()
			now++
			most = max(most, now)
			p.mu.Unlock()
			time.Sleep(time.Second)
			p.mu.Lock()
			now--
			p.mu.Unlock()
			return Attempt{Version: "$LATEST"}, nil
		})
		for i := range 1000 {
			p.put(fmt.Sprint(i))
		}
		begin := time.Now()
		for p.left() > 0 {
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if most != 2 || len(p.tried) != 1000 || time.Since(begin) > 502*time.Second {
			t.Errorf("%d at once, %d in all, in %v", most, len(p.tried), time.Since(begin))
		}
	})
}

func FuzzEvent(f *testing.F) {
	b, err := encode(Event{Function: "fn", Payload: []byte(`{"a":1}`), Accepted: time.Unix(1, 0), Tried: 2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := decode(b); err == nil {
			if _, err := encode(e); err != nil {
				t.Error(err)
			}
		}
	})
}
