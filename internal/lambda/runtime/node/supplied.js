'use strict';
// The AWS SDK that the runtime supplies. require finds it through NODE_PATH;
// import does not look there, so ES modules get a resolver that tries the
// same folders when everything else has failed.

const module_ = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

function folders() {
  return (process.env.NODE_PATH || '').split(path.delimiter).filter((p) => p && path.basename(p) === 'node_modules');
}

let installed = false;

// forModules installs the resolver, as late as the first ES module.
function forModules() {
  const parents = folders().map((p) => pathToFileURL(path.join(path.dirname(p), 'noop.js')).href);
  if (installed || parents.length === 0) return;
  installed = true;
  if (typeof module_.registerHooks === 'function') {
    module_.registerHooks({
      resolve(specifier, context, next) {
        try {
          return next(specifier, context);
        } catch (error) {
          for (const parentURL of isPackage(specifier, error) ? parents : []) {
            try {
              return next(specifier, { ...context, parentURL });
            } catch (_) {
              // the first error is the one that names the user's file
            }
          }
          throw error;
        }
      },
    });
  } else if (typeof module_.register === 'function') {
    module_.register('./hooks.mjs', { parentURL: pathToFileURL(__filename).href, data: { parents } });
  }
  // Older versions have no stable hook: there an ES module must bring its SDK.
}

function isPackage(specifier, error) {
  return error && error.code === 'ERR_MODULE_NOT_FOUND' && !/^(\.|\/|[a-z]+:)/i.test(specifier);
}

module.exports = { forModules };
