package expression

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// elements reads attribute values from a JSON list.
func elements(t *testing.T, text string) []attribute.Value {
	t.Helper()
	v, err := attribute.DecodeValue([]byte(`{"L":`+text+`}`), attribute.New)
	if err != nil {
		t.Fatal(text, err)
	}
	return v.Elements()
}

func TestComparisonOperators(t *testing.T) {
	it := item(t, `{"s":{"S":"abc"},"n":{"N":"5"},"b":{"B":"AAEC"},"ss":{"SS":["a","b"]},"l":{"L":[{"S":"x"}]},"u":{"NULL":true}}`)
	for _, c := range []struct {
		name, operator, values string
		want                   bool
	}{
		{"s", "EQ", `[{"S":"abc"}]`, true}, {"ss", "EQ", `[{"SS":["b","a"]}]`, true}, {"gone", "EQ", `[{"S":"abc"}]`, false},
		{"s", "NE", `[{"S":"abc"}]`, false}, {"gone", "NE", `[{"S":"abc"}]`, true}, {"n", "NE", `[{"S":"5"}]`, true},
		{"n", "LT", `[{"N":"6"}]`, true}, {"n", "LE", `[{"N":"5"}]`, true}, {"n", "GT", `[{"N":"5"}]`, false}, {"n", "GE", `[{"N":"5"}]`, true}, {"n", "GE", `[{"S":"5"}]`, false},
		{"n", "BETWEEN", `[{"N":"1"},{"N":"5"}]`, true}, {"gone", "BETWEEN", `[{"N":"1"},{"N":"5"}]`, false},
		{"s", "CONTAINS", `[{"S":"b"}]`, true}, {"ss", "CONTAINS", `[{"S":"b"}]`, true}, {"l", "CONTAINS", `[{"S":"x"}]`, true}, {"b", "CONTAINS", `[{"B":"AQI="}]`, true}, {"ss", "CONTAINS", `[{"N":"1"}]`, false},
		{"s", "NOT_CONTAINS", `[{"S":"x"}]`, true}, {"s", "NOT_CONTAINS", `[{"S":"b"}]`, false}, {"gone", "NOT_CONTAINS", `[{"S":"x"}]`, false},
		{"s", "BEGINS_WITH", `[{"S":"ab"}]`, true}, {"n", "BEGINS_WITH", `[{"S":"5"}]`, false},
		{"n", "IN", `[{"N":"4"},{"N":"5"}]`, true}, {"s", "IN", `[{"N":"4"}]`, false},
		{"gone", "NULL", `[]`, true}, {"u", "NULL", `[]`, false}, {"u", "NOT_NULL", `[]`, true}, {"gone", "NOT_NULL", `[]`, false},
	} {
		cond, err := CompileFilter([]Comparison{{Attribute: c.name, Operator: c.operator, Values: elements(t, c.values)}}, "")
		if err != nil || cond.Eval(it) != c.want {
			t.Errorf("%s %s %s is not %v: %v", c.name, c.operator, c.values, c.want, err)
		}
	}
}

func TestConditionalOperator(t *testing.T) {
	it := item(t, `{"a":{"N":"1"},"b":{"N":"2"}}`)
	eq := func(name, n string) Comparison {
		return Comparison{Attribute: name, Operator: "EQ", Values: elements(t, `[{"N":"`+n+`"}]`)}
	}
	for _, c := range []struct {
		a, b, operator string
		want           bool
	}{
		{"1", "2", "", true}, {"1", "3", "", false}, {"1", "3", "AND", false}, {"1", "3", "OR", true}, {"0", "3", "OR", false},
	} {
		cond, err := CompileFilter([]Comparison{eq("a", c.a), eq("b", c.b)}, c.operator)
		if err != nil || cond.Eval(it) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := CompileFilter([]Comparison{eq("a", "1")}, "AND"); message(err) != "ConditionalOperator can only be used when Filter or Expected has two or more elements" {
		t.Error(err)
	}
	if _, err := CompileExpected(nil, "OR"); message(err) != "ConditionalOperator cannot be used without Filter or Expected" {
		t.Error(err)
	}
	cond, _ := CompileFilter([]Comparison{eq("a", "1")}, "")
	if err := (&Compiled{Filter: cond}).CheckFilterKeys([]string{"a"}); message(err) != "QueryFilter can only contain non-primary key attributes: Primary key attribute: a" {
		t.Error(err)
	}
}

func TestComparisonRefusals(t *testing.T) {
	const invalid = "One or more parameter values were invalid: "
	for _, c := range []struct{ operator, values, want string }{
		{"EQ", `[]`, invalid + "Invalid number of argument(s) for the EQ ComparisonOperator"},
		{"NULL", `[{"S":"a"}]`, invalid + "Invalid number of argument(s) for the NULL ComparisonOperator"},
		{"IN", `[]`, invalid + "Invalid number of argument(s) for the IN ComparisonOperator"},
		{"BETWEEN", `[{"N":"1"}]`, invalid + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{"IN", `[{"N":"1"},{"S":"a"}]`, invalid + "AttributeValues inside AttributeValueList must be of same type"},
		{"BEGINS_WITH", `[{"N":"1"}]`, invalid + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
		{"LT", `[{"SS":["a"]}]`, invalid + "ComparisonOperator LT is not valid for SS AttributeValue type"},
		{"CONTAINS", `[{"L":[]}]`, invalid + "ComparisonOperator CONTAINS is not valid for L AttributeValue type"},
		{"BETWEEN", `[{"N":"2"},{"N":"1"}]`, "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
	} {
		entry := Comparison{Attribute: "a", Operator: c.operator, Values: elements(t, c.values)}
		for name, compile := range map[string]func() error{
			"filter":   func() error { _, err := CompileFilter([]Comparison{entry}, ""); return err },
			"expected": func() error { _, err := CompileExpected([]Comparison{entry}, ""); return err },
			"key":      func() error { _, err := CompileKeyConditions([]Comparison{entry}); return err },
		} {
			if err := compile(); message(err) != c.want {
				t.Errorf("%s %s %s:\n got %v\nwant %s", name, c.operator, c.values, err, c.want)
			}
		}
	}
}

func TestExpected(t *testing.T) {
	const invalid = "One or more parameter values were invalid: "
	yes, no := true, false
	one := attribute.Int(1)
	it := item(t, `{"a":{"N":"1"}}`)
	for _, c := range []struct {
		name  string
		entry Comparison
		want  string
	}{
		{"a value", Comparison{Value: one}, "true"},
		{"another value", Comparison{Value: attribute.Int(2)}, "false"},
		{"a value that exists", Comparison{Value: one, Exists: &yes}, "true"},
		{"nothing", Comparison{Exists: &no}, "false"},
		{"an operator with a value", Comparison{Operator: "GE", Value: one}, "true"},
		{"an operator with a list", Comparison{Operator: "LT", Values: []attribute.Value{one}}, "false"},
		{"an operator with neither", Comparison{Operator: "NOT_NULL"}, "true"},
		{"value and list", Comparison{Value: one, Values: []attribute.Value{one}}, invalid + "Value and AttributeValueList cannot be used together for Attribute: a"},
		{"exists and operator", Comparison{Exists: &yes, Operator: "EQ", Value: one}, invalid + "Exists and ComparisonOperator cannot be used together for Attribute: a"},
		{"operator without values", Comparison{Operator: "EQ"}, invalid + "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"},
		{"list without operator", Comparison{Values: []attribute.Value{one}}, invalid + "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
		{"exists without value", Comparison{Exists: &yes}, invalid + "Value must be provided when Exists is true for Attribute: a"},
		{"nothing at all", Comparison{}, invalid + "Value must be provided when Exists is null for Attribute: a"},
		{"absence with a value", Comparison{Exists: &no, Value: one}, invalid + "Value cannot be used when Exists is false for Attribute: a"},
	} {
		c.entry.Attribute = "a"
		cond, err := CompileExpected([]Comparison{c.entry}, "")
		got := message(err)
		if err == nil {
			got = map[bool]string{true: "true", false: "false"}[cond.Eval(it)]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLegacyKeyConditions(t *testing.T) {
	hash := Comparison{Attribute: "pk", Operator: "EQ", Values: elements(t, `[{"S":"a"}]`)}
	entry := func(name, operator, values string) Comparison {
		return Comparison{Attribute: name, Operator: operator, Values: elements(t, values)}
	}
	for _, c := range []struct {
		name       string
		conditions []Comparison
		want       string
	}{
		{"partition", []Comparison{hash}, "{S:a}"},
		{"equal sort key", []Comparison{entry("sk", "EQ", `[{"N":"1"}]`), hash}, "{S:a}{N:1}"},
		{"range", []Comparison{hash, entry("sk", "BETWEEN", `[{"N":"1"},{"N":"2"}]`)}, "{S:a} 5 {N:1}{N:2}"},
		{"lower", []Comparison{hash, entry("sk", "LT", `[{"N":"1"}]`)}, "{S:a} 1 {N:1}"},
		{"not indexable", []Comparison{hash, entry("sk", "NE", `[{"N":"1"}]`)}, "Attempted conditional constraint is not an indexable operation"},
		{"not indexable without operand", []Comparison{entry("pk", "NOT_NULL", `[]`)}, "Attempted conditional constraint is not an indexable operation"},
		{"hash by order", []Comparison{entry("pk", "GT", `[{"S":"a"}]`)}, "Query key condition not supported"},
		{"another type", []Comparison{entry("pk", "EQ", `[{"N":"1"}]`)}, "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"no hash", []Comparison{entry("sk", "EQ", `[{"N":"1"}]`)}, "Query condition missed key schema element: pk"},
		{"not a key", []Comparison{hash, entry("x", "EQ", `[{"N":"1"}]`)}, "Query condition missed key schema element: sk"},
		{"too many", []Comparison{hash, hash, hash}, "Conditions can be of length 1 or 2 only"},
		{"none", nil, "Conditions can be of length 1 or 2 only"},
	} {
		k, err := CompileKeyConditions(c.conditions)
		var r KeyRange
		if err == nil {
			r, err = k.For(schema("pk:S | sk:N"))
		}
		got := message(err)
		if err == nil {
			got = r.show()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAttributeUpdates(t *testing.T) {
	const invalid = "One or more parameter values were invalid: "
	for _, c := range []struct{ name, action, value, old, want string }{
		{"PUT", "PUT", `{"S":"new"}`, `{"a":{"N":"1"},"b":{"S":"b"}}`, `{"a":{"S":"new"},"b":{"S":"b"}}`},
		{"no action is PUT", "", `{"S":"new"}`, `{}`, `{"a":{"S":"new"}}`},
		{"ADD a number", "ADD", `{"N":"5"}`, `{"a":{"N":"10"}}`, `{"a":{"N":"15"}}`},
		{"ADD to nothing", "ADD", `{"N":"5"}`, `{}`, `{"a":{"N":"5"}}`},
		{"ADD to a set", "ADD", `{"SS":["c"]}`, `{"a":{"SS":["a"]}}`, `{"a":{"SS":["a","c"]}}`},
		{"ADD to a list", "ADD", `{"L":[{"S":"y"}]}`, `{"a":{"L":[{"S":"x"}]}}`, `{"a":{"L":[{"S":"x"},{"S":"y"}]}}`},
		{"ADD a list to nothing", "ADD", `{"L":[{"S":"y"}]}`, `{}`, `{"a":{"L":[{"S":"y"}]}}`},
		{"ADD to another type", "ADD", `{"N":"5"}`, `{"a":{"S":"x"}}`, "Type mismatch for attribute to update"},
		{"DELETE", "DELETE", ``, `{"a":{"S":"x"},"b":{"S":"b"}}`, `{"b":{"S":"b"}}`},
		{"DELETE members", "DELETE", `{"SS":["a"]}`, `{"a":{"SS":["a","b"]}}`, `{"a":{"SS":["b"]}}`},
		{"DELETE all members", "DELETE", `{"SS":["a"]}`, `{"a":{"SS":["a"]}}`, `{}`},
		{"DELETE from nothing", "DELETE", `{"SS":["a"]}`, `{}`, `{}`},
		{"DELETE from another type", "DELETE", `{"SS":["a"]}`, `{"a":{"NS":["1"]}}`, "Type mismatch for attribute to update"},
		{"PUT without a value", "PUT", ``, `{}`, invalid + "Only DELETE action is allowed when no attribute value is specified"},
		{"DELETE of a type without members", "DELETE", `{"S":"a"}`, `{}`, invalid + "DELETE action with value is not supported for the type S"},
		{"ADD of a type without sums", "ADD", `{"BOOL":true}`, `{}`, invalid + "ADD action is not supported for the type BOOL"},
	} {
		entry := AttributeUpdate{Attribute: "a", Action: c.action}
		if c.value != "" {
			entry.Value = elements(t, "["+c.value+"]")[0]
		}
		u, err := CompileAttributeUpdates([]AttributeUpdate{entry})
		var got attribute.Item
		if err == nil {
			got, err = u.Apply(item(t, c.old), nil)
		}
		shown := message(err)
		if err == nil {
			shown = string(got.AppendJSON(nil))
		}
		if shown != c.want {
			t.Errorf("%s: %s, want %s", c.name, shown, c.want)
		}
	}
	u, _ := CompileAttributeUpdates([]AttributeUpdate{{Attribute: "a", Action: "DELETE"}})
	if u.Creates() {
		t.Error("DELETE makes an item")
	}
	if err := (&Compiled{Update: u}).CheckKeys([]string{"a"}, nil); message(err) != "One or more parameter values were invalid: Cannot update attribute a. This attribute is part of the key" {
		t.Error(err)
	}
	if got := u.UpdatedOld(item(t, `{"a":{"S":"x"},"b":{"S":"y"}}`)); string(got.AppendJSON(nil)) != `{"a":{"S":"x"}}` {
		t.Errorf("UPDATED_OLD: %s", got.AppendJSON(nil))
	}
}

func TestAttributesToGet(t *testing.T) {
	p, err := CompileAttributesToGet([]string{"b", "a.b", "gone"})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Apply(item(t, `{"a":{"M":{"b":{"S":"x"}}},"a.b":{"S":"y"},"b":{"S":"z"}}`)); string(got.AppendJSON(nil)) != `{"a.b":{"S":"y"},"b":{"S":"z"}}` {
		t.Errorf("%s", got.AppendJSON(nil))
	}
	if _, err := CompileAttributesToGet([]string{"a", "b", "a"}); message(err) != "One or more parameter values were invalid: Duplicate value in attribute name: a" {
		t.Error(err)
	}
}
