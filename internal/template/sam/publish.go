package sam

import (
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// noteDeployment says that traffic is not shifted. The alias points to the new
// version at once, which is where every deployment ends.
func noteDeployment(n *document.Node, key string) *diag.Message {
	return diag.Notef(n.Pos, key, "new code takes over at once on this machine; CodeDeploy does not run")
}

// publish makes the version and the alias of AutoPublishAlias.
func (f *function) publish(code *document.Node) {
	given := f.props.Get("AutoPublishAlias")
	if given.IsNull() {
		if p := f.props.Get("ProvisionedConcurrencyConfig"); !p.IsNull() {
			f.errorf(p, "ProvisionedConcurrencyConfig", "provisioned concurrency needs AutoPublishAlias")
		}
		return
	}
	name := f.t.parameter(given)
	if name == nil {
		return // AWS::NoValue
	}
	alias, ok := name.Scalar()
	if !ok {
		f.errorf(given, "AutoPublishAlias", "the alias must be a text or a Ref to a parameter")
		return
	}
	f.aliasOf, f.alias = alias, f.id+"Alias"+plain(alias)
	seed := code
	if sha := f.props.Get("AutoPublishCodeSha256"); !sha.IsNull() {
		seed = sha
	}
	version := f.id + "Version" + digest(seed)
	props := object(f.pos, "FunctionName", ref(f.id, f.pos)).Set("Description", f.props.Get("VersionDescription"))
	policy := f.props.Get("VersionDeletionPolicy")
	if policy.IsNull() {
		policy = text("Retain", f.pos)
	}
	f.add(version, "AWS::Lambda::Version", props).Set("DeletionPolicy", policy)

	props = object(f.pos, "Name", text(alias, given.Pos)).
		Set("FunctionName", ref(f.id, f.pos)).
		Set("FunctionVersion", getAtt(version, "Version", f.pos))
	f.copy(props, "ProvisionedConcurrencyConfig")
	f.add(f.alias, "AWS::Lambda::Alias", props)
	f.t.refer(f.id, "Alias", f.alias)
	f.t.refer(f.id, "Version", version)
}

// url makes the Function URL and, when anyone may call it, the permissions
// for that. Since October 2025 a public URL needs both.
func (f *function) url() {
	config := f.props.Get("FunctionUrlConfig")
	if config.IsNull() {
		return
	}
	auth := config.Get("AuthType")
	if auth.IsNull() {
		f.errorf(config, "FunctionUrlConfig.AuthType", "a function URL needs AuthType").WithHint("NONE or AWS_IAM")
		return
	}
	props := object(config.Pos, "TargetFunctionArn", f.name())
	props.Members = append(props.Members, config.Members...)
	f.add(f.id+"Url", "AWS::Lambda::Url", props)
	if auth.TextOr("") != "NONE" {
		return
	}
	everyone := func(action string) *document.Node {
		return object(f.pos, "Action", text(action, f.pos)).
			Set("FunctionName", f.name()).
			Set("Principal", text("*", f.pos))
	}
	f.add(f.id+"UrlPublicPermissions", "AWS::Lambda::Permission",
		everyone("lambda:InvokeFunctionUrl").Set("FunctionUrlAuthType", auth))
	f.add(f.id+"URLInvokeAllowPublicAccess", "AWS::Lambda::Permission",
		everyone("lambda:InvokeFunction").Set("InvokedViaFunctionUrl", document.Boolean(true, f.pos)))
}

// eventInvoke makes the configuration of asynchronous invocation, with the
// queues and topics it asks for without naming them.
func (f *function) eventInvoke() {
	config := f.props.Get("EventInvokeConfig")
	if config.IsNull() {
		return
	}
	id := f.id + "EventInvokeConfig"
	props := document.Object(config.Pos)
	if destinations := config.Get("DestinationConfig"); !destinations.IsNull() {
		out := document.Object(destinations.Pos)
		for _, outcome := range []string{"OnSuccess", "OnFailure"} {
			if d := destinations.Get(outcome); !d.IsNull() {
				out.Set(outcome, object(d.Pos, "Destination", f.destination(d, id+outcome)))
			}
		}
		props.Set("DestinationConfig", out)
	}
	props.Set("FunctionName", ref(f.id, f.pos))
	for _, name := range []string{"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} {
		props.Set(name, config.Get(name))
	}
	qualifier := "$LATEST"
	if f.alias != "" {
		qualifier = f.aliasOf
	}
	n := f.add(id, "AWS::Lambda::EventInvokeConfig", props.Set("Qualifier", text(qualifier, f.pos)))
	if f.alias != "" {
		n.Set("DependsOn", list(f.pos, f.alias))
	}
}

// destination is the ARN a result goes to; the role may send there.
func (f *function) destination(d *document.Node, id string) *document.Node {
	kind := d.Get("Type").TextOr("")
	arn := d.Get("Destination")
	if arn.IsNull() {
		switch kind {
		case "SQS":
			f.add(id+"Queue", "AWS::SQS::Queue", document.Object(d.Pos))
			f.t.refer(f.id, "DestinationQueue", id+"Queue")
			arn = getAtt(id+"Queue", "Arn", d.Pos)
		case "SNS":
			f.add(id+"Topic", "AWS::SNS::Topic", document.Object(d.Pos))
			f.t.refer(f.id, "DestinationTopic", id+"Topic")
			arn = ref(id+"Topic", d.Pos)
		default:
			f.errorf(d, "EventInvokeConfig.DestinationConfig", "the destination has no ARN in Destination")
			return text("", d.Pos)
		}
	}
	actions := map[string]string{
		"SQS": "sqs:SendMessage", "SNS": "sns:publish", "Lambda": "lambda:InvokeFunction", "EventBridge": "events:PutEvents",
		"S3Bucket": "s3:PutObject",
	}
	if action := actions[kind]; action != "" {
		f.grant(id+kind+"Policy", action, arn)
	}
	return arn
}
