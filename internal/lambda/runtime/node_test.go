package runtime

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(cacheDir)
		os.Exit(code)
	}))
}

func TestNodeHandlersAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, runtime, file, code string
		handler                   string
		want                      string
	}{
		{"async", "nodejs20.x", "index.js", `exports.handler = async (e) => ({ got: e.x })`, "", `{"got":1}`},
		{"promise", "nodejs20.x", "index.js", `exports.handler = (e) => Promise.resolve(e)`, "", `{"x":1}`},
		{"callback", "nodejs20.x", "index.js", `exports.handler = (e, c, cb) => { setTimeout(() => cb(null, 'late'), 5) }`, "", `"late"`},
		{"context.succeed", "nodejs12.x", "index.js", `exports.handler = (e, c) => c.succeed('done')`, "", `"done"`},
		{"context.done", "nodejs12.x", "index.js", `exports.handler = (e, c) => c.done(null, 7)`, "", `7`},
		{"no answer at all is null", "nodejs20.x", "index.js", `exports.handler = () => {}`, "", `null`},
		{"undefined is null", "nodejs20.x", "index.js", `exports.handler = async () => {}`, "", `null`},
		{"sync value is no answer before nodejs24", "nodejs20.x", "index.js", `exports.handler = () => 'value'`, "", `null`},
		{"sync value answers since nodejs24", "nodejs24.x", "index.js", `exports.handler = () => 'value'`, "", `"value"`},
		{"nested folder and export", "nodejs20.x", "src/api/chat.js", `exports.on = { message: async () => 'nested' }`, "src/api/chat.on.message", `"nested"`},
		{"mjs", "nodejs20.x", "index.mjs", `const x = await Promise.resolve('top-level await'); export const handler = async () => x`, "", `"top-level await"`},
		{"cjs", "nodejs20.x", "index.cjs", `exports.handler = async () => __filename.slice(-4)`, "", `".cjs"`},
		{"module is found as a package", "nodejs20.x", "index/index.js", `exports.handler = async () => 'folder'`, "", `"folder"`},
		{"task root is in NODE_PATH", "nodejs20.x", "src/a.js", `exports.handler = async () => require('src/b')`, "src/a.handler", `"b"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.handler == "" {
				row.handler = "index.handler"
			}
			r := start(t, row.runtime, row.handler, map[string]string{row.file: row.code, "src/b.js": "module.exports = 'b'"})
			p := r.invoke(`{"x":1}`)
			if p.kind != "response" || string(p.body) != row.want || p.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %s", p.kind, p.header.Get("Content-Type"), p.body)
			}
			if p = r.invoke(`{"x":1}`); string(p.body) != row.want {
				t.Errorf("the second time: %s %s", p.kind, p.body)
			}
		})
	}
}

// Events of more than one read, whatever says where they end; the pieces end
// in the middle of characters.
func TestNodeTakesEventsInPieces(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": `exports.handler = async (e) => e`})
	for _, size := range []int{1, 1000, 100_000, 1_000_000} {
		event := `["` + strings.Repeat("日本", size) + `"]`
		if p := r.invoke(event); string(p.body) != event {
			t.Errorf("chunked: %d characters became %.40s, %d bytes", size, p.body, len(p.body))
		}
		if p := r.invoke(event, "Content-Length", strconv.Itoa(len(event))); string(p.body) != event {
			t.Errorf("with its length: %d characters became %.40s, %d bytes", size, p.body, len(p.body))
		}
	}
}

func TestNodeModulePackageMakesJavaScriptFilesModules(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "src/index.handler", map[string]string{
		"package.json": `{"type":"module"}`,
		"src/index.js": `export const handler = async () => import.meta.url.slice(0, 7)`,
	})
	if p := r.invoke(`{}`); string(p.body) != `"file://"` {
		t.Errorf("%s %s", p.kind, p.body)
	}
}

func TestNodeInitErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, handler, code string
		kind, message       string
	}{
		{"missing module", "nothere.handler", ``, "Runtime.ImportModuleError", "^Error: Cannot find module 'nothere'\nRequire stack:\n"},
		{"missing dependency", "index.handler", `require('left-pad')`, "Runtime.ImportModuleError", "^Error: Cannot find module 'left-pad'\nRequire stack:\n"},
		{"missing export", "index.handlr", `exports.handler = 1`, "Runtime.HandlerNotFound", `^index\.handlr is undefined or not exported$`},
		{"not a function", "index.handler", `exports.handler = 1`, "Runtime.HandlerNotFound", `^index\.handler is not a function$`},
		{"no dot", "index", ``, "Runtime.MalformedHandlerName", `^Bad handler$`},
		{"dots", "../index.handler", ``, "Runtime.MalformedHandlerName", `^'\.\./index\.handler' is not a valid handler name\. Use absolute paths`},
		{"syntax", "index.handler", `exports.handler = (`, "Runtime.UserCodeSyntaxError", `^SyntaxError: Unexpected end of input|^SyntaxError: Unexpected token`},
		{"throws", "index.handler", `throw new TypeError('at init')`, "TypeError", `^at init$`},
		{"throws later", "index.handler", `setTimeout(() => { throw new Error('soon') }, 1); exports.handler = async () => new Promise(() => setTimeout(() => {}, 1e6))`, "Error", `^soon$`},
		{"only response streaming", "index.handler", `exports.handler = () => {}; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request'`, "Runtime.MalformedStreamingHandler", `^Only response streaming is supported\.$`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "nodejs20.x", row.handler, map[string]string{"index.js": row.code})
			p := r.wait()
			f := p.failure(t)
			if p.kind != "init" || f.ErrorType != row.kind || !regexp.MustCompile(row.message).MatchString(f.ErrorMessage) || f.Trace == nil {
				t.Errorf("%s %s", p.kind, p.body)
			}
			if got := p.header.Get("Lambda-Runtime-Function-Error-Type"); got != row.kind {
				t.Errorf("error type header %q", got)
			}
			if code := r.exit(); code != 129 {
				t.Errorf("exit status %d", code)
			}
			if !strings.Contains(r.stdout.String(), "\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\""+row.kind) {
				t.Errorf("logged %q", r.stdout)
			}
		})
	}
}

func TestNodeCallbackHandlersAreRefusedSinceNodejs24(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs24.x", "index.handler", map[string]string{"index.js": `exports.handler = (e, c, cb) => cb()`})
	if f := r.wait().failure(t); f.ErrorType != "Runtime.CallbackHandlerDeprecated" {
		t.Errorf("%+v", f)
	}
}

func TestNodeInvocationErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, code    string
		kind, message string
		exit          int // 0: lives on
	}{
		{"rejects", `exports.handler = async () => { throw new RangeError('too far') }`, "RangeError", "too far", 0},
		{"throws", `exports.handler = () => { throw new Error('at once') }`, "Error", "at once", 0},
		{"callback error", `exports.handler = (e, c, cb) => cb(new Error('by callback'))`, "Error", "by callback", 0},
		{"callback text", `exports.handler = (e, c, cb) => cb('text')`, "string", "text", 0},
		{"context.fail", `exports.handler = (e, c) => c.fail(new Error('failed'))`, "Error", "failed", 0},
		{"context.fail with nothing", `exports.handler = (e, c) => c.fail()`, "string", "handled", 0},
		{"rejects with a value", `exports.handler = async () => { throw { a: 1 } }`, "object", "[object Object]", 0},
		{"named error", `class Chat extends Error { constructor(m) { super(m); this.name = 'ChatError' } }; exports.handler = async () => { throw new Chat('x') }`, "ChatError", "x", 0},
		{"no JSON", `exports.handler = async () => { const a = {}; a.a = a; return a }`, "Error", "Unable to stringify response body", 0},
		{"never settles", `exports.handler = async () => new Promise(() => {})`, "Runtime.NodeJsExit", "never settled", 0},
		{"uncaught exception", `exports.handler = async () => new Promise(() => setTimeout(() => { throw new Error('lost') }, 1))`, "Error", "lost", 129},
		{"unhandled rejection", `exports.handler = async () => { Promise.reject(new Error('nobody')); await new Promise((r) => setTimeout(r, 1e4)) }`, "Runtime.UnhandledPromiseRejection", "Error: nobody", 128},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": row.code})
			p := r.invoke(`{}`)
			f := p.failure(t)
			if p.kind != "error" || f.ErrorType != row.kind || !strings.Contains(f.ErrorMessage, row.message) || f.Trace == nil || f.StackTrace != nil {
				t.Errorf("%s %s", p.kind, p.body)
			}
			if row.exit != 0 {
				if code := r.exit(); code != row.exit {
					t.Errorf("exit status %d", code)
				}
				return
			}
			eventually(t, "the error is logged", func() bool {
				return strings.Contains(r.stdout.String(), "\tERROR\tInvoke Error \t{\"errorType\":")
			})
			if p := r.invoke(`{}`); p.kind != "error" {
				t.Errorf("the second time: %s", p.body)
			}
		})
	}
}

func TestNodeErrorKeysInAWSOrder(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": `exports.handler = async () => { throw new Error('x') }`})
	p := r.invoke(`{}`)
	if !strings.HasPrefix(string(p.body), `{"errorType":"Error","errorMessage":"x","trace":["Error: x","    at `) {
		t.Errorf("%s", p.body)
	}
}

func TestNodeCallbackWaitsForEmptyEventLoop(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = (event, context, callback) => {
		context.callbackWaitsForEmptyEventLoop = event.wait;
		setTimeout(() => console.log('timer of ' + event.n), 50);
		callback(null, event.n);
	}`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	r.invoke(`{"wait":true,"n":1}`)
	r.stdout.waitFor(t, "timer of 1") // or the answer came before it
	r.invoke(`{"wait":false,"n":2}`)
	if strings.Contains(r.stdout.String(), "timer of 2") {
		t.Error("the answer waited for the timer")
	}
}

func TestNodeContext(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = async (event, context) => ({ ...context,
		left: context.getRemainingTimeInMillis() > 1000 && context.getRemainingTimeInMillis() <= 3000,
		trace: process.env._X_AMZN_TRACE_ID, kinds: ['done', 'succeed', 'fail'].map((n) => typeof context[n]) })`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	p := r.invoke(`{}`, "Lambda-Runtime-Client-Context", `{"custom":{"a":1}}`, "Lambda-Runtime-Invocation-Id", "attempt-1",
		"Lambda-Runtime-Cognito-Identity", `{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}`, "Lambda-Runtime-Aws-Tenant-Id", "blue")
	var got map[string]any
	if err := json.Unmarshal(p.body, &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"awsRequestId": "8476a536-e9f4-11e8-9739-000000000001", "functionName": "chat", "functionVersion": "$LATEST",
		"memoryLimitInMB": "128", "logGroupName": "/aws/lambda/chat", "logStreamName": "2026/01/01/[$LATEST]0123",
		"invokedFunctionArn":             "arn:aws:lambda:us-east-1:123456789012:function:chat",
		"callbackWaitsForEmptyEventLoop": true, "left": true, "tenantId": "blue",
		"trace": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
	} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if s := fmt.Sprint(got["clientContext"], got["identity"], got["kinds"]); s != "map[custom:map[a:1]] map[cognitoIdentityId:id cognitoIdentityPoolId:pool] [function function function]" {
		t.Error(s)
	}
	if p.header.Get("Lambda-Runtime-Invocation-Id") != "attempt-1" {
		t.Error("the attempt is not echoed")
	}
	if p = r.invoke(`{}`); p.header.Get("Lambda-Runtime-Invocation-Id") != "" {
		t.Error("an attempt is made up")
	}
}

func TestNodeLogLines(t *testing.T) {
	t.Parallel()
	const code = `console.log('at init');
	exports.handler = async () => { console.debug('a %s', 'b'); console.warn({ x: 1 }); console.error(new Error('e').message) }`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	r.invoke(`{}`)
	const id = "8476a536-e9f4-11e8-9739-000000000001"
	want := []string{"undefined\tINFO\tat init", id + "\tDEBUG\ta b", id + "\tWARN\t{ x: 1 }", id + "\tERROR\te"}
	got := r.stdout.lines(t, len(want))
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t`)
	for i, line := range got {
		if !stamp.MatchString(line) || stamp.ReplaceAllString(line, "") != want[i] {
			t.Errorf("line %d is %q, want %q", i, line, want[i])
		}
	}
}

func TestNodeJSONLogLines(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = async () => { console.info({ x: 1 }); console.debug('quiet'); console.error('failed', new TypeError('e')) }`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code}, "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=INFO")
	r.invoke(`{}`)
	got := r.stdout.lines(t, 2)
	if len(got) != 2 || !strings.Contains(got[0], `"level":"INFO","requestId":"8476a536-e9f4-11e8-9739-000000000001","message":{"x":1}}`) ||
		!strings.Contains(got[1], `"errorType":"TypeError","errorMessage":"e","stackTrace":["TypeError: e"`) {
		t.Errorf("%q", got)
	}
}

const nul8 = "\x00\x00\x00\x00\x00\x00\x00\x00"

func TestNodeStreamsResponses(t *testing.T) {
	t.Parallel()
	const vendor = "application/vnd.awslambda.http-integration-response"
	for _, row := range []struct {
		name, code  string
		contentType string
		body        string
		failure     string // error type in the trailer
	}{
		{"writes", `s.write('a'); s.write(Buffer.from('b')); s.end('c')`, "application/octet-stream", "abc", ""},
		{"content type", `s.setContentType('text/event-stream'); s.write('data: 1\n\n'); s.end()`, "text/event-stream", "data: 1\n\n", ""},
		{"objects become JSON", `s.write([1, { a: 2 }]); s.end()`, "application/octet-stream", `[1,{"a":2}]`, ""},
		{"prelude before the first write", `s = awslambda.HttpResponseStream.from(s, { statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=1'] }); s.write('body'); s.end()`,
			vendor, `{"statusCode":201,"headers":{"x-a":"b"},"cookies":["c=1"]}` + nul8 + "body", ""},
		{"empty first write sends the prelude", `s = awslambda.HttpResponseStream.from(s, { statusCode: 204 }); s.write(''); s.end()`, vendor, `{"statusCode":204}` + nul8, ""},
		{"end without write loses the prelude, as on Lambda", `s = awslambda.HttpResponseStream.from(s, { statusCode: 302 }); s.end()`, vendor, "", ""},
		{"pipeline", `await require('stream/promises').pipeline(require('stream').Readable.from(['x', 'y', 'z']), s)`, "application/octet-stream", "xyz", ""},
		{"error before the first write", `throw new RangeError('early')`, "application/octet-stream", "", "RangeError"},
		{"error midway", `s.write('half'); throw new TypeError('late')`, "application/octet-stream", "half", "TypeError"},
		{"not ended", `s.write('open')`, "application/octet-stream", "open", "Error"},
		{"error after the end changes nothing", `s.end('all'); throw new Error('afterwards')`, "application/octet-stream", "all", ""},
		{"never settles", `await new Promise(() => {})`, "application/octet-stream", "", "Runtime.NodeJsExit"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			code := `exports.handler = awslambda.streamifyResponse(async (event, s, context) => { ` + row.code + ` })`
			r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
			for range 2 {
				p := r.invoke(`{}`)
				if p.kind != "response" || p.header.Get("Lambda-Runtime-Function-Response-Mode") != "streaming" || p.header.Get("Content-Type") != row.contentType {
					t.Errorf("%s %v", p.kind, p.header)
				}
				if string(p.body) != row.body || p.cut {
					t.Errorf("body %q, cut %v", p.body, p.cut)
				}
				if got := p.trailer.Get("Lambda-Runtime-Function-Error-Type"); got != row.failure {
					t.Errorf("error type %q", got)
				}
				if row.failure != "" {
					text, err := base64.StdEncoding.DecodeString(p.trailer.Get("Lambda-Runtime-Function-Error-Body"))
					if err != nil || !strings.HasPrefix(string(text), `{"errorType":"`+row.failure+`","errorMessage":"`) {
						t.Errorf("error body %s %v", text, err)
					}
				}
			}
		})
	}
}

func TestNodeStreamingHandlersMustBeAsync(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": `exports.handler = awslambda.streamifyResponse((e, s) => { s.end('x') })`})
	r.invoke(`{}`)
	eventually(t, "the message is logged", func() bool {
		return strings.Contains(r.stdout.String(), "Streaming does not support non-async handlers.")
	})
}

func TestNodeContentTypeIsFixedByTheFirstWrite(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": `exports.handler = awslambda.streamifyResponse(async (e, s) => {
		s.write('a'); try { s.setContentType('text/plain') } catch (error) { s.write(error.name + ' ' + error.message) } s.end() })`})
	if p := r.invoke(`{}`); string(p.body) != "aRuntime.InvalidStreamingOperation Cannot set content-type, too late." {
		t.Errorf("%q", p.body)
	}
}

func TestNodeStreamHonoursBackPressure(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = awslambda.streamifyResponse(async (e, s) => {
		const chunk = Buffer.alloc(1 << 16, 'x'); let waits = 0;
		for (let i = 0; i < 256; i++) if (!s.write(chunk)) { waits++; await new Promise((r) => s.once('drain', r)) }
		s.end('waited ' + (waits > 0));
	}, { highWaterMark: 1 << 17 })`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	if p := r.invoke(`{}`); len(p.body) != 256<<16+len("waited true") || !strings.HasSuffix(string(p.body), "waited true") {
		t.Errorf("%d bytes, %q", len(p.body), p.body[max(0, len(p.body)-20):])
	}
}

func TestNodeStreamedBytesDoNotWaitForTheNext(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = awslambda.streamifyResponse(async (event, s) => {
		for (const word of ['one', 'two', 'three']) {
			s.write(word);
			// The test makes the file when the word has arrived.
			while (!require('fs').existsSync(word)) await new Promise((r) => setTimeout(r, 2));
		}
		s.end();
	})`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	r.arrived = func(p []byte) { _ = os.WriteFile(filepath.Join(r.cmd.Dir, string(p)), nil, 0o644) }
	if p := r.invoke(`{}`); string(p.body) != "onetwothree" {
		t.Errorf("%q", p.body)
	}
}

func TestNodeCrashInTheMiddleOfAStream(t *testing.T) {
	t.Parallel()
	const code = `exports.handler = awslambda.streamifyResponse(async (event, s) => {
		s.write('half'); setTimeout(() => { throw new Error('crashed') }, 20); await new Promise((r) => setTimeout(r, 1e4)) })`
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": code})
	first, second := r.invoke(`{}`), r.wait()
	if first.kind == "response" {
		first, second = second, first
	}
	if f := first.failure(t); first.kind != "error" || f.ErrorMessage != "crashed" || second.kind != "response" || !second.cut || string(second.body) != "half" {
		t.Errorf("%s %+v, %s %q cut %v", first.kind, f, second.kind, second.body, second.cut)
	}
	if code := r.exit(); code != 129 {
		t.Errorf("exit status %d", code)
	}
}

func TestNodeNoGlobalWhenSwitchedOff(t *testing.T) {
	t.Parallel()
	r := start(t, "nodejs20.x", "index.handler", map[string]string{"index.js": `exports.handler = async () => typeof awslambda`}, "AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA=1")
	if p := r.invoke(`{}`); string(p.body) != `"undefined"` {
		t.Errorf("%s", p.body)
	}
}

func TestNodeImportFindsTheSuppliedSDK(t *testing.T) {
	t.Parallel()
	sdk := writeFiles(t, map[string]string{
		"node_modules/@aws-sdk/client-x/package.json": `{"name":"@aws-sdk/client-x","version":"3.0.0","main":"index.js"}`,
		"node_modules/@aws-sdk/client-x/index.js":     `exports.from = 'supplied'`,
		"node_modules/@aws-sdk/client-y/package.json": `{"name":"@aws-sdk/client-y","version":"3.0.0","main":"index.js"}`,
		"node_modules/@aws-sdk/client-y/index.js":     `exports.from = 'supplied'`,
	})
	own := map[string]string{
		"node_modules/@aws-sdk/client-y/package.json": `{"name":"@aws-sdk/client-y","version":"3.0.0","main":"index.js"}`,
		"node_modules/@aws-sdk/client-y/index.js":     `exports.from = 'own'`,
	}
	for file, code := range map[string]string{
		"index.mjs": `import x from '@aws-sdk/client-x'; import y from '@aws-sdk/client-y'; export const handler = async () => x.from + ' ' + y.from`,
		"index.cjs": `const x = require('@aws-sdk/client-x'), y = require('@aws-sdk/client-y'); exports.handler = async () => x.from + ' ' + y.from`,
	} {
		t.Run(file, func(t *testing.T) {
			own := map[string]string{file: code, "node_modules/@aws-sdk/client-y/package.json": own["node_modules/@aws-sdk/client-y/package.json"], "node_modules/@aws-sdk/client-y/index.js": own["node_modules/@aws-sdk/client-y/index.js"]}
			root := writeFiles(t, own)
			runtimes := New(Config{CacheDir: cacheDir})
			// A folder that the supply would have fetched.
			c, err := runtimes.Command(t.Context(), Function{Name: "chat", Runtime: "nodejs20.x", Handler: "nothing.handler", Root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			c.Env["NODE_PATH"] = filepath.Join(sdk, "node_modules")
			r := startCommand(t, t.Context(), c, root, "index.handler")
			if p := r.invoke(`{}`); string(p.body) != `"supplied own"` {
				t.Errorf("%s %s", p.kind, p.body)
			}
		})
	}
}
