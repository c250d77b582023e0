package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, file string) *Service {
	t.Helper()
	s, err := New(Config{File: file, Region: "eu-west-1", AccountID: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Service) call(operation, body string) string {
	out, err := s.operations()[operation](awsapi.Caller{Owner: true}, []byte(body))
	var e *awsapi.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func create(t *testing.T, s *Service, properties string) *resource.Instance {
	t.Helper()
	props, msgs := document.Parse("t", []byte(properties))
	if msgs.HasErrors() {
		t.Fatal(msgs)
	}
	i, err := s.Handlers()["AWS::SecretsManager::Secret"].Create(context.Background(), resource.Spec{LogicalID: "S", Properties: props})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAGeneratedPasswordStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.json")
	const properties = `{"Name":"db","GenerateSecretString":{"SecretStringTemplate":"{\"user\":\"ann\"}","GenerateStringKey":"password","PasswordLength":24,"ExcludeCharacters":"abc","ExcludePunctuation":true}}`
	arn := create(t, open(t, file), properties).PhysicalID
	if !strings.HasPrefix(arn, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-") || len(arn) != len("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-")+6 {
		t.Error(arn)
	}
	first, _ := open(t, file).Lookup(arn + ":SecretString:password")
	if len(first.TextOr("")) != 24 || strings.ContainsAny(first.Text, "abc!\"#$%") {
		t.Errorf("password %q", first.TextOr(""))
	}
	again := open(t, file)
	create(t, again, properties)
	if second, _ := again.Lookup("db:SecretString:password::"); second.TextOr("") != first.Text {
		t.Errorf("the next start made another password, %q", second.TextOr(""))
	}
	if user, _ := again.Lookup("db:SecretString:user"); user.TextOr("") != "ann" {
		t.Error(user)
	}
}

func TestSecretsAreReadByNameARNAndStage(t *testing.T) {
	s := open(t, "")
	s.call("CreateSecret", `{"Name":"k","SecretString":"one"}`)
	s.call("PutSecretValue", `{"SecretId":"k","SecretString":"two"}`)
	arn := s.arn("k")
	for body, want := range map[string]string{
		`{"SecretId":"k"}`:                              `"SecretString":"two"`,
		`{"SecretId":"` + arn + `"}`:                    `"SecretString":"two"`,
		`{"SecretId":"` + arn[:len(arn)-7] + `"}`:       `"SecretString":"two"`,
		`{"SecretId":"k","VersionStage":"AWSPREVIOUS"}`: `"SecretString":"one"`,
		`{"SecretId":"none"}`:                           "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
		`{"SecretId":"k","VersionStage":"AWSPENDING"}`:  "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
	} {
		if got := s.call("GetSecretValue", body); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := s.call("CreateSecret", `{"Name":"k"}`); !strings.HasPrefix(got, "ResourceExistsException") {
		t.Error(got)
	}
	s.call("DeleteSecret", `{"SecretId":"k"}`)
	if got := s.call("DescribeSecret", `{"SecretId":"k"}`); !strings.HasPrefix(got, "ResourceNotFoundException") {
		t.Error(got)
	}
}
