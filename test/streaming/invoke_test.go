package streaming

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// streamed is what the API gives of testdata/app's Node function: the prelude
// stays.
const streamed = `{"statusCode":201,"headers":{"content-type":"text/plain","x-runtime":"node"},"cookies":["a=1","b=2"]}` +
	"\x00\x00\x00\x00\x00\x00\x00\x00piece 0;piece 1;piece 2;"

// invoking calls functions through the AWS API with everybody's SDK.
func invoking(t *testing.T, s *suiro) {
	t.Run("Go", func(t *testing.T) { invokeGo(t, s) })
	t.Run("JavaScript", func(t *testing.T) {
		modules := filepath.Join(filepath.Dir(filepath.Dir(tool(t, "npm/node_modules/@aws-sdk/client-lambda"))))
		script(t, s, exec.Command("node", "testdata/invoke.mjs"), "NODE_MODULES="+filepath.Dir(modules))
	})
	t.Run("Python", func(t *testing.T) { script(t, s, exec.Command(tool(t, "python/bin/python"), "testdata/invoke.py")) })
	t.Run("CLI", func(t *testing.T) { invokeCLI(t, s) })
	t.Run("suiro invoke", func(t *testing.T) { invokeSuiro(t, s) })
}

func invokeGo(t *testing.T, s *suiro) {
	client := lambda.New(lambda.Options{Region: s.ready.AWS.Region, BaseEndpoint: &s.ready.AWS.Endpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s.ready.AWS.AccessKeyID, s.ready.AWS.SecretAccessKey, "")})
	gate := filepath.Join(t.TempDir(), "gate")
	payload, _ := json.Marshal(map[string]string{"gate": gate, "then": "throw"})
	open(t, gate+"0") // the call returns with the response's head
	out, err := client.InvokeWithResponseStream(context.Background(), &lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String(s.ready.Resources["Node"]), Payload: payload, LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer func() { _ = stream.Close() }()
	var got bytes.Buffer
	var end types.InvokeWithResponseStreamCompleteEvent
	next := 0
	for e := range stream.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			got.Write(e.Value.Payload)
			for ; strings.Contains(got.String(), "piece "+string(rune('0'+next))+";"); next++ {
				open(t, gate+string(rune('1'+next))) // each piece is here before the next is written
			}
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			end = e.Value
		}
	}
	if err := stream.Err(); err != nil || got.String() != streamed || aws.ToString(end.ErrorCode) != "Error" ||
		!strings.Contains(aws.ToString(end.ErrorDetails), "after the first byte") || aws.ToString(end.LogResult) == "" {
		t.Errorf("%q, %+v, %v", got.String(), end, err)
	}
	for kind, status := range map[types.InvocationType]int32{types.InvocationTypeEvent: 202, types.InvocationTypeDryRun: 204, types.InvocationTypeRequestResponse: 200} {
		out, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String(s.ready.Resources["Plain"]), InvocationType: kind, Payload: []byte(`{}`)})
		if err != nil || out.StatusCode != status || (len(out.Payload) > 0) != (status == 200) {
			t.Errorf("%s: %+v, %v", kind, out, err)
		}
	}
	invokeGoQualified(t, client, s.ready.Resources["Aliased"])
	configureEvents(t, client, s.ready.Resources["Aliased"])
	listed := 0
	pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil || len(page.Functions) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		listed++
	}
	if listed < 5 {
		t.Errorf("%d functions listed", listed)
	}
	_, err = client.InvokeWithResponseStream(context.Background(), &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("nowhere")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("missing function: %v", err)
	}
}

// invokeGoQualified calls an alias, whole and as a stream, and asks for what
// AWS refuses.
func invokeGoQualified(t *testing.T, client *lambda.Client, name string) {
	ctx := context.Background()
	whole, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Qualifier: aws.String("live"), LogType: types.LogTypeTail})
	if err != nil || string(whole.Payload) != `"1 live"` || aws.ToString(whole.ExecutedVersion) != "1" || aws.ToString(whole.LogResult) == "" {
		t.Errorf("alias: %+v, %v", whole, err)
	}
	out, err := client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String(name + ":live")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.GetStream().Close() }()
	var text string
	for e := range out.GetStream().Events() {
		if c, ok := e.(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk); ok {
			text += string(c.Value.Payload)
		}
	}
	if text != `"1 live"` || aws.ToString(out.ExecutedVersion) != "1" {
		t.Errorf("alias, stream: %s, version %s", text, aws.ToString(out.ExecutedVersion))
	}
	var mismatch *types.InvalidParameterValueException
	_, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(name + ":live"), Qualifier: aws.String("1")})
	if !errors.As(err, &mismatch) {
		t.Errorf("two qualifiers: %v", err)
	}
	var content *types.InvalidRequestContentException
	if _, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte("{")}); !errors.As(err, &content) {
		t.Errorf("no JSON: %v", err)
	}
}

// configureEvents goes through the life of an EventInvokeConfig.
func configureEvents(t *testing.T, client *lambda.Client, name string) {
	ctx := context.Background()
	q := aws.String("live")
	put, err := client.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: q, MaximumRetryAttempts: aws.Int32(0)})
	if err != nil || put.LastModified == nil || !strings.HasSuffix(aws.ToString(put.FunctionArn), ":"+name+":live") {
		t.Fatalf("put: %+v, %v", put, err)
	}
	if _, err := client.UpdateFunctionEventInvokeConfig(ctx, &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: q, MaximumEventAgeInSeconds: aws.Int32(60)}); err != nil {
		t.Error(err)
	}
	got, err := client.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: q})
	if err != nil || *got.MaximumRetryAttempts != 0 || *got.MaximumEventAgeInSeconds != 60 {
		t.Errorf("get: %+v, %v", got, err)
	}
	list, err := client.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &name})
	if err != nil || len(list.FunctionEventInvokeConfigs) != 1 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if _, err := client.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: q}); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := client.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: q}); !errors.As(err, &missing) {
		t.Errorf("after the end: %v", err)
	}
}

// script runs a client that prints what it got, a line of JSON for each call.
func script(t *testing.T, s *suiro, cmd *exec.Cmd, env ...string) {
	cmd.Env = s.env(append(env, "ALIASED="+s.ready.Resources["Aliased"])...)
	var errs bytes.Buffer
	cmd.Stderr = &errs // the SDKs complain of the runtime's age there
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	type line struct {
		Text, Version, Error string
		Log                  bool
		Status               int
	}
	want := []line{
		{Text: streamed, Version: "$LATEST", Log: true},
		{Text: streamed, Version: "$LATEST", Error: "Error", Log: true},
		{Text: streamed, Log: true},
		{Error: "ResourceNotFoundException", Status: 404},
		{Text: `"1 live"`, Version: "1", Status: 200, Log: true},
		{Text: `"1 1"`, Version: "1", Status: 200},
		{Text: `"$LATEST $LATEST"`, Version: "$LATEST", Status: 200},
		{Status: 204},
		{Status: 202},
		{Version: "1", Status: 200},
		{Error: "InvalidParameterValueException", Status: 400},
		{Error: "ResourceNotFoundException", Status: 404},
		{Error: "InvalidRequestContentException", Status: 400},
		{Error: "RequestEntityTooLargeException", Status: 413},
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, w := range want {
		var got line
		if i >= len(lines) || json.Unmarshal([]byte(lines[i]), &got) != nil || got != w {
			t.Errorf("line %d of\n%s\nwant %+v", i, out, w)
		}
	}
}

func invokeCLI(t *testing.T, s *suiro) {
	result := filepath.Join(t.TempDir(), "result")
	call := func(function string, args ...string) (said, body string, err error) {
		cmd := exec.Command(tool(t, "python/bin/aws"), append([]string{"lambda", "invoke", "--endpoint-url", s.ready.AWS.Endpoint,
			"--function-name", s.ready.Resources[function], result}, args...)...)
		cmd.Env = s.env()
		out, err := cmd.CombinedOutput()
		data, _ := os.ReadFile(result)
		return string(out), string(data), err
	}
	out, body, err := call("Plain", "--payload", `{"a":1}`, "--log-type", "Tail")
	if err != nil || !strings.Contains(out, `"StatusCode": 200`) || !strings.Contains(out, "LogResult") || !strings.Contains(body, `"body":"{\"a\":1}"`) {
		t.Errorf("%v: %s\n%s", err, out, body)
	}
	out, body, err = call("Aliased", "--qualifier", "live")
	if err != nil || !strings.Contains(out, `"ExecutedVersion": "1"`) || body != `"1 live"` {
		t.Errorf("alias: %v: %s\n%s", err, out, body)
	}
	out, body, err = call("Aliased", "--invocation-type", "DryRun")
	if err != nil || !strings.Contains(out, `"StatusCode": 204`) || body != "" {
		t.Errorf("dry run: %v: %s\n%s", err, out, body)
	}
	out, _, err = call("Aliased", "--qualifier", "gone")
	if err == nil || !strings.Contains(out, "(ResourceNotFoundException) when calling the Invoke operation: Function not found: ") || !strings.Contains(out, ":gone") {
		t.Errorf("missing alias: %v: %s", err, out)
	}
}

// invokeSuiro calls the running app, which it finds by its state folder.
func invokeSuiro(t *testing.T, s *suiro) {
	for _, c := range []struct {
		event  string
		out    string
		status int
		stderr string
	}{
		{`{}`, streamed, 0, "END RequestId"},
		{`{"then":"throw"}`, streamed, 1, "after the first byte"},
		{`{"then":"early"}`, "", 1, "before the first byte"},
	} {
		cmd := exec.Command(program(t), "invoke", "Node", s.dir, "--event", "-")
		cmd.Stdin = strings.NewReader(c.event)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		if out.String() != c.out || cmd.ProcessState.ExitCode() != c.status || !strings.Contains(errs.String(), c.stderr) {
			t.Errorf("%s: status %d, %q\n%s", c.event, cmd.ProcessState.ExitCode(), out.String(), errs.String())
		}
	}
}

// Without a running app, suiro invoke starts it for one call.
func TestInvokeStartsTheApp(t *testing.T) {
	cmd := exec.Command(program(t), "invoke", "simple", copyOf(t, "testdata/url"), "--event", "-")
	cmd.Stdin = strings.NewReader(`{"rawPath":"/x"}`)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if string(out) != `{"statusCode":200,"body":"/x"}` {
		t.Errorf("%s, %v\n%s", out, err, errs.String())
	}
}
