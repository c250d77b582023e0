package runtime

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// The runtime clients, one folder a language. They are plain files that the
// interpreters run from the cache, those for Node.js joined into one.
//
//go:embed node/*.js node/*.mjs python/*.py ruby/*.rb
var clients embed.FS

// client is the folder that holds the clients on disk, named by their content:
// an update of Suiro never changes files that a running function uses.
func (r *Runtimes) client(ctx context.Context) (string, error) {
	r.mu.Lock()
	known := r.clientDir
	r.mu.Unlock()
	if known != "" {
		if _, err := os.Stat(known); err == nil {
			return known, nil
		}
	}
	h := sha256.New()
	err := eachClientFile(func(path string, content []byte) error {
		fmt.Fprintf(h, "%s\x00%x\x00", path, sha256.Sum256(content))
		return nil
	})
	if err != nil {
		return "", err
	}
	w := cache.Work{Slot: "runtime-clients", Key: hex.EncodeToString(h.Sum(nil)[:16]), Text: "writing the runtime clients"}
	dir, err := r.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		return eachClientFile(func(path string, content []byte) error {
			to := filepath.Join(dir, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			return os.WriteFile(to, content, 0o644)
		})
	})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	r.clientDir = dir
	r.mu.Unlock()
	return dir, nil
}

// NodePreload is a file for node's --require: what the client for Node.js does
// with connections to AWS's host names, for programs that it does not run.
func (r *Runtimes) NodePreload(ctx context.Context) (string, error) {
	dir, err := r.client(ctx)
	return filepath.Join(dir, filepath.FromSlash(nodePreload)), err
}

const (
	nodeMain    = "node/main.js"
	nodePreload = "node/hosts.js"
)

// eachClientFile visits what is on disk.
func eachClientFile(visit func(path string, content []byte) error) error {
	return fs.WalkDir(clients, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		read := clients.ReadFile
		switch {
		case path == nodeMain:
			read = func(string) ([]byte, error) { return nodeClient() }
		case path != nodePreload && strings.HasPrefix(path, "node/") && strings.HasSuffix(path, ".js"):
			return nil // a part of main.js
		}
		content, err := read(path)
		if err != nil {
			return err
		}
		return visit(path, content)
	})
}
