package sam

import (
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Event sources that push: topics, buckets, user pools, IoT rules and log
// groups.

// subscription makes the subscription of an SNS event, with a queue between
// when SqsSubscription asks for one.
func (e *event) subscription() {
	topic := e.need("Topic")
	props := object(e.pos, "Protocol", text("lambda", e.pos)).Set("TopicArn", topic).Set("Endpoint", e.arn())
	for _, name := range []string{"Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy"} {
		props.Set(name, e.props.Get(name))
	}
	through := e.props.Get("SqsSubscription")
	if on, ok := through.Truth(); through.IsNull() || ok && !on {
		e.permission(e.made("Permission"), "sns.amazonaws.com", topic)
		e.add(e.made(""), "AWS::SNS::Subscription", props)
		return
	}
	queue, url := through.Get("QueueArn"), through.Get("QueueUrl")
	if queue.IsNull() || url.IsNull() {
		id := e.made("Queue")
		e.add(id, "AWS::SQS::Queue", document.Object(e.pos))
		e.queuePolicy(id, text("*", e.pos), topic)
		e.t.refer(e.id, "DestinationQueue", id)
		queue = getAtt(id, "Arn", e.pos)
	}
	batch, enabled := through.Get("BatchSize"), through.Get("Enabled")
	if batch.IsNull() {
		batch = document.Int(10, e.pos)
	}
	if enabled.IsNull() {
		enabled = document.Boolean(true, e.pos)
	}
	e.manage("AWSLambdaSQSQueueExecutionRole")
	e.add(e.made("EventSourceMapping"), "AWS::Lambda::EventSourceMapping",
		object(e.pos, "BatchSize", batch).Set("Enabled", enabled).
			Set("EventSourceArn", queue).Set("FunctionName", e.function.name()))
	e.add(e.made(""), "AWS::SNS::Subscription", props.Set("Protocol", text("sqs", e.pos)).Set("Endpoint", queue))
}

// bucket adds a notification to a bucket of the same template.
func (e *event) bucket() {
	id := refName(e.need("Bucket"))
	if e.t.resources.Get(id).Get("Type").TextOr("") != "AWS::S3::Bucket" {
		e.t.msgs.Add(diag.Errorf(e.pos, e.key("Bucket"), "an S3 event names a bucket of the same template by Ref"))
		return
	}
	n := e.permission(e.made("Permission"), "s3.amazonaws.com", nil)
	n.Get("Properties").Set("SourceAccount", ref("AWS::AccountId", e.pos))
	events := e.need("Events")
	kinds := []*document.Node{events}
	if events != nil && events.Kind == document.List {
		kinds = events.Items
	}
	e.t.patches[id] = append(e.t.patches[id], func(props *document.Node) {
		config := props.Get("NotificationConfiguration")
		if config.IsNull() {
			config = document.Object(e.pos)
			props.Set("NotificationConfiguration", config)
		}
		all := config.Get("LambdaConfigurations")
		if all.IsNull() {
			all = document.Seq(e.pos)
			config.Set("LambdaConfigurations", all)
		}
		for _, kind := range kinds {
			entry := object(e.pos, "Event", kind).Set("Function", e.arn()).Set("Filter", e.props.Get("Filter"))
			all.Items = append(all.Items, e.underCondition(entry))
		}
	})
}

// userPool makes the function a trigger of a user pool of the same template.
func (e *event) userPool() {
	id := refName(e.need("UserPool"))
	if e.t.resources.Get(id).Get("Type").TextOr("") != "AWS::Cognito::UserPool" {
		e.t.msgs.Add(diag.Errorf(e.pos, e.key("UserPool"), "a Cognito event names a user pool of the same template by Ref"))
		return
	}
	permission := e.id + "CognitoPermission"
	if e.alias != "" {
		permission = e.alias + "CognitoPermission"
	}
	if !e.has(permission) {
		e.permission(permission, "cognito-idp.amazonaws.com", getAtt(id, "Arn", e.pos))
	}
	trigger := e.need("Trigger")
	e.t.patches[id] = append(e.t.patches[id], func(props *document.Node) {
		config := props.Get("LambdaConfig")
		if config.IsNull() {
			config = document.Object(e.pos)
			props.Set("LambdaConfig", config)
		}
		for _, name := range trigger.Strings() {
			config.Set(name, e.arn())
		}
	})
}

// topicRule makes the rule of an IoTRule event.
func (e *event) topicRule() {
	source := sub("arn:${AWS::Partition}:iot:${AWS::Region}:${AWS::AccountId}:rule/${RuleName}", e.pos,
		object(e.pos, "RuleName", ref(e.made(""), e.pos)))
	n := e.permission(e.made("Permission"), "iot.amazonaws.com", source)
	n.Get("Properties").Set("SourceAccount", sub("${AWS::AccountId}", e.pos, nil))
	action := object(e.pos, "Lambda", object(e.pos, "FunctionArn", e.arn()))
	payload := object(e.pos, "Sql", e.need("Sql")).
		Set("AwsIotSqlVersion", e.props.Get("AwsIotSqlVersion")).
		Set("RuleDisabled", document.Boolean(false, e.pos)).
		Set("Actions", document.Seq(e.pos, action))
	e.add(e.made(""), "AWS::IoT::TopicRule", object(e.pos, "TopicRulePayload", payload))
}

// logs makes the subscription filter of a CloudWatchLogs event.
func (e *event) logs() {
	group := e.need("LogGroupName")
	source := sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${__LogGroupName__}:*", e.pos,
		object(e.pos, "__LogGroupName__", group))
	e.permission(e.made("Permission"), "logs.amazonaws.com", source)
	props := object(e.pos, "LogGroupName", group).
		Set("FilterPattern", e.need("FilterPattern")).
		Set("DestinationArn", e.arn())
	e.add(e.made(""), "AWS::Logs::SubscriptionFilter", props).Set("DependsOn", list(e.pos, e.made("Permission")))
}

// underCondition keeps a value out when the function does not exist.
func (o *owner) underCondition(n *document.Node) *document.Node {
	if o.condition.IsNull() {
		return n
	}
	return object(o.pos, "Fn::If", document.Seq(o.pos, o.condition, n, ref("AWS::NoValue", o.pos)))
}

// has tells whether the owner made a resource already.
func (o *owner) has(id string) bool {
	for _, m := range o.out {
		if m.Key == id {
			return true
		}
	}
	return false
}
