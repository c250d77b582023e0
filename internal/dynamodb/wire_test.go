package dynamodb_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/dynamodb"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/store"
)

func TestRequestsThatReachNoOperation(t *testing.T) {
	c := newClient(t)
	const xml = "<UnknownOperationException/>\n"
	for _, row := range []struct {
		name, method, headers, body string
		status                      int
		want                        string
	}{
		{"health check", "GET", "", "", 200, "healthy: dynamodb.eu-west-1.amazonaws.com "},
		{"other method", "PUT", "", "", 404, xml},
		{"options without an origin", "OPTIONS", "", "", 404, xml},
		{"preflight", "OPTIONS", "Origin: x|Access-Control-Request-Headers: a, b", "", 200, ""},
		{"other content type", "POST", "Content-Type: application/x-amz-json-1.1|X-Amz-Target: DynamoDB_20120810.ListTables", "{}", 404, xml},
		{"no content type", "POST", "X-Amz-Target: DynamoDB_20120810.ListTables", "{}", 404, xml},
		{"no JSON", "POST", "Content-Type: application/json|X-Amz-Target: DynamoDB_20120810.ListTables", "hello", 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{"no JSON and no target", "POST", "Content-Type: application/json", "hello", 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{"no target", "POST", "Content-Type: application/json", "{}", 400, `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"unknown operation", "POST", "Content-Type: application/json|X-Amz-Target: DynamoDB_20120810.Nope", "{}", 400, `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"no body", "POST", "Content-Type: application/json|X-Amz-Target: DynamoDB_20120810.ListTables", "", 400, `{"__type":"com.amazon.coral.service#SerializationException"}`},
		{"parameters of the content type", "POST", "Content-Type: application/json; charset=utf-8|X-Amz-Target: DynamoDB_20120810.ListTables", " {}", 200, `{"TableNames":[]}`},
		{"wrong type of a member", "POST", "Content-Type: application/json|X-Amz-Target: DynamoDB_20120810.ListTables", `{"Limit":"1"}`, 400,
			`{"__type":"com.amazon.coral.service#SerializationException","Message":"STRING_VALUE cannot be converted to Integer"}`},
		{"unknown member", "POST", "Content-Type: application/json|X-Amz-Target: DynamoDB_20120810.ListTables", `{"Nope":[1]}`, 200, `{"TableNames":[]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(row.method, "/", strings.NewReader(row.body))
			for _, h := range strings.Split(row.headers, "|") {
				if name, value, ok := strings.Cut(h, ": "); ok {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			c.service.ServeHTTP(w, r)
			if w.Code != row.status || w.Body.String() != row.want {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body.String(), row.status, row.want)
			}
			if w.Header().Get("X-Amz-Crc32") == "" || len(w.Header().Get("X-Amzn-Requestid")) != 52 {
				t.Errorf("headers are %v", w.Header())
			}
			if origin := r.Header.Get("Origin"); origin != "" && w.Header().Get("Access-Control-Allow-Headers") != "a, b" {
				t.Errorf("preflight is answered with %v", w.Header())
			}
		})
	}
}

func TestRequestsOver16MegabytesAreTooLarge(t *testing.T) {
	c := newClient(t)
	for _, known := range []bool{true, false} {
		r := httptest.NewRequest("POST", "/", io.LimitReader(zeros{}, 16<<20+1))
		if known {
			r.ContentLength = 16<<20 + 1
		}
		w := httptest.NewRecorder()
		c.service.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || w.Body.Len() != 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// guard authenticates and authorizes by what a test sets.
type guard struct {
	refusal error
	allowed func(action, arn string) bool
}

func (g *guard) Authenticate(*http.Request, string, []byte) (awsapi.Caller, error) {
	return awsapi.Caller{ARN: "arn:aws:iam::123456789012:user/u"}, g.refusal
}

func (g *guard) Authorize(c awsapi.Caller, action, arn string) error {
	if g.allowed == nil || g.allowed(action, arn) {
		return nil
	}
	return &awsapi.Error{Status: 403, Code: "AccessDeniedException", Message: "User: " + c.ARN + " is not authorized to perform: " + action + " on resource: " + arn}
}

func TestAuthenticationErrorsHaveDynamoDBsShape(t *testing.T) {
	g := new(guard)
	c := newClient(t, func(config *dynamodb.Config) { config.Authenticator = g })
	for _, row := range []struct{ code, text, want string }{
		{"MissingAuthenticationToken", "Missing Authentication Token", `{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`},
		{"MissingAuthenticationTokenException", "Missing Authentication Token", `{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`},
		{"InvalidSignatureException", "no match", `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"no match"}`},
		{"SignatureDoesNotMatch", "no match", `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"no match"}`},
		{"IncompleteSignatureException", "no date", `{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"no date"}`},
		{"UnrecognizedClientException", "?", `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}`},
	} {
		g.refusal = &awsapi.Error{Status: 403, Code: row.code, Message: row.text}
		if status, body := c.raw("ListTables", `{}`); status != 400 || body != row.want {
			t.Errorf("%s: %d %s", row.code, status, body)
		}
		if status, body := c.raw("ListTables", `{`); status != 400 || body != `{"__type":"com.amazon.coral.service#SerializationException"}` {
			t.Errorf("no JSON comes first: %d %s", status, body)
		}
	}
}

// Each operation asks for its own action on the table or index it touches.
func TestAuthorization(t *testing.T) {
	g := &guard{}
	c := newClient(t, func(config *dynamodb.Config) { config.Authenticator, config.Authorizer = g, g })
	c.table("tab", "pk S, sk S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "sk", "ALL")+`]`)
	arn := "arn:aws:dynamodb:eu-west-1:123456789012:table/tab"
	key := `{"pk":{"S":"a"},"sk":{"S":"b"}}`
	for _, row := range []struct{ operation, body, action, resource string }{
		{"PutItem", `{"TableName":"tab","Item":` + key + `}`, "PutItem", arn},
		{"GetItem", `{"TableName":"tab","Key":` + key + `}`, "GetItem", arn},
		{"UpdateItem", `{"TableName":"` + arn + `","Key":` + key + `}`, "UpdateItem", arn},
		{"Scan", `{"TableName":"tab"}`, "Scan", arn},
		{"Query", `{"TableName":"tab","IndexName":"gsi","KeyConditionExpression":"sk = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, "Query", arn + "/index/gsi"},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[` + key + `]}}}`, "BatchGetItem", arn},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"DeleteRequest":{"Key":` + key + `}}]}}`, "BatchWriteItem", arn},
		{"TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"tab","Key":` + key + `,"ConditionExpression":"attribute_not_exists(x)"}}]}`, "ConditionCheckItem", arn},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Item":` + key + `}}]}`, "PutItem", arn},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"tab","Key":` + key + `}}]}`, "GetItem", arn},
		{"DescribeTable", `{"TableName":"tab"}`, "DescribeTable", arn},
		{"ListTables", `{}`, "ListTables", "*"},
		{"ListTagsOfResource", `{"ResourceArn":"` + arn + `"}`, "ListTagsOfResource", arn},
	} {
		g.allowed = func(action, resource string) bool {
			return action == "dynamodb:"+row.action && resource == row.resource
		}
		c.ok(row.operation, row.body)
		g.allowed = func(string, string) bool { return false }
		c.refused(row.operation, row.body, "AccessDeniedException",
			"User: arn:aws:iam::123456789012:user/u is not authorized to perform: dynamodb:"+row.action+" on resource: "+row.resource)
	}
}

func TestJournal(t *testing.T) {
	j := new(journal.Journal)
	c := newClient(t, func(config *dynamodb.Config) { config.Journal = j })
	c.table("tab", "pk S") // nobody listens yet
	s := j.Subscribe(8)
	c.ok("Scan", `{"TableName":"tab"}`)
	_, _ = c.raw("UpdateGlobalTable", `{}`)
	s.Close()
	var got []string
	for e := range s.Entries() {
		got = append(got, string(e.Kind)+" "+e.Method+" "+e.Path)
	}
	want := "request dynamodb:Scan tab,notice dynamodb:UpdateGlobalTable ,request dynamodb:UpdateGlobalTable "
	if strings.Join(got, ",") != want {
		t.Errorf("%q, want %q", strings.Join(got, ","), want)
	}
}

func TestClosedStoreIsAnInternalError(t *testing.T) {
	s := store.OpenMemory()
	c := newClient(t, func(config *dynamodb.Config) { config.Store = s })
	c.table("tab", "pk S")
	_ = s.Close()
	if status, body := c.raw("GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"}}}`); status != 500 || !strings.Contains(body, "#InternalServerError") {
		t.Errorf("%d %s", status, body)
	}
}

// A caller that leaves before its write ran has changed nothing.
func TestWriteOfACallerThatLeft(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"TableName":"tab","Item":{"pk":{"S":"a"}}}`)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	c.service.ServeHTTP(httptest.NewRecorder(), r)
	c.want("Scan", `{"TableName":"tab","Select":"COUNT"}`, `{"Count":0,"ScannedCount":0}`)
}

func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"TableName":"tab","Item":{"pk":{"S":"a"},"g":{"S":"b"}}}`,
		`{"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET #a = :b","ExpressionAttributeNames":{"#a":"x"},"ExpressionAttributeValues":{":b":{"N":"1"}}}`,
		`{"TableName":"tab","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`,
		`{"RequestItems":{"tab":{"Keys":[{"pk":{"S":"a"}}]}}}`,
		`{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`,
		`{"TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":"a"}}}}]}`,
		createTable("new", "pk S"), `{"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Create":{}}]}`,
		`{"TableName":"tab","Expected":{"a":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},"Key":{"pk":{"S":"a"}}}`,
		`{"TableName":"tab","IndexName":"gsi","Segment":0,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"a"},"g":{"S":"b"}}}`,
	} {
		for i := range byte(10) {
			f.Add(i, seed)
		}
	}
	operations := []string{"PutItem", "UpdateItem", "Query", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "CreateTable", "UpdateTable", "DeleteItem", "Scan"}
	c := newClient(f)
	c.table("tab", "pk S, g S", `"GlobalSecondaryIndexes":[`+globalIndex("gsi", "g", "ALL")+`]`)
	f.Fuzz(func(t *testing.T, operation byte, body string) {
		c := &client{t, c.service}
		if status, answer := c.raw(operations[int(operation)%len(operations)], body); status != 200 && status != 400 {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestCompressedRequests(t *testing.T) {
	c := newClient(t)
	c.table("tab", "pk S")
	pack := func(encoding, body string) string {
		var out bytes.Buffer
		var w io.WriteCloser = zlib.NewWriter(&out)
		if encoding == "gzip" {
			w = gzip.NewWriter(&out)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const body = `{"TableName":"tab","Item":{"pk":{"S":"a"}}}`
	for _, row := range []struct {
		encoding, body string
		status         int
	}{
		{"gzip", pack("gzip", body), 200}, {"deflate", pack("deflate", body), 200}, {"identity", body, 200},
		{"gzip", body, 500}, {"gzip", pack("gzip", body)[:20], 500}, {"dog", body, 500},
		{"gzip", pack("gzip", strings.Repeat(" ", 16<<20+1)), 500},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(row.body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
		r.Header.Set("Content-Encoding", row.encoding)
		w := httptest.NewRecorder()
		c.service.ServeHTTP(w, r)
		if w.Code != row.status {
			t.Errorf("%s of %.20q: %d %s", row.encoding, row.body, w.Code, w.Body)
		}
	}
}
