// The room: a table of open connections, and messages posted to them.
// The AWS SDK comes with the Lambda runtime.
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, paginateScan, PutCommand } from "@aws-sdk/lib-dynamodb";

const TableName = process.env.CONNECTIONS_TABLE;
const tables = DynamoDBDocumentClient.from(new DynamoDBClient());

export const join = (connectionId) => tables.send(new PutCommand({ TableName, Item: { connectionId } }));

export const leave = (connectionId) => tables.send(new DeleteCommand({ TableName, Key: { connectionId } }));

export async function* connections() {
  for await (const page of paginateScan({ client: tables }, { TableName, ProjectionExpression: "connectionId" })) {
    for (const { connectionId } of page.Items) yield connectionId;
  }
}

// Posts text to one connection; one that is gone leaves the room.
export async function post({ domainName, stage }, connectionId, text) {
  const api = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  try {
    await api.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
  } catch (error) {
    if (error.name !== "GoneException") throw error;
    await leave(connectionId);
  }
}
