package image

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle"
)

// own is the folder of a stage that holds what the image does not: the tools
// of its PATH and packages that would lie in the system's folders.
const own = ".suiro"

// leftOut are commands that change the system, whose work this machine's owner
// has done: each becomes a program that does nothing.
var leftOut = words(`apt apt-get apk yum dnf microdnf rpm dpkg adduser addgroup useradd groupadd usermod groupmod
	chown chgrp setcap update-ca-certificates corepack ldconfig locale-gen gpg sync`)

// allowed are the commands that RUN may start on this machine: package
// managers, compilers and tools for files.
var allowed = words(`npm npx yarn pnpm node bun deno tsc esbuild python python3 pip pip3 uv poetry pipenv go cargo bundle gem ruby rake
	mvn gradle dotnet make cd mkdir cp mv rm ln chmod touch echo printf cat sed grep find test [ true false : export set unset exit ls pwd
	basename dirname head tail tr sort env exec command eval sleep date install`)

// keywords of the shell that stand before a command.
var keywords = words(`if then elif else fi while until do done ! time { } ( )`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// tools are the interpreters that images of a language run with here.
type tools struct {
	python, node string
}

var (
	pythonImage = regexp.MustCompile(`(?:^|/)python:(\d+(?:\.\d+)?)`)
	nodeImage   = regexp.MustCompile(`(?:^|/)node:(\d+)`)
)

// findTools finds the interpreters nearest to the base images' versions.
func (m *making) findTools(ctx context.Context, p *buildPlan) error {
	python, node := "3", "22"
	for _, s := range p.stages {
		if g := pythonImage.FindStringSubmatch(s.from); g != nil {
			python = g[1]
		}
		if g := nodeImage.FindStringSubmatch(s.from); g != nil {
			node = g[1]
		}
		if v, ok := strings.CutPrefix(s.runtime, "python"); ok {
			python = v
		}
		if v, ok := strings.CutPrefix(s.runtime, "nodejs"); ok {
			node = strings.TrimSuffix(v, ".x")
		}
	}
	for _, t := range []struct {
		language, version string
		path              *string
	}{{"python", python, &m.python}, {"node", node, &m.node}} {
		i, err := m.interpreters.Find(ctx, t.language, t.version, m.src.Context)
		var missing *bundle.MissingInterpreter
		switch {
		case err == nil:
			*t.path = i.Path
		case !errors.As(err, &missing):
			return err
		}
	}
	return nil
}

// writeTools writes a stage's own commands: what does nothing, and Python's,
// whose packages go into the stage and not into this machine's folders.
func (m *making) writeTools(root string) error {
	bin := filepath.Join(root, own, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	scripts := map[string]string{}
	for name := range leftOut {
		scripts[name] = "exit 0\n"
	}
	if m.python != "" {
		real := quoted(m.python)
		scripts["python"] = `case "$1 $2" in
"-m pip") shift 2; exec pip "$@" ;;
"-m venv") mkdir -p "$3"; exit 0 ;; # packages do not go there
esac
exec ` + real + ` "$@"
`
		scripts["python3"] = scripts["python"]
		scripts["pip"] = `if [ "$1" = install ]; then
  shift
  own=--target="$SUIRO_PYTHON"
  for a; do
    shift
    case $a in
    --user | --break-system-packages | --root-user-action=*) continue ;;
    --target* | -t | --prefix*) own= ;;
    esac
    set -- "$@" "$a"
  done
  exec ` + real + ` -m pip install --quiet --disable-pip-version-check --no-input $own "$@"
fi
exec ` + real + ` -m pip "$@"
`
		scripts["pip3"] = scripts["pip"]
	}
	if m.node != "" {
		scripts["node"] = "exec " + quoted(m.node) + " \"$@\"\n"
		for _, name := range []string{"yarn", "pnpm"} {
			if _, err := exec.LookPath(name); err != nil {
				scripts[name] = "exec npx --yes " + name + " \"$@\"\n"
			}
		}
	}
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// platform are settings for the machine that the image is for.
var platform = regexp.MustCompile(`\b(?:GOOS|GOARCH)=\S+`)

// splits are the signs that a path in a script may not hold.
const splits = " \t\n\"'\\$`;&|()<>*?[]{}#!"

// run does RUN, when all it starts is allowed.
func (m *making) run(ctx context.Context, s *stage, root string, in *Instruction) error {
	script := in.Text
	switch {
	case in.List != nil:
		list := make([]string, len(in.List))
		for i, w := range in.List {
			list[i] = quoted(w)
		}
		script = strings.Join(list, " ")
	case len(in.Docs) > 0:
		script = in.Docs[0].Body
	}
	script = platform.ReplaceAllString(script, "")
	var unknown []string
	for _, name := range commands(script) {
		name = strings.Trim(name, `'"`)
		if strings.HasPrefix(name, "/") && !exists(filepath.Join(root, filepath.FromSlash(name))) {
			name = filepath.Base(name)
		}
		if !allowed[name] && !leftOut[name] && !strings.Contains(name, "/") && !strings.HasPrefix(name, "$") {
			unknown = append(unknown, name)
		}
	}
	if rootItself.MatchString(script) {
		unknown = append(unknown, "the path /")
	}
	if len(unknown) > 0 {
		m.leaveOut(in, "not run, because of %s", strings.Join(slices.Compact(unknown), ", "))
		return nil
	}
	if strings.ContainsAny(root, splits) {
		return m.errorf(in, "not run: the path %s cannot stand in a shell's command", root).
			WithHint("set SUIRO_CACHE to a folder whose path has no space or sign that means something to a shell")
	}
	dir := filepath.Join(root, filepath.FromSlash(s.workDir))
	env := append(stageEnv(root, s), homeEnv(root)...)
	_, err := bundle.Tool{Path: "sh", Args: []string{"-ec", mapPaths(root, script, true)}, Dir: dir, Env: env}.Run(ctx)
	var failed *bundle.ToolError
	if errors.As(err, &failed) {
		return m.errorf(in, "failed: %s", strings.TrimSpace(lastLines(failed.Output, 12))).
			WithHint("it ran on this machine, in %s; say in suiro.yaml what to run instead if it cannot", dir)
	}
	return err
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// stageEnv are the variables of RUN: the stage's, with paths below its folder.
func stageEnv(root string, s *stage) []string {
	var env []string
	for _, values := range []map[string]string{s.declared, s.env} {
		for name, value := range values {
			if name != "PATH" && name != "GOOS" && name != "GOARCH" {
				env = append(env, name+"="+mapValue(root, value))
			}
		}
	}
	path := append(ownPath(root), mapList(root, s.env["PATH"])...)
	return append(env, "PATH="+strings.Join(append(path, os.Getenv("PATH")), ":"),
		"SUIRO_PYTHON="+pythonDir(root), "PYTHONPATH="+pythonDir(root),
		"NPM_CONFIG_PREFIX="+filepath.Join(root, own, "npm"), "GOBIN="+filepath.Join(root, own, "go"),
		"BUNDLE_PATH="+filepath.Join(root, own, "bundle"), "GOFLAGS=-buildvcs=false", "CI=1")
}

// homeEnv gives RUN a home in the stage, so that it changes nothing in the
// user's, and leaves it the caches and tools that are there.
func homeEnv(root string) []string {
	own := filepath.Join(root, "root")
	_ = os.MkdirAll(own, 0o755) // a tool that needs it says what is wrong
	env := []string{"HOME=" + own}
	home, err := os.UserHomeDir()
	if err != nil {
		return env
	}
	for name, dir := range map[string]string{
		"npm_config_cache": ".npm", "PIP_CACHE_DIR": ".cache/pip", "GOPATH": "go", "GOCACHE": ".cache/go-build", "CARGO_HOME": ".cargo",
		"RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv", "NVM_DIR": ".nvm", "VOLTA_HOME": ".volta", "ASDF_DATA_DIR": ".asdf",
	} {
		if _, given := os.LookupEnv(name); !given && isDir(filepath.Join(home, dir)) {
			env = append(env, name+"="+filepath.Join(home, dir))
		}
	}
	return env
}

func pythonDir(root string) string { return filepath.Join(root, own, "python") }

// ownPath are the folders of commands that a stage has installed.
func ownPath(root string) []string {
	return []string{filepath.Join(root, own, "bin"), filepath.Join(pythonDir(root), "bin"), filepath.Join(root, own, "npm", "bin"), filepath.Join(root, own, "go")}
}

// commands are the first words of a shell script's commands.
func commands(script string) []string {
	var out []string
	at := true // where a command begins
	for _, w := range shellWords(script) {
		switch {
		case separators[w]:
			at = true
		case !at:
		case keywords[w]:
		case assignment.MatchString(w):
		case w == "for" || w == "case" || w == "function":
			out = append(out, w) // not followed, and so not allowed
			at = false
		default:
			out = append(out, w)
			at = w == "exec" || w == "env" || w == "command"
		}
	}
	return out
}

var (
	separators = map[string]bool{"&&": true, "||": true, ";": true, "|": true, "&": true, "\n": true}
	assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)
)

// shellWords splits a script into words and separators.
func shellWords(script string) []string {
	var out []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	quote := byte(0)
	for i := 0; i < len(script); i++ {
		c := script[i]
		switch {
		case quote != 0:
			b.WriteByte(c)
			if c == quote {
				quote = 0
			}
		case c == '\\' && i+1 < len(script):
			i++
			if script[i] != '\n' {
				b.WriteByte(script[i])
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
			b.WriteByte(c)
		case c == ' ' || c == '\t':
			end()
		case c == '#' && b.Len() == 0:
			for i+1 < len(script) && script[i+1] != '\n' {
				i++
			}
		case c == '&' && b.Len() > 0 && (strings.HasSuffix(b.String(), ">")): // 2>&1
			b.WriteByte(c)
		case strings.IndexByte(";|&\n", c) >= 0:
			end()
			if i+1 < len(script) && script[i+1] == c && c != ';' && c != '\n' {
				out = append(out, string([]byte{c, c}))
				i++
				continue
			}
			out = append(out, string(c))
		case c == '(' && b.Len() == 0 || c == ')':
			end()
			out = append(out, string(c))
		default:
			b.WriteByte(c)
		}
	}
	end()
	return out
}
