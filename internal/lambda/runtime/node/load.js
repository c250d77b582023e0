'use strict';
// Finds the handler that _HANDLER names, in the order of the managed runtime.

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { errors } = require('./errors.js');
const { HttpResponseStream } = require('./stream.js');
const supplied = require('./supplied.js');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

function isStreaming(handler) {
  const mode = handler[STREAMING];
  if (mode === undefined || mode === null || mode === false) return false;
  if (mode === 'response') return true;
  throw new errors.MalformedStreamingHandler('Only response streaming is supported.');
}

function offerGlobal() {
  const off = process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA;
  if (off === '1' || off === 'true') return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (options && typeof options.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
  };
}

// split takes "dir/module.export.nested" apart: the folder, the module, and
// the names to follow from what it exports.
function split(name) {
  if (name.includes('..')) {
    throw new errors.MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.posix.basename(name);
  const dot = base.indexOf('.');
  if (dot < 0) throw new errors.MalformedHandlerName('Bad handler');
  return { folder: name.slice(0, name.indexOf(base)), module: base.slice(0, dot), names: base.slice(dot + 1).split('.') };
}

// inModulePackage tells whether the nearest package.json makes .js files ES modules.
function inModulePackage(folder) {
  for (;;) {
    if (path.basename(folder) === 'node_modules') return false;
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') return false;
    }
    const parent = path.dirname(folder);
    if (parent === folder) return false;
    folder = parent;
  }
}

function importFile(file) {
  supplied.forModules();
  return import(require('url').pathToFileURL(file).href);
}

async function loadModule(root, folder, name) {
  const file = path.resolve(root, folder, name);
  const isFile = (p) => fs.existsSync(p) && fs.statSync(p).isFile();
  if (isFile(file)) return require(file);
  if (isFile(file + '.js')) {
    return inModulePackage(path.dirname(file)) ? importFile(file + '.js') : require(file + '.js');
  }
  if (isFile(file + '.mjs')) return importFile(file + '.mjs');
  if (isFile(file + '.cjs')) return require(file + '.cjs');
  // As a package or a folder with an index, the way require finds it.
  return require(createRequire(path.join(root, 'noop.js')).resolve(name, { paths: [root, path.join(root, folder)] }));
}

async function load(root, name) {
  offerGlobal();
  const { folder, module, names } = split(name);
  let app;
  try {
    app = await loadModule(root, folder, module);
  } catch (error) {
    if (error instanceof SyntaxError) throw withTrace(new errors.UserCodeSyntaxError(String(error)), error);
    if (error && error.code === 'MODULE_NOT_FOUND') throw new errors.ImportModuleError(String(error));
    throw error;
  }
  let handler = app;
  for (const key of names) handler = handler && handler[key];
  // Bundlers and transpilers put CommonJS exports under default.
  if (!handler && app && app.default) {
    handler = app.default;
    for (const key of names) handler = handler && handler[key];
  }
  if (!handler) throw new errors.HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${name} is not a function`);
  return handler;
}

// withTrace keeps the place of a syntax error, which its stack begins with
// ("/app/index.js:3"), in the trace.
function withTrace(error, cause) {
  if (typeof cause.stack === 'string') error.stack = `${error.name}: ${error.message}\n${cause.stack}`;
  return error;
}

module.exports = { load, isStreaming, split };
