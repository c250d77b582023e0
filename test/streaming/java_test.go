package streaming

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// Java functions run by AWS's own client for Java.
func TestJava(t *testing.T) {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is not installed (run: make tools)", program)
		}
	}
	s := start(t, "testdata/java")
	res, err := http.Get(s.url("Greet") + "world")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 201 || string(body) != "hello /world of "+s.ready.Resources["Greet"] {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	s.await("the log line", func(e entry) bool { return strings.Contains(e.Text, "greeting /world") })
	if body := get(t, s.url("Copy")); !strings.Contains(body, `"rawPath":"/"`) {
		t.Errorf("a stream handler: %s", body)
	}
	for path, failure := range map[string]string{"throw": "java.lang.IllegalStateException", "exit": "Runtime.ExitError"} {
		if body := get(t, s.url("Greet")+path); body != "Internal Server Error" {
			t.Errorf("%s: %s", path, body)
		}
		s.await(failure, func(e entry) bool { return e.Path == "/"+path && e.Error == failure })
	}
	if body := get(t, s.url("Greet")+"again"); !strings.HasPrefix(body, "hello /again") {
		t.Errorf("after the failures: %s", body)
	}
}
