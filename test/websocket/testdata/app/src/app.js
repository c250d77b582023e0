import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

// The test reads the events in the log; bodies may be long.
const shown = (key, value) => (key === "body" && value.length > 200 ? value.slice(0, 200) : value);

export async function handler(event) {
  console.log("EVENT " + JSON.stringify(event, shown));
  switch (event.requestContext.routeKey) {
    case "$connect":
      return connect(event);
    case "$disconnect":
      return { statusCode: 200 };
  }
  return act(event, read(event.body));
}

function read(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

async function post({ domainName, stage }, to, text) {
  const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
  await client.send(new PostToConnectionCommand({ ConnectionId: to, Data: text }));
}

async function connect({ requestContext, queryStringParameters }) {
  switch (queryStringParameters?.as) {
    case "refused":
      return { statusCode: 401, body: "no entry" };
    case "thrown":
      throw new Error("as asked");
    case "empty":
      return {};
    case "chat":
      return { statusCode: 200, headers: { "Sec-WebSocket-Protocol": "chat" } };
    case "posting":
      try {
        await post(requestContext, requestContext.connectionId, "too early");
        console.log("POSTED");
      } catch (e) {
        const { statusCode, headers } = e.$response ?? {};
        console.log("POSTED " + JSON.stringify({ name: e.name, status: statusCode, type: headers?.["x-amzn-errortype"], length: headers?.["content-length"] }));
      }
  }
  return { statusCode: 200 };
}

async function act(event, message) {
  const { routeKey, connectionId } = event.requestContext;
  switch (message.do) {
    case "throw":
      throw new Error("as asked");
    case "answer":
      return { statusCode: 200, body: message.text };
    case "event":
      await post(event.requestContext, connectionId, JSON.stringify(event));
      break;
    case "post":
      await post(event.requestContext, message.to, message.text);
      break;
    default:
      await post(event.requestContext, connectionId, `${routeKey} ${event.body.length} ${event.body.slice(0, 20)}`);
  }
  return { statusCode: 200 };
}
