package partiql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/expression"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
)

const malformed = "Statement wasn't well formed, can't be processed: "

// refusal is what Parse or Bind says of a statement, empty when nothing.
func refusal(text string, parameters ...attribute.Value) string {
	s, err := partiql.Parse(text)
	if err == nil {
		_, err = s.Bind(parameters)
	}
	var e *attribute.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

func TestStatementsThatCannotBeRead(t *testing.T) {
	const left = malformed + "Unexpected token after expression"
	const term = malformed + "Unexpected term"
	for text, want := range map[string]string{
		`SLECT * FROM t`:                                     malformed + "Expected data manipulation",
		`SELECT * FROM t WHERE pk = 1 foo`:                   left,
		`SELECT * FROM t WHERE pk = 1 e5`:                    left,
		`INSERT INTO t VALUE {'pk': 1} foo`:                  left,
		`UPDATE t SET a = 9 WHERE pk = 1 foo`:                left,
		`SELECT * FROM t WHERE pk = 1)`:                      left,
		`DELETE FROM t WHERE pk = 1 ORDER BY pk`:             left,
		`SELECT * FROM t WHERE pk = 1e2147483648`:            malformed,
		`SELECT * FROM t WHERE pk = 1.5e-2147483647`:         malformed,
		`SELECT * FROM t WHERE pk = 1 # note`:                malformed,
		`SELECT * FROM t WHERE pk = 1 /* note`:               malformed,
		`SELECT * FROM "t`:                                   malformed,
		`SELECT * FROM t u WHERE pk = 'x'`:                   "Aliasing is not supported",
		`SELECT * FROM t AS u WHERE pk = 'x'`:                "Aliasing is not supported",
		`UPDATE t u SET a = 3 WHERE pk = 'x'`:                "Aliasing is not supported",
		`INSERT INTO t u VALUE {'pk': 'x'}`:                  left,
		`SELECT * FROM t WHERE`:                              term,
		`SELECT * FROM t WHERE;`:                             term,
		`SELECT * FROM t WHERE NOT`:                          term,
		`SELECT * FROM t WHERE (`:                            term,
		`UPDATE t SET a = 1 WHERE`:                           term,
		`SELECT * FROM t WHERE pk = 'p1' AND`:                malformed + "Missing right-hand side expression of infix operator",
		`SELECT * FROM t WHERE ORDER BY pk`:                  malformed + "Unexpected keyword",
		`SELECT * FROM t WHERE x IS FOO`:                     malformed + "Expected type name",
		`SELECT * FROM t WHERE IS NULL`:                      malformed + "Unexpected operator",
		`SELECT * FROM t WHERE pk = LIKE`:                    malformed + "Unexpected operator",
		`DELETE FROM`:                                        malformed + "Expected identifier for simple path",
		`DELETE FROM WHERE pk = 'a'`:                         malformed + "Expected identifier for simple path",
		`SELECT * FROM`:                                      term,
		`INSERT INTO t (a) VALUES (1)`:                       left,
		`INSERT INTO t VALUES (1)`:                           malformed + "Unexpected keyword",
		`UPDATE Payment-t SET a = ? WHERE id = ?`:            malformed + "Expected data manipulation",
		`SELECT user FROM t`:                                 malformed + "Unexpected keyword",
		`FROM t SET c = 1 WHERE pk = 'x'`:                    left,
		`SELECT * FROM t.i.x WHERE pk = 'p'`:                 "A path may contain at most 2 components in the FROM clause",
		`SELECT * FROM t."" WHERE pk = 'p'`:                  "Path component cannot be an empty string",
		`SELECT * FROM "" WHERE pk = 'p'`:                    "Path component cannot be an empty string",
		`SELECT * FROM t WHERE a(m.inner)`:                   malformed + "Invalid path dot component",
		`SELECT x, x FROM t`:                                 "Duplicate identifiers in select clause: x",
		`SELECT DISTINCT x FROM t`:                           "Unsupported token in expression: DISTINCT",
		`SELECT COUNT(*) FROM t`:                             "Unexpected path component at 1:8:5",
		`SELECT * FROM t WHERE a = 1 LIMIT 5`:                "Unsupported clause: LIMIT at 1:35:1",
		`SELECT * FROM t, u`:                                 "Only select from a single table or index is supported.",
		`SELECT * FROM t ORDER BY a`:                         "Must have WHERE clause in the statement when using ORDER BY clause.",
		`CREATE TABLE t`:                                     "Unsupported operation: CreateTable",
		`INSERT INTO t VALUE {'pk':'a'} RETURNING ALL OLD *`: "RETURNING is not supported in INSERT",
		`UPDATE t.i SET a = 1 WHERE b = 2`:                   "This operation is not supported on an index",
		`UPDATE t REMOVE a, b WHERE pk = 1`:                  left,
		`UPDATE t SET a = 1 RETURNING ALL NEW a`:             "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause",
		`DELETE FROM t WHERE a = 1 RETURNING MODIFIED NEW *`: "Invalid returning clause: RETURNING MODIFIED NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
	} {
		if got := refusal(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestLiteralsThatAreRefused(t *testing.T) {
	const overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	for text, want := range map[string]string{
		`SELECT * FROM t WHERE pk = 1e126`:                     overflow + " under root",
		`INSERT INTO t VALUE {'pk': 1, 'm': {'x': 1e126}}`:     overflow + " under root.x",
		`INSERT INTO t VALUE {'pk': 1, 'l': [1, 1e126]}`:       overflow + " under root[1]",
		`UPDATE t SET a = 1e-131 WHERE pk = 1`:                 "Number underflow. Attempting to store a number with magnitude smaller than supported range under root",
		`INSERT INTO t VALUE {'pk': 1, 'pk': 2}`:               "Duplicate keys in tuple. Key: pk under root at 1:31:4",
		`INSERT INTO t VALUE {pk: 1}`:                          "Tuple keys must be of type String. Actual type: VariableReference under root at 1:22:2",
		`INSERT INTO t VALUE {'a': x}`:                         "Unsupported data type: x under key root at 1:27:1",
		"INSERT INTO t\nVALUE {'a': 'é', 'b': x}":              "Unsupported data type: x under key root at 2:23:1",
		`INSERT INTO t VALUE {'a': <<1, 'b'>>}`:                "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
		`INSERT INTO t VALUE {'a': <<'x', 'x'>>}`:              "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
		`INSERT INTO t VALUE {'a': <<>>}`:                      "Empty bags are not supported",
		`INSERT INTO t VALUE ['a']`:                            "Unsupported format in item expression. Please use struct format {...} to express item values for insert statement. at 1:21:1",
		`INSERT INTO t VALUE {'a': set_add(<<'a'>>, <<'b'>>)}`: "Unsupported data type: set_add under key root at 1:27:7",
	} {
		if got := refusal(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestConditionsAndUpdatesThatAreRefused(t *testing.T) {
	where := func(condition string) string { return "SELECT * FROM t WHERE " + condition }
	for text, want := range map[string]string{
		where("x"):                         "WHERE clause must contain an expression that resolves to a boolean",
		where("a = 1 AND x"):               "The arguments to AND/OR must be Expressions",
		where("NOT x"):                     "The argument to NOT must be a Type or Expression",
		where("a = MISSING"):               "MISSING must be compared using IS operator",
		where("a LIKE 'x'"):                "Unsupported operator in Condition Expression. Operator: like",
		where("a + 1 = 2"):                 "Unsupported operator in Condition Expression. Operator: +",
		where("a IN []"):                   "IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member",
		where("a IS INT"):                  "Unsupported data type for IS operator: INTEGER. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST] at 1:25:2",
		where("EXISTS(ss)"):                "Unrecognized function: exists at 1:23:6",
		where("attribute_exists('ss')"):    "Operator or function requires a document path; operator or function: attribute_exists",
		where("attribute_exists()"):        "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 0",
		where("attribute_exists(a, b)"):    "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		where("a < true"):                  "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		where("a = ?"):                     "Number of parameters in request and statement don't match.",
		where("set_add(ss, <<'x'>>) = ss"): "Unrecognized function: set_add at 1:23:7",
		"UPDATE t SET u = set_add(ss, <<'x'>>) WHERE pk = 1": "The first argument to SET_ADD must equal the assignment value at 1:18:7",
		"UPDATE t SET ss = set_add(ss, 'x') WHERE pk = 1":    "The second argument to SET_ADD must be a value with type SET at 1:27:2",
		"UPDATE t SET ss = set_delete(ss) WHERE pk = 1":      "SET_DELETE must have exactly two arguments at 1:19:10",
		"UPDATE t SET a = b * 2 WHERE pk = 1":                "Unsupported operator in Update Expression. Operator: *",
		"UPDATE t SET a = upper('x') WHERE pk = 1":           "Unrecognized function: upper at 1:18:5",
		"UPDATE t SET a = size(b) WHERE pk = 1":              "The function is not allowed in an update expression; function: size",
		"UPDATE t SET a = 1 SET a = 2 WHERE pk = 1":          "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
	} {
		if got := refusal(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestNumbersStringsAndComments(t *testing.T) {
	item := attribute.NewItem(attribute.Attribute{Name: "pk", Value: attribute.Int(7310000)}, attribute.Attribute{Name: "s", Value: attribute.String("it's")})
	for _, condition := range []string{
		"pk = 7.31e6", "pk = 7.31E+6", "pk = 73100000e-1", "pk = +7310000", "s = 'it''s'", `"s" = 'it''s' -- a note`, "/* a note */ pk > .5",
		"-- a note\ns = 'it''s'", "pk = 7310000;", "pk != 1", "pk BETWEEN -1 AND 1e9", "pk IN (1, 7310000)", "pk IN (7310000)", "NOT (pk = 1)",
		"pk IS NUMERIC AND s IS STRING AND x IS MISSING", "s IS NOT NULL", "attribute_exists(s) = true", "ATTRIBUTE_EXISTS(x) = false", "size(s) = 4",
	} {
		s, err := partiql.Parse("SELECT * FROM t WHERE " + condition)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		b, err := s.Bind(nil)
		if err != nil || !b.Filter.Eval(item) {
			t.Errorf("%s: %v, or not true", condition, err)
		}
	}
}

var schema = expression.KeySchema{
	Hash:  []expression.KeyAttribute{{Name: "pk", Kind: attribute.S}},
	Range: []expression.KeyAttribute{{Name: "sk", Kind: attribute.N}},
}

// Each WHERE reads these partitions in this order, with these limits on the
// sort key; "scan" reads everything.
func TestWhatIsRead(t *testing.T) {
	operators := map[expression.RangeOperator]string{
		expression.Everything: "", expression.Less: "<", expression.LessOrEqual: "<=", expression.Greater: ">",
		expression.GreaterOrEqual: ">=", expression.Between: "..", expression.BeginsWith: "^",
	}
	for where, want := range map[string]string{
		"pk='a'":                                 "a",
		"pk='a' AND sk=1":                        "a=1",
		"'a'=pk AND 1<sk":                        "a>1",
		"pk='a' AND (sk>=1 AND x=2)":             "a>=1",
		"pk='a' AND sk BETWEEN 1 AND 2":          "a..1",
		"pk IN ['b','a','b']":                    "b a",
		"pk IN ['b','a'] AND sk<5":               "b<5 a<5",
		"pk IN ['b','a'] ORDER BY pk":            "a b",
		"pk='b' OR pk='a' AND sk=1":              "b a=1",
		"pk='a' AND sk=3 OR pk='a' AND sk=1":     "a",
		"pk='a' AND NOT sk=1 OR pk='a' AND sk=2": "a",
		"sk=1":                                   "scan",
		"pk='a' OR sk=1":                         "scan",
		"begins_with(pk,'a')":                    "scan",
		"pk='a' AND x='1' OR pk='a' AND sk=2":    "Overlapping conditions with range keys are not supported in where clause",
		"pk=1":                                   "Key attribute's data type should match its data type in table's schema: Key pk",
		"pk='a' AND sk='x'":                      "Key attribute's data type should match its data type in table's schema: Key sk",
		"pk=''":                                  "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
		"pk='a' ORDER BY x":                      "Variable reference x in ORDER BY clause must be part of the primary key",
		"x=1 ORDER BY sk":                        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
	} {
		s, err := partiql.Parse("SELECT * FROM t WHERE " + where)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		b, err := s.Bind(nil)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		ranges, keyed, err := b.Ranges(schema)
		var parts []string
		for _, r := range ranges {
			part := r.Hash[0].Text()
			if len(r.Equal) > 0 {
				part += "=" + string(r.Equal[0].Number())
			}
			if part += operators[r.Operator]; r.Operator != expression.Everything {
				part += string(r.Low.Number())
			}
			parts = append(parts, part)
		}
		got := strings.Join(parts, " ")
		var e *attribute.Error
		if errors.As(err, &e) {
			got = e.Message
		} else if !keyed {
			got = "scan"
		}
		if got != want {
			t.Errorf("%s reads %q, want %q", where, got, want)
		}
	}
}

// FuzzStatement: no text crashes the parser or what follows it, and what is
// refused is refused in DynamoDB's way.
func FuzzStatement(f *testing.F) {
	for _, text := range []string{
		`SELECT a, m.b[0] FROM "t"."i" WHERE pk IN ['a', ?] AND NOT sk BETWEEN 1 AND 2 ORDER BY sk DESC`,
		`INSERT INTO t VALUE {'pk': ?, 'l': [1, {'x': <<'a'>>}], 'n': null}`,
		`UPDATE t SET a = list_append(if_not_exists(a, []), [1]) SET b = b + 1 REMOVE c.d[2] WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *`,
		`DELETE FROM t WHERE pk = 'a' AND sk = 1 AND attribute_type(x, 'S') = true RETURNING ALL OLD *`,
		`EXISTS(SELECT * FROM t WHERE pk = 'a' AND sk = 1 AND size(x) > 0)`, `FROM t WHERE pk = 'a' SET x = set_add(x, <<1, 2>>)`,
		"SELECT /* \n */ * FROM t -- x\nWHERE a IS NOT MISSING OR b || c", `SELECT '`, `1e`, `.`, `<<`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := partiql.Parse(text)
		if err != nil {
			checkRefusal(t, text, err)
			return
		}
		b, err := s.Bind(make([]attribute.Value, 0, 1))
		if s.Parameters > 0 && err == nil {
			t.Errorf("%q was bound without its parameters", text)
		}
		if err != nil {
			checkRefusal(t, text, err)
			return
		}
		_, condition, err := b.Key(schema)
		checkRefusal(t, text, err)
		condition.Eval(nil)
		_, _, err = b.Ranges(schema)
		checkRefusal(t, text, err)
		b.Filter.Eval(nil)
		b.Show(nil)
		if b.Update != nil {
			_, _ = b.Update.Apply(nil, attribute.Item{})
		}
	})
}

func checkRefusal(t *testing.T, text string, err error) {
	var e *attribute.Error
	if err != nil && (!errors.As(err, &e) || e.Message == "") {
		t.Errorf("%q: %v", text, err)
	}
}
