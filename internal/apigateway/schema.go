package apigateway

import "github.com/suiro-dev/suiro/internal/resource"

// The resource types of this service.
const (
	typeAPI                 = "AWS::ApiGatewayV2::Api"
	typeRoute               = "AWS::ApiGatewayV2::Route"
	typeIntegration         = "AWS::ApiGatewayV2::Integration"
	typeIntegrationResponse = "AWS::ApiGatewayV2::IntegrationResponse"
	typeRouteResponse       = "AWS::ApiGatewayV2::RouteResponse"
	typeStage               = "AWS::ApiGatewayV2::Stage"
	typeDeployment          = "AWS::ApiGatewayV2::Deployment"
	typeAuthorizer          = "AWS::ApiGatewayV2::Authorizer"
	typeModel               = "AWS::ApiGatewayV2::Model"
	typeDomainName          = "AWS::ApiGatewayV2::DomainName"
	typeAPIMapping          = "AWS::ApiGatewayV2::ApiMapping"
	typeVpcLink             = "AWS::ApiGatewayV2::VpcLink"
	typeOverrides           = "AWS::ApiGatewayV2::ApiGatewayManagedOverrides"

	// WebSocket APIs have their keys from the older family.
	typeAPIKey       = "AWS::ApiGateway::ApiKey"
	typeUsagePlan    = "AWS::ApiGateway::UsagePlan"
	typeUsagePlanKey = "AWS::ApiGateway::UsagePlanKey"
)

// Reasons that several properties share.
const (
	whyTags  = "tags have no effect here"
	whyHTTP  = "it belongs to HTTP APIs, which are not served yet"
	whyLocal = "it has no effect on this machine"
)

func served() resource.Property   { return resource.Property{} }
func required() resource.Property { return resource.Property{Required: true} }
func accepted(why string) resource.Property {
	return resource.Property{Support: resource.Accepted, Why: why}
}
func missing(why string) resource.Property {
	return resource.Property{Support: resource.Missing, Why: why}
}

var apiSchema = resource.Schema{
	"ApiKeySelectionExpression": served(),
	"BasePath":                  missing(whyHTTP),
	"Body":                      missing(whyHTTP),
	"BodyS3Location":            missing(whyHTTP),
	"CorsConfiguration":         missing(whyHTTP),
	"CredentialsArn":            missing(whyHTTP),
	"Description":               served(),
	"DisableExecuteApiEndpoint": served(),
	"DisableSchemaValidation":   accepted("a model that cannot be read is said to be so either way"),
	"FailOnWarnings":            missing(whyHTTP),
	"IpAddressType":             accepted("endpoints listen on IPv4 and IPv6"),
	"Name":                      served(),
	"ProtocolType":              served(),
	"RouteKey":                  missing(whyHTTP),
	"RouteSelectionExpression":  served(),
	"Tags":                      accepted(whyTags),
	"Target":                    missing(whyHTTP),
	"Version":                   served(),
}

var routeSchema = resource.Schema{
	"ApiId":                            required(),
	"ApiKeyRequired":                   served(),
	"AuthorizationScopes":              accepted(whyHTTP),
	"AuthorizationType":                served(),
	"AuthorizerId":                     served(),
	"ModelSelectionExpression":         served(),
	"OperationName":                    served(),
	"RequestModels":                    served(),
	"RequestParameters":                served(),
	"RouteKey":                         required(),
	"RouteResponseSelectionExpression": served(),
	"Target":                           served(),
}

var integrationSchema = resource.Schema{
	"ApiId":                       required(),
	"ConnectionId":                missing("private integrations are called directly"),
	"ConnectionType":              served(), // see checkIntegration
	"ContentHandlingStrategy":     served(),
	"CredentialsArn":              served(),
	"Description":                 served(),
	"IntegrationMethod":           served(),
	"IntegrationSubtype":          missing(whyHTTP),
	"IntegrationType":             required(),
	"IntegrationUri":              served(),
	"PassthroughBehavior":         served(),
	"PayloadFormatVersion":        served(), // WebSocket APIs have only 1.0
	"RequestParameters":           served(),
	"RequestTemplates":            served(), // see checkIntegration
	"ResponseParameters":          missing(whyHTTP),
	"TemplateSelectionExpression": served(),
	"TimeoutInMillis":             served(),
	"TlsConfig":                   missing(whyHTTP),
}

var integrationResponseSchema = resource.Schema{
	"ApiId":                       required(),
	"ContentHandlingStrategy":     served(),
	"IntegrationId":               required(),
	"IntegrationResponseKey":      required(),
	"ResponseParameters":          served(), /* of $connect: messages have no headers */
	"ResponseTemplates":           served(), // see checkIntegrationResponse
	"TemplateSelectionExpression": served(),
}

var routeResponseSchema = resource.Schema{
	"ApiId":                    required(),
	"ModelSelectionExpression": accepted("API Gateway does not use it either"),
	"ResponseModels":           accepted("API Gateway does not validate replies either"),
	"ResponseParameters":       accepted("WebSocket messages have no headers"),
	"RouteId":                  required(),
	"RouteResponseKey":         required(),
}

var stageSchema = resource.Schema{
	"AccessLogSettings":    served(), // lines of journal.AccessLogged
	"AccessPolicyId":       accepted(whyLocal),
	"ApiId":                required(),
	"AutoDeploy":           served(),
	"ClientCertificateId":  missing("client certificates are not presented to backends"),
	"DefaultRouteSettings": served(),
	"DeploymentId":         served(),
	"Description":          served(),
	"RouteSettings":        served(),
	"StageName":            required(),
	"StageVariables":       served(),
	"Tags":                 accepted(whyTags),
}

var deploymentSchema = resource.Schema{
	"ApiId":       required(),
	"Description": served(),
	"StageName":   served(),
}

var authorizerSchema = resource.Schema{
	"ApiId":                          required(),
	"AuthorizerCredentialsArn":       served(),
	"AuthorizerPayloadFormatVersion": missing(whyHTTP),
	"AuthorizerResultTtlInSeconds":   accepted("WebSocket authorizers are never cached"),
	"AuthorizerType":                 required(),
	"AuthorizerUri":                  served(),
	"EnableSimpleResponses":          missing(whyHTTP),
	"IdentitySource":                 served(),
	"IdentityValidationExpression":   accepted("API Gateway does not use it either"),
	"JwtConfiguration":               missing(whyHTTP),
	"Name":                           required(),
}

var modelSchema = resource.Schema{
	"ApiId":       required(),
	"ContentType": served(),
	"Description": served(),
	"Name":        required(),
	"Schema":      required(),
}

var domainNameSchema = resource.Schema{
	"DomainName": required(),
	"DomainNameConfigurations": accepted("the domain answers on the API's own local port; point its name at this machine to use it" +
		", the certificate is Suiro's"),
	"MutualTlsAuthentication": missing("client certificates are not asked for"),
	"RoutingMode":             served(),
	"Tags":                    accepted(whyTags),
}

var apiMappingSchema = resource.Schema{
	"ApiId":         required(),
	"ApiMappingKey": served(),
	"DomainName":    required(),
	"Stage":         required(),
}

var vpcLinkSchema = resource.Schema{
	"Name":             required(),
	"SecurityGroupIds": accepted(whyLocal),
	"SubnetIds":        {Required: true, Support: resource.Accepted, Why: whyLocal},
	"Tags":             accepted(whyTags),
}

var overridesSchema = resource.Schema{
	"ApiId":       required(),
	"Integration": missing(whyHTTP),
	"Route":       missing(whyHTTP),
	"Stage":       missing(whyHTTP),
}

var apiKeySchema = resource.Schema{
	"CustomerId":         accepted(whyLocal),
	"Description":        served(),
	"Enabled":            served(),
	"GenerateDistinctId": served(), // ids are distinct either way
	"Name":               served(),
	"StageKeys":          accepted("usage plans say where a key is good"),
	"Tags":               accepted(whyTags),
	"Value":              served(),
}

var usagePlanSchema = resource.Schema{
	"ApiStages":          served(),
	"ApiStages.ApiId":    served(),
	"ApiStages.Stage":    served(),
	"ApiStages.Throttle": missing("a plan's throttle counts for the whole plan, not for a route"),
	"Description":        served(),
	"Quota":              served(),
	"Tags":               accepted(whyTags),
	"Throttle":           served(),
	"UsagePlanName":      served(),
}

var usagePlanKeySchema = resource.Schema{
	"KeyId":       required(),
	"KeyType":     required(),
	"UsagePlanId": required(),
}
