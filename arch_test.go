// Package suiro_test holds the laws of the repository (ARCHITECTURE.md, Laws):
// rules that are not tests are wishes.
package suiro_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/suiro-dev/suiro"

// floors of the house, lowest first. A package may import its own subtree's
// parents and children, and packages of lower floors; packages of the ground
// may use one another, services may not.
var floors = []struct {
	name  string
	rooms []string
}{
	{"ground", []string{"diag", "document", "jsonwrite", "journal", "awsapi", "arn", "front", "cluster", "socket", "nonblock", "store", "process", "bundle", "image", "sigv4", "vtl", "jsonpath", "jsonschema", "eventpattern"}},
	{"doors", []string{"resource", "invoke"}},
	{"services", []string{"lambda", "eventbridge", "apigateway", "dynamodb", "iam", "ssm", "secretsmanager", "cloudformation"}},
	{"app", []string{"template", "stack", "app"}},
	{"node", []string{"node"}},
	{"command", []string{"command"}},
}

// owners of third-party libraries: one package each (in tests any may use
// the test libraries).
var owners = map[string]string{
	"go.yaml.in/yaml/v4":           "internal/document",
	"github.com/evanw/esbuild":     "internal/bundle",
	"github.com/gobwas/ws":         "internal/socket",
	"github.com/gobwas/httphead":   "internal/socket",
	"go.etcd.io/bbolt":             "internal/store",
	"github.com/fsnotify/fsnotify": "internal/app",
	"github.com/spf13/cobra":       "internal/command",
	"golang.org/x/term":            "internal/command",
	"golang.org/x/sys":             "*",
	"golang.org/x/sync":            "*",
}

// never linked: each makes the linker keep every exported method.
var forbidden = []string{"text/template", "html/template", "github.com/stretchr/testify"}

const (
	maxFile     = 600
	maxFunction = 100
	maxPackage  = 4000
)

type goFile struct {
	path  string // slash path from the root
	dir   string
	test  bool
	ast   *ast.File
	lines int
	fset  *token.FileSet
}

// sources are the Go files of the main module.
func sources(t *testing.T) []goFile { return parseTree(t, ".", true) }

// parseTree parses the Go files below root; a module inside it is another
// tree when whole is set.
func parseTree(t *testing.T, root string, whole bool) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || whole && hasModule(path)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, data, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{
			path: filepath.ToSlash(path), dir: filepath.ToSlash(filepath.Dir(path)),
			test: strings.HasSuffix(name, "_test.go"), ast: f, lines: strings.Count(string(data), "\n"), fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// hasModule tells whether a folder below the root is a module of its own.
func hasModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func floorOf(dir string) int {
	room, ok := strings.CutPrefix(dir, "internal/")
	if !ok {
		return len(floors)
	}
	room, _, _ = strings.Cut(room, "/")
	for i, f := range floors {
		for _, r := range f.rooms {
			if r == room {
				return i
			}
		}
	}
	return -1
}

func roomOf(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if len(parts) < 2 {
		return dir
	}
	return parts[0] + "/" + parts[1]
}

func TestImportsPointDown(t *testing.T) {
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		from := floorOf(f.dir)
		if from < 0 {
			t.Errorf("%s: the room stands on no floor; add it to floors in arch_test.go and to ARCHITECTURE.md", f.dir)
			continue
		}
		for _, imp := range f.ast.Imports {
			target, ok := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module+"/")
			if !ok || roomOf(target) == roomOf(f.dir) {
				continue
			}
			to := floorOf(target)
			if to > from {
				t.Errorf("%s imports %s, a floor up", f.path, target)
			}
			if to == from && floors[from].name == "services" {
				t.Errorf("%s imports %s: services never import one another; declare the method you need, node hands it over", f.path, target)
			}
		}
	}
}

func TestEveryLibraryHasOneOwner(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.ast.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			for _, bad := range forbidden {
				if path == bad {
					t.Errorf("%s imports %s, which keeps every exported method in the binary", f.path, path)
				}
			}
			if f.test || !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") || strings.HasPrefix(path, module) {
				continue
			}
			owner, known := "", false
			for lib, o := range owners {
				if path == lib || strings.HasPrefix(path, lib+"/") {
					owner, known = o, true
				}
			}
			switch {
			case !known:
				t.Errorf("%s imports %s, which has no owner in arch_test.go", f.path, path)
			case owner != "*" && f.dir != owner:
				t.Errorf("%s imports %s, which belongs to %s", f.path, path, owner)
			}
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		comments[f.dir] = append(comments[f.dir], nil...)
		if f.ast.Doc != nil {
			comments[f.dir] = append(comments[f.dir], f.path)
		}
	}
	for dir, where := range comments {
		if len(where) != 1 {
			t.Errorf("%s has %d package comments %v, want one", dir, len(where), where)
		}
	}
}

func TestSizesStayReadable(t *testing.T) {
	packages := map[string]int{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		packages[f.dir] += f.lines
		if f.lines > maxFile {
			t.Errorf("%s has %d lines, at most %d", f.path, f.lines, maxFile)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; n > maxFunction {
				t.Errorf("%s: %s has %d lines, at most %d", f.path, fn.Name.Name, n, maxFunction)
			}
		}
	}
	for dir, n := range packages {
		if n > maxPackage {
			t.Errorf("%s has %d lines, at most %d", dir, n, maxPackage)
		}
	}
}

func TestRoomsHaveTellingNames(t *testing.T) {
	banned := map[string]bool{"util": true, "utils": true, "common": true, "types": true, "model": true, "helpers": true, "core": true}
	for _, f := range sources(t) {
		if banned[filepath.Base(f.dir)] {
			t.Errorf("%s: the name says nothing about what is inside", f.dir)
		}
	}
}
