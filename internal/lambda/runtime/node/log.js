'use strict';
// console as the managed runtime has it: every line carries the time, the
// request id and the level, or is one JSON object (Lambda guide, Node.js logging).

const util = require('util');
const { asError, describe } = require('./errors.js');

const json = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
const levels = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const lowest = levels[(process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()] || levels.TRACE;
// Log libraries read the request id under this symbol.
const currentId = Symbol.for('aws.lambda.runtime.requestId');
let tenant;

function requestId(id, tenantId) {
  global[currentId] = id;
  tenant = tenantId;
}

function textLine(level, args) {
  return `${new Date().toISOString()}\t${global[currentId]}\t${level}\t${util.format(...args)}\n`;
}

function jsonLine(level, args) {
  const entry = { timestamp: new Date().toISOString(), level, requestId: global[currentId] };
  if (tenant) entry.tenantId = tenant;
  if (args.length === 1) {
    entry.message = args[0];
    try {
      return JSON.stringify(entry, errorFields) + '\n';
    } catch (_) {
      entry.message = util.format(args[0]);
      return JSON.stringify(entry) + '\n';
    }
  }
  entry.message = util.format(...args);
  const error = args.find((value) => value instanceof Error);
  if (error) Object.assign(entry, errorFields('', error));
  return JSON.stringify(entry) + '\n';
}

function errorFields(_, value) {
  if (!(value instanceof Error)) return value;
  return {
    errorType: (value.constructor && value.constructor.name) || 'UnknownError',
    errorMessage: value.message,
    stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
    ...value,
  };
}

const line = json ? jsonLine : textLine;

function method(level) {
  if (levels[level] < lowest) return () => {};
  return (...args) => {
    process.stdout.write(line(level, args));
  };
}

console.trace = method('TRACE');
console.debug = method('DEBUG');
console.info = method('INFO');
console.log = console.info;
console.warn = method('WARN');
console.error = method('ERROR');
console.fatal = method('FATAL');

// error logs a failure of the function: a title, a tab, and the error as JSON
// with the properties that the user's code gave it.
function error(title, value) {
  const failure = asError(value);
  if (json) {
    console.error(failure);
    return;
  }
  let text;
  try {
    text = JSON.stringify(failure, (_, v) => {
      if (!(v instanceof Error)) return v;
      const fields = { errorType: v.name, errorMessage: v.message, code: v.code, ...v };
      if (typeof v.stack === 'string') fields.stack = v.stack.split('\n');
      return fields;
    });
  } catch (_) {
    text = JSON.stringify(describe(failure));
  }
  console.error(title, '\t' + text);
}

module.exports = { requestId, error };
