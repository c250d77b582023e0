package dynamodb_test

import (
	"strings"
	"testing"
)

const (
	noMatch     = "The provided key element does not match the schema"
	oneError    = "1 validation error detected: "
	notInvalid  = "One or more parameter values were invalid: "
	emptyKey    = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
	resourceGap = "Requested resource not found"
)

func TestPutAndGet(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	c.want("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"n":{"N":"042.50"},"m":{"M":{"x":{"L":[{"BOOL":true}]}}}}}`, `{}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}}}`,
		`{"Item":{"pk":{"S":"a"},"n":{"N":"42.5"},"m":{"M":{"x":{"L":[{"BOOL":true}]}}}}}`)
	c.want("GetItem", `{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab","Key":{"pk":{"S":"a"}},"ProjectionExpression":"m.x[0], n"}`,
		`{"Item":{"n":{"N":"42.5"},"m":{"M":{"x":{"L":[{"BOOL":true}]}}}}}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"AttributesToGet":["n"]}`, `{"Item":{"n":{"N":"42.5"}}}`)
	// A missing item answers {}, an item of which nothing is asked for an empty one.
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"b"}}}`, `{}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ProjectionExpression":"zz"}`, `{"Item":{}}`)
}

func TestPutReplacesAndReturnsTheOldItem(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	c.want("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"x":{"S":"1"}},"ReturnValues":"ALL_OLD"}`, `{}`)
	c.want("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"y":{"S":"2"}},"ReturnValues":"ALL_OLD"}`, `{"Attributes":{"pk":{"S":"a"},"x":{"S":"1"}}}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}}}`, `{"Item":{"pk":{"S":"a"},"y":{"S":"2"}}}`)
	c.want("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"}`, `{"Attributes":{"pk":{"S":"a"},"y":{"S":"2"}}}`)
	c.want("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"}`, `{}`)
}

func TestKeysAreEqualByValue(t *testing.T) {
	c := newClient(t)
	c.table("num", "pk N")
	c.ok("PutItem", `{"TableName":"num","Item":{"pk":{"N":"1.0"},"x":{"S":"1"}}}`)
	c.want("GetItem", `{"TableName":"num","Key":{"pk":{"N":"1e0"}}}`, `{"Item":{"pk":{"N":"1"},"x":{"S":"1"}}}`)
}

func TestKeyMessages(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N")
	long := strings.Repeat("x", 2049)
	for _, row := range []struct{ operation, content, message string }{
		{"PutItem", `"Item":{"sk":{"N":"1"}}`, notInvalid + "Missing the key pk in the item"},
		{"PutItem", `"Item":{"pk":{"S":"a"}}`, notInvalid + "Missing the key sk in the item"},
		{"PutItem", `"Item":{"pk":{"N":"1"},"sk":{"N":"1"}}`, notInvalid + "Type mismatch for key pk expected: S actual: N"},
		{"PutItem", `"Item":{"pk":{"S":""},"sk":{"N":"1"}}`, emptyKey},
		{"PutItem", `"Item":{"pk":{"S":"` + long + `"},"sk":{"N":"1"}}`, notInvalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"GetItem", `"Key":{"pk":{"S":"a"}}`, noMatch},
		{"GetItem", `"Key":{"pk":{"S":"a"},"sk":{"S":"1"}}`, noMatch},
		{"GetItem", `"Key":{"pk":{"S":"a"},"sk":{"N":"1"},"z":{"N":"1"}}`, noMatch},
		{"GetItem", `"Key":{"pk":{"S":""},"sk":{"N":"1"}}`, emptyKey},
		{"GetItem", `"Key":{"pk":{"S":"` + long + `"},"sk":{"N":"1"}}`, notInvalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"DeleteItem", `"Key":{"pk":{"S":"a"}}`, noMatch},
		{"UpdateItem", `"Key":{"sk":{"N":"1"}}`, noMatch},
		{"UpdateItem", `"Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET pk = :v","ExpressionAttributeValues":{":v":{"S":"a"}}`,
			notInvalid + "Cannot update attribute pk. This attribute is part of the key"},
		{"UpdateItem", `"Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET x = sk.y"`,
			"Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk"},
	} {
		c.invalid(row.operation, `{"TableName":"tab",`+row.content+`}`, row.message)
	}
}

func TestIndexKeyMessages(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N, g S, h S", `"GlobalSecondaryIndexes":[`+globalIndex("zzz", "g", "ALL")+`,`+globalIndex("aaa", "g", "ALL")+`,`+globalIndex("hhh", "h", "ALL")+`]`)
	key := `"pk":{"S":"a"},"sk":{"N":"1"}`
	c.invalid("PutItem", `{"TableName":"tab","Item":{`+key+`,"g":{"N":"1"}}}`, notInvalid+"Type mismatch for Index Key g Expected: S Actual: N IndexName: aaa")
	c.invalid("PutItem", `{"TableName":"tab","Item":{`+key+`,"h":{"S":""}}}`,
		"One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: hhh, IndexKey: h")
	c.invalid("UpdateItem", `{"TableName":"tab","Key":{`+key+`},"UpdateExpression":"SET g = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`,
		notInvalid+"Type mismatch for Index Key g Expected: S Actual: N IndexName: aaa")
	c.invalid("UpdateItem", `{"TableName":"tab","Key":{`+key+`},"UpdateExpression":"SET h = :v","ExpressionAttributeValues":{":v":{"S":""}}}`,
		"One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.")
	c.want("Scan", `{"TableName":"tab","Select":"COUNT"}`, `{"Count":0,"ScannedCount":0}`)
}

func globalIndex(name, hash, projection string) string {
	return `{"IndexName":"` + name + `","KeySchema":[{"AttributeName":"` + hash + `","KeyType":"HASH"}],"Projection":{"ProjectionType":"` + projection + `"}}`
}

func TestMemberConstraints(t *testing.T) {
	c := newClient(t)
	constraint := "failed to satisfy constraint: Member must "
	for _, row := range []struct{ operation, body, message string }{
		{"PutItem", `{"TableName":"","Item":{},"ReturnValues":"NO"}`, oneError + "Value at 'TableName' " + constraint + "have length greater than or equal to 1"},
		{"GetItem", `{"TableName":"a b","Key":{}}`, oneError + "Value at 'TableName' " + constraint + "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
		{"PutItem", `{"Item":{}}`, oneError + "Value null at 'tableName' " + constraint + "not be null"},
		{"PutItem", `{}`, "2 validation errors detected: Value null at 'tableName' " + constraint + "not be null; Value null at 'item' " + constraint + "not be null"},
		{"UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"NO"}`,
			oneError + "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"DeleteRequest":{"Key":{}}}]},"ReturnConsumedCapacity":"BOGUS","ReturnItemCollectionMetrics":"BOGUS2"}`,
			"2 validation errors detected: Value 'BOGUS' at 'returnConsumedCapacity' " + constraint + "satisfy enum value set: [INDEXES, TOTAL, NONE]; " +
				"Value 'BOGUS2' at 'returnItemCollectionMetrics' " + constraint + "satisfy enum value set: [SIZE, NONE]"},
		{"Query", `{"TableName":"tab","Limit":0}`, oneError + "Value at 'Limit' " + constraint + "have value greater than or equal to 1"},
		{"Scan", `{"TableName":"tab","Limit":0}`, oneError + "Value '0' at 'limit' " + constraint + "have value greater than or equal to 1"},
		{"UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"Enabled":true}}`,
			oneError + "Value null at 'timeToLiveSpecification.attributeName' " + constraint + "not be null"},
		{"BatchGetItem", `{"RequestItems":{}}`, oneError + "Value at 'RequestItems' " + constraint + "have length greater than or equal to 1"},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[]}}}`, oneError + "Value at 'RequestItems.tab.member.Keys' " + constraint + "have length greater than or equal to 1"},
		{"TransactWriteItems", `{"TransactItems":[]}`, oneError + "Value '[]' at 'transactItems' " + constraint + "have length greater than or equal to 1"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
}

// Refusals that need nothing but the request come wrapped from the operations
// that write one item, and bare from the others; those that need the table are
// always bare.
func TestWrappedMessages(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	key := `"TableName":"tab","Key":{"pk":{"S":"a"}}`
	unused := "Value provided in ExpressionAttributeNames unused in expressions: keys: {#u}"
	for _, row := range []struct{ operation, body, message string }{
		{"DeleteItem", `{` + key + `,"ConditionExpression":"a = :v"}`, oneError + "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"},
		{"UpdateItem", `{` + key + `,"UpdateExpression":"SET a = b","ExpressionAttributeNames":{"#u":"u"}}`, oneError + unused},
		{"GetItem", `{` + key + `,"ProjectionExpression":"a","ExpressionAttributeNames":{"#u":"u"}}`, unused},
		{"Scan", `{"TableName":"tab","FilterExpression":"attribute_exists(a)","ExpressionAttributeNames":{"#u":"u"}}`, unused},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"x":{}}}`, oneError + "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"}},"ReturnValues":"ALL_NEW"}`, oneError + "ReturnValues can only be ALL_OLD or NONE"},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"x":{"N":"abc"}}}`, oneError + "The parameter cannot be converted to a numeric value: abc"},
		{"UpdateItem", `{` + key + `,"UpdateExpression":"SET a = :v","AttributeUpdates":{"a":{"Action":"PUT","Value":{"S":"x"}}},"ExpressionAttributeValues":{":v":{"S":"x"}}}`,
			oneError + "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}"},
		{"GetItem", `{` + key + `,"ExpressionAttributeNames":{"#u":"u"}}`, "ExpressionAttributeNames can only be specified when using expressions"},
		{"UpdateItem", `{` + key + `,"UpdateExpression":"SET a = b"}`, "The provided expression refers to an attribute that does not exist in the item"},
	} {
		c.invalid(row.operation, row.body, row.message)
	}
}

func TestItemSizeGate(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	put := func(n int) string {
		// "pk" + "a" + "x" + value
		return `{"TableName":"tab","Item":{"pk":{"S":"a"},"x":{"S":"` + strings.Repeat("x", n-4) + `"}}}`
	}
	c.ok("PutItem", put(409600))
	c.invalid("PutItem", put(409601), oneError+"Item size has exceeded the maximum allowed size")
	c.invalid("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET y = :v","ExpressionAttributeValues":{":v":{"S":"y"}}}`,
		"Item size to update has exceeded the maximum allowed size")
}

func TestConditions(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	failed := "The conditional request failed"
	put := `{"TableName":"tab","Item":{"pk":{"S":"a"},"n":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)"`
	c.ok("PutItem", put+`}`)
	c.refused("PutItem", put+`}`, "ConditionalCheckFailedException", failed)
	status, body := c.raw("PutItem", put+`,"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`)
	if status != 400 {
		t.Error(status)
	}
	same(t, "failed condition", body, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"`+failed+`","Item":{"pk":{"S":"a"},"n":{"N":"1"}}}`)
	c.refused("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"none"}},"ConditionExpression":"attribute_exists(pk)"}`, "ConditionalCheckFailedException", failed)
	c.refused("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"Expected":{"n":{"Value":{"N":"2"}}}}`, "ConditionalCheckFailedException", failed)
	c.want("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"Expected":{"n":{"ComparisonOperator":"GE","AttributeValueList":[{"N":"1"}]}}}`, `{}`)
}

func TestUpdateReturnValues(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	update := func(returns, expression, values string) string {
		return `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"` + returns + `","UpdateExpression":"` + expression + `","ExpressionAttributeValues":{` + values + `}}`
	}
	c.want("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"bare"}},"ReturnValues":"ALL_NEW"}`, `{"Attributes":{"pk":{"S":"bare"}}}`)
	c.want("UpdateItem", update("ALL_OLD", "SET m = :m", `":m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}`), `{}`)
	c.want("UpdateItem", update("UPDATED_OLD", "SET m.x = :v, z = :v", `":v":{"N":"5"}`), `{"Attributes":{"m":{"M":{"x":{"N":"1"}}}}}`)
	c.want("UpdateItem", update("UPDATED_NEW", "SET m.x = m.x + :v", `":v":{"N":"1"}`), `{"Attributes":{"m":{"M":{"x":{"N":"6"}}}}}`)
	c.want("UpdateItem", update("ALL_NEW", "ADD z :v", `":v":{"N":"1"}`), `{"Attributes":{"pk":{"S":"a"},"m":{"M":{"x":{"N":"6"},"y":{"N":"2"}}},"z":{"N":"6"}}}`)
	c.want("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ReturnValues":"UPDATED_NEW","UpdateExpression":"REMOVE z"}`, `{}`)
	// An update that only removes makes the item for an expression, not for
	// the older parameters.
	c.want("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"new"}},"ReturnValues":"ALL_NEW","UpdateExpression":"REMOVE z"}`, `{}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"new"}}}`, `{}`)
	c.ok("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"none"}},"AttributeUpdates":{"z":{"Action":"DELETE"}}}`)
	c.want("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"none"}}}`, `{}`)
	c.want("UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"none"}},"AttributeUpdates":{"z":{"Action":"ADD","Value":{"N":"3"}}},"ReturnValues":"UPDATED_NEW"}`, `{"Attributes":{"z":{"N":"3"}}}`)
}

func TestMissingTable(t *testing.T) {
	c := newClient(t)
	for operation, body := range map[string]string{
		"PutItem":            `{"TableName":"none","Item":{"pk":{"S":"a"}}}`,
		"GetItem":            `{"TableName":"none","Key":{"pk":{"S":"a"}}}`,
		"Scan":               `{"TableName":"none"}`,
		"Query":              `{"TableName":"none","KeyConditionExpression":"pk = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`,
		"BatchGetItem":       `{"RequestItems":{"none":{"Keys":[{"pk":{"S":"a"}}]}}}`,
		"BatchWriteItem":     `{"RequestItems":{"none":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`,
		"TransactGetItems":   `{"TransactItems":[{"Get":{"TableName":"none","Key":{"pk":{"S":"a"}}}}]}`,
		"TransactWriteItems": `{"TransactItems":[{"Delete":{"TableName":"none","Key":{"pk":{"S":"a"}}}}]}`,
	} {
		c.refused(operation, body, "ResourceNotFoundException", resourceGap)
	}
	for _, operation := range []string{"DescribeTable", "DeleteTable", "DescribeTimeToLive"} {
		c.refused(operation, `{"TableName":"none"}`, "ResourceNotFoundException", resourceGap+": Table: none not found")
	}
}

func TestConsumedCapacity(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N, g S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "KEYS_ONLY")+`]`)
	big := strings.Repeat("x", 5000)
	key := `"Key":{"pk":{"S":"a"},"sk":{"N":"1"}}`
	c.want("PutItem", `{"TableName":"tab","ReturnConsumedCapacity":"TOTAL","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"`+big+`"}}}`,
		`{"ConsumedCapacity":{"TableName":"tab","CapacityUnits":5.0}}`)
	c.want("GetItem", `{"TableName":"tab","ReturnConsumedCapacity":"TOTAL",`+key+`,"ProjectionExpression":"sk"}`,
		`{"Item":{"sk":{"N":"1"}},"ConsumedCapacity":{"TableName":"tab","CapacityUnits":1.0}}`)
	c.want("GetItem", `{"TableName":"tab","ReturnConsumedCapacity":"INDEXES",`+key+`,"ConsistentRead":true,"ProjectionExpression":"sk"}`,
		`{"Item":{"sk":{"N":"1"}},"ConsumedCapacity":{"TableName":"tab","CapacityUnits":2.0,"Table":{"CapacityUnits":2.0}}}`)
	update := func(value string) string {
		return `{"TableName":"tab","ReturnConsumedCapacity":"INDEXES",` + key + `,"UpdateExpression":"SET g = :v REMOVE x","ExpressionAttributeValues":{":v":{"S":"` + value + `"}}}`
	}
	c.want("UpdateItem", update("1"), `{"ConsumedCapacity":{"TableName":"tab","CapacityUnits":6.0,"Table":{"CapacityUnits":5.0},"GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":1.0}}}}`)
	c.want("UpdateItem", update("2"), `{"ConsumedCapacity":{"TableName":"tab","CapacityUnits":3.0,"Table":{"CapacityUnits":1.0},"GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":2.0}}}}`)
	c.want("UpdateItem", update("2"), `{"ConsumedCapacity":{"TableName":"tab","CapacityUnits":1.0,"Table":{"CapacityUnits":1.0}}}`)
	c.want("Query", `{"TableName":"tab","IndexName":"gsi","Select":"COUNT","ReturnConsumedCapacity":"INDEXES","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"2"}}}`,
		`{"Count":1,"ScannedCount":1,"ConsumedCapacity":{"TableName":"tab","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},"GlobalSecondaryIndexes":{"gsi":{"CapacityUnits":0.5}}}}`)
	c.want("DeleteItem", `{"TableName":"tab","ReturnConsumedCapacity":"TOTAL","Key":{"pk":{"S":"none"},"sk":{"N":"1"}}}`,
		`{"ConsumedCapacity":{"TableName":"tab","CapacityUnits":1.0}}`)
	c.want("TransactWriteItems", `{"ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Delete":{"TableName":"tab",`+key+`}}]}`,
		`{"ConsumedCapacity":[{"TableName":"tab","CapacityUnits":4.0,"WriteCapacityUnits":4.0}]}`)
}

func TestItemCollectionMetrics(t *testing.T) {
	c := newClient(t)
	c.table("lsi", "pk S, sk N, l S", `"LocalSecondaryIndexes":[{"IndexName":"loc","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]`)
	c.table("tab", "pk S")
	put := `"Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnItemCollectionMetrics":"SIZE"}`
	metrics := `{"ItemCollectionKey":{"pk":{"S":"a"}},"SizeEstimateRangeGB":[0.0,1.0]}`
	c.want("PutItem", `{"TableName":"lsi",`+put, `{"ItemCollectionMetrics":`+metrics+`}`)
	c.want("PutItem", `{"TableName":"tab",`+put, `{}`)
	c.want("BatchWriteItem", `{"RequestItems":{"lsi":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}}]},"ReturnItemCollectionMetrics":"SIZE"}`,
		`{"UnprocessedItems":{},"ItemCollectionMetrics":{"lsi":[`+metrics+`]}}`)
}

func TestAttributeNames(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	long := strings.Repeat("n", 65536)
	const item = `{"TableName":"tab","Key":{"pk":{"S":"a"}},`
	for name, text := range map[string]string{"": "Empty attribute name", long: "Attribute name is too large, must be less than 65536 bytes"} {
		c.invalid("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"`+name+`":{"S":"x"}}}`, "1 validation error detected: "+text)
		c.invalid("GetItem", item+`"AttributesToGet":["`+name+`"]}`, text)
		c.invalid("GetItem", item+`"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"`+name+`"}}`, text)
		c.invalid("Scan", `{"TableName":"tab","ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"`+name+`"}}`,
			"ExpressionAttributeNames contains invalid value: "+text+" for key #n")
		c.invalid("UpdateItem", item+`"AttributeUpdates":{"`+name+`":{"Value":{"S":"x"}}}}`, "1 validation error detected: "+text)
	}
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"`+long[1:]+`":{"S":"x"}}}`)
}
