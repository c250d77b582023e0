// Package cache keeps what is made once from some content and used again:
// builds, SDKs, images. Several Suiros may share its folder.
package cache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
)

const (
	// slotEntries is how many results of one source are kept: the newest, and
	// those an environment that is still draining may be running.
	slotEntries = 4
	// unusedAfter is when a source that nobody builds any more loses its slot.
	unusedAfter = 30 * 24 * time.Hour
	// progressAfter is what a person does not yet feel as waiting.
	progressAfter = 500 * time.Millisecond
)

// Cache is a folder of results: slot/key, where the slot names what was built
// (one Go package, one SDK) and the key the content it was built from. A
// folder that exists is complete, as it got its name by a rename.
type Cache struct {
	dir     string
	journal *journal.Journal
}

// New makes a cache in a folder, which need not exist yet.
func New(dir string, j *journal.Journal) *Cache { return &Cache{dir: dir, journal: j} }

// Work is one thing to make.
type Work struct {
	Slot, Key string
	Text      string // what happens, for the Progress entries: "building Go package ./cmd/chat"
	Function  string
	Resource  string
}

// Folder returns the folder of w, filled by fill if it was not there. fill
// gets an empty folder and is run by one process at a time for a slot.
func (c *Cache) Folder(ctx context.Context, w Work, fill func(ctx context.Context, dir string) error) (string, error) {
	final := c.path(w)
	if touch(final) {
		return final, nil
	}
	defer c.progress(w)()
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", fmt.Errorf("making the build cache: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(c.dir, w.Slot, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if touch(final) {
		return final, nil
	}
	tmp := filepath.Join(c.dir, w.Slot, ".tmp-"+randomName())
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return "", fmt.Errorf("making the build cache: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(ctx, tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, final); err != nil {
		return "", fmt.Errorf("keeping a build: %w", err)
	}
	c.trim(w.Slot)
	return final, nil
}

// Has tells whether w was made, and renews its age.
func (c *Cache) Has(w Work) bool { return touch(c.path(w)) }

// Slot is the folder of a slot.
func (c *Cache) Slot(name string) string { return filepath.Join(c.dir, name) }

func (c *Cache) path(w Work) string { return filepath.Join(c.dir, w.Slot, w.Key) }

// Entries lists the complete folders of a slot, newest first.
func (c *Cache) Entries(slot string) []string {
	list, _ := os.ReadDir(filepath.Join(c.dir, slot))
	type entry struct {
		path string
		used time.Time
	}
	var found []entry
	for _, e := range list {
		if info, err := e.Info(); err == nil && e.IsDir() && e.Name()[0] != '.' {
			found = append(found, entry{filepath.Join(c.dir, slot, e.Name()), info.ModTime()})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].used.After(found[j].used) })
	paths := make([]string, len(found))
	for i, e := range found {
		paths[i] = e.path
	}
	return paths
}

// Made is what builds of a slot left in the folder of their sources, by slash
// paths: no sources, although they stand among them.
func (c *Cache) Made(slot string) map[string]bool {
	names := make(map[string]bool)
	text, _ := os.ReadFile(filepath.Join(c.dir, slot, ".made"))
	for name := range strings.Lines(string(text)) {
		names[strings.TrimSuffix(name, "\n")] = true
	}
	return names
}

// SetMade keeps it. The caller builds in the slot.
func (c *Cache) SetMade(slot string, names map[string]bool) error {
	if len(names) == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(c.dir, slot, ".made"), []byte(strings.Join(slices.Sorted(maps.Keys(names)), "\n")+"\n"), 0o644)
}

// trim drops the oldest folders of a slot and what a killed build left. The
// caller holds the slot's lock.
func (c *Cache) trim(slot string) {
	for i, p := range c.Entries(slot) {
		if i >= slotEntries {
			_ = os.RemoveAll(p)
		}
	}
	left, _ := filepath.Glob(filepath.Join(c.dir, slot, ".tmp-*"))
	for _, p := range left {
		_ = os.RemoveAll(p)
	}
}

// Prune removes the slots nobody used for a month. A slot's age is that of its
// newest folder, which every use renews.
func (c *Cache) Prune() {
	slots, _ := os.ReadDir(c.dir)
	for _, s := range slots {
		if !s.IsDir() {
			continue
		}
		info, err := s.Info()
		if err != nil || time.Since(info.ModTime()) < unusedAfter {
			continue
		}
		if e := c.Entries(s.Name()); len(e) > 0 {
			if newest, err := os.Stat(e[0]); err != nil || time.Since(newest.ModTime()) < unusedAfter {
				continue
			}
		}
		_ = os.RemoveAll(filepath.Join(c.dir, s.Name()))
	}
}

// progress tells the journal that w is under way once it has taken long
// enough to be felt; the function it returns tells when it is done.
func (c *Cache) progress(w Work) (done func()) {
	if !c.journal.Wants(journal.Progress) {
		return func() {}
	}
	e := journal.Entry{Kind: journal.Progress, Resource: w.Resource, Function: w.Function, Text: w.Text}
	started := time.Now()
	var mu sync.Mutex
	var told, over bool
	timer := time.AfterFunc(progressAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			told = true
			c.journal.Publish(e)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		if told {
			e.Duration = time.Since(started)
			c.journal.Publish(e)
		}
	}
}

// touch renews a folder's age and tells whether it exists.
func touch(dir string) bool {
	now := time.Now()
	return os.Chtimes(dir, now, now) == nil
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Hash is the short hash of strings, for slots and keys.
func Hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:32]
}
