package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// asker asks over a connection that it has made before it returns.
func asker(t *testing.T, f *Front, url string) (answer func() (int, string)) {
	t.Helper()
	connected := make(chan struct{}, 1)
	c := trusting(t, f, func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			connected <- struct{}{}
			return conn, err
		}
	})
	type result struct {
		status int
		body   string
	}
	done := make(chan result, 1)
	go func() {
		resp, err := c.Get(url)
		if err != nil {
			done <- result{0, err.Error()}
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		done <- result{resp.StatusCode, string(body)}
	}()
	<-connected
	return func() (int, string) {
		r := <-done
		return r.status, r.body
	}
}

func TestClientsWaitUntilTheAppIsReady(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	var ready atomic.Bool
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, "ready")
	})
	f.Hold()
	aws := open(t, f, Endpoint{Resource: "aws", Kind: KindAWS, Handler: handler})
	ws := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket", Handler: handler})
	var answers []func() (int, string)
	for _, url := range []string{aws.URL("http"), ws.URL("http"), ws.URL("https")} {
		answers = append(answers, asker(t, f, url))
	}
	ready.Store(true)
	f.Admit()
	answers = append(answers, asker(t, f, open(t, f, Endpoint{Resource: "Late", Kind: "http-api", Handler: handler}).URL("http")))
	for i, answer := range answers {
		if status, body := answer(); status != http.StatusOK || body != "ready" {
			t.Errorf("client %d: %d %s", i, status, body)
		}
	}
}

// An app that does not come up says so to whoever waits for it.
func TestClientsThatWaitInVainAreTold(t *testing.T) {
	f := newFront(t, Config{CADir: t.TempDir()})
	f.Hold()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") })
	direct := func([]byte) bool { return true }
	url := open(t, f, Endpoint{Resource: "Url", Kind: "function-url", Handler: handler, Direct: direct})
	ws := open(t, f, Endpoint{Resource: "Chat", Kind: "websocket", Handler: handler})
	var answers []func() (int, string)
	for _, url := range []string{url.URL("http"), url.URL("https"), ws.URL("http")} {
		answers = append(answers, asker(t, f, url))
	}
	silent, err := net.Dial("tcp", ws.Authority())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	_ = f.Close(stopped)
	for i, answer := range answers {
		if status, body := answer(); status != http.StatusServiceUnavailable || !strings.Contains(body, "before the app was ready") {
			t.Errorf("client %d: %d %s", i, status, body)
		}
	}
	if n, err := silent.Read(make([]byte, 1)); err == nil {
		t.Errorf("the silent one read %d bytes", n)
	}
}
