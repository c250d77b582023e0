package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
)

// maxSources bounds how many files of a CDK app are looked at and watched.
const maxSources = 5000

// cdkCommand is the command that writes cdk.out, from cdk.json; "" when the
// folder has none.
func cdkCommand(dir string) (command string, context *document.Node, pos diag.Position) {
	root, _, err := document.ReadFile(filepath.Join(dir, "cdk.json"))
	if err != nil || root == nil {
		return "", nil, diag.Position{}
	}
	n := root.Get("app")
	return n.TextOr(""), root.Get("context"), n.Position()
}

// synth runs the app's own command, as `cdk synth` does, when cdk.out is not
// there or older than one of the app's files; those become the files to watch.
// The command and the app agree on the folder and on context by environment
// variables (aws-cdk-lib, cx-api).
func (l *loader) synth(ctx context.Context) *diag.Message {
	a := l.app
	command, values, pos := cdkCommand(a.Dir)
	if command == "" || filepath.Dir(a.Template) != a.Dir {
		a.Files = append(a.Files, filepath.Join(a.Template, "manifest.json"))
		return nil
	}
	files, newest := cdkSources(a.Dir)
	a.Files = append(a.Files, files...)
	made, err := os.Stat(filepath.Join(a.Template, "manifest.json"))
	if err == nil && (!newest.After(made.ModTime()) || !installed(a.Dir)) {
		return nil
	}
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/c"
	}
	begun := time.Now()
	l.progress("running "+command, 0)
	_, err = bundle.Tool{Path: shell, Args: []string{flag, command}, Dir: a.Dir, Env: append(virtualEnv(a.Dir),
		"CDK_OUTDIR="+a.Template,
		"CDK_DEFAULT_ACCOUNT="+l.account(""), "CDK_DEFAULT_REGION="+l.region(""),
		"CDK_CONTEXT_JSON="+cdkContext(a.Dir, values),
	)}.Run(ctx)
	if err == nil {
		// An app whose output is the same does not write it again.
		now := time.Now()
		err = os.Chtimes(filepath.Join(a.Template, "manifest.json"), now, now)
	}
	if err == nil {
		l.progress("running "+command, time.Since(begun))
		return nil
	}
	m := diag.Errorf(pos, "app", "%s failed: %v", command, err)
	var failed *bundle.ToolError
	if errors.As(err, &failed) {
		m = diag.Errorf(pos, "app", "%s failed: %s", command, cmp.Or(strings.TrimSpace(failed.Output), failed.Err.Error()))
	}
	if !installed(a.Dir) {
		return m.WithHint("run npm install in %s", a.Dir)
	}
	if strings.Contains(m.Text, "No module named 'aws_cdk'") {
		return m.WithHint("run python3 -m venv .venv && .venv/bin/pip install -r requirements.txt in %s", a.Dir)
	}
	return m
}

// virtualEnv activates the .venv that `cdk init --language python` makes, and
// that its users activate before cdk synth, unless one is active already.
func virtualEnv(dir string) []string {
	venv := filepath.Join(dir, ".venv")
	bin := filepath.Join(venv, "bin")
	if runtime.GOOS == "windows" {
		bin = filepath.Join(venv, "Scripts")
	}
	if _, err := os.Stat(bin); err != nil || os.Getenv("VIRTUAL_ENV") != "" {
		return nil
	}
	return []string{"VIRTUAL_ENV=" + venv, "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}
}

// installed is false for an app of packages that nobody has installed: it
// cannot run, and output that was made elsewhere counts.
func installed(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "node_modules"))
	return err == nil
}

func (l *loader) progress(text string, took time.Duration) {
	l.options.Journal.Publish(journal.Entry{Kind: journal.Progress, Text: text, Duration: took})
}

// cdkContext is the context of cdk.json, and over it what the CDK has looked
// up before (cdk.context.json).
func cdkContext(dir string, values *document.Node) string {
	all := map[string]any{}
	if !values.IsNull() {
		_ = json.Unmarshal([]byte(values.JSON()), &all)
	}
	if looked, err := os.ReadFile(filepath.Join(dir, "cdk.context.json")); err == nil {
		_ = json.Unmarshal(looked, &all)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// cdkSources lists the files of a CDK app, but for what is installed or made,
// and tells when the last of them changed.
func cdkSources(dir string) (files []string, newest time.Time) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case d.IsDir() && path != dir && (ignored[d.Name()] || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		case len(files) >= maxSources:
			return filepath.SkipAll
		}
		if info, err := d.Info(); err == nil {
			files = append(files, path)
			if info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
		return nil
	})
	return files, newest
}
