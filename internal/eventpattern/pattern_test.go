package eventpattern_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/suiro-dev/suiro/internal/eventpattern"
)

// The rows follow the tables of "Comparison operators" in the EventBridge User
// Guide and of "Event filtering" in the Lambda Developer Guide.
func TestPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern    string
		match, not []string
	}{
		{`{"a":["x"]}`, []string{`{"a":"x"}`, `{"a":["y","x"]}`, `{"a":"x","b":1}`}, []string{`{"a":"X"}`, `{}`, `{"a":null}`, `{"a":{"x":1}}`, `[]`, `7`}},
		{`{"a":[null]}`, []string{`{"a":null}`}, []string{`{}`, `{"a":""}`}},
		{`{"a":[""]}`, []string{`{"a":""}`}, []string{`{"a":null}`}},
		{`{"a":[100,"b",true]}`, []string{`{"a":100}`, `{"a":1e2}`, `{"a":"b"}`, `{"a":true}`}, []string{`{"a":"100"}`, `{"a":false}`}},
		{`{"a":["x"],"b":{"c":["y"]}}`, []string{`{"a":"x","b":{"c":"y"}}`, `{"a":"x","b":[{"c":"z"},{"c":"y"}]}`}, []string{`{"a":"x"}`, `{"a":"x","b":"y"}`}},
		// Fields below a list must be met by the same element.
		{`{"l":{"a":[1],"b":[2]}}`, []string{`{"l":[{"a":1,"b":2}]}`}, []string{`{"l":[{"a":1,"b":3},{"a":3,"b":2}]}`}},
		{`{"a":[{"prefix":"x"}]}`, []string{`{"a":"xy"}`, `{"a":"x"}`}, []string{`{"a":"yx"}`, `{"a":"Xy"}`, `{"a":1}`}},
		{`{"a":[{"prefix":{"equals-ignore-case":"Ev"}}]}`, []string{`{"a":"eVent"}`}, []string{`{"a":"xev"}`}},
		{`{"a":[{"suffix":".png"}]}`, []string{`{"a":"a.png"}`}, []string{`{"a":"a.PNG"}`, `{"a":"png"}`}},
		{`{"a":[{"suffix":{"equals-ignore-case":".png"}}]}`, []string{`{"a":"a.PNG"}`}, []string{`{"a":"a.gif"}`}},
		{`{"a":[{"equals-ignore-case":"alice"}]}`, []string{`{"a":"AliCe"}`}, []string{`{"a":"alicex"}`}},
		{`{"a":[{"wildcard":"dir/*.png"}]}`, []string{`{"a":"dir/x/y.png"}`, `{"a":"dir/.png"}`}, []string{`{"a":"dir/x.gif"}`, `{"a":"x/dir/a.png"}`}},
		{`{"a":[{"wildcard":"*a*b\\*"}]}`, []string{`{"a":"xxayyb*"}`, `{"a":"ab*"}`}, []string{`{"a":"ab"}`, `{"a":"b*a"}`}},
		{`{"a":[{"wildcard":"ab*ba"}]}`, []string{`{"a":"abba"}`}, []string{`{"a":"aba"}`}},
		{`{"a":[{"anything-but":"x"}]}`, []string{`{"a":"y"}`, `{"a":1}`, `{"a":null}`}, []string{`{"a":"x"}`, `{}`}},
		{`{"a":[{"anything-but":["x",5]}]}`, []string{`{"a":"y"}`}, []string{`{"a":"x"}`, `{"a":5.0}`}},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, []string{`{"a":"yx"}`}, []string{`{"a":"xy"}`}},
		{`{"a":[{"anything-but":{"suffix":["x","y"]}}]}`, []string{`{"a":"yz"}`}, []string{`{"a":"zy"}`}},
		{`{"a":[{"anything-but":{"equals-ignore-case":["x"]}}]}`, []string{`{"a":"z"}`}, []string{`{"a":"X"}`}},
		{`{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, []string{`{"a":"lib"}`}, []string{`{"a":"x/lib/y"}`}},
		{`{"a":[{"numeric":["=",301.8]}]}`, []string{`{"a":301.8}`, `{"a":3.018e2}`}, []string{`{"a":301}`, `{"a":"301.8"}`}},
		{`{"a":[{"numeric":[">",0,"<=",5]}]}`, []string{`{"a":5}`, `{"a":0.1}`}, []string{`{"a":0}`, `{"a":5.1}`}},
		{`{"a":[{"numeric":["<",10]}]}`, []string{`{"a":-3}`}, []string{`{"a":10}`}},
		{`{"a":[{"exists":true}]}`, []string{`{"a":1}`, `{"a":null}`, `{"a":[1]}`}, []string{`{}`, `{"a":{"b":1}}`}},
		{`{"a":[{"exists":false}]}`, []string{`{}`, `{"b":1}`}, []string{`{"a":1}`}},
		{`{"a":{"b":[{"exists":false}]}}`, []string{`{}`, `{"a":{}}`, `{"a":1}`}, []string{`{"a":{"b":1}}`}},
		{`{"a":["x",{"exists":false}]}`, []string{`{}`, `{"a":"x"}`}, []string{`{"a":"y"}`}},
		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, []string{`{"a":"10.0.0.7"}`}, []string{`{"a":"10.0.1.7"}`, `{"a":"x"}`}},
		{`{"$or":[{"a":["x"]},{"b":[{"numeric":[">",1]}]}]}`, []string{`{"a":"x"}`, `{"b":2}`}, []string{`{"a":"y","b":1}`, `{}`}},
		{`{"c":[1],"$or":[{"a":["x"]},{"$or":[{"b":["y"]},{"d":["z"]}]}]}`, []string{`{"c":1,"d":"z"}`}, []string{`{"d":"z"}`, `{"c":1}`}},
		{`{"x":{"$or":[{"a":[1]},{"b":[2]}]}}`, []string{`{"x":{"b":2}}`}, []string{`{"b":2}`}},
		{`{"$or":["y"]}`, []string{`{"$or":"y"}`}, []string{`{}`}},
		{`{}`, []string{`{}`, `{"a":1}`}, nil},
		{`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"level":{"S":["gold"]},"n":{"N":["7"]}}}}`,
			[]string{`{"eventName":"INSERT","dynamodb":{"NewImage":{"level":{"S":"gold"},"n":{"N":"7"}}}}`},
			[]string{`{"eventName":"INSERT","dynamodb":{"NewImage":{"level":{"S":"gold"},"n":{"N":"8"}}}}`, `{"eventName":"INSERT","dynamodb":{}}`}},
	} {
		p, err := eventpattern.Parse([]byte(row.pattern))
		if err != nil {
			t.Errorf("%s: %v", row.pattern, err)
			continue
		}
		for _, event := range row.match {
			if !p.MatchJSON([]byte(event)) {
				t.Errorf("%s does not match %s", row.pattern, event)
			}
		}
		for _, event := range row.not {
			if p.MatchJSON([]byte(event)) {
				t.Errorf("%s matches %s", row.pattern, event)
			}
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, text := range map[string]string{
		`x`:                                     "no JSON",
		`{} {}`:                                 "more behind",
		`[]`:                                    "must be a JSON object",
		`{"a":"x"}`:                             "a: a field must be matched by an object or a list",
		`{"a":{"b":1}}`:                         "a.b: a field must be",
		`{"a":{}}`:                              "a: an empty object",
		`{"a":[]}`:                              "a: an empty list",
		`{"a":[["x"]]}`:                         "a list in a list",
		`{"a":[{}]}`:                            "one operator",
		`{"a":[{"prefix":"x","suffix":"y"}]}`:   "one operator",
		`{"a":[{"prefix":1}]}`:                  "prefix takes a text",
		`{"a":[{"prefix":{"x":"y"}}]}`:          "equals-ignore-case",
		`{"a":[{"like":"x"}]}`:                  `no operator "like"`,
		`{"a":[{"exists":"true"}]}`:             "true or false",
		`{"a":[{"numeric":[]}]}`:                "numeric takes",
		`{"a":[{"numeric":["=","1"]}]}`:         "with numbers",
		`{"a":[{"numeric":["!",1]}]}`:           "numeric knows",
		`{"a":[{"numeric":["<",1,">",0]}]}`:     "begins with its lower",
		`{"a":[{"numeric":[">",5,"<",1]}]}`:     "not below",
		`{"a":[{"numeric":["=",1e999]}]}`:       "out of range",
		`{"a":[{"anything-but":[]}]}`:           "a value or a list",
		`{"a":[{"anything-but":null}]}`:         "texts and numbers",
		`{"a":[{"anything-but":{"like":"x"}}]}`: `no operator "like"`,
		`{"a":[{"cidr":"10.0.0"}]}`:             "a range of addresses",
		`{"a":[{"wildcard":"a**b"}]}`:           "two stars",
		`{"a":[{"wildcard":"a\\b"}]}`:           "must be followed",
		strings.Repeat(`{"a":`, 300) + `["x"]` + strings.Repeat("}", 300): "too deeply",
	} {
		if _, err := eventpattern.Parse([]byte(pattern)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", pattern, err, text)
		}
	}
}

// Every event matches the pattern that spells it out, and no longer once one of
// its leaves must be something else.
func TestEventsMatchTheirOwnPattern(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "$or"})
	leaf := rapid.SampledFrom([]any{"x", "", 1.5, 7.0, true, nil})
	var event func(depth int) *rapid.Generator[map[string]any]
	event = func(depth int) *rapid.Generator[map[string]any] {
		return rapid.Custom(func(t *rapid.T) map[string]any {
			m := map[string]any{}
			for range rapid.IntRange(1, 3).Draw(t, "n") {
				if depth < 3 && rapid.Bool().Draw(t, "deeper") {
					m[name.Draw(t, "name")] = event(depth+1).Draw(t, "below")
				} else {
					m[name.Draw(t, "name")] = leaf.Draw(t, "leaf")
				}
			}
			return m
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		e := event(0).Draw(t, "event")
		text, _ := json.Marshal(e)
		match := func(pattern any) bool {
			p, _ := json.Marshal(pattern)
			compiled, err := eventpattern.Parse(p)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			return compiled.MatchJSON(text)
		}
		if !match(spell(e, nil)) {
			t.Errorf("%s does not match its own pattern", text)
		}
		if match(spell(e, "another")) {
			t.Errorf("%s matches another pattern", text)
		}
	})
}

// spell writes an event as a pattern; instead takes the place of every leaf.
func spell(v any, instead any) any {
	m, ok := v.(map[string]any)
	if !ok {
		if instead != nil {
			return []any{instead}
		}
		return []any{v}
	}
	out := map[string]any{}
	for k, below := range m {
		out[k] = spell(below, instead)
	}
	return out
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{`{"a":["x",{"prefix":"y"}]}`, `{"$or":[{"a":[1]},{"b":[{"numeric":[">",1,"<",3]}]}]}`, `{"a":[{"anything-but":{"wildcard":"*x\\*"}}]}`,
		`{"a":{"b":[{"exists":false}]}}`, `{"a":[{"cidr":"::1/64"}]}`} {
		f.Add([]byte(p), []byte(`{"a":["x",{"b":1}],"b":2}`))
	}
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		if p, err := eventpattern.Parse(pattern); err == nil {
			p.MatchJSON(event)
		}
	})
}
