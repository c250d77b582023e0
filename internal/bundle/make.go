package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// makefile runs `make build-<LogicalID>` as sam build does, with ARTIFACTS_DIR
// naming the folder to fill (SAM guide, Building custom runtimes).
func (b *Builder) makefile(ctx context.Context, f Function) (*Runnable, error) {
	dir := f.Dir
	if w := f.Metadata.Get("WorkingDirectory").TextOr(""); w != "" {
		dir = filepath.Join(f.TemplateDir, w)
	}
	if !isFile(filepath.Join(dir, "Makefile")) {
		return nil, f.errorf("BuildMethod makefile needs a Makefile in %s", f.showDir(dir))
	}
	make, err := exec.LookPath("make")
	if err != nil {
		return nil, f.errorf("BuildMethod makefile needs make, which is not installed").WithHint("install make")
	}
	slot := "make-" + cache.Hash(dir, f.LogicalID)
	left := b.cache.Made(slot)
	key, err := b.digests.treeWithout(f.Dir, left)
	if err != nil {
		return nil, err
	}
	key = cache.Hash("make", key, host())
	w := cache.Work{Slot: slot, Key: key, Text: "running make build-" + f.LogicalID, Function: f.Name, Resource: f.LogicalID}
	root, err := b.cache.Folder(ctx, w, func(ctx context.Context, out string) error {
		before := fileNames(f.Dir)
		_, err := b.tool(ctx, Tool{Path: make, Args: []string{"build-" + f.LogicalID}, Dir: dir, Env: []string{"ARTIFACTS_DIR=" + out}})
		if err == nil { // what the rule left beside its sources is no source
			for name := range fileNames(f.Dir) {
				if !before[name] {
					left[name] = true
				}
			}
			return b.cache.SetMade(slot, left)
		}
		return f.toolMessage(err, "run make build-%s in %s with ARTIFACTS_DIR set", f.LogicalID, f.showDir(dir))
	})
	if err != nil {
		return nil, err
	}
	r := &Runnable{Root: root, Sources: []string{f.Dir}, Hash: key}
	if !strings.HasPrefix(f.Runtime, "provided") && f.Runtime != "go1.x" {
		return r, nil
	}
	made := f
	made.Dir, made.BuildMethod = root, ""
	r.Bootstrap = made.programPath()
	if p := readProgram(r.Bootstrap); p.known() && !p.runsHere() {
		// The rule builds for AWS's machines; the same sources serve here.
		pkg, ok := findGoPackage(f)
		if !ok {
			return nil, f.errorf("make build-%s made a program for %s; this machine is %s", f.LogicalID, p, host()).
				WithHint("let the rule build for the machine it runs on when AWS_SAM_LOCAL or CI is not set")
		}
		built, err := b.goBuild(ctx, f, pkg)
		if err != nil {
			return nil, err
		}
		r.Bootstrap, r.Hash = built.Bootstrap, cache.Hash(key, built.Hash)
		return r, nil
	}
	if !isFile(r.Bootstrap) {
		return nil, f.errorf("make build-%s made no %s", f.LogicalID, filepath.Base(r.Bootstrap)).
			WithHint("the rule must put it into $(ARTIFACTS_DIR)")
	}
	return r, nil
}

// toolMessage makes a failed tool's own words the message: its first error, or
// else its first lines. Any other error stays what it is; nil stays nil.
func (f Function) toolMessage(err error, hint string, args ...any) error {
	var failed *ToolError
	if !errors.As(err, &failed) {
		return err
	}
	text := firstLines(fromError(failed.Output), 4)
	if text == "" {
		text = failed.Err.Error()
	}
	return f.errorf("%s failed: %s", filepath.Base(strings.Fields(failed.Command)[0]), text).WithHint(hint, args...)
}

// fromError is what a tool said from its first error on: cargo, pip and others
// tell of their downloads before it.
func fromError(output string) string {
	at := 0
	for line := range strings.Lines(output) {
		if strings.HasPrefix(strings.ToLower(strings.TrimLeft(line, " [")), "error") {
			return output[at:]
		}
		at += len(line)
	}
	return output
}

// cargo builds a Rust function for this machine. That needs no cargo-lambda,
// whose work is to build for AWS's machines.
func (b *Builder) cargo(ctx context.Context, f Function) (*Runnable, error) {
	manifest := filepath.Join(f.Dir, "Cargo.toml")
	if !isFile(manifest) {
		return nil, f.errorf("BuildMethod rust-cargolambda needs a Cargo.toml in %s", f.showDir(f.Dir))
	}
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		return nil, f.errorf("%s is Rust code, and cargo is not installed", f.showDir(f.Dir)).
			WithHint("install Rust from https://rustup.rs, or put a bootstrap for %s into the code folder", host())
	}
	binary := f.Metadata.Get("BuildProperties").Get("Binary").TextOr("")
	if binary == "" {
		if binary, err = b.binaryOf(ctx, f, cargo, manifest); err != nil {
			return nil, err
		}
	}
	if dir := findUp(f.Dir, "Cargo.lock"); dir == "" || f.TemplateDir != "" && !strings.HasPrefix(dir, f.TemplateDir) {
		// The build would write it, and the sources would differ afterwards.
		if _, err := b.tool(ctx, Tool{Path: cargo, Args: []string{"generate-lockfile"}, Dir: f.Dir}); err != nil {
			return nil, f.toolMessage(err, "run cargo generate-lockfile in %s", f.showDir(f.Dir))
		}
	}
	key, err := b.digests.treeWithout(f.Dir, map[string]bool{"target": true})
	if err != nil {
		return nil, err
	}
	key = cache.Hash("cargo", key, binary, host())
	slot := "cargo-" + cache.Hash(f.Dir, binary)
	w := cache.Work{Slot: slot, Key: key, Text: "building Rust binary " + binary, Function: f.Name, Resource: f.LogicalID}
	// Compiled crates are kept between builds, beside the results.
	target := b.cache.Slot("cargo-target-" + cache.Hash(f.Dir))
	dir, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		args := []string{"build", "--release", "--bin", binary, "--target-dir", target}
		if _, err := b.tool(ctx, Tool{Path: cargo, Args: args, Dir: f.Dir}); err != nil {
			return f.toolMessage(err, "run cargo build in %s", f.showDir(f.Dir))
		}
		name := binary
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		return copyFile(filepath.Join(target, "release", name), filepath.Join(dir, "bootstrap"))
	})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: f.Dir, Bootstrap: filepath.Join(dir, "bootstrap"), Sources: []string{f.Dir}, Hash: key}, nil
}

// binaryOf asks cargo for the one program of a package; of several, the one
// that is named like the package. A manifest gives its programs other names
// with [[bin]].
func (b *Builder) binaryOf(ctx context.Context, f Function, cargo, manifest string) (string, error) {
	args := []string{"metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest}
	out, err := b.tool(ctx, Tool{Path: cargo, Args: args, Dir: f.Dir})
	if err != nil {
		return "", f.toolMessage(err, "run cargo metadata in %s", f.showDir(f.Dir))
	}
	var all struct {
		Packages []struct {
			Name     string `json:"name"`
			Manifest string `json:"manifest_path"`
			Targets  []struct {
				Name string   `json:"name"`
				Kind []string `json:"kind"`
			} `json:"targets"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return "", fmt.Errorf("reading what cargo metadata says of %s: %w", manifest, err)
	}
	for _, p := range all.Packages {
		if !sameFile(p.Manifest, manifest) {
			continue
		}
		var names []string
		for _, t := range p.Targets {
			if slices.Contains(t.Kind, "bin") {
				names = append(names, t.Name)
			}
		}
		switch {
		case slices.Contains(names, p.Name):
			return p.Name, nil
		case len(names) == 1:
			return names[0], nil
		case len(names) > 1:
			return "", f.errorf("%s has %d programs (%s)", f.showDir(f.Dir), len(names), strings.Join(names, ", ")).
				WithHint("name one in Metadata: BuildProperties: {Binary: %s}", names[0])
		}
	}
	return "", f.errorf("%s has no program to run", f.showDir(f.Dir)).WithHint("a Rust function is a package with src/main.rs or a [[bin]]")
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
