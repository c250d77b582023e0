package lambda

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/lambda/webadapter"
	"github.com/suiro-dev/suiro/internal/process"
)

// On AWS the layers of a function lie in /opt, one over the other. Here the
// variables by which runtimes search (PATH, NODE_PATH, …) name each layer's
// own folder. Code and scripts that say /opt themselves find the layers there
// where the system lets a process have mounts of its own (Linux, and /opt must
// exist); elsewhere the function's environment variables that name a file
// below /opt are made to name the layer's.

const optDir = "/opt"

// inLayers finds a file by its path below /opt; the last layer wins.
func inLayers(layers []*layer, path string) string {
	for _, l := range slices.Backward(layers) {
		if p := filepath.Join(l.dir, path); isFile(p) {
			return p
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// optPath is a path below /opt in a list, an option or a command.
var optPath = regexp.MustCompile(`/opt/[^\s:;,="']+`)

// localOpt is a variable's value as the processes can use it.
func (r *revision) localOpt(value string) string {
	if len(r.layers) == 0 || !strings.Contains(value, optDir+"/") || optIsMounted() {
		return value
	}
	return withoutOpt(value, r.layers)
}

// withoutOpt is a value with the layers' own paths for those below /opt.
func withoutOpt(value string, layers []*layer) string {
	return optPath.ReplaceAllStringFunc(value, func(path string) string {
		for _, l := range slices.Backward(layers) {
			if p := filepath.Join(l.dir, path[len(optDir):]); exists(p) {
				return p
			}
		}
		return path
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// optIsMounted tells whether processes see their layers at /opt.
func optIsMounted() bool {
	info, err := os.Stat(optDir)
	return err == nil && info.IsDir() && process.CanMount()
}

// opt is what one environment's processes see of the layers.
type opt struct {
	mounts []process.Mount
	merged string // a folder of our own, or ""
}

// openOpt fills in what is mounted for an environment. temp is its own folder.
func (r *revision) openOpt(o *opt, temp string) error {
	if len(r.layers) == 0 || !optIsMounted() {
		return nil
	}
	dir := r.layers[0].dir
	if len(r.layers) > 1 {
		var err error
		if dir, err = os.MkdirTemp(filepath.Dir(temp), "suiro-opt-"); err != nil {
			return err
		}
		o.merged = dir
		for _, l := range r.layers {
			if err := overlay(dir, l.dir); err != nil {
				return fmt.Errorf("lay %s over the other layers: %w", l.source, err)
			}
		}
	}
	o.mounts = append(o.mounts, process.Mount{Source: dir, Target: optDir})
	// Extensions listen for telemetry by the name that the environment has.
	if hosts, err := os.ReadFile("/etc/hosts"); err == nil {
		file := filepath.Join(temp, ".hosts")
		hosts = append(bytes.TrimRight(hosts, "\n"), "\n127.0.0.1 sandbox.localdomain sandbox\n"...)
		if err := os.WriteFile(file, hosts, 0o644); err != nil {
			return err
		}
		o.mounts = append(o.mounts, process.Mount{Source: file, Target: "/etc/hosts"})
	}
	return nil
}

func (o *opt) remove() {
	if o.merged != "" {
		_ = os.RemoveAll(o.merged)
	}
}

// overlay links the content of a folder into another, in place of what is
// there. A folder that only one of them has is linked as a whole.
func overlay(onto, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to, from := filepath.Join(onto, e.Name()), filepath.Join(dir, e.Name())
		here, err := os.Stat(to)
		if info, err2 := os.Stat(from); err == nil && err2 == nil && here.IsDir() && info.IsDir() {
			if err := open(to); err != nil {
				return err
			}
			if err := overlay(to, from); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			if err := os.RemoveAll(to); err != nil {
				return err
			}
		}
		if err := os.Symlink(from, to); err != nil {
			return err
		}
	}
	return nil
}

// open makes a linked folder one of our own, with the links of its content.
func open(link string) error {
	target, err := os.Readlink(link)
	if err != nil {
		return nil // it is one already
	}
	if err := os.Remove(link); err != nil {
		return err
	}
	if err := os.Mkdir(link, 0o755); err != nil {
		return err
	}
	return overlay(link, target)
}

// extensions are the programs in the extensions folders of the layers, by the
// order of their names; of two with one name the last layer's counts. They get
// the function's environment without what is the runtime's alone.
func (r *revision) extensions(of process.Command) []environment.Extension {
	found := make(map[string]string)
	for _, l := range r.layers {
		dir := filepath.Join(l.dir, "extensions")
		entries, _ := os.ReadDir(dir) // most layers have none
		for _, e := range entries {
			if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && !info.IsDir() {
				found[e.Name()] = filepath.Join(dir, e.Name())
			}
		}
	}
	if r.adapter != nil { // which stands for this one
		delete(found, filepath.Base(webadapter.Extension))
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []environment.Extension
	for _, name := range names {
		path := found[name]
		if len(of.Mounts) > 0 {
			path = filepath.Join(optDir, "extensions", name) // by the path that its scripts find themselves
		}
		out = append(out, environment.Extension{Name: name, Command: process.Command{
			Path: path, Dir: of.Dir, Env: extensionEnv(of.Env), Mounts: of.Mounts,
		}})
	}
	return out
}

// notForExtensions are the variables that extensions do not get, besides those
// that begin with an underscore (RIE, rapidcore/env).
var notForExtensions = map[string]bool{
	"AWS_EXECUTION_ENV": true, "AWS_LAMBDA_LOG_GROUP_NAME": true, "AWS_LAMBDA_LOG_STREAM_NAME": true,
	"LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true, "AWS_XRAY_CONTEXT_MISSING": true, "AWS_XRAY_DAEMON_ADDRESS": true,
}

func extensionEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasPrefix(name, "_") || notForExtensions[name]
	})
}

// wrap puts the script of AWS_LAMBDA_EXEC_WRAPPER before the runtime's command
// line, which is its arguments (Developer Guide, Modifying the runtime
// environment). OS-only runtimes know no wrapper. One that is missing ends
// with status 127, as AWS's own start script has it.
func (r *revision) wrap(c *process.Command) {
	path := r.variables[wrapperVariable]
	if r.adapter != nil && path == webadapter.Wrapper {
		return // serverCommand did what it does
	}
	if path == "" || r.runtime == "go1.x" || strings.HasPrefix(r.runtime, "provided") {
		return
	}
	if below, ok := strings.CutPrefix(path, optDir+"/"); ok {
		if p := inLayers(r.layers, below); p != "" && len(c.Mounts) == 0 {
			path = p
		}
	}
	if rel, err := filepath.Rel("/var/task", path); err == nil && filepath.IsLocal(rel) {
		path = filepath.Join(r.runnable.Root, rel)
	}
	args := append([]string{"-c", `exec "$0" "$@"`, path, c.Path}, c.Args...)
	c.Path, c.Args = "/bin/sh", args
}
