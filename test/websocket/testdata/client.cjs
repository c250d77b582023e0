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
  open: {},
  thrown: { query: "?as=thrown" },
  empty: { query: "?as=empty" },
  "a route that throws": { send: '{"action":"oneway","do":"throw"}' },
  "no route": { send: '{"action":"x"}' },
  "two-way": { send: '{"action":"twoway","do":"answer","text":"heard"}' },
  "one-way": { send: '{"action":"oneway","do":"answer","text":"unheard"}', then: "next" },
  "128 KB in 4 frames": { fragments: ["x", "x", "x", "x"].map((x) => x.repeat(32 * 1024)) },
  "129 KB in 5 frames": { fragments: ["x", "x", "x", "x", "x"].map((x) => x.repeat(26419)) },
  "no token": {},
  "a token that is denied": { query: "?token=deny" },
  "a token that is allowed": { query: "?token=allow", send: '{"do":"event"}' },
  "no user agent": { headers: { "User-Agent": "" } },
};
const { query = "", protocols = [], headers, send, then, fragments } = cases[what];
const say = (text) => {
  console.log(text);
  process.exit(0);
};
const ws = new WebSocket(url + query, protocols, { headers });
ws.on("open", () => {
  if (fragments) return fragments.forEach((part, i) => ws.send(part, { fin: i === fragments.length - 1 }));
  if (send === undefined) return say("open " + ws.protocol);
  ws.send(send);
  if (then) ws.send(then);
});
ws.on("message", (data) => say("message " + data));
ws.on("close", (code, reason) => say(`close ${code} ${reason}`.trim()));
ws.on("error", (e) => say("error " + e.message));
ws.on("unexpected-response", (_, res) => {
  let body = "";
  res.on("data", (d) => (body += d));
  res.on("end", () => say(`status ${res.statusCode} ${body}`));
});
