package streaming

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"

	harness "github.com/suiro-dev/suiro/test/suiro"
)

// comesInPieces reads an answer and tells whether its beginning was there
// before its end was written.
func comesInPieces(t *testing.T, url, first, whole string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 1024)
	n, err := res.Body.Read(buf)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if got := string(buf[:n]); got != first {
		t.Errorf("%s began with %q", url, got)
	}
	rest, err := io.ReadAll(res.Body)
	if got := string(buf[:n]) + string(rest); got != whole || err != nil {
		t.Errorf("%s gave %q, %v", url, got, err)
	}
}

func TestTheStreamingExample(t *testing.T) {
	s := start(t, "../../examples/streaming")
	for _, function := range []string{"WebAdapterFunction", "CustomRuntimeFunction"} {
		url := strings.TrimSuffix(s.url(function), "/")
		get(t, url+"/") // it is there
		comesInPieces(t, url+"/transfer-encoding", "foo\n", "foo\nbar\nbaz\n")
		comesInPieces(t, url+"/sse", "data: foo\n\n", "data: foo\n\ndata: bar\n\ndata: baz\n\n")
		_, res, err := websocket.Dial(context.Background(), url+"/websocket", nil)
		if err == nil || res == nil || res.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("%s: a WebSocket to a function: %v %v", function, res, err)
		}
		page(t, url, "No upgrade here: a function answers requests and holds no connection. On AWS, WebSockets are API Gateway's part.")
	}
}

// page looks at the example's page in Chromium: the words by pieces and by
// events, and what it says of WebSockets.
func page(t *testing.T, url, messages string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed (run: make tools)")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate(url+"/"), chromedp.WaitReady("#chunks span:nth-child(3)"), chromedp.WaitReady("#events span:nth-child(3)")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"#chunks", "#events"} {
		text, err := chromedp.Run(tab, chromedp.Text(id))
		if err != nil || !(strings.Contains(text, "foo") && strings.Contains(text, "bar") && strings.Contains(text, "baz")) {
			t.Errorf("%s shows %q, %v", id, text, err)
		}
	}
	want := "#messages"
	if messages == "" {
		want = "#messages span:nth-child(3)"
	}
	if err := chromedp.Do(tab, chromedp.WaitReady(want)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(harness.Patience); ; time.Sleep(10 * time.Millisecond) {
		text, err := chromedp.Run(tab, chromedp.Text("#messages"))
		if err == nil && (messages == "" && strings.Contains(text, "baz") || messages != "" && strings.TrimSpace(text) == messages) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("#messages shows %q, %v", text, err)
		}
	}
}

// The same server by itself: there WebSockets work.
func TestTheStreamingExampleByItself(t *testing.T) {
	dir := copyOf(t, "../../examples/streaming")
	build := exec.Command("go", "build", "-o", "server", ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	cmd := exec.Command(filepath.Join(dir, "server"))
	cmd.Env = append(os.Environ(), "PORT="+port)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	url := "http://localhost:" + port
	for range 1000 { // it says that it listens a moment before it does
		if res, err := http.Get(url); err == nil {
			res.Body.Close()
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	comesInPieces(t, url+"/transfer-encoding", "foo\n", "foo\nbar\nbaz\n")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url+"/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for _, want := range []string{"foo", "bar", "baz"} {
		if _, got, err := conn.Read(ctx); string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("closed with %v", err)
	}
	page(t, url, "")
}

func TestTheRuntimesExample(t *testing.T) {
	s := start(t, "../../examples/runtimes")
	for _, function := range []string{"PythonFunction", "RubyFunction", "ShellFunction"} {
		url := s.url(function)
		get(t, url) // it is there
		comesInPieces(t, url, "foo\n", "foo\nbar\nbaz\n")
	}
}

// The CDK example: suiro runs the app's own command when there is no output.
func TestTheHonoExample(t *testing.T) {
	modules := tool(t, "cdk/node_modules")
	from := copyOf(t, "../../examples/sse-hono")
	if err := os.Symlink(modules, filepath.Join(from, "node_modules")); err != nil {
		t.Fatal(err)
	}
	// The CDK's bundling looks for the project's root by its lock file.
	if err := os.WriteFile(filepath.Join(from, "package-lock.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, from)
	var url string
	for _, e := range s.ready.Endpoints {
		if e.Kind == "function-url" {
			url = strings.TrimSuffix(e.URL, "/")
		}
	}
	res, err := http.Post(url+"/sse", "text/plain", strings.NewReader("how far?"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v", res.Header)
	}
	buf := make([]byte, 4096)
	n, _ := res.Body.Read(buf)
	if first := string(buf[:n]); !strings.Contains(first, `data: {"n":1,"question":"how far?"}`) || strings.Contains(first, `"n":2`) {
		t.Errorf("the first piece is %q", first)
	}
	if rest, err := io.ReadAll(res.Body); strings.Count(string(rest), "event: count") != 2 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}
