import { SSMClient, GetParameterCommand, GetParametersByPathCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import { SecretsManagerClient, GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { LambdaClient, InvokeCommand } from "@aws-sdk/client-lambda";

const refusal = (promise) => promise.then(() => "allowed", (error) => error.name);

export const handler = async () => {
  const ssm = new SSMClient({});
  const one = await ssm.send(new GetParameterCommand({ Name: "/small/greeting" }));
  const secret = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: process.env.SECRET }));
  const inner = await new LambdaClient({}).send(new InvokeCommand({ FunctionName: process.env.INNER, Payload: '"hi"' }));
  return {
    greeting: process.env.GREETING, user: process.env.USER_NAME, parameter: one.Parameter.Value, version: one.Parameter.Version,
    password: JSON.parse(secret.SecretString).password.length,
    inner: JSON.parse(Buffer.from(inner.Payload).toString()),
    put: await refusal(ssm.send(new PutParameterCommand({ Name: "/small/greeting", Value: "x", Overwrite: true }))),
    missing: await refusal(ssm.send(new GetParameterCommand({ Name: "/small/greeting:9" }))),
  };
};
