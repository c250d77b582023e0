package tables

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// steps is how many calls one generated program makes.
const steps = 60

const (
	tableOne = `{"TableName":"one","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`
	tableTwo = `{"TableName":"two","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"l","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
"GlobalSecondaryIndexes":[{"IndexName":"gsi","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],
"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a"]}}]}`
)

// Generated programs get the same answers from Suiro and from DynamoDB Local,
// except where docs/compatibility/dynamodb-differences.md says otherwise.
func TestGeneratedProgramsAgreeWithDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Java and runs for a minute")
	}
	suiro, local := startSuiro(t), startLocal(t)
	chosen(t, "rapid.checks", "40")
	chosen(t, "rapid.seed", "20261129") // always the same programs; 0 makes others
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range []*server{suiro, local} {
			for _, definition := range []string{tableOne, tableTwo} {
				if a, err := s.call("CreateTable", definition); err != nil || a.status != 200 {
					t.Fatalf("%s: CreateTable: %v %s", s.name, err, a.raw)
				}
			}
		}
		defer func() {
			for _, s := range []*server{suiro, local} {
				for _, name := range []string{"one", "two"} {
					if a, err := s.call("DeleteTable", `{"TableName":"`+name+`"}`); err != nil || a.status != 200 {
						t.Fatalf("%s: DeleteTable: %v %s", s.name, err, a.raw)
					}
				}
			}
		}()
		for range steps {
			compareBoth(t, suiro, local, call(t))
		}
	})
}

// chosen sets a flag of rapid unless the command line does.
func chosen(t *testing.T, name, value string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// compareBoth makes one call to both and compares the answers.
func compareBoth(t *rapid.T, suiro, local *server, r request) {
	ours, err := suiro.call(r.operation, r.body)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := local.call(r.operation, r.body)
	if err != nil {
		t.Fatal(err)
	}
	got, want := normal(r, ours), normal(r, theirs)
	if got != want {
		t.Fatalf("%s %s\n         suiro %s\nDynamoDB Local %s\n(%s\n %s)", r.operation, r.body, got, want, ours.raw, theirs.raw)
	}
}

// normal is an answer without what is known to differ.
func normal(r request, a answer) string {
	if !strings.Contains(r.body, "ReturnConsumedCapacity") {
		delete(a.body, "ConsumedCapacity") // DynamoDB Local's DeleteItem shows it unasked
	}
	body, _ := json.Marshal(ordered(r, a.body))
	text := string(body)
	if a.status != 200 {
		delete(a.body, "__type")
		body, _ = json.Marshal(ordered(r, a.body))
		text = fmt.Sprintf("%d %s: %s %s", a.status, a.kind[strings.LastIndex(a.kind, "#")+1:], a.text, body)
	}
	for _, d := range differences {
		text = d.pattern.ReplaceAllString(text, d.instead)
	}
	return text
}

// differences are the texts that mean the same; each has its row in
// docs/compatibility/dynamodb-differences.md.
var differences = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`: 1 validation error detected: `), ": "},
	{regexp.MustCompile(`The conditional request failed\.`), "The conditional request failed"},
	{regexp.MustCompile(`(Two document paths (overlap|conflict) with each other).*`), "$1"},
	{regexp.MustCompile(`; (lower|upper) bound operand: .*`), ""},
	{regexp.MustCompile(`valid types: \{[A-Z,]*\}`), "valid types"},
	{regexp.MustCompile(`, typeSet: ALLOWED_FOR_[A-Z_]*`), ""},
	{regexp.MustCompile(`not supported for the type [A-Z_]+`), "not supported for the type"},
	// Of two reasons why an update cannot be applied either may be told.
	{regexp.MustCompile(`(The provided expression refers to an attribute that does not exist in the item|` +
		`An operand in the update expression has an incorrect data type|` +
		`The document path provided in the update expression is invalid for update)`), "update cannot be applied"},
	// A transaction's update that cannot be applied: AWS cancels, DynamoDB
	// Local refuses the whole request.
	{regexp.MustCompile(`TransactionCanceledException: .*"ValidationError","Message":"([^"]*)".*`), "ValidationException: $1 {}"},
}

// ordered brings into one order what has none: sets, and the items of a Scan,
// of a batch and of an index.
func ordered(r request, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			member = ordered(r, member)
			if list, ok := member.([]any); ok {
				unordered := name == "SS" || name == "NS" || name == "BS"
				switch r.operation {
				case "Scan", "BatchGetItem":
					unordered = unordered || name == "Items" || name == "one" || name == "two"
				case "Query":
					unordered = unordered || name == "Items" && strings.Contains(r.body, "IndexName")
				case "ExecuteStatement":
					unordered = unordered || name == "Items" && !strings.Contains(r.body, "WHERE pk = 'p'")
				}
				if name == "NS" {
					for i := range list {
						list[i] = canonical(list[i].(string))
					}
				}
				if unordered {
					slices.SortFunc(list, func(a, b any) int {
						x, _ := json.Marshal(a)
						y, _ := json.Marshal(b)
						return strings.Compare(string(x), string(y))
					})
				}
			}
			if text, ok := member.(string); ok && name == "N" {
				member = canonical(text)
			}
			v[name] = member
		}
	case []any:
		for i := range v {
			v[i] = ordered(r, v[i])
		}
	}
	return v
}

// canonical is a number's value: DynamoDB Local keeps trailing zeros.
func canonical(n string) string {
	if v, ok := new(big.Rat).SetString(n); ok {
		return v.RatString()
	}
	return n
}
