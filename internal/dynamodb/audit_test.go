package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Refusals that programs meet rarely, each in DynamoDB's words.
func TestRareMessagesOfItems(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk S", `"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"l","AttributeType":"S"}]`)
	long := strings.Repeat("x", 1025)
	requests := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	puts := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"PutRequest":{"Item":{"pk":{"S":"%d"},"sk":{"S":"x"}}}}`, i))
		}
		return strings.Join(list, ",")
	}
	for _, row := range []struct{ operation, body, message string }{
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"` + long + `"}}}`, notInvalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{"GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"S":"` + long + `"}}}`, notInvalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		{"Scan", `{"TableName":"tab","Select":"COUNT","AttributesToGet":["x"]}`, "Cannot specify the AttributesToGet when choosing to get COUNT"},
		{"BatchWriteItem", `{"RequestItems":{"tab":[` + puts(20) + `],"two":[` + puts(6) + `]}}`, "Too many items requested for the BatchWriteItem call"},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[{}],"ProjectionExpression":"a"},"two":{"Keys":[{}],"AttributesToGet":["a"]}}}`,
			"Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"},
		{"TransactWriteItems", `{"TransactItems":[{}]}`, "TransactItems can only contain one of Check, Put, Update or Delete"},
		{"TransactWriteItems", `{"TransactItems":[` + requests(11, `{"Put":{"TableName":"tab","Item":{"pk":{"S":"`+strings.Repeat("x", 400_000)+`"}}}}`) + `]}`,
			"Transaction request size cannot exceed 4 MB"},
		{"Query", `{"TableName":"tab","KeyConditionExpression":":a = :b","ExpressionAttributeValues":{":a":{"S":"a"},":b":{"S":"b"}}}`,
			"Invalid condition in KeyConditionExpression: No key attribute specified"},
		{"Query", `{"TableName":"tab","KeyConditionExpression":"pk = sk"}`, "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"123456789012345678901234567890123456789"}}}`,
			oneError + "Attempting to store more than 38 significant digits in a Number"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
}

func TestRareMessagesOfTables(t *testing.T) {
	c := newClient(t)
	local := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"IndexName":"lsi%d","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}`, i))
		}
		return `"LocalSecondaryIndexes":[` + strings.Join(list, ",") + `]`
	}
	global := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, globalIndex(fmt.Sprintf("gsi%d", i), "sk", "ALL"))
		}
		return `"GlobalSecondaryIndexes":[` + strings.Join(list, ",") + `]`
	}
	c.invalid("CreateTable", createTable("tab", "pk S, sk S", local(6)), notInvalid+"Number of LocalSecondaryIndexes exceeds per-table limit of 5")
	c.invalid("CreateTable", createTable("tab", "pk S, sk S", global(21)), notInvalid+"GlobalSecondaryIndex count exceeds the per-table limit of 20")
	c.table("tab", "pk S, sk S", local(5), global(20))
	for _, row := range []struct{ change, message string }{
		{`"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"gsi1","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}},{"Delete":{"IndexName":"gsi1"}}]`,
			notInvalid + "Only one global secondary index update per index is allowed simultaneously. Index: gsi1"},
		{`"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"gsi1","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}},"Delete":{"IndexName":"gsi1"}}]`,
			"Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"},
		{`"DeletionProtectionEnabled":true,"GlobalSecondaryIndexUpdates":[]`, notInvalid + "List of GlobalSecondaryIndexUpdates is empty"},
		{`"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"lsi1","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}}]`,
			"Cannot update an index that is not a GlobalSecondaryIndex: lsi1"},
		{`"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"gsi1","ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}}]`,
			"The only Updates for index: gsi1 when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"},
		{`"StreamSpecification":{"StreamEnabled":false,"StreamViewType":"NEW_IMAGE"}`, notInvalid + "If stream is being disabled, then UpdateViewType must not be specified"},
		{`"AttributeDefinitions":[{"AttributeName":"sk","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":` + globalIndex("fresh", "sk", "ALL") + `}]`,
			notInvalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20"},
	} {
		c.invalid("UpdateTable", `{"TableName":"tab",`+row.change+`}`, row.message)
	}
	c.table("two", "pk S, sk S")
	c.invalid("UpdateTable", `{"TableName":"two","AttributeDefinitions":[{"AttributeName":"sk","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":`+globalIndex("fresh", "sk", "ALL")+`}]}`,
		notInvalid+"Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: sk S New schema: sk N")
	var tags []string
	for i := range 51 {
		tags = append(tags, fmt.Sprintf(`{"Key":"k%d","Value":""}`, i))
	}
	const arn = `"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/two"`
	c.invalid("TagResource", `{`+arn+`,"Tags":[`+strings.Join(tags, ",")+`]}`, "The number of tags exceeds the limit of 50")
	c.refused("DescribeContinuousBackups", `{"TableName":"nope"}`, "TableNotFoundException", "Table not found: nope")
	c.refused("DescribeTimeToLive", `{"TableName":"nope"}`, "ResourceNotFoundException", "Requested resource not found: Table: nope not found")
}

// Limits at which the last size that fits is taken and the next is not.
func TestLimitsAreExact(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	names := func(n int) string { return strings.Repeat("x", n) }
	nested := func(levels int) string {
		return strings.Repeat(`{"M":{"m":`, levels) + `{"S":"x"}` + strings.Repeat("}}", levels)
	}
	actions := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"Delete":{"TableName":"tab","Key":{"pk":{"S":"%d"}}}}`, i))
		}
		return strings.Join(list, ",")
	}
	for _, row := range []struct{ what, operation, fits, not, message string }{
		{"partition key", "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"` + names(2048) + `"}}}`, `{"TableName":"tab","Item":{"pk":{"S":"` + names(2049) + `"}}}`, "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"attribute name", "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"` + names(65535) + `":{"S":""}}}`, `{"TableName":"tab","Item":{"pk":{"S":"a"},"` + names(65536) + `":{"S":""}}}`, "Attribute name is too large"},
		{"nesting", "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"m":` + nested(31) + `}}`, `{"TableName":"tab","Item":{"pk":{"S":"a"},"m":` + nested(32) + `}}`, "Nesting Levels have exceeded supported limits"},
		{"actions", "TransactWriteItems", `{"TransactItems":[` + actions(100) + `]}`, `{"TransactItems":[` + actions(101) + `]}`, "Member must have length less than or equal to 100"},
		{"token", "TransactWriteItems", `{"ClientRequestToken":"` + names(36) + `","TransactItems":[` + actions(1) + `]}`, `{"ClientRequestToken":"` + names(37) + `","TransactItems":[` + actions(1) + `]}`, "Member must have length less than or equal to 36"},
		{"segments", "Scan", `{"TableName":"tab","Segment":0,"TotalSegments":1000000}`, `{"TableName":"tab","Segment":0,"TotalSegments":1000001}`, "Member must have value less than or equal to 1000000"},
		{"table name", "DescribeTable", `{"TableName":"tab"}`, `{"TableName":"` + names(256) + `"}`, "Member must have length less than or equal to 255"},
		{"limit of ListTables", "ListTables", `{"Limit":100}`, `{"Limit":101}`, "Member must have value less than or equal to 100"},
		{"tag key", "TagResource", `{"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab","Tags":[{"Key":"` + names(128) + `","Value":"` + names(256) + `"}]}`,
			`{"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab","Tags":[{"Key":"` + names(129) + `","Value":"x"}]}`, "Member must have length less than or equal to 128"},
		{"time to live attribute", "UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"` + names(255) + `"}}`,
			`{"TableName":"tab","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"` + names(256) + `"}}`, "Member must have length less than or equal to 255"},
		{"placeholder", "Scan", `{"TableName":"tab","FilterExpression":"a = :` + names(254) + `","ExpressionAttributeValues":{":` + names(254) + `":{"S":"x"}}}`,
			`{"TableName":"tab","FilterExpression":"a = :` + names(255) + `","ExpressionAttributeValues":{":` + names(255) + `":{"S":"x"}}}`, "ExpressionAttributeValues contains invalid key: The expression attribute map contains a key that is too long;"},
		{"name's placeholder", "Scan", `{"TableName":"tab","ProjectionExpression":"#` + names(254) + `","ExpressionAttributeNames":{"#` + names(254) + `":"a"}}`,
			`{"TableName":"tab","ProjectionExpression":"#` + names(255) + `","ExpressionAttributeNames":{"#` + names(255) + `":"a"}}`, "contains a key that is too long; size of key: 256"},
		{"statement", "ExecuteStatement", `{"Statement":"SELECT * FROM tab --` + names(8172) + `"}`, `{"Statement":"SELECT * FROM tab --` + names(8173) + `"}`, "Member must have length less than or equal to 8192"},
	} {
		if status, got := c.raw(row.operation, row.fits); status != 200 {
			t.Errorf("%s: the largest is refused: %.300s", row.what, got)
		}
		if status, got := c.raw(row.operation, row.not); status != 400 || !strings.Contains(got, row.message) {
			t.Errorf("%s: one more is answered %d %.300s, want %s", row.what, status, got, row.message)
		}
	}
}

// What deployment tools read of a table after they made it.
func TestDescriptionHasWhatToolsRead(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTable", strings.Replace(createTable("tab", "pk S, sk N", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "sk", "KEYS_ONLY")+`]`,
		`"TableClass":"STANDARD_INFREQUENT_ACCESS","DeletionProtectionEnabled":true,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"},"OnDemandThroughput":{"MaxReadRequestUnits":5,"MaxWriteRequestUnits":-1}`), "", "", 0))
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"text":{"S":"hello"}}}`)
	var out struct{ Table map[string]any }
	if err := json.Unmarshal([]byte(c.ok("DescribeTable", `{"TableName":"tab"}`)), &out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"TableStatus": `"ACTIVE"`, "ItemCount": `1`, "TableSizeBytes": `16`, "DeletionProtectionEnabled": `true`,
		"TableClassSummary":     `{"TableClass":"STANDARD_INFREQUENT_ACCESS"}`,
		"OnDemandThroughput":    `{"MaxReadRequestUnits":5,"MaxWriteRequestUnits":-1}`,
		"ProvisionedThroughput": `{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0}`,
		"WarmThroughput":        `{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000,"Status":"ACTIVE"}`,
		"StreamSpecification":   `{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}`,
		"AttributeDefinitions":  `[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]`,
		"GlobalSecondaryIndexes": `[{"IndexName":"gsi","IndexArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab/index/gsi","IndexStatus":"ACTIVE","ItemCount":1,"IndexSizeBytes":7,
			"KeySchema":[{"AttributeName":"sk","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"},
			"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0},"WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000,"Status":"ACTIVE"}}]`,
	} {
		got, _ := json.Marshal(out.Table[name])
		same(t, name, string(got), want)
	}
	for _, name := range []string{"TableArn", "TableId", "CreationDateTime", "LatestStreamArn", "LatestStreamLabel", "BillingModeSummary", "KeySchema"} {
		if out.Table[name] == nil {
			t.Errorf("the description has no %s", name)
		}
	}
	for _, name := range []string{"SSEDescription", "LocalSecondaryIndexes", "Replicas", "RestoreSummary", "ArchivalSummary"} {
		if v, there := out.Table[name]; there {
			t.Errorf("the description has %s: %v", name, v)
		}
	}
}
