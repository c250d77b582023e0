package expression

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

func TestConditions(t *testing.T) {
	it := item(t, `{"s":{"S":"abc"},"n":{"N":"5"},"b":{"B":"AAEC"},"t":{"BOOL":true},"u":{"NULL":true},"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]},`+
		`"l":{"L":[{"S":"x"},{"N":"1"},{"L":[{"S":"deep"}]}]},"m":{"M":{"k":{"S":"v"},"x.y":{"N":"2"},"l":{"L":[{"N":"7"}]}}},"e":{"S":""},"é":{"S":"héé"}}`)
	vals := item(t, `{":abc":{"S":"abc"},":ab":{"S":"ab"},":b":{"S":"b"},":x":{"S":"x"},":5":{"N":"5.0"},":4":{"N":"4"},":6":{"N":"6"},":1":{"N":"1"},":2":{"N":"2"},":3":{"N":"3"},":7":{"N":"7"},":9":{"N":"9"},`+
		`":bin":{"B":"AAEC"},":part":{"B":"AQI="},":head":{"B":"AAE="},":true":{"BOOL":true},":null":{"NULL":true},":set":{"SS":["b","a"]},":list":{"L":[{"S":"deep"}]},`+
		`":S":{"S":"S"},":NULL":{"S":"NULL"},":L":{"S":"L"},":empty":{"S":""},":v":{"S":"v"},":0":{"N":"0"},":map":{"M":{"k":{"S":"v"},"x.y":{"N":"2"},"l":{"L":[{"N":"7"}]}}}}`)
	for _, c := range []struct {
		text string
		want bool
	}{
		// equality is deep and by value; different types differ
		{"s = :abc", true}, {"s = :ab", false}, {"n = :5", true}, {"n = :abc", false}, {"n <> :abc", true},
		{"b = :bin", true}, {"t = :true", true}, {"u = :null", true}, {"ss = :set", true}, {"l[2] = :list", true}, {"m = :map", true}, {"m <> :map", false},
		// a missing operand: = is false, <> true, also when both are missing
		{"gone = :abc", false}, {"gone <> :abc", true}, {":abc <> gone", true}, {"gone = gone2", false}, {"gone <> gone2", true}, {"gone < :5", false},
		// order
		{"n < :6", true}, {"n <= :5", true}, {"n > :5", false}, {"n >= :5", true}, {"s > :ab", true}, {"b >= :head", true},
		{"n > :ab", false}, {"t >= :5", false}, {"ss < :5", false}, {":6 > n", true},
		{"n BETWEEN :4 AND :6", true}, {"n BETWEEN :6 AND :9", false}, {"s BETWEEN :ab AND :b", true}, {"s BETWEEN :4 AND :6", false},
		{"gone BETWEEN :4 AND :6", false}, {":5 BETWEEN n AND n", true}, {"n BETWEEN gone AND :6", false},
		{"n IN (:4, :5)", true}, {"n IN (:4, :abc)", false}, {"gone IN (gone2)", false}, {"s IN (m.k, :abc)", true}, {"ss IN (:set)", true},
		// connectives
		{"n = :5 AND s = :abc", true}, {"n = :4 OR s = :abc AND t = :true", true}, {"n = :5 OR s = :ab AND t = :abc", true}, {"(n = :5 OR s = :ab) AND t = :abc", false},
		{"NOT n = :4 AND s = :abc", true}, {"NOT (n = :5 OR s = :ab)", false}, {"NOT NOT n = :5", true}, {"n BETWEEN :4 AND :6 AND s = :abc", true},
		// paths
		{"m.k = :v", true}, {"m.#xy = :2", true}, {"m.l[0] = :7", true}, {"l[1] = :1", true}, {"l[9] = :1", false}, {"s.k = :v", false}, {"s[0] = :v", false}, {"l.k = :v", false}, {"#xy = :2", false},
		// functions
		{"attribute_exists(u)", true}, {"attribute_exists(gone)", false}, {"attribute_not_exists(m.gone)", true}, {"attribute_exists(m.l[0])", true},
		{"attribute_type(s, :S)", true}, {"attribute_type(u, :NULL)", true}, {"attribute_type(gone, :S)", false}, {"attribute_type(:list, :L)", true}, {"attribute_type(n, :S)", false},
		{"begins_with(s, :ab)", true}, {"begins_with(s, :b)", false}, {"begins_with(b, :head)", true}, {"begins_with(b, :part)", false}, {"begins_with(n, :ab)", false}, {"begins_with(gone, :ab)", false}, {"begins_with(s, :empty)", true},
		{"contains(s, :b)", true}, {"contains(s, :x)", false}, {"contains(b, :part)", true}, {"contains(ss, :b)", true}, {"contains(ss, :x)", false}, {"contains(ns, :2)", true}, {"contains(ns, :b)", false},
		{"contains(l, :x)", true}, {"contains(l, :list)", true}, {"contains(l, :b)", false}, {"contains(m, :v)", false}, {"contains(gone, :v)", false}, {"contains(:abc, s)", true},
		{"size(s) = :3", true}, {"size(b) = :3", true}, {"size(ss) = :2", true}, {"size(l) = :3", true}, {"size(m) = :3", true}, {"size(e) = :0", true}, {"size(#e) = :3", true}, {"size(:abc) = :3", true},
		{"size(n) = :1", false}, {"size(n) <> :1", true}, {"size(t) < :5", false}, {"size(u) <> :1", true}, {"size(gone) <> :1", true}, {"NOT size(gone) = :1", true},
		{"size(s) BETWEEN :2 AND :4", true}, {"size(s) IN (:2, :3)", true},
	} {
		r := Request{Condition: &c.text, Names: map[string]string{}}
		used := map[string]bool{}
		for _, tok := range lex(c.text) {
			used[c.text[tok.start:tok.end]] = true
		}
		for _, v := range vals {
			if used[v.Name] {
				r.Values = append(r.Values, v)
			}
		}
		for name, to := range map[string]string{"#xy": "x.y", "#e": "é"} {
			if used[name] {
				r.Names[name] = to
			}
		}
		if len(r.Names) == 0 {
			r.Names = nil
		}
		compiled, err := (*Compiler)(nil).Compile(r)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := compiled.Condition.Eval(it); got != c.want {
			t.Errorf("%s is %v", c.text, got)
		}
	}
}

func TestNothingIsAMissingItem(t *testing.T) {
	for text, want := range map[string]bool{"attribute_not_exists(a)": true, "a = :n": false, "a <> :n": true} {
		compiled, err := (*Compiler)(nil).Compile(request(t, ConditionExpression, text))
		if err != nil || compiled.Condition.Eval(nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if !(*Condition)(nil).Eval(nil) {
		t.Error("no condition does not hold")
	}
}

func TestProjections(t *testing.T) {
	it := item(t, `{"a":{"M":{"b":{"S":"1"},"c":{"M":{"d":{"S":"2"},"e":{"S":"3"}}}}},"l":{"L":[{"S":"x"},{"M":{"k":{"S":"y"}}},{"S":"z"}]},"s":{"S":"s"}}`)
	for _, c := range []struct{ text, want string }{
		{"s", `{"s":{"S":"s"}}`},
		{"s, a.b", `{"a":{"M":{"b":{"S":"1"}}},"s":{"S":"s"}}`},
		{"a.c.e, a.b", `{"a":{"M":{"b":{"S":"1"},"c":{"M":{"e":{"S":"3"}}}}}}`},
		{"l[2], l[0]", `{"l":{"L":[{"S":"x"},{"S":"z"}]}}`},
		{"l[1].k, l[7]", `{"l":{"L":[{"M":{"k":{"S":"y"}}}]}}`},
		{"gone, a.gone, a.c.gone, l[9], s.x", `{}`},
	} {
		compiled, err := (*Compiler)(nil).Compile(request(t, ProjectionExpression, c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := compiled.Projection.Apply(it)
		if got == nil || string(got.AppendJSON(nil)) != c.want {
			t.Errorf("%s: %s, want %s", c.text, got.AppendJSON(nil), c.want)
		}
	}
	if (*Projection)(nil).Apply(it) == nil {
		t.Error("no projection hides the item")
	}
}

func TestKeysAreScalarsAndNotUpdated(t *testing.T) {
	const below = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, c := range []struct {
		parameter  Parameter
		text, want string
	}{
		{UpdateExpression, "SET a = pk", ""},
		{UpdateExpression, "SET pk = :n", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},
		{UpdateExpression, "REMOVE pk.x", "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},
		{UpdateExpression, "SET gk.x = :n", below + "IndexKey: gk"},
		{UpdateExpression, "SET a = sk[0]", below + "Key: sk"},
		{ConditionExpression, "gk[0] = :n", below + "IndexKey: gk"},
		{FilterExpression, "pk.x = :n", below + "Key: pk"},
		{ProjectionExpression, "pk, sk.x", below + "Key: sk"},
		{ProjectionExpression, "pk, x.sk", ""},
	} {
		compiled, err := (*Compiler)(nil).Compile(request(t, c.parameter, c.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.CheckKeys([]string{"pk", "sk"}, []string{"gk"}); message(err) != c.want {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
	compiled, _ := (*Compiler)(nil).Compile(request(t, FilterExpression, "a = :n AND size(sk) > :n"))
	if err := compiled.CheckFilterKeys([]string{"pk", "sk"}); message(err) != "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk" {
		t.Error(err)
	}
	if err := compiled.CheckFilterKeys([]string{"pk"}); err != nil {
		t.Error(err)
	}
}

func TestPlaceholders(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name string
		r    Request
		want string
	}{
		{"names without an expression", Request{Names: names}, "ExpressionAttributeNames can only be specified when using expressions"},
		{"values without an expression", Request{Values: item(t, values)}, "ExpressionAttributeValues can only be specified when using expressions"},
		{"values with a projection only", Request{Projection: text("a"), Values: item(t, values)}, "ExpressionAttributeValues can only be specified when using expressions"},
		{"old validation says what is null", Request{Values: item(t, values), Layer: attribute.Old, Offered: []Parameter{FilterExpression}}, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null"},
		{"old validation lists", Request{Values: item(t, values), Layer: attribute.Old, Offered: []Parameter{FilterExpression, KeyConditionExpression}}, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression and KeyConditionExpression are null"},
		{"no names", Request{Projection: text("a"), Names: map[string]string{}}, "ExpressionAttributeNames must not be empty"},
		{"no values", Request{Filter: text("attribute_exists(a)"), Values: attribute.Item{}}, "ExpressionAttributeValues must not be empty"},
		{"bad name", Request{Projection: text("(("), Names: map[string]string{"a": "b", "#ok": "c"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		{"empty name", Request{Projection: text("a"), Names: map[string]string{"#": "b"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{"name with a dash", Request{Projection: text("a"), Names: map[string]string{"#hi-there": "b"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#hi-there"`},
		{"bad value", Request{Filter: text("(("), Values: item(t, `{"x":{"S":""}}`)}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "x"`},
		{"unused names come before unused values", Request{Filter: text("a = :s"), Names: map[string]string{"#b": "b", "#a": "a"}, Values: item(t, `{":s":{"S":""},":z":{"S":""}}`)}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"},
		{"unused values", Request{Filter: text("a = :s"), Values: item(t, `{":s":{"S":""},":z":{"S":""},":y":{"S":""}}`)}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:y, :z}"},
		{"used in another expression", Request{Filter: text("a = :s"), Projection: text("#b"), KeyCondition: text("k = :k"), Names: map[string]string{"#b": "b"}, Values: item(t, `{":s":{"S":""},":k":{"S":"x"}}`)}, ""},
		{"used in a branch never asked", Request{Condition: text("attribute_exists(a) OR b = :s"), Values: item(t, `{":s":{"S":""}}`)}, ""},
		{"expressions are checked in order", Request{Update: text("SET a = :u"), Condition: text("(("), Filter: text("((")}, "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :u"},
		{"condition after update", Request{Update: text("SET a = :s"), Condition: text("a = :v"), Values: item(t, `{":s":{"S":""}}`)}, "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{"names may hold anything", Request{Condition: text("attribute_exists(#1)"), Names: map[string]string{"#1": "3 # . ="}}, ""},
	} {
		if _, err := (*Compiler)(nil).Compile(c.r); message(err) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, message(err), c.want)
		}
	}
	if err := CheckStyles([]string{"AttributeUpdates", "Expected"}, []string{"UpdateExpression", "ConditionExpression"}); message(err) !=
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: {UpdateExpression, ConditionExpression}" {
		t.Error(err)
	}
	if CheckStyles(nil, []string{"UpdateExpression"}) != nil || CheckStyles([]string{"Expected"}, nil) != nil {
		t.Error("one style is fine")
	}
	bad := &attribute.Error{Code: attribute.ValidationException, Message: "no", Attribute: ":v"}
	if InvalidValue(bad, attribute.New).Message != "no" || InvalidValue(bad, attribute.Old).Message != "ExpressionAttributeValues contains invalid value: no for key :v" {
		t.Error("bad values")
	}
}

func TestCompilerRemembersUpToItsLimit(t *testing.T) {
	c := NewCompiler(2)
	parsed := map[string]*parsed{}
	for _, text := range []string{"a = :n", "b = :n", "a = :n", "c = :n", "a = :n", "b = :n"} {
		compiled, err := c.Compile(request(t, ConditionExpression, text))
		if err != nil {
			t.Fatal(err)
		}
		expr := compiled.Condition.b.expr
		if old := parsed[text]; old != nil && (old == expr) != (text == "a = :n") {
			t.Errorf("%s: remembered %v", text, old == expr)
		}
		parsed[text] = expr
	}
	if len(c.entries) != 2 || c.recent.Len() != 2 {
		t.Errorf("%d entries", len(c.entries))
	}
	if _, err := c.Compile(request(t, FilterExpression, "a = = b")); err == nil || len(c.entries) != 2 {
		t.Error("remembered a syntax error")
	}
}

func TestOneTextServesRequestsWithDifferentPlaceholders(t *testing.T) {
	c := NewCompiler(10)
	text := "#x = :v"
	for _, r := range []struct {
		name, value, it string
		want            bool
	}{
		{"a", `{":v":{"S":"1"}}`, `{"a":{"S":"1"}}`, true},
		{"b", `{":v":{"S":"1"}}`, `{"a":{"S":"1"}}`, false},
		{"a", `{":v":{"N":"1"}}`, `{"a":{"S":"1"}}`, false},
	} {
		compiled, err := c.Compile(Request{Condition: &text, Names: map[string]string{"#x": r.name}, Values: item(t, r.value)})
		if err != nil || compiled.Condition.Eval(item(t, r.it)) != r.want {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
