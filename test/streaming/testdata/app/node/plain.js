export const handler = async (event) => ({
  statusCode: 201,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(event),
});
