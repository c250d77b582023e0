exports.handler = async (event) => ({ statusCode: 200, body: event.rawPath });
exports.stream = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/event-stream");
  stream.write("data: 1\n\n");
  stream.end();
});
