package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/bench/load"
)

// The app that serverless-offline and Suiro run, from the same folder: a route
// to a Node.js function that posts back with the AWS SDK.
const (
	offlineApp = `service: peer
frameworkVersion: "3"
provider: {name: aws, runtime: nodejs20.x, stage: dev, timeout: 30}
plugins: [serverless-offline]
custom: {serverless-offline: {httpPort: 14600, websocketPort: 14601, lambdaPort: 14602}}
functions:
  open: {handler: handler.open, events: [{websocket: $connect}, {websocket: $disconnect}]}
  post: {handler: handler.post, events: [{websocket: $default}]}
`
	offlineHandler = `const { ApiGatewayManagementApiClient, PostToConnectionCommand } = require("@aws-sdk/client-apigatewaymanagementapi");
let client;
exports.open = async () => ({ statusCode: 200 }); // serverless-offline refuses clients where there is no $connect
exports.post = async (event) => {
  const { connectionId, domainName, stage } = event.requestContext;
  client ??= new ApiGatewayManagementApiClient({ endpoint: process.env.IS_OFFLINE ? "http://localhost:14601" : "https://" + domainName + "/" + stage });
  await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: event.body }));
  return { statusCode: 200 };
};
`
	offlineAddress = "127.0.0.1:14601"
)

// The modes of serverless-offline: a worker thread for each invocation in
// flight unless it is told otherwise, or all in its own process, where it is
// faster and keeps nothing apart.
const (
	offlineThreads   = "serverless-offline"
	offlineInProcess = "serverless-offline, in process"
)

// offlineFolder has the app, below the packages that it needs.
func offlineFolder() (string, error) {
	dir, err := fetch("serverless@3.40.0", "serverless-offline@13.10.0", "@aws-sdk/client-apigatewaymanagementapi@3.1169.0")
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "app")
	return dir, errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "serverless.yml"), []byte(offlineApp), 0o644),
		os.WriteFile(filepath.Join(dir, "handler.js"), []byte(offlineHandler), 0o644))
}

func startOffline(more ...string) (*server, error) {
	dir, err := offlineFolder()
	if err != nil {
		return nil, err
	}
	c, err := startIn(dir, []string{"SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"},
		"node", append([]string{filepath.Join(dir, "../node_modules/serverless/bin/serverless.js"), "offline", "start"}, more...)...)
	if err != nil {
		return nil, err
	}
	return c.serving(offlineAddress)
}

func startOfflineThreads() (*server, error)   { return startOffline() }
func startOfflineInProcess() (*server, error) { return startOffline("--useInProcess") }

// chainOffline is chain against serverless-offline in both of its modes, one
// after the other: they take the same ports.
func (b *bench) chainOffline() error {
	for _, mode := range []struct {
		name  string
		start func() (*server, error)
	}{{offlineThreads, startOfflineThreads}, {offlineInProcess, startOfflineInProcess}} {
		if err := b.chainAgainst(mode.name, mode.start); err != nil {
			return err
		}
	}
	return nil
}

// chainAgainst has Suiro run the same folder, and the function in Go as well.
func (b *bench) chainAgainst(name string, start func() (*server, error)) error {
	peer := b.peer(name, start)
	if peer == nil {
		return nil
	}
	defer peer.close()
	dir, err := offlineFolder()
	if err != nil {
		return err
	}
	node, err := b.startSuiroAt(dir)
	defer node.close()
	if err != nil {
		return err
	}
	compiled, err := b.startSuiro(socketApp())
	defer compiled.close()
	if err != nil {
		return err
	}
	text := message("post", 64)
	for _, sockets := range []int{1, 10, 100} {
		rate := atLeast(1.7)
		if sockets >= 100 {
			rate = atLeast(2.5)
		}
		for _, x := range []struct {
			language string
			*server
		}{{"Node.js", node}, {"Go", compiled}} {
			// An answer is there before its invocation has ended: the next
			// message may find its environment busy, and starts another.
			if err := warm(x.server, sockets+8, text); err != nil {
				return err
			}
			of := fmt.Sprintf("%s against %s, ", x.language, strings.TrimPrefix(name, "serverless-"))
			err := warm(peer, sockets, text)
			if err == nil {
				err = b.talk("chain", []*server{x.server, peer}, sockets, text, of, goal{}, rate)
			}
			var failed *sideError
			if errors.As(err, &failed) && !failed.side.peer {
				return err
			}
			if err != nil {
				b.miss(fmt.Sprintf("%s%d sockets", of, sockets), err)
				return nil
			}
			of = fmt.Sprintf("%s%d sockets", of, sockets)
			b.add("chain", of, "RSS, MiB", x.name, x.rss()/(1<<20), goal{})
			b.add("chain", of, "RSS, MiB", peer.name, peer.rss()/(1<<20), goal{})
		}
	}
	return nil
}

// warm has more and more messages in flight, so that the environments or
// threads for them start a few at a time.
func warm(s *server, sockets int, text string) error {
	for n := 1; ; n = min(2*n, sockets) {
		c, _, err := dial(s, n)
		if err != nil {
			return &sideError{s, err}
		}
		_, err = c.do(load.Command{Do: "echo", Message: text, Reply: len(text), Millis: 500})
		c.close()
		if err != nil {
			return &sideError{s, fmt.Errorf("with %d messages in flight: %w", n, err)}
		}
		if n == sockets {
			return nil
		}
	}
}

// readyOffline is ready with the app of serverless-offline: until its sockets
// can be opened.
func (b *bench) readyOffline() error {
	if !b.peers {
		return nil
	}
	dir, err := offlineFolder() // fetched before a clock runs
	if err != nil {
		b.miss(offlineThreads, err)
		return nil
	}
	for range min(b.rounds, 3) {
		began := time.Now()
		peer := b.peer(offlineThreads, startOfflineThreads)
		if peer == nil {
			return nil
		}
		took := time.Since(began)
		rss := peer.rss()
		peer.close()
		state, err := os.MkdirTemp("", "suiro-bench")
		if err != nil {
			return err
		}
		whole, own, err := b.untilLine([]string{"dev", "--output", "json", "--data", state, dir}, `"type":"ready"`, 0)
		if err := errors.Join(err, os.RemoveAll(state)); err != nil {
			return err
		}
		const of = "the same serverless.yml"
		b.add("ready", of, "exec to ready, ms", "suiro dev", whole, goal{})
		b.add("ready", of, "exec to ready, ms", peer.name, float64(took.Microseconds())/1000, goal{})
		b.add("ready", of, "RSS, MiB", "suiro dev", own/(1<<20), goal{})
		b.add("ready", of, "RSS, MiB", peer.name, rss/(1<<20), goal{})
	}
	return nil
}
