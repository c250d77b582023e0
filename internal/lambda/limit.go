package lambda

import (
	"io"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// What AWS lets through of a streamed response: the first 6 MiB at full speed,
// then 2 MiB a second, and 200 MiB in all (Lambda quotas; the steps are those
// of the runtime interface emulator's bandwidth limiter).
const (
	streamBurst  = 6 << 20
	streamRefill = 256 << 10
	streamStep   = 125 * time.Millisecond
	streamMost   = 200 << 20
)

// limitStream holds a streamed response to AWS's limits.
func limitStream(res *invoke.Result) {
	b := &limitedBody{body: res.Body, tokens: streamBurst, left: streamMost, filled: time.Now(), closed: make(chan struct{})}
	res.Body = b
	end := res.End
	res.End = func() invoke.End {
		e := end()
		if b.cut && e.Outcome == invoke.Complete {
			e.Outcome, e.ErrorType = invoke.Truncated, "Function.ResponseSizeTooLarge"
		}
		return e
	}
}

// limitedBody is a body under a token bucket. What it does not read, the
// function cannot write.
type limitedBody struct {
	body   io.ReadCloser
	tokens int
	left   int // of the total
	filled time.Time
	cut    bool // the total was reached
	closed chan struct{}
	once   sync.Once
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		var over [1]byte
		if n, err := b.body.Read(over[:]); n == 0 {
			return 0, err // it was exactly that much
		}
		b.cut = true
		_ = b.body.Close() // the function goes on; nobody reads what it writes
		return 0, io.ErrUnexpectedEOF
	}
	for b.tokens == 0 {
		if err := b.refill(); err != nil {
			return 0, err
		}
	}
	n, err := b.body.Read(p[:min(len(p), b.tokens, b.left)])
	b.tokens -= n
	b.left -= n
	return n, err
}

// refill waits until the bucket holds something.
func (b *limitedBody) refill() error {
	if wait := time.Until(b.filled.Add(streamStep)); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-b.closed:
			return io.ErrClosedPipe
		}
	}
	steps := int(time.Since(b.filled) / streamStep)
	b.filled = b.filled.Add(time.Duration(steps) * streamStep)
	b.tokens = min(streamBurst, b.tokens+steps*streamRefill)
	return nil
}

func (b *limitedBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.body.Close()
}
