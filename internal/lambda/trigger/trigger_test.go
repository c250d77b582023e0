package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

func TestRecordsReachTheFunction(t *testing.T) {
	p := newPlace(t, "NEW_AND_OLD_IMAGES")
	p.mapping("StartingPosition: LATEST")
	p.call("PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"b":{"B":"Zm9vYmFy"}}}`)
	p.want("a")
	var event struct{ Records []map[string]any }
	if err := json.Unmarshal(p.event(0), &event); err != nil {
		t.Fatal(err)
	}
	r := event.Records[0]
	d := r["dynamodb"].(map[string]any)
	delete(r, "dynamodb")
	if len(r["eventID"].(string)) != 32 {
		t.Errorf("%v", r)
	}
	delete(r, "eventID")
	got, _ := json.Marshal(r)
	if want := `{"awsRegion":"eu-west-1","eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":"` + p.stream + `","eventVersion":"1.1"}`; string(got) != want {
		t.Errorf("%s", got)
	}
	if at := d["ApproximateCreationDateTime"].(float64); time.Since(time.Unix(int64(at), 0)) > time.Hour {
		t.Errorf("made at %v", at)
	}
	delete(d, "ApproximateCreationDateTime")
	got, _ = json.Marshal(d)
	if want := `{"Keys":{"pk":{"S":"a"}},"NewImage":{"b":{"B":"Zm9vYmFy"},"pk":{"S":"a"}},"SequenceNumber":"100000000000000000001","SizeBytes":13,"StreamViewType":"NEW_AND_OLD_IMAGES"}`; string(got) != want {
		t.Errorf("%s", got)
	}
}

// Functions see the service's identity of expired items in lower case.
func TestExpiredItemsReachTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.mapping("StartingPosition: LATEST")
		p.call("UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}}`)
		p.call("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"a"},"ttl":{"N":"%d"}}}`, time.Now().Add(time.Minute).Unix()))
		p.want("a", "a")
		if event := string(p.event(1)); !strings.Contains(event, `"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}`) || !strings.Contains(event, "REMOVE") {
			t.Errorf("%s", event)
		}
	})
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.put("a", "b", "c", "d", "e")
		p.mapping("StartingPosition: TRIM_HORIZON, BatchSize: 2")
		p.want("a,b", "c,d", "e")
		p.putTogether("f", "g", "h")
		p.want("f,g", "h")
		synctest.Wait()
		p.none()
	})
}

// A window stays open from its first record on, until it has passed or the
// batch is full.
func TestBatchingWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.mapping("StartingPosition: LATEST, BatchSize: 3, MaximumBatchingWindowInSeconds: 10")
		time.Sleep(time.Minute)
		p.put("a")
		begin := time.Now()
		time.Sleep(9 * time.Second)
		p.put("b")
		p.want("a,b")
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("the window was open for %v", took)
		}
		begin = time.Now()
		p.put("c", "d", "e")
		p.want("c,d,e")
		if time.Since(begin) != 0 {
			t.Errorf("a full batch waited %v", time.Since(begin))
		}
	})
}

// A batch is no larger than the payload of an invocation.
func TestBatchesEndAtSixMegabytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "NEW_IMAGE")
		for i := range 20 {
			p.call("PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"S":"%d"},"t":{"S":"%s"}}}`, i, strings.Repeat("x", 390<<10)))
		}
		p.mapping("StartingPosition: TRIM_HORIZON, MaximumBatchingWindowInSeconds: 1")
		if first := strings.Split(<-p.calls, ","); len(first) != 15 || len(p.event(0)) > 6<<20 {
			t.Errorf("%d records in %d bytes", len(first), len(p.event(0)))
		}
		p.want("15,16,17,18,19")
	})
}

// A batch that fails blocks the stream and comes again until it succeeds.
func TestFailedBatchIsRetriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		failures := 0
		p.do(func([]string) answer {
			failures++
			switch failures {
			case 1, 2:
				return answer{fails: true}
			case 3:
				return answer{refuse: &invoke.Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate Exceeded."}}
			}
			return answer{}
		})
		p.mapping("StartingPosition: LATEST")
		p.putTogether("a", "b")
		p.want("a,b")
		p.put("c")
		p.want("a,b", "a,b", "a,b", "c")
		synctest.Wait()
		p.none()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.times[1].Sub(p.times[0]) != firstPause || p.times[2].Sub(p.times[1]) != 2*firstPause {
			t.Errorf("attempts at %v", p.times)
		}
	})
}

// After MaximumRetryAttempts the batch is given up; its failure record is
// shown, because no destination runs here.
func TestRetriesAreUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.do(failing("a"))
		p.mapping("StartingPosition: LATEST, MaximumRetryAttempts: 2, DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:eu-west-1:123456789012:dead'}}")
		p.putTogether("a", "b")
		p.want("a,b", "a,b", "a,b")
		p.put("c")
		p.want("c")
		synctest.Wait()
		p.none()
		said := p.notices()
		_, text, _ := strings.Cut(said, "would have got ")
		var f failure
		if err := json.Unmarshal([]byte(text), &f); err != nil || !strings.Contains(said, "arn:aws:sqs:eu-west-1:123456789012:dead does not run here") {
			t.Fatalf("%v in %s", err, said)
		}
		b := f.Batch
		if f.RequestContext.Condition != "RetryAttemptsExhausted" || f.RequestContext.Count != 3 || f.RequestContext.FunctionARN != functionARN ||
			*f.ResponseContext.FunctionError != "Unhandled" || f.ResponseContext.StatusCode != 200 || f.ResponseContext.ExecutedVersion != "$LATEST" ||
			f.Version != "1.0" || b.Size != 2 || b.Stream != p.stream || !strings.HasPrefix(b.ShardID, "shardId-") ||
			b.Start != "100000000000000000001" || b.End != "100000000000000000002" || b.First == "" {
			t.Errorf("%s", text)
		}
	})
}

// Records that are too old are given up, whatever the retries.
func TestMaximumRecordAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.do(failing("a"))
		p.mapping("StartingPosition: LATEST, MaximumRecordAgeInSeconds: 60")
		p.put("a")
		time.Sleep(50 * time.Second)
		p.put("b")
		time.Sleep(30 * time.Second)
		if all := p.seen(); all[len(all)-1] != "b" {
			t.Errorf("%v", all)
		}
		if said := p.notices(); !strings.Contains(said, `"condition":"RecordAgeExceeded"`) {
			t.Errorf("%s", said)
		}
	})
}

// A failing batch is halved until the bad record stands alone; a split is no
// retry.
func TestBisect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.do(failing("c"))
		p.mapping("StartingPosition: LATEST, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1")
		p.putTogether("a", "b", "c", "d")
		p.want("a,b,c,d", "a,b", "c,d", "c", "c", "d")
		synctest.Wait()
		p.none()
		if said := p.notices(); !strings.Contains(said, `"batchSize":1`) || !strings.Contains(said, `"approximateInvokeCount":2`) {
			t.Errorf("%s", said)
		}
	})
}

// What ReportBatchItemFailures answers mean (Developer Guide, "Reporting batch
// item failures").
func TestReportBatchItemFailures(t *testing.T) {
	for _, row := range []struct {
		name    string
		answer  func(p *place) string
		batches []string // behind the first, which is always a,b,c
	}{
		{"empty list", func(*place) string { return `{"batchItemFailures":[]}` }, nil},
		{"null list", func(*place) string { return `{"batchItemFailures":null}` }, nil},
		{"empty object", func(*place) string { return `{}` }, nil},
		{"null", func(*place) string { return `null` }, nil},
		{"nothing", func(*place) string { return `` }, nil},
		{"a text", func(*place) string { return `"done"` }, []string{"a,b,c"}},
		{"wrong key", func(*place) string { return `{"batchItemFailures":[{"foo":"x"}]}` }, []string{"a,b,c"}},
		{"empty identifier", func(*place) string { return `{"batchItemFailures":[{"itemIdentifier":""}]}` }, []string{"a,b,c"}},
		{"null identifier", func(*place) string { return `{"batchItemFailures":[{"itemIdentifier":null}]}` }, []string{"a,b,c"}},
		{"unknown identifier", func(*place) string { return `{"batchItemFailures":[{"itemIdentifier":"7"}]}` }, []string{"a,b,c"}},
		{"the second", func(p *place) string { return p.reporting(0, 1) }, []string{"b,c"}},
		{"the lowest counts", func(p *place) string { return p.reporting(0, 2, 1) }, []string{"b,c"}},
		{"the first", func(p *place) string { return p.reporting(0, 0) }, []string{"a,b,c"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, "KEYS_ONLY")
				calls := 0
				p.do(func([]string) answer {
					if calls++; calls == 1 {
						return answer{body: row.answer(p)}
					}
					return answer{}
				})
				p.mapping("StartingPosition: LATEST, FunctionResponseTypes: [ReportBatchItemFailures]")
				p.putTogether("a", "b", "c")
				p.want("a,b,c")
				p.want(row.batches...)
				time.Sleep(time.Hour)
				p.none()
			})
		})
	}
	t.Run("without the setting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace(t, "KEYS_ONLY")
			p.do(func([]string) answer { return answer{body: p.reporting(0, 0)} })
			p.mapping("StartingPosition: LATEST")
			p.put("a")
			p.want("a")
			time.Sleep(time.Hour)
			p.none()
		})
	})
	t.Run("given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace(t, "KEYS_ONLY")
			p.do(func(keys []string) answer {
				if keys[0] == "b" {
					return answer{body: p.reporting(len(p.seen())-1, 0)}
				}
				return answer{body: p.reporting(0, 1)}
			})
			p.mapping("StartingPosition: LATEST, FunctionResponseTypes: [ReportBatchItemFailures], MaximumRetryAttempts: 1")
			p.putTogether("a", "b")
			p.want("a,b", "b")
			synctest.Wait()
			if said := p.notices(); !strings.Contains(said, `"functionError":null`) || !strings.Contains(said, `"batchSize":1`) {
				t.Errorf("%s", said)
			}
		})
	})
}

func TestFilterCriteria(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "NEW_IMAGE")
		p.mapping(`StartingPosition: LATEST, FilterCriteria: {Filters: [{Pattern: '{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"x"}]}}}}'}, {Pattern: '{"eventName":["REMOVE"]}'}]}`)
		p.putTogether("a", "x1", "b", "x2")
		p.want("x1,x2")
		p.call("DeleteItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}}}`)
		p.want("a")
		synctest.Wait()
		p.none()
	})
}

// Lanes share the keys out; each keeps the order of its own, and one that
// fails holds back no other.
func TestParallelizationFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "NEW_IMAGE")
		p.do(failing("k0"))
		p.mapping("StartingPosition: LATEST, ParallelizationFactor: 4, BatchSize: 1")
		for i := range 20 {
			p.put(fmt.Sprintf("k%d", i))
		}
		time.Sleep(time.Second)
		seen := map[string]bool{}
		for _, b := range p.seen() {
			seen[b] = true
		}
		if len(seen) < 10 || len(seen) == 20 { // those behind k0 in its lane wait
			t.Errorf("%v", p.seen())
		}
		p.do(nil)
		time.Sleep(time.Minute)
		for _, b := range p.seen() {
			seen[b] = true
		}
		if len(seen) != 20 {
			t.Errorf("%d keys came", len(seen))
		}
	})
}

// A restart goes on where the mapping stopped, not at its starting position.
func TestRestartGoesOnWhereItStopped(t *testing.T) {
	for _, position := range []string{"TRIM_HORIZON", "LATEST"} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlace(t, "KEYS_ONLY")
			properties := "StartingPosition: " + position + ", BatchSize: 1"
			p.put("early")
			p.mapping(properties)
			if position == "TRIM_HORIZON" {
				p.want("early")
			}
			p.put("a")
			p.want("a")
			p.do(failing("b"))
			p.put("b", "c")
			p.want("b")
			p.restart()
			p.do(nil)
			p.put("d")
			p.mapping(properties)
			p.want("b", "c", "d")
			synctest.Wait()
			p.none()

			// Another stream of the table is a new beginning.
			p.call("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`)
			time.Sleep(time.Second)
			answer := p.call("UpdateTable", `{"TableName":"tab","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`)
			_, rest, _ := strings.Cut(answer, `"LatestStreamArn":"`)
			p.stream, _, _ = strings.Cut(rest, `"`)
			p.put("e")
			p.mapping(properties)
			p.put("f")
			if position == "TRIM_HORIZON" {
				p.want("e")
			}
			p.want("f")
		})
	}
}

// More lanes begin where the one furthest behind was: records may come again,
// none is left out.
func TestAnotherParallelizationFactorLeavesNothingOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.do(failing("a"))
		p.mapping("StartingPosition: TRIM_HORIZON, BatchSize: 1, ParallelizationFactor: 2")
		p.put("a", "b", "c", "d", "e", "f")
		time.Sleep(time.Minute)
		p.restart()
		before := p.seen()
		if len(before) < 10 || before[len(before)-1] != "a" { // again and again
			t.Errorf("%v", before)
		}
		p.do(nil)
		p.mapping("StartingPosition: TRIM_HORIZON, BatchSize: 1, ParallelizationFactor: 3")
		time.Sleep(time.Minute)
		after := p.seen()[len(before):]
		for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
			if !slices.Contains(after, key) && (key == "a" || !slices.Contains(before, key)) {
				t.Errorf("%s is left out: %v, then %v", key, before, after)
			}
		}
	})
}

// Records older than the stream keeps them are gone, and the user is told.
func TestTrimmedRecordsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		p.mapping("StartingPosition: LATEST, Enabled: true")
		p.do(failing("a"))
		p.put("a")
		p.want("a")
		p.restart()
		time.Sleep(25 * time.Hour)
		p.put("c")
		p.mapping("StartingPosition: LATEST")
		p.want("c")
		if said := p.notices(); !strings.Contains(said, "older than 24 hours") {
			t.Errorf("%s", said)
		}
	})
}

func TestDisabledMappingReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		made := p.mapping("StartingPosition: LATEST")
		p.put("a")
		p.want("a")
		p.mapping("StartingPosition: LATEST, Enabled: false")
		p.put("b")
		synctest.Wait()
		p.none()
		if again := p.mapping("StartingPosition: LATEST"); again.PhysicalID != made.PhysicalID {
			t.Errorf("%+v, %+v", again, made)
		}
		p.want("b")
		h := p.service.Handlers()[mappingType]
		if err := h.Delete(context.Background(), resource.Spec{}, made); err != nil {
			t.Fatal(err)
		}
		p.put("c")
		synctest.Wait()
		p.none()
	})
}

// What cannot be read yet is tried again: the policy that allows it may come
// later in the template.
func TestRoleThatMayNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "KEYS_ONLY")
		allowed := false
		p.service.cfg.Readable = func(string, string) bool { p.mu.Lock(); defer p.mu.Unlock(); return allowed }
		made := p.mapping("StartingPosition: TRIM_HORIZON")
		p.put("a")
		time.Sleep(10 * time.Second)
		p.none()
		const text = "Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
		if said := p.notices(); strings.Count(said, text) != 1 {
			t.Errorf("%s", said)
		}
		if _, c := p.api("GET", "/"+made.PhysicalID, ""); !strings.Contains(c, "PROBLEM: Cannot access stream "+p.stream) {
			t.Errorf("%s", c)
		}
		p.mu.Lock()
		allowed = true
		p.mu.Unlock()
		p.want("a")
	})
}

// Before anything is started, the source's ARN is not known: what has no
// starting position is the mapping of a queue, unless it names a stream.
func TestMappingChecksOfAnUnknownSource(t *testing.T) {
	p := newPlace(t, "KEYS_ONLY")
	for source, want := range map[string]string{
		"Queue.Arn":       "Suiro does not run its event source; the function gets nothing from it",
		"Table.StreamArn": "AWS refuses this mapping: 1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
	} {
		spec := p.spec("{FunctionName: fn}")
		spec.LogicalID = "Q"
		spec.Properties.Set("EventSourceArn", document.Str(resource.UnknownText(source), diag.Position{}))
		msgs := p.service.Handlers()[mappingType].(resource.Checker).Check(spec)
		if len(msgs) != 1 || msgs[0].Text != want || (msgs[0].Severity == diag.Error) != (source == "Table.StreamArn") {
			t.Errorf("%s: %d messages, %v", source, len(msgs), msgs)
		}
	}
}

func TestMappingChecks(t *testing.T) {
	p := newPlace(t, "KEYS_ONLY")
	for properties, want := range map[string]string{
		"FunctionName: fn, EventSourceArn: '" + p.stream + "'":                                                                             "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
		"FunctionName: fn, StartingPosition: AT_TIMESTAMP, EventSourceArn: '" + p.stream + "'":                                             "Unsupported starting position for arn type: " + p.stream,
		"FunctionName: fn, StartingPosition: LATEST, BatchSize: 10001, EventSourceArn: '" + p.stream + "'":                                 "Value '10001' at 'batchSize' failed to satisfy constraint: Member must have value less than or equal to 10000",
		"FunctionName: fn, StartingPosition: LATEST, ParallelizationFactor: 0, EventSourceArn: '" + p.stream + "'":                         "Value '0' at 'parallelizationFactor' failed to satisfy constraint: Member must have value greater than or equal to 1",
		"FunctionName: fn, StartingPosition: LATEST, MaximumRecordAgeInSeconds: 59, EventSourceArn: '" + p.stream + "'":                    "MaximumRecordAgeInSeconds",
		"FunctionName: fn, StartingPosition: LATEST, EventSourceArn: '" + p.stream + "', FilterCriteria: {Filters: [{Pattern: '{'}]}":      "Invalid filter pattern definition.",
		"FunctionName: fn, EventSourceArn: 'arn:aws:sqs:eu-west-1:123456789012:queue'":                                                     "warning: Suiro does not run sqs",
		"FunctionName: fn, SelfManagedEventSource: {}":                                                                                     "warning: Suiro does not run its event source",
		"FunctionName: fn, StartingPosition: LATEST, TumblingWindowInSeconds: 30, EventSourceArn: '" + p.stream + "'":                      "warning: tumbling windows are not run",
		"FunctionName: fn, StartingPosition: LATEST, DestinationConfig: {OnFailure: {Destination: a}}, EventSourceArn: '" + p.stream + "'": "warning: queues, topics and buckets",
	} {
		spec := p.spec("{" + properties + "}")
		h := p.service.Handlers()[mappingType]
		msgs := append(h.Schema().Check(spec), h.(resource.Checker).Check(spec)...)
		text, warning := strings.CutPrefix(want, "warning: ")
		found := false
		for _, m := range msgs {
			found = found || strings.Contains(m.Text, text)
		}
		if !found || msgs.HasErrors() == warning {
			t.Errorf("%s: %v, want %q", properties, msgs, want)
		}
	}
}
