package tables

import (
	"strings"
	"testing"
)

// refusals are calls with one mistake each. Where local is not empty it is how
// DynamoDB Local's answer begins, and docs/compatibility/dynamodb-differences.md
// says why Suiro's is another one.
var refusals = []struct {
	operation, body, local string
}{
	// Tables.
	{"DescribeTable", `{"TableName":"none"}`, "Cannot do operations on a non-existent table"},
	{"GetItem", `{"TableName":"none","Key":{"pk":{"S":"a"}}}`, "Cannot do operations on a non-existent table"},
	{"CreateTable", tableOne, "Cannot create preexisting table"},
	{"DeleteTable", `{"TableName":"none"}`, "Cannot do operations on a non-existent table"},
	{"UpdateTable", `{"TableName":"one"}`, "Nothing to update"},
	{"Query", `{"TableName":"two","IndexName":"none","KeyConditionExpression":"pk = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, ""},
	{"Query", `{"TableName":"two","IndexName":"gsi","ConsistentRead":true,"KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, "Consistent read cannot be true when querying a GSI"},

	// Keys.
	{"GetItem", `{"TableName":"one","Key":{}}`, "The number of conditions on the keys is invalid"},
	{"GetItem", `{"TableName":"one","Key":{"other":{"S":"a"}}}`, "One of the required keys was not given a value"},
	{"GetItem", `{"TableName":"one","Key":{"pk":{"N":"1"}}}`, "One or more parameter values were invalid: Type mismatch for key"},
	{"GetItem", `{"TableName":"one","Key":{"pk":{"S":""}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"x":{"S":"a"}}}`, "One of the required keys was not given a value"},
	{"PutItem", `{"TableName":"two","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":""}}}`, ""},
	{"PutItem", `{"TableName":"two","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"N":"1"}}}`, "One or more parameter values were invalid: Type mismatch for Index Key"},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"` + strings.Repeat("k", 2049) + `"}}}`, "Hash primary key values must be under 2048 bytes"},
	{"UpdateItem", `{"TableName":"one","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET pk = :v","ExpressionAttributeValues":{":v":{"S":"b"}}}`, ""},

	// Values.
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"S":"a","N":"1"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"N":"1e126"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"N":"1e-131"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"N":"123456789012345678901234567890123456789"}}}`, "DynamoDB only supports precision up to 38 digits"},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"SS":[]}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"NULL":false}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"":{"S":"x"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":{"S":"` + strings.Repeat("x", 410000) + `"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"},"x":` + strings.Repeat(`{"L":[`, 33) + `{"S":"x"}` + strings.Repeat(`]}`, 33) + `}}`, ""},

	// Expressions.
	{"PutItem", put1("ConditionExpression", "", ""), ""},
	{"PutItem", put1("ConditionExpression", "a = ", ""), ""},
	{"PutItem", put1("ConditionExpression", "a = :v", ""), ""},
	{"PutItem", put1("ConditionExpression", "#a = :v", `":v":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "a = :v", `":v":{"S":"x"},":unused":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "item = :v", `":v":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "a = a", ""), ""},
	{"PutItem", put1("ConditionExpression", "((a = :v))", `":v":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "unknown(a)", ""), ""},
	{"PutItem", put1("ConditionExpression", "attribute_exists(a, b)", ""), ""},
	{"PutItem", put1("ConditionExpression", "attribute_exists(:v)", `":v":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "size(a)", ""), ""},
	{"PutItem", put1("ConditionExpression", "begins_with(a, :v)", `":v":{"N":"1"}`), ""},
	{"PutItem", put1("ConditionExpression", "a < :v", `":v":{"BOOL":true}`), ""},
	{"PutItem", put1("ConditionExpression", "a BETWEEN :v AND :w", `":v":{"N":"1"},":w":{"S":"x"}`), ""},
	{"PutItem", put1("ConditionExpression", "attribute_type(a, :v)", `":v":{"S":"X"}`), ""},
	{"UpdateItem", update1("SET a = :v SET b = :v", `":v":{"S":"x"}`), ""},
	{"UpdateItem", update1("SET a = :v, a.b = :v", `":v":{"S":"x"}`), ""},
	{"UpdateItem", update1("SET a = :v + b", `":v":{"S":"x"}`), ""},
	{"UpdateItem", update1("SET a = b", ""), ""},
	{"UpdateItem", update1("SET a = b + :v", `":v":{"N":"1"}`), ""},
	{"UpdateItem", update1("SET a.b = :v", `":v":{"N":"1"}`), ""},
	{"UpdateItem", update1("ADD a :v", `":v":{"S":"x"}`), ""},
	{"UpdateItem", update1("DELETE a :v", `":v":{"N":"1"}`), ""},
	{"UpdateItem", update1("SET a = list_append(:v, :v)", `":v":{"S":"x"}`), ""},
	{"GetItem", `{"TableName":"one","Key":{"pk":{"S":"a"}},"ProjectionExpression":"a, a"}`, ""},
	{"GetItem", `{"TableName":"one","Key":{"pk":{"S":"a"}},"ProjectionExpression":"a","AttributesToGet":["a"]}`, ""},
	{"GetItem", `{"TableName":"one","Key":{"pk":{"S":"a"}},"ExpressionAttributeNames":{"#a":"a"}}`, ""},

	// Reads.
	{"Query", query1("sk = :v", `":v":{"N":"1"}`), "Query condition missed key schema element"},
	{"Query", query1("pk > :v", `":v":{"S":"a"}`), ""},
	{"Query", query1("pk = :v AND x = :v", `":v":{"S":"a"}`), "Query condition missed key schema element"},
	{"Query", query1("pk = :v OR sk = :v", `":v":{"S":"a"}`), ""},
	{"Query", query1("pk = :v AND sk = :v", `":v":{"S":"a"}`), ""},
	{"Query", query1("pk = :v AND size(sk) = :n", `":v":{"S":"a"},":n":{"N":"1"}`), ""},
	{"Query", `{"TableName":"two"}`, ""},
	{"Query", `{"TableName":"two","KeyConditionExpression":"pk = :v","FilterExpression":"sk = :n","ExpressionAttributeValues":{":v":{"S":"a"},":n":{"N":"1"}}}`, ""},
	{"Query", `{"TableName":"two","KeyConditionExpression":"pk = :v","Limit":0,"ExpressionAttributeValues":{":v":{"S":"a"}}}`, "Limit must be greater than or equal to 1"},
	{"Scan", `{"TableName":"one","Segment":0}`, "If segment is specified, total segment must also be specified"},
	{"Scan", `{"TableName":"one","TotalSegments":2}`, "If total segments is specified, a particular segment must also be specified"},
	{"Scan", `{"TableName":"one","Segment":2,"TotalSegments":2}`, "1 validation error detected: Value '2' at 'segment'"},

	// Batches and transactions.
	{"BatchGetItem", `{"RequestItems":{"one":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"a"}}]}}}`, ""},
	{"BatchWriteItem", `{"RequestItems":{"one":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}`, ""},
	{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"one","Item":{"pk":{"S":"a"}}}},{"Delete":{"TableName":"one","Key":{"pk":{"S":"a"}}}}]}`, ""},
	{"TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"one","Key":{"pk":{"S":"gone"}},"ConditionExpression":"attribute_exists(pk)"}}]}`, ""},

	// Parameters from before expressions.
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"}},"Expected":{"x":{"ComparisonOperator":"EQ"}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"}},"Expected":{"x":{"Exists":true}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"}},"Expected":{"x":{"Exists":false,"Value":{"S":"a"}}}}`, ""},
	{"PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"}},"Expected":{"x":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"1"}]}}}`, ""},
	{"Scan", `{"TableName":"one","ScanFilter":{"x":{"ComparisonOperator":"LT","AttributeValueList":[{"BOOL":true}]}}}`, ""},
	{"UpdateItem", `{"TableName":"one","Key":{"pk":{"S":"a"}},"AttributeUpdates":{"x":{"Action":"PUT"}}}`, ""},
}

func put1(parameter, text, values string) string {
	return `{"TableName":"one","Item":{"pk":{"S":"a"}},"` + parameter + `":` + quote(text) + given(values) + `}`
}

func update1(text, values string) string {
	return `{"TableName":"one","Key":{"pk":{"S":"a"}},"UpdateExpression":` + quote(text) + given(values) + `}`
}

func query1(text, values string) string {
	return `{"TableName":"two","KeyConditionExpression":` + quote(text) + given(values) + `}`
}

func given(values string) string {
	if values == "" {
		return ""
	}
	return `,"ExpressionAttributeValues":{` + values + `}`
}

// A call with one mistake is refused with the same status, name and words.
func TestRefusalsAgreeWithDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Java")
	}
	suiro, local := startSuiro(t), startLocal(t)
	for _, s := range []*server{suiro, local} {
		for _, definition := range []string{tableOne, tableTwo} {
			if a, err := s.call("CreateTable", definition); err != nil || a.status != 200 {
				t.Fatalf("%s: CreateTable: %v %s", s.name, err, a.raw)
			}
		}
	}
	for _, row := range refusals {
		r := request{row.operation, row.body}
		ours, err := suiro.call(r.operation, r.body)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := local.call(r.operation, r.body)
		if err != nil {
			t.Fatal(err)
		}
		shown := r.body
		if len(shown) > 300 {
			shown = shown[:300] + "…"
		}
		if ours.status == 200 || ours.status != theirs.status {
			t.Errorf("%s %s\n%d %s\n%d %s", r.operation, shown, ours.status, ours.raw, theirs.status, theirs.raw)
		}
		if row.local != "" {
			if !strings.HasPrefix(theirs.text, row.local) || strings.HasPrefix(ours.text, row.local) && ours.text == theirs.text {
				t.Errorf("%s %s\nno longer differs as said:\n%s\n%s", r.operation, shown, ours.raw, theirs.raw)
			}
			continue
		}
		if got, want := normal(r, ours), normal(r, theirs); got != want {
			t.Errorf("%s %s\n         suiro %s\nDynamoDB Local %s", r.operation, shown, got, want)
		}
	}
}
