package runtime

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/bundle/cache"
	"github.com/suiro-dev/suiro/internal/diag"
)

func TestParseName(t *testing.T) {
	for in, want := range map[string]name{
		"nodejs": {"node", "0"}, "nodejs4.3": {"node", "4"}, "nodejs8.10": {"node", "8"}, "nodejs22.x": {"node", "22"},
		"python2.7": {"python", "3.8"}, "python3.12": {"python", "3.12"}, "ruby2.5": {"ruby", "2.5"}, "ruby3.4": {"ruby", "3.4"},
		"provided": {language: "program"}, "provided.al2": {language: "program"}, "provided.al2023": {language: "program"}, "go1.x": {language: "program"},
		"java8.al2": {"java", "8"}, "java21": {"java", "21"}, "dotnet8": {language: "dotnet"}, "dotnetcore3.1": {language: "dotnet"},
		"": {}, "node20": {}, "nodejs../x": {}, "python": {}, "python3.x/..": {}, "cobol": {},
	} {
		if got := parseName(in); got != want {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"nodejs22.x", "python3.12", "ruby3.3", "provided.al2", "nodejs.x", "python.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// The version ends up in names of programs.
		if n := parseName(s); strings.ContainsAny(n.version, "/\\ ;") {
			t.Errorf("%q: %+v", s, n)
		}
	})
}

func TestRuntimesThatSuiroCannotRun(t *testing.T) {
	for in, want := range map[string]string{
		"dotnet8": "Suiro does not run dotnet8 functions yet",
		"cobol":   `Suiro does not know the runtime "cobol"`, "provided.al2": "provided.al2 has no program /nowhere/bootstrap",
	} {
		_, err := New(Config{CacheDir: t.TempDir()}).Command(t.Context(), Function{Name: "chat", Runtime: in, Root: "/nowhere"})
		var m *diag.Message
		if !errors.As(err, &m) || m.Text != want || m.Hint == "" || m.Key != "chat" {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMissingInterpreterSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := New(Config{CacheDir: t.TempDir()}).Command(t.Context(), Function{Name: "chat", Runtime: "ruby3.2", Root: t.TempDir()})
	var m *diag.Message
	if !errors.As(err, &m) || m.Text != "ruby3.2 needs Ruby, which is not installed" || runtime.GOOS == "linux" && !strings.HasPrefix(m.Hint, "apt install ruby") {
		t.Error(err)
	}
}

func TestAnotherVersionIsSaidOnce(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	r := New(Config{CacheDir: t.TempDir()})
	f := Function{Name: "chat", Runtime: "nodejs8.10", Handler: "index.handler", Root: t.TempDir()}
	c, err := r.Command(t.Context(), f)
	if err != nil || len(c.Notes) != 1 || !strings.HasPrefix(c.Notes[0], "nodejs8.10 runs on Node.js ") {
		t.Fatal(c, err)
	}
	if c, err = r.Command(t.Context(), f); err != nil || len(c.Notes) != 0 {
		t.Error(c, err)
	}
	if c.Env["AWS_EXECUTION_ENV"] != "AWS_Lambda_nodejs8.10" || c.Env["NODE_PATH"] != f.Root {
		t.Errorf("%v", c.Env)
	}
}

func TestProgramsRunAsTheyAre(t *testing.T) {
	root := writeFiles(t, map[string]string{"bootstrap": "#!/bin/sh\n", "bin/chat": "x"})
	r := New(Config{CacheDir: t.TempDir()})
	for _, row := range []struct{ runtime, bootstrap, want string }{
		{"provided.al2023", "", filepath.Join(root, "bootstrap")},
		{"go1.x", filepath.Join(root, "bin/chat"), filepath.Join(root, "bin/chat")},
	} {
		c, err := r.Command(t.Context(), Function{Runtime: row.runtime, Handler: "x", Root: root, Bootstrap: row.bootstrap})
		if err != nil || c.Path != row.want || len(c.Args) != 0 {
			t.Errorf("%+v %v", c, err)
		}
	}
}

func TestScanFindsWhatTheCodeNames(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"a.js":                               `require("@aws-sdk/client-s3"); const x = await import('@smithy/node-http-handler/dist'); require('aws-sdk/clients/s3')`,
		"b.mjs":                              "import { D } from \"@aws-sdk/lib-dynamodb\"",
		"c.txt":                              `"@aws-sdk/client-iam"`,
		"bundled.js":                         `var s=["smithy.ts.sdk.synthetic","@smithy/nor"];r("@smithy/op",{"@aws-sdk/core":"^3.9"});a="@aws-sdk/client-ec2"`,
		"minified.mjs":                       "import{S as s}from\"@aws-sdk/client-sfn\";const k=__require(`@aws-sdk/client-kms`),t=import(/* webpackIgnore: true */\"@aws-sdk/client-sts\");export*from'@smithy/types'",
		"node_modules/d/i.js":                `require("@aws-sdk/client-sns")`,
		"e.js":                               `// see @aws-sdk/client-ec2 and "@aws-sdk/"`,
		"f.py":                               "from boto3.session import Session\nimport botocore\n#import boto3x\n",
		"g.rb":                               "require 'aws-sdk-dynamodb'\n  require(\"aws-sdk\")\n",
		"package.json":                       `{"dependencies":{"d":"1","optional":"1"}}`,
		"node_modules/d/package.json":        `{"peerDependencies":{"@aws-sdk/client-sqs":"3","react":"1"}}`,
		"node_modules/optional/package.json": `{"peerDependencies":{"@aws-sdk/client-kms":"3"},"peerDependenciesMeta":{"@aws-sdk/client-kms":{"optional":true}}}`,
	})
	r := New(Config{CacheDir: t.TempDir()})
	names := func(m map[string]string, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for k := range m {
			list = append(list, k)
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	if got := names(r.scan(root, nodeImport, ".js", ".mjs")); got != "@aws-sdk/client-kms @aws-sdk/client-s3 @aws-sdk/client-sfn @aws-sdk/client-sts @aws-sdk/lib-dynamodb @smithy/node-http-handler @smithy/types aws-sdk" {
		t.Error(got)
	}
	if got := names(r.scan(root, pythonImport, ".py")); got != "boto3 botocore" {
		t.Error(got)
	}
	if got := names(r.scan(root, rubyRequire, ".rb")); got != "aws-sdk aws-sdk-dynamodb" {
		t.Error(got)
	}
	if got := peers(root); !slices.Equal(got, []string{"@aws-sdk/client-sqs"}) {
		t.Errorf("%q", got)
	}
}

// fakeNpm is an npm that makes folders and counts its calls. It knows no
// package whose name holds "nosuch".
func fakeNpm(t *testing.T) (log string) {
	if runtime.GOOS == "windows" {
		t.Skip("uses a shell script")
	}
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	script := `#!/bin/sh
echo "$@" >> "` + log + `"
[ -e "` + dir + `/offline" ] && { echo "npm error code ENOTFOUND" >&2; exit 1; }
for p in "$@"; do case "$p" in
*nosuch*) echo "npm error code E404" >&2; echo "npm error 404 Not Found - GET https://registry.npmjs.org/@aws-sdk%2fclient-nosuch" >&2; exit 1;;
esac; done
for p in "$@"; do case "$p" in
@*@3) mkdir -p node_modules/${p%@3}; echo '{}' > node_modules/${p%@3}/package.json;;
@*@2) mkdir -p node_modules/${p%@2}; echo '{}' > node_modules/${p%@2}/package.json;;
aws-sdk@2) mkdir -p node_modules/aws-sdk; echo '{}' > node_modules/aws-sdk/package.json;;
esac; done
`
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

func calls(t *testing.T, log string) int {
	text, _ := os.ReadFile(log)
	return strings.Count(string(text), "\n")
}

func TestSDKIsFetchedOnceAndGrows(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	log := fakeNpm(t)
	cache := t.TempDir()
	supply := func(runtime, code string) string {
		t.Helper()
		root := writeFiles(t, map[string]string{"index.js": code})
		c, err := New(Config{CacheDir: cache}).Command(t.Context(), Function{Name: "chat", Runtime: runtime, Handler: "index.handler", Root: root})
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(c.Env["NODE_PATH"], string(os.PathListSeparator))
		return strings.TrimPrefix(first, root)
	}
	if dir := supply("nodejs20.x", `console.log(1)`); dir != "" || calls(t, log) != 0 {
		t.Errorf("fetched for nothing: %q", dir)
	}
	first := supply("nodejs20.x", `require("@aws-sdk/client-dynamodb")`)
	if !strings.HasPrefix(first, cache) || calls(t, log) != 1 {
		t.Fatalf("%q, %d calls", first, calls(t, log))
	}
	if again := supply("nodejs22.x", `require("@aws-sdk/lib-dynamodb"); require("@aws-sdk/client-apigatewaymanagementapi")`); again != first || calls(t, log) != 1 {
		t.Errorf("%q, %d calls", again, calls(t, log))
	}
	more := supply("nodejs20.x", `require("@aws-sdk/client-s3")`)
	if more == first || calls(t, log) != 2 {
		t.Errorf("%q, %d calls", more, calls(t, log))
	}
	if again := supply("nodejs20.x", `require("@aws-sdk/client-dynamodb"); require("@aws-sdk/client-s3")`); again != more || calls(t, log) != 2 {
		t.Errorf("%q, %d calls", again, calls(t, log))
	}
	if v2 := supply("nodejs14.x", `require("aws-sdk")`); v2 == "" || calls(t, log) != 3 {
		t.Errorf("%q, %d calls", v2, calls(t, log))
	}
	if none := supply("nodejs14.x", `require("@aws-sdk/client-s3")`); none != "" {
		t.Errorf("nodejs14.x has no version 3: %q", none)
	}
	// What the SDK's own code names in its error texts is not fetched.
	if dir := supply("nodejs20.x", `throw new Error("call [require('@aws-sdk/signature-v4-crt');] or [import '@aws-sdk/signature-v4a']")`); dir != "" || calls(t, log) != 3 {
		t.Errorf("%q, %d calls", dir, calls(t, log))
	}
	// A text that is no package does not keep the others away.
	if dir := supply("nodejs20.x", `require("@aws-sdk/client-sqs"); const s = "[require('@aws-sdk/client-nosuch')]"`); dir == "" || calls(t, log) != 5 {
		t.Errorf("%q, %d calls", dir, calls(t, log))
	}
}

// The public layer of Powertools cannot be fetched; what it holds comes from
// npm, of the layer's major version, and only for functions that have it.
func TestPackagesOfThePublicLayerOfPowertools(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	log := fakeNpm(t)
	r := New(Config{CacheDir: t.TempDir()})
	root := writeFiles(t, map[string]string{"index.mjs": `import { Logger } from "@aws-lambda-powertools/logger"`})
	path := func(layers ...string) string {
		t.Helper()
		c, err := r.Command(t.Context(), Function{Name: "f", Runtime: "nodejs20.x", Handler: "index.handler", Root: root, PublicLayers: layers})
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(c.Env["NODE_PATH"], string(os.PathListSeparator))
		return strings.TrimPrefix(first, root)
	}
	if dir := path(); dir != "" || calls(t, log) != 0 {
		t.Errorf("without the layer: %q", dir)
	}
	dir := path("arn:aws:lambda:us-east-1:094274105915:layer:AWSLambdaPowertoolsTypeScriptV2:44")
	if _, err := os.Stat(filepath.Join(dir, "@aws-lambda-powertools", "logger", "package.json")); err != nil {
		t.Error(err)
	}
	if said, _ := os.ReadFile(log); !strings.Contains(string(said), "@aws-lambda-powertools/logger@2") {
		t.Errorf("npm %s", said)
	}
}

func TestPublicLayersWithAStandIn(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:lambda:us-east-1:094274105915:layer:AWSLambdaPowertoolsTypeScript:21":               "TypeScript 1",
		"arn:aws:lambda:us-east-1:094274105915:layer:AWSLambdaPowertoolsTypeScriptV2:44":             "TypeScript 2",
		"arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV2:20":                 "Python 2",
		"arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV2-Arm64:20":           "Python 2",
		"arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python312-x86_64:5": "Python 3",
		"arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38":                     "",
		"arn:aws:lambda:eu-west-1:1:layer:mine:1":                                                    "none",
	} {
		got := ""
		for _, language := range []string{"TypeScript", "Python"} {
			if major := (Function{PublicLayers: []string{arn}}).powertools(language); major != "" {
				got += language + " " + major
			}
		}
		if PublicLayer(arn) == "" {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

func TestSDKThatCannotBeFetchedIsSaidAndTheFunctionStarts(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	log := fakeNpm(t)
	_ = os.WriteFile(filepath.Join(filepath.Dir(log), "offline"), nil, 0o644)
	root := writeFiles(t, map[string]string{"index.js": `require("@aws-sdk/client-s3")`})
	r := New(Config{CacheDir: t.TempDir()})
	f := Function{Name: "chat", Runtime: "nodejs20.x", Handler: "index.handler", Root: root}
	c, err := r.Command(t.Context(), f)
	if err != nil || c.Path == "" {
		t.Fatal(err)
	}
	note := c.Notes[len(c.Notes)-1]
	if want := "chat imports @aws-sdk/client-s3, which Lambda's runtime supplies and Suiro could not fetch (npm error code ENOTFOUND): run npm install @aws-sdk/client-s3 in " + root; note != want {
		t.Error(note)
	}
	if c, err = r.Command(t.Context(), f); err != nil || len(c.Notes) != 0 || calls(t, log) != 1 {
		t.Errorf("%v %v, tried %d times", c.Notes, err, calls(t, log))
	}
	if err := r.Supply(t.Context(), f); err == nil {
		t.Error("Supply says nothing")
	}
}

// fetching runs the real package manager.
func fetching(t *testing.T, tool string) {
	if testing.Short() {
		t.Skip("fetches packages")
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
}

func TestRealSDKForNode(t *testing.T) {
	fetching(t, "npm")
	for _, row := range []struct{ runtime, file, code, want string }{
		{"nodejs20.x", "index.mjs", `import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi"; export const handler = async () => typeof ApiGatewayManagementApiClient`, `"function"`},
		{"nodejs20.x", "index.js", `const { DynamoDBDocumentClient } = require("@aws-sdk/lib-dynamodb"); exports.handler = async () => typeof DynamoDBDocumentClient.from`, `"function"`},
	} {
		root := writeFiles(t, map[string]string{row.file: row.code})
		c, err := New(Config{CacheDir: cacheDir}).Command(t.Context(), Function{Name: "chat", Runtime: row.runtime, Handler: "index.handler", Root: root})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Notes {
			if strings.Contains(n, "could not fetch") {
				t.Skip(n)
			}
		}
		r := startCommand(t, t.Context(), c, root, "index.handler")
		if p := r.invoke(`{}`); string(p.body) != row.want {
			t.Errorf("%s: %s %s", row.file, p.kind, p.body)
		}
	}
}

func TestRealSDKForPython(t *testing.T) {
	fetching(t, "python3")
	r := New(Config{CacheDir: cacheDir})
	python, err := r.interpreters.Find(t.Context(), "python", "3.11", "")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	args := []string{"-m", "pip", "install", "--quiet", "--target", dir, "boto3"}
	if _, err := (bundle.Tool{Path: python.Path, Args: args}).Run(context.Background()); err != nil {
		t.Skip(err)
	}
	// As if it had been fetched: whether this machine has its own boto3 does
	// not matter then.
	if _, err := r.cache.Folder(t.Context(), cache.Work{Slot: "sdk-python-" + python.Minor(), Key: "test"}, func(_ context.Context, to string) error {
		return os.Rename(filepath.Join(dir, "boto3"), filepath.Join(to, "boto3"))
	}); err != nil {
		t.Fatal(err)
	}
	root := writeFiles(t, map[string]string{"app.py": "import boto3\ndef handler(event, context):\n  return boto3.__name__"})
	c, err := r.Command(t.Context(), Function{Name: "chat", Runtime: "python3.11", Handler: "app.handler", Root: root})
	if err != nil || c.Env["_SUIRO_PYTHON_SDK"] == "" {
		t.Errorf("%+v %v", c, err)
	}
}
