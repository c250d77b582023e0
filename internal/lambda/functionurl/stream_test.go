package functionurl

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
)

const (
	live = anonymous + ", InvokeMode: RESPONSE_STREAM"
	nuls = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// The prelude is found wherever the pieces are cut.
func TestPreludeInPiecesOfAnySize(t *testing.T) {
	const text = `{"statusCode":201,"headers":{"X-One":"1"},"cookies":["a=b"]}` + nuls + "\x00body" + nuls
	for size := 1; size <= len(text); size++ {
		r := iotest.OneByteReader(strings.NewReader(text))
		if size > 1 {
			r = &pieces{text: text, size: size}
		}
		buf := make([]byte, 2*maxPrelude)
		h, rest, err := readPrelude(r, buf)
		if err != nil || h.status != 201 || h.get("x-one") != "1" || len(h.cookies) != 1 {
			t.Fatalf("size %d: %+v, %v", size, h, err)
		}
		body := string(rest)
		more, _ := io.ReadAll(r)
		if body += string(more); body != "\x00body"+nuls {
			t.Errorf("size %d: body %q", size, body)
		}
	}
}

// pieces yields a text in pieces of a size, the end with the last one.
type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	if p.text == "" {
		return n, io.EOF
	}
	return n, nil
}

func TestStreamedResponses(t *testing.T) {
	p := newPlace(t, live)
	long := `{"headers":{"x":"` + strings.Repeat("y", maxPrelude) + `"}}`
	for _, c := range []struct {
		name, contentType, stream string
		status                    int
		body                      string
		headers                   []string
	}{
		{"prelude", integrationType, `{"statusCode":201,"headers":{"Content-Type":"text/plain","X-One":"1"},"cookies":["a=b","c=d"]}` + nuls + "hello", 201, "hello",
			[]string{"Content-Type", "text/plain", "X-One", "1", "Set-Cookie", "a=b;c=d", "Content-Length", ""}},
		{"empty prelude", integrationType, `{}` + nuls + "x", 200, "x", []string{"Content-Type", octets}},
		{"status misspelt", integrationType, `{"status":404}` + nuls + "x", 200, "x", nil},
		{"status as text", integrationType, `{"statusCode":"404"}` + nuls, 404, "", nil},
		{"prelude and no body", integrationType, `{"statusCode":302,"headers":{"location":"/a"}}` + nuls, 302, "", []string{"Location", "/a"}},
		{"no body allowed", integrationType, `{"statusCode":204}` + nuls + "dropped", 204, "", nil},
		{"values in a list", integrationType, `{"headers":{"x":["a","b"]}}` + nuls, 200, "", []string{"X", "a;b"}},
		{"length of the function's own", integrationType, `{"headers":{"content-length":"5"}}` + nuls + "hello", 200, "hello",
			[]string{"Content-Length", "", "X-Amzn-Remapped-Content-Length", "5"}},
		{"headers of the connection", integrationType, `{"headers":{"transfer-encoding":"chunked","connection":"close"}}` + nuls + "x", 200, "x", []string{"X-Amzn-Remapped-Connection", "close"}},
		{"no prelude", "", "raw" + nuls, 200, "raw" + nuls, []string{"Content-Type", octets}},
		{"content type of the runtime", "text/event-stream", "data: 1\n\n", 200, "data: 1\n\n", []string{"Content-Type", "text/event-stream"}},
		{"a buffered function's result is shown as it is", "application/json", `{"statusCode":200,"body":"x"}`, 200, `{"statusCode":200,"body":"x"}`, []string{"Content-Type", "application/json"}},
		{"nothing written", octets, "", 200, "", []string{"Content-Type", octets}},
		{"nothing written after from", integrationType, "", 200, "", []string{"Content-Type", octets}},
		{"no NULs", integrationType, `{"statusCode":200}`, 502, "Internal Server Error", []string{"Content-Length", "21"}},
		{"seven NULs", integrationType, `{}` + nuls[1:], 502, "Internal Server Error", nil},
		{"no JSON", integrationType, `hello` + nuls, 502, "Internal Server Error", nil},
		{"null", integrationType, `null` + nuls, 502, "Internal Server Error", nil},
		{"over 16 KB", integrationType, long + nuls, 502, "Internal Server Error", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.answer = result(c.contentType, c.stream, invoke.End{})
			got := p.do("GET", "/", "")
			if got.status != c.status || got.body != c.body || got.err != nil {
				t.Errorf("%d %q %v, want %d %q", got.status, got.body, got.err, c.status, c.body)
			}
			expect(t, got.header, c.headers)
		})
	}
}

// Each piece reaches the client before the next one is written, over HTTP/1.1
// and over HTTP/2 without TLS.
func TestPiecesArriveAsTheyAreWritten(t *testing.T) {
	p := newPlace(t, live)
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			protocols := new(http.Protocols)
			protocols.SetHTTP1(version == 1)
			protocols.SetUnencryptedHTTP2(version == 2)
			transport := &http.Transport{Protocols: protocols}
			defer transport.CloseIdleConnections()
			r, w := io.Pipe()
			p.answer = func(*invoke.Request) (*invoke.Result, error) {
				return stream(integrationType, r, invoke.End{}), nil
			}
			go func() { _, _ = io.WriteString(w, `{"statusCode":200}`+nuls) }()
			res, err := (&http.Client{Transport: transport}).Get(p.origin())
			if err != nil || res.ProtoMajor != version {
				t.Fatal(res, err)
			}
			defer func() { _ = res.Body.Close() }()
			lines := bufio.NewReader(res.Body)
			for i := range 5 { // the next is written only when the last was read
				if _, err := fmt.Fprintf(w, "piece %d\n", i); err != nil {
					t.Fatal(err)
				}
				if got, err := lines.ReadString('\n'); got != fmt.Sprintf("piece %d\n", i) {
					t.Fatalf("%q, %v", got, err)
				}
			}
			_ = w.Close()
			if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
				t.Errorf("at the end %q, %v", rest, err)
			}
		})
	}
}

// A failure after the first byte cuts the connection: the client must not take
// what it has for the whole.
func TestFailuresMidwayCutTheResponse(t *testing.T) {
	p := newPlace(t, live)
	for _, c := range []struct {
		end invoke.End
		err error
	}{
		{invoke.End{Outcome: invoke.FunctionError, ErrorType: "Error"}, io.EOF}, // told in trailers
		{invoke.End{Outcome: invoke.TimedOut, ErrorType: "Sandbox.Timedout"}, io.ErrUnexpectedEOF},
		{invoke.End{Outcome: invoke.FunctionError, ErrorType: "Runtime.ExitError"}, io.ErrUnexpectedEOF},
		{invoke.End{Outcome: invoke.Truncated}, io.ErrUnexpectedEOF},
	} {
		p.answer = func(*invoke.Request) (*invoke.Result, error) {
			return stream(integrationType, io.MultiReader(strings.NewReader("{}"+nuls+"some"), iotest.ErrReader(c.err)), c.end), nil
		}
		got := p.do("GET", "/", "")
		if got.status != 200 || got.body != "some" || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("%+v: %d %q %v", c.end, got.status, got.body, got.err)
		}
		if e := p.entry(journal.Answered); e.Err != failure(c.end) || e.Status != 200 || e.Bytes != 4 {
			t.Errorf("journal %+v", e)
		}
	}
}

// watched tells when a body is let go.
type watched struct {
	io.Reader
	closed chan struct{}
}

func (w *watched) Close() error { close(w.closed); return nil }

// A client that goes away ends the response and not the function, which the
// journal says.
func TestClientGone(t *testing.T) {
	p := newPlace(t, live)
	body := &watched{Reader: iotest.OneByteReader(endless{}), closed: make(chan struct{})}
	p.answer = func(*invoke.Request) (*invoke.Result, error) { return stream("", body, invoke.End{}), nil }
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", p.origin(), nil)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = res.Body.Close()
	<-body.closed
	if e := p.entry(journal.Answered); !strings.Contains(e.Err, "went away") {
		t.Errorf("journal %+v", e)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// gzip that the client did not ask for is undone (what AWS's front end does;
// the evidence is in aws-lambda-nodejs-runtime-interface-client issue 96).
func TestGzipIsForThoseWhoAskForIt(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "first ")
	_ = z.Flush()
	_, _ = io.WriteString(z, "second")
	_ = z.Close()
	p := newPlace(t, live)
	p.answer = result(integrationType, `{"headers":{"content-type":"text/plain","Content-Encoding":"gzip"}}`+nuls+packed.String(), invoke.End{})
	for _, c := range []struct{ accept, body, encoding string }{
		{"", "first second", ""},
		{"br, identity", "first second", ""},
		{"gzip;q=0", "first second", ""},
		{"br, gzip;q=0.5", packed.String(), "gzip"},
		{"*", packed.String(), "gzip"},
	} {
		got := p.do("GET", "/", "", "Accept-Encoding", c.accept)
		if got.body != c.body || got.err != nil {
			t.Errorf("%q: %q, %v", c.accept, got.body, got.err)
		}
		expect(t, got.header, []string{"Content-Encoding", c.encoding, "Content-Type", "text/plain"})
	}
	p.answer = result(integrationType, `{"headers":{"Content-Encoding":"gzip"}}`+nuls+packed.String()[:20], invoke.End{})
	if got := p.do("GET", "/", ""); got.err == nil {
		t.Errorf("cut gzip: %+v", got)
	}
}

// heapPeak runs f and returns how much more was live on the heap at most,
// as far as the samples that f takes tell.
func heapPeak(f func(sample func())) int64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak int64
	f(func() {
		runtime.GC()
		runtime.ReadMemStats(&now)
		peak = max(peak, int64(now.HeapAlloc)-int64(before.HeapAlloc))
	})
	return peak
}

// 200 MiB pass in a few buffers.
func TestMemoryStaysFlatFor200MB(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MiB")
	}
	const size = 200 << 20
	p := newPlace(t, live)
	p.answer = func(*invoke.Request) (*invoke.Result, error) {
		return stream("", io.LimitReader(endless{}, size), invoke.End{}), nil
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var got int64
	peak := heapPeak(func(sample func()) {
		res, err := (&http.Client{Transport: transport}).Get(p.origin())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		buf := make([]byte, 64<<10)
		for next := int64(20 << 20); ; {
			n, err := res.Body.Read(buf)
			if got += int64(n); got >= next {
				sample()
				next += 20 << 20
			}
			if err != nil {
				break
			}
		}
	})
	if got != size || peak > 8<<20 {
		t.Errorf("%d bytes, %d KiB more on the heap", got, peak>>10)
	}
}

// 1,000 streams at once that all wait for their next byte.
func TestMemoryOfManySlowStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("holds 1,000 connections")
	}
	const many = 1000
	p := newPlace(t, live)
	release := make(chan struct{})
	p.answer = func(*invoke.Request) (*invoke.Result, error) {
		return stream("", io.MultiReader(strings.NewReader("first"), pause(release), strings.NewReader("last")), invoke.End{}), nil
	}
	transport := &http.Transport{MaxConnsPerHost: 0}
	defer transport.CloseIdleConnections()
	var clients sync.WaitGroup
	var whole atomic.Int32
	all := make(chan struct{}, many)
	peak := heapPeak(func(sample func()) {
		for range many {
			clients.Go(func() {
				res, err := (&http.Client{Transport: transport}).Get(p.origin())
				if err != nil {
					t.Error(err)
					all <- struct{}{}
					return
				}
				defer func() { _ = res.Body.Close() }()
				first := make([]byte, 5)
				_, _ = io.ReadFull(res.Body, first)
				all <- struct{}{}
				if rest, _ := io.ReadAll(res.Body); string(first)+string(rest) == "firstlast" {
					whole.Add(1)
				}
			})
		}
		for range many {
			<-all
		}
		sample()
		close(release)
		clients.Wait()
	})
	// Both ends of the connections are in this process: 32 KiB of ours and
	// the buffers of net/http's server and client.
	if whole.Load() != many || peak > many*100<<10 {
		t.Errorf("%d whole, %d KiB a stream", whole.Load(), peak>>10/many)
	}
}

// pause ends when it is let go.
type pause <-chan struct{}

func (p pause) Read([]byte) (int, error) {
	<-p
	return 0, io.EOF
}

func FuzzPrelude(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"}}`+nuls+"x"), 3)
	f.Add([]byte(nuls), 1)
	f.Add([]byte("{}"+nuls[1:]), 100)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size < 1 || len(data) == 0 {
			t.Skip()
		}
		buf := make([]byte, 2*maxPrelude)
		whole, rest, wholeErr := readPrelude(bytes.NewReader(data), buf)
		body := string(rest)
		cut := &pieces{text: string(data), size: size}
		h, rest, err := readPrelude(cut, make([]byte, 2*maxPrelude))
		if (err == nil) != (wholeErr == nil) {
			t.Fatalf("%v in pieces of %d, else %v", err, size, wholeErr)
		}
		if err == nil && (h.status != whole.status || string(rest)+cut.text != body && len(data) < len(buf)) {
			t.Errorf("%q in pieces of %d: %q, else %q", data, size, string(rest)+cut.text, body)
		}
	})
}

func BenchmarkStream(b *testing.B) {
	for _, size := range []int{64, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := &call{w: discard{http.Header{}}, r: &http.Request{}}
			piece := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if !c.write(piece) || !c.flush() {
					b.Fatal("gone")
				}
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}
