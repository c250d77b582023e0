// A client of npm's ws: node client.cjs URL CASE prints what happened.
const WebSocket = require("ws");

const [url, what] = process.argv.slice(2);
const cases = {
  echo: { send: "hello" },
  refused: { query: "?as=refused" },
  "subprotocol chosen": { query: "?as=chat", protocols: ["chat", "other"] },
  "subprotocol not chosen": { protocols: ["chat"] },
  binary: { send: Buffer.from("binary") },
  "33 KB": { send: "x".repeat(33 * 1024) },
};
const { query = "", protocols = [], send } = cases[what];
const say = (text) => {
  console.log(text);
  process.exit(0);
};
const ws = new WebSocket(url + query, protocols);
ws.on("open", () => (send === undefined ? say("open " + ws.protocol) : ws.send(send)));
ws.on("message", (data) => say("message " + data));
ws.on("close", (code, reason) => say(`close ${code} ${reason}`.trim()));
ws.on("error", (e) => say("error " + e.message));
ws.on("unexpected-response", (_, res) => {
  let body = "";
  res.on("data", (d) => (body += d));
  res.on("end", () => say(`status ${res.statusCode} ${body}`));
});
