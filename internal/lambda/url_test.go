package lambda

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

func TestPermitsURL(t *testing.T) {
	role := awsapi.Caller{AccountID: "123456789012", ARN: "arn:aws:sts::123456789012:assumed-role/reader/session"}
	for _, c := range []struct {
		name, statement, authType string
		caller                    awsapi.Caller
		url, function             bool
	}{
		{"everyone, without signatures", `{Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: NONE}`, "NONE", awsapi.Caller{}, true, false},
		{"of another auth type", `{Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: AWS_IAM}`, "NONE", awsapi.Caller{}, false, false},
		{"by way of the URL", `{Action: "lambda:InvokeFunction", Principal: "*", InvokedViaFunctionUrl: true}`, "NONE", awsapi.Caller{}, false, true},
		{"in any way", `{Action: "lambda:InvokeFunction", Principal: "*"}`, "NONE", awsapi.Caller{}, false, true},
		{"all actions", `{Action: "lambda:*", Principal: "*"}`, "NONE", awsapi.Caller{}, true, true},
		{"an account is not everyone", `{Action: "lambda:InvokeFunctionUrl", Principal: "123456789012"}`, "NONE", awsapi.Caller{}, false, false},
		{"a service", `{Action: "lambda:InvokeFunctionUrl", Principal: "cloudfront.amazonaws.com"}`, "NONE", awsapi.Caller{}, false, false},
		{"for one source", `{Action: "lambda:InvokeFunctionUrl", Principal: "*", SourceArn: "arn:aws:s3:::b"}`, "NONE", awsapi.Caller{}, false, false},
		{"account", `{Action: "lambda:InvokeFunctionUrl", Principal: "123456789012"}`, "AWS_IAM", role, true, false},
		{"root of the account", `{Action: "lambda:InvokeFunctionUrl", Principal: "arn:aws:iam::123456789012:root"}`, "AWS_IAM", role, true, false},
		{"role", `{Action: "lambda:InvokeFunctionUrl", Principal: "arn:aws:iam::123456789012:role/path/reader"}`, "AWS_IAM", role, true, false},
		{"other role", `{Action: "lambda:InvokeFunctionUrl", Principal: "arn:aws:iam::123456789012:role/writer"}`, "AWS_IAM", role, false, false},
		{"role in use", `{Action: "lambda:InvokeFunctionUrl", Principal: "` + role.ARN + `"}`, "AWS_IAM", role, true, false},
		{"other account", `{Action: "lambda:InvokeFunctionUrl", Principal: "210987654321"}`, "AWS_IAM", role, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.create("Fn", "Function", simple)
			p.create("P", "Permission", `{FunctionName: fn, `+c.statement[1:])
			if url, function := p.PermitsURL("fn", "", c.authType, c.caller); url != c.url || function != c.function {
				t.Errorf("url %v, function %v", url, function)
			}
			if url, function := p.PermitsURL("fn", "live", c.authType, c.caller); url || function {
				t.Error("a statement for the function is not for its alias")
			}
		})
	}
}
