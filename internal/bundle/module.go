package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Config bundles a configuration module (serverless.ts, .js, .mjs) into one
// CommonJS script for node; packages stay outside and are to be required from
// where file stands. files are the modules it was made from, absolute.
//
// __dirname, __filename and import.meta.url keep naming each module's own
// file: configurations compute handler paths from them.
func (b *Builder) Config(ctx context.Context, file string) (js []byte, files []string, err error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	dir := filepath.Dir(file)
	f := Function{Dir: dir, TemplateDir: dir}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: dir,
		EntryPoints:   []string{file},
		Outdir:        dir,
		Bundle:        true,
		Metafile:      true,
		Platform:      api.PlatformNode,
		Format:        api.FormatCommonJS,
		Packages:      api.PackagesExternal,
		Sourcemap:     api.SourceMapInline,
		LogLevel:      api.LogLevelSilent,
		Define:        map[string]string{"import.meta.url": "__suiroModuleURL"},
		Plugins:       []api.Plugin{ownPaths()},
	})
	if len(result.Errors) > 0 {
		return nil, nil, f.esbuildMessage(result.Errors)
	}
	meta, err := readMetafile(result.Metafile, dir)
	if err != nil {
		return nil, nil, err
	}
	if len(result.OutputFiles) != 1 {
		return nil, nil, fmt.Errorf("bundling %s gave %d files", file, len(result.OutputFiles))
	}
	return result.OutputFiles[0].Contents, meta.files, nil
}

// ownPaths gives every module constants that name its own file. They stand on
// the first line, so that positions in errors stay right.
func ownPaths() api.Plugin {
	loaders := map[string]api.Loader{
		".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX,
		".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS, ".jsx": api.LoaderJSX,
	}
	return api.Plugin{Name: "own-paths", Setup: func(build api.PluginBuild) {
		build.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`, Namespace: "file"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			text, err := os.ReadFile(a.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			code := string(text)
			if strings.HasPrefix(code, "#!") {
				code = "//" + code
			}
			code = pathConstants(a.Path, code) + code
			return api.OnLoadResult{Contents: &code, Loader: loaders[filepath.Ext(a.Path)], ResolveDir: filepath.Dir(a.Path)}, nil
		})
	}}
}

// pathConstants declares the names a module uses, and none it declares itself.
func pathConstants(path, code string) string {
	var b strings.Builder
	declare := func(name, value string) {
		quoted, _ := json.Marshal(value)
		fmt.Fprintf(&b, "var %s = %s; ", name, quoted)
	}
	if usesOnly(code, "__dirname") {
		declare("__dirname", filepath.Dir(path))
	}
	if usesOnly(code, "__filename") {
		declare("__filename", path)
	}
	if strings.Contains(code, "import.meta.url") {
		declare("__suiroModuleURL", fileURL(path))
	}
	return b.String()
}

// usesOnly tells whether code mentions a name without declaring it, as ES
// modules do with const __dirname = ….
func usesOnly(code, name string) bool {
	for _, keyword := range []string{"const ", "let ", "var "} {
		if strings.Contains(code, keyword+name) {
			return false
		}
	}
	return strings.Contains(code, name)
}

func fileURL(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
