package lambda

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/image"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Images builds container images; *image.Builder is one.
type Images interface {
	Build(ctx context.Context, src image.Source) (*image.Image, error)
}

// Start is what runs in place of a function's container image.
type Start struct {
	Command []string
	Dir     string // absolute; "" is the folder the image is built from
	Port    int    // of a web server; 0: the command speaks the Runtime API
}

// imageSettings are the properties of a function that is a container image.
type imageSettings struct {
	source   *image.Source // nil when the template does not say how it is built
	override image.Override
	// given are the function's own variables; settings.variables are these
	// over the image's, once it is built.
	given map[string]string
	// server: it is a web server behind the adapter; known once it is built.
	server bool
}

func isImage(spec resource.Spec) bool {
	return spec.Properties.Get("PackageType").TextOr("") == "Image" || !spec.Properties.Get("Code").Get("ImageUri").IsNull()
}

func hasDockerfile(spec resource.Spec) bool {
	return !spec.Metadata.Get("Dockerfile").IsNull() || !spec.Metadata.Get("DockerContext").IsNull()
}

// checkImage finds what keeps a container image from running here.
func checkImage(spec resource.Spec, starts map[string]Start) (out diag.List) {
	code := spec.Properties.Get("Code")
	if _, ok := starts[spec.LogicalID]; ok {
		return nil
	}
	if hasDockerfile(spec) {
		src := imageSource(spec)
		if _, err := os.Stat(src.File); err != nil {
			out.Add(diag.Errorf(spec.At(spec.Metadata.Get("Dockerfile")), spec.LogicalID+".Metadata.Dockerfile", "there is no %s", src.File))
			return out
		}
		out.Add(diag.Notef(spec.At(spec.Metadata.Get("Dockerfile")), spec.LogicalID+".Metadata.Dockerfile",
			"the image is a folder here, made from %s without a container engine: its programs are this machine's", filepath.Base(src.File)))
		return out
	}
	out.Add(diag.Errorf(spec.At(code), spec.LogicalID+".Code", "the image %s comes from a registry, and Suiro runs what it can build itself",
		strings.TrimSpace(code.Get("ImageUri").TextOr("")+" ")).
		WithHint("name its Dockerfile in Metadata (Dockerfile, DockerContext), or say in suiro.yaml what to run: images: {%s: {command: […], dir: …}}", spec.LogicalID))
	return out
}

// imageSource is where `sam build` finds an image's Dockerfile: in the context,
// which is relative to the template.
func imageSource(spec resource.Spec) *image.Source {
	meta := spec.Metadata
	src := &image.Source{
		LogicalID: spec.LogicalID, Pos: spec.Pos,
		Context: spec.Path(meta.Get("DockerContext").TextOr(".")),
		Target:  meta.Get("DockerBuildTarget").TextOr(""),
		Args:    make(map[string]string),
	}
	src.File = resource.LocalPath(src.Context, meta.Get("Dockerfile").TextOr("Dockerfile"))
	for _, name := range meta.Get("DockerBuildArgs").Keys() {
		src.Args[name] = meta.Get("DockerBuildArgs").Get(name).TextOr("")
	}
	return src
}

func readImage(spec resource.Spec, variables map[string]string) *imageSettings {
	set := &imageSettings{given: maps.Clone(variables)}
	if hasDockerfile(spec) {
		set.source = imageSource(spec)
	}
	c := spec.Properties.Get("ImageConfig")
	if n := c.Get("EntryPoint"); !n.IsNull() {
		set.override.Entrypoint = n.Strings()
	}
	if n := c.Get("Command"); !n.IsNull() {
		set.override.Cmd = n.Strings()
	}
	set.override.WorkDir = c.Get("WorkingDirectory").TextOr("")
	if set.source != nil {
		set.source.Started = len(set.override.Entrypoint) > 0 || len(set.override.Cmd) > 0
	}
	return set
}

// buildImage makes a revision of a function that is a container image: what
// suiro.yaml names in its place, the handler of an AWS base image on its
// runtime, or the image's own program.
func (fn *function) buildImage(ctx context.Context, set settings) (*revision, error) {
	if start, ok := fn.service.cfg.Starts[fn.logicalID]; ok {
		return fn.startInstead(set, start)
	}
	if fn.service.cfg.Images == nil || set.image.source == nil {
		return nil, diag.Errorf(set.code.Pos, fn.logicalID, "the container image is not built here")
	}
	src := *set.image.source
	src.Name = fn.name
	img, err := fn.service.cfg.Images.Build(ctx, src)
	if err != nil {
		return nil, err
	}
	given := set.image
	set.image = &imageSettings{source: given.source, override: given.override, given: given.given, server: img.Adapter}
	set.variables = img.Environ()
	maps.Copy(set.variables, given.given)
	runnable := &bundle.Runnable{Sources: img.Sources, Hash: img.Hash}
	var command *runtime.Command
	if img.Runtime != "" && given.override.Entrypoint == nil {
		if command, err = fn.imageHandler(ctx, &set, img, runnable); err != nil {
			return nil, err
		}
	} else {
		c := img.Command(given.override)
		runnable.Root, set.runtime = c.Dir, "provided"
		command = &runtime.Command{Path: c.Path, Args: c.Args}
	}
	rev := &revision{settings: set, runnable: runnable, command: command, modified: time.Now()}
	fn.adapt(rev)
	return rev, nil
}

// imageHandler is the command of an image made from one of AWS's: CMD names
// the handler, and the runtime is the base image's.
func (fn *function) imageHandler(ctx context.Context, set *settings, img *image.Image, runnable *bundle.Runnable) (*runtime.Command, error) {
	set.runtime = img.Runtime
	cmd := img.Cmd
	if set.image.override.Cmd != nil {
		cmd = set.image.override.Cmd
	}
	if len(cmd) > 0 {
		set.handler = cmd[0]
	}
	runnable.Root = filepath.Join(img.Root, filepath.FromSlash(img.WorkDir))
	if strings.HasPrefix(img.Runtime, "provided") {
		runnable.Bootstrap = filepath.Join(img.Root, "var", "runtime", "bootstrap")
	} else if m := checkHandler(*set, runnable.Root); m != nil {
		m.Key = fn.logicalID
		return nil, m.WithHint("CMD of the Dockerfile names the handler: the file, a dot, and the function's name")
	}
	command, err := fn.service.cfg.Runtimes.Command(ctx, runtime.Function{
		Name: fn.name, Runtime: set.runtime, Handler: set.handler, Root: runnable.Root, Bootstrap: runnable.Bootstrap,
	})
	if err != nil {
		return nil, fn.at(*set, err)
	}
	fn.note(command.Notes)
	return command, nil
}

// startInstead runs what suiro.yaml names for a function.
func (fn *function) startInstead(set settings, start Start) (*revision, error) {
	dir := start.Dir
	if dir == "" {
		dir = set.code.TemplateDir
		if set.image.source != nil {
			dir = set.image.source.Context
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, diag.Errorf(set.code.Pos, "images."+fn.logicalID+".dir", "there is no folder %s", dir)
	}
	given := set.image
	set.image = &imageSettings{source: given.source, given: given.given, server: start.Port != 0}
	set.runtime, set.variables = "provided", maps.Clone(given.given)
	if start.Port != 0 {
		set.variables["AWS_LWA_PORT"] = strconv.Itoa(start.Port)
	}
	path := start.Command[0]
	if strings.ContainsRune(path, filepath.Separator) && !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	} else if found, err := exec.LookPath(path); err == nil {
		path = found
	}
	rev := &revision{
		settings: set, modified: time.Now(),
		runnable: &bundle.Runnable{Root: dir, Sources: []string{dir}},
		command:  &runtime.Command{Path: path, Args: start.Command[1:]},
	}
	fn.adapt(rev)
	return rev, nil
}
