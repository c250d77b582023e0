package streaming

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	harness "github.com/suiro-dev/suiro/test/suiro"
)

// clients speak each protocol a URL is reached by.
func clients() map[string]*http.Client {
	only := func(set func(*http.Protocols)) *http.Client {
		p := new(http.Protocols)
		set(p)
		return &http.Client{Timeout: harness.Patience, Transport: &http.Transport{Protocols: p, DisableCompression: true,
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	}
	return map[string]*http.Client{
		"http":  only(func(p *http.Protocols) { p.SetHTTP1(true) }),
		"h2c":   only(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
		"https": only(func(p *http.Protocols) { p.SetHTTP1(true) }),
		"h2":    only(func(p *http.Protocols) { p.SetHTTP2(true) }),
	}
}

// Every piece is here before the next one is written, for each runtime and
// each protocol.
func TestEachPieceArrivesBeforeTheNextIsWritten(t *testing.T) {
	app := copyOf(t, "testdata/app")
	for from, to := range map[string]string{"stream": "rust", "http": "rusthttp"} {
		place(t, tool(t, "ric/rust/release/"+from), filepath.Join(app, to, "bootstrap"))
	}
	s := start(t, app)
	for name, client := range clients() {
		for _, runtime := range []string{"Node", "Go", "Python", "Ruby", "Rust", "RustHTTP"} {
			t.Run(runtime+" "+name, func(t *testing.T) {
				defer client.CloseIdleConnections()
				gate := filepath.Join(t.TempDir(), "gate")
				address := s.url(runtime)
				if name == "https" || name == "h2" {
					address = strings.Replace(address, "http:", "https:", 1)
				}
				open(t, gate+"0") // Go's adapter sends its head with the first piece
				res, err := client.Get(address + "?gate=" + gate)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = res.Body.Close() }()
				if two := strings.HasPrefix(name, "h2"); two != (res.ProtoMajor == 2) {
					t.Errorf("spoke %s", res.Proto)
				}
				if res.StatusCode != 201 || !strings.HasPrefix(res.Header.Get("X-Runtime"), strings.ToLower(runtime)) || len(res.Header.Values("Set-Cookie")) != 2 {
					t.Errorf("%d %v", res.StatusCode, res.Header)
				}
				piece := make([]byte, len("piece 0;"))
				for i := range 3 {
					if _, err := io.ReadFull(res.Body, piece); err != nil || string(piece) != fmt.Sprintf("piece %d;", i) {
						t.Fatalf("%q, %v", piece, err)
					}
					open(t, fmt.Sprint(gate, i+1)) // only now the next can be written
				}
				if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
					t.Errorf("at the end %q, %v", rest, err)
				}
			})
		}
	}
	t.Run("browser", func(t *testing.T) { browser(t, s) })
	t.Run("curl", func(t *testing.T) { curl(t, s) })
	t.Run("midway", func(t *testing.T) { midway(t, s) })
	t.Run("gone", func(t *testing.T) { gone(t, s) })
	t.Run("large", func(t *testing.T) { large(t, s) })
	t.Run("modes", func(t *testing.T) { modes(t, s) })
	t.Run("invoke", func(t *testing.T) { invoking(t, s) })
}

// place copies a program.
func place(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func open(t *testing.T, gate string) {
	t.Helper()
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// curl sees what it sees of AWS, also with a signature of its own.
func curl(t *testing.T, s *suiro) {
	for _, c := range []struct {
		args   []string
		status int // of curl
		want   []string
	}{
		{[]string{"-siN", s.url("Node")}, 0, []string{"HTTP/1.1 201 Created", "Transfer-Encoding: chunked", "x-amzn-RequestId: ", "X-Amzn-Trace-Id: root=1-", "piece 0;piece 1;piece 2;"}},
		{[]string{"-siN", "--http2-prior-knowledge", s.url("Node")}, 0, []string{"HTTP/2 201", "piece 0;piece 1;piece 2;"}},
		{[]string{"-si", "-I", s.url("Node")}, 0, []string{"HTTP/1.1 201 Created", "x-runtime: node"}},
		{[]string{"-siN", s.url("Node") + "?then=throw"}, 18, []string{"201 Created", "piece 2;"}},
		{[]string{"-si", s.url("Node") + "?then=early"}, 0, []string{"502 Bad Gateway", "Content-Length: 21", "Internal Server Error"}},
		{[]string{"-si", s.url("Signed")}, 0, []string{"403 Forbidden", `{"Message":"Forbidden. For troubleshooting`}},
		{[]string{"-si", "--aws-sigv4", "aws:amz:us-east-1:lambda", "-u", s.ready.AWS.AccessKeyID + ":" + s.ready.AWS.SecretAccessKey, s.url("Signed")}, 0, []string{"201 Created", "piece 2;"}},
		{[]string{"-si", "--aws-sigv4", "aws:amz:us-east-1:lambda", "-u", s.ready.AWS.AccessKeyID + ":wrong", s.url("Signed")}, 0, []string{"403 Forbidden", `{"message":"The request signature we calculated does not match`}},
	} {
		out, err := exec.Command("curl", c.args...).Output()
		status := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			status = exit.ExitCode()
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) || status != c.status {
				t.Errorf("curl %v: status %d, lacks %q:\n%s", c.args, status, want, out)
			}
		}
	}
}

// Failures after the first byte cut the response; the next request works.
func midway(t *testing.T, s *suiro) {
	for then, want := range map[string]string{"throw": "Error", "exit": "Runtime.ExitError", "kill": "Runtime.ExitError", "hang": "Sandbox.Timedout"} {
		res, err := http.Get(s.url("Hasty") + then + "?then=" + then)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 201 || string(body) != "piece 0;piece 1;piece 2;" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %d %q %v", then, res.StatusCode, body, err)
		}
		if e := s.await("the end of "+then, func(e entry) bool { return e.Type == "http" && e.Path == "/"+then }); e.Error != want {
			t.Errorf("%s: journal %+v", then, e)
		}
		if body := get(t, s.url("Hasty")); body != "piece 0;piece 1;piece 2;" {
			t.Errorf("after %s: %q", then, body)
		}
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A client that goes away does not stop the function.
func gone(t *testing.T, s *suiro) {
	gate := filepath.Join(t.TempDir(), "gate")
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", s.url("Node")+"gone?then=tell&gate="+gate, nil)
	open(t, gate+"0")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = res.Body.Close()
	open(t, gate+"1")
	open(t, gate+"2")
	for late := time.After(harness.Patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(gate + "end"); err == nil {
			break
		}
		select {
		case <-late:
			t.Fatal("the function did not come to its end")
		default:
		}
	}
	s.await("the note about the client", func(e entry) bool { return e.Path == "/gone" && strings.Contains(e.Error, "went away") })
}

// 200 MB pass, and Suiro's memory does not grow with them.
func large(t *testing.T, s *suiro) {
	before := s.memory()
	res, err := http.Get(s.url("Node") + "?size=209715200")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || n < 200<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if after := s.memory(); after > before+32<<10 {
		t.Errorf("resident %d KiB before, %d KiB after", before, after)
	}
}

// memory is the most that suiro was resident, in KiB; 0 where /proc is not.
func (s *suiro) memory() (kib int) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	for line := range strings.SplitSeq(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &kib)
		}
	}
	return kib
}

// The URL's mode decides, not the handler.
func modes(t *testing.T, s *suiro) {
	var event struct {
		Version        string
		RequestContext struct{ DomainName, RequestID string }
		Body           string
	}
	res, err := http.Post(s.url("Plain"), "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&event); err != nil || res.StatusCode != 201 || event.Version != "2.0" || event.Body != "hello" ||
		"http://"+event.RequestContext.DomainName+"/" != s.url("Plain") || event.RequestContext.RequestID != res.Header.Get("X-Amzn-Requestid") {
		t.Errorf("%d %+v %v", res.StatusCode, event, err)
	}
	if body := get(t, s.url("PlainStream")); !strings.HasPrefix(body, `{"statusCode":201,`) {
		t.Errorf("a buffered function at a streaming URL: %s", body)
	}
	if body := get(t, s.url("Buffered")); body != "Internal Server Error" {
		t.Errorf("a streaming function at a buffered URL: %s", body)
	}
}

// Serverless Framework's url: is the same resource.
func TestServerlessURLs(t *testing.T) {
	s := start(t, "testdata/url")
	if body := get(t, s.url("Simple")+"a/b"); body != "/a/b" {
		t.Errorf("simple: %s", body)
	}
	res, err := http.Get(s.url("Stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); string(body) != "data: 1\n\n" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("stream: %s %v", body, res.Header)
	}
}

func TestTheStreamExample(t *testing.T) {
	s := start(t, "../../examples/stream-node")
	res, err := http.Post(s.url("AnswerFunction"), "application/json", strings.NewReader(`{"prompt":"Why?"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(body), "“Why?”") || !strings.HasSuffix(string(body), "trick. \n") {
		t.Errorf("%q, %v", body, err)
	}
}
