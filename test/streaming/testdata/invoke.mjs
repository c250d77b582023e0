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
const attempt = async (input, Command = InvokeCommand) => {
  try {
    const out = await client.send(new Command({ FunctionName: process.env.ALIASED, ...input }));
    const text = out.Payload?.length ? Buffer.from(out.Payload).toString() : undefined;
    say({ text, version: out.ExecutedVersion, status: out.StatusCode, log: atob(out.LogResult ?? "").includes("called") });
  } catch (e) {
    say({ error: e.name, status: e.$metadata.httpStatusCode });
  }
};
await attempt({ FunctionName: "nowhere" });
await attempt({ Qualifier: "live", LogType: "Tail" });
await attempt({ FunctionName: process.env.ALIASED + ":1" });
await attempt({ Qualifier: "$LATEST" });
await attempt({ InvocationType: "DryRun", Qualifier: "live" });
await attempt({ InvocationType: "Event", Payload: "{}" });
await attempt({ Qualifier: "live" }, InvokeWithResponseStreamCommand);
await attempt({ FunctionName: process.env.ALIASED + ":live", Qualifier: "1" });
await attempt({ Qualifier: "gone" });
await attempt({ Payload: "{" });
await attempt({ Payload: `"${"x".repeat(6291455)}"` });
