// The AWS SDK for JavaScript v3: pieces of InvokeWithResponseStream, then
// Invoke with the log, then an error, one line of JSON each.
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_MODULES + "/x.js");
const { LambdaClient, InvokeCommand, InvokeWithResponseStreamCommand } = require("@aws-sdk/client-lambda");

const client = new LambdaClient({ endpoint: process.env.ENDPOINT, maxAttempts: 1 });
const say = (value) => console.log(JSON.stringify(value));
const stream = async (payload) => {
  const { EventStream, ExecutedVersion } = await client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: process.env.FUNCTION, Payload: JSON.stringify(payload), LogType: "Tail" }),
  );
  let text = "";
  for await (const { PayloadChunk, InvokeComplete } of EventStream) {
    if (PayloadChunk) text += Buffer.from(PayloadChunk.Payload).toString();
    if (InvokeComplete) say({ text, version: ExecutedVersion, error: InvokeComplete.ErrorCode, log: atob(InvokeComplete.LogResult ?? "").includes("END RequestId") });
  }
};
await stream({});
await stream({ then: "throw" });
const whole = await client.send(new InvokeCommand({ FunctionName: process.env.FUNCTION, Payload: "{}", LogType: "Tail" }));
say({ text: Buffer.from(whole.Payload).toString(), log: atob(whole.LogResult).includes("END RequestId") });
try {
  await client.send(new InvokeCommand({ FunctionName: "nowhere" }));
} catch (e) {
  say({ error: e.name, status: e.$metadata.httpStatusCode });
}
