// Command bootstrap posts back with the second AWS SDK for Go.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

func main() {
	lambda.Start(func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		var in struct{ Text, By string }
		if err := json.Unmarshal([]byte(e.Body), &in); err != nil {
			return events.APIGatewayProxyResponse{}, err
		}
		at := e.RequestContext
		endpoint := map[string]string{
			"event":    "https://" + at.DomainName + "/" + at.Stage,
			"template": os.Getenv("ENDPOINT"),
			"code":     "https://" + at.APIID + ".execute-api." + os.Getenv("AWS_REGION") + ".amazonaws.com/" + at.Stage,
		}[in.By]
		own, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return events.APIGatewayProxyResponse{}, err
		}
		api := apigatewaymanagementapi.NewFromConfig(own, func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = &endpoint })
		_, err = api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &at.ConnectionID, Data: []byte(in.Text)})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
