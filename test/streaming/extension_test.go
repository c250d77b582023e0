package streaming

import (
	"archive/zip"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Real external extensions of real layers, one of them an archive, take part
// in a function's life and hear its telemetry.
func TestExtensionsOfLayers(t *testing.T) {
	app := copyOf(t, "testdata/extensions")
	packTally(t, app)
	s := start(t, app)
	said := func(text string) {
		t.Helper()
		s.await(text, func(e entry) bool { return e.Function == s.ready.Resources["Fn"] && strings.HasPrefix(e.Text, text) })
	}
	for _, count := range []string{"1", "2"} {
		res, err := http.Get(s.url("Fn"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) != "by the layer" {
			t.Errorf("%s: the wrapper of the layer had no effect", body)
		}
		said("listener INVOKE " + res.Header.Get("X-Amzn-Requestid"))
		said("tally counts " + count)
	}
	for _, event := range []string{"platform.initStart", "platform.initReport success", "platform.start", "function the function was called",
		"platform.runtimeDone success", "platform.report success"} {
		if event == "function the function was called" {
			// Node's log lines begin with the time and the request.
			s.await(event, func(e entry) bool {
				return strings.HasPrefix(e.Text, "telemetry function ") && strings.Contains(e.Text, "the function was called")
			})
			continue
		}
		said("telemetry " + event)
	}
	// A crash of the runtime shuts the extensions down, and new ones come.
	if res, err := http.Get(s.url("Fn") + "exit"); err != nil || res.StatusCode != 502 {
		t.Errorf("%+v, %v", res, err)
	}
	said("listener SHUTDOWN failure")
	said("tally: 3 failure")
	said("telemetry platform.report error")
	if body := get(t, s.url("Fn")); body != "by the layer" {
		t.Errorf("after the crash: %s", body)
	}
	// The end of Suiro is one, too.
	s.Signal(os.Interrupt)
	<-s.Ended
	said("listener SHUTDOWN spindown")
	said("tally: 1 spindown")
}

// packTally builds the extension in Go and makes tally.zip of it and a wrapper.
func packTally(t *testing.T, app string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "tally")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join(app, "go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(app, "tally.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(file)
	for name, content := range map[string][]byte{
		"extensions/tally": program,
		"wrap":             []byte("#!/bin/sh\nexport WRAPPED='by the layer'\nexec \"$@\"\n"),
	} {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// A layer may bring the runtime.
func TestBootstrapOfALayer(t *testing.T) {
	s := start(t, "testdata/bootstrap")
	if body := get(t, s.url("Fn")); body != "from the shell" {
		t.Errorf("%s", body)
	}
}
