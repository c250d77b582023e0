package bundle

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zipFile writes an archive; names ending in "@" are symbolic links.
func zipFile(t *testing.T, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(entries); i += 2 {
		name, link := strings.CutSuffix(entries[i], "@")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		if link {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(entries[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "code.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestArtifactIsUnpacked(t *testing.T) {
	path := zipFile(t, "src/index.js", "code", "lib/", "", "lib/a.js", "a", "lib/b.js@", "a.js")
	b := newBuilder(t)
	f := Function{Dir: path, Handler: "src/index.handler", Runtime: "nodejs20.x"}
	r := build(t, b, f)
	for name, want := range map[string]string{"src/index.js": "code", "lib/b.js": "a"} {
		if got, _ := os.ReadFile(filepath.Join(r.Root, name)); string(got) != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(r.Sources) != 1 || r.Sources[0] != path {
		t.Errorf("sources %q", r.Sources)
	}
	if again := build(t, b, f); again.Root != r.Root || again.Hash != r.Hash {
		t.Error("unpacked twice")
	}
}

func TestArtifactWithAProgram(t *testing.T) {
	r := build(t, newBuilder(t), Function{Dir: zipFile(t, "bootstrap", "#!/bin/sh\n"), Runtime: "provided.al2"})
	if r.Bootstrap != filepath.Join(r.Root, "bootstrap") {
		t.Errorf("%+v", r)
	}
}

func TestArtifactCannotWriteOutside(t *testing.T) {
	for _, row := range []struct {
		name    string
		entries []string
	}{
		{"parent", []string{"../evil.js", "x"}},
		{"deep parent", []string{"a/../../evil.js", "x"}},
		{"absolute", []string{"/evil.js", "x"}},
		{"backslashes", []string{`..\evil.js`, "x"}},
		{"absolute link", []string{"l@", "/etc/passwd"}},
		{"link out", []string{"a/l@", "../../evil"}},
		{"through a link", []string{"l@", "..", "l/evil.js", "x"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBuilder(t)
			m := buildError(t, b, Function{Dir: zipFile(t, row.entries...), Runtime: "nodejs20.x", Handler: "x.y"})
			if !strings.Contains(m.Text, "leads out of the folder") {
				t.Error(m)
			}
			_ = filepath.WalkDir(filepath.Dir(b.cache.Slot("")), func(p string, e fs.DirEntry, _ error) error {
				if strings.HasPrefix(e.Name(), "evil") {
					t.Errorf("wrote %s", p)
				}
				return nil
			})
		})
	}
}

func TestArtifactHasALimit(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks 250 MB")
	}
	m := buildError(t, newBuilder(t), Function{Dir: zipFile(t, "zeros", string(make([]byte, maxUnpacked+1))), Runtime: "nodejs20.x"})
	if !strings.Contains(m.Text, "more than the 250 MB that Lambda accepts") {
		t.Error(m)
	}
}

func TestBrokenArtifact(t *testing.T) {
	dir := files(t, map[string]string{"code.zip": "no zip", "code.tar": ""})
	if m := buildError(t, newBuilder(t), Function{Dir: filepath.Join(dir, "code.zip"), TemplateDir: dir, Runtime: "nodejs20.x"}); m.Text != "unpacking code.zip: zip: not a valid zip file" {
		t.Error(m)
	}
	if m := buildError(t, newBuilder(t), Function{Dir: filepath.Join(dir, "code.tar"), TemplateDir: dir, Runtime: "nodejs20.x"}); m.Text != "code.tar is neither a folder nor a .zip or .jar file" {
		t.Error(m)
	}
}

func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("a/b.js")
	_, _ = w.Write([]byte("x"))
	_ = z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "f.zip")
		_ = os.WriteFile(file, data, 0o644)
		in := filepath.Join(dir, "in")
		_ = os.Mkdir(in, 0o755)
		_ = unpack(t.Context(), file, in)
		if left, _ := os.ReadDir(dir); len(left) != 2 {
			t.Errorf("wrote outside: %v", left)
		}
	})
}
