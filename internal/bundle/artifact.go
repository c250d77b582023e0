package bundle

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// maxUnpacked is Lambda's limit for a function's code and layers, unzipped
// (Lambda quotas: 250 MB).
const maxUnpacked = 250 << 20

// artifact unpacks a function that is already built into one file.
func (b *Builder) artifact(ctx context.Context, f Function) (*Runnable, error) {
	file := f.Dir
	dir, key, err := b.unpacked(ctx, f)
	if err != nil {
		return nil, err
	}
	f.Dir, f.archive = dir, file
	f.BuildMethod = ""
	r, err := b.byRuntime(ctx, f)
	if err != nil {
		return nil, err
	}
	r.Sources = append([]string{file}, withoutBelow(r.Sources, dir)...)
	r.Hash = cache.Hash(key, r.Hash)
	return r, nil
}

// Unpack returns the folder with the content of a layer's archive, unpacked
// once for each content.
func (b *Builder) Unpack(ctx context.Context, file, logicalID string) (string, error) {
	dir, _, err := b.unpacked(ctx, Function{Dir: file, LogicalID: logicalID, Name: logicalID})
	return dir, err
}

// unpacked is the content of the archive f.Dir, and its key in the cache.
func (b *Builder) unpacked(ctx context.Context, f Function) (dir, key string, err error) {
	file := f.Dir
	if ext := filepath.Ext(file); ext != ".zip" && ext != ".jar" {
		return "", "", f.errorf("%s is neither a folder nor a .zip or .jar file", f.show(file))
	}
	// A large archive counts by its time, see maxDigested.
	if key, err = b.digests.named("zip", []string{file}); err != nil {
		return "", "", err
	}
	w := cache.Work{Slot: "zip-" + cache.Hash(file), Key: key, Text: "unpacking " + f.show(file), Function: f.Name, Resource: f.LogicalID}
	dir, err = b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		if err := unpack(ctx, file, dir); err != nil {
			return f.errorf("unpacking %s: %v", f.show(file), err)
		}
		return nil
	})
	return dir, key, err
}

func withoutBelow(paths []string, dir string) []string {
	var kept []string
	for _, p := range paths {
		if p != dir && !strings.HasPrefix(p, dir+string(filepath.Separator)) {
			kept = append(kept, p)
		}
	}
	return kept
}

// unpack writes a zip file's content below dir and nowhere else: os.Root
// refuses names and links that lead out.
func unpack(ctx context.Context, file, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(maxUnpacked)
	for _, e := range z.File {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		written, err := unpackEntry(root, e, left)
		if err != nil {
			return err
		}
		if left -= written; left < 0 {
			return fmt.Errorf("it holds more than the %d MB that Lambda accepts", maxUnpacked>>20)
		}
	}
	return nil
}

func unpackEntry(root *os.Root, e *zip.File, left int64) (int64, error) {
	name := filepath.FromSlash(strings.TrimSuffix(strings.ReplaceAll(e.Name, `\`, "/"), "/"))
	if name == "" || name == "." {
		return 0, nil
	}
	if !filepath.IsLocal(name) {
		return 0, fmt.Errorf("the entry %q leads out of the folder", e.Name)
	}
	if e.FileInfo().IsDir() {
		return 0, root.MkdirAll(name, 0o755)
	}
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return 0, fmt.Errorf("the entry %q: %w", e.Name, err)
		}
	}
	in, err := e.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if e.Mode()&fs.ModeSymlink != 0 {
		return 0, unpackLink(root, e.Name, name, in)
	}
	mode := e.Mode().Perm() | 0o600
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return 0, fmt.Errorf("the entry %q: %w", e.Name, err)
	}
	// One byte past the limit tells that there is more.
	n, err := io.Copy(out, io.LimitReader(in, left+1))
	return n, errors.Join(err, out.Close())
}

func unpackLink(root *os.Root, entry, name string, in io.Reader) error {
	target, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return err
	}
	to := filepath.FromSlash(string(target))
	if filepath.IsAbs(to) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), to)) {
		return fmt.Errorf("the link %q leads out of the folder", entry)
	}
	return root.Symlink(to, name)
}

var moduleSyntax = regexp.MustCompile(`(?m)^\s*(?:import\s+[\w*{"']|export\s+(?:const|let|var|function|async|default|class|\{))`)
