package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/sigv4"
)

var testStack = resource.Stack{Name: "chat-dev", Region: "eu-west-1", AccountID: "123456789012", Partition: "aws", URLSuffix: "amazonaws.com"}

// doc reads YAML as the template would.
func doc(t testing.TB, text string) *document.Node {
	t.Helper()
	n, msgs := document.Parse("template.yaml", []byte(text))
	if err := msgs.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

func spec(t testing.TB, typ, logicalID, properties string) resource.Spec {
	t.Helper()
	return resource.Spec{LogicalID: logicalID, Type: typ, Properties: doc(t, properties), Stack: testStack}
}

func create(t testing.TB, s *Service, typ, logicalID, properties string) *resource.Instance {
	t.Helper()
	sp := spec(t, typ, logicalID, properties)
	h := s.Handlers()[typ]
	if msgs := h.Schema().Check(sp); msgs.HasErrors() {
		t.Fatal(msgs.Err())
	}
	inst, err := h.Create(t.Context(), sp)
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

type heard struct{ sub *journal.Subscription }

func listen(t testing.TB) (*journal.Journal, heard) {
	j := &journal.Journal{}
	sub := j.Subscribe(100)
	t.Cleanup(sub.Close)
	return j, heard{sub}
}

// texts returns what was told since the last call.
func (h heard) texts() []string {
	var out []string
	for {
		select {
		case e := <-h.sub.Entries():
			out = append(out, e.Text)
		default:
			return out
		}
	}
}

func newService(t testing.TB, strict bool) (*Service, heard) {
	j, h := listen(t)
	return New(Config{AccountID: testStack.AccountID, Region: testStack.Region, Strict: strict, Journal: j}), h
}

const trust = `
AssumeRolePolicyDocument:
  Version: "2012-10-17"
  Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
`

const connectionsARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections/{connectionId}"

// functionOf is the caller that a function with a role is.
func functionOf(t testing.TB, s *Service, roleARN string) awsapi.Caller {
	t.Helper()
	c, err := s.Authenticate(request(s.Issue(roleARN, "chat-fn"), "execute-api", "{}"), "execute-api", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(c Credentials, service, body string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:3001/dev/@connections/Aa%3D", strings.NewReader(body))
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken},
		"eu-west-1", service, []byte(body), time.Now())
	return r
}

func TestRolesGetNamesAndARNs(t *testing.T) {
	s, _ := newService(t, false)
	named := create(t, s, "AWS::IAM::Role", "Named", trust+"RoleName: chat-role\nPath: /app/\n")
	if named.PhysicalID != "chat-role" || named.Attr("Arn") != "arn:aws:iam::123456789012:role/app/chat-role" ||
		!strings.HasPrefix(named.Attr("RoleId"), "AROA") || len(named.Attr("RoleId")) != 21 {
		t.Errorf("%+v", named)
	}
	first := create(t, s, "AWS::IAM::Role", "ConnectFunctionRole", trust)
	if !strings.HasPrefix(first.PhysicalID, "chat-dev-ConnectFunctionRole-") {
		t.Errorf("%q", first.PhysicalID)
	}
	if again := create(t, s, "AWS::IAM::Role", "ConnectFunctionRole", trust); again.PhysicalID != first.PhysicalID {
		t.Errorf("the name changes from one run to the next: %q, %q", first.PhysicalID, again.PhysicalID)
	}
	long := create(t, s, "AWS::IAM::Role", strings.Repeat("VeryLong", 12), trust)
	if len(long.PhysicalID) != 64 {
		t.Errorf("%d characters: %s", len(long.PhysicalID), long.PhysicalID)
	}
	if _, err := s.Handlers()["AWS::IAM::Role"].Create(t.Context(), spec(t, "AWS::IAM::Role", "Other", trust+"RoleName: chat-role\nPath: /app/\n")); err == nil {
		t.Error("two roles have one name")
	}
}

func TestFunctionsCredentialsAreVerified(t *testing.T) {
	for _, strict := range []bool{false, true} {
		s, _ := newService(t, strict)
		role := create(t, s, "AWS::IAM::Role", "Role", trust+"RoleName: chat-role\n").Attr("Arn")
		issued := s.Issue(role, "chat-fn")
		if again := s.Issue(role, "chat-fn"); again.AccessKeyID != issued.AccessKeyID || again.SessionToken != issued.SessionToken {
			t.Error("a function's credentials change")
		}
		if other := s.Issue(role, "other-fn"); other.AccessKeyID == issued.AccessKeyID {
			t.Error("two functions share credentials")
		}
		wrongSecret, wrongToken, noToken := issued, issued, issued
		wrongSecret.SecretAccessKey += "x"
		wrongToken.SessionToken = "x"
		noToken.SessionToken = ""
		owner := Credentials{AccessKeyID: "AKIASOMEBODYSPROFILE", SecretAccessKey: "unknown here"}
		for _, c := range []struct {
			name     string
			creds    Credentials
			service  string
			wantCode string
			wantARN  string
		}{
			{"the function itself", issued, "execute-api", "", "arn:aws:sts::123456789012:assumed-role/chat-role/chat-fn"},
			{"a wrong secret", wrongSecret, "execute-api", "InvalidSignatureException", ""},
			{"a wrong token", wrongToken, "execute-api", "UnrecognizedClientException", ""},
			{"no token", noToken, "execute-api", "UnrecognizedClientException", ""},
			{"signed for another service", issued, "lambda", "InvalidSignatureException", ""},
			{"the owner's key", s.Owner(), "execute-api", "", "arn:aws:iam::123456789012:root"},
			{"an unknown key", owner, "execute-api",
				map[bool]string{true: "UnrecognizedClientException"}[strict], map[bool]string{false: "arn:aws:iam::123456789012:root"}[strict]},
		} {
			caller, err := s.Authenticate(request(c.creds, c.service, "{}"), "execute-api", []byte("{}"))
			var e *awsapi.Error
			errors.As(err, &e)
			if c.wantCode == "" && (err != nil || caller.ARN != c.wantARN || caller.Owner != strings.HasSuffix(c.wantARN, "root")) {
				t.Errorf("strict %v, %s: %+v, %v", strict, c.name, caller, err)
			}
			if c.wantCode != "" && (e == nil || e.Code != c.wantCode || e.Status != 403) {
				t.Errorf("strict %v, %s: %v, want %s", strict, c.name, err, c.wantCode)
			}
		}
	}
}

func TestUnsignedCallsAreRefused(t *testing.T) {
	s, _ := newService(t, false)
	r := httptest.NewRequest("POST", "/dev/@connections/Aa=", nil)
	_, err := s.Authenticate(r, "execute-api", nil)
	want := &awsapi.Error{Status: 403, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
	if !cmp.Equal(err, error(want)) {
		t.Errorf("%v", err)
	}
}

func TestWrongSignaturesShowWhatWasSigned(t *testing.T) {
	s, told := newService(t, false)
	c := s.Issue("arn:aws:iam::123456789012:role/r", "fn")
	c.SecretAccessKey = "wrong"
	for service, shown := range map[string]bool{"execute-api": true, "lambda": false} {
		_, err := s.Authenticate(request(c, service, "{}"), service, []byte("{}"))
		if strings.Contains(err.Error(), "The Canonical String for this request should have been") != shown {
			t.Errorf("%s: %v", service, err)
		}
		if got := told.texts(); len(got) != 1 || !strings.Contains(got[0], "wrong signature") {
			t.Errorf("%s: journal has %q", service, got)
		}
	}
}

func TestPoliciesComeFromEverywhere(t *testing.T) {
	const statement = `{Effect: Allow, Action: execute-api:ManageConnections, Resource: "arn:aws:execute-api:*:*:*/@connections/*"}`
	for name, build := range map[string]func(t *testing.T, s *Service) string{
		"inline in the role": func(t *testing.T, s *Service) string {
			return create(t, s, "AWS::IAM::Role", "R", trust+"Policies: [{PolicyName: p, PolicyDocument: {Version: '2012-10-17', Statement: ["+statement+"]}}]").Attr("Arn")
		},
		"a single statement": func(t *testing.T, s *Service) string {
			return create(t, s, "AWS::IAM::Role", "R", trust+"Policies: [{PolicyName: p, PolicyDocument: {Statement: "+statement+"}}]").Attr("Arn")
		},
		"a policy beside the role": func(t *testing.T, s *Service) string {
			role := create(t, s, "AWS::IAM::Role", "R", trust)
			create(t, s, "AWS::IAM::Policy", "P", "PolicyName: p\nRoles: ["+role.PhysicalID+"]\nPolicyDocument: {Statement: ["+statement+"]}")
			return role.Attr("Arn")
		},
		"a role policy": func(t *testing.T, s *Service) string {
			role := create(t, s, "AWS::IAM::Role", "R", trust)
			create(t, s, "AWS::IAM::RolePolicy", "P", "PolicyName: p\nRoleName: "+role.PhysicalID+"\nPolicyDocument: {Statement: ["+statement+"]}")
			return role.Attr("Arn")
		},
		"a managed policy that names the role": func(t *testing.T, s *Service) string {
			role := create(t, s, "AWS::IAM::Role", "R", trust)
			create(t, s, "AWS::IAM::ManagedPolicy", "P", "Roles: ["+role.PhysicalID+"]\nPolicyDocument: {Statement: ["+statement+"]}")
			return role.Attr("Arn")
		},
		"a managed policy that the role names": func(t *testing.T, s *Service) string {
			p := create(t, s, "AWS::IAM::ManagedPolicy", "P", "PolicyDocument: {Statement: ["+statement+"]}")
			return create(t, s, "AWS::IAM::Role", "R", trust+"ManagedPolicyArns: ['"+p.PhysicalID+"']").Attr("Arn")
		},
		"a policy that AWS manages": func(t *testing.T, s *Service) string {
			return create(t, s, "AWS::IAM::Role", "R", trust+"ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonAPIGatewayInvokeFullAccess]").Attr("Arn")
		},
		"all but": func(t *testing.T, s *Service) string {
			return create(t, s, "AWS::IAM::Role", "R", trust+"ManagedPolicyArns: [arn:aws:iam::aws:policy/PowerUserAccess]").Attr("Arn")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newService(t, true)
			c := functionOf(t, s, build(t, s))
			if err := s.Authorize(c, "execute-api:ManageConnections", connectionsARN); err != nil {
				t.Error(err)
			}
			if err := s.Authorize(c, "iam:CreateUser", "*"); err == nil {
				t.Error("it may do anything")
			}
		})
	}
}

func TestDenialsTellWhatToAdd(t *testing.T) {
	s, told := newService(t, false)
	role := create(t, s, "AWS::IAM::Role", "ChatRole", trust+"RoleName: chat-role\nManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]")
	c := functionOf(t, s, role.Attr("Arn"))
	want := "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/chat-role/chat-fn is not authorized to perform: " +
		"execute-api:ManageConnections on resource: " + connectionsARN + " because no identity-based policy allows the execute-api:ManageConnections action"
	for range 2 {
		if err := s.Authorize(c, "execute-api:ManageConnections", connectionsARN); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	advice := `add {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": "arn:aws:execute-api:eu-west-1:123456789012:abc/dev/POST/@connections/*"} to the policies of chat-role`
	if got := told.texts(); !cmp.Equal(got, []string{advice}) { // once
		t.Errorf("%q", got)
	}

	// A changed policy counts for the running function at once.
	h := s.Handlers()["AWS::IAM::Role"]
	changed := spec(t, "AWS::IAM::Role", "ChatRole", trust+"RoleName: chat-role\nPolicies: [{PolicyName: p, PolicyDocument: {Statement: ["+
		"{Effect: Allow, Action: '*', Resource: '*'}, {Sid: No, Effect: Deny, Action: 'dynamodb:Delete*', Resource: '*'}]}}]")
	if _, err := h.Update(t.Context(), changed, role, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Authorize(c, "execute-api:ManageConnections", connectionsARN); err != nil {
		t.Error(err)
	}
	err := s.Authorize(c, "dynamodb:DeleteTable", "arn:aws:dynamodb:eu-west-1:123456789012:table/t")
	if err == nil || !strings.HasSuffix(err.Error(), "with an explicit deny in an identity-based policy") {
		t.Error(err)
	}
	if err := h.Delete(t.Context(), changed, role); err != nil {
		t.Fatal(err)
	}
	told.texts()
	if err := s.Authorize(c, "dynamodb:DeleteTable", "*"); err != nil { // now from elsewhere
		t.Error(err)
	}
	if got := told.texts(); !cmp.Equal(got, []string{"the role arn:aws:iam::123456789012:role/chat-role is not in the template; in dev it may do everything"}) {
		t.Errorf("%q", got)
	}
}

func TestWhatSuiroCannotJudge(t *testing.T) {
	const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/t"
	for _, c := range []struct {
		name, role string
		told       string // in dev
		strict     bool   // allowed in strict mode
		dev        bool   // allowed in dev
	}{
		{"a managed policy that nobody knows", "ManagedPolicyArns: [arn:aws:iam::aws:policy/SomethingNew]",
			"Suiro does not know the managed policy arn:aws:iam::aws:policy/SomethingNew of r; in dev it allows everything", false, true},
		{"a managed policy of another account", "ManagedPolicyArns: [arn:aws:iam::999999999999:policy/AdministratorAccess]",
			"Suiro does not know the managed policy arn:aws:iam::999999999999:policy/AdministratorAccess of r; in dev it allows everything", false, true},
		{"an Allow with a foreign key", "Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*', Condition: {StringEquals: {'aws:SourceVpce': vpce-1}}}]}}]",
			"a policy of r asks for aws:sourcevpce, which Suiro does not know; in dev such a condition holds back no permission", false, true},
		{"a Deny with a foreign key", "Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny, Action: '*', Resource: '*', Condition: {StringNotEquals: {'aws:SourceVpce': vpce-1}}}]}}]",
			"a policy of r asks for aws:sourcevpce, which Suiro does not know; in dev such a condition holds back no permission", false, true},
		{"a known key", "Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*', Condition: {StringEquals: {'aws:PrincipalAccount': '123456789012'}, StringLike: {'aws:RequestedRegion': 'eu-*'}}}]}}]",
			"", true, true},
		{"a key that functions never have", "Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: '*', Condition: {Bool: {'aws:MultiFactorAuthPresent': true}}}]}}]",
			`add {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "` + table + `"} to the policies of r`, false, false},
	} {
		for _, strict := range []bool{false, true} {
			s, told := newService(t, strict)
			fn := functionOf(t, s, create(t, s, "AWS::IAM::Role", "R", trust+"RoleName: r\n"+c.role).Attr("Arn"))
			allowed := s.Authorize(fn, "dynamodb:GetItem", table) == nil
			if want := strict && c.strict || !strict && c.dev; allowed != want {
				t.Errorf("%s, strict %v: allowed %v", c.name, strict, allowed)
			}
			if got := strings.Join(told.texts(), "\n"); !strict && got != c.told {
				t.Errorf("%s: told %q", c.name, got)
			}
		}
	}
	s, _ := newService(t, true)
	if s.Authorize(functionOf(t, s, "arn:aws:iam::123456789012:role/elsewhere"), "dynamodb:GetItem", table) == nil {
		t.Error("in strict mode a role from elsewhere may do something")
	}
}

func TestServicesAddConditionKeys(t *testing.T) {
	s, _ := newService(t, true)
	fn := functionOf(t, s, create(t, s, "AWS::IAM::Role", "R", trust+"Policies: [{PolicyName: p, PolicyDocument: {Version: '2012-10-17', Statement: ["+
		"{Effect: Allow, Action: 'dynamodb:*', Resource: '*', Condition: {'ForAllValues:StringEquals': {'dynamodb:LeadingKeys': ['a', '${aws:userid}']}}}]}}]").Attr("Arn"))
	for key, want := range map[string]bool{"a": true, "b": false, fn.UserID: true} {
		err := s.AuthorizeWith(fn, "dynamodb:Query", "*", Context{"dynamodb:LeadingKeys": {key}})
		if (err == nil) != want {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestMistakesInPoliciesAreFoundWithTheirPlace(t *testing.T) {
	s, _ := newService(t, false)
	for _, c := range []struct{ typ, properties, want string }{
		{"AWS::IAM::Role", trust + "Policies:\n- PolicyName: p\n  PolicyDocument:\n    Statement:\n    - Effect: Permit\n      Action: dynamodb\n      Ressource: '*'\n",
			"template.yaml:9:7: R.Policies[0].PolicyDocument.Statement: a statement needs Resource or NotResource\n" +
				"template.yaml:9:15: R.Policies[0].PolicyDocument.Statement.Effect: must be Allow or Deny\n" +
				`template.yaml:10:15: R.Policies[0].PolicyDocument.Statement.Action: "dynamodb" is no action: write service:Action`},
		{"AWS::IAM::Role", trust + "Path: app\n", "template.yaml:5:7: R.Path: a path begins and ends with a slash, as in /app/"},
		{"AWS::IAM::Policy", "PolicyName: p\nPolicyDocument: {Version: '2012-10-17'}", "template.yaml:2:17: R.PolicyDocument: a policy document needs a Statement"},
		{"AWS::IAM::ManagedPolicy", "PolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*', Condition: {StringSame: {a: b}}}}",
			"template.yaml:1:85: R.PolicyDocument.Statement.Condition.StringSame: there is no condition operator of this name"},
		{"AWS::IAM::Policy", "PolicyName: p\nPolicyDocument: '{broken'", "template.yaml:2:17: R.PolicyDocument: this is no policy document: reading JSON: invalid character 'b'"},
		{"AWS::IAM::Policy", "PolicyName: p\nPolicyDocument: '{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}'", ""},
	} {
		h := s.Handlers()[c.typ]
		sp := spec(t, c.typ, "R", c.properties)
		got := ""
		if msgs := h.(resource.Checker).Check(sp).Sorted(); msgs.HasErrors() {
			got = msgs.Error()
		}
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s:\n got %s\nwant %s", c.typ, got, c.want)
		}
		if _, err := h.Create(t.Context(), sp); (err == nil) != (c.want == "") {
			t.Errorf("Create: %v", err)
		}
	}
	unknown := resource.Spec{LogicalID: "R", Stack: testStack, Properties: document.Object(diag.Position{}).
		Set("PolicyDocument", document.Str(resource.UnknownText("Other.Doc"), diag.Position{}))}
	if msgs := s.Handlers()["AWS::IAM::Policy"].(resource.Checker).Check(unknown); msgs.HasErrors() {
		t.Errorf("an unknown document is judged: %v", msgs)
	}
}

func TestManagedPolicyReplacement(t *testing.T) {
	s, _ := newService(t, true)
	role := create(t, s, "AWS::IAM::Role", "R", trust)
	properties := "Roles: [" + role.PhysicalID + "]\nPolicyDocument: {Statement: {Effect: Allow, Action: '*', Resource: '*'}}\nManagedPolicyName: "
	old := create(t, s, "AWS::IAM::ManagedPolicy", "P", properties+"one")
	h, renamed := s.Handlers()["AWS::IAM::ManagedPolicy"], spec(t, "AWS::IAM::ManagedPolicy", "P", properties+"two")
	inst, err := h.Update(t.Context(), renamed, old, nil)
	if err != nil || inst.PhysicalID == old.PhysicalID {
		t.Fatal(inst, err)
	}
	fn := functionOf(t, s, role.Attr("Arn"))
	for _, step := range []struct {
		remove *resource.Instance
		want   bool
	}{{old, true}, {inst, false}} {
		if err := h.Delete(t.Context(), renamed, step.remove); err != nil {
			t.Fatal(err)
		}
		if got := s.Authorize(fn, "lambda:InvokeFunction", "*") == nil; got != step.want {
			t.Errorf("after deleting %s: %v", step.remove.PhysicalID, got)
		}
	}
}

func TestOtherTypesAreAccepted(t *testing.T) {
	s, _ := newService(t, false)
	for typ, c := range map[string]struct{ properties, ref, arn string }{
		"AWS::IAM::InstanceProfile":   {"InstanceProfileName: p\nRoles: [r]", "p", "arn:aws:iam::123456789012:instance-profile/p"},
		"AWS::IAM::User":              {"UserName: u", "u", "arn:aws:iam::123456789012:user/u"},
		"AWS::IAM::Group":             {"GroupName: g\nPath: /a/", "g", "arn:aws:iam::123456789012:group/a/g"},
		"AWS::IAM::ServiceLinkedRole": {"AWSServiceName: x.amazonaws.com", "x.amazonaws.com", "arn:aws:iam::123456789012:role/x.amazonaws.com"},
		"AWS::IAM::OIDCProvider": {"Url: https://token.example.com", "arn:aws:iam::123456789012:oidc-provider/token.example.com",
			"arn:aws:iam::123456789012:oidc-provider/token.example.com"},
		"AWS::IAM::UserPolicy": {"PolicyName: p\nUserName: u", "p", ""},
	} {
		if inst := create(t, s, typ, "X", c.properties); inst.PhysicalID != c.ref || inst.Attr("Arn") != c.arn {
			t.Errorf("%s: %+v", typ, inst)
		}
	}
}

func TestCallerIdentity(t *testing.T) {
	s, _ := newService(t, false)
	fn := s.Issue("arn:aws:iam::123456789012:role/chat-role", "chat-fn")
	ask := func(c Credentials, body, accept string) (int, string) {
		r := request(c, "sts", body)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		s.STS().ServeHTTP(w, r)
		return w.Code, strings.ReplaceAll(w.Body.String(), w.Header().Get("x-amzn-RequestId"), "ID")
	}
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	userID := stableID("AROA", "arn:aws:iam::123456789012:role/chat-role") + ":chat-fn"
	for _, c := range []struct {
		name         string
		creds        Credentials
		body, accept string
		status       int
		want         string
	}{
		{"XML", fn, form, "", 200, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
			`<Arn>arn:aws:sts::123456789012:assumed-role/chat-role/chat-fn</Arn><UserId>` + userID + `</UserId><Account>123456789012</Account>` +
			`</GetCallerIdentityResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetCallerIdentityResponse>`},
		{"JSON", s.Owner(), form, "application/json", 200, `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Arn":"arn:aws:iam::123456789012:root",` +
			`"UserId":"123456789012","Account":"123456789012"},"ResponseMetadata":{"RequestId":"ID"}}}` + "\n"},
		{"another operation", fn, "Action=AssumeRole&Version=2011-06-15", "", 400,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
				`<Message>Could not find operation AssumeRole for version 2011-06-15</Message></Error><RequestId>ID</RequestId></ErrorResponse>` + "\n"},
		{"a wrong token", Credentials{AccessKeyID: fn.AccessKeyID, SecretAccessKey: "x"}, form, "", 403,
			`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>` +
				`<Message>The security token included in the request is invalid.</Message></Error><RequestId>ID</RequestId></ErrorResponse>` + "\n"},
	} {
		if code, body := ask(c.creds, c.body, c.accept); code != c.status || body != c.want {
			t.Errorf("%s: %d\n got %s\nwant %s", c.name, code, body, c.want)
		}
	}
	if code, _ := ask(fn, form+strings.Repeat("x", 64<<10), ""); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form: %d", code)
	}
}

// TestAWSCommandLine uses the real AWS CLI against a router with STS.
func TestAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the AWS CLI")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip(err)
	}
	s, _ := newService(t, true)
	server := httptest.NewServer(&awsapi.Router{Services: map[string]http.Handler{"sts": s.STS()}})
	defer server.Close()
	fn := s.Issue("arn:aws:iam::123456789012:role/chat-role", "chat-fn")
	run := func(c Credentials, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "aws", append(args, "--endpoint-url", server.URL, "--output", "json")...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "AWS_MAX_ATTEMPTS=1",
			"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run(fn, "sts", "get-caller-identity")
	var got struct{ UserId, Account, Arn string }
	if err != nil || json.NewDecoder(bytes.NewBufferString(out)).Decode(&got) != nil || got.Arn != "arn:aws:sts::123456789012:assumed-role/chat-role/chat-fn" {
		t.Errorf("%v\n%s", err, out)
	}
	wrong := fn
	wrong.SecretAccessKey = "wrong"
	for _, c := range []struct {
		creds Credentials
		args  []string
		want  string
	}{
		{wrong, []string{"sts", "get-caller-identity"}, "(SignatureDoesNotMatch)"},
		{Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}, []string{"sts", "get-caller-identity"}, "(InvalidClientTokenId)"},
		{fn, []string{"sqs", "list-queues"}, "Suiro does not run sqs (the call was AmazonSQS.ListQueues)"},
		{fn, []string{"s3api", "list-buckets"}, "501"},
		{fn, []string{"sns", "list-topics"}, "Suiro does not run sns"},
	} {
		if out, err := run(c.creds, c.args...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v, want %s\n%s", c.args, err, c.want, out)
		}
	}
}

func TestBodyIsLeftForTheService(t *testing.T) {
	s, _ := newService(t, false)
	c := s.Issue("arn:aws:iam::123456789012:role/r", "fn")
	r := request(c, "execute-api", "hello")
	if _, err := s.Authenticate(r, "execute-api", nil); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	s, _ := newService(b, true)
	inst, err := s.Handlers()["AWS::IAM::Role"].Create(b.Context(), spec(b, "AWS::IAM::Role", "R", trust+"ManagedPolicyArns: [arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]\n"+
		"Policies: [{PolicyName: p, PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: execute-api:ManageConnections, Resource: 'arn:aws:execute-api:*:*:*/@connections/*'}]}}]"))
	if err != nil {
		b.Fatal(err)
	}
	c := functionOf(b, s, inst.Attr("Arn"))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Authorize(c, "execute-api:ManageConnections", connectionsARN); err != nil {
			b.Fatal(err)
		}
	}
}
