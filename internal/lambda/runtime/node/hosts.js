'use strict';
// Loaded before a Node function's code: connections to AWS host names that
// Suiro stands for go to Suiro. SDKs that know no endpoint variable (aws-sdk
// v2), and code that builds https://{api}.execute-api.{region}.amazonaws.com
// itself, then work unchanged; TLS stays end to end, as the front's
// certificate names the host. Everything else is left alone.
const table = process.env.SUIRO_HOSTS;
delete process.env.SUIRO_HOSTS; // not part of AWS's environment

if (table) {
  const ports = new Map(table.split(',').map((pair) => pair.split('=')));
  const { Socket } = require('node:net');
  const connect = Socket.prototype.connect;

  // net normalises its arguments to [options, callback] before it calls
  // connect; sockets are also connected by hand with (port, host) or options.
  Socket.prototype.connect = function (...args) {
    const list = Array.isArray(args[0]) ? args[0] : args;
    let options = list[0];
    if (typeof options === 'number' || (typeof options === 'string' && /^\d+$/.test(options))) {
      options = { port: options, host: typeof list[1] === 'string' ? list[1] : undefined };
      if (ports.has(options.host)) return connect.call(this, { host: '127.0.0.1', port: ports.get(options.host) }, list.find((a) => typeof a === 'function'));
    } else if (options && typeof options === 'object' && ports.has(options.host)) {
      const to = { ...options, host: '127.0.0.1', port: Number(ports.get(options.host)), lookup: undefined };
      if (Array.isArray(args[0])) {
        list[0] = to; // keep the array: net marks it as normalised with a symbol
        return connect.apply(this, args);
      }
      return connect.call(this, to, ...list.slice(1));
    }
    return connect.apply(this, args);
  };
}
