const AWS = require("aws-sdk");

exports.handler = async ({ requestContext, body }) => {
  const api = new AWS.ApiGatewayManagementApi({ apiVersion: "2018-11-29", endpoint: requestContext.domainName + "/" + requestContext.stage });
  const { text, host } = JSON.parse(body);
  if (host) api.endpoint = new AWS.Endpoint(`https://${requestContext.apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com/${requestContext.stage}`);
  await api.postToConnection({ ConnectionId: requestContext.connectionId, Data: "v2 " + text }).promise();
  return { statusCode: 200 };
};
