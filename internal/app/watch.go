package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long files must rest before a change is told: editors and
// package managers write in bursts.
const quiet = 60 * time.Millisecond

// ignored folders hold what others make from the user's files.
var ignored = map[string]bool{
	"node_modules": true, ".git": true, ".suiro": true, ".serverless": true, ".aws-sam": true, ".build": true,
	"__pycache__": true, ".venv": true, "venv": true, "target": true, ".idea": true, ".vscode": true, "cdk.out": true,
}

// Watcher tells when the files of an app change.
type Watcher struct {
	fs    *fsnotify.Watcher
	known map[string]bool
	files map[string]bool // when a root is a file: only it counts in its folder
	dirs  []string
}

// NewWatcher watches files and folders (with all below them).
func NewWatcher(roots []string) (*Watcher, error) {
	f, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := &Watcher{fs: f}
	if err := w.Reset(roots); err != nil {
		_ = f.Close()
		return nil, err
	}
	return w, nil
}

// Reset changes what is watched. It must not run beside Run's delivery; call
// it from the code that received a change.
func (w *Watcher) Reset(roots []string) error {
	w.known, w.files, w.dirs = make(map[string]bool), make(map[string]bool), nil
	for _, r := range roots {
		if info, err := os.Stat(r); err == nil && info.IsDir() {
			w.dirs = append(w.dirs, filepath.Clean(r))
			if err := w.addTree(r); err != nil {
				return err
			}
			continue
		}
		// A file that editors replace is seen through its folder; one that
		// does not exist yet (suiro.yaml) too.
		w.files[filepath.Clean(r)] = true
		if err := w.add(filepath.Dir(r)); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) addTree(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // gone meanwhile, or unreadable: not watched
		}
		if path != root && ignored[d.Name()] {
			return filepath.SkipDir
		}
		return w.add(path)
	})
}

func (w *Watcher) add(dir string) error {
	if w.known[dir] {
		return nil
	}
	err := w.fs.Add(dir)
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("watching %s: the system's limit of watched folders is reached; raise it: sudo sysctl fs.inotify.max_user_watches=524288", dir)
	}
	if err == nil {
		w.known[dir] = true
	}
	return nil // a folder that went away is no reason to stop
}

// Run calls changed with the paths that changed, once they have been quiet,
// until ctx ends. Calls do not overlap.
func (w *Watcher) Run(ctx context.Context, changed func(paths []string)) {
	defer w.fs.Close()
	pending := make(map[string]bool)
	var timer <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-w.fs.Errors:
			if !ok {
				return
			}
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			if !w.counts(e) {
				continue
			}
			pending[e.Name] = true
			timer = time.After(quiet)
		case <-timer:
			timer = nil
			paths := make([]string, 0, len(pending))
			for p := range pending {
				paths = append(paths, p)
			}
			clear(pending)
			changed(paths)
		}
	}
}

func (w *Watcher) counts(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	base := filepath.Base(e.Name)
	if ignored[base] || strings.HasSuffix(base, "~") || strings.HasPrefix(base, ".#") || strings.HasSuffix(base, ".swp") || base == "4913" {
		return false
	}
	if w.files[filepath.Clean(e.Name)] {
		return true
	}
	for _, d := range w.dirs {
		if rel, err := filepath.Rel(d, e.Name); err == nil && !strings.HasPrefix(rel, "..") {
			if e.Has(fsnotify.Create) {
				if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
					_ = w.addTree(e.Name)
				}
			}
			return true
		}
	}
	return false
}
