const policy = (Effect, Resource) => ({ Version: "2012-10-17", Statement: [{ Action: "execute-api:Invoke", Effect, Resource }] });

export async function handler({ methodArn, queryStringParameters }) {
  const token = queryStringParameters.token;
  console.log("GUARD " + token);
  switch (token) {
    case "allow":
      return { principalId: "u1", policyDocument: policy("Allow", methodArn), context: { n: 1, b: true, z: null } };
    case "deny":
      return { principalId: "u1", policyDocument: policy("Deny", methodArn) };
    case "other":
      return { principalId: "u1", policyDocument: policy("Allow", methodArn + "/other") };
    case "throw":
      throw new Error("Unauthorized");
  }
  return "garbage";
}
