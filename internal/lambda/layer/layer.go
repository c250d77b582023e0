// Package layer is Lambda's layers: versions as resources, and what a function's
// processes see of the content of those it has, in the order in which it names
// them: the variables by which runtimes search, /opt, extensions.
package layer

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Layer is a layer version whose content lies in a folder or an archive. On AWS
// it is unpacked to /opt, which no user of this machine may write: see opt.go.
type Layer struct {
	ARN       string
	LogicalID string
	Source    string // the folder or archive
	Dir       string // the content; of an archive only once it was unpacked
	// build is how the content is made, when Metadata has a BuildMethod.
	build *bundle.Function
}

// List is a function's layers in the order given: the last one's files win.
type List []*Layer

// Sources are the folders and archives that the layers are made from.
func (ls List) Sources() []string {
	dirs := make([]string, len(ls))
	for i, l := range ls {
		dirs[i] = l.Source
	}
	return dirs
}

// Dirs are the folders with the layers' content.
func (ls List) Dirs() []string {
	var dirs []string
	for _, l := range ls {
		dirs = append(dirs, l.Dir)
	}
	return dirs
}

// Builder makes the content of layers; *bundle.Builder is one.
type Builder interface {
	// Unpack returns the folder with the content of a layer's archive.
	Unpack(ctx context.Context, file, logicalID string) (dir string, err error)
	// Layer returns the folder with what a BuildMethod makes.
	Layer(ctx context.Context, f bundle.Function) (dir string, err error)
}

// Registry holds the layer versions that exist. It is safe for concurrent use.
type Registry struct {
	builder Builder

	mu       sync.Mutex
	versions map[string]*Layer // by ARN
}

// NewRegistry makes one without layers.
func NewRegistry(b Builder) *Registry {
	return &Registry{builder: b, versions: make(map[string]*Layer)}
}

// Handler makes AWS::Lambda::LayerVersion real.
func (r *Registry) Handler() resource.Handler { return handler{r} }

// Find finds those that exist here, with their content as it is now, in the order
// given; Missing tells about the others.
func (r *Registry) Find(ctx context.Context, arns []string) (List, error) {
	r.mu.Lock()
	var out List
	for _, a := range arns {
		if l := r.versions[a]; l != nil {
			found := *l
			out = append(out, &found)
		}
	}
	r.mu.Unlock()
	for _, l := range out {
		info, err := os.Stat(l.Source)
		switch l.Dir = l.Source; {
		case err != nil || info.IsDir() && l.build == nil:
			continue
		case info.IsDir():
			l.Dir, err = r.builder.Layer(ctx, *l.build)
		default:
			l.Dir, err = r.builder.Unpack(ctx, l.Source, l.LogicalID)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Missing lists the ARNs that name no layer of this app.
func (r *Registry) Missing(arns []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(arns), func(a string) bool { return r.versions[a] != nil })
}

// Variables are the lists by which a runtime finds the layer's content, as in
// the table of the Developer Guide, Packaging your layer content.
func (l *Layer) Variables(runtime string) map[string]string {
	in := func(parts ...string) string { return filepath.Join(append([]string{l.Dir}, parts...)...) }
	v := map[string]string{"PATH": in("bin"), "LD_LIBRARY_PATH": in("lib")}
	major := strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		v["NODE_PATH"] = joinLists(in("nodejs", "node"+major, "node_modules"), in("nodejs", "node_modules"))
	case strings.HasPrefix(runtime, "python"):
		v["PYTHONPATH"] = joinLists(in("python"), in("python", "lib", runtime, "site-packages"))
	case strings.HasPrefix(runtime, "ruby"):
		version := strings.TrimPrefix(runtime, "ruby")
		v["GEM_PATH"] = in("ruby", "gems", version+".0")
		v["RUBYLIB"] = in("ruby", "lib")
	}
	return v
}

// joinLists joins lists of paths.
func joinLists(lists ...string) string {
	return strings.Join(lists, string(filepath.ListSeparator))
}
