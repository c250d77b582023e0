package attribute

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestDecodeItemRoundTrips(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"every type", `{"l":{"L":[{"S":"x"},{"N":"1"}]},"s":{"S":"a"},"n":{"N":"1.50"},"b":{"B":"AAE="},"t":{"BOOL":true},"f":{"BOOL":false},"u":{"NULL":true},"m":{"M":{"k":{"S":""}}},"ss":{"SS":["b","a"]},"ns":{"NS":["10","9","-1.0"]},"bs":{"BS":["/w==","AA=="]}}`,
			`{"b":{"B":"AAE="},"bs":{"BS":["AA==","/w=="]},"f":{"BOOL":false},"l":{"L":[{"S":"x"},{"N":"1"}]},"m":{"M":{"k":{"S":""}}},"n":{"N":"1.5"},"ns":{"NS":["-1","9","10"]},"s":{"S":"a"},"ss":{"SS":["a","b"]},"t":{"BOOL":true},"u":{"NULL":true}}`},
		{"empty item", `{}`, `{}`},
		{"empty collections", ` { "l" : { "L" : [ ] } , "m" : { "M" : { } } } `, `{"l":{"L":[]},"m":{"M":{}}}`},
		{"a set may hold the empty string", `{"a":{"SS":[""]}}`, `{"a":{"SS":[""]}}`},
		{"escapes", `{"a":{"S":"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\u0001"}}`, "{\"a\":{\"S\":\"\\\"\\\\/\\b\\f\\n\\r\\tAé😀\\u0001\"}}"},
		{"a lone surrogate", `{"a":{"S":"\ud83dx"}}`, "{\"a\":{\"S\":\"\ufffdx\"}}"},
		{"bytes that are not UTF-8", "{\"a\":{\"S\":\"\xffx\"}}", "{\"a\":{\"S\":\"\ufffdx\"}}"},
		{"the last of equal names", `{"b":{"S":"1"},"a":{"S":"2"},"b":{"S":"3"}}`, `{"a":{"S":"2"},"b":{"S":"3"}}`},
		{"null members are absent", `{"a":{"S":null,"N":"1"}}`, `{"a":{"N":"1"}}`},
		{"unknown members are ignored", `{"a":{"Z":[{"x":1}],"S":"1"}}`, `{"a":{"S":"1"}}`},
		{"booleans as strings", `{"a":{"BOOL":"Yes"},"b":{"BOOL":"0"},"c":{"NULL":"true"}}`, `{"a":{"BOOL":true},"b":{"BOOL":false},"c":{"NULL":true}}`},
	} {
		it, err := DecodeItem([]byte(c.in), New)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := string(it.AppendJSON(nil)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func nested(wraps int) string {
	return `{"d":` + strings.Repeat(`{"M":{"n":`, wraps) + `{"S":"leaf"}` + strings.Repeat(`}}`, wraps) + `}`
}

func TestDecodeItemRefusals(t *testing.T) {
	const invalid = "One or more parameter values were invalid: "
	for _, c := range []struct{ name, in, newText, oldText string }{
		{"no type", `{"a":{}}`, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes", ""},
		{"null for a value", `{"a":null}`, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes", ""},
		{"two types", `{"a":{"S":"x","N":"1"}}`, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes", ""},
		{"a member's error before two types", `{"a":{"S":"x","N":"y"}}`, "The parameter cannot be converted to a numeric value: y", ""},
		{"NULL false", `{"a":{"NULL":false}}`, invalid + "Null attribute value types must have the value of true", ""},
		{"empty SS", `{"a":{"SS":[]}}`, invalid + "An string set  may not be empty", ""},
		{"empty NS", `{"a":{"NS":[]}}`, invalid + "An number set  may not be empty", ""},
		{"empty BS", `{"a":{"BS":[]}}`, invalid + "Binary sets should not be empty", ""},
		{"number in a list in a map", `{"a":{"M":{"b":{"L":[{"N":"x"}]}}}}`, "The parameter cannot be converted to a numeric value: x", ""},
		{"number in a set", `{"a":{"NS":["1","x"]}}`, "The parameter cannot be converted to a numeric value: x", ""},
		{"repeat in SS", `{"a":{"SS":["b","a","b"]}}`, invalid + `Input collection ["a", "b", "b"] contains duplicates.`, invalid + `Input collection [b, a, b] contains duplicates.`},
		{"rest as sent", `{"a":{"SS":["c","b","b","z","a"]}}`, invalid + `Input collection ["b", "c", "b", "z", "a"] contains duplicates.`, invalid + `Input collection [c, b, b, z, a] contains duplicates.`},
		{"repeat in BS", `{"a":{"BS":["/w==","AA==","AA=="]}}`, invalid + `Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.`, invalid + `Input collection [/w==, AA==, AA==]of type BS contains duplicates.`},
		{"repeat in NS", `{"a":{"NS":["2","1","2.0"]}}`, invalid + `Input collection contains duplicates.`, `Input collection contains duplicates`},
		{"nested 32 times", nested(32), ErrNesting.(*Error).Message, ""},
		{"empty name", `{"a":{"N":"x"},"":{"S":"x"}}`, "Empty attribute name", ""},
		{"empty name in a map after other errors", `{"a":{"M":{"":{"S":"x"}}},"b":{"N":"x"}}`, "The parameter cannot be converted to a numeric value: x", ""},
		{"empty name in a map", `{"a":{"M":{"":{"S":"x"}}}}`, "Empty attribute name", ""},
		{"the first of two", `{"b":{"N":"1e126"},"a":{"N":"x"}}`, numberOverflow, ""},
		{"long name", `{"` + strings.Repeat("a", 65536) + `":{"S":""}}`, "Attribute name is too large, must be less than 65536 bytes", ""},
	} {
		if c.oldText == "" {
			c.oldText = c.newText
		}
		for layer, want := range map[Layer]string{New: c.newText, Old: c.oldText} {
			if _, err := DecodeItem([]byte(c.in), layer); refusal(err) != want {
				t.Errorf("%s, layer %d: %v\nwant %s", c.name, layer, err, want)
			}
		}
	}
	if _, err := DecodeItem([]byte(nested(31)), New); err != nil {
		t.Errorf("nested 31 times: %v", err)
	}
}

func TestRefusalNamesTheAttribute(t *testing.T) {
	r := NewReader([]byte(`{":a":{"S":"x"},":b":{"M":{"c":{"N":"x"}}}}`))
	_, invalid := r.Item(Old)
	if r.End() != nil || invalid == nil || invalid.Attribute != ":b" {
		t.Fatalf("%v, %+v", r.Err(), invalid)
	}
}

func TestSerializationErrors(t *testing.T) {
	const value, java = "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue", "Unrecognized collection type class java.lang."
	const start = "Start of structure or map found where not expected"
	for _, c := range []struct{ in, want string }{
		{`{"a":{"S":true}}`, "TRUE_VALUE cannot be converted to String"},
		{`{"a":{"S":false}}`, "FALSE_VALUE cannot be converted to String"},
		{`{"a":{"N":5}}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"a":{"N":-5.5}}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"a":{"S":["x"]}}`, java + "String"},
		{`{"a":{"S":{}}}`, start},
		{`{"a":{"BOOL":1}}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{`{"a":{"BOOL":1.5}}`, "DECIMAL_VALUE cannot be converted to Boolean"},
		{`{"a":{"BOOL":"maybe"}}`, "Unexpected token received from parser"},
		{`{"a":{"BOOL":[]}}`, java + "Boolean"},
		{`{"a":{"NULL":{}}}`, start},
		{`{"a":{"B":1}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"a":{"B":true}}`, "only base-64-encoded strings are convertible to bytes"},
		{`{"a":{"B":"abcde"}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
		{`{"a":{"B":"AAF="}}`, "Invalid last non-pad Base64 character dectected"},
		{`{"a":{"B":[]}}`, "Unrecognized collection type class java.nio.ByteBuffer"},
		{`{"a":{"B":{}}}`, start},
		{`{"a":{"L":"x"}}`, "Unexpected field type"},
		{`{"a":{"SS":{}}}`, start},
		{`{"a":{"M":"x"}}`, "Unexpected field type"},
		{`{"a":{"M":[]}}`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{`{"a":"x"}`, "Unexpected value type in payload"},
		{`{"a":5}`, "Unexpected value type in payload"},
		{`{"a":[]}`, value},
		{`{"a":{"L":[[]]}}`, value},
		{`[]`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{`"x"`, "Unexpected field type"},
		{``, ""}, {`{`, ""}, {`{"a"`, ""}, {`{"a":`, ""}, {`{"a":{"S":"x`, ""}, {`{"a":{"S":"x"}`, ""},
		{`{"a":{"S":"x"}} x`, ""}, {`{"a":{"S":"x"},}`, ""}, {`{"a":{"S":"\x"}}`, ""}, {`{"a":{"S":"\u12g4"}}`, ""},
		{"{\"a\":{\"S\":\"\n\"}}", ""}, {`{"a":{"Z":01}}`, ""}, {`{"a":{"Z":tru}}`, ""}, {`{a:1}`, ""}, {"\x00", ""}, {`{"a":{"S":"x"}}` + "\x00", ""},
		{`{"a":{"N":"x"},"b":{"S":1}}`, "NUMBER_VALUE cannot be converted to String"}, // before what validation finds
	} {
		_, err := DecodeItem([]byte(c.in), New)
		var e *Error
		if !errors.As(err, &e) || e.Code != SerializationException || e.Message != c.want {
			t.Errorf("%s: %v, want %q", c.in, err, c.want)
		}
	}
}

func TestReaderReadsARequest(t *testing.T) {
	r := NewReader([]byte(`{"Skipped":{"a":[1,{"b":[]},"]"]},"TableName":"t","Limit":2.9,"Total":"x","Key":{"p":{"S":"1"}},"Gone":null,"On":true,"Names":{"#a":"b"},"Raw":[ {"x":"}"} , 2 ]}`))
	var table, raw string
	var limit int64
	var key Item
	names := map[string]string{}
	for name := range r.Struct("GetItemInput") {
		switch name {
		case "TableName":
			table = r.Text()
		case "Limit":
			limit = r.Integer("Integer")
		case "Key":
			key, _ = r.Item(New)
		case "Names":
			for n := range r.Map("java.lang.String") {
				names[n] = r.Text()
			}
		case "Raw":
			raw = r.Raw()
		case "Gone":
			t.Error("a null member was yielded")
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if table != "t" || limit != 2 || key.Get("p").Text() != "1" || names["#a"] != "b" || raw != `[ {"x":"}"} , 2 ]` {
		t.Fatalf("%q %d %v %v %q", table, limit, key, names, raw)
	}
}

func TestIntegerErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`"5"`, "STRING_VALUE cannot be converted to Integer"},
		{`true`, "TRUE_VALUE cannot be converted to Integer"},
		{`[]`, "Unrecognized collection type class java.lang.Integer"},
		{`{}`, "Start of structure or map found where not expected"},
	} {
		r := NewReader([]byte(c.in))
		r.Integer("Integer")
		if e, _ := r.Err().(*Error); e == nil || e.Message != c.want {
			t.Errorf("%s: %v, want %s", c.in, r.Err(), c.want)
		}
	}
	for in, want := range map[string]int64{"99999999999": 1<<31 - 1, "-1.5": -2, "7": 7, "1e30": 1<<31 - 1} {
		if got := NewReader([]byte(in)).Integer("Integer"); got != want {
			t.Errorf("%s: %d, want %d", in, got, want)
		}
	}
}

func FuzzDecodeItem(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":{"S":"x"}}`, `{"a":{"L":[{"M":{"b":{"NS":["1","2"]}}}]}}`, `{"a":{"B":"AAE="}}`,
		`{"a":{"S":"\ud83d\ude00"},"b":{"BOOL":false},"a":{"NULL":true}}`, `{"a":{"BS":["AA=="]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		it, err := DecodeItem(data, New)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("took %q, which is not JSON", data)
		}
		text := it.AppendJSON(nil)
		again, err := DecodeItem(text, New)
		if err != nil || !EqualItems(it, again) {
			t.Fatalf("%s came back as %s, %v", text, again.AppendJSON(nil), err)
		}
		stored, err := DecodeBinary(AppendBinary(nil, it))
		if err != nil || !EqualItems(it, stored) {
			t.Fatalf("%s was stored as %s, %v", text, stored.AppendJSON(nil), err)
		}
	})
}
