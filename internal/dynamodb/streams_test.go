package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// streamRecord is a record as GetRecords answers it.
type streamRecord struct {
	EventID, EventName, EventVersion, EventSource, AwsRegion string
	Dynamodb                                                 struct {
		ApproximateCreationDateTime    float64
		Keys, NewImage, OldImage       json.RawMessage
		SequenceNumber, StreamViewType string
		SizeBytes                      int
	}
	UserIdentity json.RawMessage
}

type streamPage struct {
	Records           []streamRecord
	NextShardIterator *string
}

func withStream(view string) string {
	return `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"` + view + `"}`
}

// shard is the id of a stream's only shard.
func (c *client) shard(arn string) string {
	c.t.Helper()
	var d struct {
		StreamDescription struct {
			Shards []struct{ ShardId string }
		}
	}
	answer := c.ok("DescribeStream", `{"StreamArn":"`+arn+`"}`)
	if err := json.Unmarshal([]byte(answer), &d); err != nil || len(d.StreamDescription.Shards) != 1 {
		c.t.Fatalf("%v in %s", err, answer)
	}
	return d.StreamDescription.Shards[0].ShardId
}

// iterator gets a shard iterator; more are further members.
func (c *client) iterator(arn, kind string, more ...string) string {
	c.t.Helper()
	var it struct{ ShardIterator string }
	body := `{"StreamArn":"` + arn + `","ShardId":"` + c.shard(arn) + `","ShardIteratorType":"` + kind + `"` + strings.Join(more, "") + `}`
	if err := json.Unmarshal([]byte(c.ok("GetShardIterator", body)), &it); err != nil {
		c.t.Fatal(err)
	}
	return it.ShardIterator
}

func (c *client) records(iterator string, more ...string) (p streamPage) {
	c.t.Helper()
	answer := c.ok("GetRecords", `{"ShardIterator":"`+iterator+`"`+strings.Join(more, "")+`}`)
	if err := json.Unmarshal([]byte(answer), &p); err != nil || p.Records == nil {
		c.t.Fatalf("%v in %s", err, answer)
	}
	return p
}

// kinds are the event names of records, in their order.
func kinds(p streamPage) string {
	var names []string
	for _, r := range p.Records {
		names = append(names, r.EventName)
	}
	return strings.Join(names, " ")
}

func TestStreamViewTypes(t *testing.T) {
	old, changed := `{"id":{"S":"Fred"},"n":{"N":"1"}}`, `{"id":{"S":"Fred"},"n":{"N":"22"}}`
	for _, row := range []struct {
		view  string
		sizes [3]int
	}{
		// size(Keys) is 6; the images are 9, 9 and, when n is gone, 9 again.
		{"KEYS_ONLY", [3]int{6, 6, 6}},
		{"NEW_IMAGE", [3]int{15, 15, 6}},
		{"OLD_IMAGE", [3]int{6, 15, 15}},
		{"NEW_AND_OLD_IMAGES", [3]int{15, 24, 15}},
	} {
		t.Run(row.view, func(t *testing.T) {
			c := newClient(t)
			c.table("tab", "id S", withStream(row.view))
			arn := c.describe("tab").LatestStreamArn
			it := c.iterator(arn, "LATEST")
			c.ok("PutItem", `{"TableName":"tab","Item":`+old+`}`)
			c.ok("UpdateItem", `{"TableName":"tab","Key":{"id":{"S":"Fred"}},"UpdateExpression":"SET n = :v","ExpressionAttributeValues":{":v":{"N":"22"}}}`)
			c.ok("DeleteItem", `{"TableName":"tab","Key":{"id":{"S":"Fred"}}}`)
			p := c.records(it)
			if kinds(p) != "INSERT MODIFY REMOVE" || p.NextShardIterator == nil {
				t.Fatalf("%+v", p)
			}
			withOld, withNew := strings.Contains(row.view, "OLD"), strings.Contains(row.view, "NEW")
			want := [3][2]string{{"", old}, {old, changed}, {changed, ""}}
			ids, last := map[string]bool{}, ""
			for i, r := range p.Records {
				d := r.Dynamodb
				same(t, "keys", string(d.Keys), `{"id":{"S":"Fred"}}`)
				for j, got := range []json.RawMessage{d.OldImage, d.NewImage} {
					shown := []bool{withOld, withNew}[j] && want[i][j] != ""
					if shown != (got != nil) {
						t.Fatalf("record %d image %d is %s", i, j, got)
					}
					if shown {
						same(t, "image", string(got), want[i][j])
					}
				}
				if d.SizeBytes != row.sizes[i] || d.StreamViewType != row.view || d.SequenceNumber <= last || len(d.SequenceNumber) < 21 {
					t.Errorf("record %d is %+v", i, d)
				}
				last, ids[r.EventID] = d.SequenceNumber, true
				if len(r.EventID) != 32 || r.EventVersion != "1.1" || r.EventSource != "aws:dynamodb" || r.AwsRegion != "eu-west-1" || r.UserIdentity != nil ||
					time.Since(time.Unix(int64(d.ApproximateCreationDateTime), 0)) > time.Hour {
					t.Errorf("record %d is %+v", i, r)
				}
			}
			if len(ids) != 3 {
				t.Errorf("ids are %v", ids)
			}
		})
	}
}

// A write that changes nothing leaves no record; batches and transactions
// leave one for each item, a cancelled transaction none.
func TestStreamRecordsOfWritesTogether(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S", withStream("NEW_IMAGE"))
	c.table("other", "pk S", withStream("KEYS_ONLY"))
	c.table("plain", "pk S")
	put := func(table, key string) string {
		return `{"Put":{"TableName":"` + table + `","Item":{"pk":{"S":"` + key + `"}}}}`
	}
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"}}}`)
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"}}}`)
	c.ok("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"nobody"}}}`)
	c.ok("BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"b"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}`)
	c.ok("TransactWriteItems", `{"TransactItems":[`+put("tab", "c")+`,`+put("other", "c")+`,`+put("plain", "c")+`]}`)
	if status, _ := c.raw("TransactWriteItems", `{"TransactItems":[`+put("tab", "d")+
		`,{"ConditionCheck":{"TableName":"tab","Key":{"pk":{"S":"x"}},"ConditionExpression":"attribute_exists(pk)"}}]}`); status != 400 {
		t.Error("the transaction was not cancelled")
	}
	if got := kinds(c.records(c.iterator(c.describe("tab").LatestStreamArn, "TRIM_HORIZON"))); got != "INSERT INSERT REMOVE INSERT" {
		t.Errorf("%s", got)
	}
	if got := kinds(c.records(c.iterator(c.describe("other").LatestStreamArn, "TRIM_HORIZON"))); got != "INSERT" {
		t.Errorf("%s", got)
	}
	if d := c.describe("plain"); d.LatestStreamArn != "" {
		t.Errorf("%+v", d)
	}
}

func TestShardIterators(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk N", withStream("KEYS_ONLY"))
	arn := c.describe("tab").LatestStreamArn
	for i := range 5 {
		c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"N":"`+strconv.Itoa(i)+`"}}}`)
	}
	all := c.records(c.iterator(arn, "TRIM_HORIZON"))
	if len(all.Records) != 5 {
		t.Fatalf("%+v", all)
	}
	third := `,"SequenceNumber":"` + all.Records[2].Dynamodb.SequenceNumber + `"`
	for _, row := range []struct {
		kind, more, limit string
		first, count      int
	}{
		{"TRIM_HORIZON", "", "", 0, 5},
		{"TRIM_HORIZON", "", `,"Limit":2`, 0, 2},
		{"AT_SEQUENCE_NUMBER", third, "", 2, 3},
		{"AFTER_SEQUENCE_NUMBER", third, "", 3, 2},
		{"LATEST", "", "", 5, 0},
	} {
		p := c.records(c.iterator(arn, row.kind, row.more), row.limit)
		if len(p.Records) != row.count || row.count > 0 && p.Records[0].EventID != all.Records[row.first].EventID {
			t.Errorf("%+v: %+v", row, p)
		}
		next := c.records(*p.NextShardIterator)
		if len(next.Records) != 5-row.first-row.count {
			t.Errorf("%+v: the next page is %+v", row, next)
		}
	}
	// An iterator does not move: each use reads the same.
	it := c.iterator(arn, "LATEST")
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"N":"6"}}}`)
	for range 2 {
		if p := c.records(it); len(p.Records) != 1 {
			t.Errorf("%+v", p)
		}
	}
	shard := `{"StreamArn":"` + arn + `","ShardId":"` + c.shard(arn) + `","ShardIteratorType":`
	const one = "1 validation error detected: "
	for _, row := range []struct{ operation, body, name, text string }{
		{"GetShardIterator", shard + `"LATEST"` + third + `}`, "ValidationException", "SequenceNumber must not be specified for ShardIteratorType: LATEST"},
		{"GetShardIterator", shard + `"TRIM_HORIZON"` + third + `}`, "ValidationException", "SequenceNumber must not be specified for ShardIteratorType: TRIM_HORIZON"},
		{"GetShardIterator", shard + `"AT_SEQUENCE_NUMBER"}`, "ValidationException", "SequenceNumber must be specified for ShardIteratorType: AT_SEQUENCE_NUMBER"},
		{"GetShardIterator", shard + `"AFTER_SEQUENCE_NUMBER","SequenceNumber":"999999999999999999999"}`, "ValidationException", "Invalid SequenceNumber: 999999999999999999999"},
		{"GetShardIterator", shard + `"SOMEWHERE"}`, "ValidationException", one + "Value 'SOMEWHERE' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"},
		{"GetShardIterator", `{"StreamArn":"` + arn + `","ShardId":"shardId-00000000000000000000-00000000","ShardIteratorType":"LATEST"}`, "ResourceNotFoundException",
			"Requested resource not found: Shard: shardId-00000000000000000000-00000000 in Stream: " + arn + " not found"},
		{"GetShardIterator", `{"ShardId":"x","ShardIteratorType":"LATEST"}`, "ValidationException", "2 validation errors detected: Value null at 'streamArn' failed to satisfy constraint: Member must not be null; " +
			"Value 'x' at 'shardId' failed to satisfy constraint: Member must have length greater than or equal to 28"},
		{"GetRecords", `{"ShardIterator":"nonsense"}`, "ValidationException", "Invalid ShardIterator"},
		{"GetRecords", `{}`, "ValidationException", one + "Value null at 'shardIterator' failed to satisfy constraint: Member must not be null"},
		{"GetRecords", `{"ShardIterator":"` + it + `","Limit":1001}`, "ValidationException", one + "Value '1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"DescribeStream", `{"StreamArn":"fake-stream"}`, "ValidationException", "Invalid StreamArn"},
		{"DescribeStream", `{"StreamArn":"` + arn + `x"}`, "ResourceNotFoundException", "Requested resource not found: Stream: " + arn + "x not found"},
		{"ListStreams", `{"Limit":0}`, "ValidationException", one + "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"ListStreams", `{"Limit":101}`, "ValidationException", one + "Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
	} {
		c.refused(row.operation, row.body, row.name, row.text)
	}
}

// A page of GetRecords ends at 1 MB.
func TestStreamPagesEndAtOneMegabyte(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk N", withStream("NEW_IMAGE"))
	for i := range 5 {
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"N":"%d"},"t":{"S":"%s"}}}`, i, strings.Repeat("x", 300<<10)))
	}
	p := c.records(c.iterator(c.describe("tab").LatestStreamArn, "TRIM_HORIZON"))
	if len(p.Records) != 4 {
		t.Errorf("%d records", len(p.Records))
	}
	if p = c.records(*p.NextShardIterator); len(p.Records) != 1 {
		t.Errorf("%d records follow", len(p.Records))
	}
}

// A stream that is disabled keeps its records, its shard is closed; enabling
// again makes another. Both stay listed when the table is gone.
func TestDisabledStreamStaysReadable(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S, sk N", withStream("KEYS_ONLY"))
	first := c.describe("tab").LatestStreamArn
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}`)
	open := c.iterator(first, "LATEST")
	c.ok("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`)
	c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"b"},"sk":{"N":"1"}}}`)
	if d := c.describe("tab"); d.StreamSpecification != nil || d.LatestStreamArn != first {
		t.Errorf("%+v", d)
	}
	if p := c.records(c.iterator(first, "TRIM_HORIZON")); kinds(p) != "INSERT" || p.NextShardIterator != nil {
		t.Errorf("%+v", p)
	}
	if p := c.records(c.iterator(first, "TRIM_HORIZON"), `,"Limit":1`); p.NextShardIterator != nil && len(c.records(*p.NextShardIterator).Records) != 0 {
		t.Errorf("%+v", p)
	}
	if p := c.records(open); len(p.Records) != 0 || p.NextShardIterator != nil {
		t.Errorf("%+v", p)
	}
	c.ok("UpdateTable", `{"TableName":"tab",`+withStream("OLD_IMAGE")+`}`)
	second := c.describe("tab").LatestStreamArn
	c.ok("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"b"},"sk":{"N":"1"}}}`)
	c.ok("DeleteTable", `{"TableName":"tab"}`)
	if second == first || kinds(c.records(c.iterator(second, "TRIM_HORIZON"))) != "REMOVE" {
		t.Errorf("second stream is %s", second)
	}
	label := func(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
	entry := func(arn string) string {
		return `{"StreamArn":"` + arn + `","TableName":"tab","StreamLabel":"` + label(arn) + `"}`
	}
	c.want("ListStreams", `{"TableName":"tab"}`, `{"Streams":[`+entry(first)+`,`+entry(second)+`]}`)
	c.want("ListStreams", `{"Limit":1}`, `{"Streams":[`+entry(first)+`],"LastEvaluatedStreamArn":"`+first+`"}`)
	c.want("ListStreams", `{"ExclusiveStartStreamArn":"`+first+`"}`, `{"Streams":[`+entry(second)+`]}`)
	c.want("ListStreams", `{"TableName":"nobody"}`, `{"Streams":[]}`)
	var d struct{ StreamDescription map[string]any }
	if err := json.Unmarshal([]byte(c.ok("DescribeStream", `{"StreamArn":"`+first+`"}`)), &d); err != nil {
		t.Fatal(err)
	}
	s := d.StreamDescription
	shards, _ := json.Marshal(s["Shards"])
	key, _ := json.Marshal(s["KeySchema"])
	if s["StreamStatus"] != "DISABLED" || s["StreamViewType"] != "KEYS_ONLY" || s["TableName"] != "tab" || s["StreamLabel"] != label(first) ||
		string(key) != `[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]` ||
		!strings.Contains(string(shards), `"EndingSequenceNumber":"100000000000000000001","StartingSequenceNumber":"100000000000000000001"`) {
		t.Errorf("%v", s)
	}
	c.want("DescribeStream", `{"StreamArn":"`+first+`","ExclusiveStartShardId":"`+c.shard(first)+`"}`,
		strings.Replace(c.ok("DescribeStream", `{"StreamArn":"`+first+`"}`), string(mustShards(t, c, first)), "[]", 1))
}

func mustShards(t *testing.T, c *client, arn string) json.RawMessage {
	t.Helper()
	var d struct {
		StreamDescription struct{ Shards json.RawMessage }
	}
	if err := json.Unmarshal([]byte(c.ok("DescribeStream", `{"StreamArn":"`+arn+`"}`)), &d); err != nil {
		t.Fatal(err)
	}
	return d.StreamDescription.Shards
}

// Items that expire leave a record that names the service as who deleted them.
func TestExpiredItemsInStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		c.table("tab", "pk S", withStream("OLD_IMAGE"))
		c.ok("UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}}`)
		it := c.iterator(c.describe("tab").LatestStreamArn, "TRIM_HORIZON")
		c.ok("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"a"},"ttl":{"N":"%d"}}}`, time.Now().Add(time.Minute).Unix()))
		time.Sleep(2 * time.Minute)
		p := c.records(it)
		if kinds(p) != "INSERT REMOVE" || p.Records[0].UserIdentity != nil {
			t.Fatalf("%+v", p)
		}
		if r := p.Records[1]; string(r.UserIdentity) != `{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}` || r.Dynamodb.OldImage == nil {
			t.Errorf("%s", r.UserIdentity)
		}
	})
}

// Iterators live for 15 minutes, records for 24 hours, and so do streams that
// were disabled.
func TestStreamRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t)
		c.table("tab", "pk S", withStream("KEYS_ONLY"))
		arn := c.describe("tab").LatestStreamArn
		put := func(key string) { c.ok("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"`+key+`"}}}`) }
		put("a")
		it := c.iterator(arn, "TRIM_HORIZON")
		time.Sleep(15 * time.Minute)
		first := c.records(it).Records[0].Dynamodb.SequenceNumber
		time.Sleep(time.Minute)
		c.refused("GetRecords", `{"ShardIterator":"`+it+`"}`, "ExpiredIteratorException", "Shard iterator has expired")

		time.Sleep(12 * time.Hour)
		put("b")
		time.Sleep(12*time.Hour - 20*time.Minute)
		at := c.iterator(arn, "AT_SEQUENCE_NUMBER", `,"SequenceNumber":"`+first+`"`)
		time.Sleep(10 * time.Minute)
		const trimmed = "The data you are trying to access has been trimmed"
		c.refused("GetRecords", `{"ShardIterator":"`+at+`"}`, "TrimmedDataAccessException", trimmed)
		c.refused("GetShardIterator", `{"StreamArn":"`+arn+`","ShardId":"`+c.shard(arn)+`","ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"`+first+`"}`,
			"TrimmedDataAccessException", trimmed)
		p := c.records(c.iterator(arn, "TRIM_HORIZON"))
		if len(p.Records) != 1 || !strings.Contains(string(p.Records[0].Dynamodb.Keys), `"b"`) {
			t.Errorf("%+v", p)
		}
		c.ok("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`)
		time.Sleep(23 * time.Hour)
		if p := c.records(c.iterator(arn, "TRIM_HORIZON")); p.NextShardIterator != nil {
			t.Errorf("%+v", p)
		}
		time.Sleep(2 * time.Hour)
		c.want("ListStreams", `{}`, `{"Streams":[]}`)
		c.refused("DescribeStream", `{"StreamArn":"`+arn+`"}`, "ResourceNotFoundException", "Requested resource not found: Stream: "+arn+" not found")
	})
}
