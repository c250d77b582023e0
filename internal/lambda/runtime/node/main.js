'use strict';
// Suiro's runtime client for Node.js: does for a handler what the managed
// Lambda runtime does. Started as: node main.js, in the task root, with the
// environment variables of Lambda set.

require('./hosts.js');
delete process.env.SUIRO_HOSTS; // not part of AWS's environment
const { Api } = require('./api.js');
const { errors, describe, asError } = require('./errors.js');
const log = require('./log.js');
const { load, isStreaming } = require('./load.js');
const { createContext } = require('./context.js');
const { ResponseStream } = require('./stream.js');

const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
const root = process.env.LAMBDA_TASK_ROOT || process.cwd();

// The declared runtime counts, not the node that happens to be here: from
// nodejs24.x on, callbacks are gone (Lambda guide, Node.js handler).
const declared = parseInt((process.env.AWS_EXECUTION_ENV || '').replace('AWS_Lambda_nodejs', ''), 10) || 0;
const modern = declared >= 24;

// AWS SDKs warn of a node that is soon too old for them. The node at hand and
// the SDK that Suiro supplies are not the app's choice, so the app's log is no
// place to say it.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  const kind = rest[0] && typeof rest[0] === 'object' ? rest[0].type : rest[0];
  if (!/Node(VersionSupport|Deprecation)Warning/.test(`${(warning && warning.name) || warning} ${kind}`)) emitWarning.call(process, warning, ...rest);
};

// What a crash ends: the initialization, or the invocation under way.
// The report has a connection of its own: the other one may be waiting in
// /next, or be in the middle of a streamed answer.
const crashes = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
let crashRequest = (error) => crashes.initError(error);

// What happens when nothing is left to do and the invocation still has no
// answer: timers and sockets are gone, so no answer can come any more.
let onIdle = null;

function setIdle(action) {
  onIdle = action;
}

process.on('beforeExit', () => {
  const action = onIdle;
  onIdle = null;
  if (action) action();
});

function crash(title, error, code) {
  log.error(title, error);
  const exit = () => process.exit(code);
  crashes.answer(crashRequest(error)).then(exit, exit);
}

process.on('uncaughtException', (error) => crash('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason, promise) => {
  const error = new errors.UnhandledPromiseRejection(String(reason));
  error.reason = reason;
  error.promise = promise;
  crash('Unhandled Promise Rejection', error, 128);
});

async function main() {
  let handler, streaming;
  try {
    handler = await load(root, process.env._HANDLER || '');
    streaming = isStreaming(handler);
    if (modern && !streaming && handler.length >= 3) {
      throw new errors.CallbackHandlerDeprecated(
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
          'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
          'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
      );
    }
  } catch (error) {
    log.error(modern ? 'Init Error' : 'Uncaught Exception', error);
    await api.answer(api.initError(error)).catch(() => {});
    process.exit(129);
  }
  const invoke = streaming ? invokeStreaming : invokeBuffered;
  let next = api.next();
  let turn;
  for (;;) {
    // Callbacks that the handler left behind run under their own request id:
    // an event waits for a turn of the loop, even if it has come already.
    const [invocation] = await Promise.all([next, turn]);
    log.requestId(invocation.id, invocation.tenant);
    if (invocation.trace) process.env._X_AMZN_TRACE_ID = invocation.trace;
    else delete process.env._X_AMZN_TRACE_ID;
    crashRequest = (error) => crashes.error(invocation, error);
    const answer = await invoke(handler, invocation);
    setIdle(null);
    turn = new Promise(setImmediate);
    if (leavesImmediates()) { // of which one may end the process: then no event is lost
      if (answer) api.answer(answer).catch(() => {});
      await turn;
      next = api.next();
    } else {
      next = answer ? api.answerAndNext(answer) : api.next();
    }
  }
}

// leavesImmediates tells whether something besides our own turn is to run in
// the next one; versions that cannot tell are taken to have it.
function leavesImmediates() {
  if (!process.getActiveResourcesInfo) return true;
  const resources = process.getActiveResourcesInfo();
  return resources.indexOf('Immediate') !== resources.lastIndexOf('Immediate');
}

// invokeBuffered runs one event through a handler that answers with a value,
// by whichever way it chooses: a promise, the callback, or the context. It
// returns the request that ends the invocation.
async function invokeBuffered(handler, invocation) {
  const outcome = await new Promise((settle) => {
    let settled = false;
    const once = (action) => (...args) => {
      if (settled) return;
      settled = true;
      setIdle(null);
      action(...args);
    };
    const failed = (error) => settle({ error: error === undefined || error === null ? 'handled' : error });
    const done = (error, result) =>
      error === undefined || error === null ? settle({ result }) : settle({ error });
    const ways = modern ? {} : { succeed: once((result) => settle({ result })), fail: once(failed), done: once(done) };
    const context = createContext(invocation, ways, modern);
    const callback = once((error, result) => {
      if ((error === undefined || error === null) && context.callbackWaitsForEmptyEventLoop) {
        // The answer waits until timers and sockets of the handler are done.
        setIdle(() => setImmediate(() => settle({ result })));
      } else {
        done(error, result);
      }
    });
    const asynchronous = handler.constructor && handler.constructor.name === 'AsyncFunction';
    setIdle(once(() => {
      // A callback that was never called answers null; a promise that can
      // never settle is an error.
      if (asynchronous || modern) settle({ error: new errors.NodeJsExit() });
      else settle({ result: null });
    }));
    try {
      const result = modern
        ? handler(JSON.parse(invocation.body), context)
        : handler(JSON.parse(invocation.body), context, callback);
      if (result && typeof result.then === 'function') {
        result.then(once((value) => settle({ result: value })), once(failed));
      } else if (modern) {
        once((value) => settle({ result: value }))(result);
      }
    } catch (error) {
      once(failed)(error);
    }
  });
  if (!('error' in outcome)) {
    let body;
    try {
      body = JSON.stringify(outcome.result === undefined ? null : outcome.result);
      if (body === undefined) body = 'null'; // a function or a symbol
    } catch (_) {
      outcome.error = new Error('Unable to stringify response body');
    }
    if (body !== undefined) return api.response(invocation, body);
  }
  log.error('Invoke Error', asError(outcome.error));
  return api.error(invocation, outcome.error);
}

// invokeStreaming runs one event through a handler that writes its answer. It
// returns what is still to be sent, if anything.
async function invokeStreaming(handler, invocation) {
  const stream = new ResponseStream(api, invocation, handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')]);
  const context = createContext(invocation, {}, modern);
  try {
    const result = handler(JSON.parse(invocation.body), stream, context);
    if (!result || typeof result.then !== 'function') {
      throw new Error('Streaming does not support non-async handlers.');
    }
    const stuck = new Promise((_, reject) => setIdle(() => reject(new errors.NodeJsExit())));
    stuck.catch(() => {});
    const value = await Promise.race([result, stuck]);
    if (value !== undefined) console.warn('Streaming handlers ignore return values.');
    if (!stream.writableEnded) throw new Error('Response stream is not finished.');
  } catch (error) {
    log.error('Invoke Error', asError(error));
    stream.fail(error);
  }
  setIdle(null);
  return stream.over;
}

main().catch((error) => {
  // Only the Runtime API itself fails here: the environment is going away.
  process.stderr.write(`suiro: the runtime client lost the Runtime API: ${describe(error).errorMessage}\n`);
  process.exit(1);
});
