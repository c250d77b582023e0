import { leave } from "./room.js";

export async function handler({ requestContext }) {
  await leave(requestContext.connectionId);
  return { statusCode: 200 };
}
