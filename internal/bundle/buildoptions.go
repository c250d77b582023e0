package bundle

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/suiro-dev/suiro/internal/document"
)

// buildOptions are esbuild's options for a handler: what Lambda needs, then
// what the template says in SAM's BuildProperties or in a Serverless plug-in's
// settings, which are esbuild's own names with a small first letter.
func (b *Builder) buildOptions(f Function, entry string, explicit bool) (api.BuildOptions, error) {
	module := f.handlerModule()
	o := api.BuildOptions{
		AbsWorkingDir: f.Dir,
		// The output stands where the handler expects it, whatever folder the
		// source came from; sam build flattens entry points the same way.
		EntryPointsAdvanced: f.entryPoints(entry, module, explicit),
		Bundle:              true,
		Metafile:            true,
		Platform:            api.PlatformNode,
		Format:              api.FormatCommonJS,
		Engines:             []api.Engine{{Name: api.EngineNode, Version: strconv.Itoa(max(nodeMajor(f.Runtime), 12))}},
		Sourcemap:           api.SourceMapLinked,
		SourcesContent:      api.SourcesContentExclude, // the files are on this machine
		LogLevel:            api.LogLevelSilent,
		Loader:              map[string]api.Loader{".node": api.LoaderCopy},
		Plugins:             []api.Plugin{suppliedPlugin(f.Runtime)},
	}
	if !explicit {
		// Only TypeScript was to be removed: packages stay as installed.
		o.Packages = api.PackagesExternal
		if f.isModule(entry) {
			o.Format = api.FormatESModule
			o.Banner = map[string]string{"js": requireInModule}
		}
		return o, nil
	}
	s := settings{sam: f.Metadata.Get("BuildProperties"), serverless: f.Metadata.Get("Suiro").Get("Esbuild")}
	if err := s.apply(f, &o); err != nil {
		return o, err
	}
	for _, key := range s.unused() {
		b.notice(f, "the esbuild setting %s has no effect in Suiro", key)
	}
	return o, nil
}

// entryPoints are what is bundled for a handler: its own source, and what else
// SAM's EntryPoints name, as for a worker thread. sam build flattens them, with
// esbuild's rule: relative to the folder that all of them share.
func (f Function) entryPoints(entry, module string, explicit bool) []api.EntryPoint {
	points := []api.EntryPoint{{InputPath: entry, OutputPath: filepath.ToSlash(module)}}
	if !explicit {
		return points
	}
	var files []string
	for _, p := range f.Metadata.Get("BuildProperties").Get("EntryPoints").Strings() {
		if found := sourceFile(filepath.Join(f.Dir, filepath.FromSlash(p))); found != "" {
			files = append(files, found)
		}
	}
	if len(files) < 2 {
		return points
	}
	shared := filepath.Dir(files[0])
	for _, file := range files {
		for shared != filepath.Dir(shared) && !strings.HasPrefix(file, shared+string(filepath.Separator)) {
			shared = filepath.Dir(shared)
		}
	}
	for _, file := range files {
		out, err := filepath.Rel(shared, strings.TrimSuffix(file, filepath.Ext(file)))
		if err == nil && file != entry {
			points = append(points, api.EntryPoint{InputPath: file, OutputPath: filepath.ToSlash(out)})
		}
	}
	return points
}

// requireInModule gives CommonJS packages inside an ES module their require.
const requireInModule = `import { createRequire as __suiroCreateRequire } from "node:module"; const require = __suiroCreateRequire(import.meta.url);`

// isModule tells whether node would run the compiled entry as an ES module.
func (f Function) isModule(entry string) bool {
	switch filepath.Ext(entry) {
	case ".mts", ".mjs":
		return true
	case ".cts", ".cjs":
		return false
	}
	pkg, _, err := document.ReadFile(filepath.Join(findUp(filepath.Dir(entry), "package.json"), "package.json"))
	return err == nil && pkg.Get("type").TextOr("") == "module"
}

// suppliedPlugin leaves the AWS SDK out when the runtime supplies it and the
// app does not bring it.
func suppliedPlugin(runtime string) api.Plugin {
	return api.Plugin{Name: "supplied-sdk", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^(@aws-sdk/|@smithy/|aws-sdk($|/))`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			name := packageName(a.Path)
			if suppliedSDK(runtime, name) && FindPackage(a.ResolveDir, name) == "" {
				return api.OnResolveResult{Path: a.Path, External: true}, nil
			}
			return api.OnResolveResult{}, nil
		})
	}}
}

// settings are the two places a template keeps esbuild's options in.
type settings struct {
	sam, serverless *document.Node
	used            map[string]bool
}

// get finds a setting by its SAM name: Minify, or minify for Serverless.
func (s *settings) get(name string) *document.Node {
	if s.used == nil {
		s.used = map[string]bool{}
	}
	lower := strings.ToLower(name[:1]) + name[1:]
	s.used[name], s.used[lower] = true, true
	if n := s.sam.Get(name); n != nil {
		return n
	}
	return s.serverless.Get(lower)
}

// unused are the keys that apply never asked for.
func (s *settings) unused() []string {
	var keys []string
	for _, n := range []*document.Node{s.sam, s.serverless} {
		for _, k := range n.Keys() {
			if !s.used[k] && !harmless[k] {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// harmless settings steer packaging and caching, not what the code does.
var harmless = map[string]bool{
	"bundle": true, "packager": true, "packagerOptions": true, "concurrency": true, "zipConcurrency": true,
	"watch": true, "keepOutputDirectory": true, "outputWorkFolder": true, "outputBuildFolder": true,
	"packagePath": true, "installExtraArgs": true, "nativeZip": true, "disableIncremental": true,
	"skipBuild": true, "skipRebuild": true, "stripEntryResolveExtensions": true, "platform": true,
	"EntryPoints": true, "logLevel": true, "metafile": true, "buildConcurrency": true, "UseNpmCi": true,
}

func (s *settings) apply(f Function, o *api.BuildOptions) error {
	if s.get("Minify").TruthOr(false) {
		o.MinifyWhitespace, o.MinifyIdentifiers, o.MinifySyntax = true, true, true
	}
	o.KeepNames = s.get("KeepNames").TruthOr(false)
	if v, ok := s.get("Sourcemap").Truth(); ok && !v {
		o.Sourcemap = api.SourceMapNone
	}
	s.get("SourcesContent")
	if err := s.target(f, o); err != nil {
		return err
	}
	switch v := s.get("Format"); v.TextOr("") {
	case "esm":
		o.Format = api.FormatESModule
	case "", "cjs", "iife":
	default:
		return f.errorf("esbuild knows no format %q", v.Text).WithHint("use cjs or esm")
	}
	if s.get("Packages").TextOr("") == "external" {
		o.Packages = api.PackagesExternal
	}
	o.External = append(s.get("External").Strings(), s.get("Exclude").Strings()...)
	o.MainFields = commaList(s.get("MainFields"))
	o.ResolveExtensions = commaList(s.get("ResolveExtensions"))
	o.Inject = s.get("Inject").Strings()
	o.Conditions = commaList(s.get("Conditions"))
	o.NodePaths = s.get("NodePaths").Strings()
	o.Define = pairs(s.get("Define"))
	o.Alias = pairs(s.get("Alias"))
	o.Banner = pairs(s.get("Banner"))
	o.Footer = pairs(s.get("Footer"))
	o.OutExtension = pairs(s.get("OutExtension"))
	if ext := s.get("OutputFileExtension").TextOr(""); ext != "" {
		o.OutExtension = map[string]string{".js": ext}
	}
	if v := s.get("Tsconfig").TextOr(""); v != "" {
		o.Tsconfig = filepath.Join(f.Dir, v)
	}
	if v, ok := s.get("TreeShaking").Truth(); ok && !v {
		o.TreeShaking = api.TreeShakingFalse
	}
	return s.loaders(f, o)
}

func (s *settings) loaders(f Function, o *api.BuildOptions) error {
	for ext, name := range pairs(s.get("Loader")) {
		l, ok := loaderNames[name]
		if !ok {
			return f.errorf("esbuild knows no loader %q", name)
		}
		o.Loader[ext] = l
	}
	return nil
}

var loaderNames = map[string]api.Loader{
	"base64": api.LoaderBase64, "binary": api.LoaderBinary, "copy": api.LoaderCopy, "css": api.LoaderCSS,
	"dataurl": api.LoaderDataURL, "default": api.LoaderDefault, "empty": api.LoaderEmpty, "file": api.LoaderFile,
	"js": api.LoaderJS, "json": api.LoaderJSON, "jsx": api.LoaderJSX, "text": api.LoaderText,
	"ts": api.LoaderTS, "tsx": api.LoaderTSX,
}

var nodeTarget = regexp.MustCompile(`^node(\d[\d.]*)$`)

var esTargets = map[string]api.Target{
	"es5": api.ES5, "es6": api.ES2015, "es7": api.ES2016, "es2015": api.ES2015, "es2016": api.ES2016,
	"es2017": api.ES2017, "es2018": api.ES2018, "es2019": api.ES2019, "es2020": api.ES2020, "es2021": api.ES2021,
	"es2022": api.ES2022, "es2023": api.ES2023, "es2024": api.ES2024, "esnext": api.ESNext,
}

// target reads "es2020", "node18" or a list of both.
func (s *settings) target(f Function, o *api.BuildOptions) error {
	for _, t := range commaList(s.get("Target")) {
		t = strings.ToLower(t)
		if g := nodeTarget.FindStringSubmatch(t); g != nil {
			o.Engines = []api.Engine{{Name: api.EngineNode, Version: g[1]}}
		} else if target, ok := esTargets[t]; ok {
			o.Target, o.Engines = target, nil
		} else {
			return f.errorf("esbuild knows no target %q", t).WithHint("use es2022 or node22, for example")
		}
	}
	return nil
}

// commaList reads a list, or one string with commas as SAM takes it.
func commaList(n *document.Node) []string {
	var list []string
	for _, s := range n.Strings() {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}

// pairs reads a map, or SAM's list of "key=value".
func pairs(n *document.Node) map[string]string {
	if n == nil {
		return nil
	}
	m := map[string]string{}
	for _, member := range n.Members {
		if v, ok := member.Value.Scalar(); ok {
			m[member.Key] = v
		}
	}
	for _, s := range n.Strings() {
		if k, v, ok := strings.Cut(s, "="); ok {
			m[k] = v
		}
	}
	return m
}
