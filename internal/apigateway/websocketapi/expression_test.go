package websocketapi

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSelectionExpressions(t *testing.T) {
	const chat = `{"service":"chat","action":"join","data":{"room":"r1","list":["a","b"],"n":5,"a key":"k"},"n":5,"f":1.50,"t":true,"z":null,"e":"\u00e9\n","o":{"a":1,"b":"x"},"d":"first","d":"last"}`
	rows := []struct{ expression, body, key string }{
		{`$request.body.action`, chat, "join"},
		{`${request.body.action}`, chat, "join"},
		{`${request.body.service}/${request.body.action}`, chat, "chat/join"},
		{`$request.body.service/$request.body.action`, chat, "chat/join"},
		{`${request.body.action}-${request.body.nope}`, chat, "join-"},
		{`$request.body.data.room`, chat, "r1"},
		{`$request.body.data['a key']`, chat, "k"},
		{`${request.body["data"]["room"]}`, chat, "r1"},
		{`$request.body.data.list[1]`, chat, "b"},
		{`$request.body.data.list[2]`, chat, ""},
		{`$request.body.data.list`, chat, "[a, b]"},
		{`$request.body.o`, chat, "{a=1, b=x}"},
		{`$request.body.data.list[*]`, chat, "[a, b]"},
		{`x${request.body..room}/$request.body.nope[*]`, chat, "x[r1]/"},
		{`${request.body.data[?(@.x)]}`, chat, ""},
		{`$request.body.n`, chat, "5"},
		{`$request.body.f`, chat, "1.50"},
		{`$request.body.t`, chat, "true"},
		{`$request.body.z`, chat, ""},
		{`$request.body.e`, chat, "é\n"},
		{`$request.body.d`, chat, "last"},
		{`$request.body.action.deeper`, chat, ""},
		{`$request.body.Action`, chat, ""},
		{`action`, chat, "action"},
		{`\$default`, chat, "$default"},
		{`cost \$${request.body.n}`, chat, "cost $5"},
		{`$request.body.action`, `hello`, ""},
		{`$request.body.action`, ``, ""},
		{`$request.body.action`, `{"action":"x"`, ""},
		{`$request.body.action`, `{"action":"x"} `, "x"},
		{`$request.body.action`, ` { "action" : "x" } `, "x"},
		{`$request.body.action`, `["action"]`, ""},
		{`$request.body.action`, `"action"`, ""},
		{`$request.body.action`, `{"\u0061ction":"x"}`, "x"},
		{`$request.body.action`, `{"a":{"action":"inner"},"action":"}{\"][" }`, `}{"][`},
		{`$request.body[0]`, `["x"]`, "x"},
		{`$request.body`, `"whole"`, "whole"},
	}
	for _, row := range rows {
		e, err := ParseExpression(row.expression)
		if err != nil {
			t.Errorf("%s: %v", row.expression, err)
			continue
		}
		if got := string(e.Key(nil, []byte(row.body))); got != row.key {
			t.Errorf("%s of %s: %q, want %q", row.expression, row.body, got, row.key)
		}
	}
}

func TestExpressionsThatCannotBeRead(t *testing.T) {
	for expression, want := range map[string]string{
		``:                           "the expression is empty",
		`$`:                          `at character 1: a message has only $request.body, not $`,
		`$request.header.x`:          `at character 1: a message has only $request.body, not $request.header.x`,
		`a/$context.routeKey`:        `at character 3: a message has only $request.body, not $context.routeKey`,
		`$request.bodyaction`:        `at character 1: a message has only $request.body, not $request.bodyaction`,
		`${request.body.action`:      `at character 1: "${" without "}"`,
		`$request.body.`:             `at character 1: "." is no JSON path: a name must follow the dot`,
		`$request.body.a[`:           `at character 16: "[" without "]"`,
		`$request.body.a[x]`:         `at character 1: [x] is not supported in a JSON path: use a name in quotes or a position`,
		`${request.body.action x.y}`: `at character 1: " x.y" is no JSON path`,
	} {
		if _, err := ParseExpression(expression); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

// FuzzExpression: any expression over any body is survived; a plain member is
// what encoding/json finds.
func FuzzExpression(f *testing.F) {
	f.Add(`$request.body.action`, `{"action":"join"}`)
	f.Add(`${request.body.a}/\$x`, `{"a":["b",{"c":null}]}`)
	f.Add(`$request.body['a b'][0]`, `{"a b":[1e5]}`)
	f.Fuzz(func(t *testing.T, expression, body string) {
		e, err := ParseExpression(expression)
		if err != nil {
			return
		}
		key := e.Key(nil, []byte(body))
		if utf8.ValidString(expression) && utf8.ValidString(body) && !utf8.Valid(key) {
			t.Fatalf("%q of %q: %q", expression, body, key)
		}
		action, _ := ParseExpression(`$request.body.action`)
		var m map[string]any
		if json.Unmarshal([]byte(body), &m) == nil && utf8.ValidString(body) {
			if want, ok := m["action"].(string); ok {
				if got := string(action.Key(nil, []byte(body))); got != want {
					t.Fatalf("%q: %q, want %q", body, got, want)
				}
			}
		}
	})
}

// FuzzIDs: ids are taken only in their two forms.
func FuzzIDs(f *testing.F) {
	f.Add("JC1dgf9yoAMCK-g=")
	f.Add("gbgA_S5PGQAYKEilZA==")
	f.Add("XXX")
	f.Fuzz(func(t *testing.T, id string) {
		b, err := base64.URLEncoding.DecodeString(id)
		if decodable := err == nil && (len(b) == 11 || len(b) == 13) && !strings.ContainsAny(id, "\r\n"); decodable && !wellFormed(id) {
			t.Fatalf("%q is refused", id)
		}
	})
}

func TestIDs(t *testing.T) {
	var g ids
	g.seed()
	seen := map[string]bool{}
	for range 10000 {
		c := g.connection()
		m, r := g.message(c), g.request()
		if !wellFormed(c) || !wellFormed(m) || !wellFormed(r) || !strings.ContainsAny(c, "-_") || m[headChars:] != c[headChars:] {
			t.Fatalf("%s %s %s", c, m, r)
		}
		for _, id := range []string{c, m, r} {
			if seen[id] {
				t.Fatalf("%s twice", id)
			}
			seen[id] = true
		}
	}
}

// FuzzAppendText: what is written as JSON is read back as the same text.
func FuzzAppendText(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f\"\\\n\r\t\b\f/<>&\u2028é😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendText(nil, s), &back); err != nil || back != toValid(s) {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
		if utf8.ValidString(s) && string(appendTextBytes(nil, []byte(s))) != string(appendText(nil, s)) {
			t.Fatalf("%q: the two encoders differ", s)
		}
	})
}

func toValid(s string) string { return string([]rune(s)) }

// FuzzToText: what is pushed is always text, and text is left alone.
func FuzzToText(f *testing.F) {
	f.Add([]byte("ok"))
	f.Add([]byte("\xe2\x82\xf0\x9f\x98"))
	f.Fuzz(func(t *testing.T, p []byte) {
		out := toText(p)
		if !utf8.Valid(out) || utf8.Valid(p) && string(out) != string(p) {
			t.Fatalf("%q became %q", p, out)
		}
		if n := strings.Count(string(out), "\uFFFD"); n > len(p) {
			t.Fatalf("%d replacements for %d bytes", n, len(p))
		}
	})
}

// FuzzProxyResult: any answer of a function is survived.
func FuzzProxyResult(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":1},"body":"x"}`))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		if r, fail := readProxyResult(answer); fail == nil {
			_, _ = r.status()
			_, _ = r.content()
			_ = r.header("sec-websocket-protocol")
		}
		_, _, _ = readPrincipal(answer)
	})
}
