package tables

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	definitions   = `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"l","AttributeType":"S"}]`
	primary       = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]`
	localIndex    = `{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a"]}}`
	units         = `"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}`
	shape         = definitions + `,` + primary + `,"LocalSecondaryIndexes":[` + localIndex + `],"GlobalSecondaryIndexes":[`
	added         = `"AttributeDefinitions":[{"AttributeName":"late","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"added","KeySchema":[{"AttributeName":"late","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]`
	globalIndex   = `{"IndexName":"gsi","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}`
	onDemandTable = `{"TableName":"tab-a","BillingMode":"PAY_PER_REQUEST",` + shape + globalIndex + `}]}`
	unitsTable    = `{"TableName":"tab-b",` + units + `,` + shape + globalIndex + `,` + units + `}]}`
)

func named(operation, table, rest string) line {
	if rest != "" {
		rest = "," + rest
	}
	return line{operation: operation, body: `{"TableName":"` + table + `"` + rest + `}`}
}

func records7(table string) (out []line) {
	for i := range 7 {
		late := ""
		if i%2 == 0 {
			late = fmt.Sprintf(`,"late":{"S":"x%d"}`, i%4)
		}
		out = append(out, named("PutItem", table, fmt.Sprintf(`"Item":{"pk":{"S":"p"},"sk":{"N":"%d"},"a":{"N":"%d"}%s}`, i, i, late)))
	}
	return out
}

// control is played in order; after every call the tables are described once
// they have settled.
var control = slices.Concat([]line{
	{operation: "CreateTable", body: onDemandTable},
	{operation: "CreateTable", body: unitsTable},
	{operation: "CreateTable", body: strings.Replace(tableOne, `"one"`, `"tab-c"`, 1)},
	{operation: "CreateTable", body: strings.Replace(tableOne, `"one"`, `"tab-d"`, 1)},
}, records7("tab-a"), []line{
	// Global indexes come, are filled with what is there, and go.
	named("UpdateTable", "tab-a", added),
	named("Scan", "tab-a", `"IndexName":"added"`),
	named("Query", "tab-a", `"IndexName":"added","KeyConditionExpression":"late = :v","ExpressionAttributeValues":{":v":{"S":"x2"}}`),
	named("UpdateTable", "tab-a", added),
	named("PutItem", "tab-a", `"Item":{"pk":{"S":"p"},"sk":{"N":"1"},"late":{"S":"x2"}}`),
	named("Scan", "tab-a", `"IndexName":"added"`),
	named("UpdateTable", "tab-a", `"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"gsi"}}]`),
	named("Scan", "tab-a", `"IndexName":"gsi"`),
	named("UpdateTable", "tab-a", `"GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"gsi"}}]`).but("400 ResourceNotFoundException: Requested resource not found"),

	// Throughput and billing mode.
	named("UpdateTable", "tab-b", `"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":8}`),
	named("UpdateTable", "tab-b", `"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"gsi","ProvisionedThroughput":{"ReadCapacityUnits":9,"WriteCapacityUnits":9}}}]`),
	named("UpdateTable", "tab-b", `"BillingMode":"PAY_PER_REQUEST"`),
	named("UpdateTable", "tab-c", `"BillingMode":"PROVISIONED",`+units),
	named("UpdateTable", "tab-d", `"BillingMode":"PROVISIONED"`).but("400 ValidationException: No provisioned throughput"),

	// Streams and deletion protection.
	named("UpdateTable", "tab-c", `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`),
	named("UpdateTable", "tab-c", `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`).but("400 ValidationException: Table already has an enabled stream"),
	named("UpdateTable", "tab-c", `"StreamSpecification":{"StreamEnabled":false}`),
	named("UpdateTable", "tab-c", `"DeletionProtectionEnabled":true`),
	named("DeleteTable", "tab-c", ""),
	named("UpdateTable", "tab-c", `"DeletionProtectionEnabled":false`),

	// Time to live and tags of no interest to others.
	named("UpdateTimeToLive", "tab-d", `"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}`),
	named("DescribeTimeToLive", "tab-d", ""),
	named("DescribeTimeToLive", "tab-a", ""),

	// Pages of names. The template's own table comes before them.
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab"}`},
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab","Limit":2}`},
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab-b","Limit":2}`},
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab-b","Limit":3}`},
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab-d"}`},

	// Definitions with one mistake each.
	{operation: "CreateTable", body: strings.Replace(onDemandTable, `"tab-a"`, `"t"`, 1), local: "400 ValidationException: Invalid table/index name"},
	{operation: "CreateTable", body: `{"TableName":"tab-x","BillingMode":"PAY_PER_REQUEST",` + definitions + `,` + primary + `}`,
		local: "400 ValidationException: The number of attributes in key schema"},
	{operation: "CreateTable", body: `{"TableName":"tab-x","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],` + primary + `}`,
		local: "400 ValidationException: Range Key not specified"},
	{operation: "CreateTable", body: `{"TableName":"its-own","BillingMode":"PAY_PER_REQUEST",` + units + `,` + shape + globalIndex + `}]}`,
		local: `{"TableDescription"`},
	{operation: "CreateTable", body: `{"TableName":"tab-x",` + shape + globalIndex + `}]}`,
		local: "400 ValidationException: No provisioned throughput specified"},
	{operation: "CreateTable", body: `{"TableName":"tab-x","BillingMode":"PAY_PER_REQUEST",` + shape + globalIndex + `},` + globalIndex + `}]}`,
		local: "400 ValidationException: Two global secondary indices"},

	named("DeleteTable", "tab-a", ""),
	named("DeleteTable", "tab-b", ""),
	named("DeleteTable", "tab-c", ""),
	named("DeleteTable", "tab-d", ""),
	{operation: "ListTables", body: `{"ExclusiveStartTableName":"tab"}`},
})

// own are the members of a description that are a server's own: names, times,
// what AWS takes seconds to change, and what only one of the two shows.
var own = []string{
	"TableArn", "TableId", "IndexArn", "LatestStreamArn", "LatestStreamLabel", "CreationDateTime", "LastIncreaseDateTime",
	"LastDecreaseDateTime", "LastUpdateToPayPerRequestDateTime", "WarmThroughput", "OnDemandThroughput", "TableSizeBytes", "IndexSizeBytes",
}

// described is an answer without what is a server's own; statuses are kept
// only of settled tables.
func described(v any, settled bool) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range own {
			delete(v, name)
		}
		if !settled {
			for _, name := range []string{"TableStatus", "IndexStatus", "Backfilling", "ItemCount"} {
				delete(v, name)
			}
		}
		summary, _ := v["BillingModeSummary"].(map[string]any)
		for name, member := range v {
			if indexes, ok := member.([]any); ok && name == "GlobalSecondaryIndexes" {
				for _, index := range indexes {
					throughput(index.(map[string]any), summary["BillingMode"] == "PAY_PER_REQUEST")
				}
			}
			v[name] = described(member, settled)
			if list, ok := member.([]any); ok && (name == "AttributeDefinitions" || strings.HasSuffix(name, "SecondaryIndexes")) {
				slices.SortFunc(list, func(a, b any) int {
					x, _ := json.Marshal(a)
					y, _ := json.Marshal(b)
					return strings.Compare(string(x), string(y))
				})
			}
		}
	case []any:
		for i := range v {
			v[i] = described(v[i], settled)
		}
	}
	return v
}

// throughput takes from an index what DynamoDB Local does not show of it.
func throughput(index map[string]any, onDemand bool) {
	if onDemand {
		delete(index, "ProvisionedThroughput") // AWS shows zeros
	} else if units, ok := index["ProvisionedThroughput"].(map[string]any); ok {
		delete(units, "NumberOfDecreasesToday")
	}
}

// settle waits until a table and its indexes are as asked for, and describes it.
func settle(t *testing.T, s *server, table string) answer {
	t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		a := must(t, s, request{"DescribeTable", `{"TableName":"` + table + `"}`})
		busy := false
		for _, status := range []string{"CREATING", "UPDATING", "DELETING"} {
			busy = busy || strings.Contains(a.raw, `Status":"`+status+`"`)
		}
		if !busy {
			return a
		}
		if time.Now().After(until) {
			t.Fatalf("%s: table %s does not settle: %s", s.name, table, a.raw)
		}
	}
}

// Tables are made, changed, listed and deleted alike, and described alike.
func TestTableControlAgreesWithDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Java")
	}
	t.Parallel()
	suiro, local := startSuiro(t), startLocal(t)
	for _, l := range control {
		r := request{l.operation, l.body}
		ours, theirs := must(t, suiro, r), must(t, local, r)
		if l.operation == "DeleteTable" { // DynamoDB Local shows all of the table
			for _, a := range []answer{ours, theirs} {
				if d, ok := a.body["TableDescription"].(map[string]any); ok {
					a.body["TableDescription"] = d["TableName"]
				}
			}
		}
		sameControl(t, l, ours, theirs, false)
		if l.operation != "CreateTable" && l.operation != "UpdateTable" || ours.status != 200 {
			continue
		}
		name := ours.body["TableDescription"].(map[string]any)["TableName"].(string)
		sameControl(t, line{"DescribeTable", l.body, ""}, settle(t, suiro, name), settle(t, local, name), true)
	}
}

func sameControl(t *testing.T, l line, ours, theirs answer, settled bool) {
	t.Helper()
	r := request{l.operation, l.body}
	described(ours.body, settled)
	described(theirs.body, settled)
	got, want := normal(r, ours), normal(r, theirs)
	switch {
	case l.local == "" && got != want:
		t.Errorf("%s after %s\n         suiro %s\nDynamoDB Local %s", l.operation, l.body, got, want)
	case l.local != "" && (got == want || !strings.HasPrefix(want, l.local)):
		t.Errorf("%s %s\nno longer differs as said:\n         suiro %s\nDynamoDB Local %s", l.operation, l.body, got, want)
	}
}
