package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/suiro-dev/suiro/bench/load"
)

// nodeApp has one handler by Suiro's client for Node.js, by the client that
// AWS publishes, and by the least loop over fetch.
const nodeApp = `Transform: AWS::Serverless-2016-10-31
Resources:
  Own:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs22.x, CodeUri: node, Handler: index.handler}
  Loop:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, CodeUri: loop, Handler: index.handler}
`

const ricApp = `  Ric:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, CodeUri: ric, Handler: index.handler}
`

const (
	nodeHandler = `exports.handler = async (event) => ({ message: "hello " + event.name });
`
	nodeLoop = `const http = require("node:http");
const { handler } = require("./index.js");
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const call = (method, path, body) => new Promise((resolve, reject) => {
  const r = http.request({ host, port, method, path: "/2018-06-01/runtime/invocation/" + path, agent }, (res) => {
    const parts = [];
    res.on("data", (p) => parts.push(p)).on("end", () => resolve([res.headers, Buffer.concat(parts).toString()])).on("error", reject);
  });
  r.on("error", reject);
  r.end(body);
});
(async () => {
  for (;;) {
    const [headers, event] = await call("GET", "next");
    await call("POST", headers["lambda-runtime-aws-request-id"] + "/response", JSON.stringify(await handler(JSON.parse(event))));
  }
})();
`
	nodeBootstrap = "#!/bin/sh\nexec node %s\n"
)

// ric finds aws-lambda-ric where the tests have it, or fetches it with the
// peers: it compiles for minutes.
func (b *bench) ric() string {
	if dir := os.Getenv("SUIRO_RIC"); dir != "" {
		return filepath.Join(dir, "node_modules/aws-lambda-ric")
	}
	if dir, err := filepath.Abs("../test/.tools/ric/node_modules/aws-lambda-ric"); err == nil {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	if b.peers {
		if dir, err := fetch("aws-lambda-ric@3.3.0"); err == nil {
			return filepath.Join(dir, "node_modules/aws-lambda-ric")
		}
	}
	return ""
}

// node measures invocations of a Node.js function by three clients.
func (b *bench) node() error {
	template, files := nodeApp, map[string]string{
		"node/index.js": nodeHandler, "loop/index.js": nodeHandler, "loop/loop.js": nodeLoop, "loop/bootstrap": fmt.Sprintf(nodeBootstrap, "loop.js"),
	}
	sides := []struct{ id, name string }{{"Own", "suiro"}, {"Loop", "loop"}}
	if ric := b.ric(); ric != "" {
		template += ricApp
		files["ric/index.js"] = nodeHandler
		files["ric/bootstrap"] = fmt.Sprintf(nodeBootstrap, filepath.Join(ric, "bin/index.mjs")+" index.handler")
		sides = append(sides[:1:1], struct{ id, name string }{"Ric", "aws-lambda-ric"}, sides[1])
	}
	s, err := b.startApp(template, files)
	defer s.close()
	if err != nil {
		return err
	}
	for round := range b.rounds + 1 {
		for _, x := range sides {
			request, err := s.invocation(x.id)
			if err != nil {
				return err
			}
			c, err := startClient()
			if err != nil {
				return err
			}
			before := s.cpu()
			r, err := c.do(load.Command{Do: "http", Address: s.awsAddress(), Count: 1, Millis: b.millis, Requests: []string{request}})
			c.close()
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", x.name, err))
			}
			if round == 0 {
				continue
			}
			goal := atLeast(1)
			if len(sides) == 2 { // only the loop is there to be held against
				goal = goal.none()
			}
			b.add("node", "1 client", "requests/s", x.name, float64(r.Count)/r.Seconds, goal)
			b.add("node", "1 client", "median, µs", x.name, r.P50, goal.none())
			b.add("node", "1 client", "CPU, µs/request", x.name, (s.cpu()-before)/float64(r.Count), goal.none())
		}
	}
	return nil
}
