//go:build linux

package environment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/process"
)

// with gives an environment external extensions that behave as their kinds.
func with(kinds ...string) func(*Config) {
	return func(c *Config) {
		for i, kind := range kinds {
			name := fmt.Sprintf("x%d-%s", i, kind)
			c.Extensions = append(c.Extensions, Extension{Name: name, Command: process.Command{
				Path: c.Command.Path, Dir: c.Command.Dir,
				Env: []string{"EXTENSION=" + kind, "NAME=" + name, "GORACE=atexit_sleep_ms=0"},
			}})
		}
	}
}

// logged is what was printed so far, in all.
type logged struct {
	*place
	text string
}

func (l *logged) has(t *testing.T, pattern string) []string {
	t.Helper()
	var m []string
	within(t, pattern, func() bool {
		l.text += l.place.log()
		m = regexp.MustCompile(pattern).FindStringSubmatch(l.text)
		return m != nil
	})
	return m
}

// Extensions hear of every invocation and of the end (Extensions API).
func TestExternalExtensionsHearOfTheLife(t *testing.T) {
	p := newPlace(t, "echo", with("events", "events"))
	for _, trace := range []string{"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", ""} {
		if body, end, _ := p.call(`"x"`, func(in *Invocation) { in.TraceID = trace }); body != `"x"` || end.Outcome != invoke.Complete {
			t.Fatalf("%s, %+v", body, end)
		}
	}
	p.Close()
	l := &logged{place: p}
	for _, x := range []string{"x0-events", "x1-events"} {
		l.has(t, x+` registered: 200 {"functionName":"fn","functionVersion":"\$LATEST","handler":"echo","accountId":"123456789012"}\n`)
		l.has(t, x+` got {"eventType":"INVOKE","deadlineMs":\d{13},"requestId":"ID","invokedFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:fn",`+
			`"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}}`)
		l.has(t, x+` got {"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":\d{13}}`)
		l.has(t, x+` has true`) // most of the two seconds are the extensions'
	}
	if n := strings.Count(l.text, `"eventType":"INVOKE"`); n != 4 {
		t.Errorf("%d INVOKE events, want 4:\n%s", n, l.text)
	}
}

// Init ends when the runtime and all extensions asked for their first event.
func TestInitWaitsForExtensions(t *testing.T) {
	p := newPlace(t, "echo", with("slow-init"))
	done := make(chan string)
	go func() { body, _, _ := p.call(`"x"`); done <- body }()
	within(t, "the runtime", func() bool { return p.Pid() != 0 })
	select {
	case body := <-done:
		t.Fatalf("answered %s before the extension was ready", body)
	case <-time.After(300 * time.Millisecond): // can only be too short to see a fault
	}
	p.touch("init")
	if body := <-done; body != `"x"` {
		t.Errorf("body %s", body)
	}
}

// The response does not wait for extensions; the next invocation does.
func TestEnvironmentIsFreeWhenExtensionsAreReady(t *testing.T) {
	p := newPlace(t, "echo", with("hold"))
	if body, _, _ := p.call(`"first"`); body != `"first"` {
		t.Fatal(body)
	}
	if !p.Finishing(int(p.idle.Load())) && p.idle.Load() != 0 {
		t.Errorf("it was offered %d times while an extension is at work", p.idle.Load())
	}
	done := make(chan string)
	go func() { body, _, _ := p.call(`"second"`); done <- body }()
	select {
	case body := <-done:
		t.Fatalf("answered %s before the extension was back", body)
	case <-time.After(200 * time.Millisecond): // can only be too short to see a fault
	}
	p.touch("release")
	if body := <-done; body != `"second"` {
		t.Errorf("body %s", body)
	}
}

// What the caller gets when an extension fails, and that the next one is served
// or fails in the same way.
func TestExtensionFailures(t *testing.T) {
	for _, c := range []struct{ kind, errorType, message, report string }{
		{"crash-init", "Extension.Crash", "exit status 3", "Phase: init\tStatus: error\tError Type: Extension.Crash"},
		{"init-error", "Extension.InitError", "Extension.NoKey", "Phase: init\tStatus: error\tError Type: Extension.InitError"},
		{"crash", "Extension.Crash", "exit status 7", "Status: error\tError Type: Extension.Crash"},
		{"leave", "Extension.Crash", "exit code 0", "Status: error\tError Type: Extension.Crash"},
		{"exit-error", "Extension.ExitError", "Extension.Lost", "Status: error\tError Type: Extension.ExitError"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "echo", with(c.kind))
			want := `{"errorType":"` + c.errorType + `","errorMessage":"RequestId: ` + requestID + ` Error: ` + c.message + `"}`
			l := &logged{place: p}
			for range 2 { // the second one initialises anew
				if body, end, _ := p.call(`{"do":"hang"}`); body != want || end.Outcome != invoke.FunctionError || end.ErrorType != c.errorType {
					t.Errorf("%s, %+v\nwant %s", body, end, want)
				}
			}
			l.has(t, regexp.QuoteMeta(c.report))
		})
	}
}

// A crash in the middle of a stream cuts it, with the extension's failure as
// its end; the next invocation works.
func TestExtensionThatCrashesMidway(t *testing.T) {
	p := newPlace(t, "echo", with("crash-midway"))
	res, err := p.Invoke(context.Background(), Invocation{RequestID: requestID, Payload: []byte(`{"do":"stream-and-hang"}`), Mode: invoke.Stream})
	if err != nil {
		t.Fatal(err)
	}
	begun := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, begun); err != nil || string(begun) != "begun" {
		t.Fatalf("%q, %v", begun, err)
	}
	p.touch("die")
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", rest, err)
	}
	if end := res.End(); end.Outcome != invoke.FunctionError || end.ErrorType != "Extension.Crash" {
		t.Errorf("%+v", end)
	}
	if err := os.Remove(filepath.Join(p.dir, "die")); err != nil {
		t.Fatal(err)
	}
	if body, end, _ := p.call(`"again"`); body != `"again"` {
		t.Errorf("%s, %+v", body, end)
	}
}

func TestExtensionThatCannotBeStarted(t *testing.T) {
	p := newPlace(t, "echo", with("events"), func(c *Config) { c.Extensions[0].Command.Path = c.Command.Dir })
	body, end, _ := p.call(`{}`)
	if end.ErrorType != "Extension.LaunchError" || !strings.Contains(body, "permission denied") {
		t.Errorf("%s, %+v", body, end)
	}
}

// Ten is the most, internal and external ones together.
func TestExtensionLimit(t *testing.T) {
	many := make([]string, maxExtensions+1)
	for i := range many {
		many[i] = "events"
	}
	p := newPlace(t, "echo", with(many...))
	if body, end, _ := p.call(`{}`); end.ErrorType != "Extension.LaunchError" || !strings.Contains(body, "at most 10") {
		t.Errorf("%s, %+v", body, end)
	}
	p = newPlace(t, "sigterm", with(many[1:]...))
	p.call(`{}`)
	(&logged{place: p}).has(t, `Extension.TooManyExtensions`)
}

// An extension that never registers costs the init phase its time, and the
// invocation its own.
func TestExtensionThatDoesNotRegister(t *testing.T) {
	p := newPlace(t, "echo", with("hang"), timeout(time.Second), func(c *Config) { c.InitTimeout = 100 * time.Millisecond })
	_, end, _ := p.call(`{}`)
	if end.Outcome != invoke.TimedOut {
		t.Errorf("%+v", end)
	}
	(&logged{place: p}).has(t, `INIT_REPORT .*Status: timeout`)
}

// A crash between invocations is met by a new init in the next one.
func TestExtensionThatCrashesWhileIdle(t *testing.T) {
	p := newPlace(t, "echo", with("crash-idle"))
	p.call(`1`)
	within(t, "idle", func() bool { return p.idle.Load() == 1 })
	p.touch("crash")
	within(t, "the end", func() bool { return p.Pid() == 0 })
	if err := os.Remove(filepath.Join(p.dir, "crash")); err != nil {
		t.Fatal(err)
	}
	if body, end, _ := p.call(`2`); body != "2" || end.Outcome != invoke.Complete {
		t.Errorf("%s, %+v", body, end)
	}
}

// SHUTDOWN's reason says what ended the environment, and its deadline is kept.
func TestShutdownReasons(t *testing.T) {
	t.Run("timeout", func(t *testing.T) {
		p := newPlace(t, "echo", with("events"), timeout(time.Second))
		p.call(`{"do":"hang"}`)
		(&logged{place: p}).has(t, `"shutdownReason":"timeout"`)
		if body, end, _ := p.call(`"again"`); body != `"again"` {
			t.Errorf("%s, %+v", body, end)
		}
	})
	t.Run("failure", func(t *testing.T) {
		p := newPlace(t, "echo", with("events"))
		p.call(`{"do":"exit","n":1}`)
		(&logged{place: p}).has(t, `"shutdownReason":"failure"`)
	})
	t.Run("killed at the deadline", func(t *testing.T) {
		p := newPlace(t, "echo", with("stubborn", "deaf"))
		p.call(`{}`)
		begun := time.Now()
		p.Close()
		if time.Since(begun) < externalGrace {
			t.Error("the extension did not get its time")
		}
		if _, err := os.Stat(filepath.Join(p.dir, "heard-SHUTDOWN")); err != nil {
			t.Error(err)
		}
	})
	t.Run("nobody cares", func(t *testing.T) {
		p := newPlace(t, "echo", with("deaf"))
		p.call(`{}`)
		p.Close() // goleak and the keeper say what is left
	})
}

// The runtime hears SIGTERM when there is an external extension.
func TestExternalExtensionBringsSIGTERM(t *testing.T) {
	p := newPlace(t, "sigterm", with("events"))
	p.call(`{}`)
	p.Close()
	if _, err := os.Stat(filepath.Join(p.dir, "terminated")); err != nil {
		t.Error(err)
	}
}

// The refusals of the Extensions API, word for word RIE's.
func TestExtensionRefusals(t *testing.T) {
	p := newPlace(t, "echo", with("refused"))
	p.Warm()
	within(t, "idle", func() bool { return p.idle.Load() == 1 })
	p.touch("late")
	l := &logged{place: p}
	l.has(t, "done\n")
	for _, want := range []string{
		`no name: 403 {"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}`,
		`no JSON: 403 {"errorMessage":"unexpected end of JSON input","errorType":"InvalidRequestFormat"}`,
		`keys: 403 {"errorMessage":"configurationKeys are deprecated; use environment variables instead","errorType":"InvalidRequestFormat"}`,
		`event: 403 {"errorMessage":"START: ErrorInvalidEventType","errorType":"Extension.InvalidEventType"}`,
		`internal SHUTDOWN: 403 {"errorMessage":"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension","errorType":"Extension.InvalidEventType"}`,
		`no identifier: 403 {"errorMessage":"Missing Lambda-Extension-Identifier header","errorType":"Extension.MissingExtensionIdentifier"}`,
		`no UUID: 403 {"errorMessage":"Invalid Lambda-Extension-Identifier","errorType":"Extension.InvalidExtensionIdentifier"}`,
		`unknown: 403 {"errorMessage":"Unknown extension ID","errorType":"Extension.UnknownExtensionIdentifier"}`,
		`again: 403 {"errorMessage":"State transition from Registered to Registered failed for extension x0-refused. Error: State transition is not allowed","errorType":"Extension.InvalidExtensionState"}`,
		`no error type: 403 {"errorMessage":"Lambda-Extension-Function-Error-Type not found","errorType":"Extension.MissingHeader"}`,
		`telemetry: 400 {"errorMessage":"types is missing or empty","errorType":"ValidationError"}`,
		`two at once: 403 {"errorMessage":"State transition from Ready to Ready failed for extension `,
		`init error after init: 403 {"errorMessage":"State transition from Ready to InitError failed for extension `,
		`late: 403 {"errorMessage":"Extension registration closed already","errorType":"Extension.RegistrationClosed"}`,
		`late telemetry: 403 {"errorMessage":"Telemetry API subscription is closed already","errorType":"Telemetry.SubscriptionClosed"}`,
	} {
		if !strings.Contains(l.text, "stdout|"+want) {
			t.Errorf("lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(l.text)
	}
}

// telemetered waits until the subscriber has written an event of a type.
func (p *place) telemetered(t *testing.T, last string) []string {
	t.Helper()
	var lines []string
	within(t, last, func() bool {
		data, _ := os.ReadFile(filepath.Join(p.dir, "telemetry"))
		lines = strings.Split(strings.TrimSpace(string(data)), "\n")
		return strings.Contains(string(data), last)
	})
	for i, line := range lines {
		line = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(line, "T")
		line = regexp.MustCompile(`Ms":[0-9.]+`).ReplaceAllString(line, `Ms":N`)
		line = regexp.MustCompile(`UsedMB":\d+`).ReplaceAllString(line, `UsedMB":N`)
		lines[i] = strings.ReplaceAll(line, requestID, "ID")
		if !json.Valid([]byte(strings.ReplaceAll(lines[i], ":N", ":0"))) {
			t.Errorf("no JSON: %s", line)
		}
	}
	return lines
}

// The events of a life with one invocation, to subscribers over HTTP and TCP,
// and in the form of the Logs API.
func TestTelemetry(t *testing.T) {
	const (
		initStart = `{"time":"T","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"fn","functionVersion":"$LATEST","runtimeVersion":"provided.al2023"}}`
		ready     = `{"time":"T","type":"platform.initRuntimeDone","record":{"initializationType":"on-demand","phase":"init","status":"success"}}`
		initEnd   = `{"time":"T","type":"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":N}}}`
		start     = `{"time":"T","type":"platform.start","record":{"requestId":"ID","version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`
		line      = `{"time":"T","type":"function","record":"hello"}`
		done      = `{"time":"T","type":"platform.runtimeDone","record":{"requestId":"ID","status":"success","metrics":{"durationMs":N,"producedBytes":4},` +
			`"spans":[{"name":"responseLatency","start":"T","durationMs":N},{"name":"responseDuration","start":"T","durationMs":N}],"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`
		report = `{"time":"T","type":"platform.report","record":{"requestId":"ID","status":"success","metrics":{"durationMs":N,"billedDurationMs":N,"memorySizeMB":128,"maxMemoryUsedMB":N,"initDurationMs":N},` +
			`"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`
	)
	for _, c := range []struct {
		kind string
		want []string
	}{
		{"telemetry", []string{initStart,
			`{"time":"T","type":"platform.telemetrySubscription","record":{"name":"x0-telemetry","state":"Subscribed","types":["platform","function","extension"]}}`,
			`{"time":"T","type":"platform.extension","record":{"name":"x0-telemetry","state":"Ready","events":["SHUTDOWN"]}}`,
			`{"time":"T","type":"extension","record":"subscribed: 200 \"OK\""}`, ready, initEnd, start, line, done, report}},
		{"tcp", []string{initStart, ready, initEnd, start, line, done, report}},
		{"logs", []string{
			`{"time":"T","type":"platform.logsSubscription","record":{"name":"x0-logs","state":"Subscribed","types":["platform","function","extension"]}}`,
			start, line,
			`{"time":"T","type":"platform.runtimeDone","record":{"requestId":"ID","status":"success"}}`,
			`{"time":"T","type":"platform.end","record":{"requestId":"ID"}}`,
			`{"time":"T","type":"platform.report","record":{"metrics":{"durationMs":N,"billedDurationMs":N,"memorySizeMB":128,"maxMemoryUsedMB":N,"initDurationMs":N},"requestId":"ID"}}`}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "echo", with(c.kind))
			p.call(`{"do":"print","text":"hello\n"}`, func(in *Invocation) { in.TraceID = "Root=1" })
			got := p.telemetered(t, "platform.report")
			at := -1
			for _, want := range c.want {
				found := -1
				for i, g := range got {
					if g == want {
						found = i
					}
				}
				if found < 0 {
					t.Errorf("lacks %s in\n%s", want, strings.Join(got, "\n"))
				} else if strings.Contains(want, "requestId") || strings.Contains(want, "hello") {
					if found < at {
						t.Errorf("%s comes too early in\n%s", want, strings.Join(got, "\n"))
					}
					at = found
				}
			}
		})
	}
}

// Failures reach subscribers before they are shut down.
func TestTelemetryOfFailures(t *testing.T) {
	for _, c := range []struct{ event, done, report string }{
		{`{"do":"hang"}`, `"status":"timeout"`, `"status":"timeout"`},
		{`{"do":"exit","n":1}`, `"status":"error","errorType":"Runtime.ExitError"`, `"status":"error","errorType":"Runtime.ExitError"`},
		{`{"do":"error","text":"{}"}`, `"status":"success"`, `"status":"success"`}, // the runtime itself is well (RIE)
	} {
		t.Run(c.event, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "echo", with("telemetry"), timeout(time.Second))
			p.call(c.event)
			got := strings.Join(p.telemetered(t, "platform.report"), "\n")
			for _, want := range []string{`"platform.runtimeDone","record":{"requestId":"ID",` + c.done, `"platform.report","record":{"requestId":"ID",` + c.report} {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %s in\n%s", want, got)
				}
			}
		})
	}
}

// Nothing is left of an environment that is closed at any moment of its init.
func TestCloseDuringInitWithExtensions(t *testing.T) {
	for _, kind := range []string{"hang", "slow-init", "events"} {
		p := newPlace(t, "init-hang", with(kind))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			_, _ = p.Invoke(ctx, Invocation{RequestID: requestID})
			close(ended)
		}()
		within(t, "the extension", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.life != nil && len(p.life.externals) > 0 })
		p.Close()
		<-ended
		cancel()
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"events":["INVOKE","SHUTDOWN"]}`))
	f.Add([]byte(`{"events":["INVOKE","INVOKE"],"configurationKeys":[]}`))
	f.Add([]byte(`{"events":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, refusal := readRegistration(body)
		if refusal != nil && (refusal.status != 403 || refusal.errorType != "InvalidRequestFormat") {
			t.Errorf("%q: %+v", body, refusal)
		}
		seen := map[string]bool{}
		for _, e := range events {
			if seen[e] {
				t.Errorf("%q: %s twice", body, e)
			}
			seen[e] = true
		}
	})
}
