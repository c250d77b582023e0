'use strict';
// The module that Lambda gives code written in a template, for functions of
// custom resources (CloudFormation User Guide, "cfn-response module"): it puts
// the answer to the event's ResponseURL and ends the invocation.

const https = require('https');

exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';

exports.send = function send(event, context, status, data, physicalId, noEcho) {
  const body = JSON.stringify({
    Status: status,
    Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
    PhysicalResourceId: physicalId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: data,
  });
  return new Promise((resolve, reject) => {
    const done = (settle) => (value) => {
      if (typeof context.done === 'function') context.done();
      settle(value);
    };
    const request = https.request(event.ResponseURL, {
      method: 'PUT',
      headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
    }, (response) => {
      response.resume();
      response.on('end', done(resolve));
    });
    request.on('error', (error) => {
      console.log('send(..) failed executing https.request(..): ' + error);
      done(reject)(error);
    });
    request.end(body);
  });
};
