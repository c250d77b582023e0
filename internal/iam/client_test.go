package iam

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/front"
)

// TestBoto3PushesAsAFunctionDoes is the way a push takes: unmodified code
// builds https://{domainName}/{stage}, trusts the local authority through its
// environment, signs with the role's credentials, and the role's policy
// decides. API Gateway is played by a handler of a few lines.
func TestBoto3PushesAsAFunctionDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python with boto3")
	}
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("needs python3 with boto3: " + err.Error())
	}
	s, _ := newService(t, true)
	role := create(t, s, "AWS::IAM::Role", "Role", trust+"Policies: [{PolicyName: p, PolicyDocument: {Statement: "+
		"[{Effect: Allow, Action: execute-api:ManageConnections, Resource: 'arn:aws:execute-api:*:*:*/POST/@connections/*'}]}}]").Attr("Arn")
	f, err := front.New(front.Config{CADir: t.TempDir(), StateFile: filepath.Join(t.TempDir(), "ports.json"), FirstPort: 23500})
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Open(t.Context(), front.Endpoint{Resource: "ChatApi", Kind: "websocket", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.Authenticate(r, "execute-api", nil)
		if err == nil {
			err = s.Authorize(c, "execute-api:ManageConnections",
				"arn:aws:execute-api:eu-west-1:123456789012:abc/dev/"+r.Method+"/@connections/{connectionId}")
		}
		if err != nil {
			awsapi.WriteError(w, err, awsapi.RESTJSON)
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close(t.Context()) }()
	code := fmt.Sprintf(`
import boto3
from botocore.exceptions import ClientError
api = boto3.client("apigatewaymanagementapi", endpoint_url="%s/dev")
print("post", api.post_to_connection(ConnectionId="Aa_b-C1dEfMCJNQ=", Data=b"hello")["ResponseMetadata"]["HTTPStatusCode"])
for call in (api.delete_connection, api.get_connection):
    try:
        call(ConnectionId="Aa_b-C1dEfMCJNQ=")
    except ClientError as e:
        print(e.response["Error"]["Code"], e.response["Error"]["Message"])
`, l.URL("https"))
	creds := s.Issue(role, "chat-fn")
	cmd := exec.CommandContext(t.Context(), "python3", "-c", code)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=" + creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + creds.SecretAccessKey, "AWS_SESSION_TOKEN=" + creds.SessionToken}
	for k, v := range f.TrustEnv() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "post 200\nAccessDeniedException User: arn:aws:sts::123456789012:assumed-role/") ||
		strings.Count(string(out), "AccessDeniedException") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
