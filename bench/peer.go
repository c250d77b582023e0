package main

import (
	"context"
	"errors"
	"fmt"
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
	return &server{child: c, name: "dynalite", address: address}, answers(address)
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
