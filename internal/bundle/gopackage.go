package bundle

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// findGoPackage finds the main package that a program was, or would be, built
// from. Surest first: the Makefile rule that makes the program, the code folder
// itself, then the places where projects keep a program of that name. A code
// folder that is the whole project comes last: its own main package may be
// anything.
func findGoPackage(f Function) (goPackage, bool) {
	if target := makefileTarget(f); target != "" && f.BuildMethod == "" {
		return inModule(target), true
	}
	if (f.BuildMethod != "" || f.Dir != f.TemplateDir) && mainPackage(f.Dir) {
		return inModule(f.Dir), true
	}
	bases := goBases(f)
	names := goNames(f)
	for _, name := range names {
		for _, base := range bases {
			for _, p := range goPlaces {
				if target := mainAt(filepath.Join(base, p, filepath.FromSlash(name))); target != "" {
					return inModule(target), true
				}
			}
		}
	}
	if mainPackage(f.Dir) {
		return inModule(f.Dir), true
	}
	// A build folder beside the package: api/connect/bin for api/connect.
	if buildFolders[filepath.Base(f.Dir)] && mainPackage(filepath.Dir(f.Dir)) {
		return inModule(filepath.Dir(f.Dir)), true
	}
	if target := onlyMatch(bases, names); target != "" {
		return inModule(target), true
	}
	return goPackage{}, false
}

// goPlaces are the folders under which projects keep one program per folder.
var goPlaces = []string{
	"", "cmd", "functions", "function", "lambda", "lambdas", "handlers", "handler", "src",
	"services", "internal", "app", "api", "src/functions", "src/handlers", "src/cmd", "src/lambda", "cmd/lambda", "cmd/functions",
}

// buildFolders hold results, not sources.
var buildFolders = map[string]bool{"bin": true, "build": true, "dist": true, "out": true, ".bin": true, ".build": true, "target": true}

// goBases are the folders a handler's path may be relative to.
func goBases(f Function) []string {
	var bases []string
	add := func(dir string) {
		if dir == "" || !isDir(dir) {
			return
		}
		for _, b := range bases {
			if b == dir {
				return
			}
		}
		bases = append(bases, dir)
	}
	add(f.Dir)
	if up := existing(f.Dir); up != "" {
		add(findUp(up, "go.mod"))
	}
	add(f.TemplateDir)
	return bases
}

// existing is the nearest folder at or above dir that is there.
func existing(dir string) string {
	for !isDir(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return dir
}

// goNames are the names the package may go by: the handler and the code folder,
// or the archive, without the parts that name a build's result, then the
// function.
func goNames(f Function) []string {
	var names []string
	add := func(p string) {
		p = sourceName(p)
		if p == "" {
			return
		}
		names = append(names, p)
		if b := path.Base(p); b != p {
			names = append(names, b)
		}
	}
	add(f.Handler)
	if f.TemplateDir != "" {
		if rel, err := filepath.Rel(f.TemplateDir, cmp.Or(f.archive, f.Dir)); err == nil && !strings.HasPrefix(rel, "..") {
			add(filepath.ToSlash(rel))
		}
	}
	for _, n := range []string{f.LogicalID, f.Name} {
		n = strings.ToLower(n)
		add(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(n, "lambdafunction"), "function"), "lambda"))
	}
	return names
}

// sourceName strips what a build adds: "bin/connect/bootstrap" is "connect".
func sourceName(p string) string {
	var kept []string
	for _, part := range strings.Split(path.Clean(p), "/") {
		if part != "." && part != ".." && !buildFolders[part] {
			kept = append(kept, strings.TrimSuffix(part, ".zip"))
		}
	}
	for len(kept) > 0 && (kept[len(kept)-1] == "bootstrap" || kept[len(kept)-1] == "main" || kept[len(kept)-1] == "handler") {
		kept = kept[:len(kept)-1]
	}
	return strings.Join(kept, "/")
}

// mainAt is the package at a path: the folder, or the file of that name.
func mainAt(p string) string {
	if mainPackage(p) {
		return p
	}
	if file := p + ".go"; mainFile(file) {
		return file
	}
	return ""
}

var (
	packageMain = regexp.MustCompile(`(?m)^package main\b`)
	funcMain    = regexp.MustCompile(`(?m)^func main\(\)`)
	buildIgnore = regexp.MustCompile(`(?m)^//(?:go:build| \+build) ignore`)
)

func mainFile(file string) bool {
	if !isFile(file) {
		return false
	}
	text, err := os.ReadFile(file)
	return err == nil && packageMain.Match(text) && funcMain.Match(text) && !buildIgnore.Match(text)
}

// mainPackage tells whether a folder is one main package; a folder of several
// files that are a program each is not.
func mainPackage(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	mains := 0
	for _, p := range files {
		if !strings.HasSuffix(p, "_test.go") && mainFile(p) {
			mains++
		}
	}
	return mains == 1
}

// onlyMatch searches the trees for the main packages there are: the one of a
// wanted name, or the only one.
func onlyMatch(bases, names []string) string {
	for _, base := range bases {
		var mains []string
		_ = WalkSources(base, func(p, _ string, _ fs.FileInfo) error {
			if filepath.Ext(p) == ".go" && !strings.HasSuffix(p, "_test.go") && mainFile(p) {
				mains = append(mains, p)
			}
			return nil
		})
		for _, name := range names {
			for _, p := range mains {
				dir := filepath.Dir(p)
				if strings.TrimSuffix(filepath.Base(p), ".go") == path.Base(name) {
					return p
				}
				if strings.EqualFold(filepath.Base(dir), path.Base(name)) && mainPackage(dir) {
					return dir
				}
			}
		}
		if len(mains) == 1 {
			return filepath.Dir(mains[0])
		}
	}
	return ""
}

func inModule(target string) goPackage {
	dir := target
	if filepath.Ext(target) == ".go" {
		dir = filepath.Dir(target)
	}
	return goPackage{module: findUp(dir, "go.mod"), target: target}
}

var goBuildRule = regexp.MustCompile(`\bgo\s+build\b([^\n&|;]*)`)

// makefileTarget is the package that a Makefile at or above the code folder
// builds into the program's place. Rules with variables are not followed.
func makefileTarget(f Function) string {
	want := f.programPath()
	stop := f.TemplateDir
	for dir := existing(f.Dir); dir != ""; dir = filepath.Dir(dir) {
		text, _ := os.ReadFile(filepath.Join(dir, "Makefile"))
		for _, g := range goBuildRule.FindAllSubmatch(text, -1) {
			out, pkg := goBuildArguments(string(g[1]))
			if out != "" && filepath.Join(dir, filepath.FromSlash(out)) == want {
				target := filepath.Join(dir, filepath.FromSlash(pkg))
				if mainPackage(target) || mainFile(target) {
					return target
				}
			}
		}
		if dir == stop || dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}

// goBuildArguments reads the output and the package of a `go build` line.
func goBuildArguments(line string) (out, pkg string) {
	pkg = "."
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		w := strings.Trim(words[i], `"'`)
		if strings.Contains(w, "$") {
			return "", ""
		}
		switch {
		case w == "-o" && i+1 < len(words):
			i++
			out = strings.Trim(words[i], `"'`)
		case strings.HasPrefix(w, "-o="):
			out = w[len("-o="):]
		case strings.HasPrefix(w, "-"):
			// Flags of other tools' making take a word of their own unless
			// they hold "="; of go's, these.
			switch strings.TrimLeft(w, "-") {
			case "ldflags", "tags", "mod", "gcflags", "asmflags", "p":
				i++
			}
		default:
			pkg = w
		}
	}
	if strings.Contains(out, "$") {
		return "", ""
	}
	return out, pkg
}
