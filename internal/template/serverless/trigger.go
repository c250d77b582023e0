package serverless

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// Events that are not requests: schedules, streams, queues, topics, buses.

// schedule makes a rule, or with method: scheduler a schedule, for each rate.
func (c *compiler) schedule(e event) {
	conf, rates := document.Object(e.pos), []*document.Node{e.conf}
	if e.conf.Kind == document.Map && !intrinsic(e.conf) {
		conf = e.conf
		rates = build.Items(conf.Get("rate"))
		if r := conf.Get("rate"); r != nil && r.Kind != document.List {
			rates = []*document.Node{r}
		}
	}
	if len(rates) == 0 {
		c.msgs.Add(diag.Errorf(e.pos, e.key, "the schedule has no rate").WithHint("write schedule: rate(5 minutes)"))
		return
	}
	if len(rates) > 1 && build.Given(conf.Get("name")) {
		c.errorf(conf.Get("name"), e.key+".name", "a name can be given to one rate only")
	}
	for _, rate := range rates {
		n := e.f.count("schedule")
		if conf.Get("method").TextOr("") == "scheduler" {
			c.scheduler(e, conf, rate, n)
			continue
		}
		id := fmt.Sprintf("%sEventsRuleSchedule%d", normalized(e.f.key), n)
		target := build.Object(e.pos, "Arn", e.f.arn(e.pos), "Id", e.f.key+"Schedule")
		c.ruleInput(target, conf)
		c.add(e.pos, id, "AWS::Events::Rule", build.Object(e.pos,
			"ScheduleExpression", rate, "State", enabledState(conf), "Name", build.First(conf.Get("name")),
			"Description", build.First(conf.Get("description")), "Targets", build.List(e.pos, target)), e.f.aliasID)
		c.invokePermission(e, fmt.Sprintf("%sLambdaPermissionEventsRuleSchedule%d", normalized(e.f.key), n), "events.amazonaws.com", build.GetAtt(e.pos, id, "Arn"))
	}
}

// scheduler makes an EventBridge Scheduler schedule, which calls the function
// as the function's own role.
func (c *compiler) scheduler(e event, conf, rate *document.Node, n int) {
	at, f := e.pos, e.f
	for _, key := range []string{"inputPath", "inputTransformer"} {
		if build.Given(conf.Get(key)) {
			c.errorf(conf.Get(key), e.key+"."+key, "method: scheduler does not know %s", key)
		}
	}
	c.add(at, fmt.Sprintf("%sSchedulerSchedule%d", normalized(f.key), n), "AWS::Scheduler::Schedule", build.Object(at,
		"ScheduleExpression", rate, "State", enabledState(conf), "Name", build.First(conf.Get("name")),
		"Description", build.First(conf.Get("description")), "ScheduleExpressionTimezone", build.First(conf.Get("timezone")),
		"FlexibleTimeWindow", build.Object(at, "Mode", "OFF"),
		"Target", build.Object(at, "Arn", f.arn(at), "RoleArn", f.roleNode, "Input", inputText(conf.Get("input")))), f.aliasID)
	if f.role == nil {
		return
	}
	f.role.scheduler = true
	arn := "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + f.name
	f.allow(at, []string{"lambda:InvokeFunction"}, build.Sub(at, arn), build.Sub(at, arn+":*"))
}

// enabledState is a rule's State.
func enabledState(conf *document.Node) string {
	if !conf.Get("enabled").TruthOr(true) {
		return "DISABLED"
	}
	return "ENABLED"
}

// intrinsic tells whether a map is a function call of CloudFormation.
func intrinsic(n *document.Node) bool {
	return len(n.Members) == 1 && (n.Members[0].Key == "Ref" || strings.HasPrefix(n.Members[0].Key, "Fn::"))
}

// inputText is an input as JSON text.
func inputText(n *document.Node) *document.Node {
	switch {
	case n.IsNull():
		return nil
	case n.Kind == document.String:
		return n
	case n.Kind == document.Map && n.Get("body") != nil && n.Get("body").Kind == document.String:
		// A body given as JSON text is put into the event as what it says.
		if body, err := document.FromJSON([]byte(n.Get("body").Text), n.Pos); err == nil {
			n = build.Overlay(n).Set("body", body)
		}
	}
	return document.Str(n.JSON(), n.Pos)
}

// ruleInput sets what a rule hands to its target.
func (c *compiler) ruleInput(target, conf *document.Node) {
	target.Set("Input", inputText(build.First(conf.Get("input"))))
	target.Set("InputPath", build.First(conf.Get("inputPath")))
	if t := conf.Get("inputTransformer"); build.Given(t) {
		target.Set("InputTransformer", build.Object(t.Pos, "InputPathsMap", build.First(t.Get("inputPathsMap")), "InputTemplate", t.Get("inputTemplate")))
	}
}

// sourceName is what the id of a mapping is made of: the resource an ARN
// names, found in text or in the usual intrinsics.
func sourceName(arn *document.Node, sep string) string {
	if s, ok := arn.Scalar(); ok {
		parts := strings.Split(s, sep)
		if sep == "/" && len(parts) > 1 {
			return parts[1]
		}
		return parts[len(parts)-1]
	}
	if s := arn.Get("Fn::GetAtt").Strings(); len(s) > 0 {
		name, _, _ := strings.Cut(s[0], ".")
		return name
	}
	for _, key := range []string{"Fn::ImportValue", "Ref"} {
		if n := arn.Get(key); n != nil {
			return n.TextOr(n.JSON())
		}
	}
	if j := arn.Get("Fn::Join"); j != nil && len(j.Items) == 2 {
		if parts := j.Items[1].Items; len(parts) > 0 {
			last := parts[len(parts)-1].TextOr("")
			return last[strings.LastIndex(last, sep)+1:]
		}
	}
	if n := arn.Get("Fn::Sub"); n != nil {
		text := n.TextOr(strings.Join(n.Strings(), ""))
		return text[strings.LastIndexAny(text, ":/")+1:]
	}
	return arn.JSON()
}

// mapping holds the common parts of an event source mapping.
func (c *compiler) mapping(e event, arn *document.Node) *document.Node {
	conf := e.conf
	p := build.Object(e.pos, "EventSourceArn", arn, "FunctionName", e.f.arn(e.pos), "BatchSize", orNumber(conf.Get("batchSize"), 10, e.pos))
	enabled := build.UnlessNull(conf.Get("enabled"))
	if enabled == nil {
		enabled = document.Boolean(true, e.pos)
	}
	p.Set("Enabled", enabled)
	if n := conf.Get("functionResponseType"); build.Given(n) {
		p.Set("FunctionResponseTypes", build.List(n.Pos, n))
	}
	if n := conf.Get("filterPatterns"); build.Given(n) {
		filters := build.List(n.Pos)
		for _, it := range n.Items {
			filters.Items = append(filters.Items, build.Object(it.Pos, "Pattern", it.JSON()))
		}
		p.Set("FilterCriteria", build.Object(n.Pos, "Filters", filters))
	}
	return p
}

// orNumber returns n if it counts as given, else the number.
func orNumber(n *document.Node, fallback int, at diag.Position) *document.Node {
	if build.Given(n) {
		return n
	}
	return document.Int(fallback, at)
}

// eventSource finds the ARN of a stream or queue event.
func (c *compiler) eventSource(e event) *document.Node {
	if e.conf.Kind != document.Map || intrinsic(e.conf) {
		return e.conf
	}
	if arn := e.conf.Get("arn"); build.Given(arn) {
		return arn
	}
	c.msgs.Add(diag.Errorf(e.pos, e.key, "the event has no arn"))
	return nil
}

// stream maps a DynamoDB or Kinesis stream to the function.
func (c *compiler) stream(e event) {
	arn := c.eventSource(e)
	if arn == nil {
		return
	}
	conf := e.conf
	kind := conf.Get("type").TextOr("")
	if kind == "" {
		parts := strings.Split(arn.TextOr(""), ":")
		if len(parts) < 3 {
			c.msgs.Add(diag.Errorf(e.pos, e.key, "the stream needs type: dynamodb or type: kinesis, because its ARN is not plain text"))
			return
		}
		kind = parts[2]
	}
	name := sourceName(arn, "/")
	p := c.mapping(e, arn)
	p.Set("StartingPosition", build.OrText(conf.Get("startingPosition"), "TRIM_HORIZON", e.pos))
	for _, k := range [][2]string{
		{"batchWindow", "MaximumBatchingWindowInSeconds"}, {"parallelizationFactor", "ParallelizationFactor"},
		{"maximumRetryAttempts", "MaximumRetryAttempts"}, {"bisectBatchOnFunctionError", "BisectBatchOnFunctionError"},
		{"maximumRecordAgeInSeconds", "MaximumRecordAgeInSeconds"}, {"tumblingWindowInSeconds", "TumblingWindowInSeconds"},
		{"startingPositionTimestamp", "StartingPositionTimestamp"},
	} {
		p.Set(k[1], build.UnlessNull(conf.Get(k[0])))
	}
	c.streamFailures(e, p)
	needs := []string{e.f.roleID, e.f.aliasID}
	if kind == "kinesis" {
		needs = append(needs, c.kinesis(e, arn, name, p))
	} else {
		e.f.allow(e.pos, []string{"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"}, arn)
	}
	c.add(e.pos, normalized(e.f.key)+"EventSourceMapping"+upperFirst(kind)+normalizedText(name), "AWS::Lambda::EventSourceMapping", p, needs...)
}

// streamFailures says where batches go that could not be processed.
func (c *compiler) streamFailures(e event, p *document.Node) {
	n := e.conf.Get("destinations").Get("onFailure")
	if !build.Given(n) {
		return
	}
	arn, kind := n, ""
	if n.Kind == document.Map && n.Get("arn") != nil {
		arn, kind = n.Get("arn"), n.Get("type").TextOr("")
	} else if parts := strings.Split(n.TextOr(""), ":"); len(parts) > 2 {
		kind = parts[2]
	}
	p.Set("DestinationConfig", build.Object(n.Pos, "OnFailure", build.Object(n.Pos, "Destination", arn)))
	if kind == "sns" {
		e.f.allow(n.Pos, []string{"sns:Publish"}, arn)
		return
	}
	e.f.allow(n.Pos, []string{"sqs:ListQueues", "sqs:SendMessage"}, arn)
}

// kinesis allows reading a stream, and makes its consumer where one is asked
// for, whose id it returns.
func (c *compiler) kinesis(e event, arn *document.Node, name string, p *document.Node) string {
	consumer := e.conf.Get("consumer")
	if !build.Given(consumer) {
		e.f.allow(e.pos, []string{"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListStreams"}, arn)
		return ""
	}
	e.f.allow(e.pos, []string{"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStreamSummary", "kinesis:ListShards"}, arn)
	id := ""
	if consumer.Kind == document.Bool {
		full := e.f.key + name + "Consumer"
		if build.Given(c.provider.Get("kinesis").Get("consumerNamingMode")) {
			full = e.f.key + name + c.service + c.Stage + "Consumer"
		}
		id = normalized(full) + "StreamConsumer"
		c.add(e.pos, id, "AWS::Kinesis::StreamConsumer", build.Object(e.pos, "StreamARN", arn, "ConsumerName", full))
		consumer = build.Ref(e.pos, id)
	}
	p.Set("EventSourceArn", consumer)
	e.f.allow(e.pos, []string{"kinesis:SubscribeToShard"}, consumer)
	return id
}

// queue maps an SQS queue to the function.
func (c *compiler) queue(e event) {
	arn := c.eventSource(e)
	if arn == nil {
		return
	}
	p := c.mapping(e, arn)
	p.Set("MaximumBatchingWindowInSeconds", build.UnlessNull(e.conf.Get("maximumBatchingWindow")))
	if n := e.conf.Get("maximumConcurrency"); build.Given(n) {
		p.Set("ScalingConfig", build.Object(n.Pos, "MaximumConcurrency", n))
	}
	e.f.allow(e.pos, []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, arn)
	c.add(e.pos, normalized(e.f.key)+"EventSourceMappingSQS"+normalizedText(sourceName(arn, ":")),
		"AWS::Lambda::EventSourceMapping", p, e.f.roleID, e.f.aliasID)
}

// topic subscribes the function to an SNS topic: one that exists (an ARN), or
// one that the service makes by naming it.
func (c *compiler) topic(e event) {
	at, conf := e.pos, e.conf
	arn, name := conf.Get("arn"), conf.Get("topicName").TextOr("")
	if conf.IsScalar() {
		if isARN(conf.Text) {
			arn = conf
		} else {
			name = conf.Text
		}
	} else if intrinsic(conf) {
		arn = conf
	}
	if s, ok := arn.Scalar(); ok && name == "" {
		name = s[strings.LastIndexByte(s, ':')+1:]
	}
	if name == "" {
		c.msgs.Add(diag.Errorf(at, e.key, "the topic needs a topicName, because its ARN is not plain text"))
		return
	}
	redrive := c.redrive(e, name, arn)
	filter, scope := build.First(conf.Get("filterPolicy")), build.First(conf.Get("filterPolicyScope"))
	subscription := normalized(e.f.key) + "SnsSubscription" + normalizedText(name)
	source := arn
	if build.Given(arn) {
		c.add(at, subscription, "AWS::SNS::Subscription", build.Object(at, "TopicArn", arn, "Protocol", "lambda", "Endpoint", e.f.arn(at),
			"FilterPolicy", filter, "FilterPolicyScope", scope, "RedrivePolicy", redrive, "Region", c.otherRegion(arn)), e.f.aliasID)
	} else {
		source = build.Join(at, "", "arn:", build.Ref(at, "AWS::Partition"), ":sns:", build.Ref(at, "AWS::Region"), ":", build.Ref(at, "AWS::AccountId"), ":", name)
		id := "SNSTopic" + normalizedText(name)
		if c.resources.Get(id) == nil {
			c.add(at, id, "AWS::SNS::Topic", build.Object(at, "TopicName", name, "DisplayName", build.First(conf.Get("displayName"))), e.f.aliasID)
		}
		if filter != nil || redrive != nil {
			c.add(at, subscription, "AWS::SNS::Subscription", build.Object(at, "Endpoint", e.f.arn(at), "Protocol", "lambda", "TopicArn", build.Ref(at, id),
				"FilterPolicy", filter, "FilterPolicyScope", scope, "RedrivePolicy", redrive))
		} else {
			p := c.resources.Get(id).Get("Properties")
			if p.Get("Subscription") == nil {
				p.Set("Subscription", build.List(at))
			}
			s := p.Get("Subscription")
			s.Items = append(s.Items, build.Object(at, "Endpoint", e.f.arn(at), "Protocol", "lambda"))
		}
	}
	c.invokePermission(e, normalized(e.f.key)+"LambdaPermission"+normalizedText(name)+"SNS", "sns.amazonaws.com", source)
}

// otherRegion is the region of a topic that is not in the stack's own.
func (c *compiler) otherRegion(arn *document.Node) *document.Node {
	if parts := strings.Split(arn.TextOr(""), ":"); len(parts) > 3 && parts[3] != c.Region && !strings.Contains(parts[3], "$") {
		return document.Str(parts[3], arn.Pos)
	}
	return nil
}

// redrive is where undeliverable notifications go; the queue has to let SNS
// write to it.
func (c *compiler) redrive(e event, name string, topic *document.Node) *document.Node {
	n := e.conf.Get("redrivePolicy")
	if !build.Given(n) {
		return nil
	}
	at := n.Pos
	var arn, url *document.Node
	switch {
	case build.Given(n.Get("deadLetterTargetArn")):
		arn = n.Get("deadLetterTargetArn")
		if p := strings.Split(arn.TextOr(""), ":"); len(p) == 6 {
			url = build.Join(at, "", "https://sqs."+p[3]+".", build.Ref(at, "AWS::URLSuffix"), "/"+p[4]+"/"+p[5])
		}
	case build.Given(n.Get("deadLetterTargetRef")):
		id := n.Get("deadLetterTargetRef").TextOr("")
		arn, url = build.GetAtt(at, id, "Arn"), build.Ref(at, id)
	default:
		arn = build.Object(at, "Fn::ImportValue", n.Get("deadLetterTargetImport").Get("arn"))
		url = build.Object(at, "Fn::ImportValue", n.Get("deadLetterTargetImport").Get("url"))
	}
	id := normalizedText(name) + "To" + normalized(e.f.key) + "DLQPolicy"
	statement := build.Object(at, "Effect", "Allow", "Principal", build.Object(at, "Service", "sns.amazonaws.com"), "Action", "sqs:SendMessage", "Resource", arn)
	if topic != nil {
		statement.Set("Condition", build.Object(at, "ArnEquals", build.Object(at, "aws:SourceArn", topic)))
	}
	c.add(at, id, "AWS::SQS::QueuePolicy", build.Object(at,
		"PolicyDocument", build.Object(at, "Version", "2012-10-17", "Id", id, "Statement", build.List(at, statement)), "Queues", build.List(at, url)))
	return build.Object(at, "deadLetterTargetArn", arn)
}

// eventBridge makes a rule on the default or a named bus; a bus given by a
// plain name is made too.
func (c *compiler) eventBridge(e event) {
	at, conf, f := e.pos, e.conf, e.f
	number := e.index + 1
	base := fmt.Sprintf("%s-rule-%d", f.name, number)
	name := build.OrText(conf.Get("name"), shortened(base, fmt.Sprintf("rule-%d", number)), at)
	if !build.Given(conf.Get("pattern")) && !build.Given(conf.Get("schedule")) {
		c.msgs.Add(diag.Errorf(at, e.key, "the event has neither a pattern nor a schedule"))
		return
	}
	bus, needs := build.First(conf.Get("eventBus")), f.aliasID
	if bus.IsScalar() {
		switch {
		case strings.HasPrefix(bus.Text, "arn"):
			bus = document.Str(bus.Text[strings.IndexByte(bus.Text, '/')+1:], bus.Pos)
		case bus.Text != "default":
			needs = normalized(bus.Text) + "EventBridgeEventBus"
			c.add(bus.Pos, needs, "AWS::Events::EventBus", build.Object(bus.Pos, "Name", bus))
		}
	}
	target := build.Object(at, "Arn", f.arn(at), "Id", shortened(name.TextOr(base)+"-target", "target"))
	c.ruleInput(target, conf)
	if r := conf.Get("retryPolicy"); build.Given(r) {
		target.Set("RetryPolicy", build.Object(r.Pos, "MaximumEventAgeInSeconds", build.UnlessNull(r.Get("maximumEventAge")),
			"MaximumRetryAttempts", build.UnlessNull(r.Get("maximumRetryAttempts"))))
	}
	if d := conf.Get("deadLetterQueueArn"); build.Given(d) {
		target.Set("DeadLetterConfig", build.Object(d.Pos, "Arn", d))
	}
	p := build.Object(at, "Description", build.First(conf.Get("description")), "EventPattern", build.First(conf.Get("pattern")), "Name", name,
		"ScheduleExpression", build.First(conf.Get("schedule")), "State", enabledState(conf), "Targets", build.List(at, target))
	path := []any{"rule"}
	if bus != nil {
		path = append(path, bus)
		if bus.TextOr("") != "default" {
			p.Set("EventBusName", bus)
		}
	}
	c.add(at, normalizedText(base)+"EventBridgeRule", "AWS::Events::Rule", p, needs)
	c.invokePermission(e, fmt.Sprintf("%sEventBridgeLambdaPermission%d", normalized(f.key), number), "events.amazonaws.com",
		build.Join(at, ":", "arn", build.Ref(at, "AWS::Partition"), "events", build.Ref(at, "AWS::Region"), build.Ref(at, "AWS::AccountId"),
			build.Join(at, "/", append(path, name)...)))
}

// shortened keeps a rule's name within 64 characters as the framework does.
func shortened(name, suffix string) string {
	if len(name) <= 64 {
		return name
	}
	sum := md5.Sum([]byte(name))
	return name[:31-len(suffix)] + hex.EncodeToString(sum[:]) + "-" + suffix
}

// cloudwatchEvent makes a rule for events of the default bus.
func (c *compiler) cloudwatchEvent(e event) {
	at, conf := e.pos, e.conf
	n := e.f.count("cloudwatchEvent")
	id := fmt.Sprintf("%sEventsRuleCloudWatchEvent%d", normalized(e.f.key), n)
	target := build.Object(at, "Arn", e.f.arn(at), "Id", e.f.key+"CloudWatchEvent")
	c.ruleInput(target, conf)
	c.add(at, id, "AWS::Events::Rule", build.Object(at, "EventPattern", conf.Get("event"), "State", enabledState(conf),
		"Description", build.First(conf.Get("description")), "Name", build.First(conf.Get("name")), "Targets", build.List(at, target)), e.f.aliasID)
	c.invokePermission(e, fmt.Sprintf("%sLambdaPermissionEventsRuleCloudWatchEvent%d", normalized(e.f.key), n), "events.amazonaws.com", build.GetAtt(at, id, "Arn"))
}
