// Package apigateway owns the AWS::ApiGatewayV2 resource types: it keeps what a
// template says of an API (routes, integrations, stages, authorizers, custom
// domains), makes one [websocketapi.Definition] of it, and opens one endpoint
// for each WebSocket API, whose stages are path prefixes as on AWS.
//
// A stage serves a deployment, which is the API as it was when the deployment
// was made; or, with AutoDeploy, the API as it is. Records change one by one
// while a template is applied; [Service.Deploy], at its end, makes the new
// deployments and lets every stage serve what it now has, at once.
package apigateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Endpoint is what a service asks the front for: a port of its own.
type Endpoint struct {
	Resource string // logical id
	Kind     string // "websocket"
	Port     int    // 0: the front's choice
	Handler  http.Handler
	// Direct tells from a request line which requests are answered at once from
	// their whole body.
	Direct func(line []byte) bool
	Hosts  []string // AWS host names that stand for it
}

// Listener is an endpoint that is open.
type Listener interface {
	Authority() string // "localhost:3001"
	Port() int
	Close(ctx context.Context) error
}

// Config is what the service needs of others.
type Config struct {
	Invoker invoke.Starter
	Open    func(ctx context.Context, e Endpoint) (Listener, error)
	// Connections finds sockets for pushes; nil is this node alone.
	Connections cluster.Connections
	// Action calls another AWS service for integrations of type AWS; nil:
	// there is none.
	Action        func(ctx context.Context, action *websocketapi.Action) (*websocketapi.ActionAnswer, error)
	Authenticator awsapi.Authenticator  // nil: signatures are not asked for
	Authorizer    websocketapi.Policies // nil: policies are not asked
	// Evaluate decides by the policy that a Lambda authorizer returned.
	Evaluate func(policy *document.Node, action, resourceARN string, r *http.Request) (websocketapi.Decision, error)
	Journal  *journal.Journal

	Region, AccountID string
	// IdleTimeout and MaxAge of sockets; zero is AWS's 10 minutes and 2 hours.
	IdleTimeout, MaxAge time.Duration
	PingsKeepAlive      bool
	// RawHeader returns a request's header as the client spelled it, which
	// events show; nil is the usual spelling.
	RawHeader func(*http.Request) []websocketapi.Field
}

// Service holds the APIs of a node. Its handlers may be used at the same time.
type Service struct {
	config Config

	mu      sync.Mutex
	apis    map[string]*api // by id
	domains map[string]bool // custom domain names, lower case
	usage   usage
}

// New makes a service without APIs.
func New(c Config) *Service {
	if c.Connections == nil {
		c.Connections = cluster.NewLocal()
	}
	return &Service{config: c, apis: map[string]*api{}, domains: map[string]bool{}}
}

// Handlers are the resource types this service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	h := map[string]resource.Handler{
		typeAPI:        &apiHandler{s},
		typeDomainName: &domainHandler{s},
		typeVpcLink:    &linkHandler{},

		typeAPIKey:       &usageHandler{s, apiKeySchema, (*Service).putKey},
		typeUsagePlan:    &usageHandler{s, usagePlanSchema, (*Service).putPlan},
		typeUsagePlanKey: &usageHandler{s, usagePlanKeySchema, (*Service).putPlanKey},
	}
	for name, k := range kinds {
		h[name] = &recordHandler{service: s, kind: k}
	}
	return h
}

// Published is an endpoint as a client uses it.
type Published struct {
	Resource string // the API's logical id
	Kind     string // "websocket"
	Stage    string // "" when the API has no deployed stage
	URL      string // "ws://localhost:3001/dev"; wss works on the same port
	Port     int
}

// Endpoints lists every deployed stage, by port and stage name.
func (s *Service) Endpoints() []Published {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Published
	for _, a := range s.apis {
		if a.listener == nil {
			continue
		}
		p := Published{Resource: a.spec.LogicalID, Kind: kindWebSocket, URL: "ws://" + a.listener.Authority() + "/", Port: a.listener.Port()}
		stages := a.stages()
		if len(stages) == 0 {
			all = append(all, p)
		}
		for _, stage := range stages {
			one := p
			one.Stage, one.URL = stage.Name, p.URL+stage.Name
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Published) int {
		if a.Port != b.Port {
			return a.Port - b.Port
		}
		return strings.Compare(a.Stage, b.Stage)
	})
	return all
}

// Metrics are what CloudWatch would hold of each WebSocket API, by its id.
func (s *Service) Metrics() map[string][]websocketapi.Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]websocketapi.Metrics{}
	for id, a := range s.apis {
		if a.data != nil {
			all[id] = a.data.Metrics()
		}
	}
	return all
}

// ServeHTTP serves requests that come in elsewhere than at an API's own port,
// by their Host: "{api}.execute-api.…" or a custom domain.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.byHost(r.Host); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	awsapi.WriteError(w, &awsapi.Error{Status: http.StatusForbidden, Code: "ForbiddenException", Message: "Forbidden"}, awsapi.RESTJSON)
}

func (s *Service) byHost(host string) http.Handler {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	id, _, _ := strings.Cut(host, ".execute-api.")
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apis[id]; a != nil && a.data != nil {
		return a.data
	}
	for _, a := range s.apis {
		if a.data != nil && a.mappings()[host] != nil {
			return a.data
		}
	}
	return nil
}

// Close closes every socket with 1001, runs each one's $disconnect, and then
// closes the endpoints; what is not done when ctx ends is given up.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	var all []*api
	for _, a := range s.apis {
		all = append(all, a)
	}
	clear(s.apis)
	s.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, a := range all {
		wg.Go(func() { errs[i] = a.close(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
