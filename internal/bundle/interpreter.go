package bundle

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// Interpreter is a language's program on this machine.
type Interpreter struct {
	Language string `json:"language"` // node, python, ruby
	// Path is the program itself, not a version manager's shim: pyenv's costs
	// 180 ms at every start. A virtual environment's program stays itself.
	Path    string `json:"path"`
	Version string `json:"version"` // 3.11.7
}

// Minor is the version's first two numbers.
func (i *Interpreter) Minor() string {
	parts := strings.SplitN(i.Version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Major is the version's first number.
func (i *Interpreter) Major() int {
	n, _ := strconv.Atoi(strings.SplitN(i.Version, ".", 2)[0])
	return n
}

// Interpreters finds interpreters in PATH and remembers them, on disk too, as
// asking one costs 20 to 200 ms. It is safe for concurrent use.
type Interpreters struct {
	file  string
	mu    sync.Mutex
	known map[string]Interpreter // by program, its age and, for shims, the folder
}

// NewInterpreters makes a finder that remembers in a folder of ours.
func NewInterpreters(cacheDir string) *Interpreters {
	return &Interpreters{file: filepath.Join(cacheDir, "interpreters.json")}
}

// MissingInterpreter is the error for a language that is not installed.
type MissingInterpreter struct{ Language string }

func (e *MissingInterpreter) Error() string { return e.Language + " is not installed" }

// Install is what to do about it.
func (e *MissingInterpreter) Install() string {
	apt := map[string]string{"node": "nodejs", "python": "python3", "ruby": "ruby"}[e.Language]
	brew := map[string]string{"python": "python"}[e.Language]
	if brew == "" {
		brew = e.Language
	}
	switch runtime.GOOS {
	case "darwin":
		return "brew install " + brew
	case "windows":
		site := map[string]string{"node": "https://nodejs.org", "python": "https://python.org", "ruby": "https://rubyinstaller.org"}
		return "install it from " + site[e.Language]
	}
	return "apt install " + apt + ", or your system's own package"
}

// Find returns the interpreter for a version such as 22 or 3.12: that very
// one if it is in PATH, else the nearest. dir is where the code stands, which
// some version managers go by.
func (s *Interpreters) Find(ctx context.Context, language, version, dir string) (*Interpreter, error) {
	var best *Interpreter
	for _, name := range interpreterNames(language, version) {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		found, err := s.ask(ctx, language, path, dir)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			continue // a shim of a version that is not active
		}
		if language == "python" && found.Major() < 3 {
			continue
		}
		if best == nil || distance(found.Version, version) < distance(best.Version, version) {
			best = found
		}
		if distance(best.Version, version) == 0 {
			break
		}
	}
	if best == nil {
		return nil, &MissingInterpreter{Language: language}
	}
	return best, nil
}

// interpreterNames are the programs to try, the wanted version first. Only
// names that stand in PATH are ever started.
func interpreterNames(language, version string) []string {
	switch language {
	case "node":
		return []string{"node" + version, "node", "nodejs"}
	case "ruby":
		return []string{"ruby" + version, "ruby" + strings.ReplaceAll(version, ".", ""), "ruby"}
	}
	names := []string{"python" + version, "python3"}
	minor := 0
	_, _ = fmt.Sscanf(version, "3.%d", &minor)
	for _, m := range nearest(minor, 8, 16) {
		names = append(names, fmt.Sprintf("python3.%d", m))
	}
	return append(names, "python")
}

// nearest orders the numbers from low to high by their distance to n, the
// newer first of two.
func nearest(n, low, high int) []int {
	var list []int
	for i := high; i >= low; i-- {
		list = append(list, i)
	}
	abs := func(v int) int { return max(v, -v) }
	slices.SortStableFunc(list, func(a, b int) int { return abs(a-n) - abs(b-n) })
	return list
}

// distance compares as many numbers as want has; newer is nearer than older,
// as code written for an old version mostly runs on a new one.
func distance(have, want string) int {
	d, weight := 0, 1000
	h := strings.Split(have, ".")
	for i, part := range strings.Split(want, ".") {
		a, b := 0, 0
		b, _ = strconv.Atoi(part)
		if i < len(h) {
			a, _ = strconv.Atoi(h[i])
		}
		if a >= b {
			d += weight * 2 * (a - b)
		} else {
			d += weight * (2*(b-a) + 1)
		}
		weight /= 30
	}
	return d
}

// questions make an interpreter print its own path and version.
var questions = map[string][]string{
	"node":   {"-e", `console.log(process.execPath + "\n" + process.versions.node)`},
	"python": {"-S", "-c", `import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])`},
	"ruby":   {"--disable-gems", "-rrbconfig", "-e", `puts RbConfig.ruby, RUBY_VERSION`},
}

func (s *Interpreters) ask(ctx context.Context, language, path, dir string) (*Interpreter, error) {
	key, err := askKey(language, path, dir)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.load()
	known, ok := s.known[key]
	s.mu.Unlock()
	if ok && known.Path == "" {
		return nil, errInactive
	}
	if ok && isFile(known.Path) {
		return &known, nil
	}
	t := Tool{Path: path, Args: questions[language], Dir: existing(dir)}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := t.Run(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	found := Interpreter{Language: language}
	lines := strings.SplitN(strings.ReplaceAll(string(out), "\r", ""), "\n", 3)
	if err == nil && len(lines) > 1 {
		found.Path, found.Version = lines[0], lines[1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[key] = found
	s.save()
	if found.Path == "" {
		return nil, errInactive
	}
	return &found, nil
}

// errInactive is a program that does not answer: mostly a shim of a version
// that is installed and not chosen. That is remembered too.
var errInactive = errors.New("the interpreter does not answer")

// askKey names what an answer depends on. A shim answers by the folder it is
// started in; it is a script, or a link to a program of another name.
func askKey(language, path, dir string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("%s|%s|%d", language, path, info.ModTime().UnixNano())
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if readProgram(target).script || !strings.HasPrefix(filepath.Base(target), language) {
		// The files of the folder count, not the folder: functions share them.
		key += "|" + os.Getenv("PYENV_VERSION") + os.Getenv("RBENV_VERSION") + os.Getenv("NODENV_VERSION") + os.Getenv("VIRTUAL_ENV")
		key += versionFiles(dir)
	}
	return cache.Hash(key), nil
}

// versionFiles is what version managers read to choose a version.
func versionFiles(dir string) string {
	var said strings.Builder
	read := func(path string) {
		if text, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(&said, "|%s", strings.TrimSpace(string(text)))
		}
	}
	for d := dir; ; d = filepath.Dir(d) {
		for _, name := range []string{".python-version", ".ruby-version", ".node-version", ".nvmrc", ".tool-versions", "mise.toml"} {
			read(filepath.Join(d, name))
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		for _, name := range []string{".pyenv/version", ".rbenv/version", ".tool-versions", ".config/mise/config.toml"} {
			read(filepath.Join(home, filepath.FromSlash(name)))
		}
	}
	return said.String()
}

// load reads what earlier runs learned; the caller holds mu.
func (s *Interpreters) load() {
	if s.known != nil {
		return
	}
	s.known = map[string]Interpreter{}
	if text, err := os.ReadFile(s.file); err == nil {
		_ = json.Unmarshal(text, &s.known)
	}
	if s.known == nil || len(s.known) > 1000 {
		s.known = map[string]Interpreter{}
	}
}

// save is best effort: what is not remembered is asked again.
func (s *Interpreters) save() {
	text, err := json.Marshal(s.known)
	if err != nil || os.MkdirAll(filepath.Dir(s.file), 0o755) != nil {
		return
	}
	tmp := s.file + "." + rand.Text()
	if os.WriteFile(tmp, text, 0o644) != nil || os.Rename(tmp, s.file) != nil {
		_ = os.Remove(tmp)
	}
}
