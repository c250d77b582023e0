// Package websocketapi is the data plane of WebSocket APIs: what a client of
// wss://{api}.execute-api.{region}.amazonaws.com/{stage} and a caller of its
// @connections API see.
//
// A message travels: socket reads it ([connection.Message]), the route
// selection expression picks a route, the event is encoded into a pooled
// buffer, and the function is invoked; the goroutine that reads its answer sends
// what that leads to, and the socket's own reads on meanwhile. A push travels: net/http's
// goroutine reads the POST, asks the cluster for the connection and writes the
// frame; nothing is handed over.
//
// The configuration of an API is an immutable [Definition]. [API.Update] swaps
// it under open sockets: the next event of a connection uses the new one, as
// after a redeployment on AWS.
package websocketapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/socket"
)

// Quotas of WebSocket APIs (API Gateway Developer Guide, "Quotas for
// configuring and running a WebSocket API").
const (
	maxFrame           = 32 << 10
	maxMessage         = 128 << 10
	defaultIdleTimeout = 10 * time.Minute
	defaultMaxAge      = 2 * time.Hour
	maxTimeout         = 29 * time.Second
)

// Config is what an API needs of others. Only ID, Invoker and Connections are
// needed.
type Config struct {
	ID       string // the API's id, ten lower-case letters and digits
	Resource string // logical id, for the journal

	Region, AccountID, Partition string

	Invoker invoke.Starter
	// Action calls another AWS service for integrations of type AWS; nil:
	// there is none.
	Action      func(ctx context.Context, action *Action) (*ActionAnswer, error)
	Connections cluster.Connections
	Journal     *journal.Journal
	// Authenticator and Authorizer check the signatures and policies of
	// AWS_IAM handshakes and of @connections; without them everybody may.
	Authenticator awsapi.Authenticator
	Authorizer    Policies
	// Evaluate decides by the policy that a Lambda authorizer returned for a
	// request; an error is a policy that cannot be read.
	Evaluate func(policy *document.Node, action, resourceARN string, r *http.Request) (Decision, error)

	// IdleTimeout and MaxAge are AWS's 10 minutes and 2 hours when zero.
	IdleTimeout, MaxAge time.Duration
	// PingsKeepAlive lets a client's ping frames reset the idle timer. Whether
	// they do on AWS is not documented; guides tell apps to send messages.
	PingsKeepAlive bool

	// RawHeader returns a request's header as the client spelled it, which
	// net/http does not keep; nil, or a nil result, uses the spelling of RFCs.
	RawHeader func(*http.Request) []Field
	// Transport carries HTTP integrations; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// Policies decides by the policies of a caller.
type Policies interface {
	// AuthorizeRequest returns nil when they allow the action on the resource
	// for a request, else an *awsapi.Error.
	AuthorizeRequest(c awsapi.Caller, action, resourceARN string, r *http.Request) error
}

// Decision is what a policy says of a request.
type Decision int

// The values of Decision.
const (
	Unspoken Decision = iota // no statement speaks of it
	Allowed
	Denied
)

// Field is one header field.
type Field struct{ Name, Value string }

// API serves one WebSocket API. Make it with New; it refuses everything until
// the first Update.
type API struct {
	config     Config
	options    socket.Options
	lot        socket.Lot // of idle sockets
	ids        ids
	definition atomic.Pointer[Definition]
	client     *http.Client
	meters     meters

	ctx    context.Context // of everything that runs for connections
	cancel context.CancelFunc
	work   sync.WaitGroup // sockets and what runs for them

	mu      sync.Mutex
	closing bool
	live    []*connection
	origins map[whence]*origin
	// former are the definitions in which stages were last that are gone:
	// what their connections end with.
	former map[string]*Definition
}

// New makes an API.
func New(c Config) *API {
	if c.Partition == "" {
		c.Partition = "aws"
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	transport := c.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	a := &API{
		config: c,
		options: socket.Options{
			MaxFrame: maxFrame, MaxMessage: maxMessage, TooBigReason: "Message too big",
			TextOnly: true, BinaryReason: "Binary is not supported",
			IdleTimeout: c.IdleTimeout, MaxAge: c.MaxAge, PingsKeepAlive: c.PingsKeepAlive,
			TimeoutReason: goingAway,
		},
		origins: make(map[whence]*origin), former: make(map[string]*Definition),
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	a.options.Lot = &a.lot
	a.ids.seed()
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.definition.Store(&Definition{})
	return a
}

// Update makes d what the API serves. Open sockets stay and use it from their
// next event on; those of a stage that d does not have are closed with 1001,
// and their $disconnect is that of the stage as it was. Calls must not overlap.
func (a *API) Update(d *Definition) {
	old := a.definition.Load()
	a.mu.Lock()
	for name := range old.Stages {
		if d.Stages[name] == nil {
			a.former[name] = old
		}
	}
	a.mu.Unlock()
	var stranded []*connection
	for _, c := range a.connections() {
		if d.Stages[c.stage] == nil && old.Stages[c.stage] != nil {
			stranded = append(stranded, c)
		}
	}
	a.definition.Store(d)
	for _, c := range stranded {
		c.close(socket.StatusGoingAway, goingAway)
	}
}

// Close closes every socket with 1001, lets each run its $disconnect route,
// and waits for everything that runs until ctx ends; then it gives up on what
// is left. New handshakes get 503; pushes go on, since functions that end may
// need them, so the endpoint is to be closed after this.
func (a *API) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	for _, c := range a.connections() {
		c.close(socket.StatusGoingAway, goingAway)
	}
	done := make(chan struct{})
	go func() {
		a.work.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		a.cancel()
		for _, c := range a.connections() {
			c.sock.Abort()
		}
		<-done
	}
	a.cancel()
	a.lot.Close()
	a.client.CloseIdleConnections()
	return err
}

// Connections counts the open sockets.
func (a *API) Connections() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.live)
}

func (a *API) connections() []*connection {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.live)
}

// enlist adds an open connection to live; a.mu is held.
func (a *API) enlist(c *connection) {
	c.index = int32(len(a.live))
	a.live = append(a.live, c)
}

// strike takes one out; a.mu is held.
func (a *API) strike(c *connection) {
	n := len(a.live) - 1
	last := a.live[n]
	a.live[c.index], a.live[n] = last, nil
	last.index = c.index
	a.live = a.live[:n]
}

// formerly is the definition in which a stage was last that is gone.
func (a *API) formerly(stage string) *Definition {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.former[stage]
}

// ServeHTTP takes handshakes at /{stage} and management calls at
// /{stage}/@connections/{id}; on a mapped custom domain the mapping's key
// stands in the stage's place.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := a.definition.Load()
	path := splitPath(r.URL.EscapedPath())
	if at, ok := managementAt(path); ok {
		a.manage(w, r, d, path[:at], path[at+1:])
		return
	}
	stage := ""
	if len(path) <= 1 {
		stage = d.stageName(r.Host, path)
	}
	a.handshake(w, r, d, stage)
}

// splitPath cuts an escaped path into segments, without empty ones: SDKs make
// "/dev//@connections/…" of an endpoint that ends in a slash.
func splitPath(escaped string) []string {
	path := make([]string, 0, 3)
	for s := range strings.SplitSeq(escaped, "/") {
		if s != "" {
			path = append(path, s)
		}
	}
	return path
}
