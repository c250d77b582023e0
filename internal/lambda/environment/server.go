package environment

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/lambda/telemetry"
)

// transport carries the Runtime API.
type transport interface {
	address() string // host:port, for AWS_LAMBDA_RUNTIME_API
	close()          // ends all connections and waits for their requests
}

// httpServer answers by net/http all that the loop over a connection leaves to
// it.
type httpServer struct {
	env     *Environment
	server  *http.Server
	serving sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	requests sync.WaitGroup
}

// serveHTTP serves the *conn that a listener gives.
func serveHTTP(e *Environment, l net.Listener) *httpServer {
	s := &httpServer{env: e}
	s.server = &http.Server{
		Handler:        s,
		MaxHeaderBytes: 4 << 20, // an X-Ray cause may be 1 MB
		ConnContext:    func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, lifeKey{}, c) },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	s.serving.Go(func() { _ = s.server.Serve(l) })
	return s
}

func (s *httpServer) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.server.Close()
	s.serving.Wait()
	s.requests.Wait()
}

// conn is a connection, which belongs to the life that it began in: a request
// of a process that was replaced must not reach its successor.
type conn struct {
	net.Conn
	env   *Environment
	life  *life // nil when there was none
	once  sync.Once
	early []byte // read already
}

func (c *conn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// unread puts back what was read too much.
func (c *conn) unread(b []byte) { c.early = append(append([]byte(nil), b...), c.early...) }

func (c *conn) Close() error {
	if c.life != nil {
		c.once.Do(func() { c.env.disconnected(c.life) })
	}
	return c.Conn.Close()
}

// lifeKey holds the *conn in a request's context.
type lifeKey struct{}

const (
	runtimePath   = "/2018-06-01/runtime/"
	invocations   = runtimePath + "invocation/"
	extensionPath = "/2020-01-01/extension/"
)

func (s *httpServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.requests.Add(1)
	s.mu.Unlock()
	defer s.requests.Done()
	w.Header()["Date"] = nil // nobody reads it
	c, _ := r.Context().Value(lifeKey{}).(*conn)
	if r.URL.Path == "/2018-06-01/ping" && r.Method == http.MethodGet {
		_, _ = io.WriteString(w, "pong")
		return
	}
	if c == nil || c.life == nil {
		writeError(w, refuseContainer)
		return
	}
	if route := routeOf(r.Method, r.URL.Path); route != nil {
		route(s, w, r, c.life)
		return
	}
	http.NotFound(w, r)
}

type route func(*httpServer, http.ResponseWriter, *http.Request, *life)

// routeOf finds what a request asks for; nil when nothing. The restore routes
// exist for SnapStart sandboxes only, which these are not.
func routeOf(method, path string) route {
	if rest, ok := strings.CutPrefix(path, invocations); ok {
		switch {
		case rest == "next" && method == http.MethodGet:
			return (*httpServer).next
		case strings.HasSuffix(rest, "/response") && method == http.MethodPost:
			return (*httpServer).response
		case strings.HasSuffix(rest, "/error") && method == http.MethodPost:
			return (*httpServer).error
		}
		return nil
	}
	switch method + " " + path {
	case "POST " + runtimePath + "init/error":
		return (*httpServer).initError
	case "POST " + extensionPath + "register":
		return (*httpServer).register
	case "GET " + extensionPath + "event/next":
		return (*httpServer).extensionNext
	case "POST " + extensionPath + "init/error":
		return extensionError("InitError")
	case "POST " + extensionPath + "exit/error":
		return extensionError("ExitError")
	case "PUT /2022-07-01/telemetry":
		return subscribeTo(telemetry.Telemetry)
	case "PUT /2020-08-15/logs":
		return subscribeTo(telemetry.Logs)
	}
	return nil
}

// next answers with the event; headers without a value are left out, as by AWS.
func (s *httpServer) next(w http.ResponseWriter, r *http.Request, l *life) {
	inv, refusal := s.env.next(l, r.Context().Done())
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	if inv == nil {
		panic(http.ErrAbortHandler) // the way to close without an answer
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{inv.RequestID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(inv.deadline.UnixMilli(), 10)}
	h["Lambda-Runtime-Invocation-Id"] = []string{inv.attempt}
	setHeader(h, "Lambda-Runtime-Invoked-Function-Arn", inv.InvokedARN)
	setHeader(h, "Lambda-Runtime-Trace-Id", inv.TraceID)
	setHeader(h, "Lambda-Runtime-Client-Context", string(inv.ClientContext))
	_, _ = w.Write(inv.Payload) // a runtime that went away is noticed by its exit
}

// setHeader sets a header by its canonical name, unless value is empty.
func setHeader(h http.Header, name, value string) {
	if value != "" {
		h[name] = []string{value}
	}
}

func newPost(w http.ResponseWriter, r *http.Request) post {
	mode, hasMode := r.Header["Lambda-Runtime-Function-Response-Mode"]
	p := post{
		contentType: r.Header.Get("Content-Type"),
		errorType:   r.Header.Get("Lambda-Runtime-Function-Error-Type"),
		attempt:     r.Header.Get("Lambda-Runtime-Invocation-Id"),
		hasMode:     hasMode,
		length:      r.ContentLength,
		body:        r.Body,
		trailer:     func(name string) string { return r.Trailer.Get(name) },
		abort:       func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) },
	}
	if hasMode {
		p.mode = mode[0]
	}
	return p
}

func (s *httpServer) response(w http.ResponseWriter, r *http.Request, l *life) {
	id := strings.TrimSuffix(r.URL.Path[len(invocations):], "/response")
	refusal, _ := s.env.respond(l, id, newPost(w, r))
	writeStatus(w, refusal)
}

func (s *httpServer) error(w http.ResponseWriter, r *http.Request, l *life) {
	id := strings.TrimSuffix(r.URL.Path[len(invocations):], "/error")
	writeStatus(w, s.env.fault(l, id, newPost(w, r)))
}

func (s *httpServer) initError(w http.ResponseWriter, r *http.Request, l *life) {
	writeStatus(w, s.env.initFault(l, newPost(w, r)))
}

func (s *httpServer) register(w http.ResponseWriter, r *http.Request, l *life) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		writeError(w, refuseTruncated)
		return
	}
	withAccount := strings.Contains(r.Header.Get("Lambda-Extension-Accept-Feature"), "accountId")
	x, answer, refusal := s.env.register(l, r.Header.Get("Lambda-Extension-Name"), withAccount, body)
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	if c, ok := r.Context().Value(lifeKey{}).(*conn); ok && x.wanted {
		c.once.Do(func() { s.env.disconnected(l) }) // it is not the runtime's
	}
	w.Header().Set("Lambda-Extension-Identifier", x.id)
	writeJSON(w, http.StatusOK, answer)
}

func (s *httpServer) extensionNext(w http.ResponseWriter, r *http.Request, l *life) {
	event, refusal := s.env.nextEvent(l, r.Header.Get("Lambda-Extension-Identifier"), r.Context().Done())
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	if event == nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Event-Identifier", event.id)
	_, _ = w.Write(event.body)
}

func extensionError(kind string) route {
	return func(s *httpServer, w http.ResponseWriter, r *http.Request, l *life) {
		id := r.Header.Get("Lambda-Extension-Identifier")
		errorType := r.Header.Get("Lambda-Extension-Function-Error-Type")
		writeStatus(w, s.env.extensionFault(l, id, kind, errorType))
	}
}

func subscribeTo(api telemetry.API) route {
	return func(s *httpServer, w http.ResponseWriter, r *http.Request, l *life) {
		body, err := io.ReadAll(io.LimitReader(r.Body, telemetry.MaxRequest))
		if err != nil {
			writeError(w, refuseTruncated)
			return
		}
		if refusal := s.env.subscribe(l, r.Header.Get("Lambda-Extension-Identifier"), api, body); refusal != nil {
			writeError(w, refusal)
			return
		}
		writeJSON(w, http.StatusOK, "OK")
	}
}

// writeStatus answers a runtime's post.
func writeStatus(w http.ResponseWriter, refusal *apiError) {
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "{\"status\":\"OK\"}\n")
}

func writeError(w http.ResponseWriter, refusal *apiError) {
	writeJSON(w, refusal.status, refusal.body())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
