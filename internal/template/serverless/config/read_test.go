package config

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const minimal = "service: s\nprovider: {name: aws}\nfunctions: {a: {handler: h.a}}\n"

// read reads the configuration in dir; nil when it has errors.
func read(t *testing.T, dir string, o Options) (*Config, []string) {
	t.Helper()
	cfg, msgs := Read(context.Background(), dir, o)
	var lines []string
	for _, m := range msgs.Sorted() {
		line := m.Severity.String() + ": " + m.String()
		lines = append(lines, strings.ReplaceAll(line, dir+string(filepath.Separator), ""))
	}
	if msgs.HasErrors() {
		return nil, lines
	}
	return cfg, lines
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStageMayComeFromEnvironmentFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws, stage: \"${env:STAGE}\", region: \"${self:custom.r.${sls:stage}}\"}\ncustom: {r: {blue: eu-west-3}}\n")
	write(t, dir, ".env", "STAGE=blue\n")
	svc, lines := read(t, dir, Options{})
	if svc == nil || svc.Stage != "blue" || svc.Region != "eu-west-3" {
		t.Error(svc, lines)
	}
	if svc != nil && svc.DotEnv["STAGE"] != "blue" {
		t.Error(svc.DotEnv)
	}
}

// Version 3 reads .env only when asked, and only one of the two files;
// version 4 reads both unless told not to.
func TestEnvironmentFilesByVersion(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       map[string]string
	}{
		{"version 3 without useDotenv", "frameworkVersion: ^3.30", map[string]string{}},
		{"version 3 with useDotenv", "frameworkVersion: '3'\nuseDotenv: true", map[string]string{"B": "stage"}},
		{"version 4", "frameworkVersion: '4'", map[string]string{"A": "plain", "B": "stage"}},
		{"version 4, switched off", "frameworkVersion: '4'\nuseDotenv: false", map[string]string{}},
		{"version 4 with more files", "frameworkVersion: '4'\nuseDotenv: [more, extra.env]", map[string]string{"A": "plain", "B": "stage", "C": "more", "D": "extra"}},
	} {
		dir := t.TempDir()
		write(t, dir, "serverless.yml", c.head+"\n"+minimal)
		write(t, dir, ".env", "A=plain\nB=plain\n")
		write(t, dir, ".env.dev", "B=stage\n")
		write(t, dir, "more/.env", "A=more\nC=more\n")
		write(t, dir, "extra.env", "D=extra\n")
		svc, lines := read(t, dir, Options{})
		if svc == nil {
			t.Fatal(lines)
		}
		if diff := cmp.Diff(c.want, svc.DotEnv); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestVersionOfTheInstalledFrameworkCounts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", minimal)
	write(t, dir, ".env", "A=1\n")
	write(t, dir, "package.json", `{"devDependencies": {"serverless": "^3.38.0"}}`)
	svc, _ := read(t, dir, Options{})
	if len(svc.DotEnv) != 0 {
		t.Error("version 3 read .env without being asked")
	}
	write(t, dir, "node_modules/serverless/package.json", `{"version": "4.2.1"}`)
	svc, _ = read(t, dir, Options{})
	if svc.DotEnv["A"] != "1" {
		t.Error("version 4 did not read .env")
	}
}
