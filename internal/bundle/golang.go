package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// golang makes a function that is a program: the program that is there when
// this machine can run it, else one built from the Go sources it came from.
func (b *Builder) golang(ctx context.Context, f Function) (*Runnable, error) {
	there := f.programPath()
	p := readProgram(there)
	if f.BuildMethod != "go1.x" && p.runsHere() {
		return b.programInPlace(f, there, p)
	}
	pkg, ok := findGoPackage(f)
	switch {
	case ok && p.known() && f.BuildMethod == "":
		b.notice(f, "%s is built for %s, not for %s: Suiro builds it from %s",
			f.show(there), p, host(), f.show(pkg.target))
	case !ok && !p.known() && isFile(filepath.Join(f.Dir, "Cargo.toml")):
		return b.cargo(ctx, f)
	case !ok && !p.known() && f.LayerProgram != "":
		r, err := b.inPlace(f)
		if err == nil {
			r.Bootstrap = f.LayerProgram
		}
		return r, err
	case !ok && p.known():
		return nil, f.errorf("%s is built for %s; this machine is %s, and no Go sources were found to build it from", f.show(there), p, host()).
			WithHint("build it for %s", host())
	case !ok && !isDir(f.Dir):
		return nil, f.errorf("the code folder %s does not exist", f.show(f.Dir)).
			WithHint("run the project's own build first, or put the Go package where the handler %q points", f.Handler)
	case !ok:
		return nil, f.errorf("%s has no program %s, and no Go package with a main function was found for it",
			f.show(f.Dir), filepath.Base(there)).
			WithHint("run the project's own build first; Suiro looks for Go packages in the folder itself, in the Makefile, and under the handler's name (%s) in the module", f.Handler)
	}
	return b.goBuild(ctx, f, pkg)
}

// programPath is where AWS looks for the program: bootstrap in the task root
// for OS-only runtimes, the handler for go1.x.
func (f Function) programPath() string {
	bootstrap := filepath.Join(f.Dir, "bootstrap")
	if f.Handler == "" || f.Runtime != "go1.x" && isFile(bootstrap) {
		return bootstrap
	}
	handler := filepath.Join(f.Dir, filepath.FromSlash(f.Handler))
	if f.Runtime == "go1.x" || isFile(handler) {
		return handler
	}
	// Serverless plug-ins for Go name the folder that gets the bootstrap.
	if inside := filepath.Join(handler, "bootstrap"); isFile(inside) {
		return inside
	}
	return bootstrap
}

func (b *Builder) programInPlace(f Function, path string, p program) (*Runnable, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0 {
		return nil, f.errorf("%s is not executable", f.show(path)).WithHint("run chmod +x %s", f.show(path))
	}
	sources := []string{path}
	if p.script {
		sources[0] = f.Dir // a script runs other files beside it
	} else if pkg, ok := findGoPackage(f); ok {
		if newer := newerSource(pkg.target, info); newer != "" {
			b.notice(f, "%s is older than %s and runs as it is; build it again, or delete it to let Suiro build it", f.show(path), f.show(newer))
		}
	}
	hash, err := b.digests.named("program", []string{path})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: f.Dir, Bootstrap: path, Sources: sources, Hash: hash}, nil
}

// newerSource is a Go file beside the package's main function that was
// changed after the program was built.
func newerSource(target string, built fs.FileInfo) string {
	dir := target
	if filepath.Ext(target) == ".go" {
		dir = filepath.Dir(target)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, p := range files {
		if info, err := os.Stat(p); err == nil && info.ModTime().After(built.ModTime()) {
			return p
		}
	}
	return ""
}

func (b *Builder) notice(f Function, format string, args ...any) {
	b.journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: f.LogicalID, Function: f.Name, Text: fmt.Sprintf(format, args...)})
}

// goPackage is a buildable main package.
type goPackage struct {
	module string // folder of go.mod; empty when there is none
	target string // the package's folder, or a single file with a main function
}

func (b *Builder) goBuild(ctx context.Context, f Function, pkg goPackage) (*Runnable, error) {
	if pkg.module == "" {
		return nil, f.errorf("%s belongs to no Go module", f.show(pkg.target)).
			WithHint("run go mod init and go mod tidy in %s", f.show(filepath.Dir(pkg.target)))
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, f.errorf("%s is Go code, and the go command is not installed", f.show(pkg.target)).
			WithHint("install Go from https://go.dev/dl, or build the program for %s yourself", host())
	}
	modules := localModules(pkg.module)
	key, err := b.goKey(goTool, pkg, modules)
	if err != nil {
		return nil, err
	}
	w := cache.Work{
		Slot: "go-" + cache.Hash(pkg.module, pkg.target), Key: key,
		Text: "building " + f.showDir(pkg.target), Function: f.Name, Resource: f.LogicalID,
	}
	name := "bootstrap"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	dir, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		return b.compileGo(ctx, f, goTool, pkg, filepath.Join(dir, name))
	})
	if err != nil {
		return nil, err
	}
	root := f.Dir
	if !isDir(root) { // CodeUri names a build folder that was never made
		root = dir
	}
	return &Runnable{Root: root, Bootstrap: filepath.Join(dir, name), Sources: modules, Hash: key}, nil
}

// compileGo builds one program. CGO is off and paths are trimmed so that the
// result depends on the hashed inputs alone; lambda.norpc leaves out the
// net/rpc server of the retired go1.x runtime (aws-lambda-go README).
func (b *Builder) compileGo(ctx context.Context, f Function, goTool string, pkg goPackage, out string) error {
	rel, err := filepath.Rel(pkg.module, pkg.target)
	if err != nil {
		return err
	}
	build := func(extra ...string) error {
		args := append([]string{"build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-o", out}, extra...)
		t := Tool{
			Path: goTool, Args: append(args, "./"+filepath.ToSlash(rel)), Dir: pkg.module,
			Env: []string{"CGO_ENABLED=0", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH},
		}
		_, err := b.tool(ctx, t)
		return err
	}
	err = build()
	if needsResolving(err) && !exists(filepath.Join(pkg.module, "vendor")) {
		var modfile string
		if modfile, err = b.resolvedModule(ctx, f, pkg.module); err == nil {
			err = build("-modfile", modfile, "-mod=mod")
		}
	}
	var failed *ToolError
	if errors.As(err, &failed) {
		return goMessage(f, pkg, failed)
	}
	return err
}

// tool runs a compiler or package manager, a few at a time.
func (b *Builder) tool(ctx context.Context, t Tool) ([]byte, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-b.slots }()
	return t.Run(ctx)
}

var unresolved = regexp.MustCompile(`missing go\.sum entry|updates to go\.mod needed|to add it:|must be of the form v1\.2\.3|go\.mod requires|go mod tidy`)

// needsResolving tells errors that `go mod tidy` would cure: no go.sum, or
// "latest" written as a version.
func needsResolving(err error) bool {
	var failed *ToolError
	return errors.As(err, &failed) && unresolved.MatchString(failed.Output)
}

// resolvedModule copies go.mod and go.sum into the cache, where the go command
// may complete them: the user's files stay as they are.
func (b *Builder) resolvedModule(ctx context.Context, f Function, module string) (string, error) {
	files := []string{filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum")}
	key, err := b.digests.named("resolved", files)
	if err != nil {
		return "", err
	}
	w := cache.Work{Slot: "gomod-" + cache.Hash(module), Key: key, Text: "resolving Go modules", Function: f.Name, Resource: f.LogicalID}
	dir, err := b.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		b.notice(f, "%s is not complete (go mod tidy would complete it): Suiro resolves the modules in a copy", f.show(files[0]))
		for _, p := range files {
			text, err := os.ReadFile(p)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(p)), text, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	return filepath.Join(dir, "go.mod"), err
}

// goKey hashes everything the compiler reads.
func (b *Builder) goKey(goTool string, pkg goPackage, modules []string) (string, error) {
	info, err := os.Stat(goTool)
	if err != nil {
		return "", err
	}
	salt := []string{"go", host(), pkg.target, goTool, info.ModTime().String(), os.Getenv("GOFLAGS"), os.Getenv("GOTOOLCHAIN")}
	var inputs []string
	for _, m := range modules {
		found, err := b.goInputs(m)
		if err != nil {
			return "", err
		}
		inputs = append(inputs, found...)
	}
	sort.Strings(inputs)
	return b.digests.named(cache.Hash(salt...), inputs)
}

// goInputs lists a module's files that can end up in a program: its code, and
// everything beside code that embeds files.
func (b *Builder) goInputs(module string) ([]string, error) {
	var inputs []string
	embeds := map[string]bool{}
	err := WalkSources(module, func(path, rel string, info fs.FileInfo) error {
		name := filepath.Base(path)
		switch filepath.Ext(name) {
		case ".go":
			if strings.HasSuffix(name, "_test.go") {
				return nil
			}
			d, err := b.digests.file(path, info)
			if err == nil && d.embeds {
				embeds[filepath.Dir(path)] = true
			}
		case ".mod", ".sum", ".work", ".s", ".syso":
		default:
			if name != "modules.txt" {
				return nil
			}
		}
		inputs = append(inputs, path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for dir := range embeds {
		// Unlike the walk above, this one visits ignored folders too: "embed"
		// may name any of them.
		err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && filepath.Ext(path) != ".go" {
				inputs = append(inputs, path)
			}
			return nil
		})
	}
	return inputs, err
}

// localModules are the folders whose code a build in module may read: itself,
// its workspace's and its replacements with local folders.
func localModules(module string) []string {
	seen := map[string]bool{module: true}
	list := []string{module}
	add := func(dir string) {
		if !seen[dir] && isFile(filepath.Join(dir, "go.mod")) {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	if work := findUp(module, "go.work"); work != "" && os.Getenv("GOWORK") != "off" {
		for _, dir := range localPaths(filepath.Join(work, "go.work")) {
			add(dir)
		}
	}
	for i := 0; i < len(list); i++ {
		for _, dir := range localPaths(filepath.Join(list[i], "go.mod")) {
			add(dir)
		}
	}
	return list
}

var localPath = regexp.MustCompile(`(?m)(?:=>|use|^)\s+"?(\.{1,2}(?:/[^\s"]*)?)"?\s*$`)

// localPaths are the relative folders that a go.mod replaces modules with or
// a go.work uses.
func localPaths(file string) []string {
	text, _ := os.ReadFile(file)
	var dirs []string
	for _, g := range localPath.FindAllSubmatch(text, -1) {
		dirs = append(dirs, filepath.Join(filepath.Dir(file), filepath.FromSlash(string(g[1]))))
	}
	return dirs
}

var goErrorLine = regexp.MustCompile(`(?m)^(?:vet: )?([^\s:][^:\n]*\.go):(\d+)(?::(\d+))?: (.*)$`)

// goMessage makes the compiler's first error the message, at its own place.
func goMessage(f Function, pkg goPackage, e *ToolError) *diag.Message {
	all := goErrorLine.FindAllStringSubmatch(e.Output, -1)
	if len(all) == 0 {
		text := strings.TrimSpace(firstLines(e.Output, 3))
		if text == "" {
			text = e.Err.Error()
		}
		return f.errorf("go build failed: %s", text).WithHint("run go build ./... in %s", f.show(pkg.module))
	}
	first := all[0]
	at := diag.Position{File: first[1]}
	if !filepath.IsAbs(at.File) {
		at.File = filepath.Join(pkg.module, filepath.FromSlash(first[1]))
	}
	_, _ = fmt.Sscan(first[2]+" "+first[3], &at.Line, &at.Column)
	m := diag.Errorf(at, f.LogicalID, "%s", first[4])
	if len(all) > 1 {
		m.WithHint("%d more: run go build in %s", len(all)-1, f.show(pkg.module))
	}
	return m
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(strings.TrimSpace(text), "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "; ")
}

func host() string { return runtime.GOOS + "/" + runtime.GOARCH }

// findUp is the nearest folder at or above dir that holds a file of that name.
func findUp(dir, name string) string {
	for {
		if isFile(filepath.Join(dir, name)) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
