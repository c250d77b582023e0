// Command disconnect answers $disconnect: the connection leaves the room.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/suiro-dev/suiro/examples/chat-go/internal/chat"
)

func main() {
	room, err := chat.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		return events.APIGatewayProxyResponse{StatusCode: 200}, room.Leave(ctx, e.RequestContext.ConnectionID)
	})
}
