//go:build linux && !race

package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// What an invocation may allocate in an environment, from Invoke to the end of
// its result, the test's own part being nothing: raise a number only with a
// reason.
func TestAllocationBudget(t *testing.T) {
	b := newBare(t)
	c := b.dial()
	c.say(nextRequest)
	first := b.invoke("{}")
	head, _ := c.hear()
	answer := []byte(fmt.Sprintf("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", requestID))
	if _, err := c.Write(answer); err != nil {
		t.Fatal(err)
	}
	c.hear()
	c.say(nextRequest)
	<-first
	// Every event is as long as the first one, and every 202.
	event := len("HTTP/1.1 200 OK\r\n\r\n{}")
	for name, values := range head.Header {
		event += len(name) + len(": \r\n") + len(values[0])
	}
	if head.Header.Get("Content-Length") == "" {
		event += len("Content-Length: 2\r\n")
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		buf := make([]byte, event+len(accepted))
		for {
			if _, err := io.ReadFull(c.r, buf[:event]); err != nil {
				return
			}
			_, _ = c.Write(answer)
			if _, err := io.ReadFull(c.r, buf[:len(accepted)]); err != nil {
				return
			}
			_, _ = io.WriteString(c, nextRequest)
		}
	}()
	_ = c.SetReadDeadline(time.Time{})
	for name, row := range map[string]struct {
		mode invoke.Mode
		most float64
	}{"buffered": {invoke.Buffered, 26}, "stream": {invoke.Stream, 24}} {
		payload := []byte("{}")
		buf := make([]byte, 64)
		n := testing.AllocsPerRun(300, func() {
			for {
				res, err := b.env.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: payload, Mode: row.mode})
				if errors.Is(err, errBusy) {
					continue // it is about to ask for the next
				}
				if err != nil {
					t.Fatal(err)
				}
				for err == nil {
					_, err = res.Body.Read(buf)
				}
				_ = res.Body.Close()
				return
			}
		})
		if n > row.most {
			t.Errorf("%s: %v allocations, %v are allowed", name, n, row.most)
		}
	}
}
