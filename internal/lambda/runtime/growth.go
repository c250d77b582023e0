package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// retryAfter is how long a failed fetch is not tried again.
const retryAfter = time.Minute

// growth is one shared folder of packages that grows by what functions need.
type growth struct {
	slot     string
	what     string
	by       string // who has the packages on AWS; empty: Lambda's runtime
	function Function
	seed     []string // fetched along with the first wish
	has      func(dir, pkg string) bool
	install  func(ctx context.Context, dir string, pkgs []string) error
	remedy   func(pkgs []string) string
}

// grown is the newest folder that has every package, or "".
func (r *Runtimes) grown(g growth, wanted []string) string {
	for _, dir := range r.cache.Entries(g.slot) {
		if !slices.ContainsFunc(wanted, func(pkg string) bool { return !g.has(dir, pkg) }) {
			return dir
		}
	}
	return ""
}

// grow returns a folder with every package. A folder is never changed, as
// functions run from it: a new one takes over what the newest had.
func (r *Runtimes) grow(ctx context.Context, g growth, wanted []string) (string, error) {
	if dir := r.grown(g, wanted); dir != "" {
		return dir, nil
	}
	slices.Sort(wanted)
	key := g.slot + " " + strings.Join(wanted, " ")
	r.supplies.mu.Lock()
	last, ok := r.supplies.failed[key]
	r.supplies.mu.Unlock()
	if ok && time.Since(last.at) < retryAfter {
		return "", last.err
	}
	union := slices.Clone(wanted)
	union = append(union, g.seed...)
	if old := r.cache.Entries(g.slot); len(old) > 0 {
		union = append(union, listed(old[0])...)
	}
	slices.Sort(union)
	union = slices.Compact(union)
	by := cmp.Or(g.by, "Lambda's runtime")
	w := cache.Work{
		Slot: g.slot, Key: cache.Hash(union...),
		Text: "fetching " + strings.Join(wanted, ", ") + ", which " + by + " supplies", Function: g.function.Name,
	}
	dir, err := r.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		if err := g.install(ctx, dir, union); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, listFile), []byte(strings.Join(union, "\n")), 0o644)
	})
	if err == nil {
		return dir, nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	err = fmt.Errorf("%s imports %s, which %s supplies and Suiro could not fetch (%s): run %s",
		g.function.Name, strings.Join(wanted, ", "), by, cause(err), g.remedy(wanted))
	r.supplies.mu.Lock()
	defer r.supplies.mu.Unlock()
	if r.supplies.failed == nil {
		r.supplies.failed = map[string]failure{}
	}
	r.supplies.failed[key] = failure{time.Now(), err}
	return "", err
}

// listFile names what a folder was made to hold.
const listFile = "suiro-packages"

func listed(dir string) []string {
	text, _ := os.ReadFile(filepath.Join(dir, listFile))
	return strings.Fields(string(text))
}

// cause is a package manager's complaint on one line.
func cause(err error) string {
	var failed *bundle.ToolError
	if errors.As(err, &failed) {
		return failed.FirstLine()
	}
	return err.Error()
}
