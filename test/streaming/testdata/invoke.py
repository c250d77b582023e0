"""boto3: the same calls as invoke.mjs."""
import base64
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

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


def attempt(call=client.invoke, **parameters):
    try:
        out = call(**{"FunctionName": os.environ["ALIASED"], **parameters})
        text = out["Payload"].read().decode() if "Payload" in out else ""
        say(text=text, version=out.get("ExecutedVersion"), status=out["StatusCode"], log=b"called" in base64.b64decode(out.get("LogResult", "")))
    except ClientError as e:
        say(error=e.response["Error"]["Code"], status=e.response["ResponseMetadata"]["HTTPStatusCode"])


attempt(FunctionName="nowhere")
attempt(Qualifier="live", LogType="Tail")
attempt(FunctionName=os.environ["ALIASED"] + ":1")
attempt(Qualifier="$LATEST")
attempt(InvocationType="DryRun", Qualifier="live")
attempt(InvocationType="Event", Payload="{}")
attempt(client.invoke_with_response_stream, Qualifier="live")
attempt(FunctionName=os.environ["ALIASED"] + ":live", Qualifier="1")
attempt(Qualifier="gone")
attempt(Payload="{")
attempt(Payload='"' + "x" * 6291455 + '"')
