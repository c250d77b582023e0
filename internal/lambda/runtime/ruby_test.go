package runtime

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

func TestRubyHandlersAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, handler, file, code, want string }{
		{"method", "app.handler", "app.rb", "def handler(event:, context:)\n  { got: event['x'] }\nend", `{"got":1}`},
		{"class method", "app.Chat::Api.on_message", "app.rb", "module Chat; class Api; def self.on_message(event:, context:) = context.function_name; end; end", `"chat"`},
		{"folder", "src/api/app.handler", "src/api/app.rb", "def handler(event:, context:) = 'nested'", `"nested"`},
		{"nothing is null", "app.handler", "app.rb", "def handler(event:, context:); end", `null`},
		{"characters stay", "app.handler", "app.rb", "def handler(event:, context:) = 'é'", `"é"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "ruby3.2", row.handler, map[string]string{row.file: row.code})
			for range 2 {
				if p := r.invoke(`{"x":1}`); p.kind != "response" || string(p.body) != row.want {
					t.Errorf("%s %s", p.kind, p.body)
				}
			}
		})
	}
}

func TestRubyIOIsSentAsItIs(t *testing.T) {
	t.Parallel()
	r := start(t, "ruby3.2", "app.handler", map[string]string{"app.rb": "def handler(event:, context:) = StringIO.new('raw')"})
	if p := r.invoke(`{}`); string(p.body) != "raw" || p.header.Get("Content-Type") != "application/unknown" {
		t.Errorf("%q %v", p.body, p.header)
	}
}

func TestRubyErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, handler, code string
		post, kind, message string
		exit                int // -1: lives on
	}{
		{"missing file", "nothere.handler", "", "init", "Init<LoadError>", "cannot load such file -- nothere", 252},
		{"missing gem", "app.handler", "require 'left-pad'", "init", "Init<LoadError>", "cannot load such file -- left-pad", 252},
		{"bad handler", "app", "", "init", "Init<ArgumentError>", "Invalid handler", 252},
		{"syntax", "app.handler", "def handler(", "init", "Init<SyntaxError>", "app.rb:1: syntax error", 252},
		{"raises", "app.handler", "def handler(event:, context:) = raise('no')", "error", "Function<RuntimeError>", "no", -1},
		{"own class", "app.handler", "class ChatError < StandardError; end\ndef handler(event:, context:) = raise(ChatError, 'x')", "error", "Function<ChatError>", "x", -1},
		{"missing method", "app.handlr", "def handler(event:, context:); end", "error", "Function<NoMethodError>", "undefined method `handlr'", 255},
		{"no standard error", "app.handler", "def handler(event:, context:) = raise(Exception, 'x')", "error", "Function<Exception>", "x", 255},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "ruby3.2", row.handler, map[string]string{"app.rb": row.code})
			var p post
			if row.post == "init" {
				p = r.wait()
			} else {
				p = r.invoke(`{}`)
			}
			f := p.failure(t)
			if p.kind != row.post || f.ErrorType != row.kind || !strings.Contains(f.ErrorMessage, row.message) || f.StackTrace == nil {
				t.Errorf("%s %s", p.kind, p.body)
			}
			if row.exit >= 0 {
				if code := r.exit(); code != row.exit {
					t.Errorf("exit status %d", code)
				}
				return
			}
			if len(f.StackTrace) != 1 || !strings.Contains(f.StackTrace[0], "/app.rb:") {
				t.Errorf("trace %q", f.StackTrace)
			}
			if p := r.invoke(`{}`); p.kind != "error" {
				t.Errorf("the second time: %s", p.body)
			}
		})
	}
}

func TestRubyContext(t *testing.T) {
	t.Parallel()
	const code = `def handler(event:, context:)
  c = context
  [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.log_group_name, c.invoked_function_arn,
   c.get_remaining_time_in_millis.between?(1000, 3000), c.client_context['custom'], c.identity['cognitoIdentityId'], ENV['_X_AMZN_TRACE_ID']]
end`
	r := start(t, "ruby3.2", "app.handler", map[string]string{"app.rb": code})
	p := r.invoke(`{}`, "Lambda-Runtime-Client-Context", `{"custom":1}`, "Lambda-Runtime-Cognito-Identity", `{"cognitoIdentityId":"id"}`, "Lambda-Runtime-Invocation-Id", "attempt-1")
	var got []any
	if err := json.Unmarshal(p.body, &got); err != nil || len(got) != 10 || got[6] != true || got[7] != 1.0 || got[8] != "id" || got[1] != "chat" {
		t.Errorf("%s %v", p.body, err)
	}
	if p.header.Get("Lambda-Runtime-Invocation-Id") != "attempt-1" {
		t.Error("the attempt is not echoed")
	}
}

// Gems of the SDK that the system has are used as they are, and none are fetched.
func TestRubyGemsOfTheSystemAreTheSuppliedOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an interpreter")
	}
	ruby, err := exec.LookPath("ruby")
	if err != nil || exec.Command(ruby, "-e", "gem 'aws-sdk-core'").Run() != nil {
		t.Skip("ruby or its gem aws-sdk-core is not installed (run: make tools)")
	}
	root := writeFiles(t, map[string]string{"app.rb": "require 'aws-sdk-core'\ndef handler(event:, context:)\n  Aws::STS::Client.name\nend\n"})
	f := Function{Name: "chat", Runtime: "ruby3.3", Handler: "app.handler", Root: root}
	c, err := New(Config{CacheDir: t.TempDir()}).Command(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range c.Notes {
		if strings.Contains(note, "aws-sdk") {
			t.Error(note)
		}
	}
	if path, set := c.Env["GEM_PATH"]; set {
		t.Errorf("GEM_PATH is %q, which hides the system's gems", path)
	}
	r := startCommand(t, t.Context(), c, root, f.Handler)
	if p := r.invoke(`{}`); string(p.body) != `"Aws::STS::Client"` {
		t.Errorf("%s", p.body)
	}
}
