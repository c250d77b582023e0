// Command bootstrap posts back with the first AWS SDK for Go.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/apigatewaymanagementapi"
)

func main() {
	lambda.Start(func(_ context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		var in struct{ Text, By string }
		if err := json.Unmarshal([]byte(e.Body), &in); err != nil {
			return events.APIGatewayProxyResponse{}, err
		}
		at := e.RequestContext
		endpoint := map[string]string{
			"event":    at.DomainName + "/" + at.Stage, // without a scheme, as most code of its time
			"template": os.Getenv("ENDPOINT"),
			"code":     "https://" + at.APIID + ".execute-api." + os.Getenv("AWS_REGION") + ".amazonaws.com/" + at.Stage,
		}[in.By]
		api := apigatewaymanagementapi.New(session.Must(session.NewSession()), aws.NewConfig().WithEndpoint(endpoint))
		_, err := api.PostToConnection(&apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &at.ConnectionID, Data: []byte(in.Text)})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
