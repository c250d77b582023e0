import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

// handler writes "piece 0;" and so on, and ends as ?then says.
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const { gate = "", pieces = "3", then = "end", size = "0" } = event.queryStringParameters ?? event;
  if (then === "early") throw new Error("before the first byte");
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "content-type": "text/plain", "x-runtime": "node" }, cookies: ["a=1", "b=2"] });
  for (let i = 0; i < Number(pieces); i++) {
    while (gate && !existsSync(gate + i)) await sleep(5);
    stream.write(`piece ${i};`);
  }
  const block = Buffer.alloc(1 << 20, "x");
  for (let left = Number(size); left > 0; left -= block.length) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once("drain", resolve));
  }
  if (then === "throw") throw new Error("after the first byte");
  if (then === "exit" || then === "kill") await sleep(100); // let go out what was written
  if (then === "exit") process.exit(3);
  if (then === "kill") process.kill(process.pid, "SIGKILL");
  if (then === "hang") await sleep(60000);
  if (then === "tell") writeFileSync(gate + "end", "");
  stream.end();
});
