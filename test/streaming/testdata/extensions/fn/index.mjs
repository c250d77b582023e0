export const handler = async (event) => {
  console.log("the function was called");
  if (event.rawPath === "/exit") process.exit(3);
  return process.env.WRAPPED;
};
