const AWS = require("aws-sdk");

exports.handler = async ({ requestContext: { domainName, stage, apiId, connectionId }, body }) => {
  const { text, by } = JSON.parse(body);
  const endpoint = {
    event: domainName + "/" + stage, // without a scheme, as most code of its time
    template: process.env.ENDPOINT,
    code: `https://${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com/${stage}`,
  }[by];
  const api = new AWS.ApiGatewayManagementApi({ apiVersion: "2018-11-29", endpoint });
  await api.postToConnection({ ConnectionId: connectionId, Data: text }).promise();
  return { statusCode: 200 };
};
