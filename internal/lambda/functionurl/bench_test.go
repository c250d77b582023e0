package functionurl

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// request makes what a client's request costs without net/http: the event, and
// the response of its result.
func request(tb testing.TB, res func(*invoke.Request) (*invoke.Result, error)) func() {
	u := &url{service: &Service{cfg: Config{Functions: &quick{answer: res, function: function{url: everyone, direct: everyone}}}}, id: "abcdefghij"}
	u.settings.Store(&settings{function: functionARN, authType: authNone})
	r := httptest.NewRequest("POST", "/path?a=b", nil)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "bench/1", "Accept": "*/*", "Accept-Encoding": "gzip",
	} {
		r.Header.Set(name, value)
	}
	body := strings.NewReader("")
	r.Body = readCloser{body}
	r.ContentLength = 16
	w := &noted{header: http.Header{}}
	return func() {
		body.Reset(`{"name":"world"}`)
		clear(w.header)
		w.status = 0
		u.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			tb.Fatal(w.status)
		}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// quick is a function that keeps no record of its calls.
type quick struct {
	function
	answer func(*invoke.Request) (*invoke.Result, error)
}

func (q *quick) Start(ctx context.Context, req *invoke.Request, answered func(*invoke.Result, error)) {
	answered(q.Invoke(ctx, req))
}

func (q *quick) Invoke(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
	return q.answer(req)
}

var kinds = map[string]func(*invoke.Request) (*invoke.Result, error){
	"value":    result("application/json", `{"text":"hello"}`, invoke.End{}),
	"response": result("application/json", `{"statusCode":200,"headers":{"content-type":"text/plain"},"body":"hello"}`, invoke.End{}),
}

// What does a request cost between net/http and the function?
func BenchmarkRequest(b *testing.B) {
	for name, answer := range kinds {
		b.Run(name, func(b *testing.B) {
			one := request(b, answer)
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
}

type noted struct {
	header http.Header
	status int
}

func (d *noted) Header() http.Header         { return d.header }
func (d *noted) Write(p []byte) (int, error) { return len(p), nil }
func (d *noted) WriteHeader(status int)      { d.status = status }
