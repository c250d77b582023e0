package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeApp makes the folder of an app: a template, and the bench program as
// every function's code, beside more files by their paths.
func writeApp(dir, template string, files map[string]string) error {
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return err
		}
	}
	code := filepath.Join(dir, "code")
	if err := os.Mkdir(code, 0o755); err != nil {
		return err
	}
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), self, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(template), 0o644)
}

// function is a function of the app in SAM's terms; its handler names what it
// does.
func function(id, handler string) string {
	return fmt.Sprintf(`
  %s:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: code
      Handler: %s
      Timeout: 30
      Policies: [AmazonAPIGatewayInvokeFullAccess]`, id, handler)
}

// socketApp has a WebSocket API with two-way MOCK routes, whose answers are as
// long as the messages, and a route to a function that posts back. Options are
// more properties of the stage.
func socketApp(options ...string) string {
	b := new(strings.Builder)
	b.WriteString(`Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: bench, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true`)
	for _, o := range options {
		b.WriteString(", " + o)
	}
	b.WriteString(`}
  PostIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Post.Arn}/invocations
  PostRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: post, Target: !Sub "integrations/${PostIntegration}"}
  PostPermission:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Post, Principal: apigateway.amazonaws.com}`)
	b.WriteString(function("Post", "post"))
	for _, n := range fixed {
		b.WriteString(function(fmt.Sprintf("Both%d", n), "both"))
		fmt.Fprintf(b, `
      ReservedConcurrentExecutions: %[1]d
  BothIntegration%[1]d:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Both%[1]d.Arn}/invocations
  BothRoute%[1]d:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: both%[1]d, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${BothIntegration%[1]d}"}
  BothResponse%[1]d:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref BothRoute%[1]d, RouteResponseKey: $default}
  BothPermission%[1]d:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Both%[1]d, Principal: apigateway.amazonaws.com}`, n)
	}
	for _, size := range messageSizes {
		fmt.Fprintf(b, `
  Mock%[1]d:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: MOCK
      TemplateSelectionExpression: "200"
      RequestTemplates: {"200": '{"statusCode":200}'}
  Answer%[1]d:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties: {ApiId: !Ref Api, IntegrationId: !Ref Mock%[1]d, IntegrationResponseKey: $default, ResponseTemplates: {$default: %[2]s}}
  Route%[1]d:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: mock%[1]d, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${Mock%[1]d}"}
  Response%[1]d:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Route%[1]d, RouteResponseKey: $default}`, size, strings.Repeat("x", size))
	}
	return b.String() + "\n"
}

// messageSizes are the lengths of messages to the MOCK routes.
var messageSizes = []int{64, 4096}

// message is a JSON message for a route, of the given length.
func message(route string, size int) string {
	start := `{"action":"` + route + `","pad":"`
	return start + strings.Repeat("x", size-len(start)-2) + `"}`
}

// functionApp has functions that answer at once, each of which has its first
// invocation only once.
func functionApp(count int) string {
	b := new(strings.Builder)
	b.WriteString("Transform: AWS::Serverless-2016-10-31\nResources:")
	for i := range count {
		b.WriteString(function(fmt.Sprintf("Hello%d", i), "hello"))
	}
	return b.String() + "\n"
}

// tableApp has one table.
const tableApp = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: bench
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
`
