import { CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { FunctionUrlAuthType, InvokeMode, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import type { Construct } from "constructs";

/** One function with a public URL that streams what it answers. */
export class SseStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);

    const sse = new NodejsFunction(this, "Sse", {
      entry: "src/app.ts",
      runtime: Runtime.NODEJS_22_X,
      timeout: Duration.seconds(60),
      bundling: { format: OutputFormat.ESM },
    });
    const url = sse.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });

    new CfnOutput(this, "SseUrl", { value: url.url });
  }
}
