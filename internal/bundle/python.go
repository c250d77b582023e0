package bundle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// python runs where the code stands. What requirements.txt, or a lock file that
// the app's own build reads instead (see requirements), asks for and
// nothing provides is installed into the cache, and the task root becomes a
// folder of links to both.
func (b *Builder) python(ctx context.Context, f Function) (*Runnable, error) {
	r, err := b.inPlace(f)
	if err != nil {
		return nil, err
	}
	file, shown, err := b.requirements(ctx, f)
	if err != nil {
		return nil, err
	}
	names := requirementNames(file)
	if len(names) == 0 {
		return r, nil
	}
	python, err := b.interpreters.Find(ctx, "python", strings.TrimPrefix(f.Runtime, "python"), f.Dir)
	if err != nil {
		return r, ignoreMissing(err) // the runtime says what to install
	}
	requirements, err := b.digests.named("pip", []string{file})
	if err != nil {
		return nil, err
	}
	key := cache.Hash(requirements, python.Path, python.Version)
	w := cache.Work{
		Slot: "pip-" + cache.Hash(f.Dir), Key: key,
		Text: "installing " + shown, Function: f.Name, Resource: f.LogicalID,
	}
	if !b.cache.Has(w) && b.pythonHas(ctx, python, f.Dir, names) {
		return r, nil
	}
	packages, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		return b.pip(ctx, f, python, file, shown, dir)
	})
	if err != nil {
		return nil, err
	}
	root, err := b.combine(ctx, f, map[string]string{".": packages})
	if err != nil {
		return nil, err
	}
	return &Runnable{Root: root, Sources: r.Sources, Hash: cache.Hash(r.Hash, key)}, nil
}

func ignoreMissing(err error) error {
	var missing *MissingInterpreter
	if errors.As(err, &missing) {
		return nil
	}
	return err
}

// combine makes a task root of links: the user's entries, and for each target
// folder ("." or "vendor/bundle") the entries of another one. The user's win.
func (b *Builder) combine(ctx context.Context, f Function, added map[string]string) (string, error) {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return "", err
	}
	key := []string{"links"}
	for _, e := range entries {
		key = append(key, e.Name())
	}
	for _, to := range sortedKeys(added) {
		key = append(key, to, added[to])
	}
	w := cache.Work{Slot: "root-" + cache.Hash(f.Dir), Key: cache.Hash(key...), Text: "linking"}
	return b.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		for _, e := range entries {
			if !linkable(e.Name()) {
				continue
			}
			if err := linkMissing(filepath.Join(f.Dir, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		for _, to := range sortedKeys(added) {
			if err := linkMissing(added[to], filepath.Join(dir, filepath.FromSlash(to))); err != nil {
				return err
			}
		}
		return nil
	})
}

// pythonHas asks the interpreter whether it finds every distribution, in the
// code folder or among what is installed.
func (b *Builder) pythonHas(ctx context.Context, python *Interpreter, dir string, names []string) bool {
	const ask = `
import sys
from importlib.metadata import distribution
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    distribution(name)
`
	args := append([]string{"-c", ask, dir}, names...)
	_, err := Tool{Path: python.Path, Args: args, Dir: dir}.Run(ctx)
	return err == nil
}

var requirementName = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)$`)

// requirementNames are the distributions a requirements file asks for. The
// SDK that the runtime supplies is left out unless a version is asked for.
func requirementNames(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(strings.TrimSpace(line), ";")
		g := requirementName.FindStringSubmatch(strings.TrimSpace(line))
		if g == nil || strings.HasPrefix(line, "-") {
			continue
		}
		if (g[1] == "boto3" || g[1] == "botocore") && g[3] == "" {
			continue
		}
		names = append(names, g[1])
	}
	return names
}
