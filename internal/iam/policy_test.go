package iam

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"pgregory.net/rapid"
)

func TestPolicyEvaluation(t *testing.T) {
	const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/chat"
	for _, c := range []struct {
		name       string
		statements string
		action     string
		resource   string
		want       Decision
	}{
		{"no statement", `[]`, "dynamodb:GetItem", table, ImplicitDeny},
		{"exact", `[{Effect: Allow, Action: "dynamodb:GetItem", Resource: "` + table + `"}]`, "dynamodb:GetItem", table, Allow},
		{"action names ignore case", `[{Effect: Allow, Action: "DynamoDB:getitem", Resource: "*"}]`, "dynamodb:GetItem", table, Allow},
		{"resources do not", `[{Effect: Allow, Action: "*", Resource: "` + strings.ToUpper(table) + `"}]`, "dynamodb:GetItem", table, ImplicitDeny},
		{"a list of actions", `[{Effect: Allow, Action: ["dynamodb:Put*", "dynamodb:Get?tem"], Resource: "*"}]`, "dynamodb:GetItem", table, Allow},
		{"an index is not the table", `[{Effect: Allow, Action: "*", Resource: "` + table + `"}]`, "dynamodb:Query", table + "/index/i", ImplicitDeny},
		{"all its indexes", `[{Effect: Allow, Action: "*", Resource: ["` + table + `", "` + table + `/index/*"]}]`, "dynamodb:Query", table + "/index/i", Allow},
		{"a deny wins, wherever it stands", `[{Effect: Deny, Action: "dynamodb:*", Resource: "*"}, {Effect: Allow, Action: "*", Resource: "*"}]`, "dynamodb:GetItem", table, ExplicitDeny},
		{"a deny after an allow", `[{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "dynamodb:G*", Resource: "*"}]`, "dynamodb:GetItem", table, ExplicitDeny},
		{"a deny of something else", `[{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "dynamodb:Put*", Resource: "*"}]`, "dynamodb:GetItem", table, Allow},
		{"all actions but", `[{Effect: Allow, NotAction: "dynamodb:*", Resource: "*"}]`, "lambda:InvokeFunction", "*", Allow},
		{"the excepted action", `[{Effect: Allow, NotAction: "dynamodb:*", Resource: "*"}]`, "dynamodb:GetItem", table, ImplicitDeny},
		{"deny all but one resource", `[{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "*", NotResource: "` + table + `"}]`, "dynamodb:GetItem", table + "2", ExplicitDeny},
		{"the excepted resource", `[{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "*", NotResource: "` + table + `"}]`, "dynamodb:GetItem", table, Allow},
	} {
		p, msgs := ParsePolicy("p", "p", doc(t, "Statement: "+c.statements))
		if err := msgs.Err(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := Evaluate([]Policy{p}, c.action, c.resource, nil); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Management calls are compared with the path as the API writes it, so a
// policy must cover "{connectionId}" (API Gateway Developer Guide, "Control
// access to WebSocket APIs with AWS_IAM").
func TestManageConnectionsIsComparedWithThePathTemplate(t *testing.T) {
	for resource, want := range map[string]Decision{
		"arn:aws:execute-api:eu-west-1:123456789012:abc/*":                               Allow,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/*":                           Allow,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections/*":         Allow,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/*/POST/@connections/*":           Allow,
		"arn:aws:execute-api:*:*:abc/*/@connections/*":                                   Allow,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections":           ImplicitDeny,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections/L0SM9c=":   ImplicitDeny,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/GET/@connections/*":          ImplicitDeny,
		"arn:aws:execute-api:eu-west-1:123456789012:other/dev/POST/@connections/*":       ImplicitDeny,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/%40connections/*":       ImplicitDeny,
		"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections/{connect*": Allow,
	} {
		d, err := EvaluateDocument(doc(t, "Version: '2012-10-17'\nStatement: {Effect: Allow, Action: execute-api:ManageConnections, Resource: '"+resource+"'}"),
			"execute-api:ManageConnections", connectionsARN, httptest.NewRequest("POST", "/", nil))
		if err != nil || d != want {
			t.Errorf("%s: %v, %v", resource, d, err)
		}
	}
}

func TestAuthorizerDocuments(t *testing.T) {
	const method = "arn:aws:execute-api:eu-west-1:123456789012:abc/dev/$connect"
	conditional := func(condition string) string {
		return `{"Statement":{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*","Condition":{` + condition + `}}}`
	}
	r := httptest.NewRequest("GET", "/dev", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", "wscat/6")
	r.Header.Set("Referer", "https://chat.example.com/")
	for _, c := range []struct {
		name, json string
		want       Decision
		broken     bool
	}{
		{"allow", `{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + method + `"}]}`, Allow, false},
		{"deny", `{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"` + method + `"}]}`, ExplicitDeny, false},
		{"another method", `{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + method + `2"}]}`, ImplicitDeny, false},
		{"wildcards", `{"Version":"2012-10-17","Statement":[{"Action":"execute-api:*","Effect":"Allow","Resource":["arn:aws:execute-api:*:*:abc/*/$connect"]}]}`, Allow, false},
		{"a variable without a value", `{"Version":"2012-10-17","Statement":[{"Action":"*","Effect":"Allow","Resource":"${aws:username}*"}]}`, ImplicitDeny, false},
		{"ordinary text in the old version", `{"Statement":[{"Action":"*","Effect":"Deny","Resource":"${aws:username}"},{"Action":"*","Effect":"Allow","Resource":"*"}]}`, Allow, false},
		{"no statement", `{"Version":"2012-10-17"}`, ImplicitDeny, true},
		{"no effect", `{"Statement":[{"Action":"*","Resource":"*"}]}`, ImplicitDeny, true},
		{"a list", `[]`, ImplicitDeny, true},
		{"an empty list", `{"Statement":[]}`, ImplicitDeny, true},
		{"the client's address", conditional(`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`), Allow, false},
		{"another address", conditional(`"IpAddress":{"aws:SourceIp":["198.51.100.0/24","203.0.113.1"]}`), ImplicitDeny, false},
		{"the client's program", conditional(`"StringLike":{"aws:UserAgent":"wscat*","aws:Referer":"https://*.example.com/"}`), Allow, false},
		{"another page", conditional(`"StringEquals":{"aws:Referer":"https://example.com/"}`), ImplicitDeny, false},
		{"before its time", conditional(`"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`), ImplicitDeny, false},
		{"encrypted", conditional(`"Bool":{"aws:SecureTransport":"true"},"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`), Allow, false},
		{"a key that no request has", conditional(`"StringEquals":{"aws:SourceVpc":"vpc-1"}`), ImplicitDeny, false},
		{"no such operator", conditional(`"Sounds":{"aws:SourceIp":"x"}`), ImplicitDeny, true},
		{"null", `null`, ImplicitDeny, true},
	} {
		n, err := document.FromJSON([]byte(c.json), diag.Position{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := EvaluateDocument(n, "execute-api:Invoke", method, r)
		if d != c.want || (err != nil) != c.broken {
			t.Errorf("%s: %v, %v", c.name, d, err)
		}
	}
	if _, err := EvaluateDocument(nil, "a:b", "*", nil); err == nil {
		t.Error("no document at all decides")
	}
}

func TestConditions(t *testing.T) {
	ctx := Context{
		"aws:username": {"ann"}, "aws:userid": {"AIDA:1"}, "s3:prefix": {"home/ann/"}, "aws:SourceIp": {"203.0.113.7"}, "v6": {"2001:db8::1"},
		"num": {"10"}, "aws:CurrentTime": {"2026-03-14T15:09:26Z"}, "aws:EpochTime": {"1773500966"}, "aws:SecureTransport": {"true"},
		"arn": {"arn:aws:sns:eu-west-1:123456789012:topic"}, "tags": {"a", "b"}, "wild": {"a*c"},
	}
	for condition, want := range map[string]bool{
		`{StringEquals: {"aws:username": ann}}`:                                                true,
		`{StringEquals: {"AWS:UserName": [bob, ann]}}`:                                         true,
		`{StringEquals: {"aws:username": Ann}}`:                                                false,
		`{stringequalsignorecase: {"aws:username": Ann}}`:                                      true,
		`{StringNotEquals: {"aws:username": [bob, ann]}}`:                                      false,
		`{StringNotEquals: {"aws:username": [bob, eve]}}`:                                      true,
		`{StringNotEqualsIgnoreCase: {"aws:username": ANN}}`:                                   false,
		`{StringLike: {"s3:prefix": "home/${aws:username}/*"}}`:                                true,
		`{StringLike: {"s3:prefix": "home/${missing}/*"}}`:                                     false,
		`{StringLike: {"s3:prefix": "home/${missing, 'ann'}/*"}}`:                              true,
		`{StringNotLike: {"s3:prefix": "home/*"}}`:                                             false,
		`{StringEquals: {"wild": "a${*}c"}}`:                                                   false,
		`{StringLike: {"wild": "a${*}c"}}`:                                                     true,
		`{StringEquals: {"aws:username": ann}, Bool: {"aws:SecureTransport": false}}`:          false,
		`{Bool: {"aws:SecureTransport": "true"}}`:                                              true,
		`{NumericEquals: {num: "10.0"}}`:                                                       true,
		`{NumericNotEquals: {num: 10}}`:                                                        false,
		`{NumericLessThan: {num: 10}}`:                                                         false,
		`{NumericLessThanEquals: {num: 10}}`:                                                   true,
		`{NumericGreaterThan: {num: 9.5}}`:                                                     true,
		`{NumericGreaterThanEquals: {num: 11}}`:                                                false,
		`{NumericEquals: {"aws:username": 10}}`:                                                false,
		`{DateGreaterThan: {"aws:CurrentTime": "2026-01-01"}}`:                                 true,
		`{DateLessThan: {"aws:CurrentTime": "2026-03-14T15:09:26+01:00"}}`:                     false,
		`{DateEquals: {"aws:EpochTime": "2026-03-14T15:09:26Z"}}`:                              true,
		`{DateNotEquals: {"aws:EpochTime": "1773500966"}}`:                                     false,
		`{DateLessThanEquals: {"aws:CurrentTime": never}}`:                                     false,
		`{IpAddress: {"aws:SourceIp": "203.0.113.0/24"}}`:                                      true,
		`{IpAddress: {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.7"]}}`:                         true,
		`{NotIpAddress: {"aws:SourceIp": "203.0.113.0/24"}}`:                                   false,
		`{IpAddress: {v6: "2001:db8::/32"}}`:                                                   true,
		`{IpAddress: {v6: "0.0.0.0/0"}}`:                                                       false,
		`{ArnLike: {arn: "arn:aws:sns:*:123456789012:t*"}}`:                                    true,
		`{ArnEquals: {arn: "arn:aws:sns:*:*:topic"}}`:                                          true,
		`{ArnNotLike: {arn: "arn:aws:sns:*:*:topic"}}`:                                         false,
		`{ArnNotEquals: {arn: "arn:aws:sqs:*:*:topic"}}`:                                       true,
		`{BinaryEquals: {wild: "a*c"}}`:                                                        true,
		`{StringEquals: {missing: x}}`:                                                         false,
		`{StringNotEquals: {missing: x}}`:                                                      true,
		`{StringEqualsIfExists: {missing: x}}`:                                                 true,
		`{StringEqualsIfExists: {"aws:username": bob}}`:                                        false,
		`{Null: {missing: true}}`:                                                              true,
		`{Null: {missing: "false"}}`:                                                           false,
		`{Null: {"aws:username": false}}`:                                                      true,
		`{"ForAllValues:StringEquals": {tags: [a, b, c]}}`:                                     true,
		`{"ForAllValues:StringEquals": {tags: [a]}}`:                                           false,
		`{"ForAllValues:StringEquals": {missing: [a]}}`:                                        true,
		`{"ForAnyValue:StringEquals": {tags: [b, z]}}`:                                         true,
		`{"ForAnyValue:StringEquals": {tags: [z]}}`:                                            false,
		`{"ForAnyValue:StringEquals": {missing: [a]}}`:                                         false,
		`{"ForAllValues:StringNotEquals": {tags: [z]}}`:                                        true,
		`{"ForAllValues:StringNotEquals": {tags: [a]}}`:                                        false,
		`{"ForAnyValue:StringNotEquals": {tags: [a]}}`:                                         true,
		`{"ForAnyValue:StringNotEquals": {missing: [a]}}`:                                      false,
		`{"ForAnyValue:StringLikeIfExists": {missing: [a]}}`:                                   true,
		`{StringEquals: {"aws:username": ann, "aws:userid": "AIDA:1"}, Null: {missing: true}}`: true,
	} {
		p, msgs := ParsePolicy("p", "p", doc(t, "Version: '2012-10-17'\nStatement: {Effect: Allow, Action: '*', Resource: '*', Condition: "+condition+"}"))
		if err := msgs.Err(); err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		if got := Evaluate([]Policy{p}, "a:b", "*", ctx) == Allow; got != want {
			t.Errorf("%s: %v", condition, got)
		}
	}
}

// A further statement that denies never allows more.
func TestDenialsOnlyTakeAway(t *testing.T) {
	pattern := rapid.StringMatching(`[ab:*?]{1,5}`)
	statement := rapid.Custom(func(t *rapid.T) Statement {
		return Statement{Allow: rapid.Bool().Draw(t, "allow"), Actions: []string{pattern.Draw(t, "action")}, Resources: []string{pattern.Draw(t, "resource")},
			NotActions: rapid.Bool().Draw(t, "notAction"), NotResources: rapid.Bool().Draw(t, "notResource")}
	})
	rapid.Check(t, func(t *rapid.T) {
		statements := rapid.SliceOfN(statement, 0, 4).Draw(t, "statements")
		deny := statement.Draw(t, "deny")
		deny.Allow = false
		action, resource := rapid.StringMatching(`[ab:]{1,4}`).Draw(t, "action"), rapid.StringMatching(`[ab:]{1,4}`).Draw(t, "resource")
		before := Evaluate([]Policy{{Statements: statements}}, action, resource, nil)
		after := Evaluate([]Policy{{Statements: statements}, {Statements: []Statement{deny}}}, action, resource, nil)
		if after != before && after != ExplicitDeny {
			t.Fatalf("%v became %v", before, after)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"${aws:username, 'x'}","Condition":{"ForAnyValue:StringLikeIfExists":{"k":["v","${"]}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":["*"],"NotResource":[],"Condition":{"Null":{"a":"true"}}}}`)
	f.Add(`"{\"Statement\":[]}"`)
	f.Fuzz(func(t *testing.T, text string) {
		n, err := document.FromJSON([]byte(text), diag.Position{})
		if err != nil {
			return
		}
		if d, err := EvaluateDocument(n, "a:b", "arn:aws:s3:::b", httptest.NewRequest("GET", "/", nil)); err != nil && d != ImplicitDeny {
			t.Errorf("a broken document decides %v", d)
		}
	})
}
