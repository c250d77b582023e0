'use strict';
// The Runtime API (2018-06-01) over one kept-alive connection.

const { Connection } = require('./connection.js');
const { describe } = require('./errors.js');

const base = '/2018-06-01/runtime';

class Api {
  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.connection = new Connection(address.slice(0, colon), address.slice(colon + 1));
    this.host = ` HTTP/1.1\r\nHost: ${address}\r\n`;
    this.nextRequest = `GET ${base}/invocation/next${this.host}\r\n`;
  }

  // next settles with the next event.
  next() {
    return this.event(this.connection.exchange(this.nextRequest));
  }

  // answer ends an invocation, with a request that response or error made.
  // What the answer says is nothing to act on: whoever invoked hears of it.
  async answer(request) {
    await this.connection.exchange(request);
  }

  // answerAndNext ends an invocation and asks for the next event in one go.
  answerAndNext(request) {
    const [answer, next] = this.connection.pair(request, this.nextRequest);
    answer.catch(() => {}); // next fails as well
    return this.event(next);
  }

  // event reads an answer to nextRequest. A connection that was in use may be
  // gone, by an answer that was refused before its end: then another one asks.
  event(next) {
    return next.then(invocationOf, () => this.connection.exchange(this.nextRequest).then(invocationOf));
  }

  // response is the request that ends an invocation with a result, as JSON.
  response(invocation, body) {
    return this.head(`/invocation/${invocation.id}/response`, echo(invocation), 'application/json') +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  // error is the request that ends an invocation with an error.
  error(invocation, error) {
    return this.failure(`/invocation/${invocation.id}/error`, error, echo(invocation));
  }

  initError(error) {
    return this.failure('/init/error', error, '');
  }

  failure(path, error, more) {
    const described = describe(error);
    const body = JSON.stringify(described);
    return this.head(path, more, 'application/json') +
      `${errorType}: ${headerText(described.errorType)}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  // stream is the head of a response whose body follows in chunks.
  stream(invocation, contentType) {
    return this.head(`/invocation/${invocation.id}/response`, echo(invocation), contentType) +
      `Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: ${errorType}, ${errorBody}\r\n\r\n`;
  }

  // head begins a request.
  head(path, more, contentType) {
    return `POST ${base}${path}${this.host}${more}Content-Type: ${contentType}\r\n`;
  }
}

const errorType = 'Lambda-Runtime-Function-Error-Type';
const errorBody = 'Lambda-Runtime-Function-Error-Body';

// trailers tell of an error behind a streamed response.
function trailers(error) {
  const described = describe(error);
  const body = Buffer.from(JSON.stringify(described)).toString('base64');
  return `${errorType}: ${headerText(described.errorType)}\r\n${errorBody}: ${body}\r\n`;
}

function invocationOf(answer) {
  if (answer.status !== 200) throw new Error(`/next answered ${answer.status}: ${answer.body}`);
  return {
    id: answer.header('lambda-runtime-aws-request-id'),
    attempt: answer.header('lambda-runtime-invocation-id'),
    deadline: Number(answer.header('lambda-runtime-deadline-ms')),
    arn: answer.header('lambda-runtime-invoked-function-arn'),
    trace: answer.header('lambda-runtime-trace-id'),
    client: answer.header('lambda-runtime-client-context'),
    identity: answer.header('lambda-runtime-cognito-identity'),
    tenant: answer.header('lambda-runtime-aws-tenant-id'),
    body: answer.body,
  };
}

// echo is the header that ties an answer to this attempt of the event.
function echo(invocation) {
  return invocation.attempt ? `Lambda-Runtime-Invocation-Id: ${invocation.attempt}\r\n` : '';
}

// headerText makes any text legal as a header value.
function headerText(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?');
}

module.exports = { Api, headerText, trailers };
