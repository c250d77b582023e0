package bundle

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// TypeScript without esModuleInterop and webpack make what a CommonJS module
// exports of "import * as x from 'x'", so that x can be a function and be
// called. By the standard, and for esbuild, x is a namespace object, and the
// call fails. Code that was built by the former runs here as it does on AWS.

// calledNamespace is esbuild's warning at such a call.
var calledNamespace = regexp.MustCompile(`^(?:Calling|Constructing) "([^"]+)" will crash`)

// calledNamespaces are the names that are called, by the file that calls them.
func calledNamespaces(warnings []api.Message, dir string) map[string][]string {
	called := map[string][]string{}
	for _, w := range warnings {
		g := calledNamespace.FindStringSubmatch(w.Text)
		if g == nil || w.Location == nil {
			continue
		}
		file := filepath.FromSlash(w.Location.File)
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if !slices.Contains(called[file], g[1]) {
			called[file] = append(called[file], g[1])
		}
	}
	return called
}

// esbuildPlugins are those that bundle as esbuild does, or refuse such a call
// (Rollup).
var esbuildPlugins = map[string]bool{
	"esbuild": true, "serverless-esbuild": true, "serverless-plugin-esbuild": true,
	"serverless-rollup-plugin": true, "serverless-vite-plugin": true,
}

// namespaceIsModule tells whether what the app is built with on its way to AWS
// lets a called namespace pass in a file.
func (f Function) namespaceIsModule(file string) bool {
	plugin := f.Metadata.Get("Suiro").Get("Plugin").TextOr("")
	if f.BuildMethod == "esbuild" || esbuildPlugins[plugin] || strings.HasPrefix(filepath.Ext(file), ".m") {
		return false
	}
	if !isTypeScript(file) {
		return plugin != "" // JavaScript that nobody bundles is not touched
	}
	config := filepath.Join(findUp(filepath.Dir(file), "tsconfig.json"), "tsconfig.json")
	module := strings.ToLower(compilerOption(config, "module"))
	switch {
	case strings.HasPrefix(module, "node"), compilerOption(config, "esModuleInterop") == "true":
		// tsc makes a namespace object. Webpack only sees that where tsc turns
		// imports into require, which it does by default for an old target.
		target := strings.ToLower(compilerOption(config, "target"))
		turned := module == "commonjs" || strings.HasPrefix(module, "node") ||
			module == "" && (target == "" || target == "es3" || target == "es5")
		return !turned && (plugin == "serverless-webpack" || plugin == "serverless-bundle")
	}
	return true
}

// compilerOption is an option of a tsconfig.json or of those it extends.
func compilerOption(file, name string) string {
	for range 8 {
		config := readTSConfig(file)
		if text, ok := config.Get("compilerOptions").Get(name).Scalar(); ok {
			return text
		}
		parent := config.Get("extends").TextOr("")
		if !strings.HasPrefix(parent, ".") {
			return ""
		}
		if filepath.Ext(parent) != ".json" {
			parent += ".json"
		}
		file = filepath.Join(filepath.Dir(file), filepath.FromSlash(parent))
	}
	return ""
}

// requireNamespaces makes esbuild read the imports of called namespaces as
// require.
func requireNamespaces(called map[string][]string) api.Plugin {
	return api.Plugin{Name: "called-namespaces", Setup: func(build api.PluginBuild) {
		build.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`, Namespace: "file"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			names := called[a.Path]
			if names == nil {
				return api.OnLoadResult{}, nil
			}
			text, err := os.ReadFile(a.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			code := requireNames(string(text), names, isTypeScript(a.Path))
			return api.OnLoadResult{Contents: &code, Loader: api.LoaderDefault}, nil
		})
	}}
}

// requireNames turns import * as name from 'x' into name = require('x'), on the
// line where it stands.
func requireNames(code string, names []string, typescript bool) string {
	declare := "const"
	if typescript {
		declare = "import"
	}
	for _, name := range names {
		imports := regexp.MustCompile(`(?m)^([ \t]*)import\s*\*\s*as\s+` + regexp.QuoteMeta(name) + `\s+from\s*("[^"\n]+"|'[^'\n]+')`)
		code = imports.ReplaceAllString(code, "${1}"+declare+" "+strings.ReplaceAll(name, "$", "$$")+" = require(${2})")
	}
	return code
}
