// Package schema knows what may stand where in a serverless.yml, by the
// framework's configuration schema (versions 3 and 4). A key beyond that is
// said with its place, because it is a slip of the pen or belongs to something
// that is not run here.
package schema

import (
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/config"
)

// Tables map known keys to a note: why the key has no effect here, or nothing.

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

// urlKeys stand in a function's url, urlCORSKeys in its cors.
var (
	urlKeys     = words("authorizer cors invokeMode")
	urlCORSKeys = words("allowCredentials allowedHeaders allowedMethods allowedOrigins exposedResponseHeaders maxAge")
)

// eventKeys stand in the object form of events, by kind.
var eventKeys = map[string]map[string]string{
	"websocket": words("route routeKey routeResponseSelectionExpression authorizer"), // routeKey: of serverless-websockets-plugin
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

// notMade are the kinds of events whose resources Suiro does not make: the
// services behind them do not run here.
var notMade = map[string]string{
	"s3": "S3", "cloudwatchLog": "CloudWatch Logs", "cognitoUserPool": "Cognito", "alb": "Application Load Balancers",
	"alexaSkill": "Alexa", "alexaSmartHome": "Alexa", "iot": "AWS IoT", "iotFleetProvisioning": "AWS IoT", "msk": "MSK",
	"kafka": "Kafka", "activemq": "Amazon MQ", "rabbitmq": "Amazon MQ", "cloudFront": "Lambda@Edge",
}

// Missing is the service behind a kind of event for which Suiro makes no
// resources; empty for any other kind.
func Missing(kind string) string { return notMade[kind] }

// Events are all kinds of events, sorted.
func Events() []string {
	out := sortedKeys(notMade)
	for k := range eventKeys {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Check warns about keys that have no meaning at the top, in provider, in
// functions and in package. The functions are given apart, because they may be
// written as a list of files.
func Check(cfg, functions *document.Node) diag.List {
	var msgs diag.List
	plugins := map[string]bool{}
	for _, n := range config.PluginNames(cfg) {
		plugins[n.Text] = true
	}
	top := build.Overlay(cfg)
	for plugin, key := range pluginKeys {
		if plugins[plugin] {
			top.Remove(key)
		}
	}
	check(&msgs, top, "", topKeys)
	check(&msgs, cfg.Get("provider"), "provider.", providerKeys)
	check(&msgs, cfg.Get("package"), "package.", packageKeys)
	keys := functionKeys
	if plugins["serverless-iam-roles-per-function"] {
		keys = with(words("iamRoleStatements iamRoleStatementsInherit iamRoleStatementsName"), functionKeys)
	}
	for _, m := range build.Members(functions) {
		check(&msgs, m.Value, "functions."+m.Key+".", keys)
		url := m.Value.Get("url")
		check(&msgs, url, "functions."+m.Key+".url.", urlKeys)
		check(&msgs, url.Get("cors"), "functions."+m.Key+".url.cors.", urlCORSKeys)
	}
	for _, m := range build.Members(cfg.Get("layers")) {
		check(&msgs, m.Value, "layers."+m.Key+".", layerKeys)
	}
	return msgs
}

// pluginKeys are the keys at the top that a plug-in owns; where it is in use,
// the warning about the plug-in speaks for them.
var pluginKeys = map[string]string{
	"serverless-step-functions": "stepFunctions", "serverless-appsync-plugin": "appSync", "serverless-lift": "constructs",
	"serverless-fargate": "fargate",
}

var packageKeys = words("individually patterns include exclude artifact path excludeDevDependencies")

var layerKeys = words("path name description compatibleRuntimes compatibleArchitectures licenseInfo allowedAccounts retain package")

// CheckEvent warns about the keys of one event; key is where it stands.
func CheckEvent(kind string, conf *document.Node, key string) diag.List {
	var msgs diag.List
	if known := eventKeys[kind]; known != nil {
		check(&msgs, conf, key+".", known)
	}
	return msgs
}

// check warns about the keys of one object.
func check(msgs *diag.List, n *document.Node, prefix string, known map[string]string) {
	for _, m := range build.Members(n) {
		note, ok := known[m.Key]
		switch {
		case strings.HasPrefix(m.Key, "x-"): // the usual way to keep YAML anchors
		case !ok:
			msgs.Add(diag.Warningf(m.KeyPos, prefix+m.Key, "Suiro does not know this key; it has no effect").
				WithHint("%s", Nearest(m.Key, sortedKeys(known))))
		case note != "":
			msgs.Add(diag.Warningf(m.KeyPos, prefix+m.Key, "%s", note))
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

// Nearest suggests the name that was probably meant, or else lists the known
// ones where they are few.
func Nearest(name string, known []string) string {
	best, bestAt := "", len(name)/2+1
	for _, k := range known {
		if len(name) > 2 && strings.HasPrefix(strings.ToLower(k), strings.ToLower(name)) {
			return "did you mean " + k
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bestAt {
			best, bestAt = k, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best
	case len(known) <= 16:
		return "known are " + strings.Join(known, ", ")
	}
	return ""
}

// distance counts the letters to change, add or drop to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
