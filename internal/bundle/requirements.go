package bundle

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// pythonManifests are what serverless-python-requirements and sam build's
// python-uv read besides requirements.txt, with the program that tells which
// packages each of them means, the most telling first.
var pythonManifests = []struct {
	file, program string
	args          []string
	install       string
	uvOnly        bool
}{
	{"uv.lock", "uv", []string{"export", "--quiet", "--frozen", "--no-dev", "--no-hashes", "--no-emit-project", "--no-header"}, "uv", false},
	{"poetry.lock", "poetry", []string{"export", "--without-hashes", "--only", "main"}, "poetry poetry-plugin-export", false},
	{"Pipfile.lock", "pipenv", []string{"requirements"}, "pipenv", false},
	{"pyproject.toml", "uv", []string{"pip", "compile", "--quiet", "--no-header", "--no-annotate", "pyproject.toml"}, "uv", true},
}

// requirements is the file that names a function's packages, in the words of
// requirements.txt, and what it was made from, for people. sam build reads
// nothing but requirements.txt unless its BuildMethod is python-uv.
func (b *Builder) requirements(ctx context.Context, f Function) (file, shown string, err error) {
	file = filepath.Join(f.Dir, "requirements.txt")
	uv := f.BuildMethod == "python-uv"
	if !uv && f.Metadata.Get("Suiro") == nil {
		return file, f.show(file), nil
	}
	for _, m := range pythonManifests {
		manifest := filepath.Join(f.Dir, m.file)
		if !isFile(manifest) || m.uvOnly && (!uv || isFile(file)) || uv && m.program != "uv" {
			continue
		}
		key, err := b.digests.named(m.program, []string{manifest, filepath.Join(f.Dir, "pyproject.toml")})
		if err != nil {
			return "", "", err
		}
		w := cache.Work{Slot: "requirements-" + cache.Hash(f.Dir), Key: cache.Hash(m.file, key), Text: "reading " + f.show(manifest), Function: f.Name, Resource: f.LogicalID}
		dir, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
			program, err := exec.LookPath(m.program)
			if err != nil {
				return f.errorf("%s names packages, and %s, which reads it, is not installed", f.show(manifest), m.program).
					WithHint("pip install %s, or keep a requirements.txt beside it", m.install)
			}
			text, err := b.tool(ctx, Tool{Path: program, Args: m.args, Dir: f.Dir,
				Env: []string{"POETRY_VIRTUALENVS_CREATE=false", "PIPENV_VERBOSITY=-1", "NO_COLOR=1"}})
			if err != nil {
				return f.toolMessage(err, "pip install %s, and run %s in %s", m.install, m.program, f.showDir(f.Dir))
			}
			return os.WriteFile(filepath.Join(dir, "requirements.txt"), text, 0o644)
		})
		if err != nil {
			return "", "", err
		}
		return filepath.Join(dir, "requirements.txt"), f.show(manifest), nil
	}
	if pipfile := filepath.Join(f.Dir, "Pipfile"); isFile(pipfile) && !isFile(file) {
		return "", "", f.errorf("%s has no Pipfile.lock beside it", f.show(pipfile)).WithHint("run pipenv lock in %s", f.showDir(f.Dir))
	}
	return file, f.show(file), nil
}

// pip installs a requirements file into a folder: with pip, or with uv where
// that is what the template says or pip is missing.
func (b *Builder) pip(ctx context.Context, f Function, python *Interpreter, file, shown, dir string) error {
	uv, noUV := exec.LookPath("uv")
	if f.BuildMethod != "python-uv" || noUV != nil {
		_, err := b.tool(ctx, Tool{Path: python.Path, Dir: f.Dir,
			Args: []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", file, "-t", dir}})
		var failed *ToolError
		if !errors.As(err, &failed) || !strings.Contains(failed.Output, "No module named pip") {
			return f.toolMessage(err, "run pip install -r %s", shown)
		}
		if noUV != nil {
			return f.errorf("%s asks for packages, and pip is not installed for Python %s", shown, python.Minor()).
				WithHint("apt install python3-pip, run %s -m ensurepip, or install uv", python.Path)
		}
	}
	_, err := b.tool(ctx, Tool{Path: uv, Dir: f.Dir, Args: []string{"pip", "install", "--quiet", "--python", python.Path, "--target", dir, "-r", file}})
	return f.toolMessage(err, "run uv pip install -r %s", shown)
}
