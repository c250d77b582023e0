// Package functionurl is Lambda function URLs: the AWS::Lambda::Url resource,
// an endpoint for each, and the way of a request through it. A request becomes
// an event of payload format 2.0, the function is invoked, and its result
// becomes the response: read whole in BUFFERED mode, passed on byte for byte
// as the function writes it in RESPONSE_STREAM mode.
//
// Nothing on the streaming path waits for more than it has: what one read of
// the function's connection yields is written to the client and flushed. The
// client's pace is the function's, whose writes wait when nobody reads.
package functionurl

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Kind is the kind of endpoint a URL is.
const Kind = "function-url"

// Endpoint is what the service asks the front for: a port of its own.
type Endpoint struct {
	Resource string // logical id
	Kind     string // Kind
	Handler  http.Handler
	// Direct tells from a request line which requests are answered in one piece
	// from their whole body.
	Direct func(line []byte) bool
	Hosts  []string // AWS host names that stand for it
}

// Listener is an endpoint that is open.
type Listener interface {
	Authority() string // "localhost:3001"
	Close(ctx context.Context) error
}

// Functions is what the service needs of Lambda; *lambda.Service is one.
type Functions interface {
	invoke.Starter
	Lookup(name, qualifier string) (lambda.FunctionInfo, error)
	PermitsURL(name, qualifier, authType string, c awsapi.Caller) (url, function bool)
}

// Authorizer asks the policies of a caller; *iam.Service is one.
type Authorizer interface {
	AuthorizeWith(c awsapi.Caller, action, resourceARN string, keys map[string][]string) error
	Forbids(c awsapi.Caller, action, resourceARN string, keys map[string][]string) bool
}

// Config is what the service needs of others.
type Config struct {
	Functions     Functions
	Open          func(ctx context.Context, e Endpoint) (Listener, error)
	Authenticator awsapi.Authenticator // nil: signatures are not asked for
	Authorizer    Authorizer           // nil: policies are not asked
	Journal       *journal.Journal
	Region        string // of stacks that name none
	// Strict refuses URLs whose policy lacks lambda:InvokeFunction, as AWS
	// does. Otherwise the developer is told, since most templates written
	// before October 2025 lack it.
	Strict bool
}

// Service holds the function URLs of a node.
type Service struct {
	cfg Config

	mu   sync.Mutex
	urls map[string]*url // by URL id
}

// New makes a service without URLs.
func New(c Config) *Service {
	return &Service{cfg: c, urls: make(map[string]*url)}
}

// Handlers are the resource types this service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{Type: handler{s}}
}

// Published is an endpoint as a client uses it.
type Published struct {
	Resource string // logical id of the AWS::Lambda::Url
	URL      string // "http://localhost:3001/"; https works on the same port
}

// Endpoints lists the URLs by address.
func (s *Service) Endpoints() []Published {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Published, 0, len(s.urls))
	for _, u := range s.urls {
		all = append(all, Published{Resource: u.logicalID, URL: "http://" + u.listener.Authority() + "/"})
	}
	slices.SortFunc(all, func(a, b Published) int { return strings.Compare(a.URL, b.URL) })
	return all
}

// Close closes the endpoints. Responses under way may end until ctx does.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	var all []*url
	for _, u := range s.urls {
		all = append(all, u)
	}
	clear(s.urls)
	s.mu.Unlock()
	errs := make([]error, len(all))
	var closing sync.WaitGroup
	for i, u := range all {
		closing.Go(func() { errs[i] = u.listener.Close(ctx) })
	}
	closing.Wait()
	return errors.Join(errs...)
}
