import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

// The page tells of each piece as it arrives, by fetch and by EventSource.
const page = `<!doctype html><meta charset="utf-8"><title>pieces</title><ul></ul><script type="module">
const tell = (id) => document.querySelector("ul").insertAdjacentHTML("beforeend", '<li id="' + id + '">' + id);
const gate = new URLSearchParams(location.search).get("gate");
const source = new EventSource("/events?gate=" + gate + "-sse");
let heard = 0;
source.onmessage = (e) => { if (e.data === "piece " + heard) tell("sse-" + heard++); };
source.addEventListener("end", () => { source.close(); tell("sse-end"); });
const response = await fetch("/pieces?gate=" + gate + "-fetch");
const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
let text = "", told = 0;
for (let next = await reader.read(); !next.done; next = await reader.read()) {
  text += next.value;
  while (text.includes("data: piece " + told + "\\n\\n")) tell("fetch-" + told++);
}
tell("fetch-end");
tell("over-" + performance.getEntriesByType("resource").find((e) => e.name.includes("/pieces")).nextHopProtocol.replace(/[^a-z0-9]/g, ""));
</script>`;

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const start = (type) => awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: { "content-type": type, "cache-control": "no-cache" } });
  const gate = event.queryStringParameters?.gate;
  if (event.rawPath === "/page") {
    stream = start("text/html");
    stream.write(page);
    stream.end();
    return;
  }
  stream = start("text/event-stream");
  for (let i = 0; i < 3; i++) {
    while (!existsSync(`${gate}${i}`)) await sleep(5);
    stream.write(`data: piece ${i}\n\n`);
  }
  stream.write("event: end\ndata: .\n\n");
  stream.end();
});
