package jsonschema

import (
	"strings"
	"testing"
)

func TestDraft4(t *testing.T) {
	for _, row := range []struct{ schema, valid, invalid, message string }{
		{`{"type":"string"}`, `"x"`, `1`, `/: is integer, should be string`},
		{`{"type":["string","null"]}`, `null`, `true`, `/: is boolean, should be string or null`},
		{`{"type":"integer"}`, `5`, `5.0`, `/: is number, should be integer`},
		{`{"type":"number"}`, `5`, `"5"`, `/: is string, should be number`},
		{`{"enum":[1,"a",{"b":[null]}]}`, `{"b":[null]}`, `{"b":[]}`, `/: is none of the values allowed`},
		{`{"enum":[1.0]}`, `1`, `2`, `/: is none of the values allowed`},
		{`{"minimum":3}`, `3`, `2.9`, `/: is 2.9, the minimum is 3`},
		{`{"minimum":3,"exclusiveMinimum":true}`, `3.1`, `3`, `/: is 3, the minimum is 3`},
		{`{"maximum":3}`, `-1e400`, `1e400`, `/: is 1e400, the maximum is 3`},
		{`{"maximum":3,"exclusiveMaximum":true}`, `2`, `3`, `/: is 3, the maximum is 3`},
		{`{"multipleOf":0.1}`, `0.3`, `0.35`, `/: is 0.35, should be a multiple of 0.1`},
		{`{"minLength":2}`, `"éé"`, `"é"`, `/: has 1 characters, at least 2 are needed`},
		{`{"maxLength":2}`, `"😀😀"`, `"abc"`, `/: has 3 characters, at most 2 are allowed`},
		{`{"pattern":"^a+$"}`, `"aa"`, `"ab"`, `/: does not match the pattern ^a+$`},
		{`{"pattern":"b"}`, `"abc"`, `"a"`, `/: does not match the pattern b`},
		{`{"items":{"type":"integer"}}`, `[1,2]`, `[1,"x"]`, `/1: is string, should be integer`},
		{`{"items":[{"type":"integer"}],"additionalItems":false}`, `[1]`, `[1,2]`, `/1: is one item too many`},
		{`{"items":[{}],"additionalItems":{"type":"null"}}`, `[1,null]`, `[1,2]`, `/1: is integer, should be null`},
		{`{"minItems":1}`, `[1]`, `[]`, `/: has 0 items, at least 1 are needed`},
		{`{"maxItems":1}`, `[1]`, `[1,2]`, `/: has 2 items, at most 1 are allowed`},
		{`{"uniqueItems":true}`, `[1,"1",[1]]`, `[{"a":1},{"a":1.0}]`, `/1: is there twice`},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":"x","b":1}`, `{"a":1}`, `/a: is integer, should be string`},
		{`{"required":["a","b"]}`, `{"a":1,"b":null}`, `{"b":1}`, `/: lacks the required property "a"`},
		{`{"required":["a"]}`, `[]`, `{}`, `/: lacks the required property "a"`},
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1}`, `{"a/b":1}`, `/a~1b: is not among the properties allowed`},
		{`{"additionalProperties":{"type":"null"}}`, `{"a":null}`, `{"a":1}`, `/a: is integer, should be null`},
		{`{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}`, `{"x-a":"1"}`, `{"x-a":1}`, `/x-a: is integer, should be string`},
		{`{"minProperties":1}`, `{"a":1}`, `{}`, `/: has 0 properties, at least 1 are needed`},
		{`{"maxProperties":1}`, `{"a":1}`, `{"a":1,"b":2}`, `/: has 2 properties, at most 1 are allowed`},
		{`{"dependencies":{"a":["b"]}}`, `{"b":1}`, `{"a":1}`, `/: has "a" but lacks "b"`},
		{`{"dependencies":{"a":{"required":["c"]}}}`, `{"a":1,"c":2}`, `{"a":1}`, `/: lacks the required property "c"`},
		{`{"allOf":[{"type":"integer"},{"minimum":1}]}`, `1`, `0`, `/: is 0, the minimum is 1`},
		{`{"anyOf":[{"type":"integer"},{"type":"null"}]}`, `null`, `"x"`, `/: matches none of the schemas in anyOf`},
		{`{"oneOf":[{"type":"integer"},{"minimum":2}]}`, `1`, `3`, `/: matches 2 of the schemas in oneOf, should match one`},
		{`{"not":{"type":"null"}}`, `1`, `null`, `/: matches the schema in not`},
		{`{"definitions":{"n":{"type":"integer"}},"items":{"$ref":"#/definitions/n"}}`, `[1]`, `["x"]`, `/0: is string, should be integer`},
		{`{"properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}}`, `{"next":{"next":{"v":1}}}`, `{"next":{"v":"x"}}`, `/next/v: is string, should be integer`},
		{`{"definitions":{"a/b":{"type":"null"}},"$ref":"#/definitions/a~1b"}`, `null`, `1`, `/: is integer, should be null`},
	} {
		s, err := Parse([]byte(row.schema))
		if err != nil {
			t.Errorf("%s: %v", row.schema, err)
			continue
		}
		if got := s.Validate([]byte(row.valid)); got != nil {
			t.Errorf("%s refuses %s: %v", row.schema, row.valid, got)
		}
		if got := s.Validate([]byte(row.invalid)); len(got) != 1 || got[0] != row.message {
			t.Errorf("%s of %s: %v, want %s", row.schema, row.invalid, got, row.message)
		}
		if s.Validate([]byte("{")) == nil {
			t.Errorf("%s takes what is no JSON", row.schema)
		}
	}
}

func TestSchemasThatCannotBeRead(t *testing.T) {
	for schema, want := range map[string]string{
		`[]`:                                    `#: a schema is an object`,
		`{"type":"text"}`:                       `#/type: "text" is no type`,
		`{"type":1}`:                            `#/type: a type is a name or a list of names`,
		`{"required":true}`:                     `#/required: draft 4 has a list of names here, beside properties`,
		`{"properties":{"a":{"minLength":-1}}}`: `#/properties/a/minLength: it is a whole number from zero on`,
		`{"exclusiveMinimum":5}`:                `#/exclusiveMinimum: draft 4 has true or false here`,
		`{"pattern":"(?=a)"}`:                   "#/pattern: \"(?=a)\" cannot be run: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
		`{"$ref":"#/definitions/x"}`:            `#: $ref "#/definitions/x" leads nowhere`,
		`{"$ref":"https://x.example/y"}`:        `#: $ref "https://x.example/y": only references within the schema are followed`,
		`{"$ref":"#"}`:                          `a $ref leads back to itself`,
		`{"anyOf":[]}`:                          `#/anyOf: it is a list of schemas`,
	} {
		if _, err := Parse([]byte(schema)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", schema, err, want)
		}
	}
}

func TestSchemasThatReferToThemselvesEnd(t *testing.T) {
	for _, schema := range []string{`{"allOf":[{"$ref":"#"}]}`, `{"anyOf":[{"$ref":"#"},{"$ref":"#"},{"not":{"$ref":"#"}}]}`} {
		s, err := Parse([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Validate([]byte(`1`)); len(got) == 0 {
			t.Errorf("%s is satisfied", schema)
		}
	}
}

// FuzzSchema: any schema and any document are survived.
func FuzzSchema(f *testing.F) {
	for _, s := range []string{
		`{"type":"object","properties":{"a":{"type":["integer","null"],"minimum":1}},"required":["a"],"additionalProperties":false}`,
		`{"definitions":{"n":{"items":{"$ref":"#/definitions/n"}}},"allOf":[{"$ref":"#/definitions/n"}],"not":{"enum":[[1]]}}`,
		`{"patternProperties":{"^x":{}},"dependencies":{"a":["b"],"c":{}},"oneOf":[{"multipleOf":2},{"pattern":"a"}],"uniqueItems":true}`,
	} {
		f.Add(s, `{"a":1,"x":[[],[1.5,"a"]],"c":null}`)
	}
	f.Fuzz(func(t *testing.T, schema, doc string) {
		s, err := Parse([]byte(schema))
		if err != nil {
			return
		}
		for _, m := range s.Validate([]byte(doc)) {
			if !strings.HasPrefix(m, "/") && !strings.HasPrefix(m, "the ") {
				t.Fatalf("%q has no place", m)
			}
		}
	})
}
