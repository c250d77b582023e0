// Package runtime knows which command runs a function: the interpreter at hand
// for a runtime name, Suiro's own runtime client for Node.js, Python and Ruby
// (the part of AWS's managed runtimes that talks to the Runtime API and loads
// the handler), and the AWS SDK that those runtimes bring along.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// Function is a function whose code is ready to run (see package bundle).
type Function struct {
	Name    string // function name, for messages
	Runtime string // nodejs22.x, provided.al2023, …
	Handler string
	// Root is the task root; Bootstrap the program, for functions that are one.
	Root      string
	Bootstrap string
	// Layers are the folders of the layers, in their order.
	Layers []string
	// PublicLayers are the ARNs of all its layers: some that this machine does
	// not have have a stand-in (PublicLayer).
	PublicLayers []string
}

// Command is what to start. Env is to be laid over the environment variables
// that Lambda itself defines (AWS_LAMBDA_RUNTIME_API, _HANDLER, …), which the
// caller sets. A path list in Env (NODE_PATH, GEM_PATH) is complete: layers go
// before it.
type Command struct {
	Path string
	Args []string // without the program's own name
	Env  map[string]string
	// Notes are things to tell the user, each handed out once: an old runtime
	// name that runs on a newer interpreter, an SDK that could not be fetched.
	Notes []string
}

// Config says where clients and SDKs are kept.
type Config struct {
	// CacheDir is a folder of ours, shared by all of a user's apps.
	CacheDir string
	// Journal hears of slow work. Nil: nobody.
	Journal *journal.Journal
	// Ways is asked when a Java command is made; nil: nothing to tell. Other
	// languages learn both from environment variables.
	Ways func() Ways
}

// Ways are how functions reach the AWS that is here.
type Ways struct {
	// Authority is a file with a certificate that functions must trust; Proxy
	// the host:port that stands for AWS's own host names. Empty: none.
	Authority, Proxy string
}

// Runtimes finds commands. It is safe for concurrent use.
type Runtimes struct {
	cache        *cache.Cache
	interpreters *bundle.Interpreters
	supplies     supplies
	javas        javas
	ways         func() Ways

	mu    sync.Mutex
	noted map[string]bool
	// clientDir is where the runtime clients were written.
	clientDir string
}

// New makes Runtimes. Nothing is touched on disk before the first Command.
func New(cfg Config) *Runtimes {
	return &Runtimes{
		cache:        cache.New(cfg.CacheDir, cfg.Journal),
		interpreters: bundle.NewInterpreters(cfg.CacheDir),
		noted:        map[string]bool{},
		ways:         cfg.Ways,
	}
}

// Command says how to run f. It calls Supply; when the SDK cannot be supplied
// the function starts all the same, with a note that says what would help.
func (r *Runtimes) Command(ctx context.Context, f Function) (*Command, error) {
	name := parseName(f.Runtime)
	switch name.language {
	case "":
		return nil, f.errorf("Suiro does not know the runtime %q", f.Runtime).
			WithHint("use a nodejs, python, ruby, java or provided runtime")
	case "java":
		return r.java(ctx, f, name)
	case "dotnet":
		return nil, f.errorf("Suiro does not run %s functions yet", f.Runtime).
			WithHint("package the function as a program for provided.al2023, or leave it out")
	case "program":
		return program(f)
	}
	interpreter, err := r.interpreters.Find(ctx, name.language, name.version, f.Root)
	var missing *bundle.MissingInterpreter
	if errors.As(err, &missing) {
		return nil, f.errorf("%s needs %s, which is not installed", f.Runtime, title[name.language]).
			WithHint("%s", missing.Install())
	}
	if err != nil {
		return nil, err
	}
	client, err := r.client(ctx)
	if err != nil {
		return nil, err
	}
	c := &Command{
		Path: interpreter.Path,
		Env:  map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_" + f.Runtime},
	}
	if !name.matches(interpreter.Version) {
		c.Notes = r.once(c.Notes, fmt.Sprintf("%s runs on %s %s, the nearest one in PATH", f.Runtime, title[name.language], interpreter.Version))
	}
	supplied, err := r.supply(ctx, f, name, interpreter)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		c.Notes = r.once(c.Notes, err.Error())
	}
	switch name.language {
	case "node":
		c.node(f, client, supplied)
	case "python":
		c.Args = []string{filepath.Join(client, "python", "main.py")}
		if supplied != "" {
			c.Env["_SUIRO_PYTHON_SDK"] = supplied
		}
	case "ruby":
		c.ruby(f, client, supplied)
	}
	return c, nil
}

// Supply makes sure that the AWS SDK which AWS's runtime would supply to f is
// there. Command does it too; calling Supply earlier only moves the wait.
func (r *Runtimes) Supply(ctx context.Context, f Function) error {
	name := parseName(f.Runtime)
	if name.language != "node" && name.language != "python" && name.language != "ruby" {
		return nil
	}
	interpreter, err := r.interpreters.Find(ctx, name.language, name.version, f.Root)
	if err != nil {
		return err
	}
	_, err = r.supply(ctx, f, name, interpreter)
	return err
}

// node completes the command for Node.js. The task root is in NODE_PATH, as it
// is on Lambda (Using Lambda environment variables).
func (c *Command) node(f Function, client, supplied string) {
	if h, ok := bundle.ParseHandler(f.Handler); ok {
		// A bundle of ours has its map beside it: errors then name the source.
		if _, err := os.Stat(filepath.Join(f.Root, filepath.FromSlash(h.Module)+".js.map")); err == nil {
			c.Args = append(c.Args, "--enable-source-maps")
		}
	}
	c.Args = append(c.Args, filepath.Join(client, "node", "main.js"))
	path := []string{f.Root}
	if supplied != "" {
		path = []string{supplied, f.Root}
	}
	c.Env["NODE_PATH"] = strings.Join(path, string(os.PathListSeparator))
}

// ruby completes the command for Ruby. Lambda finds gems under vendor/bundle.
func (c *Command) ruby(f Function, client, supplied string) {
	c.Args = []string{filepath.Join(client, "ruby", "main.rb")}
	path, _ := filepath.Glob(filepath.Join(f.Root, "vendor", "bundle", "ruby", "*"))
	if supplied != "" {
		path = append(path, supplied)
	}
	if len(path) > 0 {
		if own := os.Getenv("GEM_PATH"); own != "" {
			path = append(path, own)
		}
		c.Env["GEM_PATH"] = strings.Join(path, string(os.PathListSeparator))
	}
}

// program runs the function's own program.
func program(f Function) (*Command, error) {
	path := f.Bootstrap
	if path == "" {
		path = filepath.Join(f.Root, "bootstrap")
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return nil, f.errorf("%s has no program %s", f.Runtime, path).
			WithHint("a %s function is a program named bootstrap in its code folder", f.Runtime)
	}
	return &Command{Path: path}, nil
}

// once appends a note that was not handed out before.
func (r *Runtimes) once(notes []string, note string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noted[note] {
		return notes
	}
	r.noted[note] = true
	return append(notes, note)
}

func (f Function) errorf(format string, args ...any) *diag.Message {
	return diag.Errorf(diag.Position{}, f.Name, format, args...)
}
