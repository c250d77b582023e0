package iam

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/arn"
)

const logsWrite = "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"

// awsPolicies are the policies that AWS manages and apps use, by name: the
// actions they allow on every resource (AWS Managed Policy Reference). Of
// policies that also reach into services that Suiro does not run, only what
// can be asked of Suiro is listed.
var awsPolicies = map[string]string{
	"AdministratorAccess": "*",

	"AWSLambdaBasicExecutionRole":     logsWrite,
	"AWSLambdaVPCAccessExecutionRole": logsWrite + " ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses",
	"AWSLambdaENIManagementAccess":    "ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses",
	"AWSLambdaDynamoDBExecutionRole":  logsWrite + " dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams",
	"AWSLambdaInvocation-DynamoDB":    "lambda:InvokeFunction dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams",
	"AWSLambdaKinesisExecutionRole":   logsWrite + " kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards kinesis:ListStreams kinesis:SubscribeToShard",
	"AWSLambdaSQSQueueExecutionRole":  logsWrite + " sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes",
	"AWSLambdaExecute":                "logs:* s3:GetObject s3:PutObject",
	"AWSLambdaRole":                   "lambda:InvokeFunction",
	"AWSLambda_FullAccess":            "lambda:* logs:DescribeLogGroups logs:DescribeLogStreams logs:FilterLogEvents states:DescribeStateMachine states:ListStateMachines tag:GetResources xray:GetTraceSummaries xray:BatchGetTraces",
	"AWSLambda_ReadOnlyAccess":        "lambda:Get* lambda:List* logs:DescribeLogGroups logs:DescribeLogStreams logs:FilterLogEvents",

	"AmazonDynamoDBFullAccess":     "dynamodb:* dax:*",
	"AmazonDynamoDBFullAccess_v2":  "dynamodb:* dax:*",
	"AmazonDynamoDBReadOnlyAccess": "dynamodb:BatchGetItem dynamodb:Describe* dynamodb:Get* dynamodb:List* dynamodb:PartiQLSelect dynamodb:Query dynamodb:Scan",

	"AmazonAPIGatewayInvokeFullAccess":                      "execute-api:Invoke execute-api:ManageConnections",
	"AmazonAPIGatewayAdministrator":                         "apigateway:*",
	"AmazonAPIGatewayPushToCloudWatchLogs":                  "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams logs:PutLogEvents logs:GetLogEvents logs:FilterLogEvents",
	"AWSAppSyncInvokeFullAccess":                            "appsync:GraphQL appsync:GetGraphqlApi appsync:ListGraphqlApis appsync:ListApiKeys",
	"AWSAppSyncAdministrator":                               "appsync:*",
	"AWSAppSyncPushToCloudWatchLogs":                        logsWrite,
	"AWSXRayDaemonWriteAccess":                              "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets xray:GetSamplingStatisticSummaries",
	"AWSXrayWriteOnlyAccess":                                "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets xray:GetSamplingStatisticSummaries",
	"AWSXrayFullAccess":                                     "xray:*",
	"CloudWatchLogsFullAccess":                              "logs:*",
	"CloudWatchAgentServerPolicy":                           "cloudwatch:PutMetricData logs:PutLogEvents logs:PutRetentionPolicy logs:DescribeLogStreams logs:DescribeLogGroups logs:CreateLogStream logs:CreateLogGroup xray:PutTraceSegments xray:PutTelemetryRecords",
	"AmazonSSMReadOnlyAccess":                               "ssm:Describe* ssm:Get* ssm:List*",
	"AmazonSSMFullAccess":                                   "ssm:*",
	"AmazonS3FullAccess":                                    "s3:* s3-object-lambda:*",
	"AmazonS3ReadOnlyAccess":                                "s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*",
	"AmazonSQSFullAccess":                                   "sqs:*",
	"AmazonSNSFullAccess":                                   "sns:*",
	"AmazonEventBridgeFullAccess":                           "events:* schemas:* scheduler:* pipes:*",
	"AmazonKinesisFullAccess":                               "kinesis:*",
	"AmazonSESFullAccess":                                   "ses:*",
	"AmazonBedrockFullAccess":                               "bedrock:*",
	"AmazonCognitoPowerUser":                                "cognito-identity:* cognito-idp:* cognito-sync:*",
	"AmazonCognitoReadOnly":                                 "cognito-identity:Describe* cognito-identity:Get* cognito-identity:List* cognito-idp:Describe* cognito-idp:AdminGet* cognito-idp:AdminList* cognito-idp:List* cognito-idp:Get*",
	"AWSStepFunctionsFullAccess":                            "states:*",
	"SecretsManagerReadWrite":                               "secretsmanager:* kms:DescribeKey kms:ListAliases kms:ListKeys",
	"CloudWatchLambdaInsightsExecutionRolePolicy":           logsWrite,
	"CloudWatchLambdaApplicationSignalsExecutionRolePolicy": logsWrite + " xray:PutTraceSegments",
}

// notActions are the AWS policies that allow all but some actions.
var notActions = map[string]string{
	"PowerUserAccess": "iam:* organizations:* account:*",
}

// awsManaged finds a policy that AWS manages by its ARN.
func awsManaged(policyARN string) (Policy, bool) {
	a, err := arn.Parse(policyARN)
	if err != nil || a.AccountID != "aws" {
		return Policy{}, false
	}
	name := lastSegment(a.Resource)
	actions, ok := awsPolicies[name]
	if !ok {
		actions, ok = notActions[name]
	}
	_, negated := notActions[name]
	return Policy{Name: name, Statements: []Statement{{
		Allow: true, Actions: strings.Fields(strings.ToLower(actions)), NotActions: negated, Resources: []string{"*"},
	}}}, ok
}
