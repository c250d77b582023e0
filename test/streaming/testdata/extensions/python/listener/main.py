"""An external extension: it prints what it hears of invocations and telemetry."""
import http.server
import json
import os
import sys
import threading
import urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]


def call(method, path, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return response.headers, json.loads(response.read() or b"null")


class Telemetry(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        for event in events:
            record = event["record"]
            if event["type"] == "extension":
                continue  # this very output
            status = record.get("status", "") if isinstance(record, dict) else record
            print("telemetry", event["type"], status, flush=True)

    def log_message(self, *_):
        pass


headers, _ = call("POST", "/2020-01-01/extension/register", {"Lambda-Extension-Name": sys.argv[1]}, {"events": ["INVOKE", "SHUTDOWN"]})
me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Telemetry)
threading.Thread(target=server.serve_forever, daemon=True).start()
call("PUT", "/2022-07-01/telemetry", me, {
    "schemaVersion": "2022-12-13", "types": ["platform", "function"], "buffering": {"timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d" % server.server_port},
})
while True:
    _, event = call("GET", "/2020-01-01/extension/event/next", me)
    print("listener", event["eventType"], event.get("requestId") or event.get("shutdownReason"), flush=True)
    if event["eventType"] == "SHUTDOWN":
        break
