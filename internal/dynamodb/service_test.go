package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("DYNAMODB_TEST_DIR"); dir != "" {
		serveForever(dir)
	}
	goleak.VerifyTestMain(m)
}

// client calls a service as a raw HTTP client does.
type client struct {
	t       testing.TB
	service *dynamodb.Service
}

// newClient starts a service in memory.
func newClient(t testing.TB, change ...func(*dynamodb.Config)) *client {
	t.Helper()
	s := store.OpenMemory()
	config := dynamodb.Config{Store: s, Region: "eu-west-1", AccountID: "123456789012"}
	for _, c := range change {
		c(&config)
	}
	service, err := dynamodb.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		_ = s.Close()
	})
	return &client{t, service}
}

// raw sends a call and returns its status and body, after checking what every
// answer has.
func (c *client) raw(operation, body string) (int, string) {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	switch operation {
	case "ListStreams", "DescribeStream", "GetShardIterator", "GetRecords":
		r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+operation)
	}
	w := httptest.NewRecorder()
	c.service.ServeHTTP(w, r)
	answer := w.Result()
	got, _ := io.ReadAll(answer.Body)
	if sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(got)), 10); answer.Header.Get("x-amz-crc32") != sum {
		c.t.Errorf("%s: checksum %s, want %s", operation, answer.Header.Get("x-amz-crc32"), sum)
	}
	if id := answer.Header.Get("x-amzn-RequestId"); len(id) != 52 {
		c.t.Errorf("%s: request id %q", operation, id)
	}
	if len(got) > 0 && !json.Valid(got) {
		c.t.Errorf("%s: answer is no JSON: %s", operation, got)
	}
	return answer.StatusCode, string(got)
}

// ok calls an operation that must succeed.
func (c *client) ok(operation, body string) string {
	c.t.Helper()
	status, got := c.raw(operation, body)
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", operation, body, status, got)
	}
	return got
}

// want checks an answer, members in any order.
func (c *client) want(operation, body, answer string) {
	c.t.Helper()
	same(c.t, operation+" "+body, c.ok(operation, body), answer)
}

func same(t testing.TB, what, got, want string) {
	t.Helper()
	if a, b := normal(t, got), normal(t, want); a != b {
		t.Errorf("%s\n got %s\nwant %s", what, a, b)
	}
}

func normal(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// refused checks an error's name and message.
func (c *client) refused(operation, body, name, text string) {
	c.t.Helper()
	status, got := c.raw(operation, body)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal([]byte(got), &e) // matches Message too
	if _, short, _ := strings.Cut(e.Type, "#"); status != http.StatusBadRequest || short != name || e.Message != text {
		c.t.Errorf("%s %s\n got %d %s: %s\nwant 400 %s: %s", operation, body, status, short, e.Message, name, text)
	}
}

// invalid checks a ValidationException.
func (c *client) invalid(operation, body, text string) {
	c.t.Helper()
	c.refused(operation, body, "ValidationException", text)
}

// table makes a table on demand; key is like "pk S, sk N", more are further
// members of the request.
func (c *client) table(name, key string, more ...string) {
	c.t.Helper()
	c.ok("CreateTable", createTable(name, key, more...))
}

func createTable(name, key string, more ...string) string {
	definitions, schema := []string{}, []string{}
	for i, attribute := range strings.Split(key, ", ") {
		n, typ, _ := strings.Cut(attribute, " ")
		definitions = append(definitions, `{"AttributeName":"`+n+`","AttributeType":"`+typ+`"}`)
		if i < 2 {
			schema = append(schema, `{"AttributeName":"`+n+`","KeyType":"`+[]string{"HASH", "RANGE"}[i]+`"}`)
		}
	}
	extra := strings.Join(append([]string{""}, more...), ",")
	return `{"TableName":"` + name + `","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[` +
		strings.Join(definitions, ",") + `],"KeySchema":[` + strings.Join(schema, ",") + `]` + extra + `}`
}
