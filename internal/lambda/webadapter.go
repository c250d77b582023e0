package lambda

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/lambda/layer"
	"github.com/suiro-dev/suiro/internal/lambda/webadapter"
	"github.com/suiro-dev/suiro/internal/process"
	"github.com/suiro-dev/suiro/internal/resource"
)

// isServer tells whether a function is an HTTP server behind the web adapter:
// it has the adapter's layer, or a setting of the adapter, and what it starts
// is a program of its own.
func (set settings) isServer(layers layer.List) bool {
	if set.image != nil {
		return set.image.server
	}
	own := layers.File(webadapter.Extension) != ""
	if !own && !slices.ContainsFunc(set.layers, webadapter.IsLayer) && !webadapter.Configured(set.variables) {
		return false
	}
	return set.variables[wrapperVariable] == webadapter.Wrapper || strings.HasPrefix(set.runtime, "provided")
}

// adapt makes the adapter of a revision that is a server. How many
// environments there may be is known when the first one is ready: until then,
// calls wait for it.
func (fn *function) adapt(rev *revision) {
	if !rev.isServer(rev.layers) {
		return
	}
	set, _ := webadapter.Read(rev.variables) // checkAdapter told of problems
	var before *webadapter.Adapter
	if old := fn.current(); old != nil {
		before = old.adapter
	}
	rev.adapter = webadapter.New(before, webadapter.Config{
		Settings: set, FunctionName: fn.name, MemorySize: rev.memorySize, LogGroup: logGroup(fn.name),
		Started: func(fixed bool) { fn.serverStarted(rev, set.Port, fixed) },
	})
}

func (fn *function) serverStarted(rev *revision, port int, fixed bool) {
	if fn.current() != rev {
		return
	}
	if !fixed {
		fn.pool.limit(fn.service.cfg.MaxConcurrency)
		return
	}
	fn.note([]string{fmt.Sprintf("the server listens on port %d and not on the one in PORT, so there can be only one: calls at the same time wait for each other; "+
		"let it listen on PORT (AWS_LWA_PORT)", port)})
}

// serverCommand is what runs in place of the runtime: what the adapter's
// wrapper script would start, or the program of a provided runtime.
func (fn *function) serverCommand(rev *revision, c process.Command) (process.Command, error) {
	if rev.variables[wrapperVariable] == webadapter.Wrapper {
		c.Path, c.Args = filepath.Join(rev.runnable.Root, filepath.FromSlash(rev.handler)), nil
		switch info, err := os.Stat(c.Path); {
		case !runnable(c.Path): // the wrapper is a shell, which runs it as a script of its own
			c.Path, c.Args = "/bin/sh", []string{c.Path}
		case err == nil && info.Mode().Perm()&0o111 == 0 && os.PathSeparator == '/':
			fn.note([]string{rev.handler + " is not executable: it runs here all the same; on Lambda its start is refused unless the deploy tool sets the mode (chmod +x " + rev.handler + ")"})
			c.Path, c.Args = "/bin/sh", []string{"-c", interpret, c.Path}
		}
	}
	var env []string
	for _, v := range c.Env {
		if sdk, ok := strings.CutPrefix(v, "_SUIRO_PYTHON_SDK="); ok {
			env = append(env, "LAMBDA_RUNTIME_DIR="+sdk) // where AWS's runtime has it
			continue
		}
		env = append(env, v)
	}
	c.Env = env
	if err := fn.preload(&c); err != nil {
		return c, err
	}
	if interpreter := rev.command.Path; !strings.HasPrefix(rev.runtime, "provided") {
		dir, err := fn.service.interpreterDir(rev.runtime, interpreter)
		if err != nil {
			return c, err
		}
		for i, v := range c.Env {
			if path, ok := strings.CutPrefix(v, "PATH="); ok {
				c.Env[i] = "PATH=" + joinPath(dir, path)
			}
		}
	}
	return c, nil
}

// preload makes every node that a server starts lead AWS's host names here, as
// the runtime client does for handlers: node reads no proxy variable.
func (fn *function) preload(c *process.Command) error {
	if !slices.ContainsFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "SUIRO_HOSTS=") }) {
		return nil
	}
	file, err := fn.service.cfg.Runtimes.NodePreload(context.Background())
	if err != nil {
		return err
	}
	option := `NODE_OPTIONS=--require "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(file) + `"`
	if i := slices.IndexFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "NODE_OPTIONS=") }); i >= 0 {
		c.Env[i] = option + " " + strings.TrimPrefix(c.Env[i], "NODE_OPTIONS=")
	} else {
		c.Env = append(c.Env, option)
	}
	return nil
}

// interpret runs the script $0 by what its first line names.
const interpret = `read -r first < "$0"; exec ${first#"#!"} "$0"`

// runnable tells whether the system can start a file by itself.
func runnable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // its absence is the system's to tell
	}
	defer func() { _ = f.Close() }()
	var head [4]byte
	n, _ := f.Read(head[:])
	text := string(head[:n])
	return strings.HasPrefix(text, "#!") || text == "\x7fELF" || strings.HasPrefix(text, "MZ") ||
		text == "\xcf\xfa\xed\xfe" || text == "\xca\xfe\xba\xbe"
}

// interpreterDir is a folder for PATH in which the runtime's interpreter has
// the names that start scripts know on Lambda: node; python and python3.
func (s *Service) interpreterDir(runtime, path string) (string, error) {
	if !strings.HasPrefix(runtime, "python") {
		return filepath.Dir(path), nil
	}
	dir := filepath.Join(s.cfg.TempDir, "bin-"+runtime)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"python", "python3"} {
		script := "#!/bin/sh\nexec '" + strings.ReplaceAll(path, "'", `'\''`) + "' \"$@\"\n"
		file := filepath.Join(dir, name)
		if old, err := os.ReadFile(file); err == nil && string(old) == script {
			continue
		}
		if err := replaceFile(file, script); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// replaceFile writes a program that others may be starting at the moment.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o755)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// checkServer says at once what would keep a server from starting.
func checkServer(set settings, root string) *diag.Message {
	if set.variables[wrapperVariable] != webadapter.Wrapper {
		return nil
	}
	path := filepath.Join(root, filepath.FromSlash(set.handler))
	info, err := os.Stat(path)
	switch {
	case err != nil || info.IsDir():
		return diag.Errorf(set.code.Pos, set.code.LogicalID+".Handler", "the start script %s is not in %s", set.handler, root).
			WithHint("with the Lambda Web Adapter the handler is the script or program that starts the server")
	}
	return nil
}

// checkAdapter reports what of the adapter's settings is wrong or without
// effect.
func checkAdapter(spec resource.Spec) (out diag.List) {
	variables := spec.Properties.Get("Environment").Get("Variables")
	layers := spec.Properties.Get("Layers")
	adapted := !resource.Unknown(layers) && slices.ContainsFunc(layers.Strings(), webadapter.IsLayer)
	if variables.IsNull() {
		return nil
	}
	given := make(map[string]string)
	for _, m := range variables.Members {
		if text, ok := m.Value.Scalar(); ok {
			given[m.Key] = text
		}
	}
	if !adapted && !webadapter.Configured(given) {
		return nil
	}
	_, problems := webadapter.Read(given)
	for _, p := range problems {
		pos := variables.Get(p.Variable).Position()
		if pos.IsZero() {
			pos = variables.Pos
		}
		out.Add(diag.Warningf(pos, spec.LogicalID+".Environment.Variables."+p.Variable, "%s", p.Text))
	}
	runtime := spec.Properties.Get("Runtime").TextOr("")
	if adapted {
		out.Add(diag.Notef(layers.Position(), spec.LogicalID+".Layers", "Suiro's own web adapter takes the layer's place; the server's port is in PORT"))
	}
	if adapted && given[wrapperVariable] == "" && runtime != "" && !strings.HasPrefix(runtime, "provided") {
		out.Add(diag.Warningf(layers.Position(), spec.LogicalID+".Layers", "the web adapter's layer without %s: the handler runs on the %s runtime, and on AWS the two disturb each other",
			wrapperVariable, runtime).WithHint("set %s to %s and let Handler name the start script", wrapperVariable, webadapter.Wrapper))
	}
	return out
}

func logGroup(function string) string { return "/aws/lambda/" + function }
