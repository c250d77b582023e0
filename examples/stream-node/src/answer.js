import { setTimeout as sleep } from "node:timers/promises";
import { words } from "./model.js";

// Answers POST {"prompt": "…"} with plain text, each word as soon as it is
// known. Put a call to a real model in the place of words().
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const prompt = promptOf(event);
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: prompt ? 200 : 400,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
  if (!prompt) {
    stream.write('send {"prompt": "…"} as JSON\n'); // status and headers go out with a write, not with end
    stream.end();
    return;
  }
  for (const word of words(prompt)) {
    stream.write(word);
    await sleep(60);
  }
  stream.end();
});

function promptOf(event) {
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  try {
    const { prompt } = JSON.parse(body ?? "");
    return typeof prompt === "string" ? prompt.trim() : "";
  } catch {
    return "";
  }
}
