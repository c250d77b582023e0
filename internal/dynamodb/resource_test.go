package dynamodb_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/resource"
)

const (
	tableType  = "AWS::DynamoDB::Table"
	globalType = "AWS::DynamoDB::GlobalTable"
)

func spec(t testing.TB, typ, properties string) resource.Spec {
	t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return resource.Spec{
		LogicalID: "Table", Type: typ, Properties: n, Pos: diag.Position{File: "template.yaml", Line: 1},
		Stack: resource.Stack{Name: "chat-dev", Region: "eu-west-1", AccountID: "123456789012"},
	}
}

const simple = `
AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
KeySchema: [{AttributeName: pk, KeyType: HASH}]
BillingMode: PAY_PER_REQUEST
`

func TestTableResource(t *testing.T) {
	ctx, c := context.Background(), newClient(t)
	h := c.service.Handlers()[tableType]
	first := spec(t, tableType, simple+`
StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
TimeToLiveSpecification: {AttributeName: ttl, Enabled: "true"}
Tags: [{Key: team, Value: 7}]
`)
	made, err := h.Create(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	name := made.PhysicalID
	if !strings.HasPrefix(name, "chat-dev-Table-") || len(name) != len("chat-dev-Table-")+12 {
		t.Errorf("generated name is %q", name)
	}
	d := c.describe(name)
	if made.Attr("Arn") != d.TableArn || made.Attr("StreamArn") != d.LatestStreamArn || d.LatestStreamArn == "" {
		t.Errorf("attributes are %v, the table is %+v", made.Attributes, d)
	}
	c.want("DescribeTimeToLive", `{"TableName":"`+name+`"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`)
	c.want("ListTagsOfResource", `{"ResourceArn":"`+d.TableArn+`"}`, `{"Tags":[{"Key":"team","Value":"7"}]}`)
	c.ok("PutItem", `{"TableName":"`+name+`","Item":{"pk":{"S":"a"},"g":{"S":"g"}}}`)

	// A restart finds the same table with its items, and the stream's ARN is
	// what it was.
	again, err := h.Create(ctx, first)
	if err != nil || again.PhysicalID != name || again.Attr("StreamArn") != made.Attr("StreamArn") {
		t.Fatalf("%+v %v", again, err)
	}
	// An index is added in place, to the items that are there; the time to
	// live goes.
	second := spec(t, tableType, `
AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: g, AttributeType: S}]
KeySchema: [{AttributeName: pk, KeyType: HASH}]
ProvisionedThroughput: {ReadCapacityUnits: "5", WriteCapacityUnits: 5}
GlobalSecondaryIndexes:
  - IndexName: gsi
    KeySchema: [{AttributeName: g, KeyType: HASH}]
    Projection: {ProjectionType: ALL}
    ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
`)
	updated, err := h.Update(ctx, second, again, first.Properties)
	if err != nil || updated.PhysicalID != name {
		t.Fatalf("%+v %v", updated, err)
	}
	byIndex := `{"TableName":"` + name + `","IndexName":"gsi","Select":"COUNT","KeyConditionExpression":"g = :v","ExpressionAttributeValues":{":v":{"S":"g"}}}`
	c.want("Query", byIndex, `{"Count":1,"ScannedCount":1}`)
	c.want("DescribeTimeToLive", `{"TableName":"`+name+`"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`)
	if d := c.describe(name); d.BillingModeSummary["BillingMode"] != "PROVISIONED" || d.ProvisionedThroughput["ReadCapacityUnits"] != 5 || len(d.GlobalSecondaryIndexes) != 1 {
		t.Errorf("%+v", d)
	}
	// Another projection of the index, then none.
	third := spec(t, tableType, strings.Replace(second.Properties.JSON(), `"ALL"`, `"KEYS_ONLY"`, 1))
	if _, err := h.Update(ctx, third, updated, second.Properties); err != nil {
		t.Fatal(err)
	}
	c.want("Query", byIndex, `{"Count":1,"ScannedCount":1}`)
	if _, err := h.Update(ctx, first, updated, third.Properties); err != nil {
		t.Fatal(err)
	}
	if d := c.describe(name); len(d.GlobalSecondaryIndexes) != 0 || len(d.AttributeDefinitions) != 1 {
		t.Errorf("%+v", d)
	}
	// Another key is another table.
	fourth := spec(t, tableType, strings.ReplaceAll(simple, "pk", "id"))
	replaced, err := h.Update(ctx, fourth, updated, first.Properties)
	if err != nil || replaced.PhysicalID == name {
		t.Fatalf("%+v %v", replaced, err)
	}
	c.want("ListTables", `{}`, `{"TableNames":["`+replaced.PhysicalID+`"]}`)
	if err := h.Delete(ctx, fourth, replaced); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(ctx, fourth, replaced); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	c.want("ListTables", `{}`, `{"TableNames":[]}`)
}

func TestNamedTableKeepsItsKey(t *testing.T) {
	ctx, c := context.Background(), newClient(t)
	h := c.service.Handlers()[tableType]
	made, err := h.Create(ctx, spec(t, tableType, simple+"TableName: users\nDeletionProtectionEnabled: true\n"))
	if err != nil || made.PhysicalID != "users" {
		t.Fatalf("%+v %v", made, err)
	}
	_, err = h.Create(ctx, spec(t, tableType, strings.ReplaceAll(simple, "AttributeType: S", "AttributeType: N")+"TableName: users\n"))
	var m *diag.Message
	if !errors.As(err, &m) || m.Key != "Table" || m.Hint == "" {
		t.Errorf("another key: %v", err)
	}
	if err := h.Delete(ctx, spec(t, tableType, simple+"TableName: users\n"), made); !errors.As(err, &m) || !strings.Contains(m.Text, "protected against deletion") {
		t.Errorf("deleting a protected table: %v", err)
	}
}

func TestTablesSurviveARestart(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	for round := range 2 {
		service, err := dynamodb.New(dynamodb.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t, service}
		if _, err := service.Handlers()[tableType].Create(ctx, spec(t, tableType, simple+"TableName: users\n")); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			c.ok("PutItem", `{"TableName":"users","Item":{"pk":{"S":"a"}}}`)
			if _, err := dynamodb.New(dynamodb.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), filepath.Clean(dir)+" is in use") {
				t.Errorf("second opener: %v", err)
			}
		} else {
			c.want("Scan", `{"TableName":"users"}`, `{"Items":[{"pk":{"S":"a"}}],"Count":1,"ScannedCount":1}`)
		}
		if err := service.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGlobalTableResource(t *testing.T) {
	ctx, c := context.Background(), newClient(t)
	h := c.service.Handlers()[globalType]
	s := spec(t, globalType, `
TableName: global
AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: g, AttributeType: S}]
KeySchema: [{AttributeName: pk, KeyType: HASH}]
WriteProvisionedThroughputSettings: {WriteCapacityAutoScalingSettings: {MinCapacity: 3, MaxCapacity: 9}}
GlobalSecondaryIndexes:
  - {IndexName: gsi, KeySchema: [{AttributeName: g, KeyType: HASH}], Projection: {ProjectionType: ALL}}
Replicas:
  - {Region: us-east-1}
  - {Region: eu-west-1, DeletionProtectionEnabled: true, ReadProvisionedThroughputSettings: {ReadCapacityUnits: 4}, Tags: [{Key: a, Value: b}]}
`)
	if msgs := append(h.Schema().Check(s), h.(resource.Checker).Check(s)...); msgs.HasErrors() {
		t.Fatal(msgs)
	}
	made, err := h.Create(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	d := c.describe("global")
	if made.Attr("TableId") != d.TableId || d.ProvisionedThroughput["ReadCapacityUnits"] != 4 || d.ProvisionedThroughput["WriteCapacityUnits"] != 3 {
		t.Errorf("%+v %+v", made, d)
	}
	c.invalid("DeleteTable", `{"TableName":"global"}`, "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
}

// What CreateTable would refuse is said before anything starts, and
// properties without an effect are said with their place.
func TestTableResourceIsChecked(t *testing.T) {
	h := (&dynamodb.Service{}).Handlers()[tableType]
	for _, row := range []struct{ properties, want string }{
		{simple, ""},
		{"AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]\nKeySchema: [{AttributeName: id, KeyType: HASH}]\nBillingMode: PAY_PER_REQUEST\n",
			"Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: [pk]"},
		{strings.ReplaceAll(simple, "BillingMode: PAY_PER_REQUEST", ""), "ReadCapacityUnits and WriteCapacityUnits must both be specified"},
		{simple + "BilingMode: x\n", "has no such property"},
		{simple + "KinesisStreamSpecification: {StreamArn: x}\n", "changes are not sent to Kinesis"},
		{simple + "SSESpecification: {SSEEnabled: true}\n", "tables are not encrypted on disk"},
		{"BillingMode: PAY_PER_REQUEST\n", "needs this property"},
	} {
		s := spec(t, tableType, row.properties)
		msgs := append(h.Schema().Check(s), h.(resource.Checker).Check(s)...)
		all := ""
		for _, m := range msgs {
			all += m.String() + "\n"
		}
		if row.want == "" && all != "" || !strings.Contains(all, row.want) {
			t.Errorf("%s\n got %s\nwant %s", row.properties, all, row.want)
		}
	}
	unknown := spec(t, tableType, simple)
	unknown.Properties.Set("TableName", document.Str(resource.UnknownText("Other"), diag.Position{}))
	if msgs := h.(resource.Checker).Check(unknown); len(msgs) != 0 {
		t.Errorf("a name that is not known yet is judged: %v", msgs)
	}
}
