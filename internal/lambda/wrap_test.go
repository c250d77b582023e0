//go:build linux

package lambda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/lambda/layer"
)

// A wrapper gets the runtime's command line; a missing one is status 127.
func TestExecWrapper(t *testing.T) {
	p := newPlace(t)
	wrapper := p.file("layer/wrap", "#!/bin/sh\nexport WRAPPED=\"$1\"\nexec \"$@\"\n")
	arn := p.create("Layer", "LayerVersion", `{Content: layer}`).PhysicalID
	p.create("Fn", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: fn, Layers: ["`+arn+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("fn", `{"do":"env"}`); !strings.Contains(body, `"WRAPPED=/`) {
		t.Errorf("not wrapped by %s: %s", wrapper, body)
	}
	p.create("Os", "Function", `{Code: ".", Runtime: provided.al2023, Handler: a.b, FunctionName: os, Layers: ["`+arn+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("os", `{"do":"env"}`); strings.Contains(body, `"WRAPPED=`) {
		t.Errorf("an OS-only runtime was wrapped: %s", body)
	}
	p.create("Bad", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: bad, Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/none}}}`)
	if body, end := p.call("bad", `{}`); end.ErrorType != "Runtime.ExitError" || !strings.Contains(body, "Runtime exited with error: exit status 127") {
		t.Errorf("%s, %+v", body, end)
	}
}

// Code that names /opt finds the layers there, where the system lets us.
func TestOptIsThere(t *testing.T) {
	if !layer.OptIsMounted() {
		t.Skip("this system allows no mount namespaces, or has no /opt")
	}
	p := newPlace(t)
	p.file("one/both", "one")
	p.file("two/both", "two")
	p.file("two/wrap", "#!/bin/sh\nexport OPT=\"$(cat /opt/both) $(ls /opt | tr '\\n' ' ')$(grep -c sandbox.localdomain /etc/hosts)\"\nexec \"$@\"\n")
	one := p.create("One", "LayerVersion", `{Content: one}`).PhysicalID
	two := p.create("Two", "LayerVersion", `{Content: two}`).PhysicalID
	p.create("Fn", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: fn, Layers: ["`+one+`", "`+two+`"],
  Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}}}`)
	if body, _ := p.call("fn", `{"do":"env"}`); !strings.Contains(body, `"OPT=two both wrap 1"`) {
		t.Errorf("%s", body)
	}
}

// file writes an executable file of the place.
func (p *place) file(name, content string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		p.t.Fatal(err)
	}
	return path
}
