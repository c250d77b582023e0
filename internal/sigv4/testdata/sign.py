"""Signs requests with botocore: reads a JSON list of requests from stdin and
writes the list with the signed URL and headers added to stdout."""
import datetime
import json
import sys

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

out = []
for case in json.load(sys.stdin):
    now = datetime.datetime.strptime(case["time"], "%Y%m%dT%H%M%SZ")
    botocore.auth.get_current_datetime = lambda: now
    creds = Credentials(case["accessKey"], case["secret"], case.get("token") or None)
    request = AWSRequest(case["method"], case["url"], data=case.get("body", "").encode())
    for name, value in case.get("headers") or []:
        request.headers[name] = value
    s3, query = case["service"] == "s3", case.get("presign", False)
    auth = {
        (False, False): SigV4Auth,
        (False, True): SigV4QueryAuth,
        (True, False): S3SigV4Auth,
        (True, True): S3SigV4QueryAuth,
    }[s3, query]
    if query:
        signer = auth(creds, case["service"], case["region"], expires=300)
    else:
        signer = auth(creds, case["service"], case["region"])
    signer.add_auth(request)
    case["signedUrl"] = request.url
    case["signedHeaders"] = [[k, v] for k, v in request.headers.items()]
    out.append(case)
json.dump(out, sys.stdout, indent=1)
sys.stdout.write("\n")
