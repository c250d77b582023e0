package serverless

import (
	"fmt"
	"regexp"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// functionKey is what the framework's schema allows as a key of functions.
var functionKey = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)

// readFunctions lists the functions with their names, ids and aliases.
func (c *compiler) readFunctions() {
	for _, m := range build.Members(c.foldList("functions")) {
		if m.Value.IsNull() {
			continue // the framework drops functions that are null
		}
		key := "functions." + m.Key
		if m.Value.Kind != document.Map {
			c.errorf(m.Value, key, "a function is an object with a handler, not %s", build.Kind(m.Value))
			continue
		}
		if !functionKey.MatchString(m.Key) {
			c.msgs.Add(diag.Errorf(m.KeyPos, key, "a function's key consists of letters, digits, - and _"))
			continue
		}
		f := &function{key: m.Key, id: functionID(m.Key), node: m.Value, pos: m.KeyPos, counts: map[string]int{}}
		if f.pos.IsZero() {
			f.pos = c.at(m.Value)
		}
		f.name = f.node.Get("name").TextOr(fmt.Sprintf("%s-%s-%s", c.service, c.Stage, m.Key))
		switch {
		case build.Given(f.node.Get("provisionedConcurrency")):
			f.alias, f.aliasID = "provisioned", normalized(f.key)+"ProvConcLambdaAlias"
		case build.Given(f.node.Get("snapStart")):
			f.alias, f.aliasID = "snapstart", normalized(f.key)+"SnapStartLambdaAlias"
		}
		c.functions = append(c.functions, f)
		c.byKey[f.key] = f
	}
}

// arn is what events call a function by.
func (f *function) arn(at diag.Position) *document.Node {
	if f.alias == "" {
		return build.GetAtt(at, f.id, "Arn")
	}
	return build.Join(at, ":", build.GetAtt(at, f.id, "Arn"), f.alias)
}

// target is an ARN, or the function of this service that a name means.
func (c *compiler) target(n *document.Node, key string) *document.Node {
	if n.IsScalar() && !isARN(n.Text) {
		f := c.byKey[n.Text]
		if f == nil {
			c.noFunction(n, key)
			return n
		}
		return f.arn(n.Pos)
	}
	return n
}

// noFunction says that a name means none of the functions.
func (c *compiler) noFunction(n *document.Node, key string) {
	var keys []string
	for _, f := range c.functions {
		keys = append(keys, f.key)
	}
	c.errorf(n, key, "the service has no function %q", n.Text).WithHint("its functions are %v", keys)
}

func isARN(s string) bool { return len(s) > 4 && s[:4] == "arn:" }

// logGroups makes a log group for each function that has not disabled logs.
func (c *compiler) logGroups() {
	for _, f := range c.functions {
		if build.Given(f.node.Get("disableLogs")) || build.Given(f.node.Get("logs").Get("logGroup")) {
			continue
		}
		c.add(f.pos, logGroupID(f.key), "AWS::Logs::LogGroup", build.Object(f.pos,
			"LogGroupName", "/aws/lambda/"+f.name,
			"RetentionInDays", build.First(f.node.Get("logRetentionInDays"), c.provider.Get("logRetentionInDays")),
			"DataProtectionPolicy", build.First(f.node.Get("logDataProtectionPolicy"), c.provider.Get("logDataProtectionPolicy")),
		))
	}
}

// lambda makes the function and what belongs to it alone.
func (c *compiler) lambda(f *function) {
	p := document.Object(f.pos)
	metadata := c.code(f, p)
	// Always named, so that environment values and policies which spell the
	// name out ({service}-{stage}-{key}) hold here too.
	p.Set("FunctionName", build.OrText(f.node.Get("name"), f.name, f.pos))
	p.Set("MemorySize", c.size(f, "memorySize", 1024))
	p.Set("Timeout", c.size(f, "timeout", 6))
	if a := build.First(f.node.Get("architecture"), c.provider.Get("architecture")); a != nil {
		p.Set("Architectures", build.List(a.Pos, a))
	}
	p.Set("Description", build.First(f.node.Get("description")))
	p.Set("Tags", c.tagList(f.pos, c.provider.Get("tags"), f.node.Get("tags")))
	c.environment(f, p)
	c.attach(f, p)
	p.Set("Role", f.roleNode)
	p.Set("Layers", build.First(f.node.Get("layers"), c.provider.Get("layers")))
	r := c.add(f.pos, f.id, "AWS::Lambda::Function", p)
	if metadata != nil {
		r.Set("Metadata", metadata)
	}
	if !build.Given(f.node.Get("disableLogs")) && c.resources.Get(logGroupID(f.key)) != nil {
		c.dependsOn(r, logGroupID(f.key))
	}
	c.dependsOn(r, f.node.Get("dependsOn").Strings()...)
	if f.role == nil {
		c.dependsOn(r, f.roleID)
	}
	r.Set("Condition", build.First(f.node.Get("condition")))
	c.version(f, p)
	c.functionURL(f)
	c.invokeConfig(f)
}

// size is a number of the function, else of the provider, else the default.
func (c *compiler) size(f *function, key string, fallback int) *document.Node {
	if n := build.First(f.node.Get(key), c.provider.Get(key)); n != nil {
		return n
	}
	return document.Int(fallback, f.pos)
}

// tagList turns tag maps, later ones winning, into CloudFormation's list.
func (c *compiler) tagList(at diag.Position, maps ...*document.Node) *document.Node {
	tags := build.Overlay(nil, maps...)
	if len(tags.Members) == 0 {
		return nil
	}
	out := build.List(at)
	for _, m := range tags.Members {
		out.Items = append(out.Items, build.Object(m.KeyPos, "Key", m.Key, "Value", m.Value))
	}
	return out
}

// environment merges the provider's variables with the function's; null takes
// one away.
func (c *compiler) environment(f *function, p *document.Node) {
	extra := c.pluginEnvironment(f.pos)
	own, shared := f.node.Get("environment"), c.provider.Get("environment")
	if own.IsNull() && shared.IsNull() && extra == nil {
		return
	}
	vars := build.Overlay(extra, shared, own)
	if vars.Pos.IsZero() {
		vars.Pos = f.pos
	}
	for i, m := range vars.Members {
		if m.Value.IsScalar() { // a variable is text, whatever it was written as
			vars.Members[i].Value = document.Str(m.Value.Text, m.Value.Pos)
		}
	}
	p.Set("Environment", build.Object(f.pos, "Variables", vars))
}

// attach sets what the function hangs on: network, keys, queues, tracing.
func (c *compiler) attach(f *function, p *document.Node) {
	n := f.node
	if size := n.Get("ephemeralStorageSize"); build.Given(size) {
		p.Set("EphemeralStorage", build.Object(size.Pos, "Size", size))
	}
	if arn := n.Get("onError"); build.Given(arn) {
		p.Set("DeadLetterConfig", build.Object(arn.Pos, "TargetArn", arn))
		if arn.IsScalar() {
			f.allow(arn.Pos, []string{"sns:Publish"}, arn)
		}
	}
	if key := build.First(n.Get("kmsKeyArn"), c.provider.Get("kmsKeyArn")); key != nil {
		p.Set("KmsKeyArn", key)
		if key.IsScalar() {
			f.allow(key.Pos, []string{"kms:Decrypt"}, key)
		}
	}
	if mode := build.First(n.Get("tracing"), c.provider.Get("tracing").Get("lambda")); mode != nil {
		if mode.Kind == document.Bool {
			mode = document.Str("Active", mode.Pos)
		}
		p.Set("TracingConfig", build.Object(mode.Pos, "Mode", mode))
		f.allow(mode.Pos, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, document.Str("*", mode.Pos))
	}
	if off, isBool := n.Get("vpc").Truth(); n.Member("vpc") == nil || !n.Get("vpc").IsNull() && !(isBool && !off) {
		groups := build.First(n.Get("vpc").Get("securityGroupIds"), c.provider.Get("vpc").Get("securityGroupIds"))
		subnets := build.First(n.Get("vpc").Get("subnetIds"), c.provider.Get("vpc").Get("subnetIds"))
		if groups != nil && subnets != nil {
			p.Set("VpcConfig", build.Object(f.pos, "SecurityGroupIds", groups, "SubnetIds", subnets))
		}
	}
	if fs := n.Get("fileSystemConfig"); build.Given(fs) {
		p.Set("FileSystemConfigs", build.List(fs.Pos, build.Object(fs.Pos, "Arn", fs.Get("arn"), "LocalMountPath", fs.Get("localMountPath"))))
		f.allow(fs.Pos, []string{"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}, fs.Get("arn"))
	}
	p.Set("ReservedConcurrentExecutions", build.UnlessNull(n.Get("reservedConcurrency")))
	if build.Given(n.Get("snapStart")) {
		p.Set("SnapStart", build.Object(f.pos, "ApplyOn", "PublishedVersions"))
	}
	if t := n.Get("tenancy").Get("mode"); build.Given(t) {
		p.Set("TenancyConfig", build.Object(t.Pos, "TenantIsolationMode", build.Upper(t)))
	}
	if logs := build.Overlay(c.provider.Get("logs").Get("lambda"), n.Get("logs")); len(logs.Members) > 0 {
		p.Set("LoggingConfig", build.Object(f.pos, "LogFormat", build.First(logs.Get("logFormat")), "LogGroup", build.First(logs.Get("logGroup")),
			"ApplicationLogLevel", build.First(logs.Get("applicationLogLevel")), "SystemLogLevel", build.First(logs.Get("systemLogLevel"))))
	}
}

// version makes the version and, where events need one, the alias. The
// framework names a version by the code too; here the configuration alone
// does, because the code changes while the app runs.
func (c *compiler) version(f *function, p *document.Node) {
	want := c.provider.Get("versionFunctions").TruthOr(true)
	if own := f.node.Get("versionFunction"); !own.IsNull() {
		want = own.TruthOr(true)
	}
	if !want && f.alias == "" {
		return
	}
	id := versionID(f.key, hash(p))
	r := c.add(f.pos, id, "AWS::Lambda::Version", build.Object(f.pos,
		"FunctionName", build.Ref(f.pos, f.id), "Description", build.First(f.node.Get("description"))))
	if want {
		r.Set("DeletionPolicy", document.Str("Retain", f.pos))
	}
	c.output(f.pos, f.id+"QualifiedArn", "Current Lambda function version", build.Ref(f.pos, id))
	if f.alias == "" {
		return
	}
	alias := build.Object(f.pos, "FunctionName", build.Ref(f.pos, f.id), "FunctionVersion", build.GetAtt(f.pos, id, "Version"), "Name", f.alias)
	if n := f.node.Get("provisionedConcurrency"); build.Given(n) {
		alias.Set("ProvisionedConcurrencyConfig", build.Object(n.Pos, "ProvisionedConcurrentExecutions", n))
	}
	c.add(f.pos, f.aliasID, "AWS::Lambda::Alias", alias, f.id)
}

// urlHeaders are what `cors: true` allows on a function URL: unlike on the
// APIs, X-Amz-User-Agent is not among them.
var urlHeaders = []string{
	"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amzn-Trace-Id",
}

// functionURL makes the URL that `url:` asks for.
func (c *compiler) functionURL(f *function) {
	url := f.node.Get("url")
	if !build.Given(url) {
		return
	}
	at := url.Pos
	auth := "NONE"
	if url.Get("authorizer").TextOr("") == "aws_iam" {
		auth = "AWS_IAM"
	}
	p := build.Object(at, "AuthType", auth, "TargetFunctionArn", f.arn(at), "Cors", c.urlCORS(url.Get("cors")))
	if m := url.Get("invokeMode"); build.Given(m) && build.Upper(m).Text == "RESPONSE_STREAM" {
		p.Set("InvokeMode", build.Upper(m))
	}
	id := normalized(f.key) + "LambdaFunctionUrl"
	c.add(at, id, "AWS::Lambda::Url", p, f.aliasID)
	c.output(at, id, "Lambda Function URL", build.GetAtt(at, id, "FunctionUrl"))
	if auth != "NONE" {
		return
	}
	c.add(at, normalized(f.key)+"LambdaPermissionFnUrl", "AWS::Lambda::Permission", build.Object(at,
		"FunctionName", f.arn(at), "Action", "lambda:InvokeFunctionUrl", "Principal", "*", "FunctionUrlAuthType", auth), f.aliasID)
	if c.V4 {
		c.add(at, normalized(f.key)+"LambdaPermissionFnUrlInvokeFunction", "AWS::Lambda::Permission", build.Object(at,
			"FunctionName", f.arn(at), "Action", "lambda:InvokeFunction", "Principal", "*", "InvokedViaFunctionUrl", true), f.aliasID)
	}
}

// urlCORS reads `url.cors`: true, or what differs from the defaults.
func (c *compiler) urlCORS(cors *document.Node) *document.Node {
	if !build.Given(cors) {
		return nil
	}
	at := cors.Pos
	// A null takes the default away.
	either := func(key string, def []string) *document.Node {
		if m := cors.Member(key); m != nil {
			return build.UnlessNull(m.Value)
		}
		return build.Texts(at, def)
	}
	p := document.Object(at)
	if cors.Get("allowCredentials").TruthOr(false) {
		p.Set("AllowCredentials", document.Boolean(true, at))
	}
	p.Set("AllowHeaders", either("allowedHeaders", urlHeaders))
	p.Set("AllowMethods", either("allowedMethods", []string{"*"}))
	p.Set("AllowOrigins", either("allowedOrigins", []string{"*"}))
	p.Set("ExposeHeaders", build.First(cors.Get("exposedResponseHeaders")))
	p.Set("MaxAge", build.UnlessNull(cors.Get("maxAge")))
	return p
}

// invokeConfig makes what asynchronous invocations follow.
func (c *compiler) invokeConfig(f *function) {
	dest, age, attempts := f.node.Get("destinations"), f.node.Get("maximumEventAge"), f.node.Get("maximumRetryAttempts")
	if !build.Given(dest) && !build.Given(age) && attempts.IsNull() {
		return
	}
	at := f.pos
	conf := document.Object(at)
	for _, d := range [][2]string{{"onSuccess", "OnSuccess"}, {"onFailure", "OnFailure"}} {
		if n := dest.Get(d[0]); build.Given(n) {
			conf.Set(d[1], build.Object(n.Pos, "Destination", c.destination(f, n, "functions."+f.key+".destinations."+d[0])))
		}
	}
	qualifier := "$LATEST"
	if f.alias != "" {
		qualifier = f.alias
	}
	c.add(at, normalized(f.key)+"LambdaEvConf", "AWS::Lambda::EventInvokeConfig", build.Object(at,
		"FunctionName", build.Ref(at, f.id), "DestinationConfig", conf, "Qualifier", qualifier,
		"MaximumEventAgeInSeconds", build.First(age), "MaximumRetryAttempts", build.UnlessNull(attempts)), f.aliasID)
}

// destinationActions is what a role needs to deliver to each kind of target.
var destinationActions = map[string]string{
	"function": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish", "eventBus": "events:PutEvents",
}

// destination is the ARN of an asynchronous destination; the role is allowed
// to deliver to it.
func (c *compiler) destination(f *function, n *document.Node, key string) *document.Node {
	if n.Kind == document.Map && n.Get("arn") != nil {
		kind := n.Get("type").TextOr("")
		if destinationActions[kind] == "" {
			c.errorf(n, key, "a destination's type is function, sqs, sns or eventBus, not %q", kind)
			return n.Get("arn")
		}
		f.allow(n.Pos, []string{destinationActions[kind]}, n.Get("arn"))
		return n.Get("arn")
	}
	if n.IsScalar() && !isARN(n.Text) {
		if t := c.byKey[n.Text]; t != nil {
			// Named by Fn::Sub: GetAtt would make role and function wait for each other.
			f.allow(n.Pos, []string{"lambda:InvokeFunction"},
				build.Sub(n.Pos, "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"+t.name))
		}
		return c.target(n, key)
	}
	f.allow(n.Pos, []string{destinationAction(n.TextOr(""))}, n)
	return n
}

// destinationService finds the service in an ARN.
var destinationService = regexp.MustCompile(`^arn:[^:]*:(lambda|sqs|sns|events):`)

// destinationAction is what delivering to an ARN needs.
func destinationAction(arn string) string {
	kind := map[string]string{"sqs": "sqs", "sns": "sns", "events": "eventBus"}
	if m := destinationService.FindStringSubmatch(arn); m != nil && kind[m[1]] != "" {
		return destinationActions[kind[m[1]]]
	}
	return "lambda:InvokeFunction"
}
