'use strict';
// Loaded before a Node function's code, and by NODE_OPTIONS before that of a
// server behind the web adapter: connections to AWS host names that
// Suiro stands for go to Suiro. SDKs that know no endpoint variable (aws-sdk
// v2), and code that builds https://{api}.execute-api.{region}.amazonaws.com
// itself, then work unchanged; TLS stays end to end, as the front's
// certificate names the host. AWS hosts that nobody stands for go to the AWS
// endpoint, which refuses them in AWS's words ("*" in the table), unless the
// user lets them pass; "!" in the table keeps everything on this machine.
const table = process.env.SUIRO_HOSTS;

if (table) {
  const ports = new Map(table.split(',').map((pair) => pair.split('=')));
  const { Socket } = require('node:net');
  const connect = Socket.prototype.connect;
  const amazon = /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|on\.aws)$/;
  const near = /^(localhost|.*\.localhost|127\..*|::1|0\.0\.0\.0|::|[^.:]*)$/;

  // On AWS an event's domainName is a host name; here it carries a port, and
  // code may hand it over as the host of a request.
  const withPort = /^(localhost|127\.0\.0\.1):(\d+)$/;

  // where gives the port that stands for a host, 0 for one that is refused,
  // undefined for one that is left alone.
  const where = (host) => {
    if (typeof host !== 'string') return undefined;
    const name = host.toLowerCase();
    const local = withPort.exec(name);
    if (local) return Number(local[2]);
    if (ports.has(name)) return Number(ports.get(name));
    if (ports.has('*') && amazon.test(name)) return Number(ports.get('*'));
    return ports.has('!') && !near.test(name) ? 0 : undefined;
  };
  const refuse = (socket, host) => {
    console.error(`suiro: the app calls ${host}, which is not on this machine (aws: local)`);
    const error = Object.assign(new Error(`connect ECONNREFUSED ${host} (Suiro: aws: local)`), { code: 'ECONNREFUSED', syscall: 'connect', address: host });
    process.nextTick(() => socket.destroy(error));
    return socket;
  };

  // net normalises its arguments to [options, callback] before it calls
  // connect; sockets are also connected by hand with (port, host) or options.
  Socket.prototype.connect = function (...args) {
    const list = Array.isArray(args[0]) ? args[0] : args;
    let options = list[0];
    if (typeof options === 'number' || (typeof options === 'string' && /^\d+$/.test(options))) {
      options = { port: options, host: typeof list[1] === 'string' ? list[1] : undefined };
      const port = where(options.host);
      if (port === 0) return refuse(this, options.host);
      if (port) return connect.call(this, { host: '127.0.0.1', port }, list.find((a) => typeof a === 'function'));
    } else if (options && typeof options === 'object' && where(options.host) !== undefined) {
      const port = where(options.host);
      if (port === 0) return refuse(this, options.host);
      const to = { ...options, host: '127.0.0.1', port, lookup: undefined };
      if (Array.isArray(args[0])) {
        list[0] = to; // keep the array: net marks it as normalised with a symbol
        return connect.apply(this, args);
      }
      return connect.call(this, to, ...list.slice(1));
    }
    return connect.apply(this, args);
  };
}
