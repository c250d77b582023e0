import { post } from "./room.js";

const help = 'send {"action":"sendmessage","message":"hello"}';

export async function handler({ requestContext }) {
  await post(requestContext, requestContext.connectionId, help);
  return { statusCode: 200 };
}
