'use strict';
// The Runtime API (2018-06-01): over one kept-alive connection, but for
// streamed responses, which node:http writes over another.

const { Connection } = require('./connection.js');
const { describe } = require('./errors.js');

const base = '/2018-06-01/runtime';

class Api {
  constructor(address) {
    this.address = address;
    const colon = address.lastIndexOf(':');
    this.host = address.slice(0, colon);
    this.port = address.slice(colon + 1);
    this.connection = new Connection(this.host, this.port);
    this.nextRequest = this.text('GET', '/invocation/next', {}, '');
  }

  // request opens a streamed request; the caller ends it. done settles with
  // the answer.
  request(method, path, headers) {
    const http = require('http'); // most functions never stream
    this.agent = this.agent || new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
    const request = http.request({ host: this.host, port: this.port, agent: this.agent, method, path: base + path, headers });
    const done = new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        response.on('error', reject);
        response.on('end', resolve);
        response.resume();
      });
    });
    return { request, done };
  }

  // text is a whole request.
  text(method, path, headers, body) {
    let head = `${method} ${base}${path} HTTP/1.1\r\nHost: ${this.address}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    return `${head}\r\n${body}`;
  }

  post(path, body, headers) {
    return this.connection.exchange(this.text('POST', path, { 'Content-Length': Buffer.byteLength(body), ...headers }, body));
  }

  async next() {
    const { status, headers, body } = await this.connection.exchange(this.nextRequest);
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
      body,
    };
  }

  // echo is the header that ties an answer to this attempt of the event.
  echo(invocation) {
    return invocation.attempt ? { 'Lambda-Runtime-Invocation-Id': invocation.attempt } : {};
  }

  response(invocation, body) {
    return this.post(`/invocation/${invocation.id}/response`, body, {
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
    return this.post(path, JSON.stringify(described), {
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
