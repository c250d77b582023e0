// Package lambda is the Lambda service: functions, their versions, aliases,
// layers and permissions as resources; the door [invoke.Invoker] through which
// every other service calls a function; and the part of Lambda's own API that
// apps use.
//
// A function's code is built when the function is made, so that an app that is
// ready is ready. Its execution environments (package environment) are kept in
// a pool: one event at a time in each, as many as concurrency asks for, the
// one used most first, idle ones ended after a while. When code changes,
// running invocations finish in the environments they began in and new ones
// get new environments.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/api"
	"github.com/suiro-dev/suiro/internal/lambda/async"
	"github.com/suiro-dev/suiro/internal/lambda/layer"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/process"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/store"
)

// Builder makes a function's code runnable; *bundle.Builder is one.
type Builder interface {
	Build(ctx context.Context, f bundle.Function) (*bundle.Runnable, error)
	layer.Builder
}

// Runtimes finds the command that runs a function; *runtime.Runtimes is one.
type Runtimes interface {
	Command(ctx context.Context, f runtime.Function) (*runtime.Command, error)
	NodePreload(ctx context.Context) (string, error)
}

// FunctionInfo is what others learn of a function.
type FunctionInfo struct {
	LogicalID string
	Name      string
	ARN       string // unqualified
	Qualifier string // that it was looked up with, may be empty
	Version   string // "$LATEST" or a number
	Role      string // ARN of the execution role, may be empty
	Runtime   string
	Server    bool // an HTTP server behind the web adapter
	Region    string
	AccountID string
}

// Config makes a Service. Builder and Runtimes are needed; everything else has
// a default.
type Config struct {
	// Keeper starts the functions' processes; nil is one of the service's own.
	Keeper   *process.Keeper
	Builder  Builder
	Runtimes Runtimes
	// Images builds functions that are container images; nil: they are refused.
	Images  Images
	Journal *journal.Journal
	// Starts says by logical id what runs in place of a container image.
	Starts map[string]Start
	// Region and AccountID are those of the Lambda API's ARNs; functions have
	// their stack's.
	Region    string
	AccountID string
	// Environ gives the variables by which a function finds Suiro: endpoints,
	// certificates, credentials of its role. The function's own variables win
	// over those that AWS lets them set.
	Environ func(FunctionInfo) map[string]string
	// Localize rewrites AWS host names in values of environment variables to
	// names that answer here. It is called when a process starts.
	Localize func(string) string
	// MaxConcurrency is how many environments one function may have at once;
	// further calls wait. 0 is 50 (AWS: 1,000 for an account).
	MaxConcurrency int
	// IdleTimeout is how long an environment may stand idle; 0 is 10 minutes.
	IdleTimeout time.Duration
	// InitTimeout is the limit of the init phase; 0 is AWS's 10 seconds.
	InitTimeout time.Duration
	// Warm starts one environment of each function when it is made.
	Warm bool
	// MemoryLimits kills a process whose resident size passes its function's
	// MemorySize. Off by default: interpreters need more here than on AWS.
	MemoryLimits bool
	// StreamLimits holds streamed responses to AWS's speed and size.
	StreamLimits bool
	// patience is what tests give to pools, which must not depend on how busy
	// the machine is; 0 is finishing.
	patience time.Duration
	// TempDir holds the environments' own TMPDIR folders; "" is the system's.
	TempDir string
	// Store keeps asynchronous events; nil keeps them in memory.
	Store *store.Store
	// Authenticator and Authorizer guard the Lambda API; nil lets everyone in.
	Authenticator awsapi.Authenticator
	Authorizer    awsapi.Authorizer
}

// Service is Lambda. It is safe for concurrent use.
type Service struct {
	cfg     Config
	api     *api.Handler
	closing chan struct{} // closed when Close begins
	closed  sync.Once
	work    sync.WaitGroup

	mu        sync.Mutex
	keeper    *process.Keeper      // nil until the first function
	events    *async.Queues        // made with it
	memory    *store.Store         // nil when Config has a store
	functions map[string]*function // by name
	layers    *layer.Registry
	ending    bool
}

// New makes the service. Nothing runs before the first function is made; Close
// ends what does.
func New(cfg Config) *Service {
	if cfg.MaxConcurrency == 0 {
		cfg.MaxConcurrency = 50
	}
	if cfg.patience == 0 {
		cfg.patience = finishing
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = 10 * time.Minute
	}
	if cfg.Environ == nil {
		cfg.Environ = func(FunctionInfo) map[string]string { return nil }
	}
	if cfg.Localize == nil {
		cfg.Localize = func(s string) string { return s }
	}
	if cfg.TempDir == "" {
		cfg.TempDir = os.TempDir()
	}
	s := &Service{
		cfg:       cfg,
		closing:   make(chan struct{}),
		functions: make(map[string]*function),
		layers:    layer.NewRegistry(cfg.Builder),
	}
	s.api = api.New(api.Config{Functions: served{s}, Authenticator: cfg.Authenticator, Authorizer: cfg.Authorizer})
	return s
}

// start prepares what running functions need, once: a service that only checks
// templates starts nothing.
func (s *Service) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending:
		return errPoolClosed
	case s.keeper != nil:
		return nil
	}
	k := s.cfg.Keeper
	if k == nil {
		var err error
		if k, err = process.NewKeeper(); err != nil {
			return fmt.Errorf("prepare to start processes: %w", err)
		}
	}
	if err := s.openEvents(); err != nil {
		return errors.Join(err, s.closeKeeper(canceled(), k))
	}
	s.keeper = k
	s.work.Go(s.reap)
	return nil
}

// closeKeeper ends a keeper of the service's own.
func (s *Service) closeKeeper(ctx context.Context, k *process.Keeper) error {
	if k == nil || s.cfg.Keeper != nil {
		return nil
	}
	return k.Close(context.WithoutCancel(ctx)) // killing does not take long
}

// Handlers are the resource types the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{
		"AWS::Lambda::Function":               functionHandler{s},
		"AWS::Lambda::Version":                versionHandler{s},
		"AWS::Lambda::Alias":                  aliasHandler{s},
		"AWS::Lambda::Permission":             permissionHandler{s},
		"AWS::Lambda::EventInvokeConfig":      eventInvokeHandler{s},
		"AWS::Lambda::LayerVersion":           s.layers.Handler(),
		"AWS::Lambda::LayerVersionPermission": layer.PermissionHandler{},
	}
}

// Sources tells, by logical id, which files and folders a function was made
// from; when one changes, call Rebuild.
func (s *Service) Sources() map[string][]string {
	out := make(map[string][]string)
	for _, fn := range s.all() {
		rev := fn.current()
		out[fn.logicalID] = append(append(out[fn.logicalID], rev.runnable.Sources...), rev.layers.Sources()...)
	}
	return out
}

// FunctionNames are the functions' names by logical id.
func (s *Service) FunctionNames() map[string]string {
	out := make(map[string]string)
	for _, fn := range s.all() {
		out[fn.logicalID] = fn.name
	}
	return out
}

// Rebuild builds functions again, by logical id. Those whose code is another
// one now get new environments; one that fails keeps the version it has, and
// the error says so. Functions are built at the same time.
func (s *Service) Rebuild(ctx context.Context, logicalIDs []string) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, fn := range s.all() {
		if !slices.Contains(logicalIDs, fn.logicalID) {
			continue
		}
		group.Go(func() {
			if err := fn.rebuild(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("%s keeps its old code: %w", fn.logicalID, err))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// all lists the functions in the order of their names.
func (s *Service) all() []*function {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*function, 0, len(s.functions))
	for _, fn := range s.functions {
		out = append(out, fn)
	}
	slices.SortFunc(out, func(a, b *function) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return out
}

// function finds a function by its name; nil when there is none.
func (s *Service) function(name string) *function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[name]
}

// Close lets running invocations finish until ctx ends, then stops every
// environment. Events still in a queue wait for the next start.
func (s *Service) Close(ctx context.Context) error {
	s.closed.Do(func() { close(s.closing) })
	s.mu.Lock()
	s.ending = true
	events := s.events
	s.mu.Unlock()
	if events != nil {
		events.Stop()
	}
	var group sync.WaitGroup
	for _, fn := range s.all() {
		group.Go(func() { fn.pool.close(ctx) })
	}
	group.Wait()
	s.work.Wait()
	if events != nil {
		events.Close()
	}
	s.mu.Lock()
	k := s.keeper
	s.mu.Unlock()
	err := s.closeKeeper(ctx, k)
	if s.memory != nil {
		err = errors.Join(err, s.memory.Close())
	}
	return err
}

// reap ends environments that stand idle for too long.
func (s *Service) reap() {
	tick := time.NewTicker(max(s.cfg.IdleTimeout/4, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-tick.C:
			for _, fn := range s.all() {
				fn.pool.reap(s.cfg.IdleTimeout)
			}
		}
	}
}
