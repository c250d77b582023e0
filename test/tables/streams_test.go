package tables

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// changes is how many calls the list of changes makes to each table.
const changes = 80

var views = []string{"NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"}

func streamTable(name, view string) string {
	return `{"TableName":"` + name + `","BillingMode":"PAY_PER_REQUEST",
"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"` + view + `"}}`
}

// change is a call that writes to the table: one item, a batch, a transaction,
// a statement. Keys are few, so that items are replaced and deleted, also when
// they are not there or stay as they are.
func change(r *rand.Rand, table string) request {
	first := r.IntN(8)
	key := func(i int) string {
		i = (first + i) % 8
		return fmt.Sprintf(`"pk":{"S":"p%d"},"sk":{"N":"%d"}`, i%3, i)
	}
	item := func(i int) string {
		return fmt.Sprintf(`{%s,"a":{"N":"%d"},"m":{"M":{"x":{"L":[{"S":"v%d"}]}}}}`, key(i), r.IntN(3), r.IntN(2))
	}
	name := `"TableName":"` + table + `"`
	update := func(i int) string {
		expression := []string{"SET b = :v", "SET b = :v REMOVE m", "ADD a :v", "SET b = if_not_exists(b, :v)"}[r.IntN(4)]
		return fmt.Sprintf(`{%s,"Key":{%s},"UpdateExpression":"%s","ExpressionAttributeValues":{":v":{"N":"%d"}}}`, name, key(i), expression, r.IntN(3))
	}
	remove := func(i int) string { return `{` + name + `,"Key":{` + key(i) + `}}` }
	put := func(i int) string { return `{` + name + `,"Item":` + item(i) + `}` }
	switch r.IntN(9) {
	case 0, 1:
		return request{"PutItem", put(0)}
	case 2, 3:
		return request{"UpdateItem", update(0)}
	case 4, 5:
		return request{"DeleteItem", remove(0)}
	case 6:
		return request{"BatchWriteItem", fmt.Sprintf(`{"RequestItems":{"%s":[{"PutRequest":{"Item":%s}},{"DeleteRequest":{"Key":{%s}}},{"PutRequest":{"Item":%s}}]}}`, table, item(0), key(1), item(2))}
	case 7:
		return request{"TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Put":%s},{"Update":%s},{"Delete":%s}]}`, put(0), update(1), remove(2))}
	}
	return request{"TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Put":%s},{"ConditionCheck":{%s,"Key":{%s},"ConditionExpression":"attribute_exists(a)"}}]}`, put(0), name, key(1))}
}

// streamOf is the ARN of a table's stream.
func streamOf(t *testing.T, s *server, table string) string {
	t.Helper()
	arn, _ := done(t, s, "DescribeTable", `{"TableName":"`+table+`"}`).body["Table"].(map[string]any)["LatestStreamArn"].(string)
	if arn == "" {
		t.Fatalf("%s: table %s has no stream", s.name, table)
	}
	return arn
}

// description is what DescribeStream says.
func description(t *testing.T, s *server, arn string) map[string]any {
	t.Helper()
	return done(t, s, "DescribeStream", `{"StreamArn":"`+arn+`"}`).body["StreamDescription"].(map[string]any)
}

func iteratorOf(t *testing.T, s *server, arn string, shard any, place string) string {
	t.Helper()
	return done(t, s, "GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s",%s}`, arn, shard, place)).body["ShardIterator"].(string)
}

// records reads a stream from its oldest record in pages of seven until there
// are as many as wanted and a page is empty or the last.
func records(t *testing.T, s *server, arn string, wanted int) (all []map[string]any) {
	t.Helper()
	for _, shard := range description(t, s, arn)["Shards"].([]any) {
		next := iteratorOf(t, s, arn, shard.(map[string]any)["ShardId"], `"ShardIteratorType":"TRIM_HORIZON"`)
		for until := time.Now().Add(patience / 8); next != ""; {
			a := done(t, s, "GetRecords", `{"Limit":7,"ShardIterator":`+quote(next)+`}`)
			page := a.body["Records"].([]any)
			if len(page) > 7 {
				t.Fatalf("%s: a page of 7 has %d records", s.name, len(page))
			}
			for _, r := range page {
				all = append(all, r.(map[string]any))
			}
			if len(page) == 0 && (len(all) >= wanted || time.Now().After(until)) {
				break
			}
			next, _ = a.body["NextShardIterator"].(string)
		}
	}
	return all
}

// byKey is what a stream says of each item, in order, without what is a
// server's own: ids, sequence numbers, times, the region.
func byKey(all []map[string]any) map[string][]string {
	out := map[string][]string{}
	for _, r := range all {
		inner := r["dynamodb"].(map[string]any)
		delete(inner, "SequenceNumber")
		delete(inner, "ApproximateCreationDateTime")
		delete(r, "eventID")
		delete(r, "awsRegion")
		key, _ := json.Marshal(inner["Keys"])
		text, _ := json.Marshal(ordered(request{}, r))
		out[string(key)] = append(out[string(key)], string(text))
	}
	return out
}

// The streams of the same changes tell the same of every item, in every view.
func TestStreamsAgreeWithDynamoDBLocal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Java")
	}
	t.Parallel()
	suiro, local := startSuiro(t), startLocal(t)
	for _, view := range views {
		t.Run(view, func(t *testing.T) {
			name := "stream-" + view
			for _, s := range []*server{suiro, local} {
				done(t, s, "CreateTable", streamTable(name, view))
			}
			r := rand.New(rand.NewPCG(20261130, 1))
			for range changes {
				c := change(r, name)
				if got, want := normal(c, must(t, suiro, c)), normal(c, must(t, local, c)); got != want {
					t.Fatalf("%s %s\n         suiro %s\nDynamoDB Local %s", c.operation, c.body, got, want)
				}
			}
			ourARN, theirARN := streamOf(t, suiro, name), streamOf(t, local, name)
			ours := records(t, suiro, ourARN, 0)
			theirs := records(t, local, theirARN, len(ours))
			if len(ours) < changes/2 || len(ours) != len(theirs) {
				t.Errorf("%d records, DynamoDB Local has %d", len(ours), len(theirs))
			}
			sameStreams(t, byKey(ours), byKey(theirs))
			sameDescription(t, description(t, suiro, ourARN), description(t, local, theirARN))

			// Switched off, the stream can still be read, to its end.
			for s, arn := range map[*server]string{suiro: ourARN, local: theirARN} {
				done(t, s, "UpdateTable", `{"TableName":"`+name+`","StreamSpecification":{"StreamEnabled":false}}`)
				if n := len(records(t, s, arn, len(ours))); n != len(ours) {
					t.Errorf("%s: %d records after the stream was switched off, not %d", s.name, n, len(ours))
				}
			}
			sameDescription(t, description(t, suiro, ourARN), description(t, local, theirARN))
		})
	}
	t.Run("places", func(t *testing.T) { samePlaces(t, suiro, local) })
}

func sameStreams(t *testing.T, ours, theirs map[string][]string) {
	t.Helper()
	for key, list := range ours {
		for i, got := range list {
			want := "nothing"
			if i < len(theirs[key]) {
				want = theirs[key][i]
			}
			if got != want {
				t.Errorf("change %d of %s\n         suiro %s\nDynamoDB Local %s", i, key, got, want)
				break
			}
		}
	}
	for key, list := range theirs {
		if len(list) > len(ours[key]) {
			t.Errorf("%s: DynamoDB Local says more: %s", key, list[len(ours[key])])
		}
	}
}

func sameDescription(t *testing.T, ours, theirs map[string]any) {
	t.Helper()
	for _, name := range []string{"StreamStatus", "StreamViewType", "TableName", "KeySchema"} {
		got, _ := json.Marshal(ours[name])
		want, _ := json.Marshal(theirs[name])
		if string(got) != string(want) {
			t.Errorf("DescribeStream: %s is %s, in DynamoDB Local %s", name, got, want)
		}
	}
}

// samePlaces reads from every kind of place and makes mistakes with iterators.
func samePlaces(t *testing.T, suiro, local *server) {
	var shown [2][]string
	for i, s := range []*server{suiro, local} {
		done(t, s, "CreateTable", streamTable("places", "KEYS_ONLY"))
		for n := range 5 {
			done(t, s, "PutItem", fmt.Sprintf(`{"TableName":"places","Item":{"pk":{"S":"p"},"sk":{"N":"%d"}}}`, n))
		}
		arn := streamOf(t, s, "places")
		all := records(t, s, arn, 5)
		if len(all) != 5 {
			t.Fatalf("%s: %d records, not 5", s.name, len(all))
		}
		shard := description(t, s, arn)["Shards"].([]any)[0].(map[string]any)["ShardId"]
		third := all[2]["dynamodb"].(map[string]any)["SequenceNumber"]
		for _, place := range []string{
			`"ShardIteratorType":"TRIM_HORIZON"`, `"ShardIteratorType":"LATEST"`,
			fmt.Sprintf(`"ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"%s"`, third),
			fmt.Sprintf(`"ShardIteratorType":"AFTER_SEQUENCE_NUMBER","SequenceNumber":"%s"`, third),
		} {
			a := done(t, s, "GetRecords", `{"ShardIterator":`+quote(iteratorOf(t, s, arn, shard, place))+`}`)
			text := ""
			for _, r := range a.body["Records"].([]any) {
				keys, _ := json.Marshal(r.(map[string]any)["dynamodb"].(map[string]any)["Keys"])
				text += string(keys)
			}
			shown[i] = append(shown[i], text)
		}
		for _, r := range []request{
			{"GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s","ShardIteratorType":"AT_SEQUENCE_NUMBER"}`, arn, shard)},
			{"GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"shardId-00000000000000000000-00000000","ShardIteratorType":"LATEST"}`, arn)},
			{"GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s","ShardIteratorType":"MIDDLE"}`, arn, shard)},
			{"DescribeStream", fmt.Sprintf(`{"StreamArn":"%s"}`, strings.Replace(arn, "places", "nowhere", 1))},
			{"GetRecords", `{"ShardIterator":"nothing"}`},
		} {
			a := must(t, s, r)
			shown[i] = append(shown[i], fmt.Sprint(r.operation, " ", a.status, " ", a.kind))
		}
	}
	for i, got := range shown[0] {
		if want := shown[1][i]; got != want {
			t.Errorf("place %d\n         suiro %s\nDynamoDB Local %s", i, got, want)
		}
	}
}
