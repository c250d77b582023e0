import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

export const handler = async ({ requestContext: { domainName, stage, apiId, connectionId }, body }) => {
  const { text, by } = JSON.parse(body);
  const endpoint = {
    event: `https://${domainName}/${stage}`,
    template: process.env.ENDPOINT,
    code: `https://${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com/${stage}`,
  }[by];
  await new ApiGatewayManagementApiClient({ endpoint }).send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
  return { statusCode: 200 };
};
