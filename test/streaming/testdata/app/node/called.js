export const handler = async (event, context) => {
  console.log("called");
  return `${context.functionVersion} ${context.invokedFunctionArn.split(":").slice(7)}`;
};
