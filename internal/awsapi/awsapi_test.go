package awsapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/journal"
)

func TestErrorsInEachProtocol(t *testing.T) {
	missing := &Error{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	denied := &Error{403, "AccessDeniedException", `User: a<b> & "c"`}
	gone := &Error{404, "ResourceNotFoundException", "no such thing"}
	for _, c := range []struct {
		name     string
		err      error
		protocol Protocol
		status   int
		kind     string // x-amzn-ErrorType
		body     string
	}{
		{"REST: name in a header", missing, RESTJSON, 403, "MissingAuthenticationTokenException",
			`{"message":"Missing Authentication Token"}`},
		{"REST: a denial writes Message", denied, RESTJSON, 403, "AccessDeniedException",
			`{"Message":"User: a<b> & \"c\""}`},
		{"wrapped errors are found", fmt.Errorf("routing: %w", gone), RESTJSON, 404, "ResourceNotFoundException",
			`{"message":"no such thing"}`},
		{"an internal failure keeps its text", errors.New("disk on fire"), RESTJSON, 500, "InternalFailure",
			`{"message":"Internal server error"}`},
		{"JSON 1.0: a refused signature is a 400", missing, JSON10, 400, "",
			`{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		{"JSON 1.1: no prefix", missing, JSON11, 400, "",
			`{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		{"JSON: an operation's own error", gone, JSON10, 404, "",
			`{"__type":"ResourceNotFoundException","message":"no such thing"}`},
		{"query: XML with its own names", denied, Query, 403, "",
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>` +
				`<Message>User: a&lt;b&gt; &amp; &#34;c&#34;</Message></Error><RequestId>id</RequestId></ErrorResponse>` + "\n"},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("x-amzn-RequestId", "id")
		WriteError(w, c.err, c.protocol)
		if w.Code != c.status || w.Header().Get("x-amzn-ErrorType") != c.kind || w.Body.String() != c.body {
			t.Errorf("%s: %d %q\n got %s\nwant %s", c.name, w.Code, w.Header().Get("x-amzn-ErrorType"), w.Body, c.body)
		}
	}
}

func TestErrorsGetARequestID(t *testing.T) {
	w := httptest.NewRecorder()
	WriteError(w, &Error{Status: 400, Code: "X"}, RESTJSON)
	if len(w.Header().Get("x-amzn-RequestId")) != 36 {
		t.Errorf("%q", w.Header())
	}
}

func call(method, url string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestServiceOfACall(t *testing.T) {
	const scope = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"signature scope", call("POST", "/", "Authorization", fmt.Sprintf(scope, "dynamodb")), "dynamodb"},
		{"signature scope without spaces", call("POST", "/", "Authorization", strings.ReplaceAll(fmt.Sprintf(scope, "lambda"), ", ", ",")), "lambda"},
		{"the scope beats the target", call("POST", "/", "Authorization", fmt.Sprintf(scope, "dynamodb"), "X-Amz-Target", "AmazonSSM.GetParameter"), "dynamodb"},
		{"presigned", call("GET", "/dev?X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fexecute-api%2Faws4_request"), "execute-api"},
		{"target, tables", call("POST", "/", "X-Amz-Target", "DynamoDB_20120810.ListTables"), "dynamodb"},
		{"target, streams", call("POST", "/", "X-Amz-Target", "DynamoDBStreams_20120810.ListStreams"), "dynamodb"},
		{"Lambda's dated paths", call("POST", "/2015-03-31/functions/chat/invocations"), "lambda"},
		{"Lambda streaming path", call("POST", "/2021-11-15/functions/chat/response-streaming-invocations"), "lambda"},
		{"CloudFront's dated paths", call("GET", "/2020-05-31/distribution/E1"), "cloudfront"},
		{"management API", call("POST", "/dev/@connections/abc="), "execute-api"},
		{"query string", call("GET", "/?Action=GetCallerIdentity&Version=2011-06-15"), "sts"},
		{"host", call("POST", "http://sts.eu-west-1.amazonaws.com/"), "sts"},
		{"API host", call("GET", "http://abc.execute-api.eu-west-1.amazonaws.com/dev"), "execute-api"},
		{"nothing tells", call("GET", "/"), ""},
		{"an empty scope", call("GET", "/", "Authorization", "AWS4-HMAC-SHA256 Credential="), ""},
	} {
		if got := ServiceOf(c.r); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRouterNamesServicesThatSuiroLacks(t *testing.T) {
	j := &journal.Journal{}
	sub := j.Subscribe(10)
	defer sub.Close()
	rt := &Router{Journal: j, Services: map[string]http.Handler{
		"lambda":   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }),
		"dynamodb": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(298) }),
	}}
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		body   string
		text   string
	}{
		{"served", call("GET", "/2015-03-31/functions"), 299, "", ""},
		{"JSON service", call("POST", "/", "X-Amz-Target", "AmazonSQS.SendMessage", "Content-Type", "application/x-amz-json-1.0"), 400,
			`{"__type":"com.amazon.coral.service#UnknownOperationException","message":"Suiro does not run sqs (the call was AmazonSQS.SendMessage)"}`,
			"the app calls sqs, which Suiro does not run (AmazonSQS.SendMessage)"},
		{"REST service", call("GET", "/", "Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request"), 501,
			`{"message":"Suiro does not run s3"}`, "the app calls s3, which Suiro does not run"},
		{"health check", call("GET", "/"), 298, "", ""},
		{"wrong scope", call("POST", "/", "Authorization", "AWS4-HMAC-SHA256 Credential=A/2/3/4/aws4_request", "X-Amz-Target", "DynamoDB_20120810.Scan"), 298, "", ""},
		{"no service", call("GET", "/somewhere"), 403, `{"message":"Missing Authentication Token"}`,
			"a call to the AWS endpoint names no service: it carries no signature and no X-Amz-Target header"},
	} {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, c.r)
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if c.text == "" {
			continue
		}
		if e := <-sub.Entries(); e.Kind != journal.Refused || e.Text != c.text || e.Status != c.status && c.status != 400 {
			t.Errorf("%s: journal has %+v", c.name, e)
		}
	}
}

func FuzzServiceOf(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/b/c/d/aws4_request,", "DynamoDB_20120810.X", "/2015-03-31/functions", "X-Amz-Credential=a%2Fb")
	f.Fuzz(func(t *testing.T, auth, target, path, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Target", target)
		r.URL.Path, r.URL.RawQuery = path, query
		ServiceOf(r)
		ProtocolOf(r)
	})
}

func TestIsCall(t *testing.T) {
	for line, want := range map[string]bool{
		"POST / HTTP/1.1":      true,
		"POST / HTTP/1.1\r":    true,
		"POST / HTTP/1.0":      false,
		"POST /?a=b HTTP/1.1":  false,
		"GET / HTTP/1.1":       false,
		"POST /path HTTP/1.1":  false,
		"POST / HTTP/1.1 \r":   false,
		"OPTIONS / HTTP/1.1\r": false,
	} {
		if got := IsCall([]byte(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}
