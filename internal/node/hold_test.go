package node

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/app"
	"github.com/suiro-dev/suiro/internal/journal"
)

// built is an app whose build waits for a file named go.
const built = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Chat:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Chat, StageName: dev, AutoDeploy: true}
    DependsOn: Fn
  Fn:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: ., Environment: {Variables: {API: !Ref Chat}}}
`

const rule = "build-Fn:\n\tuntil [ -e go ]; do sleep 0.01; done\n\tprintf '#!/bin/sh\\nexit 0\\n' >'$(ARTIFACTS_DIR)/bootstrap'\n\tchmod +x '$(ARTIFACTS_DIR)/bootstrap'\n"

// freePort is one that nobody listens on now. It is none of those that clients
// get: one that asks again and again could get it, and be connected to itself.
func freePort(t *testing.T) string {
	t.Helper()
	for port := 20000 + os.Getpid()%5000; port < 32000; port++ {
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			_ = l.Close()
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no free port")
	return ""
}

// Who finds the port open while the app is still being built is answered when
// it is ready, or told that it will not be.
func TestRequestsWaitForTheFirstBuild(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	t.Setenv("SUIRO_CACHE", filepath.Join(home, "cache"))
	for _, c := range []struct {
		name, rule string
		status     int
	}{
		{"good", rule, http.StatusSwitchingProtocols},
		{"failing", rule + "\tfalse\n", http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			port := freePort(t)
			write(t, dir, "template.yaml", built)
			write(t, dir, "Makefile", c.rule)
			write(t, dir, "suiro.yaml", "ports: {Chat: "+port+"}\n")
			started := make(chan *Node, 1)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				n, _, err := Start(context.Background(), Config{App: app.Options{Path: dir}, FirstPort: 39000, Journal: new(journal.Journal)})
				if (err == nil) != (c.status == http.StatusSwitchingProtocols) {
					t.Error(err)
				}
				started <- n
			}()
			status := handshake(t, "127.0.0.1:"+port, ended, func() { write(t, dir, "go", "") })
			if status != c.status {
				t.Errorf("status %d", status)
			}
			if n := <-started; n != nil {
				if err := n.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			<-ended
		})
	}
}

// handshake connects as soon as the port is open, calls asked when it has sent
// its request, and gives the status.
func handshake(t *testing.T, address string, ended chan struct{}, asked func()) int {
	t.Helper()
	for {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			select {
			case <-ended:
				t.Fatal(err)
			default:
				continue
			}
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, strings.ReplaceAll("GET /dev HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\n"+
			"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n", "\n", "\r\n")); err != nil {
			t.Fatal(err)
		}
		asked()
		head, err := io.ReadAll(io.LimitReader(conn, int64(len("HTTP/1.1 101"))))
		if err != nil {
			t.Error(err)
		}
		status, _ := strconv.Atoi(strings.TrimPrefix(string(head), "HTTP/1.1 "))
		return status
	}
}
