package awsapi

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/journal"
)

// Router is the AWS API of one machine: every call comes in at one address
// and goes to the service it is meant for.
type Router struct {
	// Services by signing name: "dynamodb", "lambda", "execute-api", "sts".
	Services map[string]http.Handler
	Journal  *journal.Journal
}

// ServeHTTP hands r to the service it names. A service that Suiro does not
// run is refused by its name, so that the developer sees what the app wanted.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := ServiceOf(r)
	if rt.Services[service] == nil {
		service = rt.otherwise(r, service)
	}
	if h := rt.Services[service]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	refusal := &Error{Status: http.StatusNotImplemented, Code: "UnknownOperationException",
		Message: "Suiro does not run " + service}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		refusal.Message += " (the call was " + target + ")"
	}
	if service == "" {
		refusal = &Error{Status: http.StatusForbidden, Code: "MissingAuthenticationTokenException",
			Message: "Missing Authentication Token"}
	}
	rt.Journal.Publish(journal.Entry{
		Kind: journal.Refused, Method: r.Method, Path: r.URL.Path, Status: refusal.Status,
		Resource: service, Text: unknownService(service, r),
	})
	WriteError(w, refusal, ProtocolOf(r))
}

// IsCall tells from a request line, without its end, that it is a call of a service
// that has one path for all: DynamoDB, STS and others. It is answered in one piece.
func IsCall(line []byte) bool {
	return string(bytes.TrimSuffix(line, []byte("\r"))) == "POST / HTTP/1.1"
}

// otherwise finds who refuses a call that names no service or none of ours: a
// signature with a wrong scope is for the called service to refuse, and what
// comes to / with nothing to tell (a health check, a plain POST) is answered
// as DynamoDB's endpoint answers it.
func (rt *Router) otherwise(r *http.Request, service string) string {
	called := targetService(r.Header.Get("X-Amz-Target"))
	if service == "" && r.URL.Path == "/" {
		called = "dynamodb"
	}
	if rt.Services[called] == nil {
		return service
	}
	return called
}

// unknownService says in the journal what an answer in AWS's words cannot.
func unknownService(service string, r *http.Request) string {
	if service == "" {
		return "a call to the AWS endpoint names no service: it carries no signature and no X-Amz-Target header"
	}
	text := "the app calls " + service + ", which Suiro does not run"
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		text += " (" + target + ")"
	}
	return text
}

// ServiceOf names the service a call is meant for by its signing name, or ""
// when nothing tells. The signature's scope is the surest sign, since every
// SDK signs; then the target header, the path and the host name. It does not
// verify anything and never reads the body.
func ServiceOf(r *http.Request) string {
	if s := scopeService(r); s != "" {
		return s
	}
	if s := targetService(r.Header.Get("X-Amz-Target")); s != "" {
		return s
	}
	if s := pathService(r.URL.Path); s != "" {
		return s
	}
	if r.URL.RawQuery != "" && r.URL.Query().Get("Version") == stsVersion {
		return "sts"
	}
	return hostService(r.Host)
}

// stsVersion is the Version parameter of the STS query API.
const stsVersion = "2011-06-15"

// scopeService reads the fourth part of a credential scope,
// "{key}/{date}/{region}/{service}/aws4_request", from the Authorization
// header or the query string of a presigned URL.
func scopeService(r *http.Request) string {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if ok {
		if end := strings.IndexAny(scope, ", "); end >= 0 {
			scope = scope[:end]
		}
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	if scope = strings.TrimSuffix(scope, "/aws4_request"); scope == "" {
		return ""
	}
	// An access key may hold slashes in tests and other clouds: count from
	// the end.
	return strings.ToLower(scope[strings.LastIndexByte(scope, '/')+1:])
}

// targets maps how X-Amz-Target begins to a signing name.
var targets = []struct{ prefix, service string }{
	{"DynamoDB", "dynamodb"}, // DynamoDB_20120810 and DynamoDBStreams_20120810
	{"AppRunner", "apprunner"},
	{"AmazonSQS", "sqs"},
	{"AmazonSSM", "ssm"},
	{"AWSCognitoIdentityProvider", "cognito-idp"},
	{"AWSEvents", "events"},
	{"AWSStepFunctions", "states"},
	{"Kinesis_", "kinesis"},
	{"Logs_", "logs"},
	{"secretsmanager", "secretsmanager"},
	{"TrentService", "kms"},
}

func targetService(target string) string {
	for _, t := range targets {
		if strings.HasPrefix(target, t.prefix) {
			return t.service
		}
	}
	return ""
}

// pathService knows the paths that the REST services begin with. Lambda dates
// its paths ("/2015-03-31/functions/..."), and so does CloudFront.
func pathService(path string) string {
	if strings.Contains(path, "/@connections/") {
		return "execute-api"
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	next, _, _ := strings.Cut(rest, "/")
	switch {
	case isDate(first):
		switch next {
		case "functions", "event-source-mappings", "layers", "account-settings", "code-signing-configs", "tags":
			return "lambda"
		case "distribution", "origin-access-control", "cache-policy", "function", "key-value-store":
			return "cloudfront"
		}
	case first == "restapis", first == "v2" && (next == "apis" || next == "domainnames"):
		return "apigateway"
	case first == "v1" && next == "apis":
		return "appsync"
	}
	return ""
}

func isDate(s string) bool {
	if len(s) != len("2015-03-31") || s[4] != '-' || s[7] != '-' {
		return false
	}
	return strings.Trim(s, "0123456789-") == ""
}

// hostService reads an AWS host name: "dynamodb.us-east-1.amazonaws.com",
// "{api}.execute-api.us-east-1.amazonaws.com".
func hostService(host string) string {
	service, rest, ok := strings.Cut(strings.ToLower(host), ".")
	if !ok || !strings.Contains(rest, "amazonaws.com") {
		return ""
	}
	if strings.HasPrefix(rest, "execute-api.") {
		return "execute-api"
	}
	return service
}

// ProtocolOf tells from a request alone in which protocol to answer it.
func ProtocolOf(r *http.Request) Protocol {
	contentType := r.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(contentType, "application/x-amz-json-1.1"):
		return JSON11
	case strings.HasPrefix(contentType, "application/x-amz-json-1.0"), r.Header.Get("X-Amz-Target") != "":
		return JSON10
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"),
		strings.Contains(r.URL.RawQuery, "Action="):
		return Query
	}
	return RESTJSON
}
