const AWS = require("aws-sdk");

exports.handler = async ({ requestContext, body }) => {
  const api = new AWS.ApiGatewayManagementApi({ apiVersion: "2018-11-29", endpoint: requestContext.domainName + "/" + requestContext.stage });
  await api.postToConnection({ ConnectionId: requestContext.connectionId, Data: "v2 " + JSON.parse(body).text }).promise();
  return { statusCode: 200 };
};
