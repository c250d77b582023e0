package lambda

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// AWS's limits of streams: 6 MiB at once, then 2 MiB a second, 200 MiB in all
// (Lambda quotas).
func TestStreamLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		res := &invoke.Result{Body: io.NopCloser(zeroes{}), End: func() invoke.End { return invoke.End{} }}
		limitStream(res)
		read := func(n int64) time.Duration {
			if got, err := io.CopyN(io.Discard, res.Body, n); got != n || err != nil {
				t.Fatalf("read %d, %v", got, err)
			}
			return time.Since(begun)
		}
		if d := read(6 << 20); d != 0 {
			t.Errorf("6 MiB took %v", d)
		}
		if d := read(4 << 20); d != 2*time.Second {
			t.Errorf("4 MiB more took %v", d)
		}
		if d := read(190 << 20); d != 97*time.Second {
			t.Errorf("200 MiB took %v", d)
		}
		_, err := res.Body.Read(make([]byte, 1))
		if end := res.End(); !errors.Is(err, io.ErrUnexpectedEOF) || end.Outcome != invoke.Truncated || end.ErrorType != "Function.ResponseSizeTooLarge" {
			t.Errorf("after 200 MiB %v, %+v", err, end)
		}
	})
}

func TestClosingALimitedStreamEndsItsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := &invoke.Result{Body: io.NopCloser(zeroes{}), End: func() invoke.End { return invoke.End{} }}
		limitStream(res)
		ended := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, res.Body)
			ended <- err
		}()
		synctest.Wait() // it has had its burst and waits
		_ = res.Body.Close()
		if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
}
