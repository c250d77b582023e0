package serverless

import (
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// What may stand where, by the framework's configuration schema (versions 3
// and 4). A key beyond these is said, because it is a slip of the pen or
// belongs to something that is not run here. A value says why a known key has
// no effect here.

// words makes a table of keys without notes.
func words(s string) map[string]string {
	m := map[string]string{}
	for _, w := range strings.Fields(s) {
		m[w] = ""
	}
	return m
}

// with adds keys with notes to a table.
func with(m map[string]string, notes map[string]string) map[string]string {
	for k, v := range notes {
		m[k] = v
	}
	return m
}

// topKeys stand at the top of the file.
var topKeys = with(words(`service provider functions resources custom plugins package params stages layers useDotenv build
	frameworkVersion configValidationMode deprecationNotificationMode disabledDeprecations variablesResolutionMode
	app org licenseKey tenant dashboard console projectDir unresolvedVariablesNotificationMode enableLegacyDeploymentBucket`),
	map[string]string{
		"outputs":        "outputs of Serverless Compose have no effect here",
		"state":          "the state of Serverless Compose has no effect here",
		"variableSyntax": "another syntax for variables ended with version 2 of the framework",
		"appSync":        "Suiro does not make the GraphQL API of appSync",
		"stepFunctions":  "Suiro does not make the state machines of stepFunctions",
	})

// providerKeys stand under provider. Those about deployment (notificationArns,
// rollbackConfiguration and the like) have nothing to act on here.
var providerKeys = with(words(`name runtime stage region profile stackName stackTags tags memorySize timeout environment
	architecture apiGateway apiName endpointType vpcEndpointIds deploymentBucket deploymentPrefix
	deploymentMethod disableRollback ecr eventBridge httpApi iam iamManagedPolicies iamRoleStatements role rolePermissionsBoundary
	cfnRole cfLogs kmsKeyArn kinesis lambdaHashingVersion layers logRetentionInDays logDataProtectionPolicy logs notificationArns
	resolver rollbackConfiguration runtimeManagement stackParameters stackPolicy tracing versionFunctions vpc
	websocket websocketsApiName websocketsApiRouteSelectionExpression websocketsDescription build enableLegacyDeploymentBucket
	domain domains codeStorageMode`),
	map[string]string{
		"alb":               "Suiro has no Application Load Balancers",
		"cloudFront":        "Suiro does not make the distribution of cloudFront events",
		"s3":                "Suiro has no S3; the buckets are not made",
		"capacityProviders": "Suiro does not use capacity providers",
		"apiKeys":           "it stands under provider.apiGateway since version 3 of the framework",
		"usagePlan":         "it stands under provider.apiGateway since version 3 of the framework",
		"resourcePolicy":    "it stands under provider.apiGateway since version 3 of the framework",
	})

// functionKeys stand in a function.
var functionKeys = with(words(`handler image name runtime memorySize timeout environment events package layers architecture
	description tags role iam url condition dependsOn destinations disableLogs ephemeralStorageSize fileSystemConfig kmsKeyArn
	awsKmsKeyArn logRetentionInDays logDataProtectionPolicy logs maximumEventAge maximumRetryAttempts onError
	provisionedConcurrency reservedConcurrency runtimeManagement snapStart tenancy tracing versionFunction vpc httpApi build
	recursiveLoop warmup`),
	map[string]string{
		"durableConfig":    "Suiro does not run durable functions; the function runs as an ordinary one",
		"capacityProvider": "Suiro does not use capacity providers",
	})

// eventKeys stand in the object form of events, by kind.
var eventKeys = map[string]map[string]string{
	"websocket": words("route routeResponseSelectionExpression authorizer"),
	"httpApi":   words("method path authorizer"),
	"http": words(`path method cors private authorizer integration async request response operationId connectionId connectionType
		timeoutInMillis documentation`),
	"schedule": words("rate enabled name description input inputPath inputTransformer method timezone Ref Fn::Sub Fn::Join"),
	"stream": words(`arn type batchSize batchWindow startingPosition startingPositionTimestamp enabled consumer destinations
		functionResponseType filterPatterns parallelizationFactor maximumRetryAttempts bisectBatchOnFunctionError
		maximumRecordAgeInSeconds tumblingWindowInSeconds Fn::GetAtt Fn::ImportValue Fn::Join Fn::Sub Ref`),
	"sqs": words(`arn batchSize maximumBatchingWindow enabled functionResponseType filterPatterns maximumConcurrency
		Fn::GetAtt Fn::ImportValue Fn::Join Fn::Sub Ref`),
	"sns": words(`arn topicName displayName filterPolicy filterPolicyScope redrivePolicy Fn::GetAtt Fn::ImportValue Fn::Join
		Fn::Sub Ref`),
	"eventBridge": words(`name description eventBus schedule pattern input inputPath inputTransformer retryPolicy
		deadLetterQueueArn enabled`),
	"cloudwatchEvent": words("event enabled name description input inputPath inputTransformer"),
}

// eventNames are all kinds of events.
func eventNames() []string {
	var out []string
	for k := range eventKeys {
		out = append(out, k)
	}
	for k := range notMade {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// checkKeys warns about keys that have no meaning at the top, in provider, in
// functions and in package.
func (c *compiler) checkKeys() {
	top := c.cfg
	if owned := c.pluginKeys(); len(owned) > 0 {
		top = overlaid(c.cfg)
		for _, k := range owned {
			top.Remove(k)
		}
	}
	c.check(top, "", topKeys)
	c.check(c.provider, "provider.", providerKeys)
	c.check(c.cfg.Get("package"), "package.", words("individually patterns include exclude artifact path excludeDevDependencies"))
	keys := functionKeys
	if c.pluginNamed("serverless-iam-roles-per-function") {
		keys = with(words("iamRoleStatements iamRoleStatementsInherit iamRoleStatementsName"), functionKeys)
	}
	for _, m := range members(c.foldList("functions")) {
		c.check(m.Value, "functions."+m.Key+".", keys)
	}
	for _, m := range members(c.cfg.Get("layers")) {
		c.check(m.Value, "layers."+m.Key+".", words("path name description compatibleRuntimes compatibleArchitectures licenseInfo allowedAccounts retain package"))
	}
}

// pluginKeys are the top-level keys that a plug-in in use owns; about those
// the plug-in's own warning speaks.
func (c *compiler) pluginKeys() []string {
	var out []string
	for plugin, key := range map[string]string{
		"serverless-step-functions": "stepFunctions", "serverless-appsync-plugin": "appSync", "serverless-lift": "constructs",
		"serverless-fargate": "fargate",
	} {
		if c.pluginNamed(plugin) {
			out = append(out, key)
		}
	}
	return out
}

// pluginNamed tells whether the service uses a plug-in.
func (c *compiler) pluginNamed(name string) bool {
	for _, n := range pluginNames(c.cfg) {
		if n.Text == name {
			return true
		}
	}
	return false
}

// check warns about the keys of one object.
func (c *compiler) check(n *document.Node, prefix string, known map[string]string) {
	for _, m := range members(n) {
		note, ok := known[m.Key]
		at := m.KeyPos
		if at.IsZero() {
			at = c.at(m.Value)
		}
		switch {
		case strings.HasPrefix(m.Key, "x-"): // the usual way to keep YAML anchors
		case !ok:
			c.msgs.Add(diag.Warningf(at, prefix+m.Key, "Suiro does not know this key; it has no effect").
				WithHint("%s", nearest(m.Key, sortedKeys(known))))
		case note != "":
			c.msgs.Add(diag.Warningf(at, prefix+m.Key, "%s", note))
		}
	}
}

// sortedKeys lists a table's keys.
func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// checkEventKeys warns about the keys of one event.
func (c *compiler) checkEventKeys(e event) {
	if known := eventKeys[e.kind]; known != nil {
		c.check(e.conf, e.key+".", known)
	}
}
