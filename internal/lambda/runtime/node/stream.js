'use strict';
// Response streaming: the stream a handler writes to, and the prelude that
// gives an HTTP response its status and headers.

const { Writable } = require('stream');
const { errors } = require('./errors.js');
const { trailers } = require('./api.js');

const PRELUDE = 'application/vnd.awslambda.http-integration-response';
// JSON escapes NUL, so the first eight of them end the prelude.
const DELIMITER = Buffer.alloc(8);
// What is larger is not copied to stand between its size and its end.
const COPIED = 16 << 10;
const END = '0\r\n';

// ResponseStream posts what is written as it is written, on the connection of
// the Runtime API. The request opens with the first write, which fixes the
// content type.
class ResponseStream extends Writable {
  constructor(api, invocation, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.api = api;
    this.invocation = invocation;
    this.contentType = 'application/octet-stream';
    this.socket = null; // once the request is open
    this.ending = false; // no write follows those that were made
    this.complete = false; // the end was written
    this.trailers = '';
    this._onBeforeFirstWrite = null;
    // Settles when nothing more of the answer will be written: with the
    // request that stands for an answer which was never begun, if any.
    this.over = new Promise((resolve) => {
      this.settle = resolve;
    });
    // A handler that does not listen must not die of a lost connection.
    this.on('error', () => {});
  }

  setContentType(contentType) {
    if (this.socket) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
    if (typeof contentType !== 'string' || /[^\t\x20-\x7e\x80-\xff]/.test(contentType)) {
      require('http').validateHeaderValue('Content-Type', contentType); // throws as a request of node:http would
    }
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
    this.ending = true;
    if (typeof chunk === 'function' || chunk === undefined || chunk === null) return super.end(chunk, encoding, callback);
    this._onBeforeFirstWrite = null;
    const convert = typeof chunk !== 'string' && !(chunk instanceof Uint8Array);
    return super.end(convert ? JSON.stringify(chunk) : chunk, encoding, callback);
  }

  // open begins the request; it returns the head, which is to be written first.
  open() {
    if (this.socket) return '';
    const { connection } = this.api;
    // Without an answer the stream fails, which its writer may want to know.
    connection.expect().then(undefined, (error) => this.destroy(error));
    this.socket = connection.socket;
    return this.api.stream(this.invocation, this.contentType);
  }

  _write(chunk, _encoding, callback) {
    this.send([chunk], chunk.length, callback);
  }

  // _writev gives a burst of small writes to the socket at once.
  _writev(chunks, callback) {
    let size = 0;
    const buffers = chunks.map(({ chunk }) => {
      size += chunk.length;
      return chunk;
    });
    this.send(buffers, size, callback);
  }

  // send writes buffers as one chunk of the request; callback hears when the
  // socket has taken it.
  send(buffers, size, callback) {
    const head = this.open();
    if (size === 0) {
      if (head) this.socket.write(head, 'latin1', callback);
      else callback();
      return;
    }
    const before = `${head}${size.toString(16)}\r\n`;
    let after = '\r\n';
    if (this.ending && this.writableLength === size && !this.trailers) {
      this.complete = true;
      after += `${END}\r\n`;
    }
    if (size <= COPIED) {
      const whole = Buffer.allocUnsafe(before.length + size + after.length);
      let at = whole.latin1Write(before, 0);
      for (const buffer of buffers) {
        whole.set(buffer, at);
        at += buffer.length;
      }
      whole.latin1Write(after, at);
      this.socket.write(whole, callback);
      return;
    }
    this.socket.cork();
    this.socket.write(before, 'latin1');
    for (const buffer of buffers) this.socket.write(buffer);
    this.socket.write(after, 'latin1', callback);
    this.socket.uncork();
  }

  _final(callback) {
    if (!this.complete) {
      const head = this.open();
      this.complete = true;
      this.socket.write(`${head}${END}${this.trailers}\r\n`, 'latin1');
    }
    this.settle('');
    callback();
  }

  _destroy(error, callback) {
    // A handler that destroys its stream cuts the answer short.
    if (this.socket && !this.complete && this.socket === this.api.connection.socket) this.api.connection.drop();
    if (this.socket) this.settle('');
    callback(error);
  }

  // fail ends the answer with the error in trailers, also when nothing was
  // written: a streaming invocation has no other place for it.
  fail(error) {
    if (this.writableEnded && this.socket) return; // the answer is complete
    if (this.destroyed) {
      this.settle(this.socket ? '' : this.api.error(this.invocation, error));
      return;
    }
    this._onBeforeFirstWrite = null;
    this.trailers = trailers(error);
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
