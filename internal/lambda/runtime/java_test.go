//go:build linux

package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeJava says that it is a version.
func fakeJava(t *testing.T, version string) string {
	t.Helper()
	home := t.TempDir()
	path := filepath.Join(home, "bin", "java")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho openjdk "+version+" 2025-01-01\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return home
}

// The very version counts, then the nearest newer one; an older one is named
// in a message that says what to do.
func TestFindJava(t *testing.T) {
	r := New(Config{CacheDir: t.TempDir()})
	t.Setenv("JAVA_HOME", fakeJava(t, "99.0.1"))
	t.Setenv("PATH", filepath.Join(fakeJava(t, "98-ea"), "bin"))
	for want, version := range map[int]int{99: 99, 98: 98, 97: 98, 100: 99} {
		if _, got := r.findJava(t.Context(), want); got != version {
			t.Errorf("Java %d for %d", got, want)
		}
	}
	_, err := r.Command(t.Context(), Function{Name: "fn", Runtime: "java100", Handler: "a.B::c", Root: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "java100 needs Java 100; the newest one here is 99") {
		t.Errorf("error %v", err)
	}
}
