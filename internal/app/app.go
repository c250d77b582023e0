// Package app is an app on disk: which template it has, what its settings
// say, which files it is made of, and the folder where Suiro keeps its state.
//
// Four kinds of template are read (CloudFormation, SAM, Serverless Framework,
// CDK output); all become CloudFormation with positions here, and nothing
// above knows which kind it was.
package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
	"github.com/suiro-dev/suiro/internal/template/cdk"
	"github.com/suiro-dev/suiro/internal/template/sam"
	"github.com/suiro-dev/suiro/internal/template/serverless"
)

// DefaultAccountID stands for the account of an app that names none. It is
// the number AWS's own documentation uses.
const DefaultAccountID = "123456789012"

// DefaultRegion is used when neither the command line, the environment nor
// the template names one.
const DefaultRegion = "us-east-1"

// Options are what the command line says about an app.
type Options struct {
	Path    string // a folder or a template file; "" is the working directory
	Stage   string
	Region  string
	Params  map[string]string
	EnvFile string // more variables for ${env:…} and for functions' build
	DataDir string // state folder; "" is .suiro beside the template
	// Bundler reads configurations that are code (serverless.ts).
	Bundler serverless.Bundler
	// Cache keeps what such configurations gave, from one reload to the next.
	Cache *serverless.Cache
	// Journal hears when the app's own command (cdk.json) runs. Nil: nobody.
	Journal *journal.Journal
}

// App is a loaded app.
type App struct {
	Name     string // service or folder name
	Dir      string // the template's folder, absolute
	Template string // the template's file or cdk.out, absolute
	Kind     Kind
	Stage    string // Serverless stage; "" for the other kinds
	Settings *Settings
	Stacks   []Stack
	// Files are the files the app was read from, to be watched.
	Files []string
	// StateDir holds tables, ports and builds. It may not exist yet.
	StateDir string
}

// Stack is one stack of the app, in the order to apply them.
type Stack struct {
	Identity   resource.Stack
	Template   *template.Template
	Parameters map[string]string
}

// Load finds and reads an app. The app is nil when the list has errors.
func Load(ctx context.Context, o Options) (*App, diag.List) {
	var msgs diag.List
	src, m := find(o.Path)
	if m != nil {
		return nil, diag.List{m}
	}
	a := &App{Dir: src.dir, Template: src.path, Kind: src.kind, Name: filepath.Base(src.dir), StateDir: stateDir(src.dir, o)}
	msgs.Add(src.notes...)
	var ms diag.List
	a.Settings, ms = readSettings(a.Dir)
	if msgs.Add(ms...); msgs.HasErrors() {
		return nil, msgs
	}
	a.Files = append(a.Files, filepath.Join(a.Dir, SettingsFile))
	params := maps.Clone(a.Settings.Parameters)
	maps.Copy(params, o.Params)

	l := &loader{app: a, options: o, params: params, env: environment(a.Dir, o.EnvFile)}
	msgs.Add(l.load(ctx)...)
	if msgs.HasErrors() {
		return nil, msgs.Sorted()
	}
	return a, msgs.Sorted()
}

// FindSettings reads what the settings of an app say without reading the app.
func FindSettings(o Options) (*Settings, diag.List) {
	src, m := find(o.Path)
	if m != nil {
		return nil, diag.List{m}
	}
	return readSettings(src.dir)
}

// FindState finds an app's state folder without reading the app. It may not
// exist.
func FindState(o Options) (string, error) {
	src, m := find(o.Path)
	if m != nil {
		return "", diag.List{m}
	}
	return stateDir(src.dir, o), nil
}

func stateDir(appDir string, o Options) string {
	dir := o.DataDir
	if dir == "" {
		dir = filepath.Join(appDir, ".suiro")
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

type loader struct {
	app     *App
	options Options
	params  map[string]string
	env     func(string) (string, bool)
}

func (l *loader) load(ctx context.Context) diag.List {
	switch l.app.Kind {
	case Serverless:
		return l.serverless(ctx)
	case CDK:
		return l.cdk(ctx)
	}
	return l.cloudFormation()
}

func (l *loader) region(fallback string) string {
	if l.options.Region != "" {
		return l.options.Region
	}
	if fallback != "" {
		return fallback
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v, ok := l.env(name); ok && v != "" {
			return v
		}
	}
	return DefaultRegion
}

func identity(name, region, account string) resource.Stack {
	s := resource.Stack{Name: name, Region: region, AccountID: account, Partition: "aws", URLSuffix: "amazonaws.com"}
	switch {
	case strings.HasPrefix(region, "cn-"):
		s.Partition, s.URLSuffix = "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		s.Partition = "aws-us-gov"
	}
	return s
}

var notStackName = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// stackName makes a legal stack name: a letter, then letters, digits, hyphens.
func stackName(s string) string {
	s = strings.Trim(notStackName.ReplaceAllString(s, "-"), "-")
	if s == "" || !(s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z') {
		s = "app-" + s
	}
	if len(s) > 128 {
		sum := sha256.Sum256([]byte(s))
		s = s[:119] + "-" + hex.EncodeToString(sum[:4])
	}
	return strings.TrimRight(s, "-")
}

func (l *loader) cloudFormation() diag.List {
	a := l.app
	a.Files = append(a.Files, a.Template)
	t, msgs := ReadTemplate(a.Template, l.params)
	if msgs.HasErrors() {
		return msgs
	}
	id := identity(stackName(a.Name), l.region(""), l.account(""))
	a.Stacks = []Stack{{Identity: id, Template: t, Parameters: l.params}}
	return msgs
}

// ReadTemplate reads a CloudFormation or SAM template, or one that CDK wrote:
// an app's own or that of a nested stack. The template is nil when the list
// has errors.
func ReadTemplate(file string, params map[string]string) (*template.Template, diag.List) {
	dir := filepath.Dir(file)
	root, msgs, err := document.ReadFile(file)
	if err != nil {
		if !msgs.HasErrors() {
			msgs.Add(diag.Errorf(diag.Position{File: file}, "", "%v", err))
		}
		return nil, msgs
	}
	if strings.HasSuffix(file, ".nested.template.json") { // as CDK names them
		var ms diag.List
		root, ms = cdk.Nested(dir, root)
		msgs.Add(ms...)
	}
	root, ms := sam.Transform(root, dir, params)
	if msgs.Add(ms...); msgs.HasErrors() {
		return nil, msgs
	}
	t, ms := template.New(root, dir)
	if msgs.Add(ms...); msgs.HasErrors() {
		return nil, msgs
	}
	return t, msgs
}

func (l *loader) account(fromTemplate string) string {
	if l.app.Settings.AccountID != "" {
		return l.app.Settings.AccountID
	}
	if fromTemplate != "" {
		return fromTemplate
	}
	return DefaultAccountID
}

func (l *loader) serverless(ctx context.Context) diag.List {
	a := l.app
	svc, msgs := serverless.Load(ctx, a.Template, serverless.Options{
		Stage: l.options.Stage, Region: l.options.Region, Params: l.params, Env: l.env,
		AccountID: l.account(""), Outputs: a.Settings.Variables, Bundler: l.options.Bundler, Cache: l.options.Cache,
	})
	if svc != nil {
		a.Files = append(a.Files, svc.Files...)
	}
	if msgs.HasErrors() || svc == nil {
		return msgs
	}
	t, ms := template.New(svc.Root, svc.Dir)
	if msgs.Add(ms...); msgs.HasErrors() {
		return msgs
	}
	a.Name, a.Stage = svc.Name, svc.Stage
	params := maps.Clone(svc.Parameters)
	if params == nil {
		params = make(map[string]string)
	}
	maps.Copy(params, l.params)
	id := identity(stackName(svc.Stack), svc.Region, l.account(""))
	a.Stacks = []Stack{{Identity: id, Template: t, Parameters: known(t, params)}}
	return msgs
}

func (l *loader) cdk(ctx context.Context) diag.List {
	a := l.app
	if m := l.synth(ctx); m != nil {
		return diag.List{m}
	}
	stacks, msgs := cdk.Load(a.Template)
	if msgs.HasErrors() {
		return msgs
	}
	for _, s := range stacks {
		t, ms := template.New(s.Root, s.Dir)
		if msgs.Add(ms...); ms.HasErrors() {
			continue
		}
		id := identity(s.Name, l.region(s.Region), l.account(s.Account))
		a.Stacks = append(a.Stacks, Stack{Identity: id, Template: t, Parameters: known(t, l.params)})
	}
	if len(a.Stacks) == 0 && !msgs.HasErrors() {
		msgs.Add(diag.Errorf(diag.Position{File: a.Template}, "", "the CDK output holds no stack").WithHint("run: npx cdk synth"))
	}
	return msgs
}

// known are the values whose parameters t has. A Serverless file reads
// --param itself, and each stack of a CDK app has its own parameters, so that a
// value that one stack does not know is no mistake there.
func known(t *template.Template, values map[string]string) map[string]string {
	out := make(map[string]string)
	for _, p := range t.Parameters {
		if v, ok := values[p.Name]; ok {
			out[p.Name] = v
		}
	}
	return out
}

// environment is what ${env:…} sees: the process environment, and below it
// the file named on the command line.
func environment(dir, file string) func(string) (string, bool) {
	extra := map[string]string{}
	if file != "" {
		if !filepath.IsAbs(file) {
			if _, err := os.Stat(file); err != nil {
				file = filepath.Join(dir, file)
			}
		}
		if data, err := os.ReadFile(file); err == nil {
			extra = parseEnvFile(string(data))
		}
	}
	return func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
		v, ok := extra[name]
		return v, ok
	}
}

// parseEnvFile reads NAME=value lines as dotenv does: export prefixes,
// comments, single and double quotes.
func parseEnvFile(text string) map[string]string {
	out := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			quote := value[0]
			value = value[1 : n-1]
			if quote == '"' {
				value = strings.ReplaceAll(value, `\n`, "\n")
			}
		} else if i := strings.Index(value, " #"); i >= 0 {
			value = strings.TrimSpace(value[:i])
		}
		out[strings.TrimSpace(name)] = value
	}
	return out
}

// CheckEnvFile says what is wrong with --env-file before anything starts.
func CheckEnvFile(file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("--env-file: %w", err)
	}
	return nil
}
