package app

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// synthScript stands for a CDK app: it writes an assembly where the CDK's
// variables say, and counts its runs.
const synthScript = `set -e
echo run >> "$0.runs"
test -z "$FAIL" || { echo "lib/stack.ts: no such thing" >&2; exit 1; }
mkdir -p "$CDK_OUTDIR"
cat > "$CDK_OUTDIR/manifest.json" <<END
{"version":"36.0.0","artifacts":{"Chat":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/unknown-region",
  "properties":{"templateFile":"Chat.template.json"}}}}
END
cat > "$CDK_OUTDIR/Chat.template.json" <<END
{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":"$CDK_DEFAULT_REGION"}}},"Metadata":$CDK_CONTEXT_JSON}
END
`

func TestCDKAppIsRunWhenItsOutputIsOld(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the app of this test is a shell script")
	}
	dir := write(t, t.TempDir(), map[string]string{
		"cdk.json":         `{"app":"sh synth","context":{"a":1,"b":2}}`,
		"cdk.context.json": `{"b":3}`,
		"synth":            synthScript,
		"lib/stack.ts":     "",
	})
	out := filepath.Join(dir, "synth.runs")
	runs := func() int {
		data, _ := os.ReadFile(out)
		return strings.Count(string(data), "run")
	}
	load := func() *App {
		t.Helper()
		a, msgs := Load(context.Background(), Options{Path: dir, Region: "eu-west-3"})
		if msgs.HasErrors() {
			t.Fatal(msgs)
		}
		// The count is no source of the app.
		old := time.Now().Add(-time.Hour)
		_ = os.Chtimes(out, old, old)
		return a
	}
	a := load()
	if a.Kind != CDK || len(a.Stacks) != 1 || a.Stacks[0].Identity.Name != "Chat" || !slices.Contains(a.Files, filepath.Join(dir, "lib", "stack.ts")) {
		t.Errorf("%+v", a)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "cdk.out", "Chat.template.json"))
	if !strings.Contains(string(text), `"DisplayName":"eu-west-3"`) || !strings.Contains(string(text), `{"a":1,"b":3}`) {
		t.Errorf("%s", text)
	}
	if load(); runs() != 1 {
		t.Errorf("%d runs of an app that did not change", runs())
	}
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(dir, "lib", "stack.ts"), later, later); err != nil {
		t.Fatal(err)
	}
	if load(); runs() != 2 {
		t.Errorf("%d runs after a change", runs())
	}
	t.Setenv("FAIL", "1")
	later = later.Add(time.Second)
	_ = os.Chtimes(filepath.Join(dir, "lib", "stack.ts"), later, later)
	if _, msgs := Load(context.Background(), Options{Path: dir}); !strings.Contains(msgs.Error(), "sh synth failed: lib/stack.ts: no such thing") ||
		!strings.Contains(msgs.Error(), "cdk.json:1:8") {
		t.Error(msgs)
	}
}

// A CDK app in Python needs the .venv that its users activate before cdk synth.
func TestCDKAppsRunInTheirVirtualEnvironment(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the app of this test is a shell script")
	}
	t.Setenv("VIRTUAL_ENV", "")
	dir := write(t, t.TempDir(), map[string]string{"cdk.json": `{"app":"app.sh"}`, ".venv/bin/app.sh": "#!/bin/sh\n" + synthScript})
	if err := os.Chmod(filepath.Join(dir, ".venv", "bin", "app.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if a, msgs := Load(context.Background(), Options{Path: dir}); msgs.HasErrors() || len(a.Stacks) != 1 {
		t.Errorf("%v", msgs)
	}
	// Another one that is active goes before.
	t.Setenv("VIRTUAL_ENV", "/elsewhere")
	if env := virtualEnv(dir); env != nil {
		t.Errorf("%q", env)
	}
	other := write(t, t.TempDir(), map[string]string{"cdk.json": `{"app":"echo \"ModuleNotFoundError: No module named 'aws_cdk'\"; exit 1"}`})
	if _, msgs := Load(context.Background(), Options{Path: other}); !strings.Contains(msgs.Error(), ".venv/bin/pip install -r requirements.txt in "+other) {
		t.Error(msgs)
	}
}
