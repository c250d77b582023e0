//go:build linux

package environment

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/process"
)

// The test binary, started again by an environment, is a minimal runtime: its
// _HANDLER says how it behaves while it starts, the event what it does then.
func TestMain(m *testing.M) {
	process.Main()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		if kind := os.Getenv("EXTENSION"); kind != "" {
			extensionMain(kind)
		}
		runtimeMain()
	}
	goleak.VerifyTestMain(m)
}

// order is an event for the runtime: Do names an entry of behaviours.
type order struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	N    int    `json:"n,omitempty"`
}

type client struct {
	base    string
	http    http.Client
	id      string
	attempt string
	header  http.Header
	event   []byte
	order   order
}

func runtimeMain() {
	c := &client{base: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"}
	starting(c, os.Getenv("_HANDLER"))
	for {
		c.next()
		c.order = order{}
		_ = json.Unmarshal(c.event, &c.order)
		b := behaviours[c.order.Do]
		if b == nil {
			b = echo
		}
		b(c)
	}
}

// starting is the init phase of each handler.
func starting(c *client, handler string) {
	switch handler {
	case "init-exit":
		fmt.Println("cannot start")
		os.Exit(3)
	case "init-exit-0":
		os.Exit(0)
	case "init-hang":
		select {}
	case "init-error":
		_, body := c.post("init/error", `{"errorMessage":"no module","errorType":"Runtime.ImportModuleError","requestId":"","stackTrace":[]}`,
			"Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError")
		fmt.Print("init error answered " + body)
		os.Exit(1)
	case "init-second-time":
		// Fails unless another life was here before.
		f, err := os.OpenFile("been-here", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_ = f.Close()
			os.Exit(1)
		}
	case "init-response":
		status, body := c.post("invocation/0/response", "{}")
		fmt.Printf("%d %s", status, body)
		os.Exit(1)
	case "sigterm":
		internalExtension(c)
	}
}

// internalExtension does what aws-lambda-go's WithEnableSIGTERM does.
func internalExtension(c *client) {
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM)
	go func() {
		<-terms
		_ = os.WriteFile("terminated", nil, 0o600)
		fmt.Println("got SIGTERM")
		os.Exit(0)
	}()
	base := strings.TrimSuffix(c.base, "2018-06-01/runtime/") + "2020-01-01/extension/"
	req, _ := http.NewRequest("POST", base+"register", strings.NewReader(`{"events":[]}`))
	req.Header.Set("Lambda-Extension-Name", "GoLangEnableSIGTERM")
	res, err := c.http.Do(req)
	check(err)
	id := res.Header.Get("Lambda-Extension-Identifier")
	if res.StatusCode != 200 {
		body, _ := io.ReadAll(res.Body)
		fmt.Printf("%d %s", res.StatusCode, body)
		return
	}
	go func() {
		req, _ := http.NewRequest("GET", base+"event/next", nil)
		req.Header.Set("Lambda-Extension-Identifier", id)
		_, _ = http.DefaultClient.Do(req)
	}()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
}

func (c *client) next() {
	res, err := c.http.Get(c.base + "invocation/next")
	check(err)
	c.event, err = io.ReadAll(res.Body)
	check(err)
	if res.StatusCode != 200 {
		check(fmt.Errorf("next: %s %s", res.Status, c.event))
	}
	c.header = res.Header
	c.id, c.attempt = res.Header.Get("Lambda-Runtime-Aws-Request-Id"), res.Header.Get("Lambda-Runtime-Invocation-Id")
}

// post sends a body with headers and returns status and body of the answer.
func (c *client) post(path, body string, headers ...string) (int, string) {
	req, err := http.NewRequest("POST", c.base+path, strings.NewReader(body))
	check(err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	check(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	check(err)
	return res.StatusCode, string(answer)
}

func (c *client) respond(body string, headers ...string) (int, string) {
	return c.post("invocation/"+c.id+"/response", body, headers...)
}

// stream starts a chunked response; end closes it with trailers.
func (c *client) stream(headers ...string) (w io.WriteCloser, answer <-chan int, trailer http.Header) {
	r, pw := io.Pipe()
	req, err := http.NewRequest("POST", c.base+"invocation/"+c.id+"/response", r)
	check(err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Trailer = http.Header{"Lambda-Runtime-Function-Error-Type": nil, "Lambda-Runtime-Function-Error-Body": nil}
	status := make(chan int, 1)
	go func() {
		res, err := c.http.Do(req)
		check(err)
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	return pw, status, req.Trailer
}

func echo(c *client) {
	if status, body := c.respond(string(c.event)); status != 202 {
		fmt.Fprintln(os.Stderr, status, body)
	}
}

var behaviours = map[string]func(*client){
	"exit": func(c *client) { fmt.Println("about to exit"); os.Exit(c.order.N) },
	"die":  func(*client) { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} },
	"hang": func(*client) { fmt.Println("hanging"); select {} },
	"error": func(c *client) {
		c.post("invocation/"+c.id+"/error", c.order.Text, "Lambda-Runtime-Function-Error-Type", "Function.Oops")
	},
	"headers": func(c *client) {
		var names []string
		for name := range c.header {
			names = append(names, name)
		}
		data, _ := json.Marshal(c.header)
		_ = names
		c.respond(string(data))
	},
	"print": func(c *client) {
		fmt.Print(c.order.Text)
		c.respond("null")
	},
	"pid":  func(c *client) { c.respond(fmt.Sprint(os.Getpid())) },
	"size": func(c *client) { s, b := c.respond(strings.Repeat("x", c.order.N)); fmt.Printf("%d %s", s, b) },
	"chunked": func(c *client) {
		w, answer, _ := c.stream()
		w.Write(bytes.Repeat([]byte("x"), c.order.N))
		w.Close()
		fmt.Println(<-answer)
	},
	"answer-and-exit": func(c *client) {
		c.respond(`"bye"`)
		os.Exit(c.order.N)
	},
	"send-and-exit": func(c *client) { sendAndExit(c, `"last words"`, 12) },
	"cut":           func(c *client) { sendAndExit(c, `"last`, 12) },
	// half sends a part of a chunked response, says that no more comes, and
	// tells what it is answered; then it goes on.
	"half": func(c *client) {
		conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
		check(err)
		_, err = fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n", c.id)
		check(err)
		check(conn.(*net.TCPConn).CloseWrite())
		answer, err := io.ReadAll(conn)
		check(err)
		_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		fmt.Printf("%.3s %s", strings.TrimPrefix(string(answer), "HTTP/1.1 "), body)
	},
	// flood streams N MiB.
	"flood": func(c *client) {
		w, answer, _ := c.stream("Lambda-Runtime-Function-Response-Mode", "streaming")
		block := bytes.Repeat([]byte("x"), 1<<20)
		for range c.order.N {
			_, err := w.Write(block)
			check(err)
		}
		check(w.Close())
		<-answer
	},
	// trail ends a stream with trailers of the event's own: type, then body.
	"trail": func(c *client) {
		w, answer, trailer := c.stream()
		errorType, body, _ := strings.Cut(c.order.Text, " ")
		fmt.Fprint(w, "some")
		if errorType != "" {
			trailer.Set("Lambda-Runtime-Function-Error-Type", errorType)
		}
		if body != "" {
			trailer.Set("Lambda-Runtime-Function-Error-Body", body)
		}
		check(w.Close())
		<-answer
	},
	"fork": func(c *client) {
		cmd := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 600")
		check(cmd.Start())
		c.respond(fmt.Sprint(cmd.Process.Pid))
	},
	"fork-and-hang": func(c *client) {
		cmd := exec.Command("/bin/sh", "-c", "sleep 600")
		check(cmd.Start())
		fmt.Println(cmd.Process.Pid)
		select {}
	},
	// stream writes N pieces, each when the file with its number appears.
	"stream": func(c *client) {
		w, answer, _ := c.stream("Content-Type", "text/plain", "Lambda-Runtime-Function-Response-Mode", "streaming")
		for i := range c.order.N {
			awaitFile(fmt.Sprint(i))
			fmt.Fprintf(w, "piece %d;", i)
		}
		check(w.Close())
		fmt.Println(<-answer)
	},
	"stream-error": func(c *client) {
		w, answer, trailer := c.stream("Lambda-Runtime-Function-Response-Mode", "streaming")
		fmt.Fprint(w, c.order.Text)
		trailer.Set("Lambda-Runtime-Function-Error-Type", "Unhandled")
		trailer.Set("Lambda-Runtime-Function-Error-Body", base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Midway","errorMessage":"oh"}`)))
		check(w.Close())
		<-answer
	},
	"stream-and-hang": func(c *client) {
		w, _, _ := c.stream("Lambda-Runtime-Function-Response-Mode", "streaming")
		fmt.Fprint(w, "begun")
		select {}
	},
	"stream-and-die": func(c *client) {
		w, _, _ := c.stream("Lambda-Runtime-Function-Response-Mode", "streaming")
		fmt.Fprint(w, "begun")
		awaitFile("die")
		os.Exit(4)
	},
	// try posts wrong things first, tells about the answers, then answers.
	"try": func(c *client) {
		var b strings.Builder
		for _, t := range tries[c.order.Text] {
			path := strings.ReplaceAll(t.path, "ID", c.id)
			status, body := c.post(path, `{}`, t.headers...)
			fmt.Fprintf(&b, "%d %s", status, body)
		}
		fmt.Print(b.String())
		if c.order.N == 0 {
			c.respond("null")
		}
	},
	"double": func(c *client) {
		c.respond("1")
		status, body := c.respond("2")
		fmt.Fprintf(os.Stderr, "%d %s", status, body)
	},
	"next-again": func(c *client) {
		first := c.id
		c.next()
		c.respond(fmt.Sprint(first == c.id))
	},
	"slow-next": func(c *client) {
		c.respond("null")
		awaitFile("next")
	},
}

type try struct {
	path    string
	headers []string
}

var tries = map[string][]try{
	"id":      {{"invocation/wrong/response", nil}, {"invocation/wrong/error", nil}},
	"attempt": {{"invocation/ID/response", []string{"Lambda-Runtime-Invocation-Id", "old"}}},
	"mode":    {{"invocation/ID/response", []string{"Lambda-Runtime-Function-Response-Mode", "Streaming"}}},
	"init":    {{"init/error", nil}},
	"restore": {{"restore/error", nil}},
}

// sendAndExit posts to /response on a bare connection and exits at once.
func sendAndExit(c *client, body string, length int) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	check(err)
	_, err = fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", c.id, length, body)
	check(err)
	os.Exit(5)
}

func awaitFile(name string) {
	for {
		if _, err := os.Stat(filepath.Join(".", name)); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
