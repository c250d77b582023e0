package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
	"github.com/suiro-dev/suiro/internal/template"
)

// accepted are resource types that have no effect on this machine and that no
// app misses: what deploys, watches or secures it on AWS. The text is what
// check says.
var accepted = map[string]string{
	"AWS::ApiGateway::Account":                    "logging of API Gateway is an account's setting",
	"AWS::ApplicationAutoScaling::ScalableTarget": "nothing scales here",
	"AWS::ApplicationAutoScaling::ScalingPolicy":  "nothing scales here",
	"AWS::Budgets::Budget":                        "nothing costs money here",
	"AWS::CertificateManager::Certificate":        "the local certificate authority serves every name",
	"AWS::CloudFormation::WaitConditionHandle":    "nothing waits here",
	"AWS::CloudWatch::Alarm":                      "alarms do not ring here",
	"AWS::CloudWatch::CompositeAlarm":             "alarms do not ring here",
	"AWS::CloudWatch::Dashboard":                  "dashboards are not drawn here",
	"AWS::CodeDeploy::Application":                "deployments are immediate here",
	"AWS::CodeDeploy::DeploymentGroup":            "deployments are immediate here",
	"AWS::EC2::SecurityGroup":                     "everything is on this machine",
	"AWS::EC2::VPCEndpoint":                       "everything is on this machine",
	"AWS::KMS::Alias":                             "nothing is encrypted with KMS here",
	"AWS::KMS::Key":                               "nothing is encrypted with KMS here",
	"AWS::Logs::LogGroup":                         "logs are shown as they are written",
	"AWS::Logs::MetricFilter":                     "logs are shown as they are written",
	"AWS::Logs::ResourcePolicy":                   "logs are shown as they are written",
	"AWS::Logs::SubscriptionFilter":               "logs are shown as they are written",
	"AWS::ResourceGroups::Group":                  "groups are for the console",
	"AWS::Route53::RecordSet":                     "names are not published from here",
	"AWS::Route53::RecordSetGroup":                "names are not published from here",
	"AWS::S3::BucketPolicy":                       "policies of buckets count where buckets run",
	"AWS::SecretsManager::ResourcePolicy":         "policies of secrets do not count here",
	"AWS::SecretsManager::RotationSchedule":       "secrets are not rotated here",
	"AWS::SecretsManager::SecretTargetAttachment": "databases are not run here",
	"AWS::SQS::QueuePolicy":                       "policies of queues count where queues run",
	"AWS::SNS::TopicPolicy":                       "policies of topics count where topics run",
	"AWS::XRay::Group":                            "traces are not kept here",
	"AWS::WAFv2::WebACL":                          "nothing is filtered here",
	"AWS::WAFv2::WebACLAssociation":               "nothing is filtered here",
}

// parts are resources that only serve another one, which is not run and is
// said to be missing; that is enough.
var parts = map[string]string{
	"AWS::ApiGateway::Authorizer":          "a REST API",
	"AWS::ApiGateway::BasePathMapping":     "a REST API",
	"AWS::ApiGateway::Deployment":          "a REST API",
	"AWS::ApiGateway::DomainName":          "a REST API",
	"AWS::ApiGateway::GatewayResponse":     "a REST API",
	"AWS::ApiGateway::Method":              "a REST API",
	"AWS::ApiGateway::Model":               "a REST API",
	"AWS::ApiGateway::RequestValidator":    "a REST API",
	"AWS::ApiGateway::Resource":            "a REST API",
	"AWS::ApiGateway::Stage":               "a REST API",
	"AWS::AppSync::ApiKey":                 "an AppSync API",
	"AWS::AppSync::DataSource":             "an AppSync API",
	"AWS::AppSync::GraphQLSchema":          "an AppSync API",
	"AWS::AppSync::Resolver":               "an AppSync API",
	"AWS::CloudFront::CachePolicy":         "a distribution",
	"AWS::CloudFront::OriginAccessControl": "a distribution",
	"AWS::SNS::Subscription":               "a topic",
}

// inert stands for a resource that Suiro does not run: it has a name and an
// ARN, so that what refers to it can start, and nothing behind them.
type inert struct {
	resourceType string
	why          string // of an accepted type; "" for a service that is missing
}

// state is the resource's state in a Plan.
func (h inert) state() string {
	if h.why != "" {
		return "accepted"
	}
	return "missing"
}

// Schema implements resource.Handler: everything goes, nothing is read.
func (h inert) Schema() resource.Schema { return nil }

// unserved are the logical ids of a template's HTTP APIs, which have records
// here and no endpoint yet.
func unserved(t *template.Template) map[string]bool {
	ids := map[string]bool{}
	for _, r := range t.Resources {
		if r.Type == "AWS::ApiGatewayV2::Api" && r.Properties.Get("ProtocolType").TextOr("HTTP") == "HTTP" {
			ids[r.LogicalID] = true
		}
	}
	return ids
}

// Check says once what the resource is and whether the app will miss it.
func (h inert) Check(spec resource.Spec) diag.List {
	if h.why != "" {
		return diag.List{diag.Notef(spec.Pos, spec.LogicalID, "%s has no effect here: %s", spec.Type, h.why)}
	}
	if whole := parts[spec.Type]; whole != "" {
		return diag.List{diag.Notef(spec.Pos, spec.LogicalID, "%s is part of %s, which Suiro does not run", spec.Type, whole)}
	}
	return diag.List{diag.Warningf(spec.Pos, spec.LogicalID, "Suiro does not run %s; what the app does with it will fail", spec.Type)}
}

// Create implements resource.Handler.
func (h inert) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	name := h.name(spec)
	parts := strings.Split(spec.Type, "::")
	service := strings.ToLower(parts[min(1, len(parts)-1)])
	arn := fmt.Sprintf("arn:%s:%s:%s:%s:%s", spec.Stack.Partition, service, spec.Stack.Region, spec.Stack.AccountID, name)
	if service == "logs" {
		arn = fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s:*", spec.Stack.Partition, spec.Stack.Region, spec.Stack.AccountID, name)
	}
	attributes := resource.Texts("Arn", arn)
	attributes["*"] = document.Str(name, spec.Pos)
	return &resource.Instance{PhysicalID: name, Attributes: attributes}, nil
}

// name is the property that names the resource, or a stable generated one.
func (h inert) name(spec resource.Spec) string {
	short := spec.Type[strings.LastIndex(spec.Type, ":")+1:]
	for _, key := range []string{short + "Name", "Name"} {
		if v, ok := spec.Properties.Get(key).Scalar(); ok && v != "" {
			return v
		}
	}
	sum := sha256.Sum256([]byte(spec.Stack.Name + "\x00" + spec.LogicalID))
	return strings.ToLower(spec.Stack.Name+"-"+spec.LogicalID) + "-" + hex.EncodeToString(sum[:6])
}

// Update implements resource.Handler.
func (h inert) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete implements resource.Handler.
func (h inert) Delete(context.Context, resource.Spec, *resource.Instance) error { return nil }
