// Package serverless reads a Serverless Framework service (serverless.yml and
// its JSON, JavaScript and TypeScript forms) into the CloudFormation template
// that `serverless package` would have made of it, positions kept.
//
// The way of a service: package config reads the file and everything it names
// into one tree without variables; package schema speaks about keys that mean
// nothing; this package turns the rest into resources (compile.go and a file
// per kind of event), built with package build, under the framework's own
// logical ids (naming.go), because users write those ids in their `resources`.
//
// Nothing is packaged: a function's Code names the folder or archive it lies
// in, and its Metadata says whether a bundler has to make something runnable
// of it. The deployment bucket is left out unless the service refers to it.
package serverless

import (
	"context"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/config"
)

// Options is what the outside adds to the file; Bundler makes code
// configuration runnable, and Cache remembers what it evaluated to.
type (
	Options = config.Options
	Bundler = config.Bundler
	Cache   = config.Cache
)

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
	cfg, msgs := config.Read(ctx, path, o)
	svc := &Service{}
	if cfg.Root != nil && !msgs.HasErrors() {
		c := newCompiler(cfg)
		root := c.compile()
		if msgs.Add(c.msgs...); !msgs.HasErrors() {
			svc = &Service{
				Name: c.service, Stage: cfg.Stage, Region: cfg.Region, Root: root, Stack: c.stackName(),
				Parameters: c.parameters(), DotEnv: cfg.DotEnv, Logical: c.logical(),
			}
		}
	}
	svc.Dir, svc.Files = cfg.Dir, cfg.Files
	return svc, msgs.Sorted()
}
