package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// runtimeAPI is the platform's side of the Runtime API, as small as the tests
// need it: events go out one by one, and what comes back is recorded.
type runtimeAPI struct {
	t      *testing.T
	addr   string
	events chan event
	posts  chan post
	polled chan struct{} // one for each /next that began to wait
	// arrived is told of an answer's bytes as they come in.
	arrived func(p []byte)
}

type event struct {
	id      string
	body    string
	headers map[string]string
}

// post is an answer: kind is response, error or init.
type post struct {
	kind    string
	id      string
	header  http.Header
	body    []byte
	trailer http.Header
	cut     bool // the body ended before its end
}

func newRuntimeAPI(t *testing.T) *runtimeAPI {
	a := &runtimeAPI{t: t, events: make(chan event, 10), posts: make(chan post, 10), polled: make(chan struct{}, 100)}
	t.Cleanup(a.serve(t))
	return a
}

func (a *runtimeAPI) serve(t testing.TB) (stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{kind}", a.answer)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.answer)
	s := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	return func() { s.Close(); <-done }
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	a.polled <- struct{}{}
	select {
	case e := <-a.events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(3*time.Second).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:chat")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1")
		for k, v := range e.headers {
			h.Set(k, v)
		}
		_, _ = io.WriteString(w, e.body)
	case <-r.Context().Done():
	}
}

func (a *runtimeAPI) answer(w http.ResponseWriter, r *http.Request) {
	p := post{kind: r.PathValue("kind"), id: r.PathValue("id"), header: r.Header}
	if p.kind == "" {
		p.kind = "init"
	}
	var err error
	body := io.Reader(r.Body)
	if a.arrived != nil {
		body = io.TeeReader(r.Body, writerFunc(a.arrived))
	}
	p.body, err = io.ReadAll(body)
	p.cut = err != nil
	p.trailer = r.Trailer
	a.posts <- p
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "{\"status\":\"OK\"}\n")
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// running is a function at work.
type running struct {
	*runtimeAPI
	cmd    *exec.Cmd
	ctx    context.Context
	stdout *lockedBuffer
	stderr *lockedBuffer
	exited chan struct{}
	n      int
}

// environ lays a command's variables over an environment.
func environ(c *Command, base []string) []string {
	for k, v := range c.Env {
		base = append(base, k+"="+v)
	}
	return base
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// cacheDir is shared by the tests, so that interpreters are asked once.
var cacheDir = func() string {
	dir, err := os.MkdirTemp("", "suiro-runtime-test")
	if err != nil {
		panic(err)
	}
	return dir
}()

// start runs a function made of files, as the environment would.
func start(t *testing.T, runtime, handler string, files map[string]string, env ...string) *running {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an interpreter")
	}
	language := map[byte]string{'n': "node", 'p': "python3", 'r': "ruby"}[runtime[0]]
	if _, err := exec.LookPath(language); err != nil {
		t.Skipf("%s is not installed", language)
	}
	root := writeFiles(t, files)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	c, err := New(Config{CacheDir: cacheDir}).Command(ctx, Function{Name: "chat", Runtime: runtime, Handler: handler, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, ctx, c, root, handler, env...)
}

func startCommand(t *testing.T, ctx context.Context, c *Command, root, handler string, env ...string) *running {
	t.Helper()
	r := &running{runtimeAPI: newRuntimeAPI(t), ctx: ctx, stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, exited: make(chan struct{})}
	r.cmd = exec.CommandContext(ctx, c.Path, c.Args...)
	r.cmd.Dir = root
	base := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=en_US.UTF-8", "TZ=:UTC",
		"AWS_LAMBDA_RUNTIME_API=" + r.addr, "_HANDLER=" + handler, "LAMBDA_TASK_ROOT=" + root,
		"AWS_LAMBDA_FUNCTION_NAME=chat", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/chat", "AWS_LAMBDA_LOG_STREAM_NAME=2026/01/01/[$LATEST]0123",
	}
	r.cmd.Env = append(environ(c, base), env...)
	r.cmd.Stdout, r.cmd.Stderr = r.stdout, r.stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(r.exited); _ = r.cmd.Wait() }()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.exited
		if t.Failed() {
			t.Logf("stdout: %s\nstderr: %s", r.stdout, r.stderr)
		}
	})
	return r
}

// invoke sends an event and waits for the answer.
func (r *running) invoke(body string, headers ...string) post {
	r.t.Helper()
	r.n++
	e := event{id: fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", r.n), body: body, headers: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		e.headers[headers[i]] = headers[i+1]
	}
	r.events <- e
	return r.wait()
}

func (r *running) wait() post {
	r.t.Helper()
	select {
	case p := <-r.posts:
		return p
	case <-r.ctx.Done():
		r.t.Fatalf("no answer; stdout: %s\nstderr: %s", r.stdout, r.stderr)
	}
	panic("unreachable")
}

// exit waits for the end of the process.
func (r *running) exit() int {
	r.t.Helper()
	select {
	case <-r.exited:
	case <-r.ctx.Done():
		r.t.Fatal("the process does not end")
	}
	return r.cmd.ProcessState.ExitCode()
}

// failure is an error answer in any of the clients' forms.
type failureBody struct {
	ErrorType    string
	ErrorMessage string
	Trace        []string
	StackTrace   []string
	RequestID    *string `json:"requestId"`
}

func (p post) failure(t *testing.T) failureBody {
	t.Helper()
	var f failureBody
	if err := json.Unmarshal(p.body, &f); err != nil {
		t.Fatalf("%s answer %q: %v", p.kind, p.body, err)
	}
	return f
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// eventually waits for text that another process writes.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// lines waits for n lines: what a function writes before it answers may be
// read here after the answer.
func (l *lockedBuffer) lines(t *testing.T, n int) []string {
	t.Helper()
	eventually(t, fmt.Sprintf("%d lines in %q", n, l), func() bool { return strings.Count(l.String(), "\n") >= n })
	return strings.Split(strings.TrimRight(l.String(), "\n"), "\n")
}

func (l *lockedBuffer) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q in the output", text), func() bool { return strings.Contains(l.String(), text) })
}
