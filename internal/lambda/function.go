package lambda

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/async"
	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/lambda/layer"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/lambda/webadapter"
	"github.com/suiro-dev/suiro/internal/process"
	"github.com/suiro-dev/suiro/internal/resource"
)

// function is one function that exists.
type function struct {
	service   *Service
	stack     resource.Stack
	logicalID string
	name      string
	arn       string // unqualified
	pool      *pool

	building sync.Mutex // held while code is built, one build at a time

	mu          sync.Mutex
	revision    *revision
	versions    map[string]string // number to description, of published versions
	lastVersion int
	aliases     map[string]string     // name to version
	permissions map[string]permission // by logical id of the resource
	async       *async.EventConfigs
	noted       map[string]bool // notes of runtimes said already
}

// revision is a function's configuration with the code it runs. It never
// changes; a new one takes its place.
type revision struct {
	settings
	runnable *bundle.Runnable
	command  *runtime.Command
	layers   layer.List          // found, in the order given
	adapter  *webadapter.Adapter // of a function that is an HTTP server
	protocol protocol
	modified time.Time
	// environ is what its first environment was given: others hold the same
	// strings, of which there may be thousands of bytes for each.
	environ atomic.Pointer[[]string]
}

func (s *Service) newFunction(spec resource.Spec, name string) *function {
	fn := &function{
		service:     s,
		stack:       spec.Stack,
		logicalID:   spec.LogicalID,
		name:        name,
		arn:         spec.Stack.ARN("lambda", "function:"+name),
		versions:    make(map[string]string),
		aliases:     make(map[string]string),
		permissions: make(map[string]permission),
		async:       async.NewEventConfigs(),
		noted:       make(map[string]bool),
	}
	fn.pool = &pool{open: fn.open, most: s.cfg.MaxConcurrency, starts: max(4, 2*goruntime.GOMAXPROCS(0)), patience: s.cfg.patience, busy: make(map[*slot]struct{}), reserved: -1}
	return fn
}

func (fn *function) current() *revision {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	return fn.revision
}

// deploy builds the code that settings ask for and lets it take over.
func (fn *function) deploy(ctx context.Context, set settings) error {
	fn.building.Lock()
	defer fn.building.Unlock()
	rev, err := fn.build(ctx, set)
	if err != nil {
		return err
	}
	fn.install(rev)
	return nil
}

// rebuild builds the same settings again.
func (fn *function) rebuild(ctx context.Context) error {
	fn.building.Lock()
	defer fn.building.Unlock()
	old := fn.current()
	rev, err := fn.build(ctx, old.settings)
	if err != nil {
		return err
	}
	if rev.runnable.Hash != "" && rev.runnable.Hash == old.runnable.Hash && len(rev.layers) == 0 {
		return nil // the change made no difference
	}
	fn.install(rev)
	return nil
}

func (fn *function) build(ctx context.Context, set settings) (*revision, error) {
	if set.image != nil {
		return fn.buildImage(ctx, set)
	}
	layers, err := fn.service.layers.Find(ctx, set.layers)
	if err != nil {
		return nil, err
	}
	code := set.code
	code.LayerProgram = layers.File("bootstrap")
	runnable, err := fn.service.cfg.Builder.Build(ctx, code)
	if err != nil {
		return nil, err
	}
	check := checkHandler
	if set.isServer(layers) {
		check = checkServer
	}
	if m := check(set, runnable.Root); m != nil {
		return nil, m
	}
	command, err := fn.service.cfg.Runtimes.Command(ctx, runtime.Function{
		Name: fn.name, Runtime: set.runtime, Handler: set.handler, Root: runnable.Root, Bootstrap: runnable.Bootstrap,
		Layers: layers.Dirs(), PublicLayers: set.layers,
	})
	if err != nil {
		return nil, fn.at(set, err)
	}
	fn.note(command.Notes)
	rev := &revision{
		settings: set,
		runnable: runnable,
		command:  command,
		layers:   layers,
		modified: time.Now(),
	}
	fn.adapt(rev)
	return rev, nil
}

// at gives an error the function's place in the template, if it has none.
func (fn *function) at(set settings, err error) *diag.Message {
	var m *diag.Message
	if !errors.As(err, &m) {
		return diag.Errorf(set.code.Pos, fn.logicalID, "%v", err)
	}
	if m.Position.IsZero() {
		placed := *m
		placed.Position, placed.Key = set.code.Pos, fn.logicalID
		return &placed
	}
	return m
}

// note tells the user what a runtime has to say, each thing once.
func (fn *function) note(notes []string) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	for _, text := range notes {
		if !fn.noted[text] {
			fn.noted[text] = true
			fn.service.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: fn.logicalID, Function: fn.name, Text: text})
		}
	}
}

func (fn *function) install(rev *revision) {
	fn.mu.Lock()
	fn.revision = rev
	fn.mu.Unlock()
	most := max(fn.service.cfg.MaxConcurrency, rev.reserved) // whoever reserves more has it
	if rev.adapter != nil {
		most = 1 // until its first environment is ready
	}
	fn.pool.replace(rev, rev.reserved)
	fn.pool.limit(most)
	if fn.service.cfg.Warm {
		fn.pool.warm()
	}
}

// open makes an execution environment; it is the pool's open.
func (fn *function) open(rev *revision, version string, idle, started func(*environment.Environment)) (*environment.Environment, error) {
	temp, err := os.MkdirTemp(fn.service.cfg.TempDir, "suiro-"+fn.logicalID+"-")
	if err != nil {
		return nil, &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error()}
	}
	o := &layer.Opt{}
	clean := func() { _ = os.RemoveAll(temp); o.Remove() }
	env, err := fn.openIn(rev, version, temp, o, idle, started, clean)
	if err != nil {
		clean()
		return nil, &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error()}
	}
	return env, nil
}

// openIn makes it with a folder of its own; closed is called at its end.
func (fn *function) openIn(rev *revision, version, temp string, o *layer.Opt, idle, started func(*environment.Environment), closed func()) (*environment.Environment, error) {
	if err := o.Open(rev.layers, temp); err != nil {
		return nil, err
	}
	c := process.Command{
		Path:   rev.command.Path,
		Args:   rev.command.Args,
		Dir:    rev.runnable.Root,
		Env:    fn.environ(rev, version, temp),
		Mounts: o.Mounts,
	}
	without := ""
	if rev.adapter != nil {
		without = filepath.Base(webadapter.Extension)
	}
	extensions := rev.layers.Extensions(c, without)
	var bridge environment.Bridge
	if rev.adapter != nil {
		bridge = rev.adapter.Bridge(version)
		var err error
		if c, err = fn.serverCommand(rev, c); err != nil {
			return nil, err
		}
	}
	rev.wrap(&c)
	if fn.service.cfg.MemoryLimits {
		c.MemoryLimit = int64(rev.memorySize) << 20
	}
	return environment.New(environment.Config{
		Function: environment.Function{
			LogicalID: fn.logicalID, Name: fn.name, Version: version, Runtime: rev.runtime, Handler: rev.handler,
			AccountID: fn.stack.AccountID, MemorySize: rev.memorySize, Timeout: rev.timeout,
		},
		Command:     c,
		Extensions:  extensions,
		RPC:         rev.adapter == nil && rev.protocol.isRPC(rev.runnable.Bootstrap),
		Bridge:      bridge,
		Keeper:      fn.service.keeper, // set since the function exists
		Journal:     fn.service.cfg.Journal,
		InitTimeout: fn.service.cfg.InitTimeout,
		Idle:        idle,
		Started:     started,
		Closed:      closed,
	})
}

// version finds the version that a qualifier means.
func (fn *function) version(qualifier string) (string, error) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if qualifier == "" || qualifier == latest {
		return latest, nil
	}
	if _, ok := fn.versions[qualifier]; ok {
		return qualifier, nil
	}
	if v, ok := fn.aliases[qualifier]; ok {
		return v, nil
	}
	return "", notFound(fn.service, reference{name: fn.name, qualifier: qualifier, region: fn.stack.Region, accountID: fn.stack.AccountID})
}

// publish makes a version. Its code is the function's, also later: a local
// reload reaches every version, unlike on AWS, where each keeps its own.
func (fn *function) publish(description string) string {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.lastVersion++
	number := strconv.Itoa(fn.lastVersion)
	fn.versions[number] = description
	return number
}

func (fn *function) info(version string) FunctionInfo {
	rev := fn.current()
	return FunctionInfo{
		LogicalID: fn.logicalID, Name: fn.name, ARN: fn.arn, Version: version, Role: rev.role,
		Runtime: rev.runtime, Server: rev.adapter != nil, Region: fn.stack.Region, AccountID: fn.stack.AccountID,
	}
}
