package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
)

// supplies remembers what scanning and asking found.
type supplies struct {
	mu sync.Mutex
	// scanned holds the packages a file names, by path; a file that changed is
	// read again.
	scanned map[string]scan
	// failed holds what could not be fetched lately, so that a function that
	// starts often without network does not wait for it each time.
	failed map[string]failure
	// present holds the interpreters that have the SDK themselves.
	present map[string]bool
}

type scan struct {
	size  int64
	time  time.Time
	names []string
}

type failure struct {
	at  time.Time
	err error
}

// supply returns the folder to put on the language's search path: a
// node_modules, a Python path entry, a gem home; empty when the function
// needs nothing that it does not bring.
func (r *Runtimes) supply(ctx context.Context, f Function, n name, i *bundle.Interpreter) (string, error) {
	switch n.language {
	case "node":
		return r.supplyNode(ctx, f, n)
	case "python":
		return r.supplyPython(ctx, f, i)
	}
	return r.supplyRuby(ctx, f, i)
}

var (
	// An import in any of its forms: a bundle of the SDK's own code is full of
	// other texts that look like the names of packages.
	nodeImport   = regexp.MustCompile("(?:\\bfrom|\\bimport|[rR]equire(?:\\.resolve)?)\\s*\\(?\\s*(?:/\\*[^*]*\\*/\\s*)?[\"'`]((?:@aws-sdk|@smithy|@aws-lambda-powertools)/[a-z0-9][a-z0-9._-]*|aws-sdk)(?:/[^\"'`\\s]*)?[\"'`]")
	pythonImport = regexp.MustCompile(`(?m)^\s*(?:import|from)\s+(boto3|botocore|aws_lambda_powertools)\b`)
	rubyRequire  = regexp.MustCompile(`(?m)^\s*require\s*\(?\s*["'](aws-sdk(?:-[a-z0-9]+)?)["']`)
)

// powertoolsScope is where npm has what the layer of Powertools holds.
const powertoolsScope = "@aws-lambda-powertools/"

// supplyNode gives nodejs18.x and newer version 3 of the SDK, older ones
// version 2 (Lambda runtimes guide, runtime-included SDK versions), and to
// functions with the layer of Powertools the packages it holds.
func (r *Runtimes) supplyNode(ctx context.Context, f Function, n name) (string, error) {
	version3, powertools := atoi(n.version) >= 18, f.powertools("TypeScript")
	named, err := r.scan(f.Root, nodeImport, ".js", ".mjs", ".cjs")
	if err != nil {
		return "", err
	}
	for _, peer := range peers(f.Root) {
		if _, ok := named[peer]; !ok {
			named[peer] = filepath.Join(f.Root, "package.json")
		}
	}
	var wanted []string
	for pkg, importer := range named {
		if pkg == "@aws-sdk/signature-v4-crt" || pkg == "@aws-sdk/signature-v4a" {
			continue // the SDK names them in an error's text; who needs them brings them
		}
		if strings.HasPrefix(pkg, powertoolsScope) {
			if powertools == "" {
				continue // no layer has it
			}
		} else if (pkg == "aws-sdk") == version3 {
			continue // not what this runtime supplies
		}
		if !resolvable(importer, pkg) {
			wanted = append(wanted, pkg)
		}
	}
	if len(wanted) == 0 {
		return "", nil
	}
	g := growth{slot: "sdk-node-v2", function: f, what: "AWS SDK for JavaScript"}
	if version3 {
		g.slot = "sdk-node-v3"
		// What most streaming apps use: fetched together, they are fetched once.
		g.seed = []string{"@aws-sdk/client-apigatewaymanagementapi", "@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb", "@aws-sdk/util-dynamodb"}
	}
	if powertools != "" {
		g.slot, g.by = g.slot+"-powertools"+powertools, "a layer"
	}
	g.has = func(dir, pkg string) bool {
		_, err := os.Stat(filepath.Join(dir, "node_modules", filepath.FromSlash(pkg), "package.json"))
		return err == nil
	}
	g.install = func(ctx context.Context, dir string, pkgs []string) error {
		return npmInstall(ctx, dir, pkgs, powertools)
	}
	g.remedy = func(pkgs []string) string { return "npm install " + strings.Join(pkgs, " ") + " in " + f.Root }
	dir, err := r.grow(ctx, g, wanted)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "node_modules"), nil
}

// resolvable follows Node.js: from the file's own place, links resolved.
func resolvable(importer, pkg string) bool {
	if real, err := filepath.EvalSymlinks(importer); err == nil && bundle.FindPackage(filepath.Dir(real), pkg) != "" {
		return true
	}
	return bundle.FindPackage(filepath.Dir(importer), pkg) != ""
}

// peers are the SDK packages that installed dependencies expect their user to
// bring (peerDependencies), which on Lambda the runtime does.
func peers(root string) []string {
	var app, dep struct {
		Dependencies map[string]string `json:"dependencies"`
		Peers        map[string]string `json:"peerDependencies"`
		Meta         map[string]struct {
			Optional bool `json:"optional"`
		} `json:"peerDependenciesMeta"`
	}
	if readJSON(filepath.Join(root, "package.json"), &app) != nil {
		return nil
	}
	var names []string
	for pkg := range app.Dependencies {
		dir := bundle.FindPackage(root, pkg)
		dep.Peers, dep.Meta = nil, nil
		if dir == "" || readJSON(filepath.Join(dir, "package.json"), &dep) != nil {
			continue
		}
		for peer := range dep.Peers {
			if (strings.HasPrefix(peer, "@aws-sdk/") || peer == "aws-sdk") && !dep.Meta[peer].Optional {
				names = append(names, peer)
			}
		}
	}
	return names
}

func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

var missingOnRegistry = regexp.MustCompile(`(@aws-sdk|@smithy|@aws-lambda-powertools)(?:/|%2f|%2F)([a-z0-9][a-z0-9._-]*)`)

// npmInstall fetches packages with npm. A name that no registry has (a string
// in the code that only looks like a package) does not stop the others.
func npmInstall(ctx context.Context, dir string, pkgs []string, powertools string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not installed")
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o644); err != nil {
		return err
	}
	for range 4 {
		args := []string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-progress", "--loglevel=error"}
		for _, p := range pkgs {
			switch {
			case strings.HasPrefix(p, "@aws-sdk/"):
				p += "@3"
			case p == "aws-sdk":
				p += "@2"
			case strings.HasPrefix(p, powertoolsScope):
				p += "@" + powertools
			}
			args = append(args, p)
		}
		_, err = bundle.Tool{Path: npm, Args: args, Dir: dir}.Run(ctx)
		var failed *bundle.ToolError
		if !errors.As(err, &failed) || !strings.Contains(failed.Output, "E404") {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(pkgs), func(p string) bool {
			for _, g := range missingOnRegistry.FindAllStringSubmatch(failed.Output, -1) {
				if p == g[1]+"/"+g[2] {
					return true
				}
			}
			return false
		})
		if len(left) == len(pkgs) || len(left) == 0 {
			return err
		}
		pkgs = left
	}
	return err
}

// supplyPython gives boto3, unless the function or the interpreter has it, and
// to functions with the layer of Powertools what that holds.
func (r *Runtimes) supplyPython(ctx context.Context, f Function, i *bundle.Interpreter) (string, error) {
	named, err := r.scan(f.Root, pythonImport, ".py")
	if err != nil || len(named) == 0 {
		return "", err
	}
	brought := func(pkg string) bool {
		_, err := os.Stat(filepath.Join(f.Root, pkg))
		return err == nil
	}
	g := growth{slot: "sdk-python-" + i.Minor(), function: f, what: "boto3"}
	g.has = func(dir, pkg string) bool {
		folder, _, _ := strings.Cut(pkg, "[")
		_, err := os.Stat(filepath.Join(dir, strings.ReplaceAll(folder, "-", "_")))
		return err == nil
	}
	g.install = func(ctx context.Context, dir string, pkgs []string) error {
		args := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target", dir}, pkgs...)
		_, err := bundle.Tool{Path: i.Path, Args: args, Dir: dir}.Run(ctx)
		return err
	}
	g.remedy = func(pkgs []string) string { return i.Path + " -m pip install " + strings.Join(pkgs, " ") }
	_, imported := named["aws_lambda_powertools"]
	if major := f.powertools("Python"); major != "" && imported && !brought("aws_lambda_powertools") {
		g.slot, g.by = g.slot+"-powertools"+major, "a layer"
		return r.grow(ctx, g, []string{"aws-lambda-powertools[all]==" + major + ".*", "boto3"})
	}
	delete(named, "aws_lambda_powertools")
	if len(named) == 0 || brought("boto3") {
		return "", nil
	}
	if dir := r.grown(g, []string{"boto3"}); dir != "" {
		return dir, nil
	}
	if r.supplies.has(i.Path, func() bool {
		ask := bundle.Tool{Path: i.Path, Args: []string{"-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('boto3') is None)"}}
		_, err := ask.Run(ctx)
		return err == nil
	}) {
		return "", nil
	}
	return r.grow(ctx, g, []string{"boto3"})
}

// supplyRuby gives the gems of the SDK that are required and not at hand.
func (r *Runtimes) supplyRuby(ctx context.Context, f Function, i *bundle.Interpreter) (string, error) {
	named, err := r.scan(f.Root, rubyRequire, ".rb")
	if err != nil || len(named) == 0 {
		return "", err
	}
	var wanted []string
	for gem := range named {
		wanted = append(wanted, gem)
	}
	slices.Sort(wanted)
	g := growth{slot: "sdk-ruby-" + i.Minor(), function: f, what: "AWS SDK for Ruby"}
	g.has = func(dir, gem string) bool {
		found, _ := filepath.Glob(filepath.Join(dir, "specifications", gem+"-[0-9]*.gemspec"))
		return len(found) > 0
	}
	if dir := r.grown(g, wanted); dir != "" {
		return dir, nil
	}
	vendored, _ := filepath.Glob(filepath.Join(f.Root, "vendor", "bundle", "ruby", "*"))
	ask := bundle.Tool{Path: i.Path, Args: append([]string{"-e", "ARGV.each { |name| Gem::Specification.find_by_name(name) }"}, wanted...)}
	if len(vendored) > 0 { // an empty GEM_PATH hides what a distribution installed
		ask.Env = []string{"GEM_PATH=" + strings.Join(vendored, string(os.PathListSeparator))}
	}
	if r.supplies.has(i.Path+" "+strings.Join(append(vendored, wanted...), " "), func() bool {
		_, err := ask.Run(ctx)
		return err == nil
	}) {
		return "", nil
	}
	g.install = func(ctx context.Context, dir string, gems []string) error {
		args := append([]string{"-S", "gem", "install", "--no-document", "--install-dir", dir}, gems...)
		_, err := bundle.Tool{Path: i.Path, Args: args, Dir: dir}.Run(ctx)
		return err
	}
	g.remedy = func(gems []string) string { return "gem install " + strings.Join(gems, " ") }
	return r.grow(ctx, g, wanted)
}

// has asks once whether an interpreter has what is wanted; a no is asked
// again, as the user may install it.
func (s *supplies) has(key string, ask func() bool) bool {
	s.mu.Lock()
	known := s.present[key]
	s.mu.Unlock()
	if known || !ask() {
		return known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.present == nil {
		s.present = map[string]bool{}
	}
	s.present[key] = true
	return true
}

// maxScanned bounds what is read of one file: a larger one is data.
const maxScanned = 16 << 20

// scan finds the packages that a function's files name, each with one file
// that names it.
func (r *Runtimes) scan(root string, pattern *regexp.Regexp, extensions ...string) (map[string]string, error) {
	named := map[string]string{}
	err := bundle.WalkSources(root, func(path, _ string, info fs.FileInfo) error {
		if !slices.Contains(extensions, filepath.Ext(path)) || info.Size() > maxScanned {
			return nil
		}
		for _, pkg := range r.supplies.file(path, info, pattern) {
			named[pkg] = path
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the AWS SDK in %s: %w", root, err)
	}
	return named, nil
}

func (s *supplies) file(path string, info fs.FileInfo, pattern *regexp.Regexp) []string {
	s.mu.Lock()
	known, ok := s.scanned[path]
	s.mu.Unlock()
	if ok && known.size == info.Size() && known.time.Equal(info.ModTime()) {
		return known.names
	}
	text, err := os.ReadFile(path) // follows links, as interpreters do
	if err != nil {
		return nil
	}
	found := scan{size: info.Size(), time: info.ModTime()}
	for _, g := range pattern.FindAllSubmatch(text, -1) {
		if pkg := string(g[1]); !slices.Contains(found.names, pkg) {
			found.names = append(found.names, pkg)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scanned == nil || len(s.scanned) > 50_000 {
		s.scanned = map[string]scan{}
	}
	s.scanned[path] = found
	return found.names
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
