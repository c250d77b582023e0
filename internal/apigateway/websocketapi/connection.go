package websocketapi

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/socket"
)

// Reasons that clients and $disconnect events see.
const (
	goingAway        = "Going away"
	closedNormally   = "Connection Closed Normally"
	closedAbnormally = "Connection closed abnormally"
	closedNoStatus   = "Client-side close frame status not set"
)

// maxInFlight bounds the messages of one connection that are being handled.
// AWS has no such bound but the account's throttle; here it keeps one client
// that floods from holding every execution environment and unbounded memory:
// with all of them taken the connection is read no further, and the client's
// own sends wait.
const maxInFlight = 64

// connection is a client, from its handshake to the end of its $disconnect. It
// is the handler of its socket and the cluster's target.
type connection struct {
	*origin
	*credentials
	sock        socket.Conn
	id          string
	connectedAt int64 // Unix milliseconds

	mu     sync.Mutex
	wake   chan struct{} // made by the reader while it waits for a place
	flight int8          // messages being handled
	ending bool          // no more messages are taken
	index  int32         // in api.live, guarded by api.mu
}

func (a *API) newConnection(d *Definition, r *http.Request, stage string, at time.Time) *connection {
	w := whence{stage: stage, domain: d.domainName(r.Host), sourceIP: sourceIP(r)}
	if ua := r.Header["User-Agent"]; len(ua) > 0 {
		w.userAgent, w.hasUserAgent = ua[len(ua)-1], true
	}
	o := &origin{api: a, whence: w}
	if d.Stages[stage] != nil {
		o = a.origin(w)
	}
	return &connection{origin: o, credentials: &anonymous, id: a.ids.connection(), connectedAt: at.UnixMilli()}
}

func (c *connection) address() cluster.Address {
	return cluster.Address{API: c.api.config.ID, Connection: c.id}
}

// open makes the connection known and serves its socket until it ends.
func (c *connection) open() error {
	if err := c.api.config.Connections.Register(c.address(), c); err != nil {
		return err
	}
	c.api.mu.Lock()
	closing := c.api.closing
	c.api.enlist(c)
	c.api.work.Add(1) // until Closed has run
	c.api.work.Go(func() { c.sock.Serve(c) })
	c.api.mu.Unlock()
	if closing || c.api.definition.Load().Stages[c.stage] == nil {
		c.close(socket.StatusGoingAway, goingAway)
	}
	return nil
}

// serving is what the connection's next event meets: its stage as it is now.
func (c *connection) serving() (*Stage, *Deployment) {
	d := c.api.definition.Load()
	if d.Stages[c.stage] == nil {
		d = c.api.formerly(c.stage)
	}
	s := d.Stages[c.stage]
	return s, d.deployment(s)
}

// close starts to close the socket; messages that wait for a place are dropped.
func (c *connection) close(code int, reason string) {
	c.mu.Lock()
	c.ending = true
	c.wakeReader()
	c.mu.Unlock()
	c.sock.Close(code, reason)
}

// Message implements socket.Handler: it routes one message. Invocations start
// in the order of the messages and run side by side.
func (c *connection) Message(_ *socket.Conn, data []byte, _ bool) {
	stage, d := c.serving()
	e := event{
		conn: c, stage: stage, kind: messageEvent, body: data,
		requestID: c.api.ids.request(), at: time.Now(),
	}
	route := d.route(data)
	e.trace(route, data)
	switch {
	case route == nil:
		c.fail(&e, "", forbidden)
	case !e.stage.throttle(route.Key).allow(e.at):
		e.routeKey = route.Key
		c.fail(&e, "the stage's throttle", tooManyRequests)
	case route.Integration == nil:
		e.routeKey = route.Key
		c.fail(&e, "the route has no integration", internalServerError)
	default:
		e.routeKey, e.messageID = route.Key, c.api.ids.message(c.id)
		c.handle(&e, route)
	}
}

// handle validates a message and takes it to its backend; a mock's answer is
// made on the reader's own goroutine.
func (c *connection) handle(e *event, route *Route) {
	switch fail := route.validate(e.body); {
	case fail != nil:
		e.invalid = fail.cause
		c.finish(e, nil, len(e.body), nil, fail)
	case route.Integration.Type == Mock:
		reply, fail := e.reply(c.api.ctx, route)
		c.finish(e, route, len(e.body), reply, fail)
	case c.place():
		c.dispatch(e, route)
	}
}

// Closed implements socket.Handler: the socket is gone, and the $disconnect
// route runs. Nothing can be sent to the connection any more.
func (c *connection) Closed(_ *socket.Conn, code int, reason string) {
	a := c.api
	a.config.Connections.Forget(c.address())
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	code, reason = disconnectStatus(code, reason)
	if a.config.Journal.Wants(journal.Disconnected) {
		a.config.Journal.Publish(journal.Entry{
			Kind: journal.Disconnected, Resource: a.config.Resource, ConnectionID: c.id,
			Status: code, Text: reason, Duration: time.Since(time.UnixMilli(c.connectedAt)),
		})
	}
	stage, d := c.serving()
	if route := d.Routes[routeDisconnect]; route != nil && route.Integration != nil {
		e := event{
			conn: c, stage: stage, kind: disconnectEvent, routeKey: routeDisconnect,
			requestID: a.ids.request(), at: time.Now(), code: code, reason: reason,
		}
		c.disconnected(&e, route)
	}
	a.mu.Lock()
	a.strike(c)
	a.mu.Unlock()
	a.work.Done()
}

// disconnectStatus is what a $disconnect event says of how a socket ended.
func disconnectStatus(code int, reason string) (int, string) {
	switch code {
	case socket.StatusNoStatus:
		return code, closedNoStatus
	case socket.StatusAbnormal:
		return code, closedAbnormally
	case socket.StatusMessageTooBig:
		// The client sees 1009, the event says 1006 (one public measurement).
		return socket.StatusAbnormal, closedAbnormally
	}
	return code, reason
}

// Push implements cluster.Target.
func (c *connection) Push(payload []byte) error {
	err := c.sock.Send(payload)
	switch {
	case err == nil:
		c.meters.message.Add(1)
	case errors.Is(err, socket.ErrSlow):
		return cluster.ErrFull
	}
	return err
}

// Disconnect implements cluster.Target: DELETE @connections.
func (c *connection) Disconnect() { c.close(socket.StatusNormal, closedNormally) }

// Info implements cluster.Target.
func (c *connection) Info() cluster.Info {
	return cluster.Info{
		SourceIP: c.sourceIP, UserAgent: c.userAgent,
		ConnectedAt: time.UnixMilli(c.connectedAt), LastActiveAt: c.sock.LastActive(),
	}
}

// place waits until one more message may be handled; false when the connection
// ends instead. Only the socket's reader calls it.
func (c *connection) place() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.flight >= maxInFlight && !c.ending {
		wake := make(chan struct{})
		c.wake = wake
		c.mu.Unlock()
		<-wake
		c.mu.Lock()
	}
	if c.ending {
		return false
	}
	c.flight++
	return true
}

// leave gives a place back.
func (c *connection) leave() {
	c.mu.Lock()
	c.flight--
	c.wakeReader()
	c.mu.Unlock()
}

func (c *connection) wakeReader() {
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

// invokeContext bounds one call of a backend; it outlives the client.
func (a *API) invokeContext(i *Integration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(a.ctx, i.timeout())
}
