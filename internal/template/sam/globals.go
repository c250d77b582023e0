package sam

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// globalProperties lists what the Globals section may hold for each type (AWS
// SAM developer guide, "Globals section of the AWS SAM template"). SAM refuses
// a template with anything else in it.
var globalProperties = map[string]string{
	"Function": `Handler Runtime CodeUri DeadLetterQueue Description MemorySize Timeout VpcConfig Environment Tags PropagateTags
		Tracing KmsKeyArn AutoPublishAlias AutoPublishAliasAllProperties Layers DeploymentPreference RolePath
		PermissionsBoundary ReservedConcurrentExecutions ProvisionedConcurrencyConfig AssumeRolePolicyDocument
		EventInvokeConfig FileSystemConfigs CodeSigningConfigArn Architectures SnapStart EphemeralStorage FunctionUrlConfig
		RuntimeManagementConfig LoggingConfig RecursiveLoop SourceKMSKeyArn TenancyConfig DurableConfig
		CapacityProviderConfig FunctionScalingConfig PublishToLatestPublished VersionDeletionPolicy`,
	"Api": `Auth Name DefinitionUri CacheClusterEnabled CacheClusterSize MergeDefinitions Variables EndpointConfiguration
		MethodSettings BinaryMediaTypes MinimumCompressionSize Cors GatewayResponses AccessLogSetting CanarySetting
		TracingEnabled OpenApiVersion Domain AlwaysDeploy PropagateTags SecurityPolicy EndpointAccessMode`,
	"HttpApi": `Auth AccessLogSettings StageVariables Tags CorsConfiguration DefaultRouteSettings Domain RouteSettings
		FailOnWarnings PropagateTags`,
	"WebSocketApi": `AccessLogSettings ApiKeySelectionExpression DefaultRouteSettings DisableExecuteApiEndpoint
		DisableSchemaValidation Domain FailOnWarnings IpAddressType PropagateTags RouteSelectionExpression RouteSettings
		StageVariables Tags`,
	"SimpleTable":      `SSESpecification`,
	"StateMachine":     `PropagateTags`,
	"LayerVersion":     `PublishLambdaVersion`,
	"CapacityProvider": `VpcConfig OperatorRole Tags InstanceRequirements ScalingConfig KmsKeyArn PropagateTags`,
}

// globalSections are the keys of globalProperties, in the order of the guide.
var globalSections = []string{
	"Function", "Api", "HttpApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "WebSocketApi",
}

// readGlobals reads the Globals section. Mistakes in it are errors, as in AWS:
// a setting that silently applies to no function is hard to find.
func (t *translator) readGlobals() {
	t.globals = map[string]*document.Node{}
	globals := t.root.Get("Globals")
	if globals.IsNull() {
		return
	}
	if globals.Kind != document.Map {
		t.msgs.Add(diag.Errorf(globals.Pos, "Globals", "the section is an object, not a %s", globals.Kind))
		return
	}
	for _, m := range globals.Members {
		key := "Globals." + m.Key
		if !slices.Contains(globalSections, m.Key) {
			t.msgs.Add(diag.Errorf(m.KeyPos, key, "Globals has no such section").
				WithHint("%s", diag.DidYouMean(m.Key, globalSections)))
			continue
		}
		if m.Value.IsNull() {
			continue
		}
		if m.Value.Kind != document.Map {
			t.msgs.Add(diag.Errorf(m.Value.Pos, key, "the section is an object, not a %s", m.Value.Kind))
			continue
		}
		allowed := strings.Fields(globalProperties[m.Key])
		for _, p := range m.Value.Members {
			if slices.Contains(allowed, p.Key) {
				continue
			}
			hint := diag.DidYouMean(p.Key, allowed)
			if hint == "" {
				hint = "set it on each resource instead"
			}
			t.msgs.Add(diag.Errorf(p.KeyPos, key+"."+p.Key, "SAM takes no such property in Globals").WithHint("%s", hint))
		}
		t.globals["AWS::Serverless::"+m.Key] = m.Value
	}
}

// merge puts the properties of a resource over the global ones: objects
// merge, lists follow one another, and what the resource says replaces the
// rest (AWS SAM developer guide, "Overridable globals").
func merge(global, local *document.Node) *document.Node {
	if global == nil {
		return local
	}
	if local == nil {
		return global
	}
	switch {
	case intrinsic(global) || intrinsic(local) || global.Kind != local.Kind:
		return local
	case local.Kind == document.List:
		return document.Seq(local.Pos, append(append([]*document.Node(nil), global.Items...), local.Items...)...)
	case local.Kind == document.Map:
		out := document.Object(local.Pos)
		for _, m := range global.Members {
			m.Value = merge(m.Value, local.Get(m.Key))
			out.Members = append(out.Members, m)
		}
		for _, m := range local.Members {
			if global.Member(m.Key) == nil {
				out.Members = append(out.Members, m)
			}
		}
		return out
	}
	return local
}
