package suiro_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testName finds the tests that a row of docs/compatibility names.
var testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z0-9]\w*`)

// TestCompatibilityRowsNameRealTests: a behaviour we claim has a test, and the
// test exists. make compat prints the count.
func TestCompatibilityRowsNameRealTests(t *testing.T) {
	known := map[string]bool{}
	for _, f := range append(sources(t), moduleTests(t)...) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				known[fn.Name.Name] = true
			}
		}
	}
	pages, err := filepath.Glob("docs/compatibility/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs/compatibility: %v", err)
	}
	rows := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			cells := strings.Split(strings.ReplaceAll(line, `\|`, "¦"), "|")
			if len(cells) < 6 || strings.Contains(line, "|---") || strings.TrimSpace(cells[3]) == "test" {
				continue
			}
			rows++
			names := testName.FindAllString(cells[3], -1)
			if len(names) == 0 {
				t.Errorf("%s:%d names no test", page, n+1)
			}
			for _, name := range names {
				if !known[name] {
					t.Errorf("%s:%d names %s, which does not exist", page, n+1, name)
				}
			}
		}
	}
	t.Logf("%d behaviours in %d pages", rows, len(pages))
}

// moduleTests are the test files of the modules below the root.
func moduleTests(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	for _, module := range []string{"test"} {
		files = append(files, parseTree(t, module, false)...)
	}
	return files
}
