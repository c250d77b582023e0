import json
import os

import boto3


def handler(event, context):
    at = event["requestContext"]
    host = f"{at['apiId']}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com"
    api = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{host}/{at['stage']}")
    api.post_to_connection(ConnectionId=at["connectionId"], Data="py " + json.loads(event["body"])["text"])
    return {"statusCode": 200}
