// Package webadapter runs functions that are ordinary HTTP servers, as the
// Lambda Web Adapter (aws/aws-lambda-web-adapter 1.0.0) lets them: it waits
// until the server is ready, turns each event into a request to the server's
// port and the server's answer into the function's result.
//
// On AWS the adapter is a program of its own beside the server, on a layer or
// in a container image. Here it is a bridge of the execution environment
// (package environment): no process more, and nothing between the server's
// connection and whoever reads the result.
//
// Every environment's server has a port of its own, given to it by PORT and
// AWS_LWA_PORT, since on one machine they cannot all have the same. A server
// that listens on its configured port whatever the variables say is found out
// when it starts (port.go), and then runs in one environment at a time.
package webadapter

import (
	"net/http"
	"strconv"
	"time"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/process"
)

// Config makes an Adapter.
type Config struct {
	Settings Settings
	// Function name, memory and log group are told to the server in the
	// x-amzn-lambda-context header of each request.
	FunctionName string
	MemorySize   int
	LogGroup     string
	// AsyncInitLimit is how long init waits with AWS_LWA_ASYNC_INIT; 0 is the
	// adapter's 9.8 seconds, which keep below Lambda's ten.
	AsyncInitLimit time.Duration
	// Started is called when a server is ready; fixed says that it listens on
	// the port of the settings and not on the one it was given, so that there
	// can be only one.
	Started func(fixed bool)
}

// Adapter adapts one revision of a function. Its environments share it.
type Adapter struct {
	cfg   Config
	ports ports
}

// New makes an adapter. before is that of the revision it takes the place of,
// or nil: a server that was bound to its port will be so again.
func New(before *Adapter, cfg Config) *Adapter {
	if cfg.Started == nil {
		cfg.Started = func(bool) {}
	}
	if cfg.AsyncInitLimit == 0 {
		cfg.AsyncInitLimit = 9800 * time.Millisecond
	}
	a := &Adapter{cfg: cfg}
	a.ports.configured = cfg.Settings.Port
	if before != nil && before.ports.configured == a.ports.configured {
		a.ports.fixed = before.ports.isFixed()
	}
	return a
}

// Bridge gives the environments of a version their [environment.Bridge].
func (a *Adapter) Bridge(version string) environment.Bridge {
	return func(stop <-chan struct{}) (environment.Link, error) {
		p, err := a.ports.lease(stop)
		if err != nil {
			return nil, err
		}
		return &server{adapter: a, set: a.cfg.Settings, version: version, port: p, transport: newTransport()}, nil
	}
}

// server is one life of the function's process.
type server struct {
	adapter   *Adapter
	set       Settings
	version   string
	port      lease
	transport *http.Transport
	ready     bool
}

// Command implements environment.Link: the server is told its port.
func (s *server) Command(c process.Command) process.Command { return s.port.command(c, s.set) }

// poolTimeout is how long the adapter keeps a connection it does not use.
const poolTimeout = 4 * time.Second

// newTransport makes what requests travel by: one connection, kept between
// invocations. Reading a body takes place on the reader's goroutine.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:        dial,
		DisableCompression: true, // bytes pass as they are
		IdleConnTimeout:    poolTimeout,
		MaxIdleConns:       1,
		// The header of an answer may be as long as the server likes.
		MaxResponseHeaderBytes: 6 << 20,
	}
}

// Serve implements environment.Link.
func (s *server) Serve(session *environment.Session) {
	defer s.transport.CloseIdleConnections()
	limit := time.Duration(0)
	if s.set.AsyncInit {
		limit = s.adapter.cfg.AsyncInitLimit
	}
	s.awaitReady(session, limit)
	if session.Context.Err() != nil {
		return
	}
	for e := session.Next(); e != nil; e = session.Next() {
		if !s.ready {
			s.awaitReady(session, 0)
		}
		s.invoke(session, e)
	}
}

// invoke takes one event through the server.
func (s *server) invoke(session *environment.Session, e *environment.Event) {
	x, err := s.exchange(session, e)
	if err != nil {
		session.Fail(errorType, err.Error())
		return
	}
	defer x.close()
	if s.set.failing(x.response.StatusCode) {
		session.Fail(errorType, x.failure())
		return
	}
	if s.set.Stream {
		session.Respond(integrationType, x.stream(), x.abort)
		return
	}
	body, err := x.buffered(s.set.Compress)
	if err != nil {
		session.Fail(errorType, err.Error())
		return
	}
	session.Respond("application/json", body, x.abort)
}

// errorType is Rust's name of the adapter's errors, which its Lambda client
// reports as their type (aws-lambda-rust-runtime, Diagnostic of a boxed error;
// not recorded on AWS).
const errorType = "alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>"

func (s *server) address() string { return joinHostPort(s.set.Host, s.port.app) }

func joinHostPort(host string, port int) string { return host + ":" + strconv.Itoa(port) }
