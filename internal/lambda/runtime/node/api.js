'use strict';
// The Runtime API (2018-06-01), over one kept-alive connection.

const http = require('http');
const { describe } = require('./errors.js');

class Api {
  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.options = {
      host: address.slice(0, colon),
      port: address.slice(colon + 1),
      agent: new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true }),
    };
  }

  // request opens a request; the caller ends it. done settles with the answer.
  request(method, path, headers) {
    const request = http.request({ ...this.options, method, path: '/2018-06-01/runtime' + path, headers });
    const done = new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks) }),
        );
      });
    });
    return { request, done };
  }

  send(method, path, body, headers) {
    const { request, done } = this.request(method, path, body === undefined ? headers : { 'Content-Length': Buffer.byteLength(body), ...headers });
    request.end(body);
    return done;
  }

  async next() {
    const { status, headers, body } = await this.send('GET', '/invocation/next');
    if (status !== 200) throw new Error(`/next answered ${status}: ${body}`);
    return {
      id: headers['lambda-runtime-aws-request-id'],
      attempt: headers['lambda-runtime-invocation-id'],
      deadline: Number(headers['lambda-runtime-deadline-ms']),
      arn: headers['lambda-runtime-invoked-function-arn'],
      trace: headers['lambda-runtime-trace-id'],
      client: headers['lambda-runtime-client-context'],
      identity: headers['lambda-runtime-cognito-identity'],
      tenant: headers['lambda-runtime-aws-tenant-id'],
      body: body.toString('utf8'),
    };
  }

  // echo is the header that ties an answer to this attempt of the event.
  echo(invocation) {
    return invocation.attempt ? { 'Lambda-Runtime-Invocation-Id': invocation.attempt } : {};
  }

  response(invocation, body) {
    return this.send('POST', `/invocation/${invocation.id}/response`, body, {
      'Content-Type': 'application/json',
      ...this.echo(invocation),
    });
  }

  error(invocation, error) {
    return this.postError(`/invocation/${invocation.id}/error`, error, this.echo(invocation));
  }

  initError(error) {
    return this.postError('/init/error', error, {});
  }

  postError(path, error, headers) {
    const described = describe(error);
    return this.send('POST', path, JSON.stringify(described), {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Function-Error-Type': headerText(described.errorType),
      ...headers,
    });
  }
}

// headerText makes any text legal as a header value.
function headerText(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?');
}

module.exports = { Api, headerText };
