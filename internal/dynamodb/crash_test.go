package dynamodb_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb"
)

// serveForever is what this test binary does when a test starts it again: a
// service on a folder, until it is killed.
func serveForever(dir string) {
	service, err := dynamodb.New(dynamodb.Config{Dir: dir})
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
	fmt.Println(httptest.NewServer(service).URL)
	select {}
}

// What a PutItem or a transaction acknowledged is there after kill -9, in the
// table, in its index and in its stream, and a transaction is there whole or
// not at all.
func TestAcknowledgedItemsSurviveKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DYNAMODB_TEST_DIR="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || !strings.HasPrefix(url, "http") {
			t.Fatalf("%q %v", url, err)
		}
		url = strings.TrimSpace(url)
		if round == 0 && !post(url, "CreateTable", createTable("tab", "pk S, g S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "ALL")+`]`, withStream("KEYS_ONLY"))) {
			t.Fatal("CreateTable failed")
		}
		keys := writeUntilKilled(url, round, cmd)
		_ = cmd.Wait() // killed
		for _, key := range keys {
			acknowledged[key] = true
		}
		checkAcknowledged(t, dir, acknowledged)
	}
	if len(acknowledged) < 20 {
		t.Errorf("only %d items were acknowledged", len(acknowledged))
	}
}

// writeUntilKilled has 8 writers put items, kills the service in the midst of
// it and returns the keys that were acknowledged.
func writeUntilKilled(url string, round int, cmd *exec.Cmd) (keys []string) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	limit := 20 + rand.IntN(300)
	for writer := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", round, writer, i)
				put := func(g string) string {
					return `{"Put":{"TableName":"tab","Item":{"pk":{"S":"` + key + `"},"g":{"S":"` + g + `"}}}}`
				}
				if !post(url, "TransactWriteItems", `{"TransactItems":[`+put("left")+`,`+put("right")+`]}`) {
					return
				}
				mu.Lock()
				keys = append(keys, key)
				if len(keys) == limit {
					_ = cmd.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return keys
}

func post(url, operation, body string) bool {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode == http.StatusOK
}

func checkAcknowledged(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	service, err := dynamodb.New(dynamodb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	c := &client{t, service}
	table, _ := c.all("Scan", `{"TableName":"tab"}`, "pk")
	index, _ := c.all("Scan", `{"TableName":"tab","IndexName":"gsi"}`, "pk")
	count := map[string]int{}
	for _, key := range slices.Concat(table, index, c.streamed("tab")) {
		count[key]++
	}
	for key, n := range count {
		if n != 6 { // two items, each in the table, the index and the stream
			t.Errorf("%s is there %d times: half a transaction", key, n)
		}
	}
	for key := range acknowledged {
		if count[key] == 0 {
			t.Errorf("acknowledged item %s is lost", key)
		}
	}
	if got := c.describe("tab").ItemCount; got != len(table) {
		t.Errorf("the table counts %d items, has %d", got, len(table))
	}
}

// streamed are the pks of all inserts in a table's stream.
func (c *client) streamed(table string) (keys []string) {
	c.t.Helper()
	it, last := c.iterator(c.describe(table).LatestStreamArn, "TRIM_HORIZON"), ""
	for {
		p := c.records(it)
		for _, r := range p.Records {
			var key struct{ PK struct{ S string } }
			if err := json.Unmarshal(r.Dynamodb.Keys, &key); err != nil || r.EventName != "INSERT" || r.Dynamodb.SequenceNumber <= last {
				c.t.Fatalf("%v in %+v behind %s", err, r, last)
			}
			last = r.Dynamodb.SequenceNumber
			keys = append(keys, key.PK.S)
		}
		if it = *p.NextShardIterator; len(p.Records) == 0 {
			return keys
		}
	}
}
