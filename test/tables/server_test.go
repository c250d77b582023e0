// Package tables holds Suiro's DynamoDB against other implementations and
// clients: DynamoDB Local with generated operations, and AWS's own SDKs and
// command line. SUIRO names the program (make builds it); the rest comes from
// tools/install.
package tables

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds every wait, also on a slow machine.
const patience = 2 * time.Minute

// server is a DynamoDB that answers at a URL.
type server struct {
	name, url   string
	key, secret string
}

const template = `
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
`

func program(t testing.TB) string {
	t.Helper()
	p := os.Getenv("SUIRO")
	if p == "" {
		p, _ = filepath.Abs("../../bin/suiro")
	}
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("no suiro program: %v (run: make build)", err)
	}
	return p
}

// tool is something that tools/install put into test/.tools.
func tool(t testing.TB, path string) string {
	t.Helper()
	p, _ := filepath.Abs(filepath.Join("../.tools", path))
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s is not installed (run: make tools)", path)
	}
	return p
}

// startSuiro runs suiro dev on an app with one table.
func startSuiro(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	return startSuiroIn(t, dir)
}

func startSuiroIn(t testing.TB, dir string) *server {
	t.Helper()
	cmd := exec.Command(program(t), "dev", "--output", "json", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // its status says nothing that a test asks
	})
	reader := bufio.NewReader(out)
	line, err := reader.ReadBytes('\n')
	var ready struct {
		AWS struct{ Endpoint, AccessKeyID, SecretAccessKey string }
	}
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("suiro did not start: %v\n%s%s", err, line, stderr.String())
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }() // ends with the process
	return &server{"suiro", ready.AWS.Endpoint, ready.AWS.AccessKeyID, ready.AWS.SecretAccessKey}
}

// startLocal runs DynamoDB Local, in memory.
func startLocal(t testing.TB) *server {
	t.Helper()
	lib := tool(t, "dynamodb-local")
	port := freePort(t)
	cmd := exec.Command("java", "-Xmx512m", "-cp", filepath.Join(lib, "*"), "-Dsqlite4java.library.path="+lib,
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", fmt.Sprint(port))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := &server{"DynamoDB Local", fmt.Sprintf("http://127.0.0.1:%d", port), "key", "secret"}
	for until := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if _, err := s.call("ListTables", `{}`); err == nil {
			return s
		}
		if time.Now().After(until) {
			t.Fatalf("DynamoDB Local does not answer:\n%s", out.String())
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// answer is what a server said to a call.
type answer struct {
	status int
	kind   string // the error's __type
	text   string // its message
	body   map[string]any
	raw    string
}

// call sends a request as an SDK would, signed by a key that nobody knows.
func (s *server) call(operation, body string) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewBufferString(body))
	if err != nil {
		return answer{}, err
	}
	now := time.Now().UTC()
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	target := "DynamoDB_20120810."
	switch operation {
	case "ListStreams", "DescribeStream", "GetShardIterator", "GetRecords":
		target = "DynamoDBStreams_20120810."
	}
	r.Header.Set("X-Amz-Target", target+operation)
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=stranger/"+now.Format("20060102")+
		"/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, raw: string(raw)}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&a.body); err != nil {
		return a, fmt.Errorf("%s: %s answers %d %q: %w", s.name, operation, a.status, raw, err)
	}
	a.kind, _ = a.body["__type"].(string)
	for _, name := range []string{"message", "Message"} {
		if text, ok := a.body[name].(string); ok && a.kind != "" {
			a.text = text
			delete(a.body, name)
		}
	}
	return a, nil
}
