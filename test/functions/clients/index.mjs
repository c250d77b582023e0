// A function for AWS's own Node client: it does what its event says.
const act = async (event, context) => {
  switch (event.do) {
    case "error":
      throw new Error(event.text);
    case "exit":
      process.exit(1);
    case "hang":
      return new Promise(() => setInterval(() => {}, 1000));
    case "print":
      console.log(event.text);
      break;
    case "context":
      return { requestId: context.awsRequestId, arn: context.invokedFunctionArn, deadline: context.getRemainingTimeInMillis() > 0 };
  }
  return event;
};

export const handler = act;

export const streaming = globalThis.awslambda?.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  stream.write(event.text);
  if (event.do === "stream-error") throw new Error("broken midway");
  stream.write("!");
  stream.end();
});
