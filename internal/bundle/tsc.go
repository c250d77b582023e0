package bundle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// compiledFrom finds the source of a handler that points into tsc's outDir,
// where nothing is yet: "dist/api.handler" is src/api.ts by outDir and rootDir
// of tsconfig.json. dir is the rootDir; source is "" when the handler is no
// output of tsc. What was compiled already runs as it is.
func (f Function) compiledFrom() (source, dir string) {
	base := filepath.Join(f.Dir, f.handlerModule())
	if f.BuildMethod == "esbuild" || sourceFile(base) != "" {
		return "", ""
	}
	root := findUp(existing(f.Dir), "tsconfig.json")
	if root == "" || f.TemplateDir != "" && !strings.HasPrefix(root+string(filepath.Separator), f.TemplateDir+string(filepath.Separator)) {
		return "", ""
	}
	options := readTSConfig(filepath.Join(root, "tsconfig.json")).Get("compilerOptions")
	out := options.Get("outDir").TextOr("")
	if out == "" {
		return "", ""
	}
	rel, err := filepath.Rel(filepath.Join(root, filepath.FromSlash(out)), base)
	if err != nil || !filepath.IsLocal(rel) {
		return "", ""
	}
	for _, from := range []string{options.Get("rootDir").TextOr(""), ".", "src"} {
		dir := filepath.Join(root, filepath.FromSlash(from))
		if source := sourceFile(filepath.Join(dir, rel)); source != "" && isTypeScript(source) {
			return source, dir
		}
	}
	return "", ""
}

var (
	tsComment  = regexp.MustCompile(`(?m)("(?:[^"\\]|\\.)*")|//[^\n]*|/\*[\s\S]*?\*/`)
	tsTrailing = regexp.MustCompile(`,(\s*[}\]])`)
)

// readTSConfig reads a tsconfig.json, which may hold comments and commas
// that JSON does not have.
func readTSConfig(file string) *document.Node {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	plain := tsTrailing.ReplaceAll(tsComment.ReplaceAll(text, []byte("$1")), []byte("$1"))
	n, msgs := document.Parse(file, plain)
	if msgs.HasErrors() {
		return nil
	}
	return n
}
