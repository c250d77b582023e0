package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/variable"
)

// loader is one Read.
type loader struct {
	ctx  context.Context
	o    Options
	file string // the configuration, absolute
	dir  string
	msgs diag.List

	root   *document.Node // as read
	v4     bool
	stage  string
	region string
	dotEnv map[string]string
	vars   *variable.Resolver
	node   *script

	files  []string                  // read so far
	parsed map[string]*document.Node // YAML and JSON files by path
}

// configNames are looked for in a folder, in the framework's order.
var configNames = []string{
	"serverless.yml", "serverless.yaml", "serverless.json",
	"serverless.js", "serverless.ts", "serverless.cjs", "serverless.mjs",
}

// load goes the whole way; nil when something stopped it. Whatever did is among
// the messages.
func (l *loader) load(path string) *document.Node {
	if !l.locate(path) || !l.readRoot() {
		return nil
	}
	l.v4 = l.version() != "3"
	l.findStage()
	l.serviceDotenv()
	l.pluginDotenv()
	l.vars = variable.New(l.root, l.sources())
	l.findRegion()
	root := l.vars.Resolve(l.ctx)
	l.msgs.Add(once(l.vars.Messages)...)
	if err := l.ctx.Err(); err != nil {
		l.msgs.Add(diag.Errorf(diag.Position{File: l.file}, "", "reading the service was stopped: %v", err))
	}
	if l.msgs.HasErrors() {
		return nil
	}
	return root
}

// locate finds the configuration file.
func (l *loader) locate(path string) bool {
	abs, err := filepath.Abs(path)
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(abs); err == nil && !info.IsDir() {
			l.file, l.dir = abs, filepath.Dir(abs)
			return true
		}
	}
	if err != nil {
		l.msgs.Add(diag.Errorf(diag.Position{File: path}, "", "there is no service here: %v", err))
		return false
	}
	for _, name := range configNames {
		if _, err := os.Stat(filepath.Join(abs, name)); err == nil {
			l.file, l.dir = filepath.Join(abs, name), abs
			return true
		}
	}
	l.msgs.Add(diag.Errorf(diag.Position{File: path}, "", "the folder holds no serverless.yml, .yaml, .json, .js or .ts"))
	return false
}

// readRoot reads the configuration as it stands.
func (l *loader) readRoot() bool {
	var err error
	if isCode(l.file) {
		l.root, err = l.configCode()
	} else {
		l.root, err = l.parse(l.file)
	}
	if err != nil {
		l.fail(diag.Position{File: l.file}, err)
		return false
	}
	if l.root.Kind != document.Map {
		l.msgs.Add(diag.Errorf(l.root.Pos, "", "a service is an object with service, provider and functions, not %s", build.Kind(l.root)))
		return false
	}
	return !l.msgs.HasErrors()
}

// fail records an error that may know its own place.
func (l *loader) fail(at diag.Position, err error) {
	var m *diag.Message
	if errors.As(err, &m) {
		l.msgs.Add(m)
		return
	}
	l.msgs.Add(diag.Errorf(at, "", "%v", err))
}

// read remembers that a file went in.
func (l *loader) read(path string) {
	if !slices.Contains(l.files, path) {
		l.files = append(l.files, path)
	}
}

// isCode tells whether a file is a program that node has to run.
func isCode(path string) bool {
	switch filepath.Ext(path) {
	case ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts":
		return true
	}
	return false
}

// parse reads a YAML or JSON file once. Its warnings go to the loader, its
// first error is returned.
func (l *loader) parse(path string) (*document.Node, error) {
	if n, ok := l.parsed[path]; ok {
		return n, nil
	}
	l.read(path)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, msgs := document.Parse(path, data)
	for i, m := range msgs {
		if m.Severity == diag.Error {
			l.msgs.Add(msgs[i+1:]...)
			return nil, m
		}
		l.msgs.Add(m)
	}
	l.parsed[path] = n
	return n, nil
}

// evaluated reads one property before the rest, with variables. A failure is
// not reported here: the same variable fails again, in its place, later.
func (l *loader) evaluated(keys ...string) (string, bool) {
	r := variable.New(l.root, l.sources())
	before := l.vars
	l.vars = r
	n := r.Property(l.ctx, keys...)
	l.vars = before
	if r.Messages.HasErrors() {
		return "", false
	}
	text, _ := n.Scalar()
	return text, true
}

// findStage settles the stage, which decides about .env files, parameters and
// names. Where it depends on a variable of .env itself, that file is read
// first.
func (l *loader) findStage() {
	l.stage = l.o.Stage
	if l.stage != "" {
		return
	}
	stage, ok := l.evaluated("provider", "stage")
	if !ok {
		l.loadDotenv(".env")
		stage, _ = l.evaluated("provider", "stage")
	}
	l.stage = stage
	if stage == "" {
		l.stage = "dev"
	}
}

// findRegion settles the region, which ${aws:region} and the stack need.
func (l *loader) findRegion() {
	l.region = l.o.Region
	if l.region == "" {
		l.region, _ = l.evaluated("provider", "region")
	}
	if l.region == "" {
		l.region = "us-east-1"
	}
}

// versionNumber finds the major version in "3", "^3.38.0" or ">=3 <5".
var versionNumber = regexp.MustCompile(`\d+`)

// version tells which major version of the framework the service is written
// for: what it pins, what is installed beside it, else the current one, 4.
func (l *loader) version() string {
	if v := l.root.Get("frameworkVersion").TextOr(""); v != "" {
		if major := versionNumber.FindString(v); major != "" {
			return major
		}
	}
	var pkg struct {
		Version         string
		Dependencies    map[string]string
		DevDependencies map[string]string
	}
	for _, name := range []string{"node_modules/serverless/package.json", "package.json"} {
		data, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil || json.Unmarshal(data, &pkg) != nil {
			continue
		}
		v := pkg.Version
		if name == "package.json" {
			v = pkg.DevDependencies["serverless"] + pkg.Dependencies["serverless"]
		}
		if major := versionNumber.FindString(v); major != "" {
			return major
		}
	}
	return "4"
}

// once leaves the first of the messages that say the same: a variable without
// a value is one mistake, however often it is used.
func once(msgs diag.List) (out diag.List) {
	first, more := map[string]*diag.Message{}, map[*diag.Message]int{}
	for _, m := range msgs {
		what := m.Text + "\x00" + m.Hint
		if f := first[what]; f != nil {
			more[f]++
			continue
		}
		first[what] = m
		out = append(out, m)
	}
	for m, n := range more {
		places := "place"
		if n > 1 {
			places = "places"
		}
		m.Text += fmt.Sprintf(" (and in %d more %s)", n, places)
	}
	return out
}
