// Package image turns container images into folders that run on this machine,
// without a container engine: it reads a Dockerfile far enough to know what
// the image would start, and in which folder of files.
//
// Every stage is a folder. COPY copies into it, WORKDIR and ENV are noted, and
// RUN runs on this machine, in the stage's folder, when all it starts is a
// package manager, a compiler or a tool for files (run.go has the list); system
// packages and users are left out, since this machine's are used. What cannot
// be done this way is told with its file and line.
//
// Paths of the image (/app, /var/task) are paths below the stage's folder. A
// program that opens one by its name in the image, and was not told another by
// the working folder, an argument or a variable, does not find it.
package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// Source is where an image is built from.
type Source struct {
	Name      string // function name, for messages
	LogicalID string
	Context   string // folder, absolute
	File      string // Dockerfile, absolute
	Target    string // stage; "" is the last one
	Args      map[string]string
	// Started: the template's ImageConfig says what to start; a Dockerfile
	// without CMD and ENTRYPOINT is no mistake then.
	Started bool
	Pos     diag.Position // of the function
}

// Image is what starts, and where.
type Image struct {
	// Root is the folder that stands for the image's /.
	Root string
	// WorkDir is the working folder, as a path of the image.
	WorkDir string
	// Entrypoint and Cmd are the image's; a shell form is sh -c TEXT.
	Entrypoint, Cmd []string
	// Env are the variables, with paths as the image has them.
	Env map[string]string
	// Runtime is the Lambda runtime of an AWS base image, "nodejs22.x"; ""
	// for every other one. Cmd names the handler then.
	Runtime string
	// Adapter: the image holds the Lambda Web Adapter.
	Adapter bool
	// Path are folders for PATH, before this machine's.
	Path []string
	// Sources are the files and folders the image was made from.
	Sources []string
	Hash    string
}

// Config says where results are kept and who hears of what was left out.
type Config struct {
	CacheDir string
	Journal  *journal.Journal // nil: nobody
}

// Builder builds images. It is safe for concurrent use.
type Builder struct {
	cache        *cache.Cache
	journal      *journal.Journal
	interpreters *bundle.Interpreters
	// slots bounds the builds at work at once.
	slots chan struct{}
}

// New makes a Builder. Nothing is touched on disk before the first Build.
func New(cfg Config) *Builder {
	return &Builder{
		cache: cache.New(cfg.CacheDir, cfg.Journal), journal: cfg.Journal,
		interpreters: bundle.NewInterpreters(cfg.CacheDir), slots: make(chan struct{}, 2),
	}
}

// Build reads the Dockerfile and makes the folder of its last stage. Errors
// are *diag.Message or diag.List.
func (b *Builder) Build(ctx context.Context, src Source) (*Image, error) {
	text, err := os.ReadFile(src.File)
	if err != nil {
		return nil, diag.Errorf(src.Pos, src.LogicalID+".Metadata.Dockerfile", "there is no %s", src.File).
			WithHint("name the Dockerfile and its folder in Metadata: Dockerfile, DockerContext; or say in suiro.yaml what to run: images: {%s: {command: […]}}", src.LogicalID)
	}
	file, err := Parse(src.File, text)
	if err != nil {
		return nil, err
	}
	p, err := plan(src, file)
	if err != nil {
		return nil, err
	}
	key, err := hash(src, text)
	if err != nil {
		return nil, err
	}
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w := cache.Work{
		Slot: "image-" + cache.Hash(src.File, src.Context, src.Target), Key: key,
		Text: "building " + filepath.Base(src.File) + " of " + src.LogicalID, Function: src.Name, Resource: src.LogicalID,
	}
	dir, err := b.cache.Folder(ctx, w, func(ctx context.Context, dir string) error {
		return b.make(ctx, src, p, dir)
	})
	if err != nil {
		var m *diag.Message
		if errors.As(err, &m) || ctx.Err() != nil {
			return nil, err
		}
		return nil, diag.Errorf(diag.Position{File: src.File, Line: 1}, src.LogicalID, "%v", err)
	}
	return p.image(dir, key, src), nil
}

// hash names an image by everything it is made from.
func hash(src Source, dockerfile []byte) (string, error) {
	parts := []string{"image 1", string(dockerfile), src.Target}
	for _, name := range slices.Sorted(maps.Keys(src.Args)) {
		parts = append(parts, name, src.Args[name])
	}
	ignore := readIgnore(src.Context)
	err := bundle.WalkSources(src.Context, func(file, rel string, info os.FileInfo) error {
		if !ignore.drops(filepath.ToSlash(rel)) && !info.IsDir() {
			parts = append(parts, rel, fmt.Sprint(info.Mode(), info.Size(), info.ModTime().UnixNano()))
		}
		return nil
	})
	return cache.Hash(parts...), err
}

// stage is one stage of a build, as far as the Dockerfile tells.
type stage struct {
	name     string
	base     int    // index of the stage it begins from, -1
	from     string // the base image of the first of such stages
	steps    []*Instruction
	line     int
	runtime  string
	adapter  bool
	workDir  string
	env      map[string]string
	entry    []string
	cmd      []string
	declared map[string]string // ARG
}

type buildPlan struct {
	stages []*stage
	needed []bool
	last   int
	global map[string]string // ARG before the first FROM
	file   string
}

// plan reads the stages and what each one's image is.
func plan(src Source, file *Dockerfile) (*buildPlan, error) {
	p := &buildPlan{global: map[string]string{}, file: src.File, last: -1}
	for _, in := range file.Instructions {
		var s *stage
		if len(p.stages) > 0 {
			s = p.stages[len(p.stages)-1]
		}
		switch {
		case in.Name == "FROM":
			if err := p.from(src, in); err != nil {
				return nil, err
			}
		case s == nil && in.Name == "ARG":
			declare(p.global, nil, in, src.Args)
		case s == nil:
			return nil, p.errorf(in, "%s stands before the first FROM", in.Name)
		default:
			s.note(in, src.Args, p.global)
			s.steps = append(s.steps, in)
		}
	}
	if len(p.stages) == 0 {
		return nil, diag.Errorf(diag.Position{File: src.File, Line: 1}, "", "the Dockerfile has no FROM")
	}
	p.last = len(p.stages) - 1
	if src.Target != "" {
		if p.last = p.find(src.Target); p.last < 0 {
			return nil, diag.Errorf(diag.Position{File: src.File, Line: 1}, "", "there is no stage %q", src.Target)
		}
	}
	p.needed = make([]bool, len(p.stages))
	p.need(p.last)
	s := p.stages[p.last]
	if len(s.entry) == 0 && len(s.cmd) == 0 && !src.Started {
		return nil, diag.Errorf(diag.Position{File: src.File, Line: s.line}, "", "the image starts nothing that Suiro knows: there is neither CMD nor ENTRYPOINT").
			WithHint("say in suiro.yaml what to run: images: {%s: {command: […]}}", src.LogicalID)
	}
	return p, nil
}

func (p *buildPlan) errorf(in *Instruction, format string, args ...any) *diag.Message {
	return diag.Errorf(diag.Position{File: p.file, Line: in.Line}, in.Name, format, args...)
}

// from begins a stage: at another one, with its settings, or at an image.
func (p *buildPlan) from(src Source, in *Instruction) error {
	words := in.Words(lookup(p.global))
	if len(words) == 0 {
		return p.errorf(in, "FROM names no image")
	}
	s := &stage{base: p.find(words[0]), from: words[0], line: in.Line, workDir: "/", env: map[string]string{}, declared: map[string]string{}}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		s.name = words[2]
	}
	if s.base >= 0 {
		b := p.stages[s.base]
		s.from, s.runtime, s.adapter, s.workDir = b.from, b.runtime, b.adapter, b.workDir
		s.entry, s.cmd, s.env = b.entry, b.cmd, maps.Clone(b.env)
	} else if s.runtime = lambdaRuntime(words[0]); s.runtime != "" {
		s.workDir = "/var/task"
		s.env["LAMBDA_TASK_ROOT"], s.env["LAMBDA_RUNTIME_DIR"] = "/var/task", "/var/runtime"
	}
	p.stages = append(p.stages, s)
	return nil
}

// find is the stage of a name or number; -1 when there is none.
func (p *buildPlan) find(name string) int {
	for i := len(p.stages) - 1; i >= 0; i-- {
		if strings.EqualFold(p.stages[i].name, name) || fmt.Sprint(i) == name {
			return i
		}
	}
	return -1
}

// need marks a stage and those it is made from.
func (p *buildPlan) need(i int) {
	if p.needed[i] {
		return
	}
	p.needed[i] = true
	s := p.stages[i]
	if s.base >= 0 {
		p.need(s.base)
	}
	for _, in := range s.steps {
		if from := in.Flags["from"]; from != "" {
			if j := p.find(from); j >= 0 && j < i {
				p.need(j)
			}
		}
	}
}

// note takes over what an instruction says of the image.
func (s *stage) note(in *Instruction, given, global map[string]string) {
	switch in.Name {
	case "ENV":
		for _, kv := range in.Pairs(s.lookup) {
			s.env[kv[0]] = kv[1]
		}
	case "ARG":
		declare(s.declared, global, in, given)
	case "WORKDIR":
		s.workDir = s.path(in.Expand(in.Text, s.lookup))
	case "CMD":
		s.cmd = in.Command()
	case "ENTRYPOINT":
		s.entry, s.cmd = in.Command(), nil
	case "COPY", "ADD":
		if isAdapter(in) {
			s.adapter = true
		}
	}
}

// isAdapter tells the copy of the Lambda Web Adapter into an image.
func isAdapter(in *Instruction) bool {
	return strings.Contains(in.Flags["from"], "aws-lambda-adapter") || strings.Contains(in.Text, "/opt/extensions/lambda-adapter")
}

func declare(into, global map[string]string, in *Instruction, given map[string]string) {
	for _, kv := range in.Pairs(lookup(into)) {
		value := kv[1]
		if v, ok := global[kv[0]]; ok && value == "" {
			value = v
		}
		if v, ok := given[kv[0]]; ok {
			value = v
		}
		into[kv[0]] = value
	}
}

func lookup(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// lookup is a variable of the stage: ENV wins over ARG.
func (s *stage) lookup(name string) string {
	if v, ok := s.env[name]; ok {
		return v
	}
	return s.declared[name]
}

// path is a path of the image, absolute and clean.
func (s *stage) path(p string) string {
	if !path.IsAbs(p) {
		p = path.Join(s.workDir, p)
	}
	return path.Clean("/" + p)
}

// lambdaRuntime is the runtime of AWS's base images for Lambda:
// public.ecr.aws/lambda/python:3.12, amazon/aws-lambda-nodejs:22.
func lambdaRuntime(image string) string {
	image, _, _ = strings.Cut(image, "@")
	i := strings.LastIndex(image, ":")
	if i < strings.LastIndex(image, "/") {
		i = -1
	}
	name, tag := image, "latest"
	if i >= 0 {
		name, tag = image[:i], image[i+1:]
	}
	var language string
	switch dir, base := path.Split(name); {
	case strings.HasSuffix(dir, "/lambda/"):
		language = base
	case strings.HasPrefix(base, "aws-lambda-"):
		language = strings.TrimPrefix(base, "aws-lambda-")
	default:
		return ""
	}
	version := strings.SplitN(tag, "-", 2)[0] // 3.12-x86_64, 22.2024.11.22.14
	parts := strings.Split(version, ".")
	switch language {
	case "nodejs":
		return "nodejs" + parts[0] + ".x"
	case "python", "ruby":
		return language + strings.Join(parts[:min(2, len(parts))], ".")
	case "provided":
		return "provided." + parts[0]
	case "java", "dotnet", "go":
		return language + version
	}
	return ""
}
