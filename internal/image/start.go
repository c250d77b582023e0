package image

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// image is what a plan says of its last stage, built into dir.
func (p *buildPlan) image(dir, key string, src Source) *Image {
	s := p.stages[p.last]
	root := filepath.Join(dir, strconv.Itoa(p.last))
	img := &Image{
		Root: root, WorkDir: s.workDir, Entrypoint: s.entry, Cmd: s.cmd, Env: s.env, Runtime: s.runtime, Adapter: s.adapter,
		Path: append(ownPath(root), mapList(root, s.env["PATH"])...), Sources: []string{src.Context, src.File}, Hash: key,
	}
	if len(s.entry) > 0 {
		img.Runtime = "" // the image starts a program of its own
	}
	return img
}

// Command is what an image starts on this machine.
type Command struct {
	Path string
	Args []string // without the program's own name
	Dir  string
	Env  map[string]string
}

// Override is a function's ImageConfig.
type Override struct {
	Entrypoint, Cmd []string
	WorkDir         string
}

// Command is the command of the image: paths of the image become paths below
// its folder where there is such a file, and programs that it does not have
// itself are this machine's.
func (img *Image) Command(o Override) Command {
	entry, cmd, workDir := img.Entrypoint, img.Cmd, img.WorkDir
	if o.Entrypoint != nil {
		entry = o.Entrypoint
	}
	if o.Cmd != nil {
		cmd = o.Cmd
	}
	if o.WorkDir != "" {
		workDir = o.WorkDir
	}
	list := append(append([]string(nil), entry...), cmd...)
	c := Command{Dir: filepath.Join(img.Root, filepath.FromSlash(workDir)), Env: img.Environ()}
	for i, w := range list {
		switch {
		case i > 1 && list[i-1] == "-c":
			list[i] = mapPaths(img.Root, w, false)
		case i > 0:
			list[i] = mapValue(img.Root, w)
		}
	}
	if len(list) > 0 {
		c.Path, c.Args = img.program(list[0], c.Dir), list[1:]
	}
	return c
}

// program finds the program of a command.
func (img *Image) program(name, dir string) string {
	if path.IsAbs(name) {
		if p := filepath.Join(img.Root, filepath.FromSlash(name)); exists(p) {
			return p
		}
		name = path.Base(name)
	} else if strings.Contains(name, "/") {
		return filepath.Join(dir, filepath.FromSlash(name))
	}
	for _, folder := range img.Path {
		if p := filepath.Join(folder, name); exists(p) && !isDir(p) {
			return p
		}
	}
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	return name // whoever starts it says that it is not there
}

// Environ are the image's variables, with paths below its folder.
func (img *Image) Environ() map[string]string {
	env := map[string]string{}
	for name, value := range img.Env {
		if name != "PATH" {
			env[name] = mapValue(img.Root, value)
		}
	}
	env["PATH"] = strings.Join(img.Path, string(os.PathListSeparator))
	if dir := pythonDir(img.Root); isDir(dir) {
		env["PYTHONPATH"] = strings.Trim(env["PYTHONPATH"]+":"+dir, ":")
	}
	if dir := filepath.Join(img.Root, own, "bundle"); isDir(dir) {
		env["BUNDLE_PATH"] = dir
	}
	return env
}

// mapValue maps a value that is a path of the image, or a list of such.
func mapValue(root, value string) string {
	if !strings.Contains(value, "/") || strings.Contains(value, "://") {
		return value
	}
	parts := strings.Split(value, ":")
	for i, p := range parts {
		if mapped := filepath.Join(root, filepath.FromSlash(p)); path.IsAbs(p) && p != "/" && exists(mapped) {
			parts[i] = mapped
		}
	}
	return strings.Join(parts, ":")
}

// mapList are the parts of a list that are folders of the image.
func mapList(root, list string) []string {
	var out []string
	for p := range strings.SplitSeq(list, ":") {
		if mapped := filepath.Join(root, filepath.FromSlash(p)); p != "" && exists(mapped) {
			out = append(out, mapped)
		}
	}
	return out
}

var (
	// absolute matches a path of a script, with what stands before it.
	absolute = regexp.MustCompile("(^|[\\s\"'`=:({,;&|<>])(/[A-Za-z0-9._][A-Za-z0-9._@/*+-]*)")
	// rootItself matches the root folder itself, or a path whose first part is
	// not known before the script runs.
	rootItself = regexp.MustCompile("(?:^|[\\s\"'`=({,;&|<>])/(?:[^A-Za-z0-9._/]|$)")
)

// mapPaths puts the stage's folder before the paths of a script: those that
// exist there, and, when the script makes the stage, all others, so that
// nothing of this machine is written or deleted.
func mapPaths(root, script string, making bool) string {
	// A link into /tmp is for the time at which the image runs.
	temp := making && strings.Contains(script, "ln ") && !strings.Contains(script, "rm ")
	return absolute.ReplaceAllStringFunc(script, func(match string) string {
		g := absolute.FindStringSubmatch(match)
		before, p := g[1], g[2]
		there := filepath.Join(root, filepath.FromSlash(p))
		if exists(there) {
			return before + there
		}
		switch dir, name := path.Split(p); {
		case !making, strings.HasPrefix(p, "/dev/"), strings.HasPrefix(p, "/proc/"):
			return match
		case p == "/bin/sh", p == "/bin/bash", p == "/usr/bin/env", temp && strings.HasPrefix(p, "/tmp/"):
			return match
		case (dir == "/usr/local/bin/" || dir == "/usr/bin/" || dir == "/bin/") && allowed[name]:
			return before + name // a command by its path
		}
		return before + there
	})
}
