package variable

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// A configuration and the sources a table row may use.
const config = `
service: chat
n: 3
yes: true
list: [a, b]
obj: {k: v, deep: {x: 1}}
stages: {dev: {size: 1}, prod: {size: 2}}
which: prod
lazy: ${self:obj}
chain: ${self:lazy.deep.x}
loopA: ${self:loopB}
loopB: ${self:loopA}
inside: {part: "${self:inside}"}
bad: "${self:}x"
`

func testSources() map[string]Func {
	env := map[string]string{"STAGE": "prod", "EMPTY": "", "NESTED": "${self:service}", "ESC": `\${self:service}`}
	return map[string]Func{
		"env": func(_ context.Context, c Call) (*document.Node, error) {
			if v, ok := env[c.Address]; ok {
				return document.Str(v, c.Pos), nil
			}
			return nil, &Absent{Text: "the environment has no " + c.Address, Hint: "set it"}
		},
		"opt": func(context.Context, Call) (*document.Node, error) { return nil, nil },
		"echo": func(_ context.Context, c Call) (*document.Node, error) {
			return document.Str(strings.Join(c.Params, "|")+"@"+c.Address, c.Pos), nil
		},
		"fail": func(context.Context, Call) (*document.Node, error) { return nil, errors.New("broken source") },
	}
}

// What a value is written as, and what it becomes (as JSON), or the error.
var valueCases = []struct{ name, in, want string }{
	{"plain text", `abc`, `"abc"`},
	{"a whole value keeps its type: number", `${self:n}`, `3`},
	{"a whole value keeps its type: boolean", `${self:yes}`, `true`},
	{"a whole value keeps its type: object", `${self:obj}`, `{"k":"v","deep":{"x":1}}`},
	{"a whole value keeps its type: list", `${self:list}`, `["a","b"]`},
	{"inside text a number is text", `v${self:n}!`, `"v3!"`},
	{"list items by number", `${self:list.1}`, `"b"`},
	{"two in a row", `${self:service}-${env:STAGE}`, `"chat-prod"`},
	{"nested in the address", `${self:stages.${self:which}.size}`, `2`},
	{"nested in nested", `${self:stages.${self:${echo(w):hich}, self:which}.size}`, `2`},
	{"through a value that is itself a variable", `${self:lazy.k}`, `"v"`},
	{"chained", `${self:chain}`, `1`},
	{"fallback to text", `${opt:stage, 'dev'}`, `"dev"`},
	{"fallback to double quoted text", `${opt:stage, "d\"v"}`, `"d\"v"`},
	{"fallback to a number", `${opt:n, 12}`, `12`},
	{"fallback to a boolean", `${opt:n, false}`, `false`},
	{"fallback to null", `${opt:n, null}`, `null`},
	{"fallback to another source", `${opt:stage, env:NOPE, env:STAGE}`, `"prod"`},
	{"fallback is not needed", `${env:STAGE, 'dev'}`, `"prod"`},
	{"an empty value is a value", `${env:EMPTY, 'dev'}`, `""`},
	{"fallback with a variable in the address", `${opt:x, self:${env:WHAT, 'n'}}`, `3`},
	{"spaces", `${opt:x ,  self:n }`, `3`},
	{"parameters", `${echo(a, 'b, c', ${self:n}):d}`, `"a|b, c|3@d"`},
	{"parameters without address", `${echo(a)}`, `"a@"`},
	{"an empty first parameter", `${echo(, b)}`, `"|b@"`},
	{"a quoted address may hold braces", `${echo:'{}'}`, `"@{}"`},
	{"several colons", `${echo:a:b:c}`, `"@a:b:c"`},
	{"values with variables are resolved", `${env:NESTED}`, `"chat"`},
	{"values with escapes are not", `${env:ESC}`, `"${self:service}"`},
	{"escaped", `\${self:service}`, `"${self:service}"`},
	{"escaped backslash", `\\${self:service}`, `"\\chat"`},
	{"three backslashes", `\\\${self:n}`, `"\\${self:n}"`},
	{"escaped, then used", `\${self:n} ${self:n}`, `"${self:n} 3"`},
	{"other backslashes stay", `C:\dir`, `"C:\\dir"`},
	{"pseudo parameters are CloudFormation's", `arn:${AWS::Partition}:x`, `"arn:${AWS::Partition}:x"`},
	{"logical ids are CloudFormation's", `${Table} ${Table.Arn} ${table}`, `"${Table} ${Table.Arn} ${table}"`},
	{"mixed with CloudFormation", `${AWS::Region}-${self:n}`, `"${AWS::Region}-3"`},
	{"inside CloudFormation's braces", `${Table${self:n}}`, `"${Table3}"`},
	{"literals of Fn::Sub", `${!Literal}`, `"${!Literal}"`},
	{"empty braces", `${}`, `"${}"`},
	{"a lone dollar", `a$b$`, `"a$b$"`},
	{"lower-case pseudo parameter", `${aws::region}`, `"${aws::region}"`},

	{"no value", `${opt:stage}`, "error: ${opt:stage} has no value"},
	{"no value says why", `${env:NOPE}`, "error: ${env:NOPE} has no value: the environment has no NOPE (set it)"},
	{"missing property", `${self:obj.none.x}`, "error: ${self:obj.none.x} has no value"},
	{"an object inside text", `a${self:obj}`, "error: ${self:obj} is an object, which cannot stand inside text"},
	{"a list inside text", `a${self:list}`, "error: ${self:list} is a list"},
	{"unknown source", `${what:x}`, `error: there is no variable source "what"`},
	{"a source that fails", `${fail:x, 'y'}`, "error: ${fail:x}: broken source"},
	{"circular", `${self:loopA}`, "depends on itself"},
	{"contains itself", `${self:inside}`, "contains itself"},
	{"unclosed", `${self:a`, "no closing brace"},
	{"unclosed string", `${self:a, 'b}`, "no closing quote"},
	{"unclosed parenthesis", `${file(a}`, "parenthesis is not closed"},
	{"text fallback without quotes", `${opt:x, dev}`, `error: "dev" is neither a source (it has no colon) nor a literal; text needs quotes`},
	{"a fallback after a literal", `${opt:x, 'a', 'b'}`, "nothing can follow the literal 'a'"},
	{"an id inside a variable", `${self:${Table}}`, "has to name its source"},
	{"missing fallback", `${opt:x, }`, "a source or a literal is missing"},
}

// Version 1 of the framework had service: {name: …}, and both forms.
func TestServiceAsAnObject(t *testing.T) {
	root, msgs := document.Parse("serverless.yml", []byte("service: {name: chat}\na: ${self:service}-${self:service.name}\n"))
	if len(msgs) > 0 {
		t.Fatal(msgs)
	}
	r := New(root, nil)
	if got := r.Resolve(context.Background()).Get("a").TextOr(""); got != "chat-chat" {
		t.Errorf("%q %v", got, r.Messages)
	}
}

func TestValues(t *testing.T) {
	for _, c := range valueCases {
		t.Run(c.name, func(t *testing.T) {
			root, msgs := document.Parse("s.yml", []byte(config))
			if msgs.HasErrors() {
				t.Fatal(msgs)
			}
			root.Set("value", document.Str(c.in, diag.Position{File: "s.yml", Line: 99, Column: 8}))
			r := New(root, testSources())
			got := r.Property(context.Background(), "value").JSON()
			if r.Messages.HasErrors() {
				got = "error: " + r.Messages[0].String()
			}
			if strings.HasPrefix(c.want, `"`) || !strings.Contains(got, "error:") {
				if got != c.want {
					t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
				}
				return
			}
			if !strings.Contains(got, strings.TrimPrefix(c.want, "error: ")) {
				t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestMessagesNameThePropertyAndThePlace(t *testing.T) {
	root, _ := document.Parse("s.yml", []byte("custom:\n  a:\n    - x: ok\n    - x: ${env:NOPE}\n"))
	r := New(root, testSources())
	r.Resolve(context.Background())
	if len(r.Messages) != 1 {
		t.Fatal(r.Messages)
	}
	m := r.Messages[0]
	if m.Key != "custom.a.1.x" || m.Position.Line != 4 || m.Position.File != "s.yml" {
		t.Errorf("%+v", m)
	}
}

func TestPropertiesMayReferToPartsOfThePropertyTheyStandIn(t *testing.T) {
	root, _ := document.Parse("s.yml", []byte("custom:\n  a: 1\n  b: ${self:custom.a}\n  c: ${self:custom.b}\nall: ${self:custom}\n"))
	r := New(root, nil)
	got := r.Resolve(context.Background()).JSON()
	if r.Messages.HasErrors() || got != `{"custom":{"a":1,"b":1,"c":1},"all":{"a":1,"b":1,"c":1}}` {
		t.Error(got, r.Messages)
	}
}

func TestWholeConfigurationInsideItselfIsRefused(t *testing.T) {
	root, _ := document.Parse("s.yml", []byte("a: ${self:}\n"))
	r := New(root, nil)
	r.Resolve(context.Background())
	if !strings.Contains(r.Messages.Error(), "contains itself") {
		t.Error(r.Messages)
	}
}

func TestPositionsOfSelfReferencesAreThoseOfTheValue(t *testing.T) {
	root, _ := document.Parse("s.yml", []byte("a: ${self:b}\nb:\n  c: 1\n"))
	r := New(root, nil)
	n := r.Resolve(context.Background())
	if p := n.Get("a").Get("c").Pos; p.Line != 3 {
		t.Errorf("position %v", p)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range valueCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		text, err := Parse(in)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Offset < 0 || se.Offset > len(in) {
				t.Fatalf("%v", err)
			}
			return
		}
		if Plain(in) && (len(text) > 1 || len(text) == 1 && text[0].Literal != in) {
			t.Fatalf("text without variables changed: %q %v", in, text)
		}
		root := document.Object(diag.Position{}).Set("v", document.Str(in, diag.Position{})).Set("n", document.Int(1, diag.Position{}))
		r := New(root, testSources())
		if r.Resolve(context.Background()) == nil {
			t.Fatal("no tree")
		}
	})
}

func TestAFailureIsSaidOnce(t *testing.T) {
	root, _ := document.Parse("s.yml", []byte("a: ${env:NOPE}\nb: ${self:a}\nc: x-${self:b}\nd: {e: '${self:a}'}\n"))
	r := New(root, testSources())
	r.Resolve(context.Background())
	if len(r.Messages) != 1 || r.Messages[0].Key != "a" || r.Messages[0].Position.Line != 1 {
		t.Error(r.Messages)
	}
}
