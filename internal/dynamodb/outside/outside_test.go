package outside_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/dynamodb/outside"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/sigv4"
	"github.com/suiro-dev/suiro/internal/store"
)

var outsideKey = sigv4.Credentials{AccessKeyID: "outsidekey", SecretAccessKey: "outsidesecret"}

// signedBy takes calls that one key signed.
type signedBy struct {
	key      sigv4.Credentials
	verifier sigv4.Verifier
}

func (s *signedBy) Authenticate(r *http.Request, _ string, body []byte) (awsapi.Caller, error) {
	claim, err := sigv4.Parse(r)
	if err != nil || claim.AccessKeyID != s.key.AccessKeyID || claim.Region != "eu-west-1" || claim.Service != "dynamodb" {
		return awsapi.Caller{}, &awsapi.Error{Code: "UnrecognizedClientException"}
	}
	if err := s.verifier.Verify(r, &claim, s.key.SecretAccessKey, body); err != nil {
		return awsapi.Caller{}, &awsapi.Error{Code: "InvalidSignatureException"}
	}
	return awsapi.Caller{Owner: true}, nil
}

// client calls a handler as a raw HTTP client does.
type client struct {
	t testing.TB
	http.Handler
}

func (c *client) raw(operation, body string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// want checks an answer, members in any order.
func (c *client) want(operation, body, answer string) {
	c.t.Helper()
	status, got := c.raw(operation, body)
	var a, b any
	if err := json.Unmarshal([]byte(answer), &b); err != nil {
		c.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &a); err != nil || status != http.StatusOK || !reflect.DeepEqual(a, b) {
		c.t.Errorf("%s %s\n got %d %s\nwant %s", operation, body, status, got, answer)
	}
}

// newLocal is a service in memory.
func newLocal(t testing.TB, change ...func(*dynamodb.Config)) *dynamodb.Service {
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
		_ = service.Close()
		_ = s.Close()
	})
	return service
}

// newOutside is a service whose tables are at a URL.
func newOutside(t testing.TB, url string, local *dynamodb.Service, change ...func(*outside.Config)) *outside.Service {
	config := outside.Config{URL: url, Credentials: outsideKey, Region: "eu-west-1", Local: local}
	for _, c := range change {
		c(&config)
	}
	o, err := outside.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func serve(t testing.TB, h http.Handler) (url string) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

const tableType = "AWS::DynamoDB::Table"

const simple = `
AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
KeySchema: [{AttributeName: pk, KeyType: HASH}]
BillingMode: PAY_PER_REQUEST
`

func spec(t testing.TB, typ, properties string) resource.Spec {
	n, msgs := document.Parse("template.yaml", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	return resource.Spec{LogicalID: "Table", Type: typ, Properties: n, Stack: resource.Stack{Name: "chat-dev", Region: "eu-west-1", AccountID: "123456789012"}}
}

func TestOutsideTables(t *testing.T) {
	ctx := context.Background()
	there := &client{t, newLocal(t)}
	o := newOutside(t, serve(t, there), newLocal(t))
	here, h := &client{t, o}, o.Handlers()[tableType]
	made, err := h.Create(ctx, spec(t, tableType, simple+"TableName: notes\nTimeToLiveSpecification: {AttributeName: ttl, Enabled: true}\nStreamSpecification: {StreamViewType: NEW_IMAGE}"))
	if err != nil {
		t.Fatal(err)
	}
	if made.PhysicalID != "notes" || made.Attr("Arn") != "arn:aws:dynamodb:eu-west-1:123456789012:table/notes" || !strings.Contains(made.Attr("StreamArn"), "table/notes/stream/") {
		t.Errorf("made %+v", made)
	}
	there.want("DescribeTimeToLive", `{"TableName":"notes"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`)
	here.want("PutItem", `{"TableName":"notes","Item":{"pk":{"S":"a"},"n":{"N":"1"}}}`, `{}`)
	there.want("GetItem", `{"TableName":"notes","Key":{"pk":{"S":"a"}}}`, `{"Item":{"pk":{"S":"a"},"n":{"N":"1"}}}`)
	if status, got := here.raw("PutItem", `{"TableName":"notes","Item":{"x":{"S":"a"}}}`); status != 400 || !strings.Contains(got, "Missing the key pk in the item") {
		t.Errorf("%d %s", status, got)
	}
	// What is there is taken as it is, and stays when the template lets go of it.
	if _, err := h.Create(ctx, spec(t, tableType, simple+"TableName: notes")); err != nil {
		t.Error(err)
	}
	if err := h.Delete(ctx, spec(t, tableType, simple+"TableName: notes"), made); err != nil {
		t.Error(err)
	}
	here.want("ListTables", `{}`, `{"TableNames":["notes"]}`)
	_, err = h.Create(ctx, spec(t, tableType, strings.ReplaceAll(simple, "AttributeType: S", "AttributeType: N")+"TableName: notes"))
	if err == nil || !strings.Contains(err.Error(), "has the key [pk S], not [pk N]") {
		t.Errorf("a table with another key: %v", err)
	}
	_, err = h.Create(ctx, spec(t, tableType, simple+"TableName: n"))
	if err == nil || !strings.Contains(err.Error(), "DynamoDB refuses this table") {
		t.Errorf("a bad name: %v", err)
	}
}

// Calls go out signed with the outside's key, whoever made them.
func TestOutsideCallsAreSignedAnew(t *testing.T) {
	url := serve(t, newLocal(t, func(c *dynamodb.Config) { c.Authenticator = &signedBy{key: outsideKey} }))
	here := &client{t, newOutside(t, url+"/", newLocal(t))}
	here.want("ListTables", `{}`, `{"TableNames":[]}`)
	wrong := &client{t, newOutside(t, url, newLocal(t), func(c *outside.Config) { c.Credentials.SecretAccessKey = "no" })}
	if status, got := wrong.raw("ListTables", `{}`); status != 400 || !strings.Contains(got, "InvalidSignatureException") {
		t.Errorf("%d %s", status, got)
	}
}

// permissionList notes what is asked for and allows nothing.
type permissionList struct{ asked []string }

func (p *permissionList) Authorize(_ awsapi.Caller, action, resource string) error {
	p.asked = append(p.asked, action+" "+strings.TrimPrefix(resource, "arn:aws:dynamodb:eu-west-1:123456789012:table/"))
	if strings.HasSuffix(resource, "/allowed") {
		return nil
	}
	return &awsapi.Error{Code: "AccessDeniedException", Message: "no"}
}

func TestOutsideCallsNeedPermissions(t *testing.T) {
	for _, row := range []struct{ operation, body, asked string }{
		{"PutItem", `{"TableName":"tab"}`, "dynamodb:PutItem tab"},
		{"Query", `{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/tab","IndexName":"i"}`, "dynamodb:Query tab/index/i"},
		{"BatchGetItem", `{"RequestItems":{"tab":{}}}`, "dynamodb:BatchGetItem tab"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"allowed"}},{"ConditionCheck":{"TableName":"tab"}}]}`, "dynamodb:PutItem allowed, dynamodb:ConditionCheckItem tab"},
		{"ExecuteStatement", `{"Statement":"SELECT * FROM tab.i"}`, "dynamodb:PartiQLSelect tab/index/i"},
		{"BatchExecuteStatement", `{"Statements":[{"Statement":"DELETE FROM tab"}]}`, "dynamodb:PartiQLDelete tab"},
		{"ListTables", `{}`, "dynamodb:ListTables *"},
		{"PutItem", `[`, "dynamodb:PutItem *"},
	} {
		asked := new(permissionList)
		here := &client{t, newOutside(t, "http://localhost:1", newLocal(t, func(c *dynamodb.Config) { c.Authorizer = asked }))}
		if status, got := here.raw(row.operation, row.body); status != 400 || !strings.Contains(got, "AccessDenied") || strings.Join(asked.asked, ", ") != row.asked {
			t.Errorf("%s %s: %d %s, asked for %q, want %q", row.operation, row.body, status, got, asked.asked, row.asked)
		}
	}
}

// An endpoint that is away, or goes away in the middle of an answer, is told.
func TestOutsideThatDoesNotAnswer(t *testing.T) {
	j := new(journal.Journal)
	entries := j.Subscribe(16)
	defer entries.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"TableNames":[`))
	}))
	o := newOutside(t, server.URL, newLocal(t, func(c *dynamodb.Config) { c.Journal = j }))
	front := httptest.NewServer(o)
	defer front.Close()
	r, _ := http.NewRequest(http.MethodPost, front.URL, strings.NewReader(`{}`))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	if res, err := http.DefaultClient.Do(r); err == nil {
		_, err = res.Body.Read(make([]byte, 200))
		if err == nil {
			_, err = res.Body.Read(make([]byte, 200))
		}
		if err == nil || err.Error() == "EOF" {
			t.Errorf("half an answer ended with %v", err)
		}
		_ = res.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	server.Close()
	if status, got := (&client{t, o}).raw("ListTables", `{}`); status != http.StatusInternalServerError || !strings.Contains(got, "the tables at "+server.URL+"/ do not answer") {
		t.Errorf("%d %s", status, got)
	}
	for e := range entries.Entries() {
		if e.Kind == journal.Noticed {
			if !strings.Contains(e.Err, "do not answer") {
				t.Errorf("%+v", e)
			}
			break
		}
	}
	for _, url := range []string{"", "localhost:8000", "ftp://x", "http://a/b", "http://u@a", "http://a?b"} {
		if _, err := outside.New(outside.Config{URL: url}); err == nil {
			t.Errorf("%q was taken for an endpoint", url)
		}
	}
}

// localDynamoDB starts DynamoDB Local, AWS's own emulator.
func localDynamoDB(t *testing.T) (url string) {
	jars, err := filepath.Abs("../../../test/.tools/dynamodb-local")
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		t.Skip("starts Java for seconds")
	}
	if _, err := os.Stat(jars); err != nil {
		t.Skip("DynamoDB Local is not installed; tools/install does")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	cmd := exec.Command("java", "-Djava.library.path="+jars, "-cp", jars+"/*", "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		t.Skip("java is needed: ", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url = "http://127.0.0.1:" + strconv.Itoa(port)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if res, err := http.Get(url); err == nil {
			_ = res.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return url
		}
	}
	t.Fatal("DynamoDB Local does not answer")
	return ""
}

func TestTablesInDynamoDBLocal(t *testing.T) {
	url := localDynamoDB(t)
	o := newOutside(t, url, newLocal(t))
	here := &client{t, o}
	made, err := o.Handlers()[tableType].Create(context.Background(), spec(t, tableType, `
TableName: notes
AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: g, AttributeType: S}]
KeySchema: [{AttributeName: pk, KeyType: HASH}]
GlobalSecondaryIndexes: [{IndexName: byG, KeySchema: [{AttributeName: g, KeyType: HASH}], Projection: {ProjectionType: ALL}}]
BillingMode: PAY_PER_REQUEST
StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(made.Attr("StreamArn"), "arn:aws:dynamodb:ddblocal:000000000000:table/notes/stream/") {
		t.Errorf("attributes %v", made.Attributes)
	}
	for _, row := range [][3]string{
		{"PutItem", `{"TableName":"notes","Item":{"pk":{"S":"a"},"g":{"S":"x"}}}`, `{}`},
		{"Query", `{"TableName":"notes","IndexName":"byG","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"x"}}}`, `{"Items":[{"pk":{"S":"a"},"g":{"S":"x"}}],"Count":1,"ScannedCount":1}`},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"notes","Item":{"pk":{"S":"b"}}}}]}`, `{}`},
		{"ExecuteStatement", `{"Statement":"SELECT * FROM notes WHERE pk='b'"}`, `{"Items":[{"pk":{"S":"b"}}]}`},
	} {
		here.want(row[0], row[1], row[2])
	}
	readStream(t, here, o, made.Attr("StreamArn"))
}

// readStream reads what the table's stream has, then what comes, then goes on
// where another reader ended.
func readStream(t *testing.T, here *client, o *outside.Service, arn string) {
	t.Helper()
	read := func(s *outside.Stream, from uint64, names ...string) (next uint64) {
		t.Helper()
		page, err := s.Read(from, 10)
		if err != nil || len(page.Records) != len(names) || page.Ended || page.Trimmed {
			t.Fatalf("from %d: %+v, %v; want %d records", from, page, err, len(names))
		}
		for i, r := range page.Records {
			var event struct {
				EventName, EventSource, EventSourceARN string
				Dynamodb                               struct{ SequenceNumber string }
			}
			if err := json.Unmarshal(r.Event, &event); err != nil || event.EventName != names[i] || event.EventSource != "aws:dynamodb" ||
				event.EventSourceARN != arn || event.Dynamodb.SequenceNumber != r.Text || !strings.HasPrefix(r.Partition, `{"S":"`) {
				t.Errorf("record %d is %s, %+v: %v", i, r.Event, r, err)
			}
		}
		return page.Next
	}
	s, err := o.Stream(arn)
	if err != nil {
		t.Fatal(err)
	}
	next := read(s, 0, "INSERT", "INSERT")
	read(s, next)
	if s.Latest() != next || s.Shard() == "" {
		t.Errorf("latest is %d in %q, want %d", s.Latest(), s.Shard(), next)
	}
	here.want("DeleteItem", `{"TableName":"notes","Key":{"pk":{"S":"b"}}}`, `{}`)
	read(s, next, "REMOVE")
	again, err := o.Stream(arn)
	if err != nil {
		t.Fatal(err)
	}
	read(again, next, "REMOVE")
	read(again, 0, "INSERT", "INSERT", "REMOVE")
	<-again.Changed()
	if _, err := o.Stream(arn + "x"); err == nil {
		t.Error("a stream was found that is not there")
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
