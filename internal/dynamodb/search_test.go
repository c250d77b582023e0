package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// page is the answer of a Query or Scan.
type page struct {
	Items               []map[string]map[string]any
	Count, ScannedCount int
	LastEvaluatedKey    json.RawMessage
}

func (c *client) page(operation, body string) page {
	c.t.Helper()
	var p page
	if err := json.Unmarshal([]byte(c.ok(operation, body)), &p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// all reads every page and lists one attribute of the items.
func (c *client) all(operation, body, attribute string) (values []string, pages int) {
	c.t.Helper()
	start := ""
	for {
		p := c.page(operation, strings.TrimSuffix(body, "}")+start+"}")
		pages++
		for _, item := range p.Items {
			for _, v := range item[attribute] {
				values = append(values, fmt.Sprint(v))
			}
		}
		if p.LastEvaluatedKey == nil {
			return values, pages
		}
		start = `,"ExclusiveStartKey":` + string(p.LastEvaluatedKey)
	}
}

func numbers(c *client) {
	c.table("tab", "pk S, sk N")
	for i := range 10 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"%d"},"even":{"BOOL":%t}}}`, i-3, i%2 == 0))
	}
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"b"},"sk":{"N":"1"}}}`)
}

func queryA(condition, values, more string) string {
	return `{"TableName":"tab","KeyConditionExpression":"pk = :p` + condition + `","ExpressionAttributeValues":{":p":{"S":"a"}` + values + `}` + more + `}`
}

func TestQueryConditionsAndOrder(t *testing.T) {
	c := newClient(t)
	numbers(c)
	for _, row := range []struct{ condition, values, more, want string }{
		{"", "", "", "-3 -2 -1 0 1 2 3 4 5 6"},
		{"", "", `,"ScanIndexForward":false`, "6 5 4 3 2 1 0 -1 -2 -3"},
		{" AND sk = :s", `,":s":{"N":"4"}`, "", "4"},
		{" AND sk < :s", `,":s":{"N":"0"}`, "", "-3 -2 -1"},
		{" AND sk <= :s", `,":s":{"N":"0.0"}`, "", "-3 -2 -1 0"},
		{" AND sk > :s", `,":s":{"N":"4.5"}`, "", "5 6"},
		{" AND :s <= sk", `,":s":{"N":"5"}`, "", "5 6"},
		{" AND sk BETWEEN :s AND :t", `,":s":{"N":"-1"},":t":{"N":"1"}`, `,"ScanIndexForward":false`, "1 0 -1"},
	} {
		for _, limit := range []int{0, 1, 2, 3} {
			more := row.more
			if limit > 0 {
				more += fmt.Sprintf(`,"Limit":%d`, limit)
			}
			got, _ := c.all("Query", queryA(row.condition, row.values, more), "sk")
			if strings.Join(got, " ") != row.want {
				t.Errorf("Query%s limit %d: %v, want %s", row.condition, limit, got, row.want)
			}
		}
	}
}

func TestQueryOfStringsBeginsWith(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk S")
	for _, s := range []string{"ab", "abc", "abd\\u0000", "ac", "b", "é"} {
		c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"`+s+`"}}}`)
	}
	got, _ := c.all("Query", queryA(" AND begins_with(sk, :s)", `,":s":{"S":"ab"}`, ""), "sk")
	if want := []string{"ab", "abc", "abd\x00"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPaging(t *testing.T) {
	c := newClient(t)
	numbers(c)
	// A page that ends at Limit has a LastEvaluatedKey even if nothing is left.
	p := c.page("Query", queryA("", "", `,"Limit":10`))
	if p.Count != 10 || p.LastEvaluatedKey == nil {
		t.Errorf("%d items, last key %s", p.Count, p.LastEvaluatedKey)
	}
	if p = c.page("Query", queryA("", "", `,"Limit":11`)); p.Count != 10 || p.LastEvaluatedKey != nil {
		t.Errorf("%d items, last key %s", p.Count, p.LastEvaluatedKey)
	}
	// Limit counts before the filter.
	p = c.page("Query", queryA("", `,":f":{"BOOL":true}`, `,"Limit":3,"FilterExpression":"even = :f"`))
	if p.Count != 2 || p.ScannedCount != 3 || string(p.LastEvaluatedKey) != `{"pk":{"S":"a"},"sk":{"N":"-1"}}` {
		t.Errorf("%+v", p)
	}
	// COUNT has no Items and pages like the others.
	c.want("Query", queryA("", "", `,"Limit":3,"Select":"COUNT"`), `{"Count":3,"ScannedCount":3,"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"-1"}}}`)
	// The starting key need not exist.
	got, _ := c.all("Query", queryA("", "", `,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"4.5"}}`), "sk")
	if !slices.Equal(got, []string{"5", "6"}) {
		t.Errorf("%v", got)
	}
}

func TestPagesEndAtOneMegabyte(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N")
	for i := range 12 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"%d"},"x":{"S":"%s"}}}`, i, strings.Repeat("x", 100_000)))
	}
	for operation, body := range map[string]string{"Query": queryA("", "", ""), "Scan": `{"TableName":"tab"}`} {
		p := c.page(operation, body)
		if p.Count != 11 || p.LastEvaluatedKey == nil {
			t.Errorf("%s: %d items in the first page", operation, p.Count)
		}
		if got, pages := c.all(operation, body, "sk"); len(got) != 12 || pages != 2 {
			t.Errorf("%s: %d items in %d pages", operation, len(got), pages)
		}
	}
}

func TestStartingKeyMessages(t *testing.T) {
	c := newClient(t)
	numbers(c)
	c.table("hash", "pk S")
	bad := "The provided starting key is invalid"
	for _, row := range []struct{ operation, body, message string }{
		{"Query", queryA("", "", `,"ExclusiveStartKey":{"pk":{"S":"a"}}`), bad},
		{"Query", queryA("", "", `,"ExclusiveStartKey":{"pk":{"N":"1"}}`), bad},
		{"Query", queryA("", "", `,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"S":"1"}}`), noMatch},
		{"Scan", `{"TableName":"tab","ExclusiveStartKey":{"pk":{"S":"a"}}}`, bad + ": " + noMatch},
		{"Scan", `{"TableName":"tab","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"S":"1"}}}`, bad + ": " + noMatch},
		{"Query", queryA("", "", `,"ExclusiveStartKey":{"pk":{"S":"b"},"sk":{"N":"1"}}`), "The provided starting key is outside query boundaries based on provided conditions"},
		{"Query", queryA(" AND sk > :s", `,":s":{"N":"2"}`, `,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}}`), "The provided starting key does not match the range key predicate"},
		{"Query", strings.Replace(queryA("", "", `,"ExclusiveStartKey":{"pk":{"S":"a"}}`), "tab", "hash", 1), "The query can return at most one row and cannot be restarted"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
}

func TestParallelScanSegmentsAreDisjointAndComplete(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint(i))
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"%d"}}}`, i))
	}
	slices.Sort(want)
	whole, _ := c.all("Scan", `{"TableName":"tab"}`, "pk")
	for _, total := range []int{1, 2, 3, 7, 5000} {
		var got []string
		for segment := range total {
			part, _ := c.all("Scan", fmt.Sprintf(`{"TableName":"tab","Segment":%d,"TotalSegments":%d,"Limit":7}`, segment, total), "pk")
			got = append(got, part...)
		}
		if !slices.Equal(got, whole) {
			t.Errorf("%d segments give another sequence than one", total)
		}
	}
	if slices.Equal(whole, want) {
		t.Error("a scan is in the order of the keys, not of their hash")
	}
	slices.Sort(whole)
	if !slices.Equal(whole, want) {
		t.Errorf("scan found %d items", len(whole))
	}
	outside := 0
	for segment := range 2 {
		status, body := c.raw("Scan", fmt.Sprintf(`{"TableName":"tab","Segment":%d,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"1"}}}`, segment))
		if status == 400 {
			outside++
			if !strings.Contains(body, "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: ") {
				t.Error(body)
			}
		}
	}
	if outside != 1 {
		t.Errorf("a key belongs to %d of 2 segments", 2-outside)
	}
}

func TestSearchMessages(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N, g S, l S",
		`"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "KEYS_ONLY")+`]`,
		`"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]`)
	onIndex := func(more string) string {
		return `{"TableName":"tab","IndexName":"gsi","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"a"}}` + more + `}`
	}
	for _, row := range []struct{ operation, body, message string }{
		{"Query", `{"TableName":"tab"}`, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"Query", `{"TableName":"tab","IndexName":"none","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`, "The table does not have the specified index: none"},
		{"Query", onIndex(`,"ConsistentRead":true`), "Consistent reads are not supported on global secondary indexes"},
		{"Query", onIndex(`,"Select":"ALL_ATTRIBUTES"`), notInvalid + "Select type ALL_ATTRIBUTES is not supported for global secondary index gsi because its projection type is not ALL"},
		{"Query", onIndex(`,"ProjectionExpression":"x, pk"`), notInvalid + "Global secondary index gsi does not project [x]"},
		{"Query", queryA("", "", `,"FilterExpression":"sk = :p"`), "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		{"Query", queryA("", "", `,"Select":"SPECIFIC_ATTRIBUTES"`), oneError + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{"Scan", `{"TableName":"tab","Select":"SPECIFIC_ATTRIBUTES"}`, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{"Scan", `{"TableName":"tab","Select":"COUNT","ProjectionExpression":"x"}`, "Cannot specify the ProjectionExpression when choosing to get COUNT"},
		{"Scan", `{"TableName":"tab","Select":"ALL_PROJECTED_ATTRIBUTES"}`, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
		{"Scan", `{"TableName":"tab","Segment":0}`, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{"Scan", `{"TableName":"tab","TotalSegments":2}`, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{"Scan", `{"TableName":"tab","Segment":2,"TotalSegments":2}`, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"},
		{"Query", queryA(" AND x = :p", "", ""), "Query condition missed key schema element: sk"},
		{"Query", queryA("", "", `,"ExclusiveStartKey":{}`), "The provided starting key is invalid"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
}

func TestIndexes(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N, g S, l S",
		`"GlobalSecondaryIndexes":[`+globalIndex("all", "g", "ALL")+`,`+globalIndex("keys", "g", "KEYS_ONLY")+
			`,{"IndexName":"some","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["x"]}}]`,
		`"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]`)
	put := func(pk, sk, more string) {
		c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"`+pk+`"},"sk":{"N":"`+sk+`"},"x":{"S":"x"},"y":{"S":"y"}`+more+`}}`)
	}
	put("a", "1", `,"g":{"S":"g"},"l":{"S":"2"}`)
	put("a", "2", `,"g":{"S":"g"},"l":{"S":"1"}`)
	put("b", "3", `,"g":{"S":"g"}`)
	put("b", "4", ``) // sparse: in no index
	query := func(index, more string) string {
		return `{"TableName":"tab","IndexName":"` + index + `","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"g"}}` + more + `}`
	}
	if p := c.page("Query", query("all", "")); p.Count != 3 || len(p.Items[0]) < 5 {
		t.Errorf("%+v", p)
	}
	if p := c.page("Query", query("keys", "")); p.Count != 3 || len(p.Items[0]) != 3 {
		t.Errorf("%+v", p)
	}
	c.want("Query", query("some", `,"ScanIndexForward":false,"Limit":1`),
		`{"Items":[{"g":{"S":"g"},"pk":{"S":"b"},"sk":{"N":"3"},"x":{"S":"x"}}],"Count":1,"ScannedCount":1,"LastEvaluatedKey":{"g":{"S":"g"},"pk":{"S":"b"},"sk":{"N":"3"}}}`)
	for _, index := range []string{"all", "keys", "some"} {
		for _, more := range []string{`,"Limit":1`, `,"Limit":1,"ScanIndexForward":false`} {
			if got, _ := c.all("Query", query(index, more), "sk"); len(got) != 3 {
				t.Errorf("%s: pages of one give %v", index, got)
			}
		}
		if got, _ := c.all("Scan", `{"TableName":"tab","IndexName":"`+index+`","Limit":2}`, "sk"); len(got) != 3 {
			t.Errorf("%s: scan gives %v", index, got)
		}
	}
	// A local index fetches what it does not project.
	local := func(more string) string {
		return `{"TableName":"tab","IndexName":"lsi","KeyConditionExpression":"pk = :v","ExpressionAttributeValues":{":v":{"S":"a"}}` + more + `}`
	}
	c.want("Query", local(`,"Limit":1`), `{"Items":[{"pk":{"S":"a"},"sk":{"N":"2"},"l":{"S":"1"}}],"Count":1,"ScannedCount":1,"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"2"},"l":{"S":"1"}}}`)
	c.want("Query", local(`,"ConsistentRead":true,"ProjectionExpression":"y","ReturnConsumedCapacity":"INDEXES"`),
		`{"Items":[{"y":{"S":"y"}},{"y":{"S":"y"}}],"Count":2,"ScannedCount":2,"ConsumedCapacity":{"TableName":"tab","CapacityUnits":3.0,"Table":{"CapacityUnits":2.0},"LocalSecondaryIndexes":{"lsi":{"CapacityUnits":1.0}}}}`)
	// Removing the index key takes the item out.
	c.ok("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"REMOVE g"}`)
	if p := c.page("Query", query("all", "")); p.Count != 2 {
		t.Errorf("%d entries after removing a key", p.Count)
	}
}

func TestMultiAttributeIndexKeys(t *testing.T) {
	c := newClient(t)
	key := func(name, typ string) string { return `{"AttributeName":"` + name + `","KeyType":"` + typ + `"}` }
	c.table("tab", "pk S, h1 S, h2 N, a S, b N",
		`"GlobalSecondaryIndexes":[{"IndexName":"gsi","KeySchema":[`+key("h1", "HASH")+`,`+key("h2", "HASH")+`,`+key("a", "RANGE")+`,`+key("b", "RANGE")+`],"Projection":{"ProjectionType":"ALL"}}]`)
	c.ok("DescribeTable", `{"TableName":"tab"}`)
	for i, ab := range []string{"x 1", "x 2", "y 0", "x 10"} {
		a, b, _ := strings.Cut(ab, " ")
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"%d"},"h1":{"S":"h"},"h2":{"N":"7"},"a":{"S":"%s"},"b":{"N":"%s"}}}`, i, a, b))
	}
	query := func(condition string) string {
		values := `":h":{"S":"h"},":n":{"N":"7"}`
		if strings.Contains(condition, ":a") {
			values += `,":a":{"S":"x"}`
		}
		if strings.Contains(condition, ":b") {
			values += `,":b":{"N":"1"}`
		}
		return `{"TableName":"tab","IndexName":"gsi","Limit":1,"KeyConditionExpression":"h1 = :h AND h2 = :n` + condition + `","ExpressionAttributeValues":{` + values + `}}`
	}
	for condition, want := range map[string]string{
		"":                       "0 1 3 2",
		" AND a = :a":            "0 1 3",
		" AND a = :a AND b > :b": "1 3",
		" AND a > :a":            "2",
	} {
		if got, _ := c.all("Query", query(condition), "pk"); strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", condition, got, want)
		}
	}
	c.invalid("Query", query(" AND b = :b"), "RANGE key attributes a must have equality conditions specified in the query because a condition is present on key attribute b")
	c.invalid("Query", `{"TableName":"tab","IndexName":"gsi","KeyConditionExpression":"h1 = :h","ExpressionAttributeValues":{":h":{"S":"h"}}}`, "HASH key attributes h2 must have equality conditions specified in the query")
	c.table("two", "pk S, h1 S, h2 N", `"GlobalSecondaryIndexes":[{"IndexName":"gsi","KeySchema":[`+key("h1", "HASH")+`,`+key("h2", "HASH")+`],"Projection":{"ProjectionType":"ALL"}}]`)
}

// KeyConditions are the only older parameter that may stand beside expressions.
func TestKeyConditionsBesideExpressions(t *testing.T) {
	c := newClient(t)
	numbers(c)
	const key = `{"TableName":"tab","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]},"sk":{"ComparisonOperator":"GE","AttributeValueList":[{"N":"5"}]}}`
	c.want("Query", key+`,"ProjectionExpression":"sk","FilterExpression":"even = :t","ExpressionAttributeValues":{":t":{"BOOL":true}}}`,
		`{"Items":[{"sk":{"N":"5"}}],"Count":1,"ScannedCount":2}`)
	c.invalid("Query", key+`,"KeyConditionExpression":"pk = :t","ExpressionAttributeValues":{":t":{"S":"a"}}}`,
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}")
	c.invalid("Query", key+`,"AttributesToGet":["sk"],"FilterExpression":"even = :t","ExpressionAttributeValues":{":t":{"BOOL":true}}}`,
		"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {FilterExpression}")
}
