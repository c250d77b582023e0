package sam

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// tableProperties are the properties of AWS::Serverless::SimpleTable.
var tableProperties = strings.Fields(`PointInTimeRecoverySpecification PrimaryKey ProvisionedThroughput TableName Tags
	SSESpecification`)

// simpleTable translates AWS::Serverless::SimpleTable: one key, by default
// the text "id", paid per request unless a throughput is given.
func (o *owner) simpleTable() {
	o.check(tableProperties)
	name, kind := text("id", o.pos), "String"
	if key := o.props.Get("PrimaryKey"); !key.IsNull() {
		name = key.Get("Name")
		kind = key.Get("Type").TextOr("String")
		if name.IsNull() {
			o.errorf(key, "PrimaryKey.Name", "the key has no name")
			return
		}
	}
	attributeType := map[string]string{"String": "S", "Number": "N", "Binary": "B"}[kind]
	if attributeType == "" {
		o.errorf(o.props.Get("PrimaryKey").Get("Type"), "PrimaryKey.Type", "the type of a key is String, Number or Binary, not %q", kind)
		return
	}
	props := object(o.pos, "AttributeDefinitions", document.Seq(name.Pos,
		object(name.Pos, "AttributeName", name).Set("AttributeType", text(attributeType, name.Pos))))
	props.Set("KeySchema", document.Seq(name.Pos,
		object(name.Pos, "AttributeName", name).Set("KeyType", text("HASH", name.Pos))))
	if o.props.Get("ProvisionedThroughput").IsNull() {
		props.Set("BillingMode", text("PAY_PER_REQUEST", o.pos))
	}
	o.copy(props, "ProvisionedThroughput", "TableName", "SSESpecification", "PointInTimeRecoverySpecification")
	if !o.props.Get("Tags").IsNull() {
		props.Set("Tags", o.tags(""))
	}
	o.main("AWS::DynamoDB::Table", props)
}

// layerProperties are the properties of AWS::Serverless::LayerVersion.
var layerProperties = strings.Fields(`LayerName Description PublishLambdaVersion ContentUri CompatibleArchitectures
	CompatibleRuntimes LicenseInfo RetentionPolicy`)

// layer translates AWS::Serverless::LayerVersion.
func (o *owner) layer() {
	o.check(layerProperties, "ContentUri")
	props := document.Object(o.pos)
	if uri := o.props.Get("ContentUri"); !uri.IsNull() {
		props.Set("Content", o.location(uri, "ContentUri"))
	}
	name := o.props.Get("LayerName")
	if name.IsNull() {
		name = text(o.id, o.pos)
	}
	props.Set("LayerName", name)
	o.copy(props, "Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
	o.main("AWS::Lambda::LayerVersion", props)
	policy := o.t.parameter(o.props.Get("RetentionPolicy"))
	n := o.out[len(o.out)-1].Value
	if strings.EqualFold(policy.TextOr(""), "Delete") {
		n.Set("DeletionPolicy", text("Delete", policy.Pos))
	} else if n.Get("DeletionPolicy").IsNull() {
		n.Set("DeletionPolicy", text("Retain", o.pos))
	}
}

// elsewhere names the CloudFormation types of SAM types that Suiro does not
// translate. The resource passes through under that type, so that references
// to it lead somewhere and the stack can say that nothing runs it.
var elsewhere = map[string]string{
	"AWS::Serverless::StateMachine":     "AWS::StepFunctions::StateMachine",
	"AWS::Serverless::Application":      "AWS::CloudFormation::Stack",
	"AWS::Serverless::CapacityProvider": "AWS::Lambda::CapacityProvider",
	"AWS::Serverless::GraphQLApi":       "AWS::AppSync::GraphQLApi",
}

// untranslated are SAM types that stand for nothing a template refers to, or
// nothing that could stand in for them.
var untranslated = map[string]string{
	"AWS::Serverless::Connector": "connectors are not made on this machine; grant the permission in Policies instead",
}

// unsupported handles the SAM types that are not translated.
func (o *owner) unsupported() {
	typ := o.node.Get("Type")
	if location := o.t.parameter(o.props.Get("Location")); o.typ == "AWS::Serverless::Application" && location.IsScalar() {
		props := o.props.Clone()
		props.Remove("Location")
		o.main("AWS::CloudFormation::Stack", props.Set("TemplateURL", location))
		return
	}
	if plain := elsewhere[o.typ]; plain != "" {
		o.warnf(typ, "Type", "%s does not run on this machine", o.typ)
		o.main(plain, o.props)
		if o.typ == "AWS::Serverless::GraphQLApi" {
			for _, key := range o.props.Get("ApiKeys").Keys() { // templates refer to {api}{key}
				o.add(o.id+key, "AWS::AppSync::ApiKey", document.Object(o.pos))
			}
		}
		return
	}
	if why := untranslated[o.typ]; why != "" {
		o.warnf(typ, "Type", "%s", why)
		return
	}
	known := []string{
		"AWS::Serverless::Function", "AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Serverless::SimpleTable",
		"AWS::Serverless::LayerVersion", "AWS::Serverless::WebSocketApi",
	}
	o.errorf(typ, "Type", "SAM has no resource type %s", o.typ).WithHint("%s", diag.DidYouMean(o.typ, known))
}
