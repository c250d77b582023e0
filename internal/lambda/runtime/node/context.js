'use strict';
// The context object, the handler's second argument (Lambda guide, Node.js context).

const environment = {
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
};

function parsed(text, what) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    console.error(`Cannot parse ${what} as json: ${error}`);
    throw error;
  }
}

// createContext makes the context of one invocation. ways are succeed, fail
// and done; with nodejs24.x they and the flag for callbacks are gone.
function createContext(invocation, ways, modern) {
  let waits = true;
  const context = modern ? {} : {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waits = value;
    },
    ...ways,
  };
  Object.assign(context, environment, {
    clientContext: parsed(invocation.client, 'ClientContext'),
    identity: parsed(invocation.identity, 'CognitoIdentity'),
    invokedFunctionArn: invocation.arn,
    awsRequestId: invocation.id,
    tenantId: invocation.tenant,
    getRemainingTimeInMillis: () => invocation.deadline - Date.now(),
  });
  return context;
}

module.exports = { createContext };
