package serverless

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

var update = flag.Bool("update", false, "write the expectations of the golden files")

// load reads a service from text.
func load(t *testing.T, text string, o Options) (*Service, []string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "serverless.yml", text)
	return loadDir(t, dir, o)
}

func loadDir(t *testing.T, dir string, o Options) (*Service, []string) {
	t.Helper()
	svc, msgs := Load(context.Background(), dir, o)
	var lines []string
	for _, m := range msgs {
		line := m.Severity.String() + ": " + m.String()
		lines = append(lines, strings.ReplaceAll(line, dir+string(filepath.Separator), ""))
	}
	if msgs.HasErrors() {
		return nil, lines
	}
	return svc, lines
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

var hashes = regexp.MustCompile(`(LambdaVersion|WebsocketsDeployment|ApiGatewayDeployment)[0-9A-Za-z]{24,}`)

// A golden file holds a service, a line of dashes, and what Load makes of it:
// messages, then the template's resources and outputs. A first line
// "# only: A B" leaves everything out but the ids beginning with A or B.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no golden files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(data), "\n-----\n")
			got := golden(t, input)
			if *update {
				if err := os.WriteFile(file, []byte(input+"\n-----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("template differs (-want +got); go test -update writes it:\n%s", diff)
			}
		})
	}
}

func golden(t *testing.T, input string) string {
	svc, lines := load(t, input, Options{Env: func(string) (string, bool) { return "", false }})
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	if svc == nil {
		return b.String()
	}
	var only []string
	if line, _, _ := strings.Cut(input, "\n"); strings.HasPrefix(line, "# only:") {
		only = strings.Fields(strings.TrimPrefix(line, "# only:"))
	}
	for _, section := range []string{"Parameters", "Conditions", "Resources", "Outputs"} {
		for _, m := range build.Members(svc.Root.Get(section)) {
			if section == "Outputs" && only == nil && m.Key == "ServerlessDeploymentBucketName" || !matches(m.Key, only) {
				continue
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, []byte(m.Value.JSON()), "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteString(section + " " + m.Key + " " + compactLists(pretty.String()) + "\n")
		}
	}
	return hashes.ReplaceAllString(b.String(), "$1<hash>")
}

func matches(id string, only []string) bool {
	if only == nil {
		return true
	}
	for _, prefix := range only {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

var shortBlock = regexp.MustCompile(`[\[{]\n\s+([^\[\]{}]{0,90}?)\n\s+[\]}]`)

// compactLists puts innermost short lists and objects on one line.
func compactLists(s string) string {
	for range 4 {
		s = shortBlock.ReplaceAllStringFunc(s, func(m string) string {
			return regexp.MustCompile(`\n\s*`).ReplaceAllString(m, " ")
		})
	}
	return s
}

// TestAgainstFramework compares with what version 3.40 of the framework made
// of the same services: every logical id and the properties Suiro uses. The
// expectations were distilled from `serverless package`. Left out are the
// places and hashes of artifacts, the deployment bucket, the framework's own
// mapping templates, two statements it writes as text instead of a list or
// joins across functions, what it adds to the shared role for functions that
// have another, and two DependsOn where it loses one of two names.
func TestAgainstFramework(t *testing.T) {
	for _, name := range []string{"chat", "api", "individual"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", "framework", name)
			svc, lines := loadDir(t, dir, Options{})
			if svc == nil {
				t.Fatal(lines)
			}
			want, err := os.ReadFile(filepath.Join(dir, "expected.txt"))
			if err != nil {
				t.Fatal(err)
			}
			have := map[string]bool{}
			for _, l := range flatten(svc.Root) {
				have[l] = true
			}
			ids := map[string]bool{}
			for _, l := range strings.Split(strings.TrimSpace(string(want)), "\n") {
				if !have[l] {
					t.Errorf("missing: %s", l)
				}
				ids[strings.Fields(l)[0]] = true
			}
			for l := range have {
				if id := strings.Fields(l)[0]; !ids[id] {
					t.Errorf("the framework does not make %s", l)
				}
			}
		})
	}
}

// flatten writes a template as lines "id property value": sorted keys, one
// line for each statement of a policy.
func flatten(root *document.Node) []string {
	var out []string
	for _, section := range []string{"Resources", "Outputs"} {
		for _, m := range build.Members(root.Get(section)) {
			if strings.HasPrefix(m.Key, deploymentBucketID) {
				continue
			}
			id := hashes.ReplaceAllString(m.Key, "$1<hash>")
			add := func(what string, v any) {
				data, _ := json.Marshal(v)
				line := bytes.ReplaceAll(data, []byte(`\u0026`), []byte("&"))
				line = bytes.ReplaceAll(bytes.ReplaceAll(line, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">"))
				out = append(out, hashes.ReplaceAllString(id+" "+what+" "+string(line), "$1<hash>"))
			}
			var v map[string]any
			if err := json.Unmarshal([]byte(m.Value.JSON()), &v); err != nil {
				panic(err)
			}
			flattenOne(v, add)
		}
	}
	return out
}

func flattenOne(v map[string]any, add func(string, any)) {
	for key, x := range v {
		switch key {
		case "DependsOn":
			if s, ok := x.(string); ok {
				x = []any{s}
			}
			items := x.([]any)
			sort.Slice(items, func(i, j int) bool { return items[i].(string) < items[j].(string) })
			add(key, items)
		case "Properties":
			for p, y := range x.(map[string]any) {
				if p != "Policies" {
					add(p, y)
					continue
				}
				doc := y.([]any)[0].(map[string]any)["PolicyDocument"].(map[string]any)
				for _, s := range doc["Statement"].([]any) {
					add("Statement", s)
				}
			}
		default:
			add(key, x)
		}
	}
}

// TestTemplatesHold checks with the template reader that every reference in
// what Load makes leads somewhere and that no resources wait for each other.
func TestTemplatesHold(t *testing.T) {
	for _, name := range []string{"chat", "api", "individual"} {
		svc, lines := loadDir(t, filepath.Join("testdata", "framework", name), Options{})
		if svc == nil {
			t.Fatal(lines)
		}
		tmpl, msgs := template.New(svc.Root, svc.Dir)
		if msgs.HasErrors() {
			t.Fatal(msgs)
		}
		stack := resource.Stack{Name: svc.Stack, Region: svc.Region, AccountID: "000000000000", Partition: "aws", URLSuffix: "amazonaws.com"}
		bound, msgs := tmpl.Bind(stack, svc.Parameters, nil)
		if msgs.HasErrors() {
			t.Fatal(msgs)
		}
		if _, msgs := bound.Order(); msgs.HasErrors() {
			t.Error(msgs)
		}
	}
}
