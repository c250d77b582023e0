package node

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// watch starts to follow the user's files. Without a watcher the app runs all
// the same, and says that it will not reload.
func (n *Node) watch() {
	w, err := app.NewWatcher(n.watched())
	if err != nil {
		n.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Text: "changes will not be seen", Err: err.Error()})
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stopWatch = cancel
	n.watching.Go(func() {
		w.Run(ctx, func(paths []string) {
			n.reload(ctx, paths)
			if err := w.Reset(n.watched()); err != nil {
				n.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Text: "changes will not be seen", Err: err.Error()})
			}
		})
	})
}

// watched lists the files and folders the app is made of.
func (n *Node) watched() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	paths := append(n.services.nested.files(), n.app.Files...)
	for _, p := range n.app.Settings.Watch {
		if !filepath.IsAbs(p) {
			p = filepath.Join(n.app.Dir, p)
		}
		paths = append(paths, p)
	}
	for _, sources := range n.services.lambda.Sources() {
		paths = append(paths, sources...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// reload brings the running app up to its files: the template is read and
// applied again when one of its own files changed; functions whose code
// changed are built and replaced. What fails keeps its old version, and
// connections stay open, as across a redeploy on AWS.
func (n *Node) reload(ctx context.Context, paths []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var done []string
	if slices.ContainsFunc(paths, n.isTemplate) {
		if !n.reloadTemplate(ctx) {
			return
		}
		done = append(done, filepath.Base(n.app.Template))
	}
	changed := n.changedFunctions(paths)
	if len(changed) > 0 {
		if err := n.services.lambda.Rebuild(ctx, changed); err != nil {
			n.fail(err)
			return
		}
		done = append(done, changed...)
	}
	if len(done) > 0 {
		n.config.Journal.Publish(journal.Entry{Kind: journal.Changed, Text: "reloaded " + strings.Join(done, ", ")})
	}
}

func (n *Node) isTemplate(path string) bool {
	return slices.ContainsFunc(append(n.services.nested.files(), n.app.Files...), func(f string) bool { return filepath.Clean(f) == filepath.Clean(path) })
}

func (n *Node) reloadTemplate(ctx context.Context) bool {
	loaded, msgs := app.Load(ctx, n.config.App)
	if msgs.HasErrors() {
		n.fail(msgs)
		return false
	}
	n.services.front.Hold() // new endpoints only
	applied, err := n.apply(ctx, loaded)
	n.services.front.Admit()
	n.app = loaded
	n.remember()
	if err != nil {
		n.fail(err)
		return false
	}
	for _, m := range applied {
		if m.Severity == diag.Warning {
			n.config.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: m.Key, Text: m.Text})
		}
	}
	return true
}

// changedFunctions lists the logical ids of functions one of whose sources is
// or holds a changed path.
func (n *Node) changedFunctions(paths []string) []string {
	var ids []string
	for id, sources := range n.services.lambda.Sources() {
		if slices.ContainsFunc(paths, func(p string) bool { return slices.ContainsFunc(sources, func(s string) bool { return within(p, s) }) }) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func within(path, root string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (n *Node) fail(err error) {
	n.config.Journal.Publish(journal.Entry{Kind: journal.Changed, Text: "not reloaded, the old version keeps running:", Err: fmt.Sprint(err)})
}
