package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Kind is the kind of template an app has.
type Kind string

const (
	CloudFormation Kind = "CloudFormation" // SAM too: a transform of it
	Serverless     Kind = "Serverless Framework"
	CDK            Kind = "CDK"
)

type source struct {
	kind  Kind
	path  string // the template file, or the cdk.out folder
	dir   string
	notes diag.List
}

// candidates in order of preference, as the tools themselves look for them.
var candidates = []struct {
	name string
	kind Kind
}{
	{"serverless.yml", Serverless}, {"serverless.yaml", Serverless}, {"serverless.json", Serverless},
	{"serverless.ts", Serverless}, {"serverless.js", Serverless}, {"serverless.cjs", Serverless}, {"serverless.mjs", Serverless},
	{"cdk.out", CDK},
	{"template.yaml", CloudFormation}, {"template.yml", CloudFormation}, {"template.json", CloudFormation},
	{"sam.yaml", CloudFormation}, {"sam.yml", CloudFormation}, {"cloudformation.yaml", CloudFormation}, {"cloudformation.yml", CloudFormation},
}

func find(path string) (source, *diag.Message) {
	if path == "" {
		path = "."
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return source{}, diag.Errorf(diag.Position{File: path}, "", "%v", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return source{}, diag.Errorf(diag.Position{File: path}, "", "%s", reason(err)).WithHint("name a folder or a template file")
	}
	if !info.IsDir() {
		return source{kind: kindOfFile(abs), path: abs, dir: filepath.Dir(abs)}, nil
	}
	if _, err := os.Stat(filepath.Join(abs, "manifest.json")); err == nil && filepath.Base(abs) == "cdk.out" {
		return source{kind: CDK, path: abs, dir: filepath.Dir(abs)}, nil
	}
	return findIn(abs)
}

// Folder is the folder of the app that path names; its template may not be
// readable yet.
func Folder(path string) (string, error) {
	if path == "" {
		path = "."
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		path = filepath.Dir(path)
	}
	return filepath.Abs(path)
}

func findIn(dir string) (source, *diag.Message) {
	var found source
	for _, c := range candidates {
		p := filepath.Join(dir, c.name)
		info, err := os.Stat(p)
		if err != nil || info.IsDir() != (c.kind == CDK) {
			continue
		}
		if found.path == "" {
			found = source{kind: c.kind, path: p, dir: dir}
			continue
		}
		found.notes.Add(diag.Notef(diag.Position{File: p}, "", "not used: %s is there too", filepath.Base(found.path)).
			WithHint("name the file to use it: suiro dev %s", c.name))
	}
	if found.path != "" {
		return found, nil
	}
	if command, _, _ := cdkCommand(dir); command != "" {
		return source{kind: CDK, path: filepath.Join(dir, "cdk.out"), dir: dir}, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "cdk.json")); err == nil {
		return source{}, diag.Errorf(diag.Position{File: filepath.Join(dir, "cdk.json")}, "", "the CDK app has no output yet").WithHint("run: npx cdk synth")
	}
	return source{}, diag.Errorf(diag.Position{File: dir}, "", "no template found").
		WithHint("looked for serverless.yml (.ts, .js, .json), template.yaml and cdk.out; name another file: suiro dev FILE")
}

// kindOfFile tells a Serverless file from a CloudFormation one by name, and
// by what it holds when the name says nothing.
func kindOfFile(path string) Kind {
	switch ext := filepath.Ext(path); {
	case strings.HasPrefix(filepath.Base(path), "serverless."), ext == ".ts", ext == ".js", ext == ".cjs", ext == ".mjs":
		return Serverless
	}
	if n, _, err := document.ReadFile(path); err == nil && n.Get("service") != nil && n.Get("provider") != nil {
		return Serverless
	}
	return CloudFormation
}

func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "no such file or folder"
	}
	return err.Error()
}
