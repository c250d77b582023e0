'use strict';
// Response streaming: the stream a handler writes to, and the prelude that
// gives an HTTP response its status and headers.

const { Writable } = require('stream');
const { errors, describe } = require('./errors.js');
const { headerText } = require('./api.js');

const PRELUDE = 'application/vnd.awslambda.http-integration-response';
// JSON escapes NUL, so the first eight of them end the prelude.
const DELIMITER = Buffer.alloc(8);

// ResponseStream posts what is written as it is written. The request opens
// with the first write, which fixes the content type.
class ResponseStream extends Writable {
  constructor(api, invocation, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.api = api;
    this.invocation = invocation;
    this.contentType = 'application/octet-stream';
    this.request = null;
    this._onBeforeFirstWrite = null;
    // Settles when the Runtime API has taken the whole answer, or never will.
    this.acknowledged = new Promise((resolve) => {
      this.settle = resolve;
    });
    // A handler that does not listen must not die of a lost connection.
    this.on('error', () => {});
  }

  setContentType(contentType) {
    if (this.request) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
    this.contentType = contentType;
  }

  write(chunk, encoding, callback) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
    const prelude = this._onBeforeFirstWrite;
    this._onBeforeFirstWrite = null;
    if (prelude) prelude((part) => super.write(part));
    return super.write(chunk, encoding, callback);
  }

  // end writes its chunk without going through write: a prelude that nothing
  // was written after is lost, as it is on Lambda.
  end(chunk, encoding, callback) {
    if (typeof chunk === 'function' || chunk === undefined || chunk === null) return super.end(chunk, encoding, callback);
    this._onBeforeFirstWrite = null;
    const convert = typeof chunk !== 'string' && !(chunk instanceof Uint8Array);
    return super.end(convert ? JSON.stringify(chunk) : chunk, encoding, callback);
  }

  open() {
    if (this.request) return;
    const { request, done } = this.api.request('POST', `/invocation/${this.invocation.id}/response`, {
      'Content-Type': this.contentType,
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
      ...this.api.echo(this.invocation),
    });
    this.request = request;
    done.then(this.settle, (error) => {
      this.settle();
      this.destroy(error);
    });
  }

  _write(chunk, _encoding, callback) {
    this.open();
    if (this.request.write(chunk)) callback();
    else this.whenDrained(callback);
  }

  // _writev gives a burst of small writes to the socket at once.
  _writev(chunks, callback) {
    this.open();
    this.request.cork();
    let room = true;
    for (const { chunk } of chunks) room = this.request.write(chunk);
    this.request.uncork();
    if (room) callback();
    else this.whenDrained(callback);
  }

  whenDrained(callback) {
    const request = this.request;
    const finish = () => {
      request.off('drain', finish);
      request.off('close', finish);
      callback();
    };
    request.on('drain', finish);
    request.on('close', finish);
  }

  _final(callback) {
    this.open();
    this.request.end();
    callback();
  }

  _destroy(error, callback) {
    // A handler that destroys its stream cuts the answer short.
    if (this.request && !this.request.writableEnded) this.request.destroy();
    else if (!this.request) this.settle();
    callback(error);
  }

  // fail ends the answer with the error in trailers, also when nothing was
  // written: a streaming invocation has no other place for it.
  fail(error) {
    if (this.writableEnded && this.request) return; // the answer is complete
    if (this.destroyed) {
      if (!this.request) this.api.error(this.invocation, error).then(this.settle, this.settle);
      return;
    }
    this._onBeforeFirstWrite = null;
    this.open();
    const described = describe(error);
    this.request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': headerText(described.errorType),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(described)).toString('base64'),
    });
    if (!this.writableEnded) super.end();
  }
}

const HttpResponseStream = {
  // from gives the answer a status and headers: { statusCode, headers, cookies }.
  from(stream, prelude) {
    stream.setContentType(PRELUDE);
    const text = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => write(Buffer.concat([Buffer.from(text), DELIMITER]));
    return stream;
  },
};

module.exports = { ResponseStream, HttpResponseStream };
