package lambda

import (
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/lambda/layer"
	"github.com/suiro-dev/suiro/internal/lambda/webadapter"
	"github.com/suiro-dev/suiro/internal/process"
)

// wrapperVariable names the script that runs in place of the runtime.
const wrapperVariable = "AWS_LAMBDA_EXEC_WRAPPER"

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
	if below, ok := strings.CutPrefix(path, layer.OptDir+"/"); ok {
		if p := r.layers.File(below); p != "" && len(c.Mounts) == 0 {
			path = p
		}
	}
	if rel, err := filepath.Rel("/var/task", path); err == nil && filepath.IsLocal(rel) {
		path = filepath.Join(r.runnable.Root, rel)
	}
	args := append([]string{"-c", `exec "$0" "$@"`, path, c.Path}, c.Args...)
	c.Path, c.Args = "/bin/sh", args
}
