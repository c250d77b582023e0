package events

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (s *suiro) credentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(s.ready.AWS.AccessKeyID, s.ready.AWS.SecretAccessKey, "")
}

func (s *suiro) lambda() *lambda.Client {
	return lambda.New(lambda.Options{Region: s.ready.AWS.Region, BaseEndpoint: &s.ready.AWS.Endpoint, RetryMaxAttempts: 1, Credentials: s.credentials()})
}

// put writes an item, when it succeeds durably.
func (s *suiro) put(id, kind string) error {
	client := dynamodb.New(dynamodb.Options{Region: s.ready.AWS.Region, BaseEndpoint: &s.ready.AWS.Endpoint, RetryMaxAttempts: 1, Credentials: s.credentials()})
	_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(s.ready.Resources["Orders"]), Item: map[string]dynamodbtypes.AttributeValue{
		"id": &dynamodbtypes.AttributeValueMemberS{Value: id}, "kind": &dynamodbtypes.AttributeValueMemberS{Value: kind}}})
	return err
}

func (s *suiro) invoke(function, payload string) error {
	out, err := s.lambda().Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(s.ready.Resources[function]), InvocationType: types.InvocationTypeEvent, Payload: []byte(payload)})
	if err == nil && out.StatusCode != 202 {
		err = fmt.Errorf("status %d", out.StatusCode)
	}
	return err
}

// A record reaches its function, filtered; what was written while no function
// could take it is delivered after kill -9, and so is an event that was
// accepted; each goes on where it was.
func TestEventsSurviveKill9(t *testing.T) {
	dir := copyOf(t, "testdata/app")
	gate := filepath.Join(t.TempDir(), "gate")
	template, _ := os.ReadFile(filepath.Join(dir, "template.yaml"))
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(strings.Replace(string(template), "/gate", gate, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	for _, id := range []string{"first", "other", "second"} {
		kind := "order"
		if id == "other" {
			kind = "note"
		}
		if err := s.put(id, kind); err != nil {
			t.Fatal(err)
		}
	}
	s.await(`"eventSource":"aws:dynamodb"`, `"id":{"S":"first"}`)
	s.await(`"id":{"S":"second"}`)

	// OnOrder and Later wait for the gate, so that nothing is done when Suiro
	// is killed.
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := s.put(fmt.Sprintf("kept-%d", i), "order"); err != nil {
			t.Fatal(err)
		}
		if err := s.invoke("Later", fmt.Sprintf(`{"event":"kept-%d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	for i := range 5 {
		s.await(fmt.Sprintf(`"id":{"S":"kept-%d"}`, i))
		s.await(fmt.Sprintf(`{"event":"kept-%d"}`, i))
	}
	for _, text := range s.got() {
		if strings.Contains(text, `"first"`) || strings.Contains(text, `"other"`) {
			t.Errorf("came again, or at all: %s", text)
		}
	}
}

// The result of an asynchronous event goes to the function that is its
// destination.
func TestDestinations(t *testing.T) {
	s := start(t, copyOf(t, "testdata/app"))
	if err := s.invoke("Fails", `{"n":1}`); err != nil {
		t.Fatal(err)
	}
	s.await(`"condition":"RetriesExhausted","approximateInvokeCount":1`, `"requestPayload":{"n":1}`, `"functionError":"Unhandled"`, `"errorType":"Error"`)
	if err := s.invoke("Works", `{"n":2}`); err != nil {
		t.Fatal(err)
	}
	s.await(`"condition":"Success"`, `"requestPayload":{"n":2}`, `"responsePayload":{"seen":{"n":2}}`)
}
