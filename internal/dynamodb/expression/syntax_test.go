package expression

import (
	"fmt"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// item reads an item from JSON.
func item(t testing.TB, text string) attribute.Item {
	t.Helper()
	it, err := attribute.DecodeItem([]byte(text), attribute.New)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return it
}

// values are the placeholders that most tests use: one of each type.
const values = `{":s":{"S":"a"},":s2":{"S":"b"},":n":{"N":"1"},":n5":{"N":"5"},":b":{"B":"YQ=="},":t":{"BOOL":true},":u":{"NULL":true},` +
	`":l":{"L":[{"N":"1"}]},":m":{"M":{}},":ss":{"SS":["a"]},":ns":{"NS":["1"]},":bs":{"BS":["YQ=="]}}`

var names = map[string]string{"#a": "a", "#a2": "a", "#b": "b", "#name": "name", "#x": "x.y"}

// request makes a request of one expression with the placeholders it uses.
func request(t testing.TB, parameter Parameter, text string) Request {
	t.Helper()
	r := Request{}
	switch parameter {
	case UpdateExpression:
		r.Update = &text
	case ConditionExpression:
		r.Condition = &text
	case KeyConditionExpression:
		r.KeyCondition = &text
	case FilterExpression:
		r.Filter = &text
	case ProjectionExpression:
		r.Projection = &text
	}
	used := map[string]bool{}
	for _, tok := range lex(text) {
		used[text[tok.start:tok.end]] = true
	}
	for _, v := range item(t, values) {
		if used[v.Name] {
			r.Values = append(r.Values, v)
		}
	}
	for k, v := range names {
		if used[k] {
			if r.Names == nil {
				r.Names = map[string]string{}
			}
			r.Names[k] = v
		}
	}
	return r
}

// message is the text of a refusal.
func message(err error) string {
	if e, ok := err.(*attribute.Error); ok && e.Code == attribute.ValidationException {
		return e.Message
	}
	if err != nil {
		return "not a ValidationException: " + err.Error()
	}
	return ""
}

func TestSyntaxErrorsQuoteTheTokenAndItsNeighbours(t *testing.T) {
	for _, c := range []struct {
		parameter   Parameter
		text        string
		token, near string
	}{
		{UpdateExpression, "INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"},
		{UpdateExpression, "SET _123 = :n", "_", "SET _123"},
		{UpdateExpression, "SET 123 = :n", "123", "SET 123 ="},
		{UpdateExpression, "SET a = :n +", "<EOF>", "+"},
		{UpdateExpression, "SET a = b + c + d", "+", "c + d"},
		{UpdateExpression, "SET :n = :n", ":n", "SET :n ="},
		{UpdateExpression, "SET a[:n] = :n", ":n", "[:n]"},
		{UpdateExpression, "SET a[#a] = :n", "#a", "[#a]"},
		{UpdateExpression, "SET a = if_not_exists(a, :n+:n5)", "+", ":n+:n5"},
		{UpdateExpression, "SET a.set = :n", "set", ".set ="},
		{UpdateExpression, "ADD a b", "b", "a b"},
		{UpdateExpression, "REMOVE a,", "<EOF>", ","},
		{UpdateExpression, "SET", "<EOF>", "SET"},
		{UpdateExpression, "SET a = # ", "#", "= #"},
		{ConditionExpression, "(", "<EOF>", "("},
		{ConditionExpression, "!!", "!", "!!"},
		{ConditionExpression, "a = = b", "=", "= = b"},
		{ConditionExpression, "a != :n", "!", "a !="},
		{ConditionExpression, "a", "<EOF>", "a"},
		{ConditionExpression, "a AND b", "AND", "a AND b"},
		{ConditionExpression, "(a) OR b = :n", "OR", ") OR b"},
		{ConditionExpression, "a = :n b", "b", ":n b"},
		{ConditionExpression, "a NOT IN (:n)", "NOT", "a NOT IN"},
		{ConditionExpression, "a BETWEEN :n OR :n5", "OR", ":n OR :n5"},
		{ConditionExpression, "a IN ()", ")", "()"},
		{ConditionExpression, "a IN :n", ":n", "IN :n"},
		{ConditionExpression, "size() = :n", ")", "() ="},
		{ConditionExpression, "a = 5", "5", "= 5"},
		{ConditionExpression, `a = "x"`, `"`, `= "x`},
		{ConditionExpression, "a = é", "é", "= é"},
		{ConditionExpression, "(a = :n) = :n", "=", ") = :n"},
		{ConditionExpression, "NOT", "<EOF>", "NOT"},
		{ConditionExpression, "a.between = :n", "between", ".between ="},
		{ConditionExpression, "  ", "<EOF>", ""},
		{ConditionExpression, "a\t=\n\n , b", ",", "=\n\n , b"},
		{ProjectionExpression, "a,,b", ",", ",,b"},
		{ProjectionExpression, "a.", "<EOF>", "."},
		{ProjectionExpression, "a b", "b", "a b"},
		{ProjectionExpression, "a[0", "<EOF>", "0"},
		{ProjectionExpression, "a[-1]", "-", "[-1"},
		{ProjectionExpression, "(a)", "(", "(a"},
		{ProjectionExpression, ":gone", ":gone", ":gone"},
	} {
		want := fmt.Sprintf("Invalid %s: Syntax error; token: %q, near: %q", c.parameter, c.token, c.near)
		want = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\"`, `"`).Replace(want)
		_, err := (*Compiler)(nil).Compile(request(t, c.parameter, c.text))
		if message(err) != want {
			t.Errorf("%s\n got %s\nwant %s", c.text, message(err), want)
		}
	}
}

func TestLimitsOfAnExpression(t *testing.T) {
	long := "a = :n" + strings.Repeat(" AND a = :n", 373)
	many := strings.Repeat("a = :n AND ", 150) + "a = :n"
	for _, c := range []struct {
		parameter  Parameter
		text, want string
	}{
		{ConditionExpression, "", "Invalid ConditionExpression: The expression can not be empty;"},
		{ProjectionExpression, "", "Invalid ProjectionExpression: The expression can not be empty;"},
		{ConditionExpression, long, "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4109"},
		{UpdateExpression, "SET " + long, "Invalid UpdateExpression: Expression size has exceeded the maximum allowed size;"},
		{FilterExpression, many, "Invalid FilterExpression: The expression contains too many operators; operator count: 301"},
		{FilterExpression, many[len("a = :n AND "):], ""},
		{ProjectionExpression, "a[99999999999]", "Invalid ProjectionExpression: List index is not within the allowable range; index: [99999999999]"},
	} {
		_, err := (*Compiler)(nil).Compile(request(t, c.parameter, c.text))
		if message(err) != c.want {
			t.Errorf("%.40s\n got %s\nwant %s", c.text, message(err), c.want)
		}
	}
}

func TestStaticChecksOfConditions(t *testing.T) {
	const operand = "Incorrect operand type for operator or function; operator or function: "
	const notThisWay = "The function is not allowed to be used this way in an expression; function: "
	const distinct = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
	hundred := "a IN (:n" + strings.Repeat(", :n", 99) + ")"
	for _, c := range []struct{ text, want string }{
		// accepted
		{"a = :n", ""}, {"(a) = (:n)", ""}, {"((a = :n) AND b = :n)", ""}, {"not not a = :n", ""},
		{"a between :n AND :n5 and b IN (:s, :n)", ""}, {"size(a) > :n", ""}, {":n < size(a)", ""}, {"size(:s) = :n", ""},
		{"attribute_exists(a.b[0].#name) or attribute_type(a, :sS)", "An expression attribute value used in expression is not defined; attribute value: :sS"},
		{"contains(a, :l) and begins_with(:s, a)", ""}, {"attribute_exists(set)", "Attribute name is a reserved keyword; reserved keyword: set"},
		{"a = a.b", ""}, {"a BETWEEN a AND :n", ""}, {strings.Replace(hundred, ", :n", "", 1), ""},
		// parentheses
		{"((a = :n))", "The expression has redundant parentheses;"},
		{"((a)) = :n", "The expression has redundant parentheses;"},
		{"a = ((:n))", "The expression has redundant parentheses;"},
		{"size(((a))) = :n", "The expression has redundant parentheses;"},
		// functions
		{"f(a)", "Invalid function name; function: f"},
		{"SIZE(a) = :n", "Invalid function name; function: SIZE"},
		{"if_not_exists(a, :n)", "The function is not allowed in a condition expression; function: if_not_exists"},
		{"size(a)", notThisWay + "size"},
		{"a = :n AND size(a)", notThisWay + "size"},
		{"NOT size(a)", notThisWay + "size"},
		{"attribute_exists(a) = :t", notThisWay + "attribute_exists"},
		{"contains(a, begins_with(b, :s))", notThisWay + "begins_with"},
		{"a IN (:n, contains(a, :s))", notThisWay + "contains"},
		// names and values
		{"name = :n", "Attribute name is a reserved keyword; reserved keyword: name"},
		{"a.Name = :n", "Attribute name is a reserved keyword; reserved keyword: Name"},
		{"#gone = :n", "An expression attribute name used in the document path is not defined; attribute name: #gone"},
		{"a = :gone", "An expression attribute value used in expression is not defined; attribute value: :gone"},
		// numbers of operands
		{"contains(a)", "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1"},
		{"attribute_exists(a, b)", "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
		{hundred, "The IN operator is provided with too many operands; number of operands: 101"},
		// distinct operands
		{"a = a", distinct + "=, first operand: [a]"},
		{"#a <> #a2", distinct + "<>, first operand: [a]"},
		{"contains(a.b[1], a.b[1])", distinct + "contains, first operand: [a, b, [1]]"},
		// types
		{"attribute_exists(:n)", "Operator or function requires a document path; operator or function: attribute_exists"},
		{"attribute_not_exists(size(a))", "Operator or function requires a document path; operator or function: attribute_not_exists"},
		{"begins_with(a, :n)", operand + "begins_with, operand type: N"},
		{"begins_with(:t, a)", operand + "begins_with, operand type: BOOL"},
		{"begins_with(size(a), :s)", operand + "begins_with, operand type: N"},
		{"a < :t", operand + "<, operand type: BOOL"},
		{":ss >= a", operand + ">=, operand type: SS"},
		{"a BETWEEN :t AND :u", operand + "BETWEEN, operand type: BOOL"},
		{"size(:n) = :n", operand + "size, operand type: N"},
		{"size(:u) = :n", operand + "size, operand type: NULL"},
		{"size(size(a)) = :n", operand + "size, operand type: N"},
		{"attribute_type(a, :n)", operand + "attribute_type, operand type: N"},
		{"attribute_type(a, b)", operand + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
		{"attribute_type(a, :s)", "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{"a BETWEEN :n5 AND :s", "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:a}"},
		{"a BETWEEN :n5 AND :n", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}"},
	} {
		_, err := (*Compiler)(nil).Compile(request(t, ConditionExpression, c.text))
		want := c.want
		if want != "" {
			want = "Invalid ConditionExpression: " + want
		}
		if message(err) != want {
			t.Errorf("%.60s\n got %s\nwant %s", c.text, message(err), want)
		}
	}
}

// Each expression has the fault that is named and those of every later kind.
func TestChecksComeInOrder(t *testing.T) {
	faults := []struct{ text, want string }{
		{"((b = :n))", "The expression has redundant parentheses;"},
		{"f(b)", "Invalid function name; function: f"},
		{"size(b)", "The function is not allowed to be used this way in an expression; function: size"},
		{"name = :n", "Attribute name is a reserved keyword; reserved keyword: name"},
	}
	for i := range faults {
		var parts []string
		for j := len(faults) - 1; j >= i; j-- {
			parts = append(parts, faults[j].text)
		}
		text := "a = :gone AND " + strings.Join(parts, " AND ")
		_, err := (*Compiler)(nil).Compile(request(t, FilterExpression, text))
		if message(err) != "Invalid FilterExpression: "+faults[i].want {
			t.Errorf("%s\n got %s", text, message(err))
		}
	}
	_, err := (*Compiler)(nil).Compile(request(t, FilterExpression, "((f(size(a) = b"))
	if !strings.Contains(message(err), "Syntax error") {
		t.Errorf("syntax errors come first: %v", err)
	}
}

// Conditions between connectives are checked in the order written, whatever
// is wrong with them.
func TestConditionsAreCheckedAsWritten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"p = :missing AND begins_with(s, :n)", "attribute value: :missing"},
		{"begins_with(s, :n) AND p = :missing", "operator or function: begins_with, operand type: N"},
		{"p = :s AND begins_with(s, :n) AND s = :missing", "operator or function: begins_with, operand type: N"},
		{"contains(a) OR a = a", "number of operands: 1"},
		{"NOT a = a OR contains(a)", "first operand: [a]"},
	} {
		_, err := (*Compiler)(nil).Compile(request(t, KeyConditionExpression, c.text))
		if !strings.Contains(message(err), c.want) {
			t.Errorf("%s\n got %s", c.text, message(err))
		}
	}
}

func TestStaticChecksOfUpdates(t *testing.T) {
	const operand = "Incorrect operand type for operator or function; operator or function: "
	const literal = "Incorrect operand type for operator or function; operator: "
	for _, c := range []struct{ text, want string }{
		{"SET a = :n, b = a + :n REMOVE c ADD d :n, e.f :ss DELETE g :ns", ""},
		{"set a = (:n - (b)), b=list_append(if_not_exists(b, :l), :l) remove c[0].d", ""},
		{"SET a = if_not_exists(a, if_not_exists(b, :n)) + :n", ""},
		{"SET a.b = :n, a.c = :n", ""},
		{"SET a = ((:n))", "The expression has redundant parentheses;"},
		{"SET a = :n, name = :n", "Attribute name is a reserved keyword; reserved keyword: name"},
		{"SET a = :n, b = user", "Attribute name is a reserved keyword; reserved keyword: user"},
		{"SET a = f(b, c)", "Invalid function name; function: f"},
		{"SET a = size(b)", "The function is not allowed in an update expression; function: size"},
		{"SET a = list_append(list_append(b, c), d)", "The function is not allowed to be used this way in an expression; function: list_append"},
		{"SET a = :n SET b = :n", `The "SET" section can only be used once in an update expression;`},
		{"REMOVE a ADD b :n REMOVE c", `The "REMOVE" section can only be used once in an update expression;`},
		{"SET #gone = :gone", "An expression attribute name used in the document path is not defined; attribute name: #gone"},
		{"SET a = :gone, b = #gone", "An expression attribute name used in the document path is not defined; attribute name: #gone"},
		{"SET a = :gone", "An expression attribute value used in expression is not defined; attribute value: :gone"},
		{"SET a.b = :n REMOVE a", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]"},
		{"SET #a = :n, #a2 = :n", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
		{"SET a[0].b = :n, a[0] = :n", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [0], b], path two: [a, [0]]"},
		{"SET a.b = :n, a[1] = :n", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]"},
		{"SET a.b = :n, a[1] = :n, c = :n REMOVE c", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c], path two: [c]"},
		{"ADD a :s", literal + "ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD a :b", literal + "ADD, operand type: BINARY, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD a :l", literal + "ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD a :m", literal + "ADD, operand type: MAP, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD a :t", literal + "ADD, operand type: BOOLEAN, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD a :u", literal + "ADD, operand type: NULL, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"DELETE a :n", literal + "DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"SET a = if_not_exists(b)", "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"},
		{"SET a = list_append(b, c, d)", "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 3"},
		{"SET a = if_not_exists(:n, :n)", "Operator or function requires a document path; operator or function: if_not_exists"},
		{"SET a = list_append(b, :s)", operand + "list_append, operand type: S"},
		{"SET a = b + :s", operand + "+, operand type: S"},
		{"SET a = :l - b", operand + "-, operand type: L"},
	} {
		_, err := (*Compiler)(nil).Compile(request(t, UpdateExpression, c.text))
		want := c.want
		if want != "" {
			want = "Invalid UpdateExpression: " + want
		}
		if message(err) != want {
			t.Errorf("%s\n got %s\nwant %s", c.text, message(err), want)
		}
	}
	r := request(t, UpdateExpression, "ADD a :s")
	r.Layer = attribute.Old
	if _, err := (*Compiler)(nil).Compile(r); message(err) != "Invalid UpdateExpression: "+literal+"ADD, operand type: STRING" {
		t.Errorf("old validation: %v", err)
	}
}

func TestStaticChecksOfProjections(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a, b.c[0].d, #name", ""}, {"a.b, a.c, d[0], d[1]", ""},
		{"a, name", "Attribute name is a reserved keyword; reserved keyword: name"},
		{"#gone", "An expression attribute name used in the document path is not defined; attribute name: #gone"},
		{"#a, #a2", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]"},
		{"a.b, a[0]", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]"},
	} {
		_, err := (*Compiler)(nil).Compile(request(t, ProjectionExpression, c.text))
		want := c.want
		if want != "" {
			want = "Invalid ProjectionExpression: " + want
		}
		if message(err) != want {
			t.Errorf("%s\n got %s\nwant %s", c.text, message(err), want)
		}
	}
}

func TestReservedWords(t *testing.T) {
	if len(reservedWords) != 573 {
		t.Errorf("%d words", len(reservedWords))
	}
	for _, w := range []string{"ABORT", "name", "Zone", "flattern", "INNTER", "loged", "TIMESTAMP", "ttl"} {
		if !isReserved(w) {
			t.Errorf("%s is not reserved", w)
		}
	}
	for _, w := range []string{"names2", "id", "connectionId", "averyverylongname", ""} {
		if isReserved(w) {
			t.Errorf("%s is reserved", w)
		}
	}
}
