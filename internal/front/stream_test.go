package front

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// detacher streams "first", "second" and "third"; the path says how. Its
// results say whether net/http had to do it.
type detacher struct {
	detached chan bool
	go2, end chan struct{} // not nil: awaited before the second piece, and the end
	gone     chan bool     // not nil: gets what is known of the client before the second piece
}

func (d *detacher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/plain" {
		fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
		return
	}
	h := w.Header()
	h["Connection"] = []string{"keep-alive"}
	h["x-MiXed"] = []string{"1", "2"}
	h.Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, "first")
	_ = http.NewResponseController(w).Flush()
	var s *Stream
	ok := false
	if r.URL.Path != "/own" {
		s, ok = Detach(w, r, http.StatusOK)
	}
	d.detached <- ok
	third := strings.Repeat("third", 2000)
	if r.URL.RawQuery == "small" { // net/http cuts large ones in several
		third = "third"
	}
	if !ok {
		for _, piece := range []string{"second", third} {
			_, _ = io.WriteString(w, piece)
			_ = http.NewResponseController(w).Flush()
		}
		return
	}
	s.Go(func() {
		if d.go2 != nil {
			<-d.go2
		}
		if d.gone != nil {
			gone := s.Gone()
			for range 1000 {
				if gone {
					break
				}
				runtime.Gosched()
				gone = s.Gone()
			}
			d.gone <- gone
		} else if s.Gone() && d.go2 == nil {
			panic("the client is there")
		}
		_, _ = s.Write(nil) // is no end
		if _, err := s.Write([]byte("second")); err != nil {
			s.Cut()
			return
		}
		_, _ = s.Write([]byte(third))
		if d.end != nil {
			<-d.end
		}
		if r.URL.Path == "/cut" {
			s.Cut()
			return
		}
		if r.URL.Path == "/panic" {
			panic("a fault of ours")
		}
		s.End()
	})
}

func (d *detacher) open(t *testing.T, c Config) (*Front, *Listener) {
	t.Helper()
	d.detached = make(chan bool, 100)
	f := newFront(t, c)
	return f, open(t, f, Endpoint{Resource: "Url", Kind: "function-url", Handler: d})
}

func dial(t *testing.T, l *Listener, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // ends a test that failed
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

const begun = "firstsecond"

// answered reads one response.
func answered(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return string(b) + ": " + err.Error()
	}
	return string(b)
}

// What a client sees of a detached response is, byte for byte, what net/http
// would have sent.
func TestDetachedStreamIsNetHTTPsByteForByte(t *testing.T) {
	d := new(detacher)
	_, l := d.open(t, Config{})
	date := regexp.MustCompile(`Date: [^\r]*`)
	whole := func(path string) string {
		c, r := dial(t, l, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\r\n0\r\n\r\n") {
			ch, err := r.ReadByte()
			if err != nil {
				t.Fatalf("%q, %v", b.String(), err)
			}
			b.WriteByte(ch)
		}
		_ = c.Close()
		return date.ReplaceAllString(b.String(), "Date")
	}
	ours, theirs := whole("/?small"), whole("/own?small")
	if !<-d.detached || <-d.detached {
		t.Error("it was not detached, or both were")
	}
	if ours != theirs || !strings.Contains(ours, "x-MiXed: 1\r\nx-MiXed: 2") {
		t.Errorf("%q\nby net/http %q", ours, theirs)
	}
}

// A connection serves on after a stream: requests that come later, by either
// way, and those that were sent ahead.
func TestConnectionServesOnAfterAStream(t *testing.T) {
	d := new(detacher)
	_, l := d.open(t, Config{})
	want := begun + strings.Repeat("third", 2000)
	c, r := dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 3 {
		if got := answered(t, r); got != want {
			t.Fatalf("%.50q", got)
		}
		fmt.Fprint(c, "POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
		if got := answered(t, r); got != "POST /plain" {
			t.Fatalf("%.50q", got)
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	answered(t, r)
	long := "GET /plain?" + strings.Repeat("x", 3*nextRead) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	_, _ = io.WriteString(c, long)
	if got := answered(t, r); len(got) != len("GET /plain?")+3*nextRead {
		t.Errorf("%.50q", got)
	}
	c, r = dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /plain?2 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET /plain?4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, want := range []string{want, "GET /plain?2", want, "GET /plain?4"} {
		if got := answered(t, r); got != want {
			t.Errorf("%.50q, want %.50q", got, want)
		}
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("it stays open: %v", err)
	}
	_ = c.Close()
}

func TestNetHTTPKeepsWhatIsNotPlainChunks(t *testing.T) {
	d := new(detacher)
	f, l := d.open(t, Config{CADir: t.TempDir()})
	for _, request := range []string{
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		_, r := dial(t, l, request)
		res, err := http.ReadResponse(r, &http.Request{Method: strings.Fields(request)[0]})
		if err != nil || <-d.detached {
			t.Errorf("%q: %v", request, err)
			continue
		}
		b, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(request, "HEAD") && !strings.HasPrefix(string(b), begun) {
			t.Errorf("%q: %.50q, %v", request, b, err)
		}
	}
	for _, version := range []int{1, 2} {
		client := trusting(t, f, func(tr *http.Transport) {
			tr.ForceAttemptHTTP2 = false
			tr.Protocols = new(http.Protocols)
			tr.Protocols.SetHTTP1(version == 1)
			tr.Protocols.SetHTTP2(version == 2)
		})
		for range 2 {
			res, err := client.Get(l.URL("https"))
			if err != nil || res.ProtoMajor != version || <-d.detached {
				t.Fatalf("HTTP/%d: %v", version, err)
			}
			b, err := io.ReadAll(res.Body)
			if err != nil || !strings.HasPrefix(string(b), begun) {
				t.Errorf("HTTP/%d: %.50q, %v", version, b, err)
			}
			_ = res.Body.Close()
		}
	}
	if s, ok := Detach(nil, &http.Request{}, 200); ok || s != nil {
		t.Error("a request of nobody's is detached")
	}
}

// Closing waits for streams, drops connections that wait for their next
// request after one, and cuts what does not end in time.
func TestCloseWaitsForStreams(t *testing.T) {
	d := &detacher{end: make(chan struct{})}
	_, l := d.open(t, Config{})
	_, r := dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-d.detached
	closed := make(chan error, 1)
	go func() { closed <- l.Close(t.Context()) }()
	within := time.After(30 * time.Second)
	for refused := false; !refused; { // it closes
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port()))
		if refused = err != nil; !refused {
			_ = c.Close()
		}
		select {
		case err := <-closed:
			t.Fatal("it did not wait:", err)
		case <-within:
			t.Fatal("it goes on")
		default:
		}
	}
	close(d.end)
	if got := answered(t, r); !strings.HasPrefix(got, begun) || strings.Contains(got, "EOF") {
		t.Errorf("%.50q", got)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}

	d = new(detacher)
	_, l = d.open(t, Config{})
	_, r = dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	answered(t, r)
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the connection stays: %v", err)
	}

	d = &detacher{go2: make(chan struct{})}
	_, l = d.open(t, Config{})
	_, r = dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-d.detached
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	go func() { closed <- l.Close(ctx) }()
	if got := answered(t, r); !strings.Contains(got, "unexpected EOF") {
		t.Errorf("%.50q", got)
	}
	close(d.go2) // its write fails
	if err := <-closed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCutStreamIsSeenToBeCut(t *testing.T) {
	d := new(detacher)
	_, l := d.open(t, Config{})
	_, r := dial(t, l, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := answered(t, r); !strings.HasPrefix(got, begun) || !strings.HasSuffix(got, "unexpected EOF") {
		t.Errorf("%.50q", got)
	}
}

// A client that only has nothing more to ask gets the whole stream.
func TestPanicInAStreamEndsItsConnectionOnly(t *testing.T) {
	d := &detacher{}
	_, l := d.open(t, Config{})
	_, r := dial(t, l, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v", err)
	}
	_, r = dial(t, l, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answered(t, r); !strings.Contains(got, "GET /plain") {
		t.Errorf("the next client got %q", got)
	}
}

func TestStreamToAClientThatEndedItsHalf(t *testing.T) {
	d := &detacher{go2: make(chan struct{})}
	_, l := d.open(t, Config{})
	c, r := dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-d.detached
	_ = c.(*net.TCPConn).CloseWrite()
	close(d.go2)
	if got := answered(t, r); !strings.HasPrefix(got, begun) || strings.Contains(got, "EOF") {
		t.Errorf("%.50q", got)
	}
}

// A client that is gone is noticed by looking, or met by a write; nothing waits
// for its next request.
func TestStreamOfAClientThatIsGone(t *testing.T) {
	d := &detacher{go2: make(chan struct{}), gone: make(chan bool, 1)}
	_, l := d.open(t, Config{})
	c, _ := dial(t, l, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-d.detached
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	close(d.go2)
	if !<-d.gone && runtime.GOOS != "windows" {
		t.Error("it is not noticed")
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
