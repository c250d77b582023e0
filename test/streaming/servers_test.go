package streaming

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A real app of FastAPI on uvicorn, as the Lambda Web Adapter's users have it.
func TestFastAPIBehindTheWebAdapter(t *testing.T) {
	python := tool(t, "python/bin/python")
	t.Setenv("PATH", filepath.Dir(python)+string(os.PathListSeparator)+os.Getenv("PATH"))
	s := start(t, "testdata/fastapi")
	url := strings.TrimSuffix(s.url("Site"), "/")

	gate := filepath.Join(t.TempDir(), "gate")
	res, err := http.Get(url + "/gated?gate=" + gate)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" || res.ContentLength != -1 {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	body := bufio.NewReader(res.Body)
	for n, want := range []string{"foo\n", "bar\n", "baz\n"} {
		if line, err := body.ReadString('\n'); line != want {
			t.Fatalf("%q, %v", line, err)
		}
		// The next piece is written only when this one was read.
		if err := os.WriteFile(gate+"-"+strconv.Itoa(n+1), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	echoed := post(t, url+"/echo/a%20b/c?x=1&y=%2F", "application/json", `{"n":1}`)
	if echoed != `{"name":"a b/c","query":{"x":"1","y":"/"},"body":{"n":1},"ip":"127.0.0.1"}` {
		t.Error(echoed)
	}

	// Two streams at once have a server each, on ports of their own.
	first, err := http.Get(url + "/gated?gate=" + gate + "-a")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	if again := get(t, url+"/gated?gate="+gate); again != "foo\nbar\nbaz\n" {
		t.Errorf("%q", again)
	}
	for n := range 3 {
		_ = os.WriteFile(gate+"-a-"+strconv.Itoa(n), nil, 0o600)
	}
	if rest, err := io.ReadAll(first.Body); string(rest) != "foo\nbar\nbaz\n" {
		t.Errorf("%q %v", rest, err)
	}

	// A server that dies cuts its answer, and the next call has another server.
	res, err = http.Get(url + "/exit")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(res.Body); string(text) != "half" || err == nil {
		t.Errorf("%q, %v", text, err)
	}
	res.Body.Close()
	if ready := get(t, url+"/ready"); ready != `{"ready":true}` {
		t.Error(ready)
	}

	// What is no HTTP event goes to /events, and the caller of the Invoke API
	// sees the prelude, as on AWS.
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command(tool(t, "python/bin/aws"), "lambda", "invoke", "--endpoint-url", s.ready.AWS.Endpoint, "--function-name", s.ready.Resources["Site"],
		"--payload", `{"Records":[{},{}]}`, out)
	cmd.Env = s.env()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, text)
	}
	text, _ := os.ReadFile(out)
	if !strings.HasPrefix(string(text), `{"statusCode":200,`) || !strings.HasSuffix(string(text), "\x00\x00\x00\x00\x00\x00\x00\x00"+`{"records":2}`) {
		t.Errorf("%q", text)
	}
}

func post(t *testing.T, url, contentType, body string) string {
	t.Helper()
	res, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
