package bundle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// linkFolder makes a path that stands for a folder. Symbolic links need a
// privilege on Windows, junctions do not.
func linkFolder(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if os.Symlink(from, to) == nil {
		return nil
	}
	if out, err := exec.Command("cmd", "/c", "mklink", "/J", to, from).CombinedOutput(); err != nil {
		return fmt.Errorf("linking %s: %w: %s", to, err, out)
	}
	return nil
}

func linkFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	return copyFile(from, to)
}
