//go:build linux

package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/process"
)

const requestID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

// place is an environment under test with what it tells the world.
type place struct {
	*Environment
	t    *testing.T
	dir  string
	sub  *journal.Subscription
	idle atomic.Int32
}

func newPlace(t *testing.T, handler string, change ...func(*Config)) *place {
	t.Helper()
	k, err := process.NewKeeper()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: t.TempDir()}
	j := &journal.Journal{}
	p.sub = j.Subscribe(10000)
	cfg := Config{
		Function: Function{
			LogicalID: "Fn", Name: "fn", Version: "$LATEST", Runtime: "provided.al2023",
			Handler: handler, AccountID: "123456789012", MemorySize: 128, Timeout: 20 * time.Second,
		},
		Command: process.Command{
			Path: program(t), Dir: p.dir,
			Env: []string{"_HANDLER=" + handler, "GORACE=atexit_sleep_ms=0", "PATH=/usr/bin:/bin"},
		},
		Keeper:  k,
		Journal: j,
		Idle:    func(*Environment) { p.idle.Add(1) },
	}
	for _, f := range change {
		f(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.Environment = e
	t.Cleanup(func() {
		e.Close()
		if err := k.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func timeout(d time.Duration) func(*Config) {
	return func(c *Config) { c.Function.Timeout = d }
}

// call runs one invocation to its end.
func (p *place) call(event string, change ...func(*Invocation)) (string, invoke.End, *invoke.Result) {
	p.t.Helper()
	in := Invocation{RequestID: requestID, Payload: []byte(event), InvokedARN: "arn:aws:lambda:us-east-1:123456789012:function:fn"}
	for _, f := range change {
		f(&in)
	}
	res, err := p.invoke(context.Background(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil && in.Mode == invoke.Buffered {
		p.t.Fatal(err)
	}
	return string(body), res.End(), res
}

// invoke waits, as a pool does, until the environment is free.
func (p *place) invoke(ctx context.Context, in Invocation) (*invoke.Result, error) {
	for {
		res, err := p.Invoke(ctx, in)
		if !errors.Is(err, errBusy) {
			return res, err
		}
		time.Sleep(time.Millisecond)
	}
}

func withTail(in *Invocation) { in.LogTail = true }

// log returns the lines so far; timings are made equal.
func (p *place) log() string {
	var b strings.Builder
	for {
		select {
		case entry := <-p.sub.Entries():
			if entry.Kind == journal.Logged {
				text := regexp.MustCompile(`\d+\.\d\d ms`).ReplaceAllString(entry.Text, "N ms")
				text = regexp.MustCompile(`Billed Duration: \d+`).ReplaceAllString(text, "Billed Duration: N")
				text = regexp.MustCompile(`Used: \d+`).ReplaceAllString(text, "Used: N")
				fmt.Fprintf(&b, "%s|%s\n", entry.Stream, strings.ReplaceAll(text, requestID, "ID"))
			}
		default:
			return b.String()
		}
	}
}

// program is this test's binary.
func program(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *place) touch(name string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestInvocation(t *testing.T) {
	p := newPlace(t, "echo")
	for range 3 {
		body, end, res := p.call(`{"hello":"wörld"}`)
		if body != `{"hello":"wörld"}` || end.Outcome != invoke.Complete || res.RequestID != requestID || res.ExecutedVersion != "$LATEST" {
			t.Errorf("got %s, %+v, %+v", body, end, res)
		}
	}
}

func TestOneProcessServesManyInvocations(t *testing.T) {
	p := newPlace(t, "echo")
	first, _, _ := p.call(`{"do":"pid"}`)
	second, _, _ := p.call(`{"do":"pid"}`)
	if first != second {
		t.Errorf("processes %s and %s", first, second)
	}
}

func TestNextHeaders(t *testing.T) {
	p := newPlace(t, "echo")
	body, _, _ := p.call(`{"do":"headers"}`, func(in *Invocation) {
		in.TraceID, in.ClientContext = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", []byte(`{"client":{}}`)
	})
	for _, want := range []string{
		`"Content-Type":["application/json"]`,
		`"Lambda-Runtime-Aws-Request-Id":["` + requestID + `"]`,
		`"Lambda-Runtime-Invoked-Function-Arn":["arn:aws:lambda:us-east-1:123456789012:function:fn"]`,
		`"Lambda-Runtime-Trace-Id":["Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"]`,
		`"Lambda-Runtime-Client-Context":["{\"client\":{}}"]`,
		`"Lambda-Runtime-Deadline-Ms":["1`,
		`"Lambda-Runtime-Invocation-Id":["`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("headers %s\nlack %s", body, want)
		}
	}
	body, _, _ = p.call(`{"do":"headers"}`)
	if strings.Contains(body, "Trace-Id") || strings.Contains(body, "Client-Context") {
		t.Errorf("headers without a value are sent: %s", body)
	}
}

// The payloads are those recorded on AWS in November 2025.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, handler, event string
		outcome              invoke.Outcome
		errorType, body      string
	}{
		{"handler error passes as it is", "echo", `{"do":"error","text":"{\"errorType\" : \"E\",\"errorMessage\":\"m\"}"}`,
			invoke.FunctionError, "E", `{"errorType" : "E","errorMessage":"m"}`},
		{"error that is no JSON", "echo", `{"do":"error","text":"oops"}`, invoke.FunctionError, "Function.Oops", `oops`},
		{"exit 0", "echo", `{"do":"exit"}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`},
		{"exit 127", "echo", `{"do":"exit","n":127}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 127"}`},
		{"killed", "echo", `{"do":"die"}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`},
		{"timeout", "echo", `{"do":"hang"}`, invoke.TimedOut, "Sandbox.Timedout",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`},
		{"exit 3 in init", "init-exit", `{}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`},
		{"exit 0 in init", "init-exit-0", `{}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`},
		{"init error", "init-error", `{}`, invoke.FunctionError, "Runtime.ImportModuleError",
			`{"errorMessage":"no module","errorType":"Runtime.ImportModuleError","requestId":"","stackTrace":[]}`},
		{"init that hangs", "init-hang", `{}`, invoke.TimedOut, "Sandbox.Timedout",
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`},
		{"result too large", "echo", `{"do":"size","n":6291557}`, invoke.FunctionError, "Function.ResponseSizeTooLarge",
			`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`},
		{"chunked result too large", "echo", `{"do":"chunked","n":9000000}`, invoke.FunctionError, "Function.ResponseSizeTooLarge",
			`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`},
		{"response cut by the end of the process", "echo", `{"do":"cut"}`, invoke.FunctionError, "Runtime.ExitError",
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 5"}`},
		{"error in trailers of a buffered invocation", "echo", `{"do":"stream-error","text":"some"}`, invoke.FunctionError, "Midway",
			`{"errorType":"Midway","errorMessage":"oh"}`},
		{"wrong response mode", "echo", `{"do":"try","text":"mode","n":1}`, invoke.FunctionError, "Runtime.InvalidResponseModeHeader", ``},
	} {
		for _, mode := range []invoke.Mode{invoke.Buffered, invoke.Stream} {
			if mode == invoke.Stream && (strings.Contains(c.name, "large") || strings.Contains(c.name, "buffered")) {
				continue // only a buffered invocation has this end
			}
			t.Run(fmt.Sprintf("%s/%d", c.name, mode), func(t *testing.T) {
				t.Parallel()
				limit := timeout(20 * time.Second)
				if c.outcome == invoke.TimedOut {
					limit = timeout(time.Second)
				}
				p := newPlace(t, c.handler, limit, func(c *Config) { c.InitTimeout = 300 * time.Millisecond })
				body, end, _ := p.call(c.event, func(in *Invocation) { in.Mode = mode })
				want := strings.ReplaceAll(c.body, "ID", requestID)
				if mode == invoke.Stream {
					body = string(end.ErrorBody)
				}
				if body != want || end.Outcome != c.outcome || end.ErrorType != c.errorType {
					t.Errorf("got %.200s\nwant %s\nend %d %s", body, want, end.Outcome, end.ErrorType)
				}
				if strings.HasPrefix(c.handler, "init") {
					return
				}
				if body, end, _ := p.call(`"again"`); body != `"again"` || end.Outcome != invoke.Complete {
					t.Errorf("the next invocation: %s, %+v", body, end)
				}
			})
		}
	}
}

func TestLargestResult(t *testing.T) {
	p := newPlace(t, "echo")
	body, end, _ := p.call(`{"do":"size","n":6291556}`)
	if len(body) != MaxResponse || end.Outcome != invoke.Complete {
		t.Errorf("%d bytes, %+v", len(body), end)
	}
}

func TestMissingProgram(t *testing.T) {
	p := newPlace(t, "echo", func(c *Config) { c.Command.Path = "/var/task/bootstrap" })
	body, end, _ := p.call(`{}`)
	want := `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ` + requestID +
		` Error: fork/exec /var/task/bootstrap: no such file or directory"}`
	if body != want || end.ErrorType != "Runtime.InvalidEntrypoint" {
		t.Errorf("got %s, %+v", body, end)
	}
}

// Recorded shapes of the text log format, with the status in REPORT.
func TestLog(t *testing.T) {
	for _, c := range []struct{ name, handler, event, want string }{
		{"success", "echo", `{"do":"print","text":"a\nb\n"}`, `platform|INIT_START Runtime Version: provided.al2023
platform|START RequestId: ID Version: $LATEST
stdout|a
stdout|b
platform|END RequestId: ID
platform|REPORT RequestId: ID	Duration: N ms	Billed Duration: N ms	Memory Size: 128 MB	Max Memory Used: N MB	Init Duration: N ms	
`},
		{"timeout", "echo", `{"do":"hang"}`, `platform|INIT_START Runtime Version: provided.al2023
platform|START RequestId: ID Version: $LATEST
stdout|hanging
platform|END RequestId: ID
platform|REPORT RequestId: ID	Duration: N ms	Billed Duration: N ms	Memory Size: 128 MB	Max Memory Used: N MB	Init Duration: N ms	Status: timeout
`},
		{"exit", "echo", `{"do":"exit","n":1}`, `platform|INIT_START Runtime Version: provided.al2023
platform|START RequestId: ID Version: $LATEST
stdout|about to exit
platform|END RequestId: ID
platform|REPORT RequestId: ID	Duration: N ms	Billed Duration: N ms	Memory Size: 128 MB	Max Memory Used: N MB	Init Duration: N ms	Status: error	Error Type: Runtime.ExitError
`},
		{"init error", "init-error", `{}`, `platform|INIT_START Runtime Version: provided.al2023
stdout|init error answered {"status":"OK"}
platform|INIT_REPORT Init Duration: N ms	Phase: init	Status: error	Error Type: Runtime.ImportModuleError
platform|START RequestId: ID Version: $LATEST
stdout|init error answered {"status":"OK"}
platform|END RequestId: ID
platform|REPORT RequestId: ID	Duration: N ms	Billed Duration: N ms	Memory Size: 128 MB	Max Memory Used: N MB	Status: error	Error Type: Runtime.ImportModuleError
`},
		{"init timeout", "init-hang", `{}`, `platform|INIT_START Runtime Version: provided.al2023
platform|INIT_REPORT Init Duration: N ms	Phase: init	Status: timeout
platform|START RequestId: ID Version: $LATEST
platform|END RequestId: ID
platform|REPORT RequestId: ID	Duration: N ms	Billed Duration: N ms	Memory Size: 128 MB	Max Memory Used: N MB	Status: timeout
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, c.handler, timeout(time.Second), func(c *Config) { c.InitTimeout = 700 * time.Millisecond })
			p.call(c.event)
			if got := p.log(); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestLogTail(t *testing.T) {
	p := newPlace(t, "echo")
	_, _, res := p.call(`{"do":"print","text":"hello"}`, withTail)
	got := string(res.LogTail())
	if !strings.HasPrefix(got, "START RequestId: ") || !strings.Contains(got, "\nhello\nEND RequestId: ") || !strings.HasSuffix(got, "\t\n") {
		t.Errorf("tail %q", got)
	}
	_, _, res = p.call(`{"do":"print","text":"`+strings.Repeat("long ", 2000)+`"}`, withTail)
	if got := res.LogTail(); len(got) != tailSize || !strings.HasSuffix(string(got), "\t\n") {
		t.Errorf("long tail of %d bytes", len(got))
	}
}

func TestBinaryOutputPasses(t *testing.T) {
	p := newPlace(t, "echo")
	p.call(`{"do":"print","text":"\u0000\u0001\u001b[1m"}`)
	if got := p.log(); !strings.Contains(got, "stdout|\x00\x01\x1b[1m\n") {
		t.Errorf("log %q", got)
	}
}

// Custom runtimes read these answers; the bodies are the supervisor's.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, handler, event, want string }{
		{"wrong request id", "echo", `{"do":"try","text":"id"}`,
			`400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}` + "\n" +
				`stdout|400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"echo of another attempt", "echo", `{"do":"try","text":"attempt"}`,
			`400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"wrong response mode", "echo", `{"do":"try","text":"mode","n":1}`,
			`400 {"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}`},
		{"init error while running", "echo", `{"do":"try","text":"init"}`,
			`403 {"errorMessage":"State transition from Running to InitError failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`},
		{"response during init", "init-response", `{}`,
			`403 {"errorMessage":"State transition from Started to InvocationResponse failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`},
		{"too large", "echo", `{"do":"size","n":6291557}`,
			`413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`},
		{"restore outside SnapStart", "echo", `{"do":"try","text":"restore"}`, `404 `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, c.handler)
			p.call(c.event)
			p.call(`{}`) // what the runtime printed after its answer is there now
			if got := p.log(); !strings.Contains(got, "stdout|"+c.want) {
				t.Errorf("log\n%s\nlacks %s", got, c.want)
			}
		})
	}
}

func TestSecondResponseIsRefused(t *testing.T) {
	p := newPlace(t, "echo")
	if body, _, _ := p.call(`{"do":"double"}`); body != "1" {
		t.Errorf("body %s", body)
	}
	p.call(`{}`)
	if got := p.log(); !strings.Contains(got, "stderr|400 ") && !strings.Contains(got, "stderr|403 ") {
		t.Errorf("log\n%s", got)
	}
}

func TestNextWhileRunningGivesTheSameEvent(t *testing.T) {
	p := newPlace(t, "echo")
	if body, _, _ := p.call(`{"do":"next-again"}`); body != "true" {
		t.Errorf("body %s", body)
	}
}

// A runtime that answers and exits at once has answered.
func TestAnswerSentBeforeExitCounts(t *testing.T) {
	for _, do := range []string{"answer-and-exit", "send-and-exit"} {
		t.Run(do, func(t *testing.T) {
			p := newPlace(t, "echo")
			for range 20 {
				body, end, _ := p.call(`{"do":"` + do + `","n":1}`)
				if !strings.HasPrefix(body, `"`) || end.Outcome != invoke.Complete {
					t.Fatalf("got %s, %+v", body, end)
				}
			}
		})
	}
}

// After a timeout the same environment initialises anew, within the invocation.
func TestResetKeepsThePlace(t *testing.T) {
	p := newPlace(t, "echo", timeout(time.Second))
	p.call(`{"do":"hang"}`)
	p.log()
	p.touch("kept")
	p.call(`{}`)
	got := p.log()
	if strings.Contains(got, "INIT_START") || strings.Contains(got, "Init Duration") {
		t.Errorf("the second init is not part of the invocation:\n%s", got)
	}
}

func TestFailedInitIsTriedAgainInTheInvocation(t *testing.T) {
	p := newPlace(t, "init-second-time")
	body, end, _ := p.call(`"x"`)
	if body != `"x"` || end.Outcome != invoke.Complete {
		t.Errorf("got %s, %+v", body, end)
	}
}

func TestTimeoutEndsGrandchildren(t *testing.T) {
	p := newPlace(t, "echo", timeout(time.Second))
	p.call(`{"do":"fork-and-hang"}`)
	m := regexp.MustCompile(`stdout\|(\d+)\n`).FindStringSubmatch(p.log())
	if m == nil {
		t.Fatal("no grandchild")
	}
	pid, _ := strconv.Atoi(m[1])
	within(t, "the grandchild's end", func() bool { return gone(pid) })
}

func TestCloseEndsTheProcessAndItsChildren(t *testing.T) {
	p := newPlace(t, "echo")
	body, _, _ := p.call(`{"do":"fork"}`)
	child, _ := strconv.Atoi(body)
	pid := p.Pid()
	p.Close()
	within(t, "the end of both", func() bool { return gone(pid) && gone(child) })
	if _, err := p.Invoke(context.Background(), Invocation{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Invoke after Close: %v", err)
	}
}

func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestCloseFailsARunningInvocation(t *testing.T) {
	p := newPlace(t, "echo")
	go func() {
		within(t, "the function", func() bool { return strings.Contains(p.log(), "hanging") })
		p.Close()
	}()
	_, end, _ := p.call(`{"do":"hang"}`)
	if end.Outcome != invoke.FunctionError {
		t.Errorf("end %+v", end)
	}
}

// Without an extension there is no SIGTERM; with an internal one there is
// (Developer Guide, Shutdown phase).
func TestShutdown(t *testing.T) {
	for _, c := range []struct {
		handler string
		want    bool
	}{{"sigterm", true}, {"echo", false}} {
		t.Run(c.handler, func(t *testing.T) {
			p := newPlace(t, c.handler)
			p.call(`{}`)
			p.Close()
			_, err := os.Stat(filepath.Join(p.dir, "terminated"))
			if got := err == nil; got != c.want {
				t.Errorf("SIGTERM arrived: %v", got)
			}
		})
	}
}

func TestInvocationWaitsForARuntimeThatIsNotBackYet(t *testing.T) {
	p := newPlace(t, "echo")
	p.call(`{"do":"slow-next"}`)
	if !p.Finishing(int(p.idle.Load())) {
		t.Error("not finishing")
	}
	done := make(chan string)
	go func() { body, _, _ := p.call(`"second"`); done <- body }()
	p.touch("next")
	if body := <-done; body != `"second"` {
		t.Errorf("body %s", body)
	}
}

func TestIdleIsToldOncePerInvocation(t *testing.T) {
	p := newPlace(t, "echo", timeout(time.Second))
	for i, event := range []string{`{}`, `{"do":"exit"}`, `{}`, `{"do":"hang"}`, `{"do":"error"}`} {
		p.call(event)
		within(t, "idle", func() bool { return p.idle.Load() >= int32(i+1) })
		if got := p.idle.Load(); got != int32(i+1) {
			t.Errorf("after %s: idle told %d times, want %d", event, got, i+1)
		}
	}
}

// An environment that was ready before its first invocation came reports its
// init with that one, and with no other.
func TestWarm(t *testing.T) {
	p := newPlace(t, "echo")
	p.Warm()
	within(t, "idle", func() bool { return p.idle.Load() == 1 })
	if p.Pid() == 0 {
		t.Error("no process")
	}
	p.log()
	for i, want := range []bool{true, false} {
		p.call(`{}`)
		if got := p.log(); strings.Contains(got, "INIT_START") || strings.Contains(got, "Init Duration") != want {
			t.Errorf("invocation %d: log\n%s", i, got)
		}
	}
}

func TestLogStreamName(t *testing.T) {
	got := logStream("$LATEST", time.Date(2025, 3, 9, 23, 0, 0, 0, time.UTC))
	if !regexp.MustCompile(`^2025/03/09/\[\$LATEST\][0-9a-f]{32}$`).MatchString(got) {
		t.Errorf("log stream %s", got)
	}
}
