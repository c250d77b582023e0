package telemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const valid = `{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},` +
	`"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/path"}}`

// The fields' ranges and defaults (Developer Guide, Lambda Telemetry API
// reference).
func TestParse(t *testing.T) {
	r, err := Parse(Telemetry, []byte(valid))
	if err != nil || r.MaxItems != 1000 || r.MaxBytes != 262144 || r.Timeout != 25*time.Millisecond || r.Port != 8080 || r.Method != "POST" {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = Parse(Telemetry, []byte(`{"schemaVersion":"2022-07-01","types":["extension"],"destination":{"protocol":"TCP","port":4243}}`))
	if err != nil || r.MaxItems != 10000 || r.MaxBytes != 262144 || r.Timeout != time.Second || r.Port != 4243 {
		t.Errorf("defaults %+v, %v", r, err)
	}
	r, err = Parse(Logs, []byte(`{"types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox","method":"PUT","encoding":"JSON"}}`))
	if err != nil || r.Version != "2020-08-15" || r.Method != "PUT" || r.Port != 80 {
		t.Errorf("logs %+v, %v", r, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`{"schema`, `["schema`, "JSON"},
		{`"2022-12-13"`, `"2020-08-15"`, "schemaVersion"},
		{`"schemaVersion":"2022-12-13",`, ``, "schemaVersion"},
		{`"types":["platform","function"],`, ``, "types is missing"},
		{`["platform","function"]`, `[]`, "types is missing"},
		{`["platform","function"]`, `["all"]`, `"all"`},
		{`"maxItems":1000`, `"maxItems":999`, "1000 to 10000"},
		{`"maxItems":1000`, `"maxItems":10001`, "maxItems is 10001"},
		{`"maxBytes":262144`, `"maxBytes":262143`, "262144 to 1048576"},
		{`"maxBytes":262144`, `"maxBytes":1048577`, "maxBytes"},
		{`"timeoutMs":25`, `"timeoutMs":24`, "25 to 30000"},
		{`"timeoutMs":25`, `"timeoutMs":30001`, "timeoutMs"},
		{`"HTTP"`, `"UDP"`, "protocol"},
		{`"http://sandbox.localdomain:8080/path"`, `"https://sandbox.localdomain:8080"`, "no http URL"},
		{`sandbox.localdomain`, `localhost`, "host"},
		{`:8080`, `:9001`, "keeps for itself"},
		{`:8080`, `:0`, "port 0"},
		{`:8080`, `:70000`, "port 70000"},
	} {
		_, err := Parse(Telemetry, []byte(strings.Replace(valid, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.new, err, c.want)
		}
	}
}

// server takes batches; block holds its answers back.
type server struct {
	*httptest.Server
	block chan struct{}

	mu      sync.Mutex
	batches [][]Event
	status  int
}

func newServer(t *testing.T) *server {
	s := &server{status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []Event
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.batches = append(s.batches, events)
		status, block := s.status, s.block
		s.mu.Unlock()
		if block != nil {
			select {
			case <-block:
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) request(timeoutMs int) *Request {
	u, _ := url.Parse(s.URL)
	r, err := Parse(Telemetry, fmt.Appendf(nil, `{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{"maxItems":1000,"timeoutMs":%d},`+
		`"destination":{"protocol":"HTTP","URI":"http://sandbox:%s/"}}`, timeoutMs, u.Port()))
	if err != nil {
		panic(err)
	}
	return r
}

func (s *server) events() (out []Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		out = append(out, b...)
	}
	return out
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestDelivery(t *testing.T) {
	s := newServer(t)
	h := NewHub()
	defer h.Close()
	h.Tell("platform.initStart", map[string]string{"a": "b"})
	if err := h.Subscribe("x", s.request(25)); err != nil {
		t.Fatal(err)
	}
	h.Line(Extension, []byte("not asked for"))
	h.Line(Function, []byte(`a "line"`))
	within(t, "the events", func() bool { return len(s.events()) == 2 })
	got := s.events()
	if got[0].Type != "platform.initStart" || string(got[0].Record) != `{"a":"b"}` || got[1].Type != "function" || string(got[1].Record) != `"a \"line\""` {
		t.Errorf("%+v", got)
	}
	h.CloseSubscriptions()
	if err := h.Subscribe("y", s.request(25)); !errors.Is(err, ErrClosed) {
		t.Errorf("late: %v", err)
	}
	if !h.Active() {
		t.Error("not active with a subscriber")
	}
}

func TestNobodySubscribed(t *testing.T) {
	h := NewHub()
	h.Tell("platform.initStart", 1)
	h.CloseSubscriptions()
	if h.Active() {
		t.Error("active without a subscriber")
	}
	h.Close()
	if (*Hub)(nil).Active() {
		t.Error("no hub is active")
	}
}

// A batch goes when it is full or asked for, long before its time.
func TestFullBatchesAndFlushes(t *testing.T) {
	s := newServer(t)
	h := NewHub()
	defer h.Close()
	if err := h.Subscribe("x", s.request(30000)); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		h.Tell("platform.n", i)
	}
	within(t, "the full batch", func() bool { return len(s.events()) == 1000 })
	h.Tell("platform.last", 0)
	h.Flush(time.Minute) // returns when it is there
	if n := len(s.events()); n != 1001 {
		t.Errorf("%d events after the flush", n)
	}
}

// What a slow subscriber cannot take is dropped, and it hears how much.
func TestSlowSubscriberHearsOfDroppedLogs(t *testing.T) {
	s := newServer(t)
	s.block = make(chan struct{})
	h := NewHub()
	defer h.Close()
	if err := h.Subscribe("x", s.request(25)); err != nil {
		t.Fatal(err)
	}
	h.Tell("platform.first", 0)
	within(t, "the first batch", func() bool { return len(s.events()) == 1 })
	for i := range 5000 { // nobody waits for the subscriber
		h.Tell("platform.n", i)
	}
	close(s.block)
	var lost Event
	within(t, "platform.logsDropped", func() bool {
		for _, e := range s.events() {
			if e.Type == "platform.logsDropped" {
				lost = e
			}
		}
		return lost.Type != ""
	})
	var r struct {
		DroppedBytes, DroppedRecords int
		Reason                       string
	}
	if err := json.Unmarshal(lost.Record, &r); err != nil || r.DroppedRecords != 3000 || r.DroppedBytes < 3000*40 || r.Reason != tooSlow {
		t.Errorf("%+v, %v", r, err)
	}
}

// A subscriber that refuses or is not there costs nobody else anything.
func TestDeadSubscriber(t *testing.T) {
	s, dead := newServer(t), newServer(t)
	dead.Close()
	s.status = 500
	h := NewHub()
	if err := errors.Join(h.Subscribe("dead", dead.request(25)), h.Subscribe("refusing", s.request(25))); err != nil {
		t.Fatal(err)
	}
	h.Tell("platform.a", 0)
	within(t, "the refused batch", func() bool { return len(s.events()) >= 1 })
	s.mu.Lock()
	s.status = 200
	s.mu.Unlock()
	h.Tell("platform.b", 0)
	within(t, "the loss", func() bool {
		for _, e := range s.events() {
			if e.Type == "platform.logsDropped" && strings.Contains(string(e.Record), "500") {
				return true
			}
		}
		return false
	})
	h.Close()
}

func TestSubscribingAgainReplaces(t *testing.T) {
	old, s := newServer(t), newServer(t)
	h := NewHub()
	defer h.Close()
	if err := errors.Join(h.Subscribe("x", old.request(30000)), h.Subscribe("x", s.request(25))); err != nil {
		t.Fatal(err)
	}
	h.Tell("platform.a", 0)
	within(t, "the event", func() bool { return len(s.events()) == 1 })
	if n := len(old.events()); n != 0 {
		t.Errorf("the old destination got %d events", n)
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	body := fmt.Appendf(nil, `{"schemaVersion":"2025-01-29","types":["platform"],"buffering":{"timeoutMs":25},"destination":{"protocol":"TCP","port":%d}}`, port)
	r, err := Parse(Telemetry, body)
	if err != nil {
		t.Fatal(err)
	}
	h := NewHub()
	defer h.Close()
	if err := h.Subscribe("x", r); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	h.Tell("platform.a", 1)
	h.Tell("platform.b", 2)
	decode := json.NewDecoder(conn)
	for _, want := range []string{"platform.a", "platform.b"} {
		var e Event
		if err := decode.Decode(&e); err != nil || e.Type != want {
			t.Errorf("%+v, %v", e, err)
		}
	}
	_ = l.Close()
	if err := h.Subscribe("y", r); err == nil {
		t.Error("nobody listens, and the subscription was taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(`{"types":["platform"],"destination":{"protocol":"TCP","port":1}}`))
	f.Add([]byte(`{"schemaVersion":"2025-01-29","types":["extension"],"destination":{"protocol":"HTTP","URI":"http://sandbox:99999999999999999999"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, api := range []API{Telemetry, Logs} {
			r, err := Parse(api, body)
			if err != nil {
				continue
			}
			if r.MaxItems < 1000 || r.MaxItems > 10000 || r.MaxBytes < 262144 || r.MaxBytes > 1<<20 ||
				r.Timeout < 25*time.Millisecond || r.Timeout > 30*time.Second || r.Port < 1 || r.Port > 65535 || len(r.Types) == 0 {
				t.Errorf("%s: %+v", body, r)
			}
		}
	})
}
