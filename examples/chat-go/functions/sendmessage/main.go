// Command sendmessage answers {"action":"sendmessage","message":"…"}: everybody else gets the message.
package main

import (
	"context"
	"encoding/json"
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
		var in struct{ Message string }
		if err := json.Unmarshal([]byte(e.Body), &in); err != nil {
			return events.APIGatewayProxyResponse{StatusCode: 400}, nil
		}
		return events.APIGatewayProxyResponse{StatusCode: 200}, room.Send(ctx, e.RequestContext, in.Message)
	})
}
