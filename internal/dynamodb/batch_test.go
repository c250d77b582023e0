package dynamodb_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestBatchWriteAndGet(t *testing.T) {
	c := newClient(t)
	c.table("one", "pk S")
	c.table("two", "pk S, sk N")
	c.want("BatchWriteItem", `{"RequestItems":{"one":[{"PutRequest":{"Item":{"pk":{"S":"a"},"x":{"S":"1"}}}},{"PutRequest":{"Item":{"pk":{"S":"b"}}}}],
		"two":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}}]}}`, `{"UnprocessedItems":{}}`)
	c.want("BatchWriteItem", `{"RequestItems":{"one":[{"DeleteRequest":{"Key":{"pk":{"S":"b"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"none"}}}}]},"ReturnConsumedCapacity":"TOTAL"}`,
		`{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"one","CapacityUnits":2.0}]}`)
	// A table without a hit still has a list; nothing is unprocessed, which is said.
	c.want("BatchGetItem", `{"RequestItems":{"one":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}],"ProjectionExpression":"#x","ExpressionAttributeNames":{"#x":"x"}},
		"two":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"2"}}]}}}`, `{"Responses":{"one":[{"x":{"S":"1"}}],"two":[]},"UnprocessedKeys":{}}`)
}

func TestBatchMessages(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N")
	key := func(pk string) string { return `{"pk":{"S":"` + pk + `"},"sk":{"N":"1"}}` }
	keys := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, key(fmt.Sprint(i)))
		}
		return strings.Join(list, ",")
	}
	same := "Provided list of item keys contains duplicates"
	for _, row := range []struct{ operation, body, message string }{
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[` + key("a") + `,` + key("a") + `]}}}`, same},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[{"pk":{"S":"a"}}]}}}`, noMatch},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[` + keys(101) + `]}}}`,
			oneError + "Value at 'RequestItems.tab.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":` + key("a") + `}},{"DeleteRequest":{"Key":` + key("a") + `}}]}}`, same},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, noMatch},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":""},"sk":{"N":"1"}}}}]}}`, emptyKey},
		{"BatchWriteItem", `{"RequestItems":{}}`, "The requestItems parameter is required for BatchWriteItem"},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":""}}}}]}}`, "The parameter cannot be converted to a numeric value"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
	// One bad entry and nothing is written.
	c.invalid("BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":`+key("a")+`}},{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, noMatch)
	c.want("Scan", `{"TableName":"tab","Select":"COUNT"}`, `{"Count":0,"ScannedCount":0}`)
}

func TestBatchGetLeavesTheRestAfter16Megabytes(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	var keys []string
	for i := range 50 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"%d"},"x":{"S":"%s"}}}`, i, strings.Repeat("x", 400_000)))
		keys = append(keys, fmt.Sprintf(`{"pk":{"S":"%d"}}`, i))
	}
	got := c.ok("BatchGetItem", `{"RequestItems":{"tab":{"Keys":[`+strings.Join(keys, ",")+`],"ConsistentRead":true,"ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"pk"}}}}`)
	_, unprocessed, _ := strings.Cut(got, `"UnprocessedKeys":`)
	if n := strings.Count(got, `"S":`); n != 50 {
		t.Errorf("%d keys are answered or given back, want 50", n)
	}
	if !strings.Contains(unprocessed, `"ConsistentRead":true,"ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"pk"}`) {
		t.Errorf("unprocessed keys have lost their parameters: %s", unprocessed)
	}
}

func TestTransactions(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	c.table("two", "pk S")
	put := func(pk, more string) string {
		return `{"Put":{"TableName":"tab","Item":{"pk":{"S":"` + pk + `"}}` + more + `}}`
	}
	absent := `,"ConditionExpression":"attribute_not_exists(pk)"`
	write := func(actions ...string) string { return `{"TransactItems":[` + strings.Join(actions, ",") + `]}` }
	c.want("TransactWriteItems", write(put("a", absent),
		`{"Update":{"TableName":"two","Key":{"pk":{"S":"a"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}`,
		`{"ConditionCheck":{"TableName":"two","Key":{"pk":{"S":"b"}},"ConditionExpression":"attribute_not_exists(pk)"}}`), `{}`)
	c.want("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"two","Key":{"pk":{"S":"a"}},"ProjectionExpression":"n"}},{"Get":{"TableName":"two","Key":{"pk":{"S":"b"}}}}]}`,
		`{"Responses":[{"Item":{"n":{"N":"1"}}},{}]}`)

	// All reasons are told and nothing is done.
	status, body := c.raw("TransactWriteItems", write(put("c", ""), put("a", absent+`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`),
		`{"Update":{"TableName":"two","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET n.x = :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}`))
	if status != 400 {
		t.Error(status)
	}
	same(t, "cancelled", body, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]",
		"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":{"S":"a"}}},
		{"Code":"ValidationError","Message":"The document path provided in the update expression is invalid for update"}]}`)
	// An action that does not fit its table hides the other reasons.
	_, body = c.raw("TransactWriteItems", write(put("a", absent), `{"Put":{"TableName":"two","Item":{"pk":{"N":"1"}}}}`, `{"Delete":{"TableName":"two","Key":{"pk":{"N":"1"}}}}`))
	same(t, "misfits", body, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		"Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError, None]",
		"CancellationReasons":[{"Code":"None"},{"Code":"ValidationError","Message":"`+notInvalid+`Type mismatch for key pk expected: S actual: N"},{"Code":"None"}]}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"c"}}}`, `{}`)

	c.invalid("TransactWriteItems", write(put("x", ""), put("x", absent)), "Transaction request cannot include multiple operations on one item")
	c.invalid("TransactWriteItems", write(put("", "")), emptyKey)
	c.invalid("TransactWriteItems", write(put("x", `,"ConditionExpression":"bad("`)), `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("`)
	c.refused("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"two","Key":{"pk":{"N":"1"}}}}]}`, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError]")
}

func TestTransactionToken(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	write := func(members string) string {
		return `{"ClientRequestToken":"token","ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Update":{` + members + `,"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}]}`
	}
	c.want("TransactWriteItems", write(`"TableName":"tab","Key":{"pk":{"S":"a"}}`), `{"ConsumedCapacity":[{"TableName":"tab","CapacityUnits":2.0,"WriteCapacityUnits":2.0}]}`)
	// The same again, its members in another order: no effect, and it costs a read.
	c.want("TransactWriteItems", write(`"Key":{"pk":{"S":"a"}},"TableName":"tab"`), `{"ConsumedCapacity":[{"TableName":"tab","CapacityUnits":2.0,"ReadCapacityUnits":2.0}]}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ProjectionExpression":"n"}`, `{"Item":{"n":{"N":"1"}}}`)
	status, body := c.raw("TransactWriteItems", write(`"Key":{"pk":{"S":"b"}},"TableName":"tab"`))
	if status != 400 || !strings.Contains(body, "#IdempotentParameterMismatchException") {
		t.Errorf("%d %s", status, body)
	}
}

// Concurrent conditional writes: exactly one wins, counters lose nothing, and
// readers see all of a transaction or nothing.
func TestConcurrentWriters(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 20 {
		wg.Go(func() {
			status, _ := c.raw("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"lock"}},"ConditionExpression":"attribute_not_exists(pk)"}`)
			c.ok("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"count"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`)
			both := func(pk string) string {
				return `{"Update":{"TableName":"tab","Key":{"pk":{"S":"` + pk + `"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}`
			}
			c.ok("TransactWriteItems", `{"TransactItems":[`+both("left")+`,`+both("right")+`]}`)
			got := c.ok("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"tab","Key":{"pk":{"S":"left"}},"ProjectionExpression":"n"}},{"Get":{"TableName":"tab","Key":{"pk":{"S":"right"}},"ProjectionExpression":"n"}}]}`)
			left, right, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(got, `{"Responses":[`), `]}`), `},{`)
			if left+"}" != "{"+right {
				t.Errorf("half a transaction was read: %s", got)
			}
			mu.Lock()
			defer mu.Unlock()
			if status == 200 {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d writers got the lock", won)
	}
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"count"}},"ProjectionExpression":"n"}`, `{"Item":{"n":{"N":"20"}}}`)
}
