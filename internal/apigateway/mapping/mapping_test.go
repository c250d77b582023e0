package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/vtl"
)

func message(body string) *Input {
	context := map[string]string{
		"connectionId": "gbgA_S5PGQAYKEilZA==", "requestTimeEpoch": "1700000000123", "connectedAt": "1700000000000", "routeKey": "send",
		"identity.sourceIp": "127.0.0.1", "authorizer.principalId": "ann", "authorizer.n": "1",
	}
	return &Input{
		Body:           []byte(body),
		Query:          []Field{{"room", "r1"}, {"both", "query"}},
		Header:         []Field{{"Host", "localhost"}, {"X-Room", "r2"}, {"both", "header"}},
		StageVariables: []Field{{"table", "Things"}},
		Context: func(name string) (string, bool) {
			v, ok := context[name]
			return v, ok
		},
	}
}

func TestVariables(t *testing.T) {
	const body = `{"name":"Ann","age":41,"big":12345678901234567890,"f":1.5,"none":null,"tags":["a","b"],"o":{"k":"v/'"},"items":[{"n":1},{"n":2}]}`
	for _, row := range []struct{ template, body, want string }{
		{`$input.body`, `{"a": 1}`, `{"a": 1}`},
		{`$input.body`, ``, ``},
		{`$input.json('$')`, ` { "a" : [ 1 , "é<" ] } `, `{"a":[1,"é<"]}`},
		{`$input.json('$.name') $input.json('$.tags') $input.json("$.o")`, body, `"Ann" ["a","b"] {"k":"v/'"}`},
		{`$input.json('$.nope')`, body, `""`},
		{`$input.json('$.none') $input.json('$.big')`, body, `null 12345678901234567890`},
		{`$input.json('$.items[*].n')`, body, `[1,2]`},
		{`$input.json('$')`, ``, `{}`},
		{`$input.path('$.name') $input.path('$.age') $input.path('$.tags') $input.path('$.o')`, body, `Ann 41 [a, b] {k=v/'}`},
		{`#set($root = $input.path('$'))$root.name.length()$root.tags[1]$root.items[0].n`, body, `3b1`},
		{`#foreach($i in $input.path('$.items'))$i.n#if($foreach.hasNext),#end#end`, body, `1,2`},
		{`[$input.path('$.nope')]#if($input.path('$.nope'))x#end#if($input.path('$.nope') == "")y#end$input.path('$.nope').isEmpty()`, body, `[]ytrue`},
		{`#set($age = $input.path('$.age') + 1)$age`, body, `42`},
		{`$input.params('room') $input.params('both') $input.params('x-room') [$input.params('nope')]`, ``, `r1 query r2 []`},
		{`$input.params('header', 'both') $input.params('querystring', 'both')`, ``, `header query`},
		{`$input.params().get('header')`, ``, `{Host=localhost, X-Room=r2, both=header}`},
		{`$input.params().querystring.room #foreach($p in $input.params().keySet())$p;#end`, ``, `r1 path;querystring;header;`},
		{`$context.connectionId $context.identity.sourceIp $context.authorizer.principalId`, ``, `gbgA_S5PGQAYKEilZA== 127.0.0.1 ann`},
		{`"$context.nope" "$context.identity.caller" "$context.authorizer.claims.sub"`, ``, `"" "" ""`},
		{`#set($ttl = $context.requestTimeEpoch / 1000 + 86400)$ttl`, ``, `1700086400`},
		{`$stageVariables.table [$stageVariables.nope] $stageVariables.get("table") #foreach($k in $stageVariables.keySet())$k#end`, ``, `Things [] Things table`},
		{`$util.escapeJavaScript($input.body)`, `{"a":"it's/é😀` + "\t" + `"}`, `{\"a\":\"it\'s\/\u00E9\uD83D\uDE00\t\"}`},
		{`$util.escapeJavaScript($input.body).replaceAll("\\'","'")`, `it's`, `it's`},
		{`#set($o = $util.parseJson('{"a":{"b":[1,2]}}'))$o.a.b[1] $o.a`, ``, `2 {b=[1, 2]}`},
		{`$util.parseJson($input.json('$.o')).k`, body, `v/'`},
		{`$util.urlEncode("a b&c=~*é") $util.urlDecode("a+b%26c")`, ``, `a+b%26c%3D%7E*%C3%A9 a b&c`},
		{`$util.base64Encode("hé") $util.base64Decode("aMOp") $util.base64Decode("aMOp==")`, ``, `aMOp hé hé`},
		{`$util.escapeJavaScript($input.path('$.nope'))$util.base64Encode(5)`, body, `NQ==`},
		{`$util.nope("x")`, ``, `$util.nope("x")`},
	} {
		parsed, err := Parse(row.template)
		if err != nil {
			t.Errorf("%s: %v", row.template, err)
			continue
		}
		if got, err := parsed.Render(message(row.body)); err != nil || got != row.want {
			t.Errorf("%s\ngot  %s (%v)\nwant %s", row.template, got, err, row.want)
		}
	}
}

func TestFailures(t *testing.T) {
	for template, want := range map[string]string{
		`$input.json('$.a')`:              "the body is no JSON",
		`#if($input.path('$'))x#end`:      "the body is no JSON",
		"\n$input.params(1)$input.json()": "line 2, column 23: json: it takes one text",
		`$util.parseJson("{")`:            "line 1, column 6: parseJson: reading JSON: EOF",
		`$util.base64Decode("!")`:         `line 1, column 6: base64Decode: "!" is no base64`,
		`$input.body $input.json('$..')`:  "line 1, column 19: json: \"..\" is no JSON path",
	} {
		parsed, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		body := "hello"
		if strings.Contains(template, "..") {
			body = "{}"
		}
		if _, err := parsed.Render(message(body)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", template, err, want)
		}
	}
	if _, err := Parse("#if("); !errors.As(err, new(*vtl.Error)) {
		t.Errorf("a broken template gives %v", err)
	}
}

// FuzzMapping: any template over any body is survived.
func FuzzMapping(f *testing.F) {
	f.Add(`$input.json('$.a')$util.escapeJavaScript($input.body)$input.params().get('header')`, `{"a":[1]}`)
	f.Add(`#foreach($k in $input.path('$').keySet())$k$util.base64Encode($k)$context.identity.sourceIp#end`, `{"a":{"b":null}}`)
	f.Add(`$stageVariables.x$util.urlDecode("%zz")$input.path("$..a[?(@.b)]").size()`, ``)
	f.Fuzz(func(t *testing.T, template, body string) {
		parsed, err := Parse(template)
		if err == nil {
			_, err = parsed.Render(message(body))
		}
		if err != nil && !errors.As(err, new(*vtl.Error)) && !errors.As(err, new(*BodyError)) {
			t.Fatal(err)
		}
	})
}
