package selection

import (
	"encoding/json"
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
		e, err := Parse(row.expression)
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
		if _, err := Parse(expression); err == nil || err.Error() != want {
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
		e, err := Parse(expression)
		if err != nil {
			return
		}
		key := e.Key(nil, []byte(body))
		if utf8.ValidString(expression) && utf8.ValidString(body) && !utf8.Valid(key) {
			t.Fatalf("%q of %q: %q", expression, body, key)
		}
		action, _ := Parse(`$request.body.action`)
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
