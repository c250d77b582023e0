package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallFetchesWhatIsMissing(t *testing.T) {
	if testing.Short() {
		t.Skip("needs npm")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json":                         `{"name":"root"}`,
		"fn/package.json":                      `{"dependencies":{"near":"file:./near"}}`,
		"fn/near/package.json":                 `{"name":"near","version":"1.0.0","scripts":{"install":"exit 1"}}`,
		"there/package.json":                   `{"dependencies":{"no-such-package-of-suiro":"1"}}`,
		"there/node_modules/x/package.json":    `{}`,
		"deep/er/than/looked/for/package.json": `{"dependencies":{"no-such-package-of-suiro":"1"}}`,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Install(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if !isFile(filepath.Join(dir, "fn", "node_modules", "near", "package.json")) {
		t.Error("the function's package is not there")
	}
	if isDir(filepath.Join(dir, "node_modules")) {
		t.Error("packages were installed where none are asked for")
	}
	if err := os.WriteFile(filepath.Join(dir, "yarn.lock"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"dependencies":{"x":"1"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := Install(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "yarn is not installed, and yarn.lock asks for it") {
		t.Errorf("without the program: %v", err)
	}
}
