import http.client
import json
import os
import urllib.parse
import urllib.request

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def handler(event, context):
    at = event["requestContext"]
    message = json.loads(event["body"])
    region = os.environ["AWS_REGION"]
    host = at["domainName"] if message["by"] == "event" else f"{at['apiId']}.execute-api.{region}.amazonaws.com"
    path = f"/{at['stage']}/@connections/{urllib.parse.quote(at['connectionId'], safe='')}"
    body = message["text"].encode()
    request = AWSRequest("POST", f"https://{host}{path}", data=body)
    SigV4Auth(botocore.session.get_session().get_credentials(), "execute-api", region).add_auth(request)
    headers = dict(request.headers)
    if message.get("form") == "http.client":
        connection = http.client.HTTPSConnection(host)
        connection.request("POST", path, body, headers)
        assert connection.getresponse().status == 200
    else:
        urllib.request.urlopen(urllib.request.Request(f"https://{host}{path}", body, headers, method="POST"))
    return {"statusCode": 200}
