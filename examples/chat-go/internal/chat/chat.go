// Package chat keeps the room: a table of open connections, and messages
// posted to every one of them.
package chat

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Room is what a function needs to serve one chat room.
type Room struct {
	table  string
	config aws.Config
	tables *dynamodb.Client
}

// Open reads the function's environment.
func Open(ctx context.Context) (*Room, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return &Room{table: os.Getenv("CONNECTIONS_TABLE"), config: cfg, tables: dynamodb.NewFromConfig(cfg)}, nil
}

// Join remembers a connection.
func (r *Room) Join(ctx context.Context, connection string) error {
	_, err := r.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: key(connection)})
	return err
}

// Leave forgets a connection.
func (r *Room) Leave(ctx context.Context, connection string) error {
	_, err := r.tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table, Key: key(connection)})
	return err
}

// Send posts text to everybody in the room but the sender.
func (r *Room) Send(ctx context.Context, from events.APIGatewayWebsocketProxyRequestContext, text string) error {
	pages := dynamodb.NewScanPaginator(r.tables, &dynamodb.ScanInput{TableName: &r.table, ProjectionExpression: aws.String("connectionId")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			id := item["connectionId"].(*types.AttributeValueMemberS).Value
			if id == from.ConnectionID {
				continue
			}
			if err := r.Post(ctx, from, id, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// Post sends text to one connection; one that is gone leaves the room.
func (r *Room) Post(ctx context.Context, at events.APIGatewayWebsocketProxyRequestContext, connection, text string) error {
	client := apigatewaymanagementapi.NewFromConfig(r.config, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String("https://" + at.DomainName + "/" + at.Stage)
	})
	_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &connection, Data: []byte(text),
	})
	var gone *apitypes.GoneException
	if errors.As(err, &gone) {
		return r.Leave(ctx, connection)
	}
	return err
}

func key(connection string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"connectionId": &types.AttributeValueMemberS{Value: connection}}
}
