package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCreateTableMessages(t *testing.T) {
	c := newClient(t)
	a := func(names ...string) string {
		var list []string
		for _, n := range names {
			list = append(list, `{"AttributeName":"`+n+`","AttributeType":"S"}`)
		}
		return `"AttributeDefinitions":[` + strings.Join(list, ",") + `]`
	}
	k := func(names ...string) string {
		var list []string
		for _, n := range names {
			name, typ, _ := strings.Cut(n, " ")
			list = append(list, `{"AttributeName":"`+name+`","KeyType":"`+typ+`"}`)
		}
		return `"KeySchema":[` + strings.Join(list, ",") + `]`
	}
	const onDemand = `"BillingMode":"PAY_PER_REQUEST"`
	create := func(parts ...string) string {
		return `{"TableName":"tab",` + strings.Join(parts, ",") + `}`
	}
	index := func(kind, name, key, more string) string {
		return `"` + kind + `SecondaryIndexes":[{"IndexName":"` + name + `",` + key + `,"Projection":{` + more + `}}]`
	}
	all := `"ProjectionType":"ALL"`
	for _, row := range []struct{ body, message string }{
		{`{` + a("a") + `,` + k("a HASH") + `}`, "The parameter 'TableName' is required but was not present in the request"},
		{`{"TableName":"ab",` + a("a") + `,` + k("a HASH") + `}`, oneError + "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{create(a("a"), k("a HASH"), onDemand, `"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}`),
			notInvalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		{create(a("a"), k("a HASH")), notInvalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		{create(a("a"), k("a HASH"), `"ProvisionedThroughput":{"ReadCapacityUnits":1000000000001,"WriteCapacityUnits":1}`),
			"Given value 1000000000001 for ReadCapacityUnits is out of bounds"},
		{create(onDemand, a("a"), k("a HASH", "b RANGE")), "Invalid KeySchema: Some index key attribute have no definition"},
		{create(onDemand, a("b"), k("a HASH")), notInvalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]"},
		{create(onDemand, a("a", "b"), k("a HASH", "a RANGE")), "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		{create(onDemand, a("a"), k("a RANGE")), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
		{create(onDemand, a("a", "b"), k("a HASH", "b HASH")), "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
		{create(onDemand, a("a", "b"), k("a HASH")), notInvalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
		{create(onDemand, a("id", "user", "created_at"), k("id HASH"), index("Global", "gsi", k("user HASH"), all)),
			notInvalid + "Some AttributeDefinitions are not used. AttributeDefinitions: [created_at, id, user], keys used: [id, user]"},
		{strings.Replace(createTable("tab", "pk S"), `"AttributeType":"S"}`, `"AttributeType":"S"},{"AttributeName":"pk","AttributeType":"N"}`, 1),
			notInvalid + "Duplicate attribute name in AttributeDefinitions: pk"},
		{create(onDemand, a("a", "b"), k("a HASH"), index("Global", "gsi", k("b HASH", "a RANGE", "b RANGE"), all)), "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		{create(onDemand, a("a", "b", "c"), k("a HASH"), index("Global", "gsi", k("a HASH", "b RANGE", "c HASH"), all)), "Invalid KeySchema: HASH key attributes must precede RANGE key attributes"},
		{create(onDemand, a("a", "b", "c", "d", "e"), k("a HASH"), index("Global", "gsi", k("a HASH", "b HASH", "c HASH", "d HASH", "e HASH"), all)), notInvalid + "Number of HASH key attributes in the KeySchema exceeds the limit of 4"},
		{create(onDemand, a("a"), k("a HASH"), index("Global", "gsi", k("a HASH"), `"ProjectionType":"INCLUDE","NonKeyAttributes":["x","x"]`)), notInvalid + "Duplicate attribute in NonKeyAttributes: x"},
		{create(onDemand, a("a"), k("a HASH"), `"GlobalSecondaryIndexes":[]`), notInvalid + "List of GlobalSecondaryIndexes is empty"},
		{create(onDemand, a("a", "b"), k("a HASH"), index("Local", "lsi", k("a HASH", "b RANGE"), all)),
			notInvalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"},
		{create(onDemand, a("a", "b"), k("a HASH", "b RANGE"), index("Local", "lsi", k("a HASH"), all)),
			notInvalid + "Index KeySchema does not have a range key for index: lsi"},
		{create(onDemand, a("a", "b"), k("a HASH", "b RANGE"), index("Local", "lsi", k("b HASH", "a RANGE"), all)),
			notInvalid + "Index KeySchema does not have the same leading hash key as table KeySchema for index: lsi. index hash key: b, table hash key: a"},
		{create(onDemand, a("a"), k("a HASH"), index("Global", "gsi", k("a HASH"), "")), notInvalid + "Unknown ProjectionType: null"},
		{create(onDemand, a("a"), k("a HASH"), index("Global", "gsi", k("a HASH"), all+`,"NonKeyAttributes":["x"]`)),
			notInvalid + "ProjectionType is ALL, but NonKeyAttributes is specified"},
		{create(onDemand, a("a"), k("a HASH"), index("Global", "gsi", k("a HASH"), `"ProjectionType":"INCLUDE"`)),
			notInvalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
		{create(onDemand, a("a"), k("a HASH"), `"GlobalSecondaryIndexes":[{"IndexName":"gsi",`+k("a HASH")+`,"Projection":{`+all+`},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}]`),
			notInvalid + "ProvisionedThroughput should not be specified for index: gsi when BillingMode is PAY_PER_REQUEST"},
		{create(onDemand, a("a"), k("a HASH"), `"StreamSpecification":{"StreamEnabled":false,"StreamViewType":"NEW_IMAGE"}`),
			notInvalid + "Table is being created with a stream disabled, UpdateViewType should not be specified"},
		{create(onDemand, a("a"), k("a HASH"), `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "a", "ALL")+`,`+globalIndex("gsi", "a", "ALL")+`]`),
			notInvalid + "Duplicate index name: gsi"},
	} {
		c.invalid("CreateTable", row.body, row.message)
	}
	c.table("tab", "pk S")
	c.refused("CreateTable", createTable("tab", "pk S"), "ResourceInUseException", "Table already exists: tab")
}

type tableDescription struct {
	TableName, TableStatus, TableArn, TableId, LatestStreamArn, LatestStreamLabel string
	ItemCount, TableSizeBytes                                                     int
	CreationDateTime                                                              float64
	AttributeDefinitions                                                          []map[string]string
	GlobalSecondaryIndexes                                                        []struct {
		IndexName, IndexStatus, IndexArn string
		ItemCount                        int
	}
	BillingModeSummary    map[string]any
	ProvisionedThroughput map[string]int
	WarmThroughput        map[string]any
	StreamSpecification   map[string]any
}

func (c *client) describe(name string) tableDescription {
	c.t.Helper()
	var d struct{ Table tableDescription }
	if err := json.Unmarshal([]byte(c.ok("DescribeTable", `{"TableName":"`+name+`"}`)), &d); err != nil {
		c.t.Fatal(err)
	}
	return d.Table
}

func TestTableLifecycle(t *testing.T) {
	c := newClient(t)
	var made struct{ TableDescription tableDescription }
	body := c.ok("CreateTable", createTable("tab", "pk S, sk N", `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`))
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		t.Fatal(err)
	}
	d := made.TableDescription
	if d.TableStatus != "CREATING" || d.WarmThroughput != nil || d.CreationDateTime < 1e9 || len(d.TableId) != 36 ||
		d.ProvisionedThroughput["ReadCapacityUnits"] != 0 || d.BillingModeSummary["BillingMode"] != "PAY_PER_REQUEST" ||
		d.LatestStreamArn != "arn:aws:dynamodb:eu-west-1:123456789012:table/tab/stream/"+d.LatestStreamLabel {
		t.Errorf("%+v", d)
	}
	id := d.TableId
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"abc"},"sk":{"N":"12"}}}`)
	if d = c.describe("tab"); d.TableStatus != "ACTIVE" || d.TableId != id || d.ItemCount != 1 || d.TableSizeBytes != 9 ||
		d.TableArn != "arn:aws:dynamodb:eu-west-1:123456789012:table/tab" {
		t.Errorf("%+v", d)
	}
	gone := c.ok("DeleteTable", `{"TableName":"tab"}`)
	if !strings.Contains(gone, `"TableStatus":"DELETING"`) || strings.Contains(gone, "KeySchema") {
		t.Error(gone)
	}
	c.refused("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"N":"1"}}}`, "ResourceNotFoundException", resourceGap)
	// A new table of that name is empty, whatever is still being removed.
	c.table("tab", "pk S, sk N")
	c.want("Scan", `{"TableName":"tab","Select":"COUNT"}`, `{"Count":0,"ScannedCount":0}`)
}

func TestDeletionProtection(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S", `"DeletionProtectionEnabled":true`)
	c.invalid("DeleteTable", `{"TableName":"tab"}`, "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	c.ok("UpdateTable", `{"TableName":"tab","DeletionProtectionEnabled":false}`)
	c.ok("DeleteTable", `{"TableName":"tab"}`)
}

func TestListTables(t *testing.T) {
	c := newClient(t)
	for _, name := range []string{"bbb", "Zed", "aaa"} {
		c.table(name, "pk S")
	}
	c.want("ListTables", `{}`, `{"TableNames":["Zed","aaa","bbb"]}`)
	c.want("ListTables", `{"Limit":2}`, `{"TableNames":["Zed","aaa"],"LastEvaluatedTableName":"aaa"}`)
	c.want("ListTables", `{"Limit":2,"ExclusiveStartTableName":"aab"}`, `{"TableNames":["bbb"]}`)
}

// eventually waits until a condition holds that work in the background brings
// about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func TestIndexIsAddedToItemsAndRemoved(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	for i := range 1200 {
		value := `{"S":"g"}`
		switch i % 4 {
		case 1:
			value = `{"N":"1"}` // another type: not in the index
		case 2:
			value = `{"S":""}` // empty: not in the index
		case 3:
			if i > 1000 { // too long for a key: not in the index
				value = `{"S":"` + strings.Repeat("g", 40000) + `"}`
			}
		}
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"%d"},"g":%s}}`, i, value))
	}
	add := `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"stale","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[{"Create":` + globalIndex("gsi", "g", "ALL") + `}]}`
	if got := c.ok("UpdateTable", add); !strings.Contains(got, `"TableStatus":"UPDATING"`) || !strings.Contains(got, `"IndexStatus":"CREATING","Backfilling":true`) {
		t.Error(got)
	}
	eventually(t, "index is active", func() bool { return c.describe("tab").GlobalSecondaryIndexes[0].IndexStatus == "ACTIVE" })
	d := c.describe("tab")
	if d.TableStatus != "ACTIVE" || d.GlobalSecondaryIndexes[0].ItemCount != 550 || len(d.AttributeDefinitions) != 2 {
		t.Errorf("%+v", d)
	}
	c.want("Query", `{"TableName":"tab","IndexName":"gsi","Select":"COUNT","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"g"}}}`, `{"Count":550,"ScannedCount":550}`)
	c.ok("UpdateTable", `{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"gsi"}}]}`)
	c.invalid("Query", `{"TableName":"tab","IndexName":"gsi","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"g"}}}`, "The table does not have the specified index: gsi")
	eventually(t, "index is gone", func() bool { return c.describe("tab").GlobalSecondaryIndexes == nil })
	if d := c.describe("tab"); len(d.AttributeDefinitions) != 1 {
		t.Errorf("definitions that only the index used remain: %v", d.AttributeDefinitions)
	}
}

func TestUpdateTableMessages(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTable", strings.Replace(createTable("prov", "pk S"), `"BillingMode":"PAY_PER_REQUEST"`, `"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}`, 1))
	c.table("tab", "pk S, sk S, g S, l S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "ALL")+`]`,
		`"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]`)
	for _, row := range []struct{ body, message string }{
		{`{"TableName":"tab"}`, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates or TableClass is required"},
		{`{"TableName":"prov","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`,
			"The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."},
		{`{"TableName":"tab","BillingMode":"PROVISIONED"}`, notInvalid + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"},
		{`{"TableName":"tab","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`, notInvalid + "ProvisionedThroughput must be specified for index: gsi"},
		{`{"TableName":"tab","GlobalSecondaryIndexUpdates":[{}]}`, notInvalid + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
		{`{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Create":` + globalIndex("new", "g", "ALL") + `}]}`, "AttributeDefinitions is not specified for index: new"},
		{`{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"lsi"}}]}`, "Cannot delete an index that is not a GlobalSecondaryIndex: lsi"},
		{`{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[{"Create":` + globalIndex("gsi", "g", "ALL") + `}]}`, "Attempting to create an index which already exists"},
		{`{"TableName":"tab","StreamSpecification":{"StreamEnabled":true}}`, notInvalid + "If stream is being enabled then UpdateViewType is required"},
		{`{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`, "Table has no stream to disable: TableName: tab"},
		{`{"TableName":"tab","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`, "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
	} {
		c.invalid("UpdateTable", row.body, row.message)
	}
	c.refused("UpdateTable", `{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"none"}}]}`, "ResourceNotFoundException", resourceGap+": Index none for table tab")
	c.refused("UpdateTable", `{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"one"}},{"Delete":{"IndexName":"two"}}]}`,
		"LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	c.ok("UpdateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST"}`)
	c.ok("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`)
	c.invalid("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`, "Table already has an enabled stream: TableName: tab")
	c.ok("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`)
	if d := c.describe("tab"); d.StreamSpecification != nil || d.LatestStreamArn == "" {
		t.Errorf("%+v", d)
	}
}

func TestTimeToLiveAndTags(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S", `"Tags":[{"Key":"a","Value":"1"}]`)
	ttl := func(enabled bool, name string) string {
		return fmt.Sprintf(`{"TableName":"tab","TimeToLiveSpecification":{"Enabled":%t,"AttributeName":"%s"}}`, enabled, name)
	}
	c.want("DescribeTimeToLive", `{"TableName":"tab"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`)
	c.invalid("UpdateTimeToLive", ttl(false, "x"), "TimeToLive is already disabled")
	c.want("UpdateTimeToLive", ttl(true, "x"), `{"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"x"}}`)
	c.want("DescribeTimeToLive", `{"TableName":"tab"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"x"}}`)
	c.invalid("UpdateTimeToLive", ttl(true, "x"), "TimeToLive is already enabled")
	c.invalid("UpdateTimeToLive", ttl(true, "y"), "TimeToLive is active on a different AttributeName: current AttributeName is x")
	c.ok("UpdateTimeToLive", ttl(false, "x"))

	arn := `"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab"`
	if got := c.ok("TagResource", `{`+arn+`,"Tags":[{"Key":"b","Value":""}]}`); got != "" {
		t.Errorf("answer to TagResource is %q, want none", got)
	}
	c.want("ListTagsOfResource", `{`+arn+`}`, `{"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]}`)
	c.ok("UntagResource", `{`+arn+`,"TagKeys":["a","none"]}`)
	c.want("ListTagsOfResource", `{`+arn+`}`, `{"Tags":[{"Key":"b","Value":""}]}`)
	c.invalid("TagResource", `{`+arn+`,"Tags":[]}`, "Atleast one Tag needs to be provided as Input.")
	c.invalid("UntagResource", `{`+arn+`,"TagKeys":[]}`, "Atleast one Tag Key needs to be provided as Input.")
	c.invalid("ListTagsOfResource", `{}`, "Invalid TableArn")
	index := "arn:aws:dynamodb:eu-west-1:123456789012:table/tab/index/gsi"
	c.invalid("ListTagsOfResource", `{"ResourceArn":"`+index+`"}`, "Invalid TableArn: Invalid ResourceArn provided as input "+index)
	c.refused("TagResource", `{"ResourceArn":"tab","Tags":[]}`, "AccessDeniedException",
		"User: arn:aws:iam::123456789012:root is not authorized to perform: dynamodb:TagResource on resource: tab")
	none := "arn:aws:dynamodb:eu-west-1:123456789012:table/none"
	c.refused("ListTagsOfResource", `{"ResourceArn":"`+none+`"}`, "ResourceNotFoundException", resourceGap+": ResourceArn: "+none+" not found")
}

func TestAccountCalls(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	c.want("DescribeLimits", `{}`, `{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}`)
	c.want("DescribeEndpoints", `{}`, `{"Endpoints":[{"Address":"example.com","CachePeriodInMinutes":1440}]}`)
	c.want("DescribeContinuousBackups", `{"TableName":"tab"}`, `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`)
	got := c.ok("UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`)
	if !strings.Contains(got, `"PointInTimeRecoveryStatus":"ENABLED","RecoveryPeriodInDays":35`) {
		t.Error(got)
	}
	status, body := c.raw("DescribeContinuousBackups", `{"TableName":"none"}`)
	if status != 400 || !strings.Contains(body, "#TableNotFoundException") {
		t.Errorf("%d %s", status, body)
	}
}
