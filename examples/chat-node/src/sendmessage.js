import { connections, post } from "./room.js";

// Everybody else in the room gets the message.
export async function handler({ requestContext, body }) {
  const { message } = JSON.parse(body);
  for await (const id of connections()) {
    if (id !== requestContext.connectionId) await post(requestContext, id, String(message));
  }
  return { statusCode: 200 };
}
