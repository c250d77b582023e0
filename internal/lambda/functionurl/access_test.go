package functionurl

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/iam"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

const longForbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`

// A URL that anyone may call needs both statements (Developer Guide, "Control
// access to Lambda function URLs"; localstack's test_lambda_permission_url_invocation).
func TestPublicURLsNeedThePublicPermission(t *testing.T) {
	for _, c := range []struct {
		name        string
		url, direct func(string, awsapi.Caller) bool
		strict      bool
		status      int
		note        string
	}{
		{"both", everyone, everyone, true, 200, ""},
		{"none", nobody, nobody, false, 403, "lambda:InvokeFunctionUrl"},
		{"InvokeFunction alone", nobody, everyone, false, 403, "lambda:InvokeFunctionUrl"},
		{"InvokeFunctionUrl alone, strictly", everyone, nobody, true, 403, "InvokedViaFunctionUrl"},
		{"InvokeFunctionUrl alone, in dev", everyone, nobody, false, 200, "InvokedViaFunctionUrl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t, anonymous, func(cfg *Config) { cfg.Strict = c.strict })
			p.url, p.direct = c.url, c.direct
			p.answer = result("", `"ok"`, invoke.End{})
			got := p.do("GET", "/", "")
			if got.status != c.status || c.status == 403 && (got.body != longForbidden || got.header.Get("X-Amzn-Errortype") != "AccessDeniedException") {
				t.Errorf("%d %s", got.status, got.body)
			}
			if c.note != "" && !strings.Contains(p.entry(journal.Noticed).Text, c.note) {
				t.Errorf("no note about %s", c.note)
			}
		})
	}
}

func TestAURLWithoutItsAliasIsForbidden(t *testing.T) {
	p := newPlace(t, anonymous+", Qualifier: live")
	u := p.service.urls[urlID(specOf(t, "Url", "{}"))]
	set := *u.settings.Load()
	set.qualifier = "gone"
	u.settings.Store(&set)
	if got := p.do("GET", "/", ""); got.status != 403 || got.body != longForbidden {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// signed sends a request with a signature that the real verifier checks.
func (p *place) signed(t *testing.T, c iam.Credentials, body string, spoil bool) answer {
	t.Helper()
	r, err := http.NewRequest("POST", p.origin()+"/a%20b?x=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	secret := c.SecretAccessKey
	if spoil {
		secret += "x"
	}
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: secret, SessionToken: c.SessionToken},
		"eu-west-1", "lambda", []byte(body), time.Now())
	return p.send(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, r)
}

func TestSignedCalls(t *testing.T) {
	identity := iam.New(iam.Config{AccountID: "123456789012", Region: "eu-west-1"})
	role := func(name, statements string) iam.Credentials {
		n, msgs := document.Parse("t.yaml", []byte(`{RoleName: `+name+`, AssumeRolePolicyDocument: {Statement: []}, Policies: [{PolicyName: p, PolicyDocument: {Version: "2012-10-17", Statement: [`+statements+`]}}]}`))
		if msgs.HasErrors() {
			t.Fatal(msgs)
		}
		i, err := identity.Handlers()["AWS::IAM::Role"].Create(t.Context(), resource.Spec{LogicalID: name, Type: "AWS::IAM::Role", Properties: n,
			Pos: diag.Position{File: "t.yaml"}, Stack: resource.Stack{Name: "app", AccountID: "123456789012", Partition: "aws"}})
		if err != nil {
			t.Fatal(err)
		}
		return identity.Issue(i.Attr("Arn"), "caller")
	}
	p := newPlace(t, "AuthType: AWS_IAM", func(c *Config) { c.Authenticator, c.Authorizer, c.Strict = identity, identity, true })
	p.answer = result("", `"ok"`, invoke.End{})
	const allow = `{Effect: Allow, Action: ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], Resource: "*"}`
	may, urlOnly, none := role("may", allow), role("urlonly", `{Effect: Allow, Action: "lambda:InvokeFunctionUrl", Resource: "*"}`), role("none", `{Effect: Allow, Action: "s3:GetObject", Resource: "*"}`)
	denied := role("denied", allow+`, {Effect: Deny, Action: "lambda:*", Resource: "*"}`)
	conditional := role("conditional", `{Effect: Allow, Action: ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], Resource: "`+functionARN+`", Condition: {StringEqualsIfExists: {"lambda:FunctionUrlAuthType": "AWS_IAM"}}}`)
	for _, c := range []struct {
		name        string
		credentials iam.Credentials
		spoil       bool
		byFunction  bool // the function's policy allows
		status      int
		body        string
	}{
		{"owner", identity.Owner(), false, false, 200, "ok"},
		{"role whose policy allows", may, false, false, 200, "ok"},
		{"with a condition on the auth type", conditional, false, false, 200, "ok"},
		{"without lambda:InvokeFunction", urlOnly, false, false, 403, longForbidden},
		{"role whose policy does not", none, false, false, 403, longForbidden},
		{"role that the function's policy allows", none, false, true, 200, "ok"},
		{"role that its own policy denies", denied, false, true, 403, longForbidden},
		{"wrong signature", may, true, true, 403, `{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.url = func(string, awsapi.Caller) bool { return c.byFunction }
			p.direct = p.url
			got := p.signed(t, c.credentials, `{"a":1}`, c.spoil)
			if got.status != c.status || got.body != c.body {
				t.Errorf("%d %s", got.status, got.body)
			}
			if ids := got.header.Values("X-Amzn-Requestid"); len(ids) != 1 {
				t.Errorf("request ids %q", ids)
			}
		})
	}
	p.url = nobody
	if got := p.do("GET", "/", ""); got.status != 403 || got.body != longForbidden {
		t.Errorf("unsigned: %d %s", got.status, got.body)
	}
	p.url, p.direct = everyone, everyone
	p.signed(t, may, "x", false)
	event := p.last()
	for _, want := range []string{`"accountId":"123456789012","apiId"`, `"authorizer":{"iam":{"accessKey":"` + may.AccessKeyID + `","accountId":"123456789012","callerId":"AROA`,
		`"cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:sts::123456789012:assumed-role/may/caller"`, `"x-amz-date":"`, `"x-amz-security-token":"`} {
		if !strings.Contains(event, want) {
			t.Errorf("the event lacks %s:\n%s", want, event)
		}
	}
	if strings.Contains(event, `"authorization":`) {
		t.Error("the signature reaches the function")
	}
}

func TestCORS(t *testing.T) {
	p := newPlace(t, anonymous+", Cors: {AllowOrigins: ['https://a.test', 'https://b.test'], AllowMethods: [GET, POST], AllowHeaders: [content-type, x-a], ExposeHeaders: [x-b], MaxAge: 60, AllowCredentials: true}")
	p.answer = result("", `{"statusCode":200,"headers":{"access-control-allow-origin":"*"},"body":"x"}`, invoke.End{})
	ask := []string{"Origin", "https://b.test", "Access-Control-Request-Method", "POST"}
	got := p.do("OPTIONS", "/", "", ask...)
	if got.status != 200 || got.body != "" || p.count() != 0 {
		t.Errorf("preflight %+v, %d calls", got, p.count())
	}
	expect(t, got.header, []string{"Access-Control-Allow-Origin", "https://b.test", "Access-Control-Allow-Methods", "GET,POST",
		"Access-Control-Allow-Headers", "content-type,x-a", "Access-Control-Max-Age", "60", "Access-Control-Allow-Credentials", "true", "Vary", "Origin"})
	ask[1] = "https://evil.test"
	expect(t, p.do("OPTIONS", "/", "", ask...).header, []string{"Access-Control-Allow-Origin", "", "Access-Control-Allow-Methods", ""})
	// Both the function's headers and the configuration's are sent.
	got = p.do("GET", "/", "", "Origin", "https://a.test")
	expect(t, got.header, []string{"Access-Control-Allow-Origin", "https://a.test;*", "Access-Control-Expose-Headers", "x-b"})
	got = p.do("GET", "/", "", "Origin", "https://evil.test")
	expect(t, got.header, []string{"Access-Control-Allow-Origin", "*"})
	// Without a question for a method, OPTIONS is a request as any other.
	if got = p.do("OPTIONS", "/", ""); got.body != "x" {
		t.Errorf("OPTIONS %+v", got)
	}
	plain := newPlace(t, anonymous)
	plain.answer = p.answer
	if got = plain.do("OPTIONS", "/", "", ask...); got.body != "x" {
		t.Errorf("OPTIONS without a configuration %+v", got)
	}
	star := newPlace(t, anonymous+", Cors: {AllowOrigins: ['*']}")
	star.answer = result("", `"x"`, invoke.End{})
	expect(t, star.do("GET", "/", "", "Origin", "null").header, []string{"Access-Control-Allow-Origin", "*", "Vary", ""})
}
