import { Hono } from "hono";
import { streamHandle } from "hono/aws-lambda";
import { streamSSE } from "hono/streaming";

export const app = new Hono();

/** Counts to three, an event every two seconds, and echoes what was posted. */
app.post("/sse", async (c) => {
  const question = await c.req.text();
  return streamSSE(c, async (stream) => {
    for (let n = 1; n <= 3; n++) {
      await stream.writeSSE({ id: String(n), event: "count", data: JSON.stringify({ n, question }) });
      if (n < 3) await stream.sleep(2000);
    }
  });
});

export const handler = streamHandle(app);
