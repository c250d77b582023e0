package serverless

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// code sets what a function runs: Code, Handler and Runtime, or an image. Code
// is the local folder or archive, relative to the service; the result is the
// resource's Metadata, which tells the bundler what to do.
func (c *compiler) code(f *function, p *document.Node) *document.Node {
	handler, image := c.handler(f), f.node.Get("image")
	key := "functions." + f.key
	switch {
	case build.Given(handler) == build.Given(image):
		c.msgs.Add(diag.Errorf(f.pos, key, "a function has a handler or an image, one of them"))
		return nil
	case build.Given(image):
		return c.image(f, p, image)
	}
	runtime := build.First(f.node.Get("runtime"), c.provider.Get("runtime"))
	if runtime == nil {
		def := "nodejs16.x"
		if c.V4 {
			def = "nodejs20.x"
		}
		runtime = document.Str(def, f.pos)
	}
	path, archive := c.codePath(f)
	if base := c.goBase(runtime.TextOr("")); base != "" && !archive {
		path = document.Str(base, f.pos)
	}
	p.Set("Code", path)
	p.Set("Handler", handler)
	p.Set("Runtime", runtime)
	if mode := c.runtimeUpdates(f); mode != nil {
		p.Set("RuntimeManagementConfig", mode)
	}
	return c.bundling(f, runtime, handler, archive)
}

// codePath is where a function's code lies, and whether that is an archive
// that is used as it stands.
func (c *compiler) codePath(f *function) (path *document.Node, archive bool) {
	own, service := f.node.Get("package"), c.cfg.Get("package")
	artifact := build.First(own.Get("artifact"))
	if artifact == nil && !own.Get("individually").TruthOr(false) {
		artifact = build.First(service.Get("artifact"))
	}
	if artifact != nil {
		c.checkPath(artifact, "functions."+f.key+".package.artifact")
		return artifact, true
	}
	if own := build.First(own.Get("path")); own != nil {
		return own, false
	}
	return document.Str(".", f.pos), false
}

// checkPath refuses what cannot be had. A file that is not there yet is no
// matter: the function's build makes it, or says that it is missing.
func (c *compiler) checkPath(n *document.Node, key string) {
	path := n.TextOr("")
	if strings.HasPrefix(path, "s3://") || strings.Contains(path, "amazonaws.com/") {
		c.errorf(n, key, "the artifact lies in S3; Suiro runs local files").WithHint("download it and name the file")
		return
	}
}

// abs is a path of the service, absolute.
func (c *compiler) abs(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.Dir, filepath.FromSlash(path))
}

// exists tells whether something is at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runtimeUpdates is when AWS may renew the runtime; it has no effect here, but
// the template says what the framework's would.
func (c *compiler) runtimeUpdates(f *function) *document.Node {
	conf := build.First(f.node.Get("runtimeManagement"), c.provider.Get("runtimeManagement"))
	mode := conf.TextOr(conf.Get("mode").TextOr("auto"))
	switch mode {
	case "onFunctionUpdate":
		return build.Object(conf.Pos, "UpdateRuntimeOn", "FunctionUpdate")
	case "manual":
		return build.Object(conf.Pos, "UpdateRuntimeOn", "Manual", "RuntimeVersionArn", conf.Get("arn"))
	}
	return nil
}

// bundling says in Metadata.Suiro whether the code has to be bundled before it
// runs, by whose settings, and which files count.
func (c *compiler) bundling(f *function, runtime, handler *document.Node, archive bool) *document.Node {
	at := f.pos
	node := strings.HasPrefix(runtime.TextOr(""), "nodejs")
	bundle, plugin, options := false, "", (*document.Node)(nil)
	if node && !archive {
		if c.plugins.bundler != "" {
			bundle, plugin = true, c.plugins.bundler
			options = c.pluginOptions()
		} else if c.V4 && c.builtIn(f, handler) {
			bundle, plugin = true, "esbuild"
			options = c.cfg.Get("build").Get("esbuild")
		}
	}
	s := build.Object(at, "Bundle", bundle)
	if plugin != "" {
		s.Set("Plugin", document.Str(plugin, at))
	}
	if p := c.patterns(f); len(p.Items) > 0 {
		s.Set("Patterns", p)
	}
	if options != nil && options.Kind == document.Map && len(options.Members) > 0 {
		if n := options.Get("plugins"); n != nil {
			c.warnf(n, "esbuild.plugins", "esbuild plug-ins are not run")
		}
		s.Set("Esbuild", options)
	}
	return build.Object(at, "Suiro", s)
}

// pluginOptions are the esbuild settings of the plug-in in use. Webpack's and
// Rollup's are programs, and are not run.
func (c *compiler) pluginOptions() *document.Node {
	custom := c.cfg.Get("custom")
	switch c.plugins.bundler {
	case "serverless-esbuild", "serverless-plugin-esbuild":
		return custom.Get("esbuild")
	case "serverless-bundle":
		return build.Object(c.plugins.bundlerPos, "external", custom.Get("bundle").Get("externals"))
	}
	return nil
}

// builtIn tells whether version 4 bundles a function by itself: TypeScript
// always, JavaScript when `build` asks for esbuild.
func (c *compiler) builtIn(f *function, handler *document.Node) bool {
	own, service := f.node.Get("build"), c.cfg.Get("build")
	if on, isBool := service.Get("esbuild").Truth(); isBool && !on {
		return false
	}
	if build.Given(own) {
		return own.TextOr("") == "esbuild" || build.Given(own.Get("esbuild"))
	}
	if build.Given(service) {
		return service.TextOr("") == "esbuild" || build.Given(service.Get("esbuild"))
	}
	h := handler.TextOr("")
	if i := strings.LastIndexByte(h, '.'); i > strings.LastIndexByte(h, '/') {
		h = h[:i]
	}
	for _, ext := range []string{".js", ".ts", ".cjs", ".mjs", ".cts", ".mts", ".jsx", ".tsx"} {
		if exists(c.abs(h + ext)) {
			return strings.Contains(ext, "ts")
		}
	}
	return false
}

// patterns are the package patterns, the service's before the function's; the
// older exclude and include come to the same.
func (c *compiler) patterns(f *function) *document.Node {
	out := build.List(f.pos)
	for _, p := range []*document.Node{c.cfg.Get("package"), f.node.Get("package")} {
		for _, n := range build.Items(p.Get("exclude")) {
			out.Items = append(out.Items, document.Str("!"+n.TextOr(""), n.Pos))
		}
		out.Items = append(out.Items, build.Items(p.Get("include"))...)
		out.Items = append(out.Items, build.Items(p.Get("patterns"))...)
	}
	return out
}

// image sets a container image: one in a registry, or one that provider.ecr
// builds, whose Dockerfile is named in Metadata as SAM does it.
func (c *compiler) image(f *function, p, image *document.Node) *document.Node {
	key := "functions." + f.key + ".image"
	name, uri := "", image
	if image.Kind == document.Map {
		name, uri = image.Get("name").TextOr(""), build.First(image.Get("uri"))
		conf := build.Object(image.Pos, "Command", build.First(image.Get("command")), "EntryPoint", build.First(image.Get("entryPoint")),
			"WorkingDirectory", build.First(image.Get("workingDirectory")))
		if len(conf.Members) > 0 {
			p.Set("ImageConfig", conf)
		}
	} else if c.provider.Get("ecr").Get("images").Get(image.TextOr("")) != nil {
		name, uri = image.Text, nil
	}
	p.Set("PackageType", document.Str("Image", image.Pos))
	if uri != nil {
		p.Set("Code", build.Object(uri.Pos, "ImageUri", uri))
		return nil
	}
	def := c.provider.Get("ecr").Get("images").Get(name)
	if def == nil {
		c.errorf(image, key, "provider.ecr.images has no image %q", name)
		return nil
	}
	if def.IsScalar() || build.Given(def.Get("uri")) {
		p.Set("Code", build.Object(def.Pos, "ImageUri", build.First(def.Get("uri"), def)))
		return nil
	}
	p.Set("Code", build.Object(def.Pos, "ImageUri", "serverless-"+c.service+"-"+c.Stage+":"+name))
	return build.Object(def.Pos,
		"Dockerfile", build.OrText(def.Get("file"), "Dockerfile", def.Pos),
		"DockerContext", build.OrText(def.Get("path"), ".", def.Pos),
		"DockerBuildArgs", build.First(def.Get("buildArgs")),
		"DockerTag", name)
}

// layers makes the layers of `layers:`. Content is the local folder or archive.
func (c *compiler) layers() {
	for _, m := range build.Members(c.cfg.Get("layers")) {
		n, key := m.Value, "layers."+m.Key
		if n.IsNull() {
			continue
		}
		path := build.First(n.Get("package").Get("artifact"), n.Get("path"))
		if path == nil {
			c.msgs.Add(diag.Errorf(m.KeyPos, key, "the layer has no path"))
			continue
		}
		c.checkPath(path, key+".path")
		id := layerID(m.Key)
		r := c.add(m.KeyPos, id, "AWS::Lambda::LayerVersion", build.Object(m.KeyPos,
			"Content", path,
			"LayerName", build.OrText(n.Get("name"), m.Key, m.KeyPos),
			"Description", build.First(n.Get("description")),
			"LicenseInfo", build.First(n.Get("licenseInfo")),
			"CompatibleRuntimes", build.First(n.Get("compatibleRuntimes")),
			"CompatibleArchitectures", build.First(n.Get("compatibleArchitectures"))))
		if build.Given(n.Get("retain")) {
			r.Set("DeletionPolicy", document.Str("Retain", m.KeyPos))
		}
		c.output(m.KeyPos, id+"QualifiedArn", "Current Lambda layer version", build.Ref(m.KeyPos, id))
		for _, account := range n.Get("allowedAccounts").Strings() {
			c.add(m.KeyPos, normalized(m.Key)+strings.ReplaceAll(account, "*", "Wild")+"LambdaLayerPermission",
				"AWS::Lambda::LayerVersionPermission", build.Object(m.KeyPos, "Action", "lambda:GetLayerVersion",
					"LayerVersionArn", build.Ref(m.KeyPos, id), "Principal", account))
		}
	}
}
