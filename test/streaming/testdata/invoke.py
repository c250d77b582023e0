"""boto3: the same calls as invoke.mjs."""
import base64
import json
import os

import boto3
from botocore.config import Config

client = boto3.client("lambda", endpoint_url=os.environ["ENDPOINT"], config=Config(retries={"max_attempts": 0}))
function = os.environ["FUNCTION"]


def stream(payload):
    answer = client.invoke_with_response_stream(FunctionName=function, Payload=json.dumps(payload), LogType="Tail")
    text = b""
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            text += event["PayloadChunk"]["Payload"]
        if "InvokeComplete" in event:
            end = event["InvokeComplete"]
            say(text=text.decode(), version=answer["ExecutedVersion"], error=end.get("ErrorCode"), log=b"END RequestId" in base64.b64decode(end["LogResult"]))


def say(**fields):
    print(json.dumps(fields))


stream({})
stream({"then": "throw"})
whole = client.invoke(FunctionName=function, Payload="{}", LogType="Tail")
say(text=whole["Payload"].read().decode(), log=b"END RequestId" in base64.b64decode(whole["LogResult"]))
try:
    client.invoke(FunctionName="nowhere")
except client.exceptions.ResourceNotFoundException as e:
    say(error="ResourceNotFoundException", status=e.response["ResponseMetadata"]["HTTPStatusCode"])
