package websocketapi

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// sequence is a Starter that notes the order in which each connection's
// messages reach it, and answers after a moment, as functions do.
type sequence struct {
	t       *testing.T
	mu      sync.Mutex
	next    map[string]int // by connection
	refuse  bool           // some calls, as at a concurrency limit
	handled atomic.Int64
}

func (s *sequence) Invoke(ctx context.Context, req *invoke.Request) (*invoke.Result, error) {
	e := decode(s.t, req.Payload)
	id := e.RequestContext.ConnectionID
	s.mu.Lock()
	if got, want := e.Body, strconv.Itoa(s.next[id]); e.RequestContext.EventType == "MESSAGE" && got != want {
		s.t.Errorf("%s: message %s came when %s was due", id, got, want)
	}
	s.next[id]++
	n := s.next[id]
	s.mu.Unlock()
	defer s.handled.Add(1)
	if s.refuse && n%7 == 0 {
		return nil, &invoke.Error{Status: 429, Code: "TooManyRequestsException"}
	}
	if req.Accepted != nil { // absent for what nobody waits for
		req.Accepted()
	}
	if n%3 == 0 {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
	return &invoke.Result{Body: io.NopCloser(strings.NewReader("{}")), End: func() invoke.End { return invoke.End{} }}, nil
}

func (s *sequence) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	start(ctx, s, req, answered)
}

// start is the Start of an Invoker that waits: it returns when the call has been
// accepted or is over.
func start(ctx context.Context, i invoke.Invoker, req *invoke.Request, answered func(*invoke.Result, error)) {
	accepted := make(chan struct{})
	once := sync.OnceFunc(func() { close(accepted) })
	asked := *req
	asked.Accepted = once
	go func() {
		res, err := i.Invoke(ctx, &asked)
		once()
		answered(res, err)
	}()
	<-accepted
}

func TestMessagesReachTheirFunctionInOrder(t *testing.T) {
	messages := 400
	if testing.Short() {
		messages = 100
	}
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("some refused %v", refuse), func(t *testing.T) {
			const clients = 16
			s := &sequence{t: t, next: map[string]int{}, refuse: refuse}
			f := newFixture(t, map[string]function{"$default": nil, "other": nil}, func(c *Config, d *Definition) {
				c.Invoker = s
				d.Routes["other"].Integration.Function = "another"
			})
			var group sync.WaitGroup
			for range clients {
				c := f.open()
				go func() { _, _ = io.Copy(io.Discard, c.r) }() // error frames
				group.Go(func() {
					var burst []byte
					for i := range messages {
						frame := ws.MaskFrame(ws.NewTextFrame([]byte(strconv.Itoa(i))))
						b, _ := ws.CompileFrame(frame)
						if burst = append(burst, b...); rand.IntN(4) == 0 || i == messages-1 {
							_, _ = c.conn.Write(burst)
							burst = burst[:0]
						}
					}
				})
			}
			group.Wait()
			eventually(t, "every message is handled", func() bool { return s.handled.Load() == int64(clients*messages) })
		})
	}
}

func TestPushesArriveInTheOrderAccepted(t *testing.T) {
	f := newFixture(t, nil)
	c := f.open()
	id := f.id()
	const pushes = 300
	go func() {
		for i := range pushes {
			if res, _ := f.manage("POST", "/dev/@connections/"+id, strconv.Itoa(i)); res.StatusCode != 200 {
				t.Errorf("push %d: %d", i, res.StatusCode)
			}
		}
	}()
	for i := range pushes {
		c.want(strconv.Itoa(i))
	}
}
