package bundle

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// installers are package managers by the file that locks their versions, the
// most telling first; package.json alone means npm. Scripts of packages are
// not run.
var installers = []struct {
	lock, program string
	args          []string
	hint          string
}{
	{"pnpm-lock.yaml", "pnpm", []string{"install", "--frozen-lockfile", "--ignore-scripts"}, "npm install --global pnpm"},
	{"yarn.lock", "yarn", []string{"install", "--ignore-scripts"}, "npm install --global yarn"},
	{"package-lock.json", "npm", []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}, "it comes with Node.js, https://nodejs.org"},
	{"npm-shrinkwrap.json", "npm", []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}, "it comes with Node.js, https://nodejs.org"},
	{"bun.lockb", "bun", []string{"install", "--frozen-lockfile", "--ignore-scripts"}, "npm install --global bun"},
	{"bun.lock", "bun", []string{"install", "--frozen-lockfile", "--ignore-scripts"}, "npm install --global bun"},
	{"package.json", "npm", []string{"install", "--ignore-scripts", "--no-audit", "--no-fund"}, "it comes with Node.js, https://nodejs.org"},
}

// modernYarn is the install of Yarn 2 and later, whose lock file begins
// otherwise. It makes a node_modules whatever the project's linker is: functions
// are run without Plug'n'Play. A Yarn 1 in PATH hands over to the one that the
// project names with yarnPath; Corepack brings the one of packageManager.
func modernYarn(ctx context.Context, t Tool) (Tool, error) {
	t.Env = []string{"YARN_NODE_LINKER=node-modules"}
	version, err := Tool{Path: t.Path, Args: []string{"--version"}, Dir: t.Dir, Env: t.Env}.Run(ctx)
	if err == nil && strings.HasPrefix(string(version), "1.") {
		corepack, err := exec.LookPath("corepack")
		if err != nil {
			return t, diag.Errorf(diag.Position{File: filepath.Join(t.Dir, "yarn.lock")}, "", "yarn.lock is of Yarn 2 or later, and the yarn here is %s", strings.TrimSpace(string(version))).
				WithHint("run corepack enable, or npm install --global @yarnpkg/cli-dist")
		}
		t.Path, t.Args = corepack, []string{"yarn"}
		t.Env = append(t.Env, "COREPACK_ENABLE_DOWNLOAD_PROMPT=0")
	} else {
		t.Args = nil
	}
	t.Args = append(t.Args, "install", "--immutable", "--mode=skip-build")
	return t, nil
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
		switch {
		case isDir(filepath.Join(path, "node_modules")) || !wantsPackages(filepath.Join(path, "package.json")):
			return nil
		case path != dir && isMember(dir, path):
			return nil // the root's install brought what it needs
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
			return diag.Errorf(diag.Position{File: filepath.Join(dir, in.lock)}, "", "%s is not installed, and %s asks for it", in.program, in.lock).
				WithHint("install %s (%s)", in.program, in.hint)
		}
		t := Tool{Path: program, Args: in.args, Dir: dir}
		if text, _ := os.ReadFile(filepath.Join(dir, in.lock)); in.program == "yarn" && strings.Contains(string(text), "\n__metadata:") {
			if t, err = modernYarn(ctx, t); err != nil {
				return err
			}
		}
		j.Publish(journal.Entry{Kind: journal.Progress, Text: in.program + " " + in.args[0] + " in " + dir})
		if _, err := t.Run(ctx); err != nil {
			return Function{Pos: diag.Position{File: filepath.Join(dir, in.lock)}}.toolMessage(err, "run %s %s in %s", in.program, in.args[0], dir)
		}
		return nil
	}
	return nil
}

// isMember tells whether a folder is one of the workspaces of a project above
// it, which install together; one with a lock file of its own is not.
func isMember(top, dir string) bool {
	for _, in := range installers[:len(installers)-1] {
		if isFile(filepath.Join(dir, in.lock)) {
			return false
		}
	}
	for dir != top {
		dir = filepath.Dir(dir)
		var pkg struct {
			Workspaces any `json:"workspaces"`
		}
		text, _ := os.ReadFile(filepath.Join(dir, "package.json"))
		if json.Unmarshal(text, &pkg) == nil && pkg.Workspaces != nil || isFile(filepath.Join(dir, "pnpm-workspace.yaml")) {
			return true
		}
	}
	return false
}

// wantsPackages tells whether a package.json names any dependency, or
// workspaces that do.
func wantsPackages(file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	var pkg struct {
		Dependencies    map[string]any `json:"dependencies"`
		DevDependencies map[string]any `json:"devDependencies"`
		Workspaces      any            `json:"workspaces"`
	}
	return json.Unmarshal(text, &pkg) == nil && (len(pkg.Dependencies)+len(pkg.DevDependencies) > 0 || pkg.Workspaces != nil)
}
