import asyncio
import http.client
import json
import os
import ssl
import urllib.parse
import urllib.request

import botocore.session
import requests
import urllib3
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
    url = f"https://{host}{path}"
    status = globals()[message["form"]](host, path, url, headers, body)
    assert status == 200, status
    return {"statusCode": 200}


def http_client(host, path, url, headers, body):
    connection = http.client.HTTPSConnection(host)
    connection.request("POST", path, body, headers)
    return connection.getresponse().status


def with_port(host, path, url, headers, body):
    connection = http.client.HTTPSConnection(host, 443)
    connection.request("POST", path, body, headers)
    return connection.getresponse().status


def urllib_request(host, path, url, headers, body):
    return urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST")).status


def pool_manager(host, path, url, headers, body):
    return urllib3.PoolManager().request("POST", url, body=body, headers=headers).status


def session(host, path, url, headers, body):
    own = requests.Session()
    own.trust_env = False  # looks at no variable: neither proxies nor authorities
    return own.post(url, data=body, headers=headers).status_code


def streams(host, path, url, headers, body):
    async def send():
        name, _, port = host.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port or 443), ssl=ssl.create_default_context())
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines + ["", ""]).encode() + body)
        answer = await reader.readline()
        writer.close()
        return int(answer.split()[1])

    return asyncio.run(send())
