package bundle

import (
	"context"
	_ "embed" // the module that code in a template may use
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/bundle/cache"
)

//go:embed cfnresponse/index.js
var cfnResponseNode []byte

//go:embed cfnresponse/cfnresponse.py
var cfnResponsePython []byte

// inline writes code that stands in the template to the file CloudFormation
// would put it in: index.js or index.py (AWS::Lambda::Function Code, ZipFile).
func (b *Builder) inline(ctx context.Context, f Function) (*Runnable, error) {
	name := "index.js"
	switch {
	case strings.HasPrefix(f.Runtime, "python"):
		name = "index.py"
	case strings.HasPrefix(f.Runtime, "ruby"):
		name = "index.rb"
	case !strings.HasPrefix(f.Runtime, "nodejs"):
		return nil, f.errorf("code in the template runs on nodejs, python and ruby runtimes, not on %s", f.Runtime)
	case moduleSyntax.MatchString(f.Inline):
		name = "index.mjs"
	}
	w := cache.Work{Slot: "inline-" + cache.Hash(f.TemplateDir, f.LogicalID), Key: cache.Hash("2", name, f.Inline), Text: "writing inline code"}
	dir, err := b.cache.Folder(ctx, w, func(_ context.Context, dir string) error {
		if err := writeResponseModule(dir, name, f.Inline); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), []byte(f.Inline), 0o644)
	})
	if err != nil {
		return nil, err
	}
	r := &Runnable{Root: dir, Hash: w.Key}
	if f.Pos.File != "" {
		r.Sources = []string{f.Pos.File}
	}
	return r, nil
}

// writeResponseModule puts the module of custom resources where the code finds
// it, when it names it.
func writeResponseModule(dir, name, code string) error {
	switch {
	case name == "index.py" && strings.Contains(code, "cfnresponse"):
		return os.WriteFile(filepath.Join(dir, "cfnresponse.py"), cfnResponsePython, 0o644)
	case strings.HasSuffix(name, "js") && strings.Contains(code, "cfn-response"):
		module := filepath.Join(dir, "node_modules", "cfn-response")
		if err := os.MkdirAll(module, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(module, "index.js"), cfnResponseNode, 0o644)
	}
	return nil
}
