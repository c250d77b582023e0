package schema

import (
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/document"
)

func TestNearest(t *testing.T) {
	known := []string{"environment", "events", "handler", "memorySize", "timeout"}
	for name, want := range map[string]string{
		"enviroment": "did you mean environment", "Handler": "did you mean handler", "memory": "did you mean memorySize",
		"timout": "did you mean timeout", "zzz": "known are environment, events, handler, memorySize, timeout",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := Nearest("zzz", strings.Fields(strings.Repeat("abcdefgh ", 17))); got != "" {
		t.Errorf("a long list is no help: %s", got)
	}
}

func TestPluginsOwnTheirKeys(t *testing.T) {
	text := "service: s\nprovider: {name: aws}\nstepFunctions: {}\nfunctions: {a: {handler: h, iamRoleStatements: []}}\n"
	check := func(text string) []string {
		cfg, _ := document.Parse("s.yml", []byte(text))
		var keys []string
		for _, m := range Check(cfg, cfg.Get("functions")) {
			keys = append(keys, m.Key)
		}
		return keys
	}
	if got := check(text); !slices.Equal(got, []string{"stepFunctions", "functions.a.iamRoleStatements"}) {
		t.Error(got)
	}
	if got := check("plugins: [serverless-step-functions, serverless-iam-roles-per-function]\n" + text); len(got) != 0 {
		t.Error(got)
	}
}

func TestEveryEventIsKnownOnce(t *testing.T) {
	events := Events()
	for i := 1; i < len(events); i++ {
		if events[i] == events[i-1] {
			t.Errorf("%s is both made and missing", events[i])
		}
	}
	if !slices.Contains(events, "websocket") || Missing("s3") == "" || Missing("websocket") != "" {
		t.Error(events)
	}
}
