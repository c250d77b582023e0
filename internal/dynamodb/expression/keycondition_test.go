package expression

import (
	"fmt"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// schema makes a key of "name:kind" attributes, HASH before the bar.
func schema(text string) KeySchema {
	var s KeySchema
	hash, ranged, _ := strings.Cut(text, "|")
	read := func(list string) (keys []KeyAttribute) {
		for _, f := range strings.Fields(list) {
			name, kind, _ := strings.Cut(f, ":")
			k, _ := attribute.ParseKind(kind)
			keys = append(keys, KeyAttribute{name, k})
		}
		return keys
	}
	s.Hash, s.Range = read(hash), read(ranged)
	return s
}

// show prints a range for comparison.
func (r KeyRange) show() string {
	var b strings.Builder
	for _, v := range append(append([]attribute.Value{}, r.Hash...), r.Equal...) {
		b.WriteString(showScalar(v))
	}
	if r.Operator != Everything {
		fmt.Fprintf(&b, " %d %s", r.Operator, showScalar(r.Low))
	}
	if r.High.Exists() {
		b.WriteString(showScalar(r.High))
	}
	return b.String()
}

func TestKeyConditions(t *testing.T) {
	const multi = "a:S b:S | c:S d:N e:S"
	for _, c := range []struct{ text, schema, want string }{
		{"pk = :s", "pk:S", "{S:a}"},
		{"pk = :s", "pk:S | sk:N", "{S:a}"},
		{"sk = :n and pk = :s", "pk:S | sk:N", "{S:a}{N:1}"},
		{"(pk = :s) AND (sk > :n)", "pk:S | sk:N", "{S:a} 3 {N:1}"},
		{"pk = :s AND :n >= sk", "pk:S | sk:N", "{S:a} 2 {N:1}"},
		{"pk = :s AND :n > sk", "pk:S | sk:N", "{S:a} 1 {N:1}"},
		{":s = pk AND sk <= :n", "pk:S | sk:N", "{S:a} 2 {N:1}"},
		{"pk = :s AND sk >= :n", "pk:S | sk:N", "{S:a} 4 {N:1}"},
		{"pk = :s AND sk BETWEEN :n AND :n5", "pk:S | sk:N", "{S:a} 5 {N:1}{N:5}"},
		{"pk = :s AND begins_with(sk, :b)", "pk:S | sk:B", "{S:a} 6 {B:YQ==}"},
		{"#a = :s", "a:S | sk:B", "{S:a}"},
		{"e = :s AND a = :s AND d = :n AND b = :s2 AND c = :s", multi, "{S:a}{S:b}{S:a}{N:1}{S:a}"},
		{"a = :s AND b = :s2 AND c = :s AND d > :n", multi, "{S:a}{S:b}{S:a} 3 {N:1}"},
		{"a = :s AND b = :s2", multi, "{S:a}{S:b}"},
	} {
		compiled, err := (*Compiler)(nil).Compile(request(t, KeyConditionExpression, c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		r, err := compiled.KeyCondition.For(schema(c.schema))
		if err != nil || r.show() != c.want {
			t.Errorf("%s: %s, %v; want %s", c.text, r.show(), err, c.want)
		}
	}
}

func TestKeyConditionRefusals(t *testing.T) {
	const operator = "Invalid operator used in KeyConditionExpression: "
	const condition = "Invalid condition in KeyConditionExpression: "
	const operand = "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: "
	const kind = "One or more parameter values were invalid: Condition parameter type does not match schema type"
	const empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
	const one, two = "pk:S", "pk:S | sk:N"
	for _, c := range []struct{ text, schema, want string }{
		// without a table
		{"pk = :s OR sk = :n", "", operator + "OR"},
		{"NOT pk = :s", "", operator + "NOT"},
		{"pk IN (:s)", "", operator + "IN"},
		{"pk <> :s", "", operator + "<>"},
		{"attribute_exists(pk)", "", operator + "attribute_exists"},
		{"pk = :s AND contains(sk, :s2)", "", operator + "contains"},
		{"attribute_type(sk, :gone)", "", "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :gone"},
		{"size(pk) = :n", "", "KeyConditionExpressions cannot contain nested operations"},
		{"pk.x = :s", "", "KeyConditionExpressions cannot have conditions on nested attributes"},
		{"pk = sk", "", condition + "Multiple attribute names used in one condition"},
		{"pk BETWEEN sk AND :s", "", condition + "Multiple attribute names used in one condition"},
		{":s = :s2", "", condition + "No key attribute specified"},
		{":n BETWEEN pk AND sk", "", condition + "BETWEEN operator must have the key attribute as its first operand"},
		{"begins_with(:s, pk)", "", condition + "begins_with operator must have the key attribute as its first operand"},
		{"pk = :s AND sk > :n AND sk < :n5", "", "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"},
		{"pk = :s AND ((sk > :n))", "", "Invalid KeyConditionExpression: The expression has redundant parentheses;"},
		{"pk = :s AND begins_with(sk, :n)", "", operand + "begins_with, operand type: N"},
		{"pk = :s AND sk < :t", "", operand + "<, operand type: BOOL"},
		{"pk = :s AND :t >= sk", "", operand + ">=, operand type: BOOL"},
		{"pk = :s AND sk BETWEEN :t AND :u", "", operand + "BETWEEN, operand type: BOOL"},
		// with one
		{"pk = :s AND sk > :n AND a = :n5", two, "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"},
		{"pk = :s AND a = :n5", one, "The number of query conditions (2) exceeds the number of key attributes defined in the schema (1)"},
		{"sk = :n", two, "Query condition missed key schema element: pk"},
		{"a = :n", two, "Query condition missed key schema element: pk"},
		{"pk = :s AND a = :n", two, "Query condition missed key schema element: sk"},
		{"pk > :s", two, "Query key condition not supported"},
		{"begins_with(pk, :s)", two, "Query key condition not supported"},
		{"pk = :n", two, kind},
		{"pk = :s AND sk = :t", two, kind},
		{"pk = :s AND begins_with(sk, :s2)", two, kind},
		{"a = :s AND c = :s", "a:S | b:S c:S", "RANGE key attributes b must have equality conditions specified in the query because a condition is present on key attribute c"},
		{"a = :s AND b > :s AND c = :s", "a:S | b:S c:S", "RANGE key attributes b must have equality conditions specified in the query because a condition is present on key attribute c"},
		{"pk = :empty", two, empty + "string value. Key: pk"},
		{"pk = :s AND sk = :none", "pk:S | sk:B", empty + "binary value. Key: sk"},
	} {
		r := request(t, KeyConditionExpression, c.text)
		for _, v := range item(t, `{":empty":{"S":""},":none":{"B":""}}`) {
			if strings.Contains(c.text, v.Name) {
				r.Values = attribute.NewItem(append(r.Values, v)...)
			}
		}
		compiled, err := (*Compiler)(nil).Compile(r)
		if err == nil && c.schema != "" {
			_, err = compiled.KeyCondition.For(schema(c.schema))
		}
		if message(err) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, message(err), c.want)
		}
	}
}

func TestOldKeyConditionTexts(t *testing.T) {
	for text, want := range map[string]string{
		"pk = :s AND pk = :s2":           "KeyConditionExpressions must only contain one condition per key",
		"pk = :s AND sk = :n AND a = :n": "Conditions can be of length 1 or 2 only",
	} {
		r := request(t, KeyConditionExpression, text)
		r.Layer = attribute.Old
		if _, err := (*Compiler)(nil).Compile(r); message(err) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
