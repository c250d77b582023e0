//go:build linux

package environment

import (
	"context"
	"io"
	"testing"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/process"
)

// BenchmarkInvoke answers: what does one invocation through the Runtime API
// cost, from Invoke to the end of its result, with aws-lambda-go behind it?
func BenchmarkInvoke(b *testing.B) {
	k, err := process.NewKeeper()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = k.Close(context.Background()) }()
	c := goClient(b)
	e, err := New(Config{
		Function: Function{Name: "fn", Version: "$LATEST", MemorySize: 128, Timeout: 20e9},
		Command:  process.Command{Path: c.path, Env: []string{"_HANDLER=bootstrap"}},
		Keeper:   k,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for _, mode := range []invoke.Mode{invoke.Buffered, invoke.Stream} {
		b.Run(map[invoke.Mode]string{invoke.Buffered: "buffered", invoke.Stream: "stream"}[mode], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for {
					res, err := e.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{"text":"world"}`), Mode: mode})
					if err == errBusy {
						continue
					}
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, res.Body); err != nil {
						b.Fatal(err)
					}
					break
				}
			}
		})
	}
}

// BenchmarkColdStart answers: how long does the first invocation take when no
// process runs yet, and what of it is ours?
func BenchmarkColdStart(b *testing.B) {
	k, err := process.NewKeeper()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = k.Close(context.Background()) }()
	c := goClient(b)
	for b.Loop() {
		e, err := New(Config{
			Function: Function{Name: "fn", Version: "$LATEST", MemorySize: 128, Timeout: 20e9},
			Command:  process.Command{Path: c.path, Env: []string{"_HANDLER=bootstrap"}},
			Keeper:   k,
		})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{}`)}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		e.Close()
		b.StartTimer()
	}
}
