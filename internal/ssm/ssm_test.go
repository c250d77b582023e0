package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// call answers as the API does: JSON, or "code: message".
func (s *Service) call(operation, body string) string {
	out, err := s.operations()[operation](awsapi.Caller{Owner: true}, []byte(body))
	var e *awsapi.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func TestParametersAreReadByNameVersionAndARN(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "p.json"))
	s.call("PutParameter", `{"Name":"/a/b","Value":"one","Type":"String"}`)
	if got := s.call("PutParameter", `{"Name":"/a/b","Value":"two","Overwrite":true}`); got != `{"Tier":"Standard","Version":2}` {
		t.Error(got)
	}
	for _, test := range []struct{ name, want string }{
		{"/a/b", `"Value":"two","Version":2`},
		{"/a/b:1", `"Value":"one","Version":1,"Selector":":1"`},
		{"arn:aws:ssm:eu-west-1:123456789012:parameter/a/b", `"Value":"two"`},
		{"/a/b:7", "ParameterVersionNotFound"},
		{"/none", "ParameterNotFound"},
	} {
		if got := s.call("GetParameter", fmt.Sprintf(`{"Name":%q}`, test.name)); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if n, ok := s.Lookup("/a/b:1"); !ok || n.Text != "one" {
		t.Error(n, ok)
	}
}

func TestParametersSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.json")
	open(t, file).call("PutParameter", `{"Name":"list","Value":"a,b","Type":"StringList"}`)
	n, ok := open(t, file).Lookup("list")
	if !ok || strings.Join(n.Strings(), "|") != "a|b" {
		t.Error(n, ok)
	}
}

func TestSecureStringsAreShownOnRequest(t *testing.T) {
	s := open(t, "")
	s.call("PutParameter", `{"Name":"k","Value":"shh","Type":"SecureString"}`)
	if got := s.call("GetParameter", `{"Name":"k"}`); strings.Contains(got, "shh") {
		t.Error(got)
	}
	if got := s.call("GetParameter", `{"Name":"k","WithDecryption":true}`); !strings.Contains(got, `"Value":"shh"`) {
		t.Error(got)
	}
}

func TestPathsAreListedInPages(t *testing.T) {
	s := open(t, "")
	for i := range 12 {
		s.call("PutParameter", fmt.Sprintf(`{"Name":"/p/%02d","Value":"v","Type":"String"}`, i))
	}
	s.call("PutParameter", `{"Name":"/p/q/deep","Value":"v","Type":"String"}`)
	seen, token := 0, ""
	for {
		var page struct {
			Parameters []any
			NextToken  string
		}
		if err := json.Unmarshal([]byte(s.call("GetParametersByPath", fmt.Sprintf(`{"Path":"/p/","Recursive":true,"NextToken":%q}`, token))), &page); err != nil {
			t.Fatal(err)
		}
		seen += len(page.Parameters)
		if token = page.NextToken; token == "" {
			break
		}
	}
	if seen != 13 {
		t.Errorf("%d parameters, want 13", seen)
	}
	if got := s.call("GetParametersByPath", `{"Path":"/p","MaxResults":11}`); !strings.HasPrefix(got, "ValidationException") {
		t.Error(got)
	}
}

func TestPutParameterRefusals(t *testing.T) {
	s := open(t, "")
	s.call("PutParameter", `{"Name":"x","Value":"v","Type":"String"}`)
	for body, want := range map[string]string{
		`{"Name":"x","Value":"w","Type":"String"}`:                                 "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
		`{"Name":"y","Value":"w"}`:                                                 "ValidationException: A parameter type is required when you create a parameter.",
		`{"Name":"aws/y","Value":"w","Type":"String"}`:                             "ValidationException: Parameter name: can't be prefixed",
		`{"Name":"y","Value":"` + strings.Repeat("x", 4097) + `","Type":"String"}`: "ValidationException: Standard tier parameters support",
		`{"Name":"y","Value":"w","Type":"Number"}`:                                 "ValidationException: 1 validation error",
	} {
		if got := s.call("PutParameter", body); !strings.HasPrefix(got, want) {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
	}
}

func TestTheTemplatesValueYieldsToOnePutSinceThen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.json")
	make := func(value string) string {
		s := open(t, file)
		props, _ := document.Parse("t", []byte(`{"Name":"n","Type":"String","Value":"`+value+`"}`))
		i, err := s.Handlers()["AWS::SSM::Parameter"].Create(context.Background(), resource.Spec{LogicalID: "P", Properties: props})
		if err != nil {
			t.Fatal(err)
		}
		return i.Attr("Value")
	}
	if got := make("declared"); got != "declared" {
		t.Error(got)
	}
	open(t, file).call("PutParameter", `{"Name":"n","Value":"put","Overwrite":true}`)
	if got := make("declared"); got != "put" {
		t.Errorf("the next start made it %s", got)
	}
	if got := make("new"); got != "new" {
		t.Errorf("a new template made it %s", got)
	}
}
