package image

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
)

// making is a build at work.
type making struct {
	*Builder
	plan *buildPlan
	src  Source
	dir  string
	tools
}

// make builds the stages that the last one needs, each in a folder of its own.
func (b *Builder) make(ctx context.Context, src Source, p *buildPlan, dir string) error {
	m := &making{Builder: b, plan: p, src: src, dir: dir}
	if err := m.findTools(ctx, p); err != nil {
		return err
	}
	for i, s := range p.stages {
		if !p.needed[i] {
			continue
		}
		if err := m.stage(ctx, i, s); err != nil {
			return err
		}
	}
	for i := range p.stages {
		if i != p.last {
			_ = os.RemoveAll(m.root(i))
		}
	}
	return nil
}

func (m *making) root(i int) string { return filepath.Join(m.dir, strconv.Itoa(i)) }

func (m *making) stage(ctx context.Context, i int, s *stage) error {
	root := m.root(i)
	live := &stage{workDir: "/", env: map[string]string{}, declared: map[string]string{}}
	if s.runtime != "" {
		live.workDir = "/var/task"
		live.env["LAMBDA_TASK_ROOT"] = "/var/task"
	}
	if s.base >= 0 {
		b := m.plan.stages[s.base]
		live.workDir, live.env = b.workDir, maps.Clone(b.env)
		if err := copyTree(m.root(s.base), root, nil); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(root, filepath.FromSlash(live.workDir)), 0o755); err != nil {
		return err
	}
	if err := m.writeTools(root); err != nil {
		return err
	}
	for _, in := range s.steps {
		live.note(in, m.src.Args, m.plan.global)
		var err error
		switch in.Name {
		case "WORKDIR":
			err = os.MkdirAll(filepath.Join(root, filepath.FromSlash(live.workDir)), 0o755)
		case "COPY", "ADD":
			err = m.copy(i, live, root, in)
		case "RUN":
			err = m.run(ctx, live, root, in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *making) errorf(in *Instruction, format string, args ...any) *diag.Message {
	return m.plan.errorf(in, format, args...)
}

// leaveOut tells what of a Dockerfile has no effect here.
func (m *making) leaveOut(in *Instruction, format string, args ...any) {
	m.journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: m.src.LogicalID, Function: m.src.Name,
		Text: fmt.Sprintf("%s:%d: %s: %s", filepath.Base(m.plan.file), in.Line, in.Name, fmt.Sprintf(format, args...))})
}

// copy does COPY and ADD.
func (m *making) copy(i int, s *stage, root string, in *Instruction) error {
	if isAdapter(in) {
		return nil // Suiro's own takes its place
	}
	words := in.Words(s.lookup)
	if len(words) < 2 {
		return m.errorf(in, "takes a source and a destination")
	}
	sources, given := words[:len(words)-1], words[len(words)-1]
	to := filepath.Join(root, filepath.FromSlash(s.path(given)))
	folder := strings.HasSuffix(given, "/") || given == "." || len(sources) > 1 || isDir(to)
	from, ignore := m.src.Context, readIgnore(m.src.Context)
	if name := in.Flags["from"]; name != "" {
		j := m.plan.find(name)
		if j < 0 || j >= i {
			m.leaveOut(in, "files of the image %s are not there; what of it runs must be installed on this machine", name)
			return nil
		}
		from, ignore = m.root(j), nil
		if err := copyTree(filepath.Join(from, own), filepath.Join(root, own), nil); err != nil {
			return err
		}
	}
	docs := in.Docs
	for _, source := range sources {
		if strings.HasPrefix(source, "<<") && len(docs) > 0 {
			target := to
			if folder {
				target = filepath.Join(to, docs[0].Name)
			}
			if err := writeFile(target, docs[0].Body); err != nil {
				return err
			}
			docs = docs[1:]
			continue
		}
		if in.Name == "ADD" && strings.Contains(source, "://") {
			m.leaveOut(in, "%s is not fetched", source)
			continue
		}
		if err := m.copyOne(in, from, source, to, folder, ignore); err != nil {
			return err
		}
	}
	return nil
}

func (m *making) copyOne(in *Instruction, from, source, to string, folder bool, ignore ignoreList) error {
	pattern := filepath.Join(from, filepath.FromSlash(path.Clean("/"+source)))
	found, err := filepath.Glob(pattern)
	if err != nil {
		return m.errorf(in, "%s: %v", source, err)
	}
	if len(found) == 0 {
		system := strings.HasPrefix(source, "/usr/") || strings.HasPrefix(source, "/root/") || strings.HasPrefix(source, "/etc/") || strings.HasPrefix(source, "/lib")
		switch {
		case in.Flags["from"] != "" && system:
			return nil // packages of a language came with the stage already
		case strings.ContainsAny(source, "*?["):
			return nil
		}
		return m.errorf(in, "there is no %s", source).WithHint(
			"Suiro builds images without a container engine; say in suiro.yaml what to run instead if it cannot: images: {%s: {command: […]}}", m.src.LogicalID)
	}
	for _, f := range found {
		target := to
		if !isDir(f) && (folder || len(found) > 1) {
			target = filepath.Join(to, filepath.Base(f))
		}
		var keep func(string) bool
		if ignore != nil {
			base, _ := filepath.Rel(from, f)
			keep = func(rel string) bool { return !ignore.drops(path.Join(filepath.ToSlash(base), rel)) }
			if !isDir(f) {
				keep = nil
			}
		}
		if err := copyTree(f, target, keep); err != nil {
			return m.errorf(in, "%v", err)
		}
	}
	return nil
}

// never copied: what is no part of an app and large.
var never = map[string]bool{".git": true, ".suiro": true, ".aws-sam": true, "cdk.out": true}

// copyTree copies a file or what lies in a folder; links stay links. keep, when
// not nil, is asked for each path relative to from.
func copyTree(from, to string, keep func(rel string) bool) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyEntry(from, to, info)
	}
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		if rel != "." && keep != nil && (never[d.Name()] || !keep(filepath.ToSlash(rel))) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return copyEntry(p, filepath.Join(to, rel), info)
	})
}

func copyEntry(from, to string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return os.MkdirAll(to, 0o755)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		_ = os.Remove(to)
		return os.Symlink(target, to)
	case !info.Mode().IsRegular():
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	_ = os.Remove(to) // it may be a link
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

func writeFile(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

func isDir(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

func exists(p string) bool {
	_, err := os.Lstat(p)
	return err == nil
}
