package serverless

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/config"
)

// Suiro runs no plug-ins. It knows what the common ones are for, does the same
// where that matters for running the app, and says what will be missing.

// plugins is what the service's plug-ins come to.
type plugins struct {
	bundler         string // the plug-in that bundles code, "" for none
	bundlerPos      diag.Position
	rolePerFunction bool
	dotenv          bool
	pseudo          bool // #{Name} is CloudFormation's ${Name}
	basePath        bool // handlers lie below custom.functionsBasePath
	goBase          bool // Go programs lie below custom.go.baseDir
}

// bundlers only turn source code into what a runtime can load.
var bundlers = map[string]bool{
	"serverless-esbuild": true, "serverless-webpack": true, "serverless-bundle": true,
	"serverless-plugin-typescript": true, "serverless-typescript": true, "@hewmen/serverless-plugin-typescript": true,
	"serverless-plugin-optimize": true, "serverless-plugin-esbuild": true, "serverless-rollup-plugin": true,
	"serverless-plugin-browserifier": true, "@serverless-typescript/plugin": true, "serverless-vite-plugin": true,
}

// harmless plug-ins act on deployment, or imitate AWS locally as Suiro does.
var harmless = map[string]bool{
	"serverless-offline": true, "serverless-offline-local-authorizers-plugin": true, "serverless-offline-sqs": true,
	"serverless-offline-sns": true, "serverless-offline-lambda": true, "serverless-offline-ssm": true,
	"serverless-offline-aws-eventbridge": true, "serverless-offline-dynamodb-streams": true,
	"serverless-offline-watcher": true, "serverless-plugin-offline-dynamodb-stream": true, "serverless-offline-kinesis": true,
	"serverless-dynamodb": true, "serverless-dynamodb-local": true, "serverless-s3-local": true, "serverless-localstack": true,
	"serverless-prune-plugin": true, "serverless-plugin-common-excludes": true, "serverless-plugin-include-dependencies": true,
	"serverless-python-requirements": true, "serverless-deployment-bucket": true, "serverless-plugin-log-retention": true,
	"serverless-stack-termination-protection": true, "serverless-plugin-split-stacks": true, "serverless-jetpack": true,
	"serverless-export-env": true, "serverless-stack-output": true, "serverless-plugin-warmup": true,
	"serverless-plugin-aws-alerts": true, "serverless-plugin-tracing": true, "serverless-plugin-datadog": true,
	"serverless-lumigo": true, "serverless-sentry": true, "serverless-plugin-canary-deployments": true,
	"serverless-git-variables": true, "serverless-plugin-git-variables": true, "serverless-better-credentials": true,
	"serverless-plugin-scripts": true, "serverless-plugin-test-helper": true, "serverless-manifest-plugin": true,
	"serverless-webpack-prisma": true, "serverless-jest-plugin": true, "serverless-mocha-plugin": true,
	"@anttiviljami/serverless-stack-output": true, "serverless-plugin-stack-outputs": true,
	// It made WebSocket APIs before the framework did: routeKey is read (websocket.go).
	"serverless-websockets-plugin": true,
}

// goBuilders compile Go programs that the framework itself takes as they are.
var goBuilders = map[string]bool{"serverless-go-plugin": true, "serverless-plugin-go": true, "serverless-golang": true}

// makers create resources out of settings of their own: what they make is
// missing here.
var makers = map[string]string{
	"serverless-step-functions":                      "the state machines under stepFunctions",
	"serverless-appsync-plugin":                      "the GraphQL API under appSync",
	"serverless-apigateway-service-proxy":            "the endpoints under custom.apiGatewayServiceProxies",
	"serverless-lift":                                "the constructs under constructs",
	"serverless-s3-sync":                             "the files it uploads",
	"serverless-finch":                               "the website it uploads",
	"serverless-domain-manager":                      "the custom domain; endpoints answer on their local addresses",
	"serverless-plugin-additional-stacks":            "the stacks under custom.additionalStacks",
	"serverless-single-page-app-plugin":              "the website it uploads",
	"serverless-api-gateway-caching":                 "the caches it sets up",
	"serverless-api-gateway-throttling":              "the throttling it sets up",
	"serverless-add-api-key":                         "the API keys it creates",
	"serverless-associate-waf":                       "the firewall it attaches",
	"serverless-plugin-existing-s3":                  "the events of buckets that are there already",
	"serverless-fargate":                             "the tasks under fargate",
	"serverless-lambda-edge-pre-existing-cloudfront": "the functions it attaches to distributions",
	"serverless-layers":                              "the layer it builds from package.json",
	"serverless-plugin-lambda-dead-letter":           "the dead-letter queues it sets up",
}

// readPlugins sorts the plug-ins and speaks about those that will be missed.
func (c *compiler) readPlugins() {
	for _, n := range config.PluginNames(c.cfg) {
		name := n.Text
		switch made := makers[name]; {
		case bundlers[name]:
			if c.plugins.bundler == "" {
				c.plugins.bundler, c.plugins.bundlerPos = name, n.Pos
			}
		case name == "serverless-iam-roles-per-function":
			c.plugins.rolePerFunction = true
		case name == "serverless-dotenv-plugin":
			c.plugins.dotenv = true
		case name == "serverless-pseudo-parameters", name == "serverless-cloudformation-sub-variables":
			c.plugins.pseudo = true
		case name == "serverless-functions-base-path":
			c.plugins.basePath = true
		case goBuilders[name]:
			c.plugins.goBase = true
		case harmless[name]:
		case made != "":
			c.warnf(n, "plugins."+name, "the plug-in is not run; missing will be %s", made)
		case strings.HasPrefix(name, ".") || filepath.IsAbs(name) || c.localPlugin(name):
			c.msgs.Add(diag.Notef(n.Pos, "plugins."+name, "the plug-in of the project itself is not run; what it adds to the template is missing"))
		default:
			c.warnf(n, "plugins."+name, "Suiro does not know this plug-in and does not run it; what it adds to the template is missing")
		}
	}
}

// localPlugin tells whether a plug-in lies in the folder that plugins.localPath
// names (by default .serverless_plugins).
func (c *compiler) localPlugin(name string) bool {
	dir := c.cfg.Get("plugins").Get("localPath").TextOr(".serverless_plugins")
	for _, ext := range []string{"", ".js", ".ts"} {
		if exists(filepath.Join(c.Dir, dir, name+ext)) {
			return true
		}
	}
	return false
}

// pluginEnvironment is what serverless-dotenv-plugin adds to the environment
// of every function: all of .env, or what include and exclude leave.
func (c *compiler) pluginEnvironment(at diag.Position) *document.Node {
	if !c.plugins.dotenv {
		return nil
	}
	conf := c.cfg.Get("custom").Get("dotenv")
	vars := map[string]string{}
	for k, v := range c.DotEnv {
		vars[k] = v
	}
	if inc := conf.Get("include"); inc != nil {
		if inc.TextOr("") == "*" {
			inc = nil
		}
		if inc != nil {
			kept := map[string]string{}
			for _, k := range inc.Strings() {
				if v, ok := vars[k]; ok {
					kept[k] = v
				}
			}
			vars = kept
		}
	}
	for _, k := range conf.Get("exclude").Strings() {
		delete(vars, k)
	}
	return build.TextMap(at, vars)
}

// websocketsPlugin gives the settings of serverless-websockets-plugin, which
// made WebSocket APIs before the framework did, the framework's names.
func (c *compiler) websocketsPlugin() {
	for _, n := range config.PluginNames(c.cfg) {
		if n.Text != "serverless-websockets-plugin" {
			continue
		}
		provider := document.Object(c.provider.Pos)
		for _, m := range c.provider.Members {
			switch m.Key {
			case "websocketApiName":
				m.Key = "websocketsApiName"
			case "websocketApiRouteSelectionExpression":
				m.Key = "websocketsApiRouteSelectionExpression"
			}
			if provider.Get(m.Key) == nil {
				provider.Members = append(provider.Members, m)
			}
		}
		c.provider = provider
		c.cfg = build.Overlay(c.cfg)
		c.cfg.Set("provider", provider)
		return
	}
}

// handler is where a function's handler lies: below custom.functionsBasePath
// with serverless-functions-base-path.
func (c *compiler) handler(f *function) *document.Node {
	n := f.node.Get("handler")
	base := c.cfg.Get("custom").Get("functionsBasePath").TextOr("")
	if !c.plugins.basePath || base == "" || !n.IsScalar() || n.IsNull() {
		return n
	}
	return document.Str(path.Join(base, n.Text), n.Pos)
}

// goBase is the folder of Go programs that a plug-in builds, "" for none.
func (c *compiler) goBase(runtime string) string {
	if !c.plugins.goBase || runtime != "go1.x" && !strings.HasPrefix(runtime, "provided") {
		return ""
	}
	return path.Clean(c.cfg.Get("custom").Get("go").Get("baseDir").TextOr("."))
}

// pseudo matches what serverless-pseudo-parameters turns into a reference.
var pseudo = regexp.MustCompile(`#\{([^}]+)\}`)

// references turns #{Name} in every text below n into a reference, as
// serverless-pseudo-parameters does after the framework made its template:
// the text becomes an Fn::Sub, one that is an Fn::Sub already stays one.
func references(n *document.Node, sub bool) *document.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == document.String:
		if !pseudo.MatchString(n.Text) {
			return n
		}
		text := document.Str(pseudo.ReplaceAllString(n.Text, "$${$1}"), n.Pos)
		if sub {
			return text
		}
		return build.Object(n.Pos, "Fn::Sub", text)
	case n.Kind == document.List:
		out := document.Seq(n.Pos)
		for i, it := range n.Items {
			out.Items = append(out.Items, references(it, sub && i == 0))
		}
		return out
	case n.Kind == document.Map:
		out := build.Overlay(n)
		for i, m := range out.Members {
			out.Members[i].Value = references(m.Value, m.Key == "Fn::Sub")
		}
		return out
	}
	return n
}
