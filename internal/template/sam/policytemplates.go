package sam

// policyTemplates is the published list. The templates for CodeCommit, which
// AWS lists action by action, are kept short.
var policyTemplates = map[string]policyTemplate{
	"AMIDescribePolicy": {[]grant{
		{service: "ec2", actions: "DescribeImages", resources: "*"},
	}},
	"AWSSecretsManagerGetSecretValuePolicy": {[]grant{
		{service: "secretsmanager", actions: "GetSecretValue", resources: "${SecretArn}"},
	}},
	"AWSSecretsManagerRotationPolicy": {[]grant{
		{service: "secretsmanager", actions: "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage", resources: "secret:*", where: [3]string{"StringEquals", "secretsmanager:resource/AllowRotationLambdaArn", "lambda function:${FunctionName}"}},
		{service: "secretsmanager", actions: "GetRandomPassword", resources: "*"},
	}},
	"AcmGetCertificatePolicy": {[]grant{
		{service: "acm", actions: "GetCertificate", resources: "${CertificateArn}"},
	}},
	"AthenaQueryPolicy": {[]grant{
		{service: "athena", actions: `ListWorkGroups GetExecutionEngine GetExecutionEngines GetNamespace GetCatalogs GetNamespaces
		GetTables GetTable`, resources: "*"},
		{service: "athena", actions: `StartQueryExecution GetQueryResults DeleteNamedQuery GetNamedQuery ListQueryExecutions
		StopQueryExecution GetQueryResultsStream ListNamedQueries CreateNamedQuery GetQueryExecution
		BatchGetNamedQuery BatchGetQueryExecution GetWorkGroup`, resources: "workgroup/${WorkGroupName}"},
	}},
	"CloudFormationDescribeStacksPolicy": {[]grant{
		{service: "cloudformation", actions: "DescribeStacks", resources: "stack/*"},
	}},
	"CloudWatchDashboardPolicy": {[]grant{
		{service: "cloudwatch", actions: "GetDashboard ListDashboards PutDashboard ListMetrics", resources: "*"},
	}},
	"CloudWatchDescribeAlarmHistoryPolicy": {[]grant{
		{service: "cloudwatch", actions: "DescribeAlarmHistory", resources: "*"},
	}},
	"CloudWatchPutMetricPolicy": {[]grant{
		{service: "cloudwatch", actions: "PutMetricData", resources: "*"},
	}},
	"CodePipelineLambdaExecutionPolicy": {[]grant{
		{service: "codepipeline", actions: "PutJobSuccessResult PutJobFailureResult", resources: "*"},
	}},
	"CodePipelineReadOnlyPolicy": {[]grant{
		{service: "codepipeline", actions: "ListPipelineExecutions", resources: "${PipelineName}"},
	}},
	"ComprehendBasicAccessPolicy": {[]grant{
		{service: "comprehend", actions: `BatchDetectKeyPhrases DetectDominantLanguage DetectEntities BatchDetectEntities DetectKeyPhrases
		DetectSentiment BatchDetectDominantLanguage BatchDetectSentiment`, resources: "*"},
	}},
	"CostExplorerReadOnlyPolicy": {[]grant{
		{service: "ce", actions: `GetCostAndUsage GetDimensionValues GetReservationCoverage GetReservationPurchaseRecommendation
		GetReservationUtilization GetTags`, resources: "*"},
	}},
	"DynamoDBBackupFullAccessPolicy": {[]grant{
		{service: "dynamodb", actions: "CreateBackup DescribeContinuousBackups", resources: "table/${TableName}"},
		{service: "dynamodb", actions: "DeleteBackup DescribeBackup ListBackups", resources: "table/${TableName}/backup/*"},
	}},
	"DynamoDBCrudPolicy": {[]grant{
		{service: "dynamodb", actions: `GetItem DeleteItem PutItem Scan Query UpdateItem BatchWriteItem BatchGetItem DescribeTable
		ConditionCheckItem`, resources: "table/${TableName} table/${TableName}/index/*"},
	}},
	"DynamoDBReadPolicy": {[]grant{
		{service: "dynamodb", actions: "GetItem Scan Query BatchGetItem DescribeTable", resources: "table/${TableName} table/${TableName}/index/*"},
	}},
	"DynamoDBReconfigurePolicy": {[]grant{
		{service: "dynamodb", actions: "UpdateTable", resources: "table/${TableName}"},
	}},
	"DynamoDBRestoreFromBackupPolicy": {[]grant{
		{service: "dynamodb", actions: "RestoreTableFromBackup", resources: "table/${TableName}/backup/*"},
		{service: "dynamodb", actions: "PutItem UpdateItem DeleteItem GetItem Query Scan BatchWriteItem", resources: "table/${TableName}"},
	}},
	"DynamoDBStreamReadPolicy": {[]grant{
		{service: "dynamodb", actions: "DescribeStream GetRecords GetShardIterator", resources: "table/${TableName}/stream/${StreamName}"},
		{service: "dynamodb", actions: "ListStreams", resources: "table/${TableName}/stream/*"},
	}},
	"DynamoDBWritePolicy": {[]grant{
		{service: "dynamodb", actions: "PutItem UpdateItem BatchWriteItem", resources: "table/${TableName} table/${TableName}/index/*"},
	}},
	"EC2CopyImagePolicy": {[]grant{
		{service: "ec2", actions: "CopyImage", resources: "image/${ImageId}"},
	}},
	"EC2DescribePolicy": {[]grant{
		{service: "ec2", actions: "DescribeRegions DescribeInstances", resources: "*"},
	}},
	"EFSWriteAccessPolicy": {[]grant{
		{service: "elasticfilesystem", actions: "ClientMount ClientWrite", resources: "file-system/${FileSystem}", where: [3]string{"StringEquals", "elasticfilesystem:AccessPointArn", "elasticfilesystem access-point/${AccessPoint}"}},
	}},
	"EKSDescribePolicy": {[]grant{
		{service: "eks", actions: "DescribeCluster ListClusters", resources: "*"},
	}},
	"EcsRunTaskPolicy": {[]grant{
		{service: "ecs", actions: "RunTask", resources: "task-definition/${TaskDefinition}"},
	}},
	"ElasticMapReduceAddJobFlowStepsPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "AddJobFlowSteps", resources: "cluster/${ClusterId}"},
	}},
	"ElasticMapReduceCancelStepsPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "CancelSteps", resources: "cluster/${ClusterId}"},
	}},
	"ElasticMapReduceModifyInstanceFleetPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "ModifyInstanceFleet ListInstanceFleets", resources: "cluster/${ClusterId}"},
	}},
	"ElasticMapReduceModifyInstanceGroupsPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "ModifyInstanceGroups ListInstanceGroups", resources: "cluster/${ClusterId}"},
	}},
	"ElasticMapReduceSetTerminationProtectionPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "SetTerminationProtection", resources: "cluster/${ClusterId}"},
	}},
	"ElasticMapReduceTerminateJobFlowsPolicy": {[]grant{
		{service: "elasticmapreduce", actions: "TerminateJobFlows", resources: "cluster/${ClusterId}"},
	}},
	"ElasticsearchHttpPostPolicy": {[]grant{
		{service: "es", actions: "ESHttpPost ESHttpPut", resources: "domain/${DomainName}/*"},
	}},
	"EventBridgePutEventsPolicy": {[]grant{
		{service: "events", actions: "PutEvents", resources: "event-bus/${EventBusName}"},
	}},
	"FilterLogEventsPolicy": {[]grant{
		{service: "logs", actions: "FilterLogEvents", resources: "log-group:${LogGroupName}:log-stream:*"},
	}},
	"FirehoseCrudPolicy": {[]grant{
		{service: "firehose", actions: `CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream PutRecord PutRecordBatch
		UpdateDestination`, resources: "deliverystream/${DeliveryStreamName}"},
	}},
	"FirehoseWritePolicy": {[]grant{
		{service: "firehose", actions: "PutRecord PutRecordBatch", resources: "deliverystream/${DeliveryStreamName}"},
	}},
	"KMSDecryptPolicy": {[]grant{
		{service: "kms", actions: "Decrypt", resources: "key/${KeyId}"},
	}},
	"KMSEncryptPolicy": {[]grant{
		{service: "kms", actions: "Encrypt", resources: "key/${KeyId}"},
	}},
	"KMSEncryptPolicy_v2": {[]grant{
		{service: "kms", actions: `Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair
		GenerateDataKeyPairWithoutPlaintext`, resources: "key/${KeyId}"},
	}},
	"KinesisCrudPolicy": {[]grant{
		{service: "kinesis", actions: `AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream DescribeStream
		DescribeStreamSummary GetShardIterator IncreaseStreamRetentionPeriod ListTagsForStream MergeShards
		PutRecord PutRecords SplitShard RemoveTagsFromStream`, resources: "stream/${StreamName}"},
	}},
	"KinesisStreamReadPolicy": {[]grant{
		{service: "kinesis", actions: "ListStreams DescribeLimits", resources: "stream/*"},
		{service: "kinesis", actions: "DescribeStream DescribeStreamSummary GetRecords GetShardIterator", resources: "stream/${StreamName}"},
	}},
	"LambdaInvokePolicy": {[]grant{
		{service: "lambda", actions: "InvokeFunction", resources: "function:${FunctionName}*"},
	}},
	"MobileAnalyticsWriteOnlyAccessPolicy": {[]grant{
		{service: "mobileanalytics", actions: "PutEvents", resources: "*"},
	}},
	"OrganizationsListAccountsPolicy": {[]grant{
		{service: "organizations", actions: "ListAccounts", resources: "*"},
	}},
	"PinpointEndpointAccessPolicy": {[]grant{
		{service: "mobiletargeting", actions: "GetEndpoint UpdateEndpoint UpdateEndpointsBatch", resources: "apps/${PinpointApplicationId}/endpoints/*"},
	}},
	"PollyFullAccessPolicy": {[]grant{
		{service: "polly", actions: "GetLexicon DeleteLexicon", resources: "lexicon/${LexiconName}"},
		{service: "polly", actions: "DescribeVoices ListLexicons PutLexicon SynthesizeSpeech", resources: "lexicon/*"},
	}},
	"RekognitionDetectOnlyPolicy": {[]grant{
		{service: "rekognition", actions: "DetectFaces DetectLabels DetectModerationLabels DetectText", resources: "*"},
	}},
	"RekognitionFacesManagementPolicy": {[]grant{
		{service: "rekognition", actions: "IndexFaces DeleteFaces SearchFaces SearchFacesByImage ListFaces", resources: "collection/${CollectionId}"},
	}},
	"RekognitionFacesPolicy": {[]grant{
		{service: "rekognition", actions: "CompareFaces DetectFaces", resources: "*"},
	}},
	"RekognitionLabelsPolicy": {[]grant{
		{service: "rekognition", actions: "DetectLabels DetectModerationLabels", resources: "*"},
	}},
	"RekognitionNoDataAccessPolicy": {[]grant{
		{service: "rekognition", actions: "CompareFaces DetectFaces DetectLabels DetectModerationLabels", resources: "collection/${CollectionId}"},
	}},
	"RekognitionReadPolicy": {[]grant{
		{service: "rekognition", actions: "ListCollections ListFaces SearchFaces SearchFacesByImage", resources: "collection/${CollectionId}"},
	}},
	"RekognitionWriteOnlyAccessPolicy": {[]grant{
		{service: "rekognition", actions: "CreateCollection IndexFaces", resources: "collection/${CollectionId}"},
	}},
	"Route53ChangeResourceRecordSetsPolicy": {[]grant{
		{service: "route53", actions: "ChangeResourceRecordSets", resources: ":::hostedzone/${HostedZoneId}"},
	}},
	"S3CrudPolicy": {[]grant{
		{service: "s3", actions: `GetObject ListBucket GetBucketLocation GetObjectVersion PutObject PutObjectAcl
		GetLifecycleConfiguration PutLifecycleConfiguration DeleteObject`, resources: ":::${BucketName} :::${BucketName}/*"},
	}},
	"S3FullAccessPolicy": {[]grant{
		{service: "s3", actions: `GetObject GetObjectAcl GetObjectVersion PutObject PutObjectAcl DeleteObject DeleteObjectTagging
		DeleteObjectVersionTagging GetObjectTagging GetObjectVersionTagging PutObjectTagging
		PutObjectVersionTagging`, resources: ":::${BucketName}/*"},
		{service: "s3", actions: "ListBucket GetBucketLocation GetLifecycleConfiguration PutLifecycleConfiguration", resources: ":::${BucketName}"},
	}},
	"S3ReadPolicy": {[]grant{
		{service: "s3", actions: "GetObject ListBucket GetBucketLocation GetObjectVersion GetLifecycleConfiguration", resources: ":::${BucketName} :::${BucketName}/*"},
	}},
	"S3WritePolicy": {[]grant{
		{service: "s3", actions: "PutObject PutObjectAcl PutLifecycleConfiguration", resources: ":::${BucketName} :::${BucketName}/*"},
	}},
	"SESBulkTemplatedCrudPolicy": {[]grant{
		{service: "ses", actions: `GetIdentityVerificationAttributes SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail
		VerifyEmailIdentity`, resources: "identity/${IdentityName}"},
	}},
	"SESBulkTemplatedCrudPolicy_v2": {[]grant{
		{service: "ses", actions: "SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail", resources: "identity/${IdentityName} template/${TemplateName}"},
		{service: "ses", actions: "GetIdentityVerificationAttributes VerifyEmailIdentity", resources: "*"},
	}},
	"SESCrudPolicy": {[]grant{
		{service: "ses", actions: "GetIdentityVerificationAttributes SendEmail SendRawEmail VerifyEmailIdentity", resources: "identity/${IdentityName}"},
	}},
	"SESEmailTemplateCrudPolicy": {[]grant{
		{service: "ses", actions: "CreateTemplate GetTemplate ListTemplates UpdateTemplate DeleteTemplate TestRenderTemplate", resources: "*"},
	}},
	"SESSendBouncePolicy": {[]grant{
		{service: "ses", actions: "SendBounce", resources: "identity/${IdentityName}"},
	}},
	"SNSCrudPolicy": {[]grant{
		{service: "sns", actions: "ListSubscriptionsByTopic CreateTopic SetTopicAttributes Subscribe Publish", resources: "${TopicName}*"},
	}},
	"SNSPublishMessagePolicy": {[]grant{
		{service: "sns", actions: "Publish", resources: "${TopicName}"},
	}},
	"SQSPollerPolicy": {[]grant{
		{service: "sqs", actions: `ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch
		GetQueueAttributes ReceiveMessage`, resources: "${QueueName}"},
	}},
	"SQSSendMessagePolicy": {[]grant{
		{service: "sqs", actions: "SendMessage*", resources: "${QueueName}"},
	}},
	"SSMParameterReadPolicy": {[]grant{
		{service: "ssm", actions: "DescribeParameters", resources: "*"},
		{service: "ssm", actions: "GetParameters GetParameter GetParametersByPath", resources: "parameter/${ParameterName}"},
	}},
	"SSMParameterWithSlashPrefixReadPolicy": {[]grant{
		{service: "ssm", actions: "DescribeParameters", resources: "*"},
		{service: "ssm", actions: "GetParameters GetParameter GetParametersByPath", resources: "parameter${ParameterName}"},
	}},
	"SageMakerCreateEndpointConfigPolicy": {[]grant{
		{service: "sagemaker", actions: "CreateEndpointConfig", resources: "endpoint-config/${EndpointConfigName}"},
	}},
	"SageMakerCreateEndpointPolicy": {[]grant{
		{service: "sagemaker", actions: "CreateEndpoint", resources: "endpoint/${EndpointName}"},
	}},
	"ServerlessRepoReadWriteAccessPolicy": {[]grant{
		{service: "serverlessrepo", actions: `CreateApplication CreateApplicationVersion UpdateApplication GetApplication ListApplications
		ListApplicationVersions ListApplicationDependencies`, resources: "applications/*"},
	}},
	"StepFunctionsCallbackPolicy": {[]grant{
		{service: "states", actions: "SendTaskFailure SendTaskHeartbeat SendTaskSuccess", resources: "stateMachine:${StateMachineName}"},
	}},
	"StepFunctionsExecutionPolicy": {[]grant{
		{service: "states", actions: "StartExecution", resources: "stateMachine:${StateMachineName}"},
	}},
	"StepFunctionsExecutionPolicy_v2": {[]grant{
		{service: "states", actions: "StartExecution StartSyncExecution", resources: "stateMachine:${StateMachineName}"},
	}},
	"TextractDetectAnalyzePolicy": {[]grant{
		{service: "textract", actions: "DetectDocumentText StartDocumentTextDetection StartDocumentAnalysis AnalyzeDocument", resources: "*"},
	}},
	"TextractGetResultPolicy": {[]grant{
		{service: "textract", actions: "GetDocumentTextDetection GetDocumentAnalysis", resources: "*"},
	}},
	"TextractPolicy": {[]grant{
		{service: "textract", actions: "*", resources: "*"},
	}},
	"VPCAccessPolicy": {[]grant{
		{service: "ec2", actions: `CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DetachNetworkInterface`, resources: "*"},
	}},
	"CodeCommitCrudPolicy": {[]grant{
		{service: "codecommit", actions: "*", resources: "${RepositoryName}"},
	}},
	"CodeCommitReadPolicy": {[]grant{
		{service: "codecommit", actions: "BatchDescribe* BatchGet* Describe* Get* GitPull List* TestRepositoryTriggers", resources: "${RepositoryName}"},
	}},
}
