'use strict';
// A kept-alive HTTP/1.1 connection, one request at a time, by hand on a
// socket: of what node:http makes for a request and its answer, the Runtime
// API needs a line, a few headers and a text.

const net = require('net');

const headEnd = '\r\n\r\n';

class Connection {
  constructor(host, port) {
    this.address = { host, port: Number(port) };
    this.socket = null;
    this.waiting = null; // whoever sent a request, until its answer is whole
    this.queue = []; // requests that came meanwhile
    this.parts = []; // of an answer that did not come in one piece
    this.size = 0; // of the parts
    this.need = 0; // as far as it is known, the size of the whole answer
  }

  // exchange sends a whole request and settles with its answer.
  exchange(request) {
    return new Promise((resolve, reject) => {
      const send = () => {
        this.waiting = { resolve, reject };
        const socket = this.socket || this.connect();
        socket.ref(); // a request keeps the process, an idle connection does not
        socket.write(request);
      };
      if (this.waiting) this.queue.push(send);
      else send();
    });
  }

  connect() {
    // All reads come into the same room: nothing is kept of it that was not copied.
    const buffer = this.room || (this.room = Buffer.allocUnsafeSlow(64 << 10));
    const socket = net.connect({ ...this.address, onread: { buffer, callback: (n) => this.received(buffer.subarray(0, n)) } });
    this.socket = socket;
    socket.setNoDelay(true);
    let failure = new Error('the connection was closed');
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      if (this.socket === socket) this.socket = null;
      this.parts = [];
      this.settle((waiting) => waiting.reject(failure));
    });
    return socket;
  }

  // received takes what was read; true asks for more.
  received(data) {
    if (this.parts.length > 0) {
      this.parts.push(Buffer.from(data));
      this.size += data.length;
      if (this.size < this.need) return true;
      data = Buffer.concat(this.parts, this.size);
      this.parts = [data];
    }
    const answer = this.waiting && this.read(data);
    if (!answer) {
      if (this.parts.length === 0) this.parts = [Buffer.from(data)];
      this.size = data.length;
      return true;
    }
    this.parts = [];
    this.socket.unref();
    this.settle((waiting) => waiting.resolve(answer));
    return true;
  }

  settle(action) {
    const waiting = this.waiting;
    this.waiting = null;
    if (waiting) action(waiting);
    const next = this.queue.shift();
    if (next) next();
  }

  // read gives the answer that data is, or null when there is more to come.
  read(data) {
    const end = data.indexOf(headEnd);
    this.need = 0;
    if (end < 0) return null;
    const lines = data.latin1Slice(0, end).split('\r\n');
    const headers = {};
    for (let i = 1; i < lines.length; i++) {
      const colon = lines[i].indexOf(':');
      headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
    }
    const from = end + headEnd.length;
    let body;
    if (headers['transfer-encoding'] === undefined) {
      this.need = from + Number(headers['content-length'] || 0);
      if (data.length < this.need) return null;
      body = data.utf8Slice(from, this.need);
    } else {
      body = unchunk(data, from);
      if (body === null) return null;
    }
    return { status: Number(lines[0].slice(9, 12)), headers, body };
  }
}

// unchunk is the text of a chunked body, or null when its end has not come.
function unchunk(data, from) {
  const pieces = [];
  for (;;) {
    const line = data.indexOf('\r\n', from);
    if (line < 0) return null;
    const size = parseInt(data.latin1Slice(from, line), 16);
    from = line + 2;
    if (size === 0) return data.indexOf('\r\n', from) < 0 ? null : Buffer.concat(pieces).toString('utf8');
    if (data.length < from + size + 2) return null;
    pieces.push(data.subarray(from, from + size));
    from += size + 2;
  }
}

module.exports = { Connection };
