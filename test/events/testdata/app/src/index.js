// show prints the event and its request id.
exports.show = async (event, context) => {
  console.log("GOT " + context.awsRequestId + " " + JSON.stringify(event));
  return { seen: event };
};
