//go:build linux

package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

func TestStreamArrivesAsItIsWritten(t *testing.T) {
	p := newPlace(t, "echo")
	in := Invocation{RequestID: requestID, Payload: []byte(`{"do":"stream","n":3}`), Mode: invoke.Stream}
	res, err := p.Invoke(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if res.ContentType != "text/plain" {
		t.Errorf("content type %q", res.ContentType)
	}
	buf := make([]byte, 100)
	for i := range 3 {
		p.touch(fmt.Sprint(i)) // only now the next piece is written
		n, err := res.Body.Read(buf)
		if want := fmt.Sprintf("piece %d;", i); err != nil && err != io.EOF || string(buf[:n]) != want {
			t.Fatalf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
	if n, err := res.Body.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("at the end %d, %v", n, err)
	}
	if end := res.End(); end.Outcome != invoke.Complete || end.Duration == 0 {
		t.Errorf("end %+v", end)
	}
}

func TestStreamEnds(t *testing.T) {
	for _, c := range []struct {
		name, event, body string
		err               error
		outcome           invoke.Outcome
		errorType, detail string
	}{
		{"error in trailers", `{"do":"stream-error","text":"some"}`, "some", nil, invoke.FunctionError, "Midway", `{"errorType":"Midway","errorMessage":"oh"}`},
		{"error in trailers before a byte", `{"do":"stream-error"}`, "", nil, invoke.FunctionError, "Midway", `{"errorType":"Midway","errorMessage":"oh"}`},
		{"timeout midway", `{"do":"stream-and-hang"}`, "begun", io.ErrUnexpectedEOF, invoke.TimedOut, "Sandbox.Timedout",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`},
		{"exit midway", `{"do":"stream-and-die"}`, "begun", io.ErrUnexpectedEOF, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 4"}`},
		{"buffered response", `{}`, "{}", nil, invoke.Complete, "", ""},
		{"buffered error", `{"do":"error","text":"{\"errorType\":\"E\"}"}`, "", nil, invoke.FunctionError, "E", `{"errorType":"E"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "echo", timeout(time.Second))
			res, err := p.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(c.event), Mode: invoke.Stream})
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, 100)
			n, err := res.Body.Read(first)
			p.touch("die")
			body := first[:n]
			if err == nil {
				var rest []byte
				rest, err = io.ReadAll(res.Body)
				body = append(body, rest...)
			} else if err == io.EOF {
				err = nil
			}
			end := res.End()
			if string(body) != c.body || !errors.Is(err, c.err) || end.Outcome != c.outcome || end.ErrorType != c.errorType ||
				string(end.ErrorBody) != strings.ReplaceAll(c.detail, "ID", requestID) {
				t.Errorf("got %q, %v, %d %s %s", body, err, end.Outcome, end.ErrorType, end.ErrorBody)
			}
		})
	}
}

// Nobody tells a function that its client went away, and nothing stops it.
func TestAbandonedStreamGoesOn(t *testing.T) {
	p := newPlace(t, "echo")
	res, err := p.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{"do":"stream","n":3}`), Mode: invoke.Stream})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p.touch(fmt.Sprint(i))
	}
	p.call(`{}`)
	if got := p.log(); !strings.Contains(got, "stdout|202\n") {
		t.Errorf("the stream was not taken to its end:\n%s", got)
	}
}

func TestCancelledInvocationGoesOn(t *testing.T) {
	p := newPlace(t, "echo")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		within(t, "the function", func() bool { return p.Pid() != 0 })
		cancel()
	}()
	_, err := p.Invoke(ctx, Invocation{RequestID: requestID, Payload: []byte(`{"do":"stream","n":1}`)})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	p.touch("0")
	p.call(`{}`)
	if got := p.log(); strings.Count(got, "END RequestId") != 2 || strings.Contains(got, "Status:") {
		t.Errorf("log\n%s", got)
	}
}

// Readers that met the end together with the last bytes ask again.
func TestTheEndOfAStreamStays(t *testing.T) {
	p := newPlace(t, "echo")
	for range 20 {
		res, err := p.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{"text":"all"}`), Mode: invoke.Stream})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // the runtime has gone on
		if n, err := res.Body.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Fatalf("after the end %d, %v", n, err)
		}
		_ = res.Body.Close()
	}
}

// A response whose chunks end without the last one is truncated: the runtime is
// told so with status 400, lives on, and takes the next event (RIE,
// rapi/handler/invocationresponse.go).
func TestTruncatedResponse(t *testing.T) {
	for _, mode := range []invoke.Mode{invoke.Buffered, invoke.Stream} {
		p := newPlace(t, "echo")
		first, _, _ := p.call(`{"do":"pid"}`)
		body, end, _ := p.call(`{"do":"half"}`, func(in *Invocation) { in.Mode = mode })
		if end.Outcome != invoke.Truncated || end.ErrorType != "Runtime.TruncatedResponse" || mode == invoke.Stream && body != "begun" {
			t.Errorf("mode %d: %q, %+v", mode, body, end)
		}
		if second, _, _ := p.call(`{"do":"pid"}`); second != first {
			t.Errorf("process %s after %s", second, first)
		}
		if got := p.log(); !strings.Contains(got, `stdout|400 {"errorMessage":"HTTP request detected as truncated","errorType":"TruncatedHTTPRequest"}`) {
			t.Errorf("log\n%s", got)
		}
	}
}

// Trailers may hold one of the two, and a body that is not base64.
func TestErrorTrailers(t *testing.T) {
	p := newPlace(t, "echo")
	for _, c := range []struct{ text, errorType, body string }{
		{"", "", ""},
		{"Function.Broken", "Function.Broken", ""},
		{"Unhandled eyJlcnJvclR5cGUiOiJFIn0=", "E", `{"errorType":"E"}`},
		{"Unhandled {not-base64}", "Unhandled", "{not-base64}"},
		{" b2ggbm8=", "", "oh no"},
	} {
		body, end, _ := p.call(`{"do":"trail","text":"`+c.text+`"}`, func(in *Invocation) { in.Mode = invoke.Stream })
		outcome := invoke.FunctionError
		if c.text == "" {
			outcome = invoke.Complete
		}
		if body != "some" || end.Outcome != outcome || end.ErrorType != c.errorType || string(end.ErrorBody) != c.body {
			t.Errorf("%q: %q, %+v, %s", c.text, body, end, end.ErrorBody)
		}
	}
}

// What a function streams passes through without being gathered.
func TestMemoryOfAStreamStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MiB")
	}
	p := newPlace(t, "echo")
	p.call(`{}`)
	res, err := p.invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{"do":"flood","n":200}`), Mode: invoke.Stream})
	if err != nil {
		t.Fatal(err)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak, size int64
	buf := make([]byte, 64<<10)
	for next := int64(20 << 20); err == nil; {
		var n int
		n, err = res.Body.Read(buf)
		if size += int64(n); size >= next {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, int64(now.HeapAlloc)-int64(before.HeapAlloc))
			next += 20 << 20
		}
	}
	if err != io.EOF || size != 200<<20 || peak > 2<<20 {
		t.Errorf("%d bytes, %v, %d KiB more on the heap", size, err, peak>>10)
	}
}
