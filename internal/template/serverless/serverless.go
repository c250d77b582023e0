// Package serverless reads a Serverless Framework service (serverless.yml and
// its JSON, JavaScript and TypeScript forms) into the CloudFormation template
// that `serverless package` would have made of it, positions kept.
//
// The way of a service through the package: the file is read (read.go, or
// script.go when it is code), its variables are resolved (package variable,
// asking the sources of sources.go), and what it says is turned into resources
// (compile.go and a file per kind of event) with the framework's own logical
// ids (naming.go), because users write those ids in their `resources`.
//
// Nothing is packaged: a function's Code names the folder or archive it lies
// in, and its Metadata says whether a bundler has to make something runnable
// of it. The deployment bucket is left out unless the service refers to it.
package serverless

import (
	"context"
	"slices"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Options is what the outside adds to the file. The zero value reads a plain
// serverless.yml with an empty environment.
type Options struct {
	// Stage and Region come from the command line; empty means the file's
	// own, else "dev" and "us-east-1" as the framework has it.
	Stage, Region string
	// Params are the --param k=v pairs, CLI every other ${opt:...}.
	Params map[string]string
	CLI    map[string]string
	// Env looks up the process environment. Load reads .env files itself.
	Env func(string) (string, bool)
	// AccountID answers ${aws:accountId}; empty means 000000000000.
	AccountID string
	// Node is the path of the node binary; empty means the one on PATH.
	Node string
	// Outputs are local values for what lives on AWS: the key is the whole
	// variable without its braces ("cf:stack.Out", "ssm:/path"). A value that
	// is a JSON object or list counts as one.
	Outputs map[string]string
	// Bundler makes code configuration runnable; without one, .ts files are
	// refused and .js, .cjs and .mjs run as they stand.
	Bundler Bundler
	// Cache keeps what a code configuration evaluated to, for reloads where
	// neither it nor the environment changed; nil evaluates it every time.
	Cache *Cache
}

// Bundler turns a configuration written as code into one CommonJS module for
// node: packages stay external, path aliases of tsconfig.json are honoured,
// and __dirname, __filename and import.meta of every source file are those of
// the source file (handler paths are built from them). files lists every
// source that went in, the entry first.
type Bundler interface {
	Config(ctx context.Context, file string) (js []byte, files []string, err error)
}

// Service is a read service.
type Service struct {
	Name, Stage, Region string
	// Stack is the name of the CloudFormation stack, Parameters the values
	// that provider.stackParameters gives for its parameters.
	Stack      string
	Parameters map[string]string
	// Root is the CloudFormation template, intrinsics unresolved.
	Root *document.Node
	// Dir is the service's folder; local paths in Root are relative to it.
	Dir string
	// Files are all files read to get here: what to watch.
	Files []string
	// DotEnv holds what the .env files said.
	DotEnv map[string]string
	// Logical maps a function's key to the logical id of its Lambda function.
	Logical map[string]string
}

// Load reads the service at path: a configuration file, or a folder that holds
// one. When the list has errors, the service holds only Dir and Files: what to
// watch until it is repaired.
func Load(ctx context.Context, path string, o Options) (*Service, diag.List) {
	l := &loader{ctx: ctx, o: o, dotEnv: map[string]string{}, parsed: map[string]*document.Node{}}
	defer l.close()
	svc := l.load(path)
	msgs := l.msgs.Sorted()
	slices.Sort(l.files)
	if svc == nil || msgs.HasErrors() {
		svc = &Service{}
	}
	svc.Dir, svc.Files = l.dir, l.files
	return svc, msgs
}
