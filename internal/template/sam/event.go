package sam

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// event is one entry of a function's Events.
type event struct {
	*function
	name  string
	typ   string
	pos   diag.Position
	props *document.Node
}

// made is the logical id of what the event makes.
func (e *event) made(suffix string) string { return e.id + e.name + suffix }

// key names a property of the event in messages.
func (e *event) key(path string) string { return e.id + ".Events." + e.name + "." + path }

// need returns a required property; a missing one is reported.
func (e *event) need(name string) *document.Node {
	v := e.props.Get(name)
	if v.IsNull() {
		e.t.msgs.Add(diag.Errorf(e.pos, e.key(name), "the event needs this property"))
	}
	return v
}

// eventTypes are the event sources SAM knows.
var eventTypes = []string{
	"AlexaSkill", "Api", "CloudWatchEvent", "CloudWatchLogs", "Cognito", "DocumentDB", "DynamoDB", "EventBridgeRule",
	"HttpApi", "IoTRule", "Kinesis", "MQ", "MSK", "S3", "SNS", "SQS", "Schedule", "ScheduleV2", "SelfManagedKafka",
}

// events translates the function's Events.
func (f *function) events() {
	events := f.props.Get("Events")
	if events.IsNull() {
		return
	}
	if events.Kind != document.Map {
		f.errorf(events, "Events", "events are an object of names and event sources")
		return
	}
	for i := range events.Members {
		m := &events.Members[i]
		e := &event{
			function: f, name: m.Key, pos: m.KeyPos,
			typ: m.Value.Get("Type").TextOr(""), props: m.Value.Get("Properties"),
		}
		if e.props.IsNull() {
			e.props = document.Object(m.KeyPos)
		}
		if e.typ == "" {
			f.t.msgs.Add(diag.Errorf(m.KeyPos, e.key("Type"), "the event has no Type"))
			continue
		}
		e.translate(m.Value.Get("Type"))
	}
}

// translate makes what one event source stands for.
func (e *event) translate(typ *document.Node) {
	switch e.typ {
	case "HttpApi", "Api":
		e.route()
	case "SQS":
		e.mapping("Queue", "AWSLambdaSQSQueueExecutionRole")
	case "DynamoDB":
		e.mapping("Stream", "AWSLambdaDynamoDBExecutionRole")
	case "Kinesis":
		e.mapping("Stream", "AWSLambdaKinesisExecutionRole")
	case "MSK":
		e.mapping("Stream", "AWSLambdaMSKExecutionRole")
	case "MQ":
		e.mapping("Broker", "")
	case "Schedule":
		e.schedule()
	case "ScheduleV2":
		e.scheduleV2()
	case "EventBridgeRule", "CloudWatchEvent":
		e.rule()
	case "SNS":
		e.subscription()
	case "S3":
		e.bucket()
	case "Cognito":
		e.userPool()
	case "IoTRule":
		e.topicRule()
	case "CloudWatchLogs":
		e.logs()
	case "AlexaSkill":
		n := e.permission(e.made("Permission"), "alexa-appkit.amazon.com", nil)
		n.Get("Properties").Set("EventSourceToken", e.props.Get("SkillId"))
	default:
		if slices.Contains(eventTypes, e.typ) {
			e.t.msgs.Add(diag.Warningf(typ.Pos, e.key("Type"), "events of type %s do not reach the function on this machine", e.typ))
			return
		}
		e.t.msgs.Add(diag.Errorf(typ.Pos, e.key("Type"), "SAM has no event source %q", e.typ).
			WithHint("%s", diag.DidYouMean(e.typ, eventTypes)))
	}
}

// permission lets a service call the function.
func (f *function) permission(id, principal string, source *document.Node) *document.Node {
	props := object(f.pos, "Action", text("lambda:InvokeFunction", f.pos)).
		Set("FunctionName", f.name()).
		Set("Principal", text(principal, f.pos)).
		Set("SourceArn", source)
	return f.add(id, "AWS::Lambda::Permission", props)
}

// mappingProperties pass from an event to its AWS::Lambda::EventSourceMapping.
var mappingProperties = strings.Fields(`BatchSize Enabled StartingPosition StartingPositionTimestamp
	MaximumBatchingWindowInSeconds MaximumRetryAttempts BisectBatchOnFunctionError MaximumRecordAgeInSeconds
	ParallelizationFactor Topics Queues SourceAccessConfigurations TumblingWindowInSeconds FunctionResponseTypes
	FilterCriteria KmsKeyArn ScalingConfig ProvisionedPollerConfig MetricsConfig LoggingConfig`)

// mapping makes the event source mapping of a queue or stream; the role gets
// the managed policy that reads it.
func (e *event) mapping(source, policy string) {
	arn := e.need(source)
	props := object(e.pos, "EventSourceArn", arn).Set("FunctionName", e.function.name())
	for _, m := range e.props.Members {
		switch {
		case slices.Contains(mappingProperties, m.Key):
			props.Members = append(props.Members, m)
		case m.Key == "DestinationConfig":
			props.Set("DestinationConfig", e.failureDestination(m.Value))
		case m.Key != source && m.Key != "ConsumerGroupId" && m.Key != "SecretsManagerKmsKeyId" && m.Key != "DynamicPolicyName":
			e.t.msgs.Add(diag.Warningf(m.KeyPos, e.key(m.Key), "the event has no such property; it has no effect").
				WithHint("%s", diag.DidYouMean(m.Key, append([]string{source}, mappingProperties...))))
		}
	}
	if policy != "" {
		e.manage(policy)
	}
	e.add(e.made(""), "AWS::Lambda::EventSourceMapping", props)
}

// failureDestination drops the Type, which only SAM knows, and lets the role
// send there.
func (e *event) failureDestination(n *document.Node) *document.Node {
	failure := n.Get("OnFailure")
	if failure.Get("Destination").IsNull() {
		return n
	}
	switch failure.Get("Type").TextOr("") {
	case "SQS":
		e.grant(e.made("SQSPolicy"), "sqs:SendMessage", failure.Get("Destination"))
	case "SNS":
		e.grant(e.made("SNSPolicy"), "sns:publish", failure.Get("Destination"))
	}
	return object(n.Pos, "OnFailure", object(failure.Pos, "Destination", failure.Get("Destination")))
}

// state is the State of a rule: given itself, or by Enabled.
func (e *event) state() *document.Node {
	if s := e.props.Get("State"); !s.IsNull() {
		return s
	}
	enabled := e.t.parameter(e.props.Get("Enabled"))
	switch {
	case enabled.IsNull():
		return nil
	case enabled.Kind == document.Bool && enabled.Text == "false":
		return text("DISABLED", enabled.Pos)
	case enabled.Kind == document.String && enabled.Text == "false":
		// The values of parameters are texts, and SAM takes every text as true.
		e.t.msgs.Add(diag.Warningf(enabled.Pos, e.key("Enabled"), "SAM takes the text \"false\" as true; the rule is enabled, as on AWS").
			WithHint("use State: DISABLED"))
	}
	return text("ENABLED", enabled.Pos)
}

// target is what a rule calls.
func (e *event) target() *document.Node {
	id := e.props.Get("Target").Get("Id")
	if id.IsNull() {
		id = text(e.made("LambdaTarget"), e.pos)
	}
	target := object(e.pos, "Arn", e.arn()).Set("Id", id)
	for _, name := range []string{"Input", "InputPath", "InputTransformer", "RetryPolicy"} {
		target.Set(name, e.props.Get(name))
	}
	if dead := e.props.Get("DeadLetterConfig"); !dead.IsNull() {
		target.Set("DeadLetterConfig", object(dead.Pos, "Arn", e.deadLetters(dead)))
	}
	return target
}

// deadLetters is the ARN of the queue for undeliverable events, made when the
// event asks for one by Type.
func (e *event) deadLetters(dead *document.Node) *document.Node {
	if arn := dead.Get("Arn"); !arn.IsNull() {
		return arn
	}
	id := dead.Get("QueueLogicalId").TextOr(e.made("Queue"))
	e.add(id, "AWS::SQS::Queue", document.Object(dead.Pos))
	sender := object(e.pos, "Service", text("events.amazonaws.com", e.pos))
	e.queuePolicy(id, sender, getAtt(e.made(""), "Arn", e.pos))
	return getAtt(id, "Arn", dead.Pos)
}

// queuePolicy lets a sender put messages into a made queue.
func (e *event) queuePolicy(queue string, principal, source *document.Node) {
	s := object(e.pos, "Action", text("sqs:SendMessage", e.pos)).
		Set("Effect", text("Allow", e.pos)).
		Set("Principal", principal).
		Set("Resource", getAtt(queue, "Arn", e.pos)).
		Set("Condition", object(e.pos, "ArnEquals", object(e.pos, "aws:SourceArn", source)))
	doc := object(e.pos, "Version", text("2012-10-17", e.pos)).Set("Statement", document.Seq(e.pos, s))
	e.add(queue+"Policy", "AWS::SQS::QueuePolicy",
		object(e.pos, "PolicyDocument", doc).Set("Queues", document.Seq(e.pos, ref(queue, e.pos))))
}

// schedule makes the rule of a Schedule event.
func (e *event) schedule() {
	props := document.Object(e.pos)
	name := e.props.Get("Name")
	if name.IsNull() {
		name = e.props.Get("RuleName")
	}
	props.Set("Name", name).Set("Description", e.props.Get("Description")).
		Set("ScheduleExpression", e.need("Schedule")).Set("State", e.state())
	e.finishRule(props)
}

// rule makes the rule of an EventBridgeRule or CloudWatchEvent event.
func (e *event) rule() {
	props := document.Object(e.pos)
	props.Set("Name", e.props.Get("RuleName")).Set("EventBusName", e.props.Get("EventBusName")).
		Set("EventPattern", e.need("Pattern")).Set("State", e.state())
	e.finishRule(props)
}

func (e *event) finishRule(props *document.Node) {
	e.add(e.made(""), "AWS::Events::Rule", props.Set("Targets", document.Seq(e.pos, e.target())))
	e.permission(e.made("Permission"), "events.amazonaws.com", getAtt(e.made(""), "Arn", e.pos))
}

// scheduleV2 makes the schedule of EventBridge Scheduler and the role it
// calls the function with.
func (e *event) scheduleV2() {
	props := document.Object(e.pos)
	for _, name := range []string{"ScheduleExpression", "Description", "StartDate", "EndDate", "ScheduleExpressionTimezone", "GroupName", "KmsKeyArn"} {
		props.Set(name, e.props.Get(name))
	}
	e.need("ScheduleExpression")
	window := e.props.Get("FlexibleTimeWindow")
	if window.IsNull() {
		window = object(e.pos, "Mode", text("OFF", e.pos))
	}
	props.Set("FlexibleTimeWindow", window).Set("State", e.state())
	if omit, _ := e.props.Get("OmitName").Truth(); !omit {
		name := e.props.Get("Name")
		if name.IsNull() {
			name = text(e.made(""), e.pos)
		}
		props.Set("Name", name)
	}
	role := e.props.Get("RoleArn")
	if role.IsNull() {
		role = getAtt(e.made("Role"), "Arn", e.pos)
		statement := object(e.pos, "Action", text("lambda:InvokeFunction", e.pos)).
			Set("Effect", text("Allow", e.pos)).Set("Resource", e.arn())
		policy := object(e.pos, "PolicyName", text(e.made("LambdaPolicy"), e.pos)).
			Set("PolicyDocument", object(e.pos, "Statement", document.Seq(e.pos, statement)))
		roleProps := object(e.pos, "AssumeRolePolicyDocument", trust("scheduler.amazonaws.com", e.pos)).
			Set("Policies", document.Seq(e.pos, policy)).
			Set("PermissionsBoundary", e.props.Get("PermissionsBoundary"))
		e.add(e.made("Role"), "AWS::IAM::Role", roleProps)
	}
	target := object(e.pos, "Arn", e.arn()).Set("RoleArn", role)
	for _, name := range []string{"Input", "RetryPolicy"} {
		target.Set(name, e.props.Get(name))
	}
	if dead := e.props.Get("DeadLetterConfig"); !dead.IsNull() {
		target.Set("DeadLetterConfig", object(dead.Pos, "Arn", e.deadLetters(dead)))
	}
	e.add(e.made(""), "AWS::Scheduler::Schedule", props.Set("Target", target))
}
