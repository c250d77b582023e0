//go:build unix

package bundle

import (
	"os"
	"path/filepath"
)

// linkFolder makes a path that stands for a folder.
func linkFolder(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Symlink(from, to)
}

func linkFile(from, to string) error { return linkFolder(from, to) }
