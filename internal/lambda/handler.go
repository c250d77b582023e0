package lambda

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
)

// checkHandler says at once what AWS would say at the first invocation: that
// the file the handler names is not there. Code that may come from elsewhere
// (a layer, a wrapper, an absolute path) is not judged, nor are exports inside
// the file, which only running it tells.
func checkHandler(set settings, root string) *diag.Message {
	if len(set.layers) > 0 || set.variables[wrapperVariable] != "" || path.IsAbs(set.handler) {
		return nil
	}
	var tried []string
	switch module := handlerModule(set); {
	case module == "":
		return nil
	case strings.HasPrefix(set.runtime, "nodejs"):
		tried = []string{module + ".js", module + ".mjs", module + ".cjs", module, "node_modules/" + module}
	case strings.HasPrefix(set.runtime, "python"):
		tried = []string{module + ".py", module + "/__init__.py", module + ".pyc", module}
		if found, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(module)+".*.so")); len(found) > 0 {
			return nil
		}
	case strings.HasPrefix(set.runtime, "ruby"):
		tried = []string{module + ".rb"}
	}
	for _, name := range tried {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err == nil {
			return nil
		}
	}
	return diag.Errorf(set.code.Pos, set.code.LogicalID+".Handler", "the handler %s has no file: there is no %s in %s",
		set.handler, tried[0], root).WithHint("the handler is the file's path from the code folder, a dot, and the function's name")
}

// handlerModule is the file that a handler names, as a slash path without its
// extension; "" for runtimes without handlers in files.
func handlerModule(set settings) string {
	switch {
	case strings.HasPrefix(set.runtime, "nodejs"), strings.HasPrefix(set.runtime, "ruby"):
		h, _ := bundle.ParseHandler(set.handler)
		return h.Module
	case strings.HasPrefix(set.runtime, "python"):
		module, _, ok := cutLast(set.handler, ".")
		if !ok {
			return ""
		}
		return strings.ReplaceAll(module, ".", "/")
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
