'use strict';
// The runtime's own errors, and how errors are told to the Runtime API.

function kind(name) {
  return class extends Error {
    constructor(message) {
      super(message);
      Object.defineProperty(this, 'name', { value: 'Runtime.' + name, enumerable: true });
      // The stack was made before the name was: its first line says "Error".
      if (typeof this.stack === 'string') this.stack = this.stack.replace(/^Error/, this.name);
    }
  };
}

const errors = {};
for (const name of [
  'ImportModuleError', 'HandlerNotFound', 'MalformedHandlerName', 'UserCodeSyntaxError', 'MalformedStreamingHandler',
  'InvalidStreamingOperation', 'UnhandledPromiseRejection', 'CallbackHandlerDeprecated',
]) {
  errors[name] = kind(name);
}

errors.NodeJsExit = class extends kind('NodeJsExit') {
  constructor() {
    super(
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. ' +
        'For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
    );
  }
};

function isError(value) {
  return (
    value instanceof Error ||
    (value && typeof value.name === 'string' && typeof value.message === 'string' && typeof value.stack === 'string')
  );
}

// describe is the body of an error answer.
function describe(error) {
  try {
    if (isError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch (_) {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

function asError(value) {
  return value instanceof Error ? value : new Error(String(value));
}

module.exports = { errors, describe, asError };
