package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
)

// esbuild bundles one handler in-process. The output is keyed by its own
// bytes: esbuild is faster than finding out what it would read.
func (b *Builder) esbuild(ctx context.Context, f Function, entry string, explicit bool) (*Runnable, error) {
	options, err := b.buildOptions(f, entry, explicit)
	if err != nil {
		return nil, err
	}
	outdir := b.virtualDir(f)
	options.Outdir = outdir
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	result := api.Build(options)
	if called := calledNamespaces(result.Warnings, options.AbsWorkingDir); len(called) > 0 {
		for _, file := range sortedKeys(called) {
			if options.Format == api.FormatESModule || !f.namespaceIsModule(file) {
				b.notice(f, "%s calls %s, which it imported with import * as: that is no function once bundled, so the call will fail; import the default export", f.show(file), called[file][0])
				delete(called, file)
			}
		}
		if len(called) > 0 {
			options.Plugins = append(options.Plugins, requireNamespaces(called))
			result = api.Build(options)
		}
	}
	if len(result.Errors) > 0 {
		return nil, f.esbuildMessage(result.Errors)
	}
	meta, err := readMetafile(result.Metafile, options.AbsWorkingDir)
	if err != nil {
		return nil, err
	}
	links, err := f.externalPackages(meta, explicit)
	if err != nil {
		return nil, err
	}
	if options.Format == api.FormatESModule {
		// A .js file is an ES module only where a package.json says so.
		result.OutputFiles = append(result.OutputFiles, api.OutputFile{
			Path: filepath.Join(outdir, "package.json"), Contents: []byte("{\"type\":\"module\"}\n"),
		})
	}
	return b.keepBundle(ctx, f, result.OutputFiles, outdir, links, meta.files, explicit)
}

// virtualDir is a folder that never exists: esbuild computes output names and
// source map paths from it, and the files are written elsewhere. It is as deep
// as the real one, so that relative paths in source maps stay right.
func (b *Builder) virtualDir(f Function) string {
	return filepath.Join(b.cache.Slot(f.esbuildSlot()), strings.Repeat("0", 32))
}

func (f Function) esbuildSlot() string { return "node-" + cache.Hash(f.Dir, f.Handler, f.LogicalID) }

// keepBundle writes the output, and what must stand beside it, to the cache.
func (b *Builder) keepBundle(ctx context.Context, f Function, outputs []api.OutputFile, outdir string, links map[string]string, inputs []string, explicit bool) (*Runnable, error) {
	assets, err := f.bundleAssets(explicit)
	if err != nil {
		return nil, err
	}
	key := []string{"bundle"}
	for _, o := range outputs {
		key = append(key, o.Path, o.Hash)
	}
	for _, name := range sortedKeys(links) {
		key = append(key, name, links[name])
	}
	for _, a := range assets {
		info, err := os.Stat(filepath.Join(f.Dir, a))
		if err != nil {
			continue
		}
		if explicit { // copied, so the content counts
			key = append(key, a, fmt.Sprint(info.Size(), info.ModTime().UnixNano()))
		} else {
			key = append(key, a)
		}
	}
	w := cache.Work{Slot: f.esbuildSlot(), Key: cache.Hash(key...), Text: "bundling " + f.Handler, Function: f.Name, Resource: f.LogicalID}
	dir, err := b.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		for _, o := range outputs {
			rel, err := filepath.Rel(outdir, o.Path)
			if err != nil || strings.HasPrefix(rel, "..") {
				return fmt.Errorf("esbuild wrote outside its folder: %s", o.Path)
			}
			if err := writeFile(filepath.Join(dir, rel), o.Contents); err != nil {
				return err
			}
		}
		for name, target := range links {
			if err := linkFolder(target, filepath.Join(dir, "node_modules", filepath.FromSlash(name))); err != nil {
				return err
			}
		}
		return f.placeAssets(dir, assets, explicit)
	})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: dir, Sources: f.nodeSources(inputs, explicit), Hash: w.Key}, nil
}

// nodeSources are the modules that were bundled and the files that steer it.
func (f Function) nodeSources(inputs []string, explicit bool) []string {
	seen := map[string]bool{}
	var sources []string
	add := func(p string) {
		if p != "" && !seen[p] {
			seen[p] = true
			sources = append(sources, p)
		}
	}
	for _, p := range inputs {
		if !strings.Contains(p, string(filepath.Separator)+"node_modules"+string(filepath.Separator)) {
			add(p)
		}
	}
	for _, name := range []string{"package.json", "tsconfig.json"} {
		if dir := findUp(f.Dir, name); dir != "" {
			add(filepath.Join(dir, name))
		}
	}
	// Not the whole folder: a file that is no module changes nothing here,
	// but a module that a failed build did not reach yet may.
	if !explicit || len(inputs) == 0 {
		add(f.Dir)
	}
	sort.Strings(sources)
	return sources
}

// metafile is what we read of esbuild's account of a build.
type metafile struct {
	files    []string            // absolute
	external map[string][]string // import path → importing files, absolute
}

func readMetafile(text, dir string) (*metafile, error) {
	var raw struct {
		Inputs map[string]struct {
			Imports []struct {
				Path     string `json:"path"`
				External bool   `json:"external"`
			} `json:"imports"`
		} `json:"inputs"`
		Outputs map[string]struct {
			Imports []struct {
				Path     string `json:"path"`
				External bool   `json:"external"`
			} `json:"imports"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("reading esbuild's metafile: %w", err)
	}
	// Tree shaking may drop an import that an input still lists.
	kept := map[string]bool{}
	for _, o := range raw.Outputs {
		for _, i := range o.Imports {
			if i.External {
				kept[i.Path] = true
			}
		}
	}
	m := &metafile{external: map[string][]string{}}
	for name, in := range raw.Inputs {
		path := filepath.FromSlash(name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		m.files = append(m.files, path)
		for _, i := range in.Imports {
			if i.External && kept[i.Path] {
				m.external[i.Path] = append(m.external[i.Path], path)
			}
		}
	}
	sort.Strings(m.files)
	return m, nil
}

// externalPackages maps each package left outside the bundle to where it is
// installed. What is not installed may come from a layer or from the runtime;
// code that nobody said is bundled names its packages in package.json, so
// there a missing one is an error now rather than at the first invocation.
func (f Function) externalPackages(meta *metafile, explicit bool) (map[string]string, error) {
	links := map[string]string{}
	for _, path := range sortedKeys(meta.external) {
		name := packageName(path)
		if name == "" || nodeBuiltin[name] {
			continue
		}
		importers := meta.external[path]
		for _, importer := range importers {
			if found := FindPackage(filepath.Dir(importer), name); found != "" {
				links[name] = found
				break
			}
		}
		if links[name] == "" && !explicit && !suppliedSDK(f.Runtime, name) {
			return nil, f.notInstalled(diag.Position{File: importers[0]}, name)
		}
	}
	return links, nil
}

// notInstalled names the package and the folder to install it in.
func (f Function) notInstalled(at diag.Position, name string) *diag.Message {
	folder := f.Dir
	if dir := findUp(filepath.Dir(at.File), "package.json"); dir != "" {
		folder = dir
	}
	return diag.Errorf(at, f.LogicalID, "the package %q is not installed", name).
		WithHint("run npm install in %s, or start with --install", f.showDir(folder))
}

// esbuildMessage makes esbuild's first error the message, at its own place;
// an import that is not installed says what to run.
func (f Function) esbuildMessage(errs []api.Message) *diag.Message {
	first := errs[0]
	at := f.Pos
	if l := first.Location; l != nil {
		at = diag.Position{File: l.File, Line: l.Line, Column: l.Column + 1}
		if !filepath.IsAbs(at.File) {
			at.File = filepath.Join(f.Dir, filepath.FromSlash(l.File))
		}
	}
	var missing string
	if _, err := fmt.Sscanf(first.Text, "Could not resolve %q", &missing); err == nil {
		if name := packageName(missing); name != "" {
			return f.notInstalled(at, name)
		}
	}
	m := diag.Errorf(at, f.LogicalID, "%s", lowerFirst(first.Text))
	for _, n := range first.Notes {
		m.Hint = strings.TrimSpace(m.Hint + " " + n.Text)
	}
	if len(errs) > 1 {
		m.Hint = strings.TrimSpace(fmt.Sprintf("%s %d more errors in this bundle", m.Hint, len(errs)-1))
	}
	return m
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
