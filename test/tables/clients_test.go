package tables

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// run starts a client program, which prints OK when all it expects is so.
func run(t *testing.T, s *server, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "ENDPOINT="+s.url, "MODULES="+tool(t, "npm"), "AWS_ACCESS_KEY_ID="+s.key, "AWS_SECRET_ACCESS_KEY="+s.secret,
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "OK\n") {
		t.Errorf("%s: %v\n%s", filepath.Base(name), err, out)
	}
}

func TestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("starts interpreters")
	}
	s := startSuiro(t)
	t.Run("SDK for JavaScript", func(t *testing.T) { run(t, s, "node", "testdata/documents.mjs") })
	t.Run("boto3", func(t *testing.T) { run(t, s, tool(t, "python/bin/python"), "testdata/resource.py") })
	t.Run("command line", func(t *testing.T) { run(t, s, "bash", "testdata/cli.sh", tool(t, "python/bin/aws")) })
	t.Run("SDK for Go", func(t *testing.T) { useGo(t, s) })
}

// useGo holds the SDK for Go to a table: errors by type, waiters, pages.
func useGo(t *testing.T, s *server) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &s.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s.key, s.secret, ""),
	})
	name := aws.String("golang")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	})
	must(err)
	described := &dynamodb.DescribeTableInput{TableName: name}
	must(dynamodb.NewTableExistsWaiter(c).Wait(ctx, described, time.Minute))
	item := func(pk string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}}
	}
	for _, pk := range []string{"a", "b", "c"} {
		_, err = c.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: item(pk)})
		must(err)
	}
	_, err = c.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: item("a"), ConditionExpression: aws.String("attribute_not_exists(pk)")})
	if failed := (*types.ConditionalCheckFailedException)(nil); !errors.As(err, &failed) {
		t.Errorf("a failed condition is %v", err)
	}
	_, err = c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{ConditionCheck: &types.ConditionCheck{TableName: name, Key: item("none"), ConditionExpression: aws.String("attribute_exists(pk)")}},
		{Delete: &types.Delete{TableName: name, Key: item("a")}},
	}})
	if canceled := (*types.TransactionCanceledException)(nil); !errors.As(err, &canceled) || len(canceled.CancellationReasons) != 2 ||
		*canceled.CancellationReasons[0].Code != "ConditionalCheckFailed" {
		t.Errorf("a cancelled transaction is %v", err)
	}
	count := 0
	for pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: name, Limit: aws.Int32(2)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		must(err)
		count += len(page.Items)
	}
	if count != 3 {
		t.Errorf("%d items in all pages", count)
	}
	_, err = c.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: name})
	must(err)
	must(dynamodb.NewTableNotExistsWaiter(c).Wait(ctx, described, time.Minute))
	_, err = c.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: item("a")})
	if missing := (*types.ResourceNotFoundException)(nil); !errors.As(err, &missing) {
		t.Errorf("a missing table is %v", err)
	}
}
