package dynamodb_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb"
)

// serve starts a service over HTTP, on disk.
func serve(t testing.TB) (url string) {
	t.Helper()
	service, err := dynamodb.New(dynamodb.Config{Dir: t.TempDir(), Region: "eu-west-1", AccountID: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(func() {
		server.Close()
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func TestBoto3UsesATable(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python for seconds")
	}
	if out, err := exec.Command("python3", "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("python3 with boto3 is needed: %s", out)
	}
	cmd := exec.Command("python3", "testdata/boto3_client.py")
	cmd.Env = append(os.Environ(), "ENDPOINT="+serve(t))
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "OK\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAWSCommandLineUsesATable(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the AWS CLI many times")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is needed")
	}
	url := serve(t)
	run := func(fails bool, args ...string) string {
		t.Helper()
		cmd := exec.Command("aws", append([]string{"--endpoint-url", url, "--region", "eu-west-1", "--output", "json", "dynamodb"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
		out, err := cmd.CombinedOutput()
		if (err != nil) != fails {
			t.Fatalf("aws dynamodb %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run(false, "create-table", "--table-name", "tab", "--billing-mode", "PAY_PER_REQUEST",
		"--attribute-definitions", "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH", "--tags", "Key=a,Value=b")
	run(false, "wait", "table-exists", "--table-name", "tab")
	run(false, "put-item", "--table-name", "tab", "--item", `{"pk":{"S":"a"},"n":{"N":"1"}}`)
	same(t, "get-item", run(false, "get-item", "--table-name", "tab", "--key", `{"pk":{"S":"a"}}`), `{"Item":{"pk":{"S":"a"},"n":{"N":"1"}}}`)
	if out := run(true, "put-item", "--table-name", "tab", "--item", `{"pk":{"S":"a"}}`, "--condition-expression", "attribute_not_exists(pk)"); !strings.Contains(out,
		"(ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed") {
		t.Error(out)
	}
	same(t, "scan", run(false, "scan", "--table-name", "tab", "--select", "COUNT"), `{"Count":1,"ScannedCount":1,"ConsumedCapacity":null}`)
	run(false, "delete-table", "--table-name", "tab")
	run(false, "wait", "table-not-exists", "--table-name", "tab")
}
