package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fetch installs npm packages into the user's cache, once.
func fetch(packages ...string) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "suiro-bench", packages[0])
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir}, packages...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return dir, cmd.Run()
}

// rie is AWS's Runtime Interface Emulator as a Go module.
const rie = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d"

// startRIE runs the emulator with the bench program as its function. It has no
// process where nobody has fetched it: -peers does, once.
func (b *bench) startRIE() (*server, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "suiro-bench")
	program := filepath.Join(dir, "aws-lambda-rie")
	if _, err := os.Stat(program); err != nil {
		if !b.peers {
			return &server{}, nil
		}
		cmd := exec.Command("go", "install", rie)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return &server{}, fmt.Errorf("fetching AWS's emulator: %w", err)
		}
	}
	const address = "127.0.0.1:14580"
	c, err := start(nil, program, "--runtime-interface-emulator-address", address, "--log-level", "error", os.Args[0], "hello")
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, c.out) }()
	return &server{child: c, name: "RIE", address: address}, answers(address)
}

// startDynalite runs dynalite with its tables in memory.
func startDynalite() (*server, error) {
	dir, err := fetch("dynalite@4.0.0")
	if err != nil {
		return nil, err
	}
	const address = "127.0.0.1:14567"
	c, err := start(nil, "node", filepath.Join(dir, "node_modules/dynalite/cli.js"), "--port", "14567", "--createTableMs", "0")
	if err != nil {
		return nil, err
	}
	s := &server{child: c, name: "dynalite", address: address}
	if err := answers(address); err != nil {
		s.close()
		return nil, fmt.Errorf("%w\n%s", err, c.errors)
	}
	return s, nil
}

// startLocal runs DynamoDB Local, AWS's own emulator, with its tables in
// memory. Maven resolves what the tests use too.
func startLocal() (*server, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	lib := filepath.Join(cache, "suiro-bench", "dynamodb-local")
	if _, err := os.Stat(lib); err != nil {
		part := lib + ".part" // a fetch that was ended is none
		cmd := exec.Command("mvn", "-q", "-B", "-f", "../tools/dynamodb-local.pom", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+part)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("fetching DynamoDB Local: %w", err)
		}
		if err := os.Rename(part, lib); err != nil {
			return nil, err
		}
	}
	const address = "127.0.0.1:14568"
	c, err := start(nil, "java", "-Xmx512m", "-cp", filepath.Join(lib, "*"), "-Dsqlite4java.library.path="+lib,
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", "14568")
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, c.out) }()
	s := &server{child: c, name: "DynamoDB Local", address: address}
	if err := answers(address); err != nil {
		s.close()
		return nil, fmt.Errorf("%w\n%s", err, c.errors)
	}
	return s, nil
}

// offlineApp answers as the function of socketApp does, with the AWS SDK.
const (
	offlineApp = `service: peer
frameworkVersion: "3"
provider: {name: aws, runtime: nodejs20.x, websocketsApiRouteSelectionExpression: $request.body.action}
plugins: [serverless-offline]
custom: {serverless-offline: {useInProcess: true, httpPort: 14600, websocketPort: 14601, lambdaPort: 14602}}
functions:
  open: {handler: handler.open, events: [{websocket: $connect}, {websocket: $disconnect}]}
  post: {handler: handler.post, events: [{websocket: $default}]}
`
	offlineHandler = `const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require("@aws-sdk/client-apigatewaymanagementapi");
const client = new ApiGatewayManagementApiClient({ endpoint: "http://127.0.0.1:14601", region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
exports.open = async () => ({ statusCode: 200 }); // it refuses clients where there is no $connect
exports.post = async (event) => {
  await client.send(new PostToConnectionCommand({ ConnectionId: event.requestContext.connectionId, Data: event.body }));
  return { statusCode: 200 };
};
`
)

const offlineName = "serverless-offline"

// startOffline runs serverless-offline with the functions in its own process,
// where it is fastest.
func startOffline() (*server, error) {
	dir, err := fetch("serverless@3", "serverless-offline@13", "@aws-sdk/client-apigatewaymanagementapi@3")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"serverless.yml": offlineApp, "handler.js": offlineHandler} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	c, err := startIn(dir, []string{"SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off"}, "node",
		filepath.Join(dir, "node_modules/serverless/bin/serverless.js"), "offline", "start")
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, c.out) }()
	s := &server{child: c, name: offlineName, address: "127.0.0.1:14601"}
	if err := answers(s.address); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// answers waits until something listens.
func answers(address string) error {
	for range 300 {
		if conn, err := net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("nothing listens at %s", address)
}

// create makes the table where no template does.
func (d *database) create(ctx context.Context) error {
	_, err := d.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: tableName, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
	})
	for range 100 {
		if err != nil {
			break
		}
		var r *dynamodb.DescribeTableOutput
		if r, err = d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: tableName}); err == nil && r.Table.TableStatus == types.TableStatusActive {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(err, errors.New("the table did not become active"))
}
