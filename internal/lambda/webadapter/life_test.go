//go:build linux || darwin

package webadapter

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

func TestServerThatIsNeverReady(t *testing.T) {
	for _, how := range []string{"never", "unhealthy"} {
		t.Run(how, func(t *testing.T) {
			p := open(t, options{how: how, timeout: 300 * time.Millisecond, init: 100 * time.Millisecond})
			res := p.invoke(get("/echo/"), invoke.Buffered)
			if text, _ := io.ReadAll(res.Body); res.End().Outcome != invoke.TimedOut || !strings.Contains(string(text), "Task timed out after 0.30 seconds") {
				t.Errorf("%v %s", res.End(), text)
			}
		})
	}
}

func TestServerThatIsSlowToStartSaysSo(t *testing.T) {
	p := open(t, options{how: "late"})
	p.env.Warm()
	p.logged("app is not ready after 2000ms: GET / answers 503")
	if err := os.WriteFile(filepath.Join(p.dir, "open"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-p.idle
	p.echo(get("/echo/"))
}

func TestServerThatExits(t *testing.T) {
	p := open(t, options{how: "exits"})
	res := p.invoke(get("/echo/"), invoke.Buffered)
	text, _ := io.ReadAll(res.Body)
	if res.End().ErrorType != "Runtime.ExitError" || !strings.Contains(string(text), "Runtime exited with error: exit status 3") {
		t.Errorf("%v %s", res.End(), text)
	}
	p.logged("no database")
}

func TestAsyncInitGoesOnInTheFirstInvocation(t *testing.T) {
	p := open(t, options{how: "late", variables: map[string]string{"AWS_LWA_ASYNC_INIT": "true"}})
	p.env.Warm()
	<-p.idle // the init phase is over, and the server is not ready
	select {
	case <-p.fixed:
		t.Fatal("it was ready")
	default:
	}
	if err := os.WriteFile(filepath.Join(p.dir, "open"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.echo(get("/echo/"))
}

func TestServerThatDiesInItsAnswer(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming})
	res := p.invoke(get("/die"), invoke.Stream)
	body := bufio.NewReader(res.Body)
	readPrelude(t, body)
	if text, err := io.ReadAll(body); string(text) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", text, err)
	}
	if end := res.End(); end.ErrorType != "Runtime.ExitError" {
		t.Errorf("ended %v", end)
	}
	<-p.idle
	p.stream(get("/echo/")) // another process serves
}

// stream reads a whole streamed result.
func (p *place) stream(event string) string {
	p.t.Helper()
	res := p.invoke(event, invoke.Stream)
	body := bufio.NewReader(res.Body)
	readPrelude(p.t, body)
	text, err := io.ReadAll(body)
	if err != nil || res.End().Outcome != invoke.Complete {
		p.t.Errorf("%v, %v", err, res.End())
	}
	<-p.idle
	return string(text)
}

func TestServerThatHangsUp(t *testing.T) {
	p := open(t, options{how: "plain"})
	pid := p.echo(get("/echo/")).PID
	res := p.invoke(get("/hangup"), invoke.Buffered)
	text, _ := io.ReadAll(res.Body)
	if end := res.End(); end.Outcome != invoke.FunctionError || end.ErrorType != errorType {
		t.Errorf("%v %s", end, text)
	}
	<-p.idle
	if again := p.echo(get("/echo/")).PID; again != pid {
		t.Error("the server was started again")
	}
}

func TestTimeoutInTheMiddleOfAnAnswer(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming, timeout: 500 * time.Millisecond})
	p.env.Warm()
	<-p.idle
	res := p.invoke(get("/hang"), invoke.Stream)
	body := bufio.NewReader(res.Body)
	readPrelude(t, body)
	if text, err := io.ReadAll(body); string(text) != "half" || err == nil {
		t.Errorf("%q, %v", text, err)
	}
	if end := res.End(); end.Outcome != invoke.TimedOut {
		t.Errorf("ended %v", end)
	}
}

func TestSlowReaderHoldsTheServerBack(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming})
	res := p.invoke(get("/large"), invoke.Stream)
	total, buf := 0, make([]byte, 512)
	for range 2000 { // a sip at a time, then the rest
		n, err := res.Body.Read(buf)
		if total += n; err != nil {
			t.Fatal(err)
		}
	}
	if size := p.env.Pid(); size == 0 {
		t.Fatal("no process")
	}
	rest, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if total += len(rest); total < 8<<20 {
		t.Errorf("%d bytes", total)
	}
}

func TestReaderThatGoesAwayDoesNotStopTheServer(t *testing.T) {
	p := open(t, options{how: "plain", variables: streaming})
	res := p.invoke(get("/gated"), invoke.Stream)
	body := bufio.NewReader(res.Body)
	readPrelude(t, body)
	_ = res.Body.Close()
	for _, line := range []string{"one", "two", "three"} {
		_ = os.WriteFile(filepath.Join(p.dir, "seen-"+line), nil, 0o600)
	}
	<-p.idle
	if end := res.End(); end.Outcome != invoke.Complete {
		t.Errorf("ended %v", end)
	}
}

func TestServerHearsSIGTERM(t *testing.T) {
	p := open(t, options{how: "plain"})
	p.echo(get("/echo/"))
	p.env.Close()
	if text, _ := os.ReadFile(filepath.Join(p.dir, "terminated")); string(text) != "bye" {
		t.Errorf("%q", text)
	}
}

func TestServerThatIgnoresItsPort(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"FIXED": strconv.Itoa(port), "AWS_LWA_PORT": strconv.Itoa(port)}
	// FIXED does not look like a port's name, so that it keeps its value.
	p := open(t, options{how: "fixed", variables: variables})
	p.echo(get("/echo/"))
	if !<-p.fixed {
		t.Error("it listens on the port it was given")
	}
	// A second one, as after a change of the code, waits for the first to end.
	q := open(t, options{how: "fixed", variables: variables, before: p.adapter})
	q.env.Warm()
	p.env.Close()
	<-q.idle
	q.echo(get("/echo/"))
}

func TestServerWhosePortIsTakenIsToldWhy(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := open(t, options{how: "fixed", variables: map[string]string{"FIXED": port, "AWS_LWA_PORT": port}})
	if res := p.invoke(get("/echo/"), invoke.Buffered); res.End().ErrorType != "Runtime.ExitError" {
		t.Errorf("ended %v", res.End())
	}
	p.logged("port " + port + " was taken when the server started")
}

func TestReadinessOnAPortOfItsOwn(t *testing.T) {
	// The server opens only one port, so that TCP on another one is never ready.
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, options{how: "plain", timeout: 200 * time.Millisecond, init: 50 * time.Millisecond, variables: map[string]string{
		"AWS_LWA_READINESS_CHECK_PORT": strconv.Itoa(port), "AWS_LWA_READINESS_CHECK_PROTOCOL": "tcp"}})
	res := p.invoke(get("/echo/"), invoke.Buffered)
	if res.End().Outcome != invoke.TimedOut {
		t.Errorf("ended %v", res.End())
	}
	q := open(t, options{how: "plain", variables: map[string]string{"AWS_LWA_READINESS_CHECK_PROTOCOL": "TCP"}})
	q.echo(get("/echo/"))
}
