// Package front is where every client comes in: the ports of an app's
// endpoints and of the AWS API, their host names, plaintext and TLS on one
// port, and the local certificate authority that makes the TLS trusted.
//
// Every port listens on IPv4 and IPv6 loopback and decides by the first byte
// of a connection whether it is TLS. A port belongs to one [Endpoint]; the
// endpoint of kind "aws" also hands requests to the others by host name.
package front

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/journal"
)

// Config is what a Front needs; the zero value of every field is usable.
type Config struct {
	// StateFile remembers the app's ports from one run to the next. Without
	// one, nothing is remembered.
	StateFile string
	// CADir holds the user's local certificate authority; usually
	// os.UserConfigDir()/suiro. Without one there is no TLS.
	CADir   string
	Journal *journal.Journal
	// Host is the address to listen on; "" is loopback, 127.0.0.1 and ::1.
	Host string
	// FirstPort is where free ports are looked for; 0 is 3000.
	FirstPort int
	// Ports are chosen by the user, by logical id.
	Ports map[string]int
	// Elsewhere says where calls go that no endpoint here stands for.
	Elsewhere Elsewhere
}

// Elsewhere is what happens to the connections of functions to other hosts.
type Elsewhere string

const (
	// Deny refuses AWS services that do not run here, in AWS's form of an
	// error; the rest of the internet is left alone. "" is Deny.
	Deny Elsewhere = "deny"
	// Passthrough reaches them: the real AWS.
	Passthrough Elsewhere = "passthrough"
	// Local refuses everything that is not on this machine.
	Local Elsewhere = "local"
)

// amazon ends the host names of AWS's services.
var amazon = []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws"}

// refuses tells whether a host is one of AWS that nobody here stands for and
// that may not be reached.
func (f *Front) refuses(host string) bool {
	host = strings.ToLower(host)
	if f.config.Elsewhere == Passthrough || f.byHost(host) != nil {
		return false
	}
	return slices.ContainsFunc(amazon, func(suffix string) bool { return strings.HasSuffix(host, suffix) })
}

// Endpoint is something clients can reach at a port of its own.
type Endpoint struct {
	Resource string // logical id; with Kind it names the endpoint
	// Kind is "websocket", "function-url", "http-api", "rest-api", "graphql",
	// "events", "service", "distribution" or "aws". A WebSocket endpoint
	// speaks HTTP/1.1 only, since an upgrade needs it; the others HTTP/2 too.
	Kind string
	// Port is the port to use; 0 is the one that the user set, else the
	// remembered one, else the next that is free.
	Port    int
	Handler http.Handler
	// Direct tells from a request line which requests Handler answers in one
	// piece from their whole body: it hijacks none, does not look at their
	// context, which a client that hangs up does not end ([Late.Context] does),
	// and keeps nothing of them (see direct.go). nil: none.
	Direct func(line []byte) bool
	// Hosts are the AWS host names this endpoint stands for, such as
	// "{api}.execute-api.{region}.amazonaws.com".
	Hosts []string
}

// KindAWS is the endpoint of the AWS API itself. Its handler gets what no
// other endpoint's host name claims.
const KindAWS = "aws"

func (e *Endpoint) key() string { return e.Resource + "/" + e.Kind }

// Front owns the ports of one app.
type Front struct {
	config Config
	memory *memory
	tls    *certificates // nil without a CA directory

	mu        sync.RWMutex
	listeners map[string]*Listener // by Endpoint.key
	hosts     map[string]*Listener // by AWS host name and its .localhost form
	holding   bool                 // new listeners wait for Admit
	distrust  sync.Once            // the first client that refuses our certificate is told of
}

// New reads the remembered ports and makes or loads the certificate
// authority. It opens no port.
func New(c Config) (*Front, error) {
	if c.FirstPort == 0 {
		c.FirstPort = 3000
	}
	f := &Front{config: c, listeners: map[string]*Listener{}, hosts: map[string]*Listener{}}
	var err error
	if f.memory, err = readMemory(c.StateFile); err != nil {
		f.notice("", err, "the remembered ports cannot be read; ports are assigned anew")
	}
	if c.CADir != "" {
		if f.tls, err = newCertificates(c, f.knownName); err != nil {
			return nil, fmt.Errorf("the local certificate authority: %w", err)
		}
	}
	return f, nil
}

// Open binds the endpoint's port and serves it from now on, or from Admit on.
// ctx is for finding the port only.
func (f *Front) Open(ctx context.Context, e Endpoint) (*Listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners[e.key()] != nil {
		return nil, fmt.Errorf("endpoint %s of %s is open already", e.Kind, e.Resource)
	}
	sockets, port, err := f.bind(ctx, &e)
	if err != nil {
		return nil, err
	}
	l := f.newListener(e, port)
	f.listeners[e.key()] = l
	for _, h := range e.Hosts {
		for _, name := range hostNames(h) {
			f.hosts[name] = l
		}
	}
	if f.holding {
		l.held = sockets
	} else {
		l.serve(sockets)
	}
	return l, nil
}

// hostNames are the names under which an AWS host is also reached on this
// machine: its own, and its first two labels under localhost
// ("{api}.execute-api.localhost").
func hostNames(host string) []string {
	host = strings.ToLower(host)
	names := []string{host, host + ".localhost"}
	if p := strings.SplitN(host, ".", 3); len(p) == 3 {
		names = append(names, p[0]+"."+p[1]+".localhost")
	}
	return names
}

// knownName tells whether some endpoint stands for a host name, if only to
// refuse in its name.
func (f *Front) knownName(host string) bool { return f.byHost(host) != nil || f.refuses(host) }

// byHost finds the endpoint that stands for a Host header or server name.
func (f *Front) byHost(host string) *Listener {
	host = strings.ToLower(stripPort(host))
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.hosts[host]
}

// forget takes a closed listener out of the tables.
func (f *Front) forget(l *Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.listeners, l.endpoint.key())
	for name, owner := range f.hosts {
		if owner == l {
			delete(f.hosts, name)
		}
	}
}

// Close closes every listener at the same time; see [Listener.Close].
func (f *Front) Close(ctx context.Context) error {
	f.mu.RLock()
	var open []*Listener
	for _, l := range f.listeners {
		open = append(open, l)
	}
	f.mu.RUnlock()
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, l := range open {
		wg.Go(func() { errs[i] = l.Close(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *Front) notice(resource string, err error, format string, args ...any) {
	e := journal.Entry{Kind: journal.Noticed, Resource: resource, Text: fmt.Sprintf(format, args...)}
	if err != nil {
		e.Err = err.Error()
	}
	f.config.Journal.Publish(e)
}

// errorLog passes what net/http complains about, above all panics of
// handlers, on to the journal.
func (f *Front) errorLog(resource string) *log.Logger {
	return log.New(logWriter(func(line string) {
		f.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: resource, Text: "serving a request", Err: line})
	}), "", 0)
}

type logWriter func(line string)

func (w logWriter) Write(p []byte) (int, error) {
	w(strings.TrimSpace(string(p)))
	return len(p), nil
}

func stripPort(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}
