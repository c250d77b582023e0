package websocketapi

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suiro-dev/suiro/internal/journal"
)

// listen collects a kind of journal entries.
func (f *fixture) listen(kind journal.Kind) (lines func(n int) []string) {
	f.t.Helper()
	sub := f.config.Journal.Subscribe(1000)
	f.t.Cleanup(sub.Close)
	var mu sync.Mutex
	var got []string
	go func() {
		for e := range sub.Entries() {
			if e.Kind == kind {
				mu.Lock()
				got = append(got, e.Text)
				mu.Unlock()
			}
		}
	}()
	return func(n int) []string {
		f.t.Helper()
		eventually(f.t, "the lines", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= n })
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), got...)
	}
}

func TestAccessLog(t *testing.T) {
	f := newFixture(t, map[string]function{
		"$connect": returns(ok), "one": returns(`{"statusCode":404}`), "two2": returns(`{"statusCode":201,"body":"x"}`), "bad": throws("boom"), "$disconnect": returns(ok),
	}, func(_ *Config, d *Definition) {
		d.Stages["dev"].AccessLog = ParseLogFormat(`{"r":"$context.routeKey","t":"$context.eventType","s":$context.status, ` +
			`"i":"$context.integration.integrationStatus $context.integration.status","e":$context.error.messageString,"id":"$context.identity.user/$context.connectionId.$context.nothing"}`)
		delete(d.Routes, "$default")
	})
	lines := f.listen(journal.AccessLogged)
	c := f.open()
	id := f.id()
	c.send(`{"action":"one"}`)
	lines(2)
	c.send(`{"action":"two"}`)
	c.want("x")
	lines(3) // a line comes after its frame: the next message would overtake it
	c.send(`{"action":"bad"}`)
	c.wantFailure("Internal server error")
	lines(4)
	c.send(`nothing`)
	c.wantFailure("Forbidden")
	lines(5)
	f.manage("POST", "/dev/@connections/"+id, "hi")
	f.manage("GET", "/dev/@connections/XXX", "")
	lines(7)
	c.want("hi")
	c.close(1000, "")
	got := strings.ReplaceAll(strings.Join(lines(8), "\n"), id, "ID")
	want := strings.Join([]string{
		`{"r":"$connect","t":"CONNECT","s":200, "i":"200 200","e":-,"id":"-/ID.-"}`,
		`{"r":"one","t":"MESSAGE","s":200, "i":"200 404","e":-,"id":"-/ID.-"}`,
		`{"r":"two","t":"MESSAGE","s":200, "i":"200 201","e":-,"id":"-/ID.-"}`,
		`{"r":"bad","t":"MESSAGE","s":502, "i":"200 -","e":"Internal server error","id":"-/ID.-"}`,
		`{"r":"-","t":"MESSAGE","s":403, "i":"- -","e":"Forbidden","id":"-/ID.-"}`,
		`{"r":"POST /@connections/{connectionId}","t":"CONNECTION_API","s":200, "i":"- -","e":-,"id":"-/ID.-"}`,
		`{"r":"GET /@connections/{connectionId}","t":"CONNECTION_API","s":400, "i":"- -","e":"Invalid connectionId: XXX","id":"-/XXX.-"}`,
		`{"r":"$disconnect","t":"DISCONNECT","s":200, "i":"200 200","e":-,"id":"-/ID.-"}`,
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The default format of the Serverless Framework.
func TestAccessLogFormatOfServerless(t *testing.T) {
	f := newFixture(t, nil, func(_ *Config, d *Definition) {
		d.Stages["dev"].AccessLog = ParseLogFormat(`$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] "$context.eventType $context.routeKey $context.connectionId" $context.requestId`)
	})
	lines := f.listen(journal.AccessLogged)
	f.open()
	line := lines(1)[0]
	if !strings.HasPrefix(line, "127.0.0.1 - - [") || !strings.Contains(line, ` +0000] "CONNECT $connect `) || !strings.HasSuffix(line, "=") {
		t.Errorf("line %q", line)
	}
}

func TestExecutionLog(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok), "loud": throws("boom"), "quiet": throws("boom")}, func(_ *Config, d *Definition) {
		d.Stages["dev"].Default = Settings{Logging: LogErrors}
		d.Stages["dev"].Routes = map[string]*Settings{"$connect": {Logging: LogInfo}, "loud": {Logging: LogInfo, DataTrace: true}, "off": {}}
	})
	lines := f.listen(journal.ExecutionLogged)
	c := f.open("User-Agent: me")
	all := strings.Join(lines(6), "\n")
	for _, want := range []string{"WebSocket Request Route: [$connect]", "Client [UserAgent: me, SourceIp: 127.0.0.1] is connecting", "was successfully connected"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	c.send(`{"action":"quiet"}`)
	c.wantFailure("Internal server error")
	if got := lines(8); len(got) != 8 || !strings.HasSuffix(got[7], "Error: boom") {
		t.Errorf("errors only: %q", got[6:])
	}
	c.send(`{"action":"loud","x":"` + strings.Repeat("y", 2000) + `"}`)
	c.wantFailure("Internal server error")
	var traced string
	for _, line := range lines(14) {
		if _, body, ok := strings.Cut(line, "Request body: "); ok {
			traced = body
		}
	}
	if len(traced) != maxTraced || !strings.HasPrefix(traced, `{"action":"loud"`) {
		t.Errorf("traced %d bytes", len(traced))
	}
}

func TestMetrics(t *testing.T) {
	f := newFixture(t, map[string]function{
		"$connect": returns(ok), "one": returns(ok), "two2": returns(`{"statusCode":200,"body":"x"}`), "bad": throws("boom"),
		"failing": returns(`{ "statusCode" : 500 }`), "missing": nil, "$disconnect": returns(ok),
	}, func(_ *Config, d *Definition) {
		d.Stages["dev"].Routes = map[string]*Settings{"one": {DetailedMetrics: true}}
	})
	delete(f.functions.Functions, "missing")
	c := f.open()
	for _, action := range []string{"one", "bad", "failing", "missing", "nowhere", "two"} {
		c.send(`{"action":"` + action + `"}`)
	}
	for range 4 { // bad, missing, nowhere and the reply of two, in any order
		c.receive()
	}
	f.manage("POST", "/dev/@connections/"+f.id(), "hi")
	c.want("hi")
	c.close(1000, "")
	var got []Metrics
	eventually(t, "the disconnect", func() bool { got = f.api.Metrics(); return len(got) == 2 && got[0].MessageCount == 9 })
	for i := range got {
		if l := &got[i].IntegrationLatency; l.Samples > 0 && l.Sum < l.Maximum {
			t.Errorf("latency %+v", l)
		}
		got[i].IntegrationLatency = Latency{Samples: got[i].IntegrationLatency.Samples}
	}
	want := []Metrics{
		// connect, one, bad, failing, missing, two and its reply, a push, disconnect
		{Stage: "dev", ConnectCount: 1, MessageCount: 9, ClientError: 1, IntegrationError: 2, ExecutionError: 1, IntegrationLatency: Latency{Samples: 7}},
		{Stage: "dev", Route: "one", MessageCount: 1, IntegrationLatency: Latency{Samples: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestThrottling(t *testing.T) {
	f := newFixture(t, map[string]function{"one2": returns(`{"statusCode":200,"body":"x"}`), "$default2": returns(`{"statusCode":200,"body":"y"}`)}, func(_ *Config, d *Definition) {
		d.Stages["dev"].Default.Throttle = &Throttle{Rate: 0, Burst: 3}
		d.Stages["dev"].Routes = map[string]*Settings{"one": {Throttle: &Throttle{Rate: 0, Burst: 1}}}
	})
	c := f.open() // the first of the shared three
	c.send(`{"action":"one"}`)
	c.want("x")
	c.send(`{"action":"one"}`)
	c.wantFailure("Too Many Requests")
	for range 2 {
		c.send("z")
		c.want("y")
	}
	c.send("z")
	c.wantFailure("Too Many Requests")
	wantRefusal(t, f.dial("/dev"), 429, "Too Many Requests")
	if c := f.dial("/prod"); c.status != http.StatusSwitchingProtocols {
		t.Errorf("another stage answered %d", c.status)
	}
	if m := f.api.Metrics()[0]; m.ClientError != 3 {
		t.Errorf("metrics %+v", m)
	}
}

func TestTokenBucketRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Throttle{Rate: 2, Burst: 3}
		var took []int
		for range 4 {
			n := 0
			for b.allow(time.Now()) {
				n++
			}
			took = append(took, n)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		n := 0
		for b.allow(time.Now()) {
			n++
		}
		if diff := cmp.Diff([]int{3, 2, 2, 2, 3}, append(took, n)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRequiredParameters(t *testing.T) {
	f := newFixture(t, map[string]function{"$connect": returns(ok)}, func(_ *Config, d *Definition) {
		d.Routes["$connect"].Required = []string{"querystring.room", "header.X-Token"}
	})
	wantRefusal(t, f.dial("/dev?other=1"), 400, "Missing required request parameters: [room, X-Token]")
	if n := len(f.functions.Calls()); n != 0 {
		t.Errorf("%d invocations", n)
	}
	if c := f.dial("/dev?room=1", "x-token: 2"); c.status != http.StatusSwitchingProtocols {
		t.Errorf("answered %d %s", c.status, c.body)
	}
}

func TestDisabledExecuteAPIEndpoint(t *testing.T) {
	const name = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
	f := newFixture(t, nil, func(_ *Config, d *Definition) {
		d.Closed = true
		d.Domains = map[string]map[string]string{"ws.example.com": {"": "dev"}}
	})
	wantRefusal(t, f.dial("/dev", "Host: "+name), 403, "Forbidden")
	for _, host := range []string{"ws.example.com", f.def.Authority} {
		path := "/dev"
		if host == "ws.example.com" {
			path = "/"
		}
		if c := f.dial(path, "Host: "+host); c.status != http.StatusSwitchingProtocols {
			t.Errorf("%s answered %d", host, c.status)
		}
	}
}

func FuzzLogFormat(f *testing.F) {
	f.Add("$context.requestId $context.identity.sourceIp.")
	f.Add("$context.$context..a")
	f.Fuzz(func(t *testing.T, format string) {
		p := ParseLogFormat(format)
		if p == nil {
			return
		}
		same := p.line(func(name string) (string, bool) { return "$context." + name, true })
		if strings.ReplaceAll(format, "$context.", "") == format && same != format {
			t.Errorf("%q became %q", format, same)
		}
	})
}
