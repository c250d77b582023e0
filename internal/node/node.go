// Package node is one running Suiro: it makes the services, hands each what it
// needs of the others, applies the app's stacks, and stops everything in the
// opposite order. It is the only place that knows all services by name.
package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/stack"
	"github.com/suiro-dev/suiro/internal/template/serverless"
)

// Config says which app to run and how.
type Config struct {
	App       app.Options
	FirstPort int    // of the app's endpoints; 0 is 3000
	AWS       string // deny, passthrough, local: where calls to what does not run here go; "" is the settings'
	Fresh     bool   // empty the state folder first
	Install   bool   // fetch npm packages that are missing first
	Version   string
	// Tables is the URL of an outside DynamoDB; it goes before the settings'.
	Tables  string
	Journal *journal.Journal
}

// Node is a running app.
type Node struct {
	config   Config
	state    *app.State
	services *services
	bundler  *bundle.Builder

	mu     sync.Mutex // guards app and stacks; held over a reload
	app    *app.App
	stacks []*stack.Stack

	exports  stackSet
	settings *app.Settings // those of the start

	stopWatch context.CancelFunc
	watching  sync.WaitGroup
}

// Start runs an app. It returns when every endpoint answers. The messages are
// about the user's files, also when the error is nil; an error that is about
// the user's files is a diag.List or *diag.Message.
func Start(ctx context.Context, c Config) (*Node, diag.List, error) {
	n := &Node{config: c}
	n.bundler = newBundler(c.Journal)
	c.App.Bundler = n.bundler
	c.App.Cache = new(serverless.Cache)
	c.App.Journal = c.Journal
	n.config.App = c.App
	if c.Install {
		dir, err := app.Folder(c.App.Path)
		if err == nil {
			err = bundle.Install(ctx, dir, c.Journal)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	loaded, msgs := app.Load(ctx, c.App)
	if msgs.HasErrors() {
		return nil, msgs, msgs
	}
	n.app, n.settings = loaded, loaded.Settings
	if err := n.open(ctx); err != nil {
		n.abandon()
		return nil, msgs, err
	}
	applied, err := n.apply(ctx, loaded)
	msgs.Add(applied...)
	msgs = msgs.Sorted()
	if err != nil {
		n.abandon()
		return nil, msgs, err
	}
	n.services.front.Admit()
	n.services.lambda.ResumeEvents()
	n.remember()
	n.watch()
	return n, msgs, nil
}

func (n *Node) open(ctx context.Context) error {
	state, err := app.OpenState(n.app.StateDir)
	if err != nil {
		return err
	}
	n.state = state
	_ = os.Remove(filepath.Join(state.Dir, readyFile)) // of a Suiro that was killed
	if n.config.Fresh {
		if err := state.Remove(); err != nil {
			return err
		}
	}
	n.services, err = openServices(ctx, n)
	return err
}

// abandon stops what a failed start left.
func (n *Node) abandon() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing is worth draining
	_ = n.Close(ctx)
}

// Close drains and stops everything, and waits for it until ctx ends; then it
// stops what is left at once.
func (n *Node) Close(ctx context.Context) error {
	if n.stopWatch != nil {
		n.stopWatch()
		n.watching.Wait()
	}
	var errs []error
	if n.services != nil {
		errs = append(errs, n.services.close(ctx))
	}
	if n.state != nil {
		_ = os.Remove(filepath.Join(n.state.Dir, readyFile))
		errs = append(errs, n.state.Close())
	}
	return errors.Join(errs...)
}

// apply makes the app's stacks real, in their order. A stack that is gone from
// the app is deleted.
func (n *Node) apply(ctx context.Context, a *app.App) (diag.List, error) {
	var msgs diag.List
	var errs []error
	kept := make(map[string]*stack.Stack)
	for _, s := range n.stacks {
		kept[s.Name()] = s
	}
	stacks := make([]*stack.Stack, 0, len(a.Stacks))
	for _, as := range a.Stacks {
		s := kept[as.Identity.Name]
		if s == nil {
			s = n.newStack(as.Identity, as.Parameters)
			n.exports.add(s)
		}
		stacks = append(stacks, s)
		ms, err := s.Apply(ctx, as.Template)
		msgs.Add(ms...)
		errs = append(errs, err)
	}
	n.stacks = stacks
	n.services.gateway.Deploy()
	return msgs, errors.Join(errs...)
}

func (n *Node) newStack(id resource.Stack, parameters map[string]string) *stack.Stack {
	return stack.New(stack.Config{
		Identity:   id,
		Parameters: parameters,
		Handler:    n.services.handler,
		Import:     n.exports.export,
		Dynamic:    n.dynamic,
		Localize:   n.services.front.Localize,
	})
}

// newNestedStack makes a stack that another one holds.
func (n *Node) newNestedStack(id resource.Stack, parameters map[string]string) *stack.Stack {
	s := n.newStack(id, parameters)
	n.exports.add(s)
	return s
}

// dynamic answers {{resolve:…}}: from what the app made or put, else from the
// settings, where values of other stacks are given.
func (n *Node) dynamic(service, key string) (*document.Node, bool) {
	lookup := n.services.ssm.Lookup
	if service == "secretsmanager" {
		lookup = n.services.secrets.Lookup
	}
	if v, ok := lookup(key); ok {
		return v, true
	}
	if text, ok := n.settings.Variables[service+":"+key]; ok {
		return document.Str(text, diag.Position{}), true
	}
	return nil, false
}

// stackSet is where Fn::ImportValue looks: all stacks of the app.
type stackSet struct {
	mu     sync.Mutex
	stacks []*stack.Stack
}

func (s *stackSet) add(one *stack.Stack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stacks = append(s.stacks, one)
}

func (s *stackSet) export(name string) (*document.Node, bool) {
	s.mu.Lock()
	stacks := slices.Clone(s.stacks)
	s.mu.Unlock()
	for _, one := range stacks {
		if v, ok := one.Export(name); ok {
			return v, true
		}
	}
	return nil, false
}

// cacheDir is where builds, interpreters' SDKs and runtime clients are kept,
// once per user.
func cacheDir() string {
	if dir := os.Getenv("SUIRO_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("suiro-cache-%d", os.Getuid()))
		return dir
	}
	return filepath.Join(dir, "suiro")
}

// ConfigDir is where the user's local certificate authority is kept.
func ConfigDir() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		dir = cacheDir()
	}
	return filepath.Join(dir, "suiro")
}

func newBundler(j *journal.Journal) *bundle.Builder {
	return bundle.New(bundle.Config{CacheDir: filepath.Join(cacheDir(), "builds"), Journal: j})
}

// handlerOf returns what runs a type: a service, or a stand-in that says that
// none does.
func handlerOf(served map[string]resource.Handler, resourceType string) resource.Handler {
	if h := served[resourceType]; h != nil {
		return h
	}
	if strings.HasPrefix(resourceType, customPrefix) && served[customType] != nil {
		return served[customType]
	}
	return inert{resourceType: resourceType, why: accepted[resourceType]}
}
