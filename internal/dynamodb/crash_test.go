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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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

// kills is how often the service is killed; make crash asks for 200.
func kills(t *testing.T) int {
	text := os.Getenv("SUIRO_KILLS")
	if text == "" {
		return 4
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SUIRO_KILLS: %v", err)
	}
	return n
}

// What was acknowledged of a pair of items that a transaction wrote.
const (
	written  = "written"
	deleting = "being deleted" // the deletion was sent, no answer came
	deleted  = "deleted"
)

// What a transaction acknowledged is so after kill -9 in the table, in its
// index and in its stream, and a transaction is there whole or not at all.
func TestAcknowledgedItemsSurviveKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	const kept = 8 // kills before a new folder, so that checks stay quick
	total := 0
	for rounds := kills(t); rounds > 0; rounds -= kept {
		dir := t.TempDir()
		pairs := map[string]string{}
		for round := range min(rounds, kept) {
			killInTheMidst(t, dir, round, pairs)
			checkPairs(t, dir, pairs)
		}
		total += len(pairs)
	}
	if total < 20 {
		t.Errorf("only %d pairs were acknowledged", total)
	}
}

// killInTheMidst starts the service, has it written to, kills it, and notes
// what was acknowledged.
func killInTheMidst(t *testing.T, dir string, round int, pairs map[string]string) {
	t.Helper()
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
	writeUntilKilled(url, round, cmd, pairs)
	_ = cmd.Wait() // killed
}

// writeUntilKilled has 8 writers put pairs of items and delete every third
// again, and kills the service in the midst of it.
func writeUntilKilled(url string, round int, cmd *exec.Cmd, pairs map[string]string) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	limit, seen := 20+rand.IntN(300), 0
	note := func(key, state string) {
		mu.Lock()
		defer mu.Unlock()
		pairs[key] = state
		if seen++; seen == limit {
			// Not at the end of a commit but somewhere in the next ones.
			time.AfterFunc(time.Duration(rand.IntN(5000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	for writer := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", round, writer, i)
				both := func(action, member string) bool {
					one := func(g string) string {
						return `{"` + action + `":{"TableName":"tab","` + member + `":{"pk":{"S":"` + key + `"},"g":{"S":"` + g + `"}}}}`
					}
					return post(url, "TransactWriteItems", `{"TransactItems":[`+one("left")+`,`+one("right")+`]}`)
				}
				if !both("Put", "Item") {
					return
				}
				note(key, written)
				if i%3 > 0 {
					continue
				}
				note(key, deleting)
				if !both("Delete", "Key") {
					return
				}
				note(key, deleted)
			}
		})
	}
	wg.Wait()
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

func checkPairs(t *testing.T, dir string, pairs map[string]string) {
	t.Helper()
	service, err := dynamodb.New(dynamodb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Close() }()
	c := &client{t, service}
	table, _ := c.all("Scan", `{"TableName":"tab"}`, "pk")
	index, _ := c.all("Scan", `{"TableName":"tab","IndexName":"gsi"}`, "pk")
	inserts, removes := c.streamed("tab")
	inTable, inIndex := counts(table), counts(index)
	for key := range inserts {
		if n := inTable[key]; n != inIndex[key] || inserts[key] != 2 || n+removes[key] != 2 || n == 1 {
			t.Errorf("%s: %d items, %d in the index, %d inserts, %d removes", key, n, inIndex[key], inserts[key], removes[key])
		}
	}
	for key, state := range pairs {
		if n := inTable[key]; inserts[key] != 2 || state == written && n != 2 || state == deleted && n != 0 {
			t.Errorf("%s was %s, there are %d items and %d inserts", key, state, n, inserts[key])
		}
	}
	d := c.describe("tab")
	if d.ItemCount != len(table) || d.GlobalSecondaryIndexes[0].ItemCount != len(index) {
		t.Errorf("the table counts %d items of %d, its index %d of %d", d.ItemCount, len(table), d.GlobalSecondaryIndexes[0].ItemCount, len(index))
	}
}

func counts(keys []string) map[string]int {
	n := map[string]int{}
	for _, key := range keys {
		n[key]++
	}
	return n
}

// streamed counts the inserts and removes of each pk in a table's stream,
// whose sequence numbers must grow.
func (c *client) streamed(table string) (inserts, removes map[string]int) {
	c.t.Helper()
	inserts, removes = map[string]int{}, map[string]int{}
	it, last := c.iterator(c.describe(table).LatestStreamArn, "TRIM_HORIZON"), ""
	for {
		p := c.records(it)
		for _, r := range p.Records {
			var key struct{ PK struct{ S string } }
			if err := json.Unmarshal(r.Dynamodb.Keys, &key); err != nil || r.Dynamodb.SequenceNumber <= last {
				c.t.Fatalf("%v in %+v behind %s", err, r, last)
			}
			last = r.Dynamodb.SequenceNumber
			switch r.EventName {
			case "INSERT":
				inserts[key.PK.S]++
			case "REMOVE":
				removes[key.PK.S]++
			default:
				c.t.Fatalf("%+v", r)
			}
		}
		if it = *p.NextShardIterator; len(p.Records) == 0 {
			return inserts, removes
		}
	}
}
