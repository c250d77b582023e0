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
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fetching is how long one peer may take to come.
const fetching = 10 * time.Minute

// peer starts a peer, if peers are asked for. One that cannot be had is named
// and is nil: the others go on.
func (b *bench) peer(name string, start func() (*server, error)) *server {
	if !b.peers {
		return nil
	}
	s, err := start()
	if err != nil {
		if s != nil {
			s.close()
		}
		b.miss(name, err)
		return nil
	}
	s.name, s.peer = name, true
	return s
}

// sideError tells which of the things compared has failed.
type sideError struct {
	side *server
	err  error
}

func (e *sideError) Error() string { return e.side.name + ": " + e.err.Error() }
func (e *sideError) Unwrap() error { return e.err }

// miss names a peer that does not take part, or no longer.
func (b *bench) miss(name string, err error) {
	line, _, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintf(os.Stderr, "bench: going on without %s: %v\n", name, err)
	if line = name + ": " + line; !slices.Contains(b.Missing, line) {
		b.Missing = append(b.Missing, line)
	}
}

// unfetched is what could not be fetched in this run, which is not tried again.
var unfetched = make(map[string]error)

// cached is a path in the user's cache, made by the first call: make gets the
// path of what is to become it, so that one that was ended half-way is none.
func cached(name string, make func(ctx context.Context, part string) *exec.Cmd) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "suiro-bench", name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err, ok := unfetched[name]; ok {
		return "", err
	}
	part := path + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetching)
	defer cancel()
	cmd := make(ctx, part)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = os.Stderr, os.Stderr, time.Second
	if err := cmd.Run(); err != nil {
		unfetched[name] = fmt.Errorf("fetching %s by %s: %w", name, filepath.Base(cmd.Path), err)
		return "", unfetched[name]
	}
	return path, os.Rename(part, path)
}

// fetch installs npm packages into the user's cache, once.
func fetch(packages ...string) (dir string, err error) {
	return cached(packages[0], func(ctx context.Context, part string) *exec.Cmd {
		return exec.CommandContext(ctx, "npm", append([]string{"install", "--no-audit", "--no-fund", "--prefix", part}, packages...)...)
	})
}

// install builds a program from a Go module, once.
func install(module string) (program string, err error) {
	path, _, _ := strings.Cut(module, "@")
	name := filepath.Base(path)
	if name == "v2" {
		name = filepath.Base(filepath.Dir(path))
	}
	dir, err := cached(name+".go", func(ctx context.Context, part string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "go", "install", module)
		cmd.Env = append(os.Environ(), "GOBIN="+part, "GOFLAGS=-mod=mod")
		return cmd
	})
	return filepath.Join(dir, name), err
}

// rie is AWS's Runtime Interface Emulator as a Go module.
const rie = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d"

// startRIE runs the emulator with the bench program as its function.
func startRIE() (*server, error) {
	program, err := install(rie)
	if err != nil {
		return nil, err
	}
	const address = "127.0.0.1:14580"
	c, err := start(nil, program, "--runtime-interface-emulator-address", address, "--log-level", "error", os.Args[0], "hello")
	if err != nil {
		return nil, err
	}
	return c.serving(address)
}

// serving is the process as a server, once something listens.
func (c *child) serving(address string) (*server, error) {
	go func() { _, _ = io.Copy(io.Discard, c.out) }()
	s := &server{child: c, address: address}
	if err := answers(address); err != nil {
		s.close()
		return nil, fmt.Errorf("%w\n%s", err, c.errors)
	}
	return s, nil
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
	return c.serving(address)
}

// startLocal runs DynamoDB Local, AWS's own emulator, with its tables in
// memory. Maven resolves what the tests use too.
func startLocal() (*server, error) {
	lib, err := cached("dynamodb-local", func(ctx context.Context, part string) *exec.Cmd {
		return exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", "../tools/dynamodb-local.pom", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+part)
	})
	if err != nil {
		return nil, err
	}
	const address = "127.0.0.1:14568"
	c, err := start(nil, "java", "-Xmx512m", "-cp", filepath.Join(lib, "*"), "-Dsqlite4java.library.path="+lib,
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", "14568")
	if err != nil {
		return nil, err
	}
	return c.serving(address)
}

// answers waits until something listens.
func answers(address string) error {
	for range 3000 {
		if conn, err := net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
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
