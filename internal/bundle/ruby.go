package bundle

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// ruby runs where the code stands. Gems that the Gemfile names and nothing
// provides are installed into the cache by bundler, and appear in the task
// root as vendor/bundle, where Lambda looks for them.
func (b *Builder) ruby(ctx context.Context, f Function) (*Runnable, error) {
	r, err := b.inPlace(f)
	if err != nil {
		return nil, err
	}
	gemfile := filepath.Join(f.Dir, "Gemfile")
	gems := gemNames(gemfile)
	if len(gems) == 0 || isDir(filepath.Join(f.Dir, "vendor", "bundle")) {
		return r, nil
	}
	ruby, err := b.interpreters.Find(ctx, "ruby", strings.TrimPrefix(f.Runtime, "ruby"), f.Dir)
	if err != nil {
		return r, ignoreMissing(err)
	}
	asked, err := b.digests.named("gem", []string{gemfile, gemfile + ".lock"})
	if err != nil {
		return nil, err
	}
	key := cache.Hash(asked, ruby.Path, ruby.Version)
	w := cache.Work{Slot: "gem-" + cache.Hash(f.Dir), Key: key, Text: "installing gems of " + f.show(gemfile), Function: f.Name, Resource: f.LogicalID}
	if !b.cache.Has(w) && rubyHas(ctx, ruby, gems) {
		return r, nil
	}
	bundler, err := exec.LookPath("bundle")
	if err != nil {
		return nil, f.errorf("gems of %s are not installed, and bundler is not there to install them", f.show(gemfile)).
			WithHint("run gem install bundler, or gem install %s", strings.Join(gems, " "))
	}
	folder, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		// Bundler writes Gemfile.lock beside the Gemfile: it gets a copy.
		for _, p := range []string{gemfile, gemfile + ".lock"} {
			if isFile(p) {
				if err := copyFile(p, filepath.Join(dir, filepath.Base(p))); err != nil {
					return err
				}
			}
		}
		t := Tool{
			Path: bundler, Args: []string{"install", "--quiet"}, Dir: dir,
			Env: []string{"BUNDLE_GEMFILE=" + filepath.Join(dir, "Gemfile"), "BUNDLE_PATH=" + filepath.Join(dir, "bundle"), "BUNDLE_WITHOUT=development:test"},
		}
		_, err := b.tool(ctx, t)
		return f.toolMessage(err, "run bundle install in %s", f.showDir(f.Dir))
	})
	if err != nil {
		return nil, err
	}
	root, err := b.combine(ctx, f, map[string]string{"vendor/bundle": filepath.Join(folder, "bundle")})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: root, Sources: r.Sources, Hash: cache.Hash(r.Hash, key)}, nil
}

var gemLine = regexp.MustCompile(`(?m)^\s*gem\s*\(?\s*["']([^"']+)["']`)

// gemNames are the gems a Gemfile names outside of AWS's SDK, which the
// runtime supplies.
func gemNames(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var names []string
	for _, g := range gemLine.FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(g[1], "aws-sdk") {
			names = append(names, g[1])
		}
	}
	return names
}

func rubyHas(ctx context.Context, ruby *Interpreter, gems []string) bool {
	const ask = `ARGV.each { |name| Gem::Specification.find_by_name(name) }`
	_, err := Tool{Path: ruby.Path, Args: append([]string{"-e", ask}, gems...)}.Run(ctx)
	return err == nil
}
