// Command bootstrap posts back with the first AWS SDK for Go.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/apigatewaymanagementapi"
)

func main() {
	lambda.Start(func(_ context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		var in struct{ Text string }
		if err := json.Unmarshal([]byte(e.Body), &in); err != nil {
			return events.APIGatewayProxyResponse{}, err
		}
		api := apigatewaymanagementapi.New(session.Must(session.NewSession()),
			aws.NewConfig().WithEndpoint(e.RequestContext.DomainName+"/"+e.RequestContext.Stage))
		_, err := api.PostToConnection(&apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &e.RequestContext.ConnectionID, Data: []byte("v1 " + in.Text),
		})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
