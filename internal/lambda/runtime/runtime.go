// Package runtime knows which command runs a function: the interpreter at hand
// for a runtime name, Suiro's own runtime client for Node.js, Python and Ruby
// (the part of AWS's managed runtimes that talks to the Runtime API and loads
// the handler), and the AWS SDK those runtimes bring along.
package runtime

import (
	"context"

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
}

// Command is what to start. Env is to be laid over the environment variables
// that Lambda itself defines (AWS_LAMBDA_RUNTIME_API, _HANDLER, …), which the
// caller sets.
type Command struct {
	Path string
	Args []string // without the program's own name
	Env  map[string]string
	// Notes are things to tell the user once: an old runtime name that runs on
	// a newer interpreter, an SDK that could not be fetched.
	Notes []string
}

// Config says where clients and SDKs are kept.
type Config struct {
	// CacheDir is a folder of ours, shared by all of a user's apps.
	CacheDir string
	// Journal hears of slow work. Nil: nobody.
	Journal *journal.Journal
}

// Runtimes finds commands. It is safe for concurrent use.
type Runtimes struct {
	cfg Config
}

// New makes Runtimes. Nothing is touched on disk before the first Command.
func New(cfg Config) *Runtimes { return &Runtimes{cfg: cfg} }

// Command says how to run f.
func (r *Runtimes) Command(ctx context.Context, f Function) (*Command, error) {
	return &Command{Path: f.Bootstrap}, nil
}

// Supply makes sure that the AWS SDK which AWS's runtime would supply to f is
// there. Command calls it; calling it earlier only saves time.
func (r *Runtimes) Supply(ctx context.Context, f Function) error { return nil }
