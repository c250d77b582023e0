import json
import os

import boto3


def handler(event, context):
    at = event["requestContext"]
    message = json.loads(event["body"])
    endpoint = {
        "event": f"https://{at['domainName']}/{at['stage']}",
        "template": os.environ["ENDPOINT"],
        "code": f"https://{at['apiId']}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com/{at['stage']}",
    }.get(message["by"])
    api = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    api.post_to_connection(ConnectionId=at["connectionId"], Data=message["text"])
    return {"statusCode": 200}
