package bundle

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

// Extensions in the order in which a handler's source is looked for. What
// node runs as it is comes after what must be built, because builds leave
// JavaScript beside TypeScript.
var (
	builtExtensions = []string{".ts", ".tsx", ".mts", ".cts", ".jsx"}
	plainExtensions = []string{".js", ".mjs", ".cjs"}
)

// node runs JavaScript where it stands; TypeScript, and what the template
// says is bundled, goes through esbuild.
func (b *Builder) node(ctx context.Context, f Function) (*Runnable, error) {
	if source, dir := f.compiledFrom(); source != "" {
		if !isDir(f.Dir) {
			f.Dir = dir
		}
		return b.esbuild(ctx, f, source, false)
	}
	if !isDir(f.Dir) {
		return nil, f.errorf("the code folder %s does not exist", f.show(f.Dir)).WithHint("run the project's own build first")
	}
	explicit := f.BuildMethod == "esbuild" || f.Metadata.Get("Suiro").Get("Bundle").TruthOr(false)
	entry := f.nodeEntry(explicit)
	if explicit && entry == "" {
		if h := filepath.Join(f.Dir, filepath.FromSlash(f.Handler)); isFile(h) { // run.sh of a web adapter
			return b.nodeInPlace(f)
		}
		return nil, f.errorf("no source file for the handler %q", f.Handler).
			WithHint("expected %s with .ts, .tsx, .mts, .js, .mjs or .cjs", f.show(filepath.Join(f.Dir, f.handlerModule())))
	}
	if entry == "" || !explicit && !isTypeScript(entry) {
		return b.nodeInPlace(f)
	}
	return b.esbuild(ctx, f, entry, explicit)
}

func (b *Builder) nodeInPlace(f Function) (*Runnable, error) {
	if m := f.missingInstall(); m != nil {
		return nil, m
	}
	r, err := b.inPlace(f)
	if err == nil {
		// npm writes this file last: a changed install is a changed function.
		lock := filepath.Join(f.Dir, "node_modules", ".package-lock.json")
		var installed string
		if installed, err = b.digests.named("npm", []string{lock}); err == nil {
			r.Hash = cache.Hash(r.Hash, installed)
		}
	}
	return r, err
}

func (f Function) handlerModule() string {
	h, ok := ParseHandler(f.Handler)
	if !ok {
		return f.Handler
	}
	return filepath.FromSlash(h.Module)
}

// nodeEntry is the source file of the handler. SAM names it in EntryPoints
// when the code is built from TypeScript whose handler is the built name.
func (f Function) nodeEntry(explicit bool) string {
	base := filepath.Join(f.Dir, f.handlerModule())
	if explicit {
		points := f.Metadata.Get("BuildProperties").Get("EntryPoints").Strings()
		for _, p := range points {
			file := filepath.Join(f.Dir, filepath.FromSlash(p))
			stem := strings.TrimSuffix(file, filepath.Ext(file))
			if len(points) == 1 || stem == base || filepath.Base(stem) == filepath.Base(base) {
				if found := sourceFile(file); found != "" {
					return found
				}
			}
		}
	}
	return sourceFile(base)
}

// sourceFile is the file at a path that may lack its extension.
func sourceFile(base string) string {
	if ext := filepath.Ext(base); ext != "" && isFile(base) {
		return base
	}
	for _, list := range [][]string{builtExtensions, plainExtensions} {
		for _, ext := range list {
			if isFile(base + ext) {
				return base + ext
			}
		}
	}
	return ""
}

func isTypeScript(file string) bool {
	ext := filepath.Ext(file)
	for _, e := range builtExtensions {
		if ext == e {
			return true
		}
	}
	return false
}

// missingInstall is the message for a project whose dependencies were never
// installed: without it, the function fails on its first require. What AWS's
// runtime supplies is not missing.
func (f Function) missingInstall() error {
	text, err := os.ReadFile(filepath.Join(f.Dir, "package.json"))
	if err != nil {
		return nil
	}
	var pkg struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if json.Unmarshal(text, &pkg) != nil {
		return nil
	}
	for name := range pkg.Dependencies {
		if suppliedSDK(f.Runtime, name) || strings.HasPrefix(name, "@types/") {
			continue
		}
		if FindPackage(f.Dir, name) == "" && f.importsPackage(name) {
			return f.errorf("the package %q is not installed", name).WithHint("run npm install in %s, or start with --install", f.showDir(f.Dir))
		}
	}
	return nil
}

// importsPackage tells whether the handler's own file names the package:
// dependencies that only other code of the project needs are not ours to miss.
func (f Function) importsPackage(name string) bool {
	entry := sourceFile(filepath.Join(f.Dir, f.handlerModule()))
	text, err := os.ReadFile(entry)
	if err != nil {
		return false
	}
	quoted := regexp.MustCompile(`["'` + "`" + `]` + regexp.QuoteMeta(name) + `(/[^"'` + "`" + `]*)?["'` + "`" + `]`)
	return quoted.Match(text)
}

func (f Function) showDir(dir string) string {
	if s := f.show(dir); s != "." {
		return s
	}
	return dir
}

// FindPackage is the folder of an installed package as Node.js resolves it
// from dir: the nearest node_modules above that holds it.
func FindPackage(dir, name string) string {
	for {
		p := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		if isDir(p) {
			return p
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// packageName is the package of an import path, or "" when the path is
// relative, absolute, or a module of Node.js itself.
func packageName(path string) string {
	if path == "" || strings.HasPrefix(path, ".") || strings.HasPrefix(path, "/") || strings.HasPrefix(path, "#") || strings.Contains(path, ":") {
		return ""
	}
	parts := strings.SplitN(path, "/", 3)
	if strings.HasPrefix(path, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// nodeMajor is the number in a nodejs runtime name; nodejs4.3 is 4.
func nodeMajor(runtime string) int {
	n := 0
	for _, c := range strings.TrimPrefix(runtime, "nodejs") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// nodeBuiltin are the modules of Node.js that may be imported without "node:".
var nodeBuiltin = func() map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(`assert async_hooks buffer child_process cluster console constants crypto
		dgram diagnostics_channel dns domain events fs http http2 https inspector module net os path perf_hooks
		process punycode querystring readline repl stream string_decoder sys timers tls trace_events tty url
		util v8 vm wasi worker_threads zlib`) {
		m[name] = true
	}
	return m
}()

// suppliedSDK tells whether AWS's runtime brings the package along: version 3
// of the SDK since Node.js 18, version 2 before (Lambda runtimes guide).
func suppliedSDK(runtime, name string) bool {
	if nodeMajor(runtime) >= 18 || nodeMajor(runtime) == 0 {
		return strings.HasPrefix(name, "@aws-sdk/") || strings.HasPrefix(name, "@smithy/")
	}
	return name == "aws-sdk"
}
