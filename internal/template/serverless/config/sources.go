package config

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/variable"
)

// sources are what variables may name (Serverless Framework guide,
// "Variables"). self is built into the resolver.
func (l *loader) sources() map[string]variable.Func {
	m := map[string]variable.Func{
		"env": l.fromEnv, "opt": l.fromOpt, "param": l.fromParam, "file": l.fromFile,
		"sls": l.fromSls, "aws": l.fromAWS, "git": l.fromGit, "strToBool": strToBool,
	}
	for _, name := range []string{"cf", "ssm", "s3", "output", "vault", "terraform", "doppler"} {
		m[name] = l.fromElsewhere
	}
	l.customResolvers(m)
	return m
}

// scalarAnswer is a text that stands where the variable stands.
func scalarAnswer(c variable.Call, text string) *document.Node { return document.Str(text, c.Pos) }

// fromEnv answers ${env:NAME}.
func (l *loader) fromEnv(_ context.Context, c variable.Call) (*document.Node, error) {
	if v, ok := l.getenv(c.Address); ok {
		return scalarAnswer(c, v), nil
	}
	// Where a service is deployed these are always set; here the region in use
	// answers.
	if c.Last && (c.Address == "AWS_REGION" || c.Address == "AWS_DEFAULT_REGION") {
		return scalarAnswer(c, cmp.Or(l.region, l.o.Region, "us-east-1")), nil
	}
	hint := fmt.Sprintf("set %s in the environment", c.Address)
	if l.v4 || l.root.Get("useDotenv").TruthOr(false) {
		hint += ", or in " + filepath.Join(l.dir, ".env")
	} else {
		hint += ", or write useDotenv: true and put it into .env"
	}
	return nil, &variable.Absent{Text: "the environment does not set " + c.Address, Hint: hint}
}

// fromOpt answers ${opt:name}, and ${opt:} with all options.
func (l *loader) fromOpt(_ context.Context, c variable.Call) (*document.Node, error) {
	given := map[string]string{}
	for k, v := range l.o.CLI {
		given[k] = v
	}
	if l.o.Stage != "" {
		given["stage"] = l.o.Stage
	}
	if l.o.Region != "" {
		given["region"] = l.o.Region
	}
	if c.Address == "" {
		return build.TextMap(c.Pos, given), nil
	}
	if v, ok := given[c.Address]; ok {
		return scalarAnswer(c, v), nil
	}
	// Scripts that always deploy with --stage need no fallback; here the app
	// starts without options, so the stage and region in use answer.
	if c.Last && c.Address == "stage" {
		return scalarAnswer(c, cmp.Or(l.stage, "dev")), nil
	}
	if c.Last && c.Address == "region" {
		return scalarAnswer(c, cmp.Or(l.region, "us-east-1")), nil
	}
	if v, ok := l.override(c.Raw); ok {
		return scalarAnswer(c, v), nil
	}
	return nil, &variable.Absent{
		Text: "the option --" + c.Address + " is not given",
		Hint: fmt.Sprintf("give it a fallback: ${%s, 'value'}, or a value in suiro.yaml: variables: {%q: value}", c.Raw, c.Raw),
	}
}

// fromParam looks in the command line, then the stage's parameters, then the
// default ones; `stages` wins over the older `params` of the same level.
func (l *loader) fromParam(ctx context.Context, c variable.Call) (*document.Node, error) {
	if v, ok := l.o.Params[c.Address]; ok {
		return scalarAnswer(c, v), nil
	}
	for _, place := range [][]string{
		{"stages", l.stage, "params"}, {"params", l.stage},
		{"stages", "default", "params"}, {"params", "default"},
	} {
		n, err := l.vars.Lookup(ctx, append(place, c.Address))
		if err != nil {
			return nil, err
		}
		if !n.IsNull() {
			return n, nil
		}
	}
	return nil, &variable.Absent{
		Text: fmt.Sprintf("stage %q has no parameter %q", l.stage, c.Address),
		Hint: fmt.Sprintf("give --param %s=value, or put it under stages.%s.params", c.Address, l.stage),
	}
}

// fromSls answers what the framework itself knows.
func (l *loader) fromSls(_ context.Context, c variable.Call) (*document.Node, error) {
	switch c.Address {
	case "stage":
		if l.stage != "" {
			return scalarAnswer(c, l.stage), nil
		}
		return scalarAnswer(c, "dev"), nil
	case "instanceId":
		// Random on every run of the framework; here nothing changes by itself.
		return scalarAnswer(c, "local"), nil
	}
	return nil, fmt.Errorf("sls knows stage and instanceId, not %q", c.Address)
}

// fromAWS answers what the account is.
func (l *loader) fromAWS(ctx context.Context, c variable.Call) (*document.Node, error) {
	switch c.Address {
	case "accountId":
		return scalarAnswer(c, cmp.Or(l.o.AccountID, "000000000000")), nil
	case "region":
		if l.region == "" && l.o.Region == "" && l.vars != nil {
			// Asked while the region is being found: the file decides.
			n, err := l.vars.Lookup(ctx, []string{"provider", "region"})
			if err != nil || !n.IsNull() {
				return n, err
			}
		}
		return scalarAnswer(c, cmp.Or(cmp.Or(l.region, l.o.Region), "us-east-1")), nil
	case "partition":
		return scalarAnswer(c, partition(l.region)), nil
	}
	if kind, _, ok := strings.Cut(c.Address, ":"); ok && (kind == "ssm" || kind == "s3" || kind == "cf") {
		return l.fromElsewhere(ctx, c)
	}
	return nil, fmt.Errorf("aws knows accountId, region and partition, not %q", c.Address)
}

// partition is the partition a region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// fromElsewhere answers what only AWS or another service knows, from the
// local values the user gives.
func (l *loader) fromElsewhere(ctx context.Context, c variable.Call) (*document.Node, error) {
	if n := l.ownEndpoint(ctx, c); n != nil {
		return n, nil
	}
	if v, ok := l.override(c.Raw); ok {
		if t := strings.TrimSpace(v); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
			if n, err := document.FromJSON([]byte(t), c.Pos); err == nil {
				return n, nil
			}
		}
		return scalarAnswer(c, v), nil
	}
	if !c.Last {
		l.vars.Warn(c.Pos, "${%s} lives outside this machine and has no local value; its fallback is used", c.Raw)
	}
	return nil, &variable.Absent{
		Text: "it lives outside this machine",
		Hint: fmt.Sprintf("give a local value in suiro.yaml: variables: {%q: value}", c.Raw),
	}
}

// ownEndpoint is the output ServiceEndpointWebsocket of the app's own stack:
// code that pushes is told it this way, though on AWS such an app must be
// deployed without the variable first. nil for anything else, and when the
// user gives a local value.
func (l *loader) ownEndpoint(ctx context.Context, c variable.Call) *document.Node {
	stack, ok := strings.CutSuffix(strings.TrimPrefix(c.Address, "cf:"), ".ServiceEndpointWebsocket")
	if _, given := l.override(c.Raw); !ok || given || l.vars == nil || !strings.Contains(c.Raw, "cf") {
		return nil
	}
	own, err := l.vars.Evaluate(ctx, "${self:provider.stackName, '${self:service}-${sls:stage}'}", c.Pos)
	if err != nil || own.TextOr("") != stack {
		return nil
	}
	return build.EndpointURL(c.Pos, "wss://", build.Ref(c.Pos, "WebsocketsApi"), "/"+l.stage)
}

// override finds a local value, spaces and the parameters in parentheses
// (a region, raw) aside.
func (l *loader) override(raw string) (string, bool) {
	squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	bare := raw
	if open, end := strings.IndexByte(raw, '('), strings.IndexByte(raw, ')'); open > 0 && end > open {
		bare = raw[:open] + raw[end+1:]
	}
	for _, want := range []string{raw, bare} {
		for key, v := range l.o.Outputs {
			if squeeze(key) == squeeze(want) {
				return v, true
			}
		}
	}
	return "", false
}

// customResolvers makes the names under stages.<stage>.resolvers sources that
// say what they are; they ask services of the network.
func (l *loader) customResolvers(m map[string]variable.Func) {
	for _, stage := range []string{l.stage, "default"} {
		for _, name := range l.root.Get("stages").Get(stage).Get("resolvers").Keys() {
			if m[name] == nil {
				m[name] = l.fromElsewhere
			}
		}
	}
}

// strToBool answers ${strToBool(text)}.
func strToBool(_ context.Context, c variable.Call) (*document.Node, error) {
	if len(c.Params) == 0 {
		return nil, fmt.Errorf("strToBool needs a value, as in ${strToBool(${env:FLAG})}")
	}
	switch strings.ToLower(strings.TrimSpace(c.Params[0])) {
	case "true", "1":
		return document.Boolean(true, c.Pos), nil
	case "false", "0":
		return document.Boolean(false, c.Pos), nil
	}
	return nil, fmt.Errorf("%q is neither true, false, 1 nor 0", c.Params[0])
}

// gitQuestions are the arguments that answer ${git:...}.
var gitQuestions = map[string][]string{
	"branch":        {"rev-parse", "--abbrev-ref", "HEAD"},
	"sha1":          {"rev-parse", "--short", "HEAD"},
	"commit":        {"rev-parse", "HEAD"},
	"message":       {"log", "-1", "--pretty=%B"},
	"messageBody":   {"log", "-1", "--pretty=%b"},
	"user":          {"config", "user.name"},
	"email":         {"config", "user.email"},
	"describe":      {"describe", "--always"},
	"describeLight": {"describe", "--always", "--tags"},
	"tags":          {"tag", "--points-at", "HEAD"},
	"isDirty":       {"status", "--porcelain", "--untracked-files=no"},
	"repository":    {"rev-parse", "--show-toplevel"},
}

// fromGit asks git, as version 4 and serverless-plugin-git-variables do.
func (l *loader) fromGit(ctx context.Context, c variable.Call) (*document.Node, error) {
	args, ok := gitQuestions[c.Address]
	if !ok {
		return nil, fmt.Errorf("git does not know %q", c.Address)
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = l.dir
	out, err := cmd.Output()
	text := strings.TrimSpace(string(out))
	switch {
	case err != nil:
		return nil, &variable.Absent{Text: fmt.Sprintf("git %s failed: %v", strings.Join(args, " "), err), Hint: "give it a fallback: ${" + c.Raw + ", 'value'}"}
	case c.Address == "isDirty":
		return document.Boolean(text != "", c.Pos), nil
	case c.Address == "repository":
		text = filepath.Base(text)
	case c.Address == "tags":
		text = strings.Join(strings.Fields(text), "::")
	}
	return scalarAnswer(c, text), nil
}

// fromFile reads another file: data, text, or code.
func (l *loader) fromFile(ctx context.Context, c variable.Call) (*document.Node, error) {
	if len(c.Params) == 0 || c.Params[0] == "" {
		return nil, fmt.Errorf("file needs a path, as in ${file(./other.yml):key}")
	}
	path := filepath.FromSlash(c.Params[0])
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.dir, path)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &variable.Absent{Text: fmt.Sprintf("the file %s does not exist", c.Params[0])}
	}
	keys := variable.Keys(c.Address)
	if isCode(path) {
		return l.fileCode(ctx, path, keys, c.Pos)
	}
	var n *document.Node
	var err error
	switch filepath.Ext(path) {
	case ".yml", ".yaml", ".json", ".tfstate":
		n, err = l.parse(path)
	default:
		var data []byte
		if data, err = os.ReadFile(path); err == nil {
			l.read(path)
			n = document.Str(string(data), diag.Position{File: path, Line: 1, Column: 1})
		}
	}
	if err != nil {
		return nil, err
	}
	return l.vars.Walk(ctx, n, keys)
}

// options are what code in the configuration sees as the command line.
func (l *loader) options() json.RawMessage {
	m := map[string]any{"stage": l.stage, "region": cmp.Or(l.region, l.o.Region)}
	for k, v := range l.o.CLI {
		m[k] = v
	}
	var params []string
	for k, v := range l.o.Params {
		params = append(params, k+"="+v)
	}
	sort.Strings(params)
	if params != nil {
		m["param"] = params
	}
	data, _ := json.Marshal(m)
	return data
}
