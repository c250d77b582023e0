// Package bundle turns a function's code, as the template names it, into a
// folder that an interpreter or the operating system can run.
//
// The rule is: what can run where it stands is run where it stands. Plain
// JavaScript, Python and Ruby stay in the user's folder and nothing is copied.
// What must be made first (TypeScript, Go, missing pip packages, zip files) is
// made into the cache, in a folder named by the content it was made from, so
// that the same input is never built twice, not even by two Suiros at once.
package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
)

// Function is a function's code as the template describes it.
type Function struct {
	Name      string // function name, for messages
	LogicalID string
	// Dir is the code folder, or a .zip or .jar file, absolute; empty when the
	// code stands in the template itself (Inline).
	Dir          string
	Inline       string
	Handler      string
	Runtime      string
	Architecture string
	// LayerProgram is the bootstrap of a layer, for functions without their own.
	LayerProgram string
	// BuildMethod is SAM's Metadata.BuildMethod: esbuild, makefile, go1.x, …
	BuildMethod string
	// Metadata is the resource's Metadata: BuildProperties as SAM defines them
	// and Suiro.Bundle, Suiro.Patterns, Suiro.Esbuild as the Serverless reader
	// fills them from plug-in settings.
	Metadata    *document.Node
	TemplateDir string
	Pos         diag.Position
	// archive is the file that Dir was unpacked from, if any.
	archive string
}

// Runnable is a function's code, ready to run.
type Runnable struct {
	// Root is the task root: the working folder and LAMBDA_TASK_ROOT.
	Root string
	// Bootstrap is the program to start, for functions that are one; it may
	// lie outside Root.
	Bootstrap string
	// Sources are the files and folders (with everything below) this result
	// was made from, absolute: when one changes, build again.
	Sources []string
	// Hash names the content: equal hashes run the same code.
	Hash string
}

// Config says where results are kept and who hears of slow builds.
type Config struct {
	// CacheDir is a folder of ours; several Suiros may share it.
	CacheDir string
	// Journal gets a Progress entry when a build takes over half a second, and
	// one when it is done. Nil: nobody.
	Journal *journal.Journal
}

// Builder builds functions. It is safe for concurrent use.
type Builder struct {
	cache   *cache.Cache
	journal *journal.Journal
	digests digests
	// interpreters are asked for when packages must be installed.
	interpreters *Interpreters
	// slots bounds the compilers and package managers at work at once: each
	// uses several cores by itself.
	slots chan struct{}
	prune sync.Once
}

// New makes a Builder. Nothing is touched on disk before the first Build.
func New(cfg Config) *Builder {
	return &Builder{
		cache:        cache.New(cfg.CacheDir, cfg.Journal),
		journal:      cfg.Journal,
		interpreters: NewInterpreters(cfg.CacheDir),
		slots:        make(chan struct{}, 2),
	}
}

// Build makes f runnable. Errors are *[diag.Message].
func (b *Builder) Build(ctx context.Context, f Function) (*Runnable, error) {
	r, err := b.build(ctx, f)
	if err != nil {
		return nil, asMessage(f, err)
	}
	b.prune.Do(b.cache.Prune)
	return r, nil
}

func (b *Builder) build(ctx context.Context, f Function) (*Runnable, error) {
	if f.Dir == "" && f.Inline != "" {
		return b.inline(ctx, f)
	}
	if f.Dir == "" {
		return nil, f.errorf("the function has no code").WithHint("set CodeUri, Code or handler to a folder")
	}
	if info, err := os.Stat(f.Dir); err == nil && !info.IsDir() {
		return b.artifact(ctx, f)
	}
	if f.BuildMethod != "" {
		return b.byMethod(ctx, f)
	}
	return b.byRuntime(ctx, f)
}

// byMethod follows Metadata.BuildMethod as `sam build` does.
func (b *Builder) byMethod(ctx context.Context, f Function) (*Runnable, error) {
	m := f.BuildMethod
	if m != "esbuild" {
		for _, key := range f.Metadata.Get("BuildProperties").Keys() {
			if !buildProperties[key] {
				b.notice(f, "BuildProperties.%s has no effect in Suiro", key)
			}
		}
	}
	switch {
	case m == "esbuild":
		return b.node(ctx, f)
	case m == "makefile":
		return b.makefile(ctx, f)
	case m == "go1.x":
		return b.golang(ctx, f)
	case m == "rust-cargolambda":
		return b.cargo(ctx, f)
	case m == "python-uv":
		return b.python(ctx, f)
	case strings.HasPrefix(m, "nodejs"), strings.HasPrefix(m, "python"), strings.HasPrefix(m, "ruby"), strings.HasPrefix(m, "java"):
		f.Runtime = m
		return b.byRuntime(ctx, f)
	}
	return nil, f.errorf("Suiro does not build with BuildMethod %s", m).
		WithHint("build it yourself and point CodeUri at the result, or use one of esbuild, makefile, go1.x, rust-cargolambda, nodejs*, python*, python-uv, ruby*, java*")
}

// buildProperties are those that count, or only matter for the build on AWS's
// machines: npm ci is what a lock file means here, and go build's -trimpath
// changes no behaviour.
var buildProperties = map[string]bool{"Binary": true, "UseNpmCi": true, "TrimGoPath": true}

func (b *Builder) byRuntime(ctx context.Context, f Function) (*Runnable, error) {
	switch {
	case strings.HasPrefix(f.Runtime, "nodejs"):
		return b.node(ctx, f)
	case strings.HasPrefix(f.Runtime, "python"):
		return b.python(ctx, f)
	case strings.HasPrefix(f.Runtime, "ruby"):
		return b.ruby(ctx, f)
	case f.Runtime == "go1.x", strings.HasPrefix(f.Runtime, "provided"):
		return b.golang(ctx, f)
	case strings.HasPrefix(f.Runtime, "java"):
		return b.java(ctx, f)
	case strings.HasPrefix(f.Runtime, "dotnet"):
		return nil, f.errorf("Suiro does not run .NET functions (%s) yet", f.Runtime).
			WithHint("publish it as a custom runtime (provided.al2023, PublishAot) and let the bootstrap run, or leave the function out of the local template")
	}
	return b.inPlace(f)
}

// inPlace runs the folder as it is.
func (b *Builder) inPlace(f Function) (*Runnable, error) {
	info, err := os.Stat(f.Dir)
	if err != nil || !info.IsDir() {
		return nil, f.errorf("the code folder %s does not exist", f.show(f.Dir))
	}
	hash, err := b.digests.tree(f.Dir)
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: f.Dir, Sources: []string{f.Dir}, Hash: hash}, nil
}

func (f Function) errorf(format string, args ...any) *diag.Message {
	return diag.Errorf(f.Pos, f.LogicalID, format, args...)
}

// show is a path as the user would write it: relative to the template.
func (f Function) show(path string) string {
	if f.TemplateDir != "" {
		if rel, err := filepath.Rel(f.TemplateDir, path); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return path
}

func asMessage(f Function, err error) error {
	if m, ok := err.(*diag.Message); ok {
		return m
	}
	return f.errorf("%s", fmt.Sprint(err))
}
