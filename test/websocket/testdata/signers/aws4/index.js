const https = require("https");
const aws4 = require("aws4");

exports.handler = async ({ requestContext: { domainName, stage, apiId, connectionId }, body }) => {
  const { text, by } = JSON.parse(body);
  const host = by === "event" ? domainName : `${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com`;
  const path = `/${stage}/@connections/${encodeURIComponent(connectionId)}`;
  const options = aws4.sign({ host, path, method: "POST", service: "execute-api", region: process.env.AWS_REGION, body: text });
  await new Promise((done, fail) => {
    https.request(options, (answer) => {
      answer.resume();
      answer.statusCode === 200 ? answer.on("end", done) : fail(new Error(`${answer.statusCode}`));
    }).on("error", fail).end(options.body);
  });
  return { statusCode: 200 };
};
