package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/bundle"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/process"
	"github.com/suiro-dev/suiro/internal/resource"
)

// TestMain is also the functions' runtime: the test binary started again.
func TestMain(m *testing.M) {
	process.Main()
	if api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); api != "" {
		runFunction("http://" + api + "/2018-06-01/runtime/invocation/")
	}
	goleak.VerifyTestMain(m)
}

// runFunction answers events {"do": …}; anything else comes back as it is.
func runFunction(base string) {
	for {
		res, err := http.Get(base + "next")
		if err != nil {
			os.Exit(9)
		}
		event, _ := io.ReadAll(res.Body)
		var order struct {
			Do, File, Text string
			Message        string
			RequestContext struct{ Condition string }
		}
		_ = json.Unmarshal(event, &order)
		path := base + res.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		var body io.Reader = bytes.NewReader(event)
		switch order.Do {
		case "env":
			data, _ := json.Marshal(os.Environ())
			body = bytes.NewReader(data)
		case "arn":
			body = strings.NewReader(`"` + res.Header.Get("Lambda-Runtime-Invoked-Function-Arn") + `"`)
		case "pid":
			body = strings.NewReader(fmt.Sprint(os.Getpid()))
		case "code":
			data, _ := os.ReadFile("code")
			body = bytes.NewReader(data)
		case "wait": // says that it is there, then waits to be let go
			_ = os.WriteFile(order.File+".in", nil, 0o600)
			for _, err := os.Stat(order.File); err != nil; _, err = os.Stat(order.File) {
				time.Sleep(time.Millisecond)
			}
		case "fail":
			path = strings.TrimSuffix(path, "response") + "error"
			body = strings.NewReader(`{"errorType":"Oops","errorMessage":"as ordered"}`)
		case "print":
			fmt.Println(order.Text)
		case "stream":
			r, w := io.Pipe()
			go func() { _, _ = w.Write([]byte("first ")); _, _ = w.Write([]byte("second")); _ = w.Close() }()
			body = r
		}
		if order.RequestContext.Condition != "" { // the record of a destination
			_ = os.WriteFile("record", event, 0o600)
		}
		answer, err := http.Post(path, "application/json", body)
		if err != nil {
			os.Exit(8)
		}
		_ = answer.Body.Close()
	}
}

// builder makes nothing: the code folder is run as it stands.
type builder struct {
	mu    sync.Mutex
	fail  error
	built []bundle.Function
}

func (b *builder) Build(_ context.Context, f bundle.Function) (*bundle.Runnable, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built = append(b.built, f)
	if b.fail != nil {
		return nil, b.fail
	}
	code, _ := os.ReadFile(filepath.Join(f.Dir, "code"))
	return &bundle.Runnable{Root: f.Dir, Sources: []string{f.Dir}, Hash: string(code) + "."}, nil
}

func (b *builder) Unpack(context.Context, string, string) (string, error) {
	return "", fmt.Errorf("no archives here")
}

func (b *builder) Layer(_ context.Context, f bundle.Function) (string, error) { return f.Dir, nil }

// runtimes start the test binary whatever the runtime.
type runtimes struct{}

func (runtimes) NodePreload(context.Context) (string, error) { return "", nil }

func (runtimes) Command(_ context.Context, f runtime.Function) (*runtime.Command, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &runtime.Command{Path: self, Env: map[string]string{"NODE_PATH": "/sdk", "GORACE": "atexit_sleep_ms=0"}}, nil
}

// place is a service under test, with the folder its functions run in.
type place struct {
	*Service
	t       *testing.T
	dir     string
	builder *builder
	sub     *journal.Subscription
}

func newPlace(t *testing.T, change ...func(*Config)) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), builder: &builder{}}
	j := &journal.Journal{}
	p.sub = j.Subscribe(10000)
	cfg := Config{Builder: p.builder, Runtimes: runtimes{}, Journal: j, Region: "eu-west-1", AccountID: "123456789012", TempDir: t.TempDir(), patience: 10 * time.Second}
	for _, f := range change {
		f(&cfg)
	}
	if cfg.Builder == p.builder {
		// The code is the test binary's; the handler's file only has to be there.
		for _, name := range []string{"index.js", "other.js", "a.js"} {
			if err := os.WriteFile(filepath.Join(p.dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Service = New(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

var testStack = resource.Stack{Name: "chat-dev", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws", URLSuffix: "amazonaws.com"}

func (p *place) spec(id, typ, properties string) resource.Spec {
	p.t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		p.t.Fatal(msgs)
	}
	return resource.Spec{LogicalID: id, Type: typ, Pos: diag.Position{File: "template.yaml", Line: 1}, Properties: n, Dir: p.dir, Stack: testStack}
}

// create makes a resource of a type such as "Function".
func (p *place) create(id, typ, properties string) *resource.Instance {
	p.t.Helper()
	instance, err := p.try(id, typ, properties)
	if err != nil {
		p.t.Fatal(err)
	}
	return instance
}

func (p *place) try(id, typ, properties string) (*resource.Instance, error) {
	spec := p.spec(id, "AWS::Lambda::"+typ, properties)
	return p.Handlers()[spec.Type].Create(context.Background(), spec)
}

const simple = `{Code: ".", Runtime: nodejs22.x, Handler: index.handler, FunctionName: fn, Timeout: 20}`

// call invokes synchronously and returns the body.
func (p *place) call(function, event string) (string, invoke.End) {
	p.t.Helper()
	res, err := p.Invoke(context.Background(), &invoke.Request{Function: function, Payload: []byte(event)})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body), res.End()
}

func (p *place) touch(name string) { p.write(name, "") }

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) exists(name string) bool {
	_, err := os.Stat(filepath.Join(p.dir, name))
	return err == nil
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestFunction(t *testing.T) {
	p := newPlace(t)
	instance := p.create("ChatFn", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: index.handler}`)
	if !strings.HasPrefix(instance.PhysicalID, "chat-dev-ChatFn-") || len(instance.PhysicalID) != len("chat-dev-ChatFn-")+12 {
		t.Errorf("name %s", instance.PhysicalID)
	}
	arn := "arn:aws:lambda:eu-west-1:123456789012:function:" + instance.PhysicalID
	if got := instance.Attr("Arn"); got != arn {
		t.Errorf("ARN %s", got)
	}
	for _, name := range []string{instance.PhysicalID, arn, "123456789012:function:" + instance.PhysicalID, arn + ":$LATEST"} {
		if body, end := p.call(name, `{"x":1}`); body != `{"x":1}` || end.Outcome != invoke.Complete {
			t.Errorf("%s: %s, %+v", name, body, end)
		}
	}
	if got := p.FunctionNames()["ChatFn"]; got != instance.PhysicalID {
		t.Errorf("FunctionNames: %s", got)
	}
	if got := p.Sources()["ChatFn"]; len(got) != 1 || got[0] != p.dir {
		t.Errorf("Sources: %v", got)
	}
}

func TestRefusalsBeforeTheFunction(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	for _, c := range []struct {
		name string
		req  invoke.Request
		want string
	}{
		{"missing function", invoke.Request{Function: "nope"},
			"404 ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nope:$LATEST"},
		{"missing qualifier", invoke.Request{Function: "fn:live"},
			"404 ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:123456789012:function:fn:live"},
		{"two qualifiers", invoke.Request{Function: "fn:a", Qualifier: "b"},
			"400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier."},
		{"another region", invoke.Request{Function: "arn:aws:lambda:us-east-1:123456789012:function:fn"},
			"404 ResourceNotFoundException: Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"},
		{"another account", invoke.Request{Function: "999999999999:function:fn"},
			"404 ResourceNotFoundException: Function not found: arn:aws:lambda:eu-west-1:999999999999:function:fn:$LATEST"},
		{"too large", invoke.Request{Function: "fn", Payload: make([]byte, invoke.MaxPayload+1)},
			"413 RequestEntityTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"event too large", invoke.Request{Function: "fn", Type: invoke.Event, Payload: make([]byte, maxEvent+1)},
			"413 RequestEntityTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
		{"no permission", invoke.Request{Function: "fn", Caller: invoke.Caller{Service: "apigateway.amazonaws.com"}},
			"403 AccessDeniedException: User: apigateway.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: " +
				"arn:aws:lambda:eu-west-1:123456789012:function:fn because no resource-based policy allows the lambda:InvokeFunction action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.Invoke(context.Background(), &c.req)
			e, ok := err.(*invoke.Error)
			if !ok || fmt.Sprintf("%d %v", e.Status, e) != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	const api = "arn:aws:execute-api:eu-west-1:123456789012:abc/dev/$connect"
	gateway := invoke.Caller{Service: "apigateway.amazonaws.com", SourceARN: api}
	for _, c := range []struct {
		name, permission, qualifier string
		caller                      invoke.Caller
		want                        bool
	}{
		{"none", ``, "", gateway, false},
		{"the service", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: apigateway.amazonaws.com}`, "", gateway, true},
		{"another service", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: events.amazonaws.com}`, "", gateway, false},
		{"everyone", `{Action: "lambda:*", FunctionName: fn, Principal: "*"}`, "", gateway, true},
		{"every action", `{Action: "*", FunctionName: fn, Principal: apigateway.amazonaws.com}`, "", gateway, true},
		{"another action", `{Action: "lambda:GetFunction", FunctionName: fn, Principal: apigateway.amazonaws.com}`, "", gateway, false},
		{"by ARN", `{Action: "lambda:InvokeFunction", FunctionName: "arn:aws:lambda:eu-west-1:123456789012:function:fn", Principal: apigateway.amazonaws.com}`, "", gateway, true},
		{"source matches", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: apigateway.amazonaws.com, SourceArn: "arn:aws:execute-api:eu-west-1:123456789012:abc/*"}`, "", gateway, true},
		{"source is another", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: apigateway.amazonaws.com, SourceArn: "arn:aws:execute-api:eu-west-1:123456789012:xyz/*"}`, "", gateway, false},
		{"another account", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: apigateway.amazonaws.com, SourceAccount: "999999999999"}`, "", gateway, false},
		{"alias only", `{Action: "lambda:InvokeFunction", FunctionName: "fn:live", Principal: apigateway.amazonaws.com}`, "", gateway, false},
		{"alias", `{Action: "lambda:InvokeFunction", FunctionName: "fn:live", Principal: apigateway.amazonaws.com}`, "live", gateway, true},
		{"function URLs only", `{Action: "lambda:InvokeFunction", FunctionName: fn, Principal: "*", InvokedViaFunctionUrl: true}`, "", gateway, false},
		{"a caller that was checked", ``, "", invoke.Caller{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.create("Fn", "Function", simple)
			p.create("V", "Version", `{FunctionName: fn}`)
			p.create("A", "Alias", `{FunctionName: fn, FunctionVersion: "1", Name: live}`)
			if c.permission != "" {
				p.create("P", "Permission", c.permission)
			}
			_, err := p.Invoke(context.Background(), &invoke.Request{Function: "fn", Qualifier: c.qualifier, Type: invoke.DryRun, Caller: c.caller})
			if got := err == nil; got != c.want {
				t.Errorf("allowed %v, want %v (%v)", got, c.want, err)
			}
		})
	}
}

func TestVersionsAndAliases(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	version := p.create("V1", "Version", `{FunctionName: fn}`)
	const base = "arn:aws:lambda:eu-west-1:123456789012:function:fn"
	if version.PhysicalID != base+":1" || version.Attr("Version") != "1" {
		t.Errorf("version %+v", version)
	}
	alias := p.create("A", "Alias", `{FunctionName: fn, FunctionVersion: "1", Name: live}`)
	if alias.PhysicalID != base+":live" {
		t.Errorf("alias %+v", alias)
	}
	for _, c := range []struct{ function, arn, version string }{
		{"fn", base, "$LATEST"},
		{"fn:$LATEST", base + ":$LATEST", "$LATEST"},
		{"fn:1", base + ":1", "1"},
		{"fn:live", base + ":live", "1"},
	} {
		res, err := p.Invoke(context.Background(), &invoke.Request{Function: c.function, Payload: []byte(`{"do":"arn"}`)})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if string(body) != `"`+c.arn+`"` || res.ExecutedVersion != c.version {
			t.Errorf("%s: %s, version %s", c.function, body, res.ExecutedVersion)
		}
	}
}

func TestEnvironmentVariables(t *testing.T) {
	t.Setenv("SUIRO_TEST_SECRET", "of the host")
	p := newPlace(t, func(c *Config) {
		c.Environ = func(fn FunctionInfo) map[string]string {
			return map[string]string{"AWS_ACCESS_KEY_ID": "ASIA" + fn.LogicalID, "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:4566"}
		}
		c.Localize = func(s string) string {
			return strings.ReplaceAll(s, "abc.execute-api.eu-west-1.amazonaws.com", "localhost:3001")
		}
	})
	p.create("Fn", "Function", `{Code: ".", Runtime: nodejs22.x, Handler: index.handler, FunctionName: fn, MemorySize: 256,
		Environment: {Variables: {API: "https://abc.execute-api.eu-west-1.amazonaws.com/dev", AWS_DEFAULT_REGION: mars, NODE_PATH: /mine, TZ: "Europe/Berlin", NUMBER: 5}}}`)
	body, _ := p.call("fn", `{"do":"env"}`)
	var list []string
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for name, want := range map[string]string{
		"_HANDLER": "index.handler", "AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn", "AWS_REGION": "eu-west-1",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "LAMBDA_TASK_ROOT": p.dir,
		"PWD": p.dir, "AWS_ACCESS_KEY_ID": "ASIAFn", "AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:4566", "NODE_PATH": "/mine:/sdk",
		"API": "https://localhost:3001/dev", "AWS_DEFAULT_REGION": "mars", "TZ": "Europe/Berlin", "NUMBER": "5", "SUIRO_TEST_SECRET": "",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.Contains(got["AWS_LAMBDA_LOG_STREAM_NAME"], "/[$LATEST]") || !strings.HasPrefix(got["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") {
		t.Errorf("log stream %q, API %q", got["AWS_LAMBDA_LOG_STREAM_NAME"], got["AWS_LAMBDA_RUNTIME_API"])
	}
	if info, err := os.Stat(got["TMPDIR"]); err != nil || !info.IsDir() {
		t.Errorf("TMPDIR %q: %v", got["TMPDIR"], err)
	}
}

func TestLayersReachTheRuntime(t *testing.T) {
	p := newPlace(t)
	for _, dir := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(p.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	one := p.create("One", "LayerVersion", `{Content: one, LayerName: shared}`)
	two := p.create("Two", "LayerVersion", `{Content: two}`)
	if one.PhysicalID != "arn:aws:lambda:eu-west-1:123456789012:layer:shared:1" {
		t.Errorf("layer %s", one.PhysicalID)
	}
	p.create("Fn", "Function", `{Code: ".", Runtime: python3.12, Handler: a.b, FunctionName: fn, Layers: ["`+one.PhysicalID+`", "`+two.PhysicalID+`"]}`)
	body, _ := p.call("fn", `{"do":"env"}`)
	want := fmt.Sprintf(`"PYTHONPATH=%[1]s/two/python:%[1]s/two/python/lib/python3.12/site-packages:%[1]s/one/python:%[1]s/one/python/lib/python3.12/site-packages"`, p.dir)
	if !strings.Contains(body, want) {
		t.Errorf("environment %s\nlacks %s", body, want)
	}
}

func TestChecks(t *testing.T) {
	for _, c := range []struct{ typ, properties, want string }{
		{"Function", simple, ``},
		{"Function", `{Code: ".", Handler: a.b}`, `template.yaml:1: X.Runtime: a function with a zip package needs Runtime`},
		{"Function", `{Runtime: python3.12, Handler: a.b}`, `template.yaml:1: X.Code: AWS::Lambda::Function needs this property`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Timeout: 901}`, `template.yaml:1:57: X.Timeout: 901 is not a whole number from 1 to 900`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Memory: 5}`, `template.yaml:1:48: X.Memory: AWS::Lambda::Function has no such property that Suiro knows; it has no effect`},
		{"Function", `{Code: {S3Bucket: b, S3Key: k}, Runtime: python3.12, Handler: a.b}`, `template.yaml:1:8: X.Code: the code lies in S3; Suiro runs local files (set CodeUri or Code to a local folder)`},
		{"Function", `{Code: {ImageUri: x}, PackageType: Image}`, `template.yaml:1:8: X.Code: the image x comes from a registry, and Suiro runs what it can build itself (name its Dockerfile in Metadata (Dockerfile, DockerContext), or say in suiro.yaml what to run: images: {X: {command: […], dir: …}})`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Environment: {Variables: {AWS_REGION: x}}}`, `template.yaml:1:74: X.Environment.Variables.AWS_REGION: Lambda reserves this variable and refuses to set it (remove it)`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Environment: {Variables: {A: x}}}`, `template.yaml:1:74: X.Environment.Variables.A: not a name of a variable: a letter, then at least one more letter, digit or _`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Layers: ["arn:aws:lambda:eu-west-1:1:layer:x:1"]}`, `template.yaml:1:56: X.Layers: arn:aws:lambda:eu-west-1:1:layer:x:1 is not a layer of this app; its files are not there (copy what the function needs of it into the app)`},
		{"Function", `{Code: ".", Runtime: python3.12, Handler: a.b, Layers: ["arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:38"]}`, ""},
		{"Permission", `{Action: "s3:GetObject", FunctionName: fn, Principal: x}`, `template.yaml:1:10: X.Action: "s3:GetObject" is not an action of Lambda (lambda:InvokeFunction)`},
		{"EventInvokeConfig", `{FunctionName: fn, Qualifier: "$LATEST", DestinationConfig: {OnFailure: {Destination: "arn:aws:sqs:eu-west-1:1:q"}}}`, `template.yaml:1:87: X.DestinationConfig.OnFailure: only functions are destinations here; arn:aws:sqs:eu-west-1:1:q gets nothing`},
	} {
		t.Run(c.properties, func(t *testing.T) {
			p := newPlace(t)
			spec := p.spec("X", "AWS::Lambda::"+c.typ, c.properties)
			h := p.Handlers()[spec.Type]
			msgs := h.Schema().Check(spec)
			if ch, ok := h.(resource.Checker); ok {
				msgs.Add(ch.Check(spec)...)
			}
			var lines []string
			for _, m := range msgs {
				if m.Severity != diag.Note {
					lines = append(lines, m.String())
				}
			}
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTwoFunctionsCannotShareAName(t *testing.T) {
	p := newPlace(t)
	p.create("Fn", "Function", simple)
	if _, err := p.try("Other", "Function", simple); err == nil || !strings.Contains(err.Error(), "fn is the name of Fn already") {
		t.Errorf("error %v", err)
	}
}
