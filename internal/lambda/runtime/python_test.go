package runtime

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestPythonHandlersAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, runtime, handler, file, code string
		want                               string
	}{
		{"value", "python3.12", "app.handler", "app.py", "def handler(event, context):\n  return {'got': event['x']}", `{"got": 1}`},
		{"nothing is null", "python3.12", "app.handler", "app.py", "def handler(event, context):\n  pass", `null`},
		{"folder with slashes", "python3.12", "src/api/app.handler", "src/api/app.py", "def handler(event, context):\n  return __name__", `"src.api.app"`},
		{"folder with dots", "python3.12", "src.api.app.handler", "src/api/app.py", "def handler(event, context):\n  return __name__", `"src.api.app"`},
		{"characters stay since 3.12", "python3.12", "app.handler", "app.py", "def handler(event, context):\n  return 'é✓'", `"é✓"`},
		{"characters are escaped before 3.12", "python3.11", "app.handler", "app.py", "def handler(event, context):\n  return 'é'", `"\u00e9"`},
		{"decimals are numbers", "python3.12", "app.handler", "app.py", "from decimal import Decimal\ndef handler(event, context):\n  return [Decimal('1.10'), {'a': Decimal(3)}]", `[1.10, {"a": 3}]`},
		{"bytes inside are text", "python3.12", "app.handler", "app.py", "def handler(event, context):\n  return {'a': b'b'}", `{"a": "b"}`},
		{"import from the task root", "python3.12", "src/app.handler", "src/app.py", "import lib\ndef handler(event, context):\n  return lib.name", `"lib"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, row.runtime, row.handler, map[string]string{row.file: row.code, "lib.py": "name = 'lib'"})
			for range 2 {
				p := r.invoke(`{"x":1}`)
				if p.kind != "response" || string(p.body) != row.want || p.header.Get("Content-Type") != "application/json" {
					t.Errorf("%s %s %s", p.kind, p.header.Get("Content-Type"), p.body)
				}
			}
		})
	}
}

func TestPythonBytesAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": "def handler(event, context):\n  return b'\\x00\\xff'"})
	if p := r.invoke(`{}`); string(p.body) != "\x00\xff" || p.header.Get("Content-Type") != "application/unknown" {
		t.Errorf("%q %v", p.body, p.header)
	}
}

func TestPythonInitErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, handler, code, kind, message string }{
		{"missing module", "nothere.handler", "", "Runtime.ImportModuleError", "Unable to import module 'nothere': No module named 'nothere'"},
		{"missing dependency", "app.handler", "import left_pad", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'left_pad'"},
		{"missing function", "app.handlr", "", "Runtime.HandlerNotFound", "Handler 'handlr' missing on module 'app'"},
		{"no dot", "app", "", "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"},
		{"built-in module", "sys.handler", "", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"},
		{"syntax", "app.handler", "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"},
		{"raises", "app.handler", "raise KeyError('setting')", "KeyError", "'setting'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "python3.12", row.handler, map[string]string{"app.py": row.code})
			p := r.wait()
			f := p.failure(t)
			if p.kind != "init" || f.ErrorType != row.kind || f.ErrorMessage != row.message || f.StackTrace == nil || f.RequestID == nil || *f.RequestID != "" {
				t.Errorf("%s %s", p.kind, p.body)
			}
			if got := p.header.Get("Lambda-Runtime-Function-Error-Type"); got != row.kind {
				t.Errorf("error type header %q", got)
			}
			if code := r.exit(); code != 1 {
				t.Errorf("exit status %d", code)
			}
			r.stdout.waitFor(t, "[ERROR] "+row.kind+": "+row.message+"\nTraceback (most recent call last):\n")
		})
	}
}

func TestPythonInvocationErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, code, kind, message string }{
		{"raises", "def handler(event, context):\n  raise ValueError('bad value')", "ValueError", "bad value"},
		{"raises without words", "def handler(event, context):\n  raise ValueError", "ValueError", ""},
		{"own class", "class ChatError(Exception): pass\ndef handler(event, context):\n  raise ChatError('x')", "ChatError", "x"},
		{"no JSON", "def handler(event, context):\n  return {1, 2}", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "python3.12", "app.handler", map[string]string{"app.py": row.code})
			p := r.invoke(`{}`)
			f := p.failure(t)
			if p.kind != "error" || f.ErrorType != row.kind || f.ErrorMessage != row.message || f.RequestID == nil || *f.RequestID != "8476a536-e9f4-11e8-9739-000000000001" {
				t.Errorf("%s %s", p.kind, p.body)
			}
			if p := r.invoke(`{}`); p.kind != "error" {
				t.Errorf("the second time: %s", p.body)
			}
		})
	}
}

func TestPythonErrorBody(t *testing.T) {
	t.Parallel()
	files := map[string]string{"app.py": "def inner():\n  raise ValueError('x')\n\ndef handler(event, context):\n  inner()\n"}
	r := start(t, "python3.12", "app.handler", files)
	want := fmt.Sprintf(`{"errorMessage": "x", "errorType": "ValueError", "requestId": "8476a536-e9f4-11e8-9739-000000000001", "stackTrace": ["  File \"%s/app.py\", line 5, in handler\n    inner()\n", "  File \"%s/app.py\", line 2, in inner\n    raise ValueError('x')\n"]}`, r.cmd.Dir, r.cmd.Dir)
	if p := r.invoke(`{}`); string(p.body) != want {
		t.Errorf("got  %s\nwant %s", p.body, want)
	}
	old := start(t, "python3.8", "app.handler", files)
	if f := old.invoke(`{}`).failure(t); f.RequestID != nil {
		t.Error("python3.8 knows no requestId")
	}
}

func TestPythonUnreadableEvent(t *testing.T) {
	t.Parallel()
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": "def handler(event, context):\n  return type(event).__name__"})
	if f := r.invoke(`{`).failure(t); f.ErrorType != "Runtime.UnmarshalError" || !strings.HasPrefix(f.ErrorMessage, "Unable to unmarshal input: ") {
		t.Errorf("%+v", f)
	}
	if p := r.invoke(`{`, "Content-Type", "text/plain"); string(p.body) != `"bytes"` {
		t.Errorf("%s", p.body)
	}
}

func TestPythonContext(t *testing.T) {
	t.Parallel()
	const code = `import os
def handler(event, c):
  return [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.log_group_name, c.log_stream_name,
    c.invoked_function_arn, 1000 < c.get_remaining_time_in_millis() <= 3000, c.client_context.custom, c.client_context.client.app_title,
    c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id, c.tenant_id, os.environ['_X_AMZN_TRACE_ID']]
def bare(event, c):
  return [c.client_context, c.identity.cognito_identity_id]`
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": code})
	p := r.invoke(`{}`, "Lambda-Runtime-Client-Context", `{"custom":{"a":1},"client":{"app_title":"Chat"}}`,
		"Lambda-Runtime-Cognito-Identity", `{"cognitoIdentityId":"id","cognitoIdentityPoolId":"pool"}`, "Lambda-Runtime-Aws-Tenant-Id", "blue",
		"Lambda-Runtime-Invocation-Id", "attempt-1")
	want := `["8476a536-e9f4-11e8-9739-000000000001", "chat", "$LATEST", "128", "/aws/lambda/chat", "2026/01/01/[$LATEST]0123", ` +
		`"arn:aws:lambda:us-east-1:123456789012:function:chat", true, {"a": 1}, "Chat", "id", "pool", "blue", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"]`
	if string(p.body) != want || p.header.Get("Lambda-Runtime-Invocation-Id") != "attempt-1" {
		t.Errorf("got  %s\nwant %s", p.body, want)
	}
	r = start(t, "python3.12", "app.bare", map[string]string{"app.py": code})
	if p := r.invoke(`{}`); string(p.body) != `[null, null]` {
		t.Errorf("%s", p.body)
	}
}

func TestPythonLogLines(t *testing.T) {
	t.Parallel()
	const code = `import logging
logger = logging.getLogger('chat')
logger.setLevel(logging.INFO)
logging.basicConfig(format='never used')
def handler(event, context):
  logger.info('hello %s', 'ann')
  logging.warning('root')
  logging.info('below the level')
  print('printed')
  print('no end', end='')`
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": code})
	r.invoke(`{}`)
	r.stdout.waitFor(t, "no end")
	got := strings.Split(r.stdout.String(), "\n")
	stamp := regexp.MustCompile(`\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t`)
	for i := range got {
		got[i] = stamp.ReplaceAllString(got[i], "\t<time>\t")
	}
	const id = "8476a536-e9f4-11e8-9739-000000000001"
	if want := []string{"[INFO]\t<time>\t" + id + "\thello ann", "[WARNING]\t<time>\t" + id + "\troot", "printed", "no end"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestPythonJSONLogLines(t *testing.T) {
	t.Parallel()
	const code = `import logging
def handler(event, context):
  logging.info('hello', extra={'room': 'blue'})
  try: 1 / 0
  except ZeroDivisionError: logging.exception('divided')`
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": code}, "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=INFO")
	r.invoke(`{}`)
	got := r.stdout.lines(t, 2)
	var first, second map[string]any
	if err := json.Unmarshal([]byte(got[0]), &first); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got[1]), &second); err != nil {
		t.Fatal(err)
	}
	if first["level"] != "INFO" || first["message"] != "hello" || first["room"] != "blue" || first["requestId"] != "8476a536-e9f4-11e8-9739-000000000001" || first["logger"] != "root" {
		t.Errorf("%v", first)
	}
	if second["errorType"] != "ZeroDivisionError" || second["errorMessage"] != "division by zero" || second["stackTrace"] == nil {
		t.Errorf("%v", second)
	}
}

func TestPythonSuppliedSDKNeverShadows(t *testing.T) {
	t.Parallel()
	sdk := writeFiles(t, map[string]string{"supplied_sdk.py": "origin = 'supplied'", "app.py": "raise Exception('shadowed')", "json.py": "raise Exception('shadowed')"})
	root := writeFiles(t, map[string]string{"app.py": "import supplied_sdk, json, os\ndef handler(event, context):\n  return [supplied_sdk.origin, json.dumps(1), '_SUIRO_PYTHON_SDK' in os.environ]"})
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	c, err := New(Config{CacheDir: cacheDir}).Command(t.Context(), Function{Name: "chat", Runtime: "python3.12", Handler: "app.handler", Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c.Env["_SUIRO_PYTHON_SDK"] = sdk
	r := startCommand(t, t.Context(), c, root, "app.handler")
	if p := r.invoke(`{}`); string(p.body) != `["supplied", "1", false]` {
		t.Errorf("%s %s", p.kind, p.body)
	}
}

// Names that Suiro stands for lead here whatever makes the connection: by name,
// by the address that a name resolved to, waiting or not.
func TestPythonLeadsAWSNamesHere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("here"))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	code := `
import asyncio, os, socket
async def stream(name):
    reader, writer = await asyncio.open_connection(name, 443)
    return (await reader.read()).decode()
def sock(address):
    s = socket.socket()
    s.settimeout(5)
    s.connect(address)
    return s.recv(9).decode()
def handler(way, context):
    kind, name = way.split()
    try:
        return {
            "create": lambda: socket.create_connection((name, 443), 5).recv(9).decode(),
            "connect": lambda: sock((name, 443)),
            "address": lambda: sock((socket.gethostbyname(name), 443)),
            "info": lambda: sock((socket.getaddrinfo(name, 443)[0][4][0], 443)),
            "asyncio": lambda: asyncio.run(stream(name)),
            "ex": lambda: socket.socket().connect_ex((name, 443)),
            "environment": lambda: os.environ.get(name, ""),
        }[kind]()
    except OSError as error:
        return type(error).__name__
`
	r := start(t, "python3.12", "app.handler", map[string]string{"app.py": code},
		fmt.Sprintf("SUIRO_HOSTS=abc.execute-api.us-east-1.amazonaws.com=%[1]d,*=%[1]d,!=0", port))
	for _, row := range []struct{ event, want string }{
		{"create abc.execute-api.us-east-1.amazonaws.com", `"here"`},
		{"connect ABC.execute-api.us-east-1.amazonaws.com", `"here"`},
		{"address abc.execute-api.us-east-1.amazonaws.com", `"here"`},
		{"info dynamodb.us-east-1.amazonaws.com", `"here"`},
		{"asyncio abc.execute-api.us-east-1.amazonaws.com", `"here"`},
		{fmt.Sprintf("create localhost:%d", port), `"here"`},
		{"create example.com", `"ConnectionRefusedError"`},
		{"connect 192.0.2.1", `"ConnectionRefusedError"`},
		{"ex 192.0.2.1", fmt.Sprint(int(syscall.ECONNREFUSED))},
		{"environment SUIRO_HOSTS", `""`},
	} {
		if p := r.invoke(strconv.Quote(row.event)); string(p.body) != row.want {
			t.Errorf("%s: %s, want %s", row.event, p.body, row.want)
		}
	}
	r.stderr.waitFor(t, "suiro: the app calls example.com, which is not on this machine (aws: local)")
}

// A library that looks at no variable asks certifi which authorities to trust.
func TestPythonCertifiNamesTheBundle(t *testing.T) {
	t.Parallel()
	r := start(t, "python3.12", "app.handler", map[string]string{
		"app.py":              "import certifi\ndef handler(event, context):\n  return [certifi.where(), certifi.contents()]",
		"certifi/__init__.py": "from .core import contents, where",
		"certifi/core.py":     "def where():\n  return 'own'\ndef contents():\n  return 'own'",
		"bundle.pem":          "authorities",
	}, "SUIRO_HOSTS=a.amazonaws.com=1", "SSL_CERT_FILE=bundle.pem")
	if p := r.invoke("{}"); string(p.body) != `["bundle.pem", "authorities"]` {
		t.Errorf("%.200s", p.body)
	}
}

// An answer and the wish for the next event are one write; where the answer is
// refused with the end of the connection, another one asks again.
func TestPythonAsksForTheNextEventWithItsAnswer(t *testing.T) {
	t.Parallel()
	w, _ := startFileOnWire(t, "python3.11", "index.py", "def handler(event, context):\n  return event['n']\n")
	w.expect("next", "")
	w.write(wireEvent(1, `{"n":1}`))
	for n := 1; n < 20; n++ {
		w.expect("response", fmt.Sprint(n))
		w.expect("next", "") // before the answer was answered
		w.write(wireAccepted + wireEvent(n+1, fmt.Sprintf(`{"n":%d}`, n+1)))
	}
	w.expect("response", "20")
	w.write("HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
	w.c.Close()
	w.accept()
	w.expect("next", "")
	w.write(wireEvent(21, `{"n":21}`))
	w.expect("response", "21")
}
