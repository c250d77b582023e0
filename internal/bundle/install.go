package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/journal"
)

// installers are package managers by the file that locks their versions, the
// most telling first; package.json alone means npm. Scripts of packages are
// not run.
var installers = []struct {
	lock, program string
	args          []string
}{
	{"pnpm-lock.yaml", "pnpm", []string{"install", "--frozen-lockfile", "--ignore-scripts"}},
	{"yarn.lock", "yarn", []string{"install", "--ignore-scripts"}},
	{"package-lock.json", "npm", []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}},
	{"package.json", "npm", []string{"install", "--ignore-scripts", "--no-audit", "--no-fund"}},
}

// maxInstallDepth is how deep below an app packages are looked for.
const maxInstallDepth = 3

// Install fetches what the package.json files below dir ask for, where no
// node_modules stands beside them. Errors name the folder and the program.
func Install(ctx context.Context, dir string, j *journal.Journal) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if path != dir && (d.Name() == "node_modules" || d.Name() == "cdk.out" || strings.HasPrefix(d.Name(), ".") ||
			strings.Count(rel, string(filepath.Separator)) >= maxInstallDepth) {
			return filepath.SkipDir
		}
		if isDir(filepath.Join(path, "node_modules")) || !wantsPackages(filepath.Join(path, "package.json")) {
			return nil
		}
		return installIn(ctx, path, j)
	})
}

func installIn(ctx context.Context, dir string, j *journal.Journal) error {
	for _, in := range installers {
		if !isFile(filepath.Join(dir, in.lock)) {
			continue
		}
		program, err := exec.LookPath(in.program)
		if err != nil {
			return fmt.Errorf("installing packages in %s: %s is not installed, and %s asks for it", dir, in.program, in.lock)
		}
		j.Publish(journal.Entry{Kind: journal.Progress, Text: in.program + " " + in.args[0] + " in " + dir})
		if _, err := (Tool{Path: program, Args: in.args, Dir: dir}).Run(ctx); err != nil {
			return fmt.Errorf("installing packages in %s: %w", dir, err)
		}
		return nil
	}
	return nil
}

// wantsPackages tells whether a package.json names any dependency.
func wantsPackages(file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	var pkg struct {
		Dependencies    map[string]any `json:"dependencies"`
		DevDependencies map[string]any `json:"devDependencies"`
	}
	return json.Unmarshal(text, &pkg) == nil && len(pkg.Dependencies)+len(pkg.DevDependencies) > 0
}
