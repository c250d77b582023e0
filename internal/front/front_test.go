package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/journal"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newFront makes a front whose ports lie away from those of running programs,
// without any variable of the surrounding shell.
func newFront(t *testing.T, c Config) *Front {
	t.Helper()
	for _, name := range append(bundleVariables, nodeVariable) {
		if _, set := os.LookupEnv(name); set {
			t.Setenv(name, "")
		}
	}
	if c.FirstPort == 0 {
		c.FirstPort = 23000
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = f.Close(ctx)
	})
	return f
}

// portRow finds so many free ports in a row, below those that clients get.
func portRow(t *testing.T, n int) int {
	t.Helper()
	for base := 20000 + os.Getpid()%1000*10; base < 32000; base += n {
		free := true
		for port := base; free && port < base+n; port++ {
			sockets, err := listen(t.Context(), "", port)
			free = err == nil
			for _, s := range sockets {
				_ = s.Close()
			}
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

func open(t *testing.T, f *Front, e Endpoint) *Listener {
	t.Helper()
	if e.Handler == nil {
		e.Handler = http.HandlerFunc(describe)
	}
	l, err := f.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// describe answers with what the server knows of a request.
func describe(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s tls=%v host=%s body=%s", r.Method, r.Proto, r.TLS != nil, r.Host, body)
}

// trusting is a client that trusts the bundle that functions get.
func trusting(t *testing.T, f *Front, change func(*http.Transport)) *http.Client {
	t.Helper()
	data, err := os.ReadFile(f.CA().BundleFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	if change != nil {
		change(tr)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: " + err.Error())
	}
	_ = l.Close()
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Post(url, "text/plain", strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPlaintextAndTLSOnOnePort(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	api := open(t, f, Endpoint{Resource: "Api", Kind: "http-api"})
	ws := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket"})
	h2c := func(tr *http.Transport) {
		tr.Protocols = new(http.Protocols)
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	for _, c := range []struct {
		name, url string
		change    func(*http.Transport)
		want      string
	}{
		{"plain", api.URL("http"), nil, "POST HTTP/1.1 tls=false host=" + api.Authority() + " body=hi"},
		{"TLS", api.URL("https"), nil, "POST HTTP/2.0 tls=true host=" + api.Authority() + " body=hi"},
		{"HTTP/2 without TLS", api.URL("http"), h2c, "POST HTTP/2.0 tls=false host=" + api.Authority() + " body=hi"},
		{"IPv4", fmt.Sprintf("https://127.0.0.1:%d", api.Port()), nil, fmt.Sprintf("POST HTTP/2.0 tls=true host=127.0.0.1:%d body=hi", api.Port())},
		{"IPv6", fmt.Sprintf("https://[::1]:%d", api.Port()), nil, fmt.Sprintf("POST HTTP/2.0 tls=true host=[::1]:%d body=hi", api.Port())},
		{"a WebSocket endpoint speaks HTTP/1.1", ws.URL("https"), nil, "POST HTTP/1.1 tls=true host=" + ws.Authority() + " body=hi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "IPv6" {
				needIPv6(t)
			}
			client := trusting(t, f, c.change)
			for range 2 { // the second on the same connection
				if got := get(t, client, c.url); got != c.want {
					t.Errorf("%s\nwant %s", got, c.want)
				}
			}
		})
	}
}

func TestCertificatesAreMadeForNamesWeStandFor(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	const host = "abc123.execute-api.eu-west-1.amazonaws.com"
	l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Hosts: []string{host}})
	client := trusting(t, f, nil)
	for name, ok := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "chat.localhost": true, "abc123.execute-api.localhost": true,
		host: true, strings.ToUpper(host): true,
		"other.execute-api.eu-west-1.amazonaws.com": true, // to refuse in its name
		"example.com": false,
	} {
		config := client.Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName = name
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port()), config)
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			leaf := c.ConnectionState().PeerCertificates[0]
			if life := time.Until(leaf.NotAfter); life > leafLife || life < renewBefore {
				t.Errorf("%s: good for %v", name, life)
			}
			_ = c.Close()
		}
	}
}

func TestClientThatDoesNotTrustUsIsReportedOnce(t *testing.T) {
	j := &journal.Journal{}
	sub := j.Subscribe(10)
	defer sub.Close()
	f := newFront(t, Config{CADir: t.TempDir(), Journal: j})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api"})
	for range 2 {
		if c, err := tls.Dial("tcp", l.Authority(), &tls.Config{RootCAs: x509.NewCertPool()}); err == nil {
			_ = c.Close()
			t.Fatal("trusted")
		}
	}
	if e := <-sub.Entries(); e.Kind != journal.Noticed || !strings.Contains(e.Text, f.CA().CertFile) {
		t.Errorf("%+v", e)
	}
	_ = f.Close(t.Context())
	if n := len(sub.Entries()); n != 0 {
		t.Errorf("%d more entries", n)
	}
}

// A hijacked connection has no deadlines, is what it seems to be, and
// survives the front's Close.
func TestHijackedConnectionsBelongToTheirOwner(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	for _, scheme := range []string{"http", "https"} {
		taken := make(chan net.Conn, 1)
		l := open(t, f, Endpoint{Resource: scheme, Kind: "websocket", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
			}
			taken <- c
		})})
		client, err := net.Dial("tcp", l.Authority())
		if scheme == "https" && err == nil {
			client = tls.Client(client, &tls.Config{RootCAs: trusting(t, f, nil).Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "localhost"})
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
		server := <-taken
		switch bare := Settled(server).(type) {
		case *conn:
			t.Errorf("%s: %T", scheme, bare)
		case *tls.Conn:
			if scheme != "https" {
				t.Errorf("%s: %T", scheme, bare)
			}
		case syscall.Conn: // the system's socket can be had of it
			if scheme != "http" {
				t.Errorf("%s: %T", scheme, bare)
			}
		default:
			t.Errorf("%s: %T", scheme, bare)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		go func() { _, _ = io.WriteString(Settled(server), "pushed\n") }()
		if line, err := bufio.NewReader(client).ReadString('\n'); line != "pushed\n" {
			t.Errorf("%q, %v", line, err)
		}
		_ = client.Close()
		_ = server.Close()
	}
	if plain, _ := net.Pipe(); Settled(plain) != plain {
		t.Error("another connection is changed")
	}
}

func TestCloseDrainsRequestsAndDropsSilentConnections(t *testing.T) {
	f := newFront(t, Config{})
	inside, finish := make(chan struct{}), make(chan struct{})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-finish
		_, _ = io.WriteString(w, "done")
	})})
	silent, err := net.Dial("tcp", l.Authority())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	answer := make(chan string)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		resp, err := client.Get(l.URL("http"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-inside
	closed := make(chan error)
	go func() { closed <- l.Close(t.Context()) }()
	if _, err := silent.Read(make([]byte, 1)); err == nil { // ends although the request still runs
		t.Error("the silent connection got an answer")
	}
	close(finish)
	if got := <-answer; got != "done" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", l.Authority()); err == nil {
		_ = c.Close()
		t.Error("still accepts")
	}
	open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Port: l.Port()}) // the port is free again
}

func TestCloseCutsWhatDoesNotEnd(t *testing.T) {
	f := newFront(t, Config{})
	inside := make(chan struct{})
	l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	})})
	result := make(chan error)
	go func() {
		_, err := (&http.Client{Transport: &http.Transport{}}).Get(l.URL("http"))
		result <- err
	}()
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if err := <-result; err == nil {
		t.Error("the request was answered")
	}
}

// memoryListener hands out one end of a pipe and then waits.
type memoryListener struct {
	conns chan net.Conn
	once  sync.Once
}

func (m *memoryListener) Accept() (net.Conn, error) {
	if c, ok := <-m.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (m *memoryListener) Close() error { m.once.Do(func() { close(m.conns) }); return nil }
func (m *memoryListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
}

func TestSilentAndSlowConnectionsAreDropped(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	for name, sends := range map[string]string{
		"no byte":       "",
		"half a header": "GET / HTTP/1.1\r\nHo",
		"half a hello":  "\x16\x03\x01\x02\x00\x01",
	} {
		synctest.Test(t, func(t *testing.T) {
			l := f.newListener(Endpoint{Resource: "Api", Kind: "websocket", Handler: http.HandlerFunc(describe)}, 1)
			m := &memoryListener{conns: make(chan net.Conn, 1)}
			l.serve([]net.Listener{m})
			client, server := net.Pipe()
			m.conns <- server
			start := time.Now()
			if sends != "" {
				_, _ = io.WriteString(client, sends)
			}
			if _, err := io.ReadAll(client); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: %v", name, err)
			}
			if waited := time.Since(start); waited != headerTimeout {
				t.Errorf("%s: dropped after %v", name, waited)
			}
			_ = l.Close(t.Context())
		})
	}
}

func TestPortsAreOverriddenRememberedOrNextFree(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state", "ports.json")
	j := &journal.Journal{}
	sub := j.Subscribe(10)
	defer sub.Close()

	base := portRow(t, 5)
	first := newFront(t, Config{StateFile: state, FirstPort: base, Ports: map[string]int{"Set": base + 1}})
	a := open(t, first, Endpoint{Resource: "A", Kind: "websocket"})
	b := open(t, first, Endpoint{Resource: "B", Kind: "http-api"})
	set := open(t, first, Endpoint{Resource: "Set", Kind: "rest-api"})
	exact := open(t, first, Endpoint{Resource: "aws", Kind: KindAWS, Port: base + 4})
	if got := []int{a.Port(), b.Port(), set.Port(), exact.Port()}; !cmp.Equal(got, []int{base, base + 2, base + 1, base + 4}) {
		t.Errorf("first run: %v", got)
	}
	if _, err := first.Open(t.Context(), Endpoint{Resource: "A", Kind: "websocket"}); err == nil {
		t.Error("an endpoint opens twice")
	}
	var m memory
	if data, err := os.ReadFile(state); err != nil || json.Unmarshal(data, &m) != nil ||
		!cmp.Equal(m.Ports, map[string]int{"A/websocket": base, "B/http-api": base + 2}) {
		t.Errorf("state file: %s, %v", data, err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	// The next run opens them in another order, and A's port is taken.
	other, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", base))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	second := newFront(t, Config{StateFile: state, FirstPort: base, Journal: j})
	b2 := open(t, second, Endpoint{Resource: "B", Kind: "http-api"})
	c2 := open(t, second, Endpoint{Resource: "C", Kind: "service"})
	a2 := open(t, second, Endpoint{Resource: "A", Kind: "websocket"})
	if got := []int{a2.Port(), b2.Port(), c2.Port()}; !cmp.Equal(got, []int{base + 3, base + 2, base + 1}) {
		t.Errorf("second run: %v", got)
	}
	want := fmt.Sprintf("port %d, which A had the last time, is in use; it is port %d now (set it under ports in suiro.yaml to insist)", base, base+3)
	if e := <-sub.Entries(); e.Kind != journal.Noticed || e.Text != want || e.Resource != "A" {
		t.Errorf("%+v", e)
	}
}

func TestPortErrorsSayWhatToDo(t *testing.T) {
	port := portRow(t, 1)
	other, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", port)) // IPv6 alone is enough to be in the way
	if err != nil {
		t.Skip("no IPv6 here: " + err.Error())
	}
	defer other.Close()
	f := newFront(t, Config{Ports: map[string]int{"ChatApi": port, "Irc": 6667}})
	for _, c := range []struct{ resource, want string }{
		{"ChatApi", fmt.Sprintf("port %d, which ChatApi asks for, is in use by another program; choose another one with --port or under ports in suiro.yaml", port)},
		{"Irc", "port 6667, which Irc asks for, is one that browsers refuse to connect to; choose another one with --port or under ports in suiro.yaml"},
	} {
		_, err := f.Open(t.Context(), Endpoint{Resource: c.resource, Kind: "websocket", Handler: http.NotFoundHandler()})
		var pe *PortError
		if !errors.As(err, &pe) || err.Error() != c.want || pe.Resource != c.resource {
			t.Errorf("%s: %v", c.resource, err)
		}
	}
	free, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Errorf("the IPv4 half was kept: %v", err)
	} else {
		_ = free.Close()
	}
}

func TestBlockedPortsAreSkipped(t *testing.T) {
	f := newFront(t, Config{FirstPort: 6665})
	if l := open(t, f, Endpoint{Resource: "Api", Kind: "http-api"}); l.Port() < 6670 || blocked(l.Port()) {
		t.Errorf("port %d", l.Port())
	}
}

func TestDamagedStateFileIsToldAndReplaced(t *testing.T) {
	state := filepath.Join(t.TempDir(), "ports.json")
	if err := os.WriteFile(state, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := &journal.Journal{}
	sub := j.Subscribe(10)
	defer sub.Close()
	f := newFront(t, Config{StateFile: state, Journal: j})
	open(t, f, Endpoint{Resource: "Api", Kind: "http-api"})
	if e := <-sub.Entries(); e.Err == "" || !strings.Contains(e.Text, "assigned anew") {
		t.Errorf("%+v", e)
	}
	if m, err := readMemory(state); err != nil || len(m.Ports) != 1 {
		t.Errorf("%v, %v", m, err)
	}
}
