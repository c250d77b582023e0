import { createHash, createHmac } from "node:crypto";
import https from "node:https";
import tls from "node:tls";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

// sign is Signature Version 4 of a POST whose path has no query string.
function sign(host, path, body) {
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const headers = { host, "x-amz-date": time, "x-amz-security-token": AWS_SESSION_TOKEN };
  const names = Object.keys(headers).sort();
  // What the path has already been encoded to is encoded once more.
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const request = ["POST", encoded, "", ...names.map((n) => `${n}:${headers[n]}`), "", names.join(";"), sha256(body)].join("\n");
  const scope = [time.slice(0, 8), AWS_REGION, "execute-api", "aws4_request"];
  const key = scope.reduce(hmac, "AWS4" + AWS_SECRET_ACCESS_KEY);
  const signature = createHmac("sha256", key).update(["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(request)].join("\n")).digest("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope.join("/")}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

export const handler = async ({ requestContext: { domainName, stage, apiId, connectionId }, body }) => {
  const { text, by, form } = JSON.parse(body);
  const host = by === "event" ? domainName : `${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com`;
  const path = `/${stage}/@connections/${encodeURIComponent(connectionId)}`;
  const headers = sign(host, path, text);
  if (form === "fetch") {
    delete headers.host;
    const answer = await fetch(`https://${host}${path}`, { method: "POST", headers, body: text });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return { statusCode: 200 };
  }
  if (form === "tls") {
    const lines = [`POST ${path} HTTP/1.1`, `content-length: ${text.length}`, "connection: close", ...Object.entries(headers).map((h) => h.join(": ")), "", text];
    const socket = tls.connect(443, host, { servername: host.replace(/:.*/, "") }, () => socket.write(lines.join("\r\n")));
    for await (const chunk of socket) {
      if (!/^HTTP\/1.1 200/.test(chunk)) throw new Error(`${chunk}`);
      break;
    }
    return { statusCode: 200 };
  }
  // host is what it is on AWS, a name; here it carries a port.
  await new Promise((done, fail) => {
    https.request({ method: "POST", host, path, headers }, (answer) => {
      answer.resume();
      answer.statusCode === 200 ? answer.on("end", done) : fail(new Error(`${answer.statusCode}`));
    }).on("error", fail).end(text);
  });
  return { statusCode: 200 };
};
