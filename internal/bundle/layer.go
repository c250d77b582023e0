package bundle

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// Layer builds a layer's content by SAM's Metadata BuildMethod and returns the
// folder that lies in /opt: for nodejs, python, ruby and java the content with
// its packages under the runtime's own folder, for makefile what the rule
// build-<LogicalId> made (SAM Developer Guide, "Building Lambda layers").
// Errors are *diag.Message.
func (b *Builder) Layer(ctx context.Context, f Function) (string, error) {
	dir, err := b.layer(ctx, f)
	if err != nil {
		return "", asMessage(f, err)
	}
	return dir, nil
}

func (b *Builder) layer(ctx context.Context, f Function) (string, error) {
	var r *Runnable
	var err error
	parts := map[string]string{} // folders by their place below /opt
	f.Runtime = f.BuildMethod
	switch m := f.BuildMethod; {
	case m == "makefile":
		if r, err = b.makefile(ctx, f); err != nil {
			return "", err
		}
		return r.Root, nil
	case strings.HasPrefix(m, "nodejs"):
		if wantsPackages(filepath.Join(f.Dir, "package.json")) && !isDir(filepath.Join(f.Dir, "node_modules")) {
			return "", f.errorf("the packages of %s are not installed", f.show(filepath.Join(f.Dir, "package.json"))).
				WithHint("run npm install in %s, or start with --install", f.showDir(f.Dir))
		}
		parts["nodejs"] = f.Dir
	case strings.HasPrefix(m, "python"):
		if r, err = b.python(ctx, f); err != nil {
			return "", err
		}
		parts["python"] = r.Root
	case strings.HasPrefix(m, "ruby"):
		if r, err = b.ruby(ctx, f); err != nil {
			return "", err
		}
		parts["ruby/lib"] = r.Root
		// Bundler names the folder by the Ruby it ran with, Lambda by its own.
		if found, _ := filepath.Glob(filepath.Join(r.Root, "vendor", "bundle", "ruby", "*")); len(found) > 0 {
			parts["ruby/gems/"+strings.TrimPrefix(m, "ruby")+".0"] = found[0]
		}
	case strings.HasPrefix(m, "java"):
		if r, err = b.java(ctx, f); err != nil {
			return "", err
		}
		parts["java"] = r.Root
	default:
		return "", f.errorf("Suiro does not build layers with BuildMethod %s", m).
			WithHint("use one of makefile, nodejs*, python*, ruby*, java*, or point ContentUri at what you built")
	}
	key := []string{"layer"}
	for _, to := range sortedKeys(parts) {
		key = append(key, to, parts[to])
	}
	w := cache.Work{Slot: "layer-" + cache.Hash(f.Dir, f.LogicalID), Key: cache.Hash(key...), Text: "linking", Resource: f.LogicalID}
	return b.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		for _, to := range sortedKeys(parts) {
			link := filepath.Join(dir, filepath.FromSlash(to))
			if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
				return err
			}
			if err := linkFolder(parts[to], link); err != nil {
				return err
			}
		}
		return nil
	})
}
