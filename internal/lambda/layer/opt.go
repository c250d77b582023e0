package layer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
	"github.com/suiro-dev/suiro/internal/process"
)

// On AWS the layers of a function lie in /opt, one over the other. Here the
// variables by which runtimes search (PATH, NODE_PATH, …) name each layer's
// own folder. Code and scripts that say /opt themselves find the layers there
// where the system lets a process have mounts of its own (Linux, and /opt must
// exist); elsewhere the function's environment variables that name a file
// below /opt are made to name the layer's.

// OptDir is where layers lie on AWS.
const OptDir = "/opt"

// File finds a file by its path below /opt; the last layer wins.
func (ls List) File(path string) string {
	for _, l := range slices.Backward(ls) {
		if p := filepath.Join(l.Dir, path); isFile(p) {
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

// Local is a variable's value as the processes can use it.
func (ls List) Local(value string) string {
	if len(ls) == 0 || !strings.Contains(value, OptDir+"/") || OptIsMounted() {
		return value
	}
	return ls.withoutOpt(value)
}

// withoutOpt is a value with the layers' own paths for those below /opt.
func (ls List) withoutOpt(value string) string {
	return optPath.ReplaceAllStringFunc(value, func(path string) string {
		for _, l := range slices.Backward(ls) {
			if p := filepath.Join(l.Dir, path[len(OptDir):]); exists(p) {
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

// OptIsMounted tells whether processes see their layers at /opt.
func OptIsMounted() bool {
	info, err := os.Stat(OptDir)
	return err == nil && info.IsDir() && process.CanMount()
}

// Opt is what one environment's processes see of the layers.
type Opt struct {
	Mounts []process.Mount
	merged string // a folder of our own, or ""
}

// Open fills in what is mounted for an environment. temp is its own folder.
func (o *Opt) Open(ls List, temp string) error {
	if len(ls) == 0 || !OptIsMounted() {
		return nil
	}
	dir := ls[0].Dir
	if len(ls) > 1 {
		var err error
		if dir, err = os.MkdirTemp(filepath.Dir(temp), "suiro-opt-"); err != nil {
			return err
		}
		o.merged = dir
		for _, l := range ls {
			if err := overlay(dir, l.Dir); err != nil {
				return fmt.Errorf("lay %s over the other layers: %w", l.Source, err)
			}
		}
	}
	o.Mounts = append(o.Mounts, process.Mount{Source: dir, Target: OptDir})
	// Extensions listen for telemetry by the name that the environment has.
	if hosts, err := os.ReadFile("/etc/hosts"); err == nil {
		file := filepath.Join(temp, ".hosts")
		hosts = append(bytes.TrimRight(hosts, "\n"), "\n127.0.0.1 sandbox.localdomain sandbox\n"...)
		if err := os.WriteFile(file, hosts, 0o644); err != nil {
			return err
		}
		o.Mounts = append(o.Mounts, process.Mount{Source: file, Target: "/etc/hosts"})
	}
	return nil
}

// Remove deletes what Open made; it may be called when Open failed.
func (o *Opt) Remove() {
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

// Extensions are the programs in the extensions folders of the layers, by the
// order of their names; of two with one name the last layer's counts. They get
// the function's environment without what is the runtime's alone. The one that
// is named without is left out: something else stands for it.
func (ls List) Extensions(of process.Command, without string) []environment.Extension {
	found := make(map[string]string)
	for _, l := range ls {
		dir := filepath.Join(l.Dir, "extensions")
		entries, _ := os.ReadDir(dir) // most layers have none
		for _, e := range entries {
			if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && !info.IsDir() {
				found[e.Name()] = filepath.Join(dir, e.Name())
			}
		}
	}
	delete(found, without)
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []environment.Extension
	for _, name := range names {
		path := found[name]
		if len(of.Mounts) > 0 {
			path = filepath.Join(OptDir, "extensions", name) // by the path that its scripts find themselves
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
