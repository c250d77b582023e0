package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// digests remembers the content hash of files by their size and time, so that
// hashing a tree a second time costs one stat per file. The zero value works.
type digests struct {
	mu    sync.Mutex
	files map[string]digest
}

type digest struct {
	size   int64
	time   time.Time
	sum    [sha256.Size]byte
	embeds bool // a Go file that embeds other files
}

// maxDigested is the size above which a file counts by its size and time: a
// project's folder may hold gigabytes of data that no function reads.
const maxDigested = 64 << 20

// maxRemembered bounds the memory of digests; past it they start over.
const maxRemembered = 100_000

// file is the digest of one file.
func (d *digests) file(path string, info fs.FileInfo) (digest, error) {
	d.mu.Lock()
	known, ok := d.files[path]
	d.mu.Unlock()
	if ok && known.size == info.Size() && known.time.Equal(info.ModTime()) {
		return known, nil
	}
	made := digest{size: info.Size(), time: info.ModTime()}
	if info.Size() > maxDigested {
		made.sum = sha256.Sum256(fmt.Append(nil, info.Size(), info.ModTime().UnixNano()))
		return made, nil
	}
	if err := made.read(path); err != nil {
		return made, err
	}
	// A file that changed within the clock's grain may change again unseen.
	if time.Since(made.time) > 2*time.Second {
		d.mu.Lock()
		if d.files == nil || len(d.files) >= maxRemembered {
			d.files = make(map[string]digest)
		}
		d.files[path] = made
		d.mu.Unlock()
	}
	return made, nil
}

func (m *digest) read(path string) error {
	if filepath.Ext(path) == ".go" {
		text, err := os.ReadFile(path)
		m.sum, m.embeds = sha256.Sum256(text), bytes.Contains(text, []byte("//go:embed "))
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	h.Sum(m.sum[:0])
	return nil
}

// named hashes named files; one that is missing counts as missing.
func (d *digests) named(salt string, paths []string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00", salt)
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			fmt.Fprintf(h, "%s\x00-\x00", p)
			continue
		}
		sum, err := d.file(p, info)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s\x00%x\x00", p, sum.sum)
	}
	return shortHash(h.Sum(nil)), nil
}

// tree hashes what stands below a folder and can matter to the code in it.
func (d *digests) tree(root string) (string, error) { return d.treeWithout(root, nil) }

// treeWithout leaves out files, and folders at the top, by their slash paths.
func (d *digests) treeWithout(root string, without map[string]bool) (string, error) {
	h := sha256.New()
	err := WalkSources(root, func(path, rel string, info fs.FileInfo) error {
		if top, _, below := strings.Cut(rel, "/"); without[rel] || below && without[top] {
			return nil
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			target, _ := os.Readlink(path)
			fmt.Fprintf(h, "%s\x00->%s\x00", rel, target)
			return nil
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		sum, err := d.file(path, info)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s\x00%o\x00%x\x00", rel, info.Mode().Perm()&0o111, sum.sum)
		return nil
	})
	return shortHash(h.Sum(nil)), err
}

// fileNames are the files below a folder, by their slash paths.
func fileNames(root string) map[string]bool {
	names := make(map[string]bool)
	_ = WalkSources(root, func(_, rel string, _ fs.FileInfo) error {
		names[rel] = true
		return nil
	})
	return names
}

// ignored are folders that are never a function's own source: what package
// managers and build tools keep beside it.
var ignored = map[string]bool{
	"node_modules": true, ".git": true, ".suiro": true, ".serverless": true,
	".aws-sam": true, ".venv": true, "venv": true, "__pycache__": true,
	".esbuild": true, ".webpack": true, ".terraform": true, ".idea": true,
	".vscode": true, "cdk.out": true,
}

// WalkSources visits the files below root in a fixed order, without the
// ignored folders. Unreadable places are skipped: a function's folder may hold
// another user's files.
func WalkSources(root string, visit func(path, rel string, info fs.FileInfo) error) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			if path == root {
				return err
			}
			return nil
		}
		if e.IsDir() {
			if path != root && ignored[e.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return nil // deleted meanwhile
		}
		rel, _ := filepath.Rel(root, path)
		return visit(path, filepath.ToSlash(rel), info)
	})
}

func shortHash(sum []byte) string { return hex.EncodeToString(sum)[:32] }

// exists tells whether a path is there, whatever it is.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.FileMode(0)
}
