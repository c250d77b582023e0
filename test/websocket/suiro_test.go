// Package websocket holds the real program to what API Gateway does with
// WebSocket connections, over real sockets, with one app whose function does
// what it is asked for (testdata/app). SUIRO names the program.
package websocket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// patience bounds every wait; the first start installs the AWS SDK.
const patience = 2 * time.Minute

// suiro is a running suiro dev.
type suiro struct {
	dir    string
	cmd    *exec.Cmd
	ready  ready
	stderr bytes.Buffer // to be read when the process has ended

	mu      sync.Mutex
	entries []entry
	more    chan struct{} // closed and replaced with each entry
	ended   chan struct{}
}

type ready struct {
	Type      string
	Endpoints []struct{ Resource, Kind, URL string }
	AWS       struct{ Region, AccessKeyID, SecretAccessKey string }
}

// entry is a line of the journal.
type entry struct {
	Type, Resource, Route, ConnectionID, Text string
	Status                                    int
}

// start runs a copy of the app; settings are its suiro.yaml.
func start(t *testing.T, settings string) *suiro {
	t.Helper()
	return startApp(t, "testdata/app", settings)
}

func startApp(t *testing.T, from, settings string) *suiro {
	t.Helper()
	program := os.Getenv("SUIRO")
	if program == "" {
		program, _ = filepath.Abs("../../bin/suiro")
	}
	s := &suiro{dir: filepath.Join(t.TempDir(), "app"), more: make(chan struct{}), ended: make(chan struct{})}
	if err := os.CopyFS(s.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if settings != "" {
		s.write(t, "suiro.yaml", settings)
	}
	s.cmd = exec.Command(program, "dev", "--output", "json", s.dir)
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("%v (run: make build)", err)
	}
	first := make(chan struct{})
	go s.read(out, first)
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(os.Interrupt)
		<-s.ended
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("suiro said:\n%s", s.stderr.String())
		}
	})
	select {
	case <-first:
	case <-s.ended:
		t.Fatal("suiro did not start")
	case <-time.After(patience):
		t.Fatal("suiro is not ready")
	}
	return s
}

func (s *suiro) read(out io.Reader, first chan struct{}) {
	defer close(s.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Type == "ready" && s.ready.Type == "" {
			_ = json.Unmarshal(lines.Bytes(), &s.ready)
			close(first)
		}
		s.mu.Lock()
		s.entries = append(s.entries, e)
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

func (s *suiro) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// now is a place in the journal.
func (s *suiro) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// await waits for an entry after a place that fits.
func (s *suiro) await(t *testing.T, after int, what string, fits func(entry) bool) entry {
	t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		entries, more := s.entries, s.more
		s.mu.Unlock()
		for ; after < len(entries); after++ {
			if fits(entries[after]) {
				return entries[after]
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}

// logged waits for a line that the app wrote and returns what follows prefix,
// before which Node's runtime client puts time and request id.
func (s *suiro) logged(t *testing.T, after int, prefix string, holding ...string) string {
	t.Helper()
	e := s.await(t, after, prefix+strings.Join(holding, " … "), func(e entry) bool {
		return e.Type == "log" && strings.Contains(e.Text, prefix) &&
			!slices.ContainsFunc(holding, func(part string) bool { return !strings.Contains(e.Text, part) })
	})
	_, rest, _ := strings.Cut(e.Text, prefix)
	return rest
}

// url is the address of an API's stage.
func (s *suiro) url(t *testing.T, api string) string {
	t.Helper()
	for _, e := range s.ready.Endpoints {
		if e.Resource == api {
			return e.URL
		}
	}
	t.Fatalf("no %s in %+v", api, s.ready.Endpoints)
	return ""
}

// client is one side of a connection.
type client struct {
	t    *testing.T
	s    *suiro
	conn *websocket.Conn
	id   string
	from int // the journal's place before the handshake
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// dial makes a handshake; what follows the stage is in rest.
func (s *suiro) dial(t *testing.T, api, rest string, o *websocket.DialOptions) (*client, *http.Response, error) {
	t.Helper()
	from := s.now()
	conn, res, err := websocket.Dial(bounded(t), s.url(t, api)+rest, o)
	if err != nil {
		return nil, res, err
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	id := s.await(t, from, "the connection", func(e entry) bool { return e.Type == "connect" && e.Resource == api }).ConnectionID
	return &client{t, s, conn, id, from}, res, nil
}

// open is a dial that must succeed.
func (s *suiro) open(t *testing.T, api, rest string) *client {
	t.Helper()
	c, _, err := s.dial(t, api, rest, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.conn.Write(bounded(c.t), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// fragments sends one message in frames of size bytes.
func (c *client) fragments(n, size int) {
	c.t.Helper()
	w, err := c.conn.Writer(bounded(c.t), websocket.MessageText)
	for i := 0; i < n && err == nil; i++ {
		_, err = w.Write(bytes.Repeat([]byte("x"), size))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.t.Log(err) // the server may have closed already
	}
}

func (c *client) receive() string {
	c.t.Helper()
	_, data, err := c.conn.Read(bounded(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

func (c *client) want(text string) {
	c.t.Helper()
	if got := c.receive(); got != text {
		c.t.Errorf("received %.200q, want %.200q", got, text)
	}
}

// wantFailure expects an error frame of API Gateway, to the byte.
func (c *client) wantFailure(message string) {
	c.t.Helper()
	got := c.receive()
	var ids struct{ ConnectionID, RequestID string }
	_ = json.Unmarshal([]byte(got), &ids)
	if want := `{"message": "` + message + `", "connectionId":"` + c.id + `", "requestId":"` + ids.RequestID + `"}`; got != want || ids.RequestID == "" {
		c.t.Errorf("received %s, want %s", got, want)
	}
}

// wantClose expects the server's close frame.
func (c *client) wantClose(code int, reason string) {
	c.t.Helper()
	_, data, err := c.conn.Read(bounded(c.t))
	var closed websocket.CloseError
	if !asClose(err, &closed) || int(closed.Code) != code || closed.Reason != reason {
		c.t.Errorf("received %.100q %v, want close %d %s", data, err, code, reason)
	}
}

// handled waits until the app has handled the connection's nth message.
func (c *client) handled(n int) {
	c.t.Helper()
	c.s.await(c.t, c.from, "the message's end", func(e entry) bool {
		if e.Type == "message" && e.ConnectionID == c.id {
			n--
		}
		return n == 0
	})
}

// wantDisconnect expects what $disconnect is told.
func (c *client) wantDisconnect(code int, reason string) {
	c.t.Helper()
	var e event
	text := c.s.logged(c.t, c.from, "EVENT ", `"eventType":"DISCONNECT"`, c.id)
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		c.t.Fatal(err)
	}
	if got := e.RequestContext; got.DisconnectStatusCode != code || got.DisconnectReason != reason {
		c.t.Errorf("$disconnect got %+v, want %d %s", got, code, reason)
	}
}

// event is what the function sees.
type event struct {
	Headers        map[string]string
	RequestContext struct {
		RouteKey, EventType, ConnectionID, MessageID string
		DisconnectStatusCode                         int
		DisconnectReason                             string
		Authorizer                                   map[string]any
	}
	Body string
}
