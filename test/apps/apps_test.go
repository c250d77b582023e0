package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheRunnerTellsAppsApart runs examples of this repository with
// descriptions of which one is right, one is wrong and one cannot run.
func TestTheRunnerTellsAppsApart(t *testing.T) {
	if testing.Short() {
		t.Skip("needs node, and npm packages on the first run")
	}
	program, err := suiroProgram()
	if os.Getenv("SUIRO") == "" {
		program, err = filepath.Abs("../../bin/suiro")
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := readDescriptions("testdata", nil)
	if err != nil {
		t.Fatal(err)
	}
	tools, _ := filepath.Abs("../.tools")
	r := &runner{program: program, apps: t.TempDir(), tools: tools, work: t.TempDir()}
	results := map[string]result{}
	var all []result
	for _, d := range list {
		res := r.run(t.Context(), d)
		results[d.ID] = res
		all = append(all, res)
	}
	if res := results["chat-node"]; res.Outcome != passed || res.Steps != len(list[0].Steps) {
		log, _ := os.ReadFile(res.Log)
		t.Errorf("chat-node: %+v\n%s", res, log)
	}
	if res := results["stream-node"]; res.Outcome != failed || !strings.Contains(res.Why, "step 1 (http): the time from the first chunk to the last: expected at least 1h0m0s, saw") {
		t.Errorf("stream-node: %+v", res)
	}
	if res := results["no-such-tool"]; res.Outcome != notRunnable || res.Why != "a-program-that-is-not-there is not installed" {
		t.Errorf("no-such-tool: %+v", res)
	}
	for _, id := range []string{"small-things", "elsewhere-deny", "elsewhere-local"} {
		res := results[id]
		if res.Outcome == passed {
			continue
		}
		log, _ := os.ReadFile(res.Log)
		t.Errorf("%+v\n%s", res, log)
	}
	if got := summary(all); got != "6 apps: 4 passed, 1 failed, 1 not runnable" {
		t.Error(got)
	}
	page := filepath.Join(t.TempDir(), "apps.md")
	if err := writeMarkdown(page, all); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(page)
	for _, want := range []string{"## WebSocket APIs", "| The chat of examples/ | here | **passed**, 6 steps |", "is not installed |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
}

func TestPublicDescriptionsAreReadable(t *testing.T) {
	list, err := readDescriptions("public", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if kindOrder(d.Kind) == len(kinds) {
			t.Errorf("%s: the table has no group %q", d.ID, d.Kind)
		}
	}
}

func TestDescriptionsAreHeldToTheirForm(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct{ text, want string }{
		"unknown": {"id: unknown\nnosuch: 1\n", "nosuch"},
		"twice":   {"id: twice\ntitle: t\nkind: k\nrepository: a/b\ncommit: " + strings.Repeat("0", 40) + "\nsteps: [{close: a, wait: 1s}]\n", "step 1 has 2 kinds (close, wait), not one"},
		"up":      {"id: up\ntitle: t\nkind: k\nrepository: a/b\npath: ../x\ncommit: " + strings.Repeat("0", 40) + "\nsteps: [{close: a}]\n", "must stay in the repository"},
		"other":   {"id: another\n", "is not the file's name"},
	} {
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readDescription(file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestExpectationsOfJSON(t *testing.T) {
	seen := `{"a":1,"b":{"c":"text","d":[1,2]},"e":null}`
	for _, test := range []struct {
		want any
		why  string
	}{
		{map[string]any{"a": 1}, ""},
		{map[string]any{"b": map[string]any{"c": "/^te/"}}, ""},
		{map[string]any{"e": nil}, ""},
		{map[string]any{"a": 2}, `x.a: expected 2, saw 1`},
		{map[string]any{"b": map[string]any{"d": []any{1}}}, `x.b.d: expected [1], saw [1,2]`},
		{map[string]any{"f": "g"}, `x.f: expected "g", saw nothing in`},
	} {
		err := expectJSON("x", test.want, seen)
		if test.why == "" && err != nil || test.why != "" && (err == nil || !strings.HasPrefix(err.Error(), test.why)) {
			t.Errorf("%v: %v, want %q", test.want, err, test.why)
		}
	}
	if v, err := pick(seen, "b.d.1"); v != "2" || err != nil {
		t.Error(v, err)
	}
	if _, err := pick(seen, "b.x"); err == nil {
		t.Error("picked what is not there")
	}
}

func TestServerSentEvents(t *testing.T) {
	got := readEvents("event: a\r\ndata: one\r\n\r\n: comment\n\ndata:two\ndata: lines\n\ndata: cut")
	if want := []string{"one", "two\nlines"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q", got)
	}
}
