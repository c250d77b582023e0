import { App } from "aws-cdk-lib";
import { SseStack } from "../lib/sse-stack.js";

new SseStack(new App(), "SseHono");
