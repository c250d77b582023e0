import { join } from "./room.js";

export async function handler({ requestContext }) {
  await join(requestContext.connectionId);
  return { statusCode: 200 };
}
