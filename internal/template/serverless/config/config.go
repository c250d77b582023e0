// Package config reads the configuration of a Serverless Framework service: the
// file itself, as YAML, JSON or code (read.go, script.go), the environment
// files that go with it (dotenv.go), and every variable in it (package
// variable, asking the sources of sources.go). What comes out is one tree
// without variables, each value with its place.
package config

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

// Config is a configuration that has been read.
type Config struct {
	// File is the configuration's own file, Dir the folder it lies in.
	File, Dir string
	// Root is the configuration without variables; nil when there are errors.
	Root          *document.Node
	Stage, Region string
	// V4 tells that the service is written for version 4 of the framework.
	V4 bool
	// DotEnv holds what the .env files said.
	DotEnv map[string]string
	// Files are all files read, in order: what to watch.
	Files []string
}

// Read reads the configuration at path: a file, or a folder that holds one.
// Where there are errors, Files still says what was read.
func Read(ctx context.Context, path string, o Options) (*Config, diag.List) {
	l := &loader{ctx: ctx, o: o, dotEnv: map[string]string{}, parsed: map[string]*document.Node{}}
	defer l.close()
	root := l.load(path)
	slices.Sort(l.files)
	return &Config{
		File: l.file, Dir: l.dir, Root: root, Stage: l.stage, Region: l.region, V4: l.v4, DotEnv: l.dotEnv, Files: l.files,
	}, l.msgs
}
