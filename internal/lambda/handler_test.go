package lambda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/bundle"
)

func TestAHandlerWithoutAFileIsToldAtTheStart(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"index.js", "src/api.mjs", "app.py", "pkg/__init__.py", "main.rb", "node_modules/web/index.js"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		runtime, handler string
		there            bool
	}{
		{"nodejs22.x", "index.handler", true},
		{"nodejs22.x", "src/api.v1.main", true},
		{"nodejs22.x", "web.handler", true},
		{"nodejs22.x", "other.handler", false},
		{"nodejs22.x", "/opt/nodejs/wrap.handler", true},
		{"python3.12", "app.handler", true},
		{"python3.12", "pkg.handler", true},
		{"python3.12", "pkg/mod.handler", false},
		{"ruby3.3", "main.Chat::Room.call", true},
		{"ruby3.3", "other.call", false},
		{"provided.al2023", "bootstrap", true},
	} {
		set := settings{runtime: c.runtime, handler: c.handler, code: bundle.Function{LogicalID: "Fn"}}
		m := checkHandler(set, root)
		if (m == nil) != c.there {
			t.Errorf("%s %s: %v", c.runtime, c.handler, m)
		}
		if m != nil && !strings.Contains(m.String(), "Fn.Handler") {
			t.Errorf("message %v", m)
		}
	}
}
