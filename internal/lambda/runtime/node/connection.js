'use strict';
// A kept-alive HTTP/1.1 connection by hand on a socket: of what node:http makes
// for a request and its answer, the Runtime API needs a line, a few headers and
// a text. Requests may follow one another without waiting; answers come in
// their order.

const net = require('net');

const headEnd = '\r\n\r\n';

class Connection {
  constructor(host, port) {
    this.address = { host, port: Number(port) };
    this.socket = null;
    this.waiting = []; // for their answers, in order
    this.parts = []; // of an answer that did not come in one piece
    this.size = 0; // of the parts
    this.need = 0; // as far as it is known, the size of the whole answer
  }

  // exchange sends a whole request and settles with its answer.
  exchange(request) {
    const answer = this.expect();
    this.socket.write(request);
    return answer;
  }

  // pair sends two requests at once, which is one system call, and settles
  // with both answers, in a list of promises.
  pair(request, following) {
    const answers = [this.expect(), this.expect()];
    this.socket.write(request + following);
    return answers;
  }

  // expect settles with the next answer; whoever calls it writes the request
  // to the socket.
  expect() {
    const socket = this.socket || this.connect();
    if (this.waiting.length === 0) socket.ref(); // a request keeps the process, an idle connection does not
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  connect() {
    // All reads come into the same room: nothing is kept of it that was not copied.
    const buffer = this.room || (this.room = Buffer.allocUnsafeSlow(64 << 10));
    const socket = net.connect({ ...this.address, onread: { buffer, callback: (n) => this.received(socket, buffer.subarray(0, n)) } });
    this.socket = socket;
    this.parts = [];
    socket.setNoDelay(true);
    let failure = new Error('the connection was closed');
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => {
      if (this.socket !== socket) return; // drop told those who waited
      this.socket = null;
      this.fail(failure);
    });
    return socket;
  }

  // drop ends the connection in the middle of what it is doing.
  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.destroy();
    this.fail(new Error('the connection was closed'));
  }

  fail(error) {
    const waiting = this.waiting;
    this.waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  // received takes what was read; true asks for more.
  received(socket, data) {
    if (this.socket !== socket) return true;
    if (this.parts.length > 0) {
      this.parts.push(Buffer.from(data));
      this.size += data.length;
      if (this.size < this.need) return true;
      data = Buffer.concat(this.parts, this.size);
      this.parts = [];
    }
    let from = 0;
    while (from < data.length && this.waiting.length > 0) {
      const answer = this.read(data, from);
      if (!answer) {
        this.parts = [Buffer.from(data.subarray(from))];
        this.size = data.length - from;
        return true;
      }
      from = answer.end;
      this.waiting.shift().resolve(answer);
    }
    if (this.waiting.length === 0) socket.unref();
    return true;
  }

  // read gives the answer at from, or null when there is more to come.
  read(data, from) {
    const end = data.indexOf(headEnd, from);
    this.need = 0;
    if (end < 0) return null;
    const head = data.latin1Slice(from, end + 2);
    const names = head.toLowerCase();
    const start = end + headEnd.length;
    if (names.includes('\ntransfer-encoding:')) {
      const whole = unchunk(data, start);
      return whole && new Answer(head, names, whole.body, whole.end);
    }
    const whole = start + Number(field(head, names, '\ncontent-length:') || 0);
    this.need = whole - from;
    return data.length < whole ? null : new Answer(head, names, data.utf8Slice(start, whole), whole);
  }
}

class Answer {
  constructor(head, names, body, end) {
    this.status = Number(head.slice(9, 12));
    this.head = head;
    this.names = names; // head in lower case
    this.body = body;
    this.end = end; // where it ends in what was read
  }

  // header is a header's value, by its name in lower case.
  header(name) {
    return field(this.head, this.names, `\n${name}:`);
  }
}

// field is the value behind a header's name, which is given with what is
// before and after it.
function field(head, names, name) {
  const at = names.indexOf(name);
  if (at < 0) return undefined;
  return head.slice(at + name.length, head.indexOf('\r', at)).trim();
}

// unchunk is the text of a chunked body and where that ends, or null when its
// end has not come.
function unchunk(data, from) {
  const pieces = [];
  for (;;) {
    const line = data.indexOf('\r\n', from);
    if (line < 0) return null;
    const size = parseInt(data.latin1Slice(from, line), 16);
    from = line + 2;
    if (size === 0) {
      const end = data.indexOf('\r\n', from);
      return end < 0 ? null : { body: Buffer.concat(pieces).toString('utf8'), end: end + 2 };
    }
    if (data.length < from + size + 2) return null;
    pieces.push(data.subarray(from, from + size));
    from += size + 2;
  }
}

module.exports = { Connection };
