"""Suiro's runtime client for Python: does for a handler what the managed
Lambda runtime does. It imports as little as it can, because every module costs
a part of the cold start: no http, no socket, no logging until the function
asks for them."""

import importlib
import json
import os
import sys
import time

try:
    import _socket  # the C half of socket, which is all that is needed
except ImportError:
    import socket as _socket

_request_id = None
_tenant_id = None


def _declared():
    """The declared version, such as (3, 12): the function's runtime counts,
    not the interpreter that happens to be here."""
    name = os.environ.get("AWS_EXECUTION_ENV", "").replace("AWS_Lambda_python", "")
    try:
        return tuple(int(part) for part in name.split("."))
    except ValueError:
        return sys.version_info[:2]


class Fault(Exception):
    """An error of the runtime's own, with its type."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.message = message
        self.trace = trace


class Api:
    """The Runtime API over one kept-alive connection."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = (host.strip("[]"), int(port))
        self.host = address
        self.socket = None
        self.buffer = b""
        self.ask = ("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n" % address).encode("latin-1")
        self.asked = False  # for the next event, together with an answer

    def connect(self):
        family = _socket.AF_INET6 if ":" in self.address[0] else _socket.AF_INET
        self.socket = _socket.socket(family, _socket.SOCK_STREAM)
        self.socket.connect(self.address)
        self.socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self.buffer = b""

    def post(self, path, body, headers, following=b""):
        lines = ["POST /2018-06-01/runtime%s HTTP/1.1" % path, "Host: " + self.host]
        lines.extend("%s: %s" % pair for pair in headers)
        lines.append("Content-Length: %d\r\n\r\n" % len(body))
        return self.call("\r\n".join(lines).encode("latin-1", "replace") + body + following)

    def call(self, message):
        reused = self.socket is not None
        try:
            self.send(message)
            return self.receive()
        except (OSError, EOFError):
            # A kept-alive connection may have been closed meanwhile.
            self.socket = None
            if not reused:
                raise
            self.send(message)
            return self.receive()

    def send(self, message):
        if self.socket is None:
            self.connect()
        sent = self.socket.send(message)
        while sent < len(message):
            sent += self.socket.send(memoryview(message)[sent:])

    def receive(self):
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self.chunks()
        else:
            body = self.exactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.socket = None
        return status, headers, body

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the Runtime API closed the connection")
        self.buffer += data

    def until(self, mark):
        while True:
            at = self.buffer.find(mark)
            if at >= 0:
                found, self.buffer = self.buffer[:at], self.buffer[at + len(mark) :]
                return found
            self.more()

    def exactly(self, size):
        if len(self.buffer) < size:
            parts, have = [self.buffer], len(self.buffer)
            while have < size:
                data = self.socket.recv(min(size - have, 1 << 20))
                if not data:
                    raise EOFError("the Runtime API closed the connection")
                parts.append(data)
                have += len(data)
            self.buffer = b"".join(parts)
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def chunks(self):
        parts = []
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self.until(b"\r\n"):
                    pass
                return b"".join(parts)
            parts.append(self.exactly(size))
            self.exactly(2)

    def next(self):
        status, headers, body = self.answered() or self.call(self.ask)
        if status != 200:
            raise OSError("/next answered %d: %s" % (status, body.decode("utf-8", "replace")))
        return headers, body

    def answered(self):
        """The answer to the wish that went out with the last answer, unless a
        refusal closed the connection."""
        asked, self.asked = self.asked, False
        if not asked or self.socket is None:
            return None
        try:
            return self.receive()
        except (OSError, EOFError):
            self.socket = None
            return None

    def answer(self, request, kind, body, headers):
        """Ends an invocation and asks for the next event in one go."""
        attempt = request.get("lambda-runtime-invocation-id")
        if attempt:
            headers = headers + [("Lambda-Runtime-Invocation-Id", attempt)]
        self.post("/invocation/%s/%s" % (request["lambda-runtime-aws-request-id"], kind), body, headers, self.ask)
        self.asked = True


class _Record:
    """An object of named values, None where the source has none."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (n, getattr(self, n)) for n in self.__slots__))


class Client(_Record):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    __slots__ = ("custom", "env", "client")


class CognitoIdentity(_Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


def _parsed(text, what):
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (what, error))


class LambdaContext:
    """The handler's second argument (Lambda guide, Python context object)."""

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        client = _parsed(headers.get("lambda-runtime-client-context"), "Client Context")
        self.client_context = None
        if client is not None:
            self.client_context = ClientContext(client)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        identity = _parsed(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity({})
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        names = (
            "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
            "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
        )
        return "LambdaContext([%s])" % ",".join("%s=%s" % (n, getattr(self, n)) for n in names)


class Encoder(json.JSONEncoder):
    """JSON as the managed runtime writes it: decimals are numbers, bytes are
    text, and characters stay as they are since Python 3.12."""

    def __init__(self):
        super().__init__(ensure_ascii=_declared() < (3, 12))
        self.decimals = []

    def default(self, value):
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            # json has no way to write a number of its own: a mark that no
            # text can be takes its place until the end.
            mark = "\0suiro-decimal-%d\0" % len(self.decimals)
            self.decimals.append((mark, str(value)))
            return mark
        if isinstance(value, (bytes, bytearray)):
            return bytes(value).decode("utf-8")
        return super().default(value)

    def text(self, value):
        self.decimals = []
        encoded = self.encode(value)
        for mark, number in self.decimals:
            encoded = encoded.replace(self.encode(mark), number, 1)
        return encoded


_encoder = Encoder()


def _encoded(response):
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return _encoder.text(response).encode("utf-8", "surrogatepass"), "application/json"
    except Exception as error:
        raise Fault("MarshalError", "Unable to marshal response: %s" % error)


def _decoded(body, content_type):
    if content_type != "application/json":
        return body
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % error)


class _WhenImported:
    """Runs something the moment the function imports a module, before a line
    of the function's own can use it."""

    def __init__(self, name, run):
        self.name, self.run = name, run

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        execute = spec.loader.exec_module

        def execute_and_run(module):
            execute(module)
            if module.__name__ == self.name:  # an archive's loader serves all its modules
                self.run(module)

        spec.loader.exec_module = execute_and_run
        return spec


def _when_imported(name, run):
    if name in sys.modules:  # a site hook imported it
        run(sys.modules[name])
    else:
        sys.meta_path.insert(0, _WhenImported(name, run))


class _OwnFolder:
    """Finds our own modules, whose folder is not in sys.path."""

    def find_spec(self, name, path=None, target=None):
        if name not in ("suiro_lambda_logging", "suiro_lambda_hosts"):
            return None
        from importlib.util import spec_from_file_location

        here = os.path.dirname(os.path.abspath(__file__))
        return spec_from_file_location(name, os.path.join(here, name + ".py"))


def current_ids():
    return _request_id, _tenant_id


def _prepare_logging():
    def run(module):
        from suiro_lambda_logging import configure

        configure(module, current_ids)

    _when_imported("logging", run)


def _prepare_hosts():
    """AWS's own host names lead to Suiro. The table of them is no part of
    AWS's environment."""
    table = os.environ.pop("SUIRO_HOSTS", "")
    if not table:
        return

    def hosts():
        import suiro_lambda_hosts

        suiro_lambda_hosts.take(table)
        return suiro_lambda_hosts

    _when_imported("socket", lambda module: hosts().on_socket(module))
    _when_imported("http.client", lambda module: hosts().on_http_client(module))
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle:
        _when_imported("certifi.core", lambda module: hosts().on_certifi(module, bundle))


def load(name):
    """Finds the handler that _HANDLER names: "pkg/module.function"."""
    try:
        module_name, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", "Bad handler '%s': %s" % (name, error))
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), trace)
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module_name))


def _failure(error, request_id):
    """The body of an error answer."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace or []
    else:
        import traceback

        frames = traceback.extract_tb(error.__traceback__)
        while frames and frames[0].filename == __file__:
            frames.pop(0)
        plain = [(f.filename, f.lineno, f.name, f.line) for f in frames]
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(plain)
    body = {"errorMessage": message, "errorType": kind}
    if _declared() >= (3, 9):
        body["requestId"] = request_id
    body["stackTrace"] = trace
    return body


def _log_failure(body):
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps(dict({"timestamp": stamp, "level": "ERROR"}, **body), ensure_ascii=False)
    else:
        text = "[ERROR] %s: %s\nTraceback (most recent call last):\n%s" % (
            body["errorType"], body["errorMessage"], "".join(body["stackTrace"]),
        )
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def _error_answer(body):
    kind = "".join(c if 32 <= ord(c) < 127 else "?" for c in body["errorType"])
    headers = [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", kind)]
    return json.dumps(body).encode("utf-8"), headers


def _search_path():
    """The task root comes first and the supplied SDK last, so that neither
    shadows the other way round."""
    root = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    sys.path.insert(0, root)
    supplied = os.environ.pop("_SUIRO_PYTHON_SDK", "")
    if supplied:
        sys.path.append(supplied)


def run():
    global _request_id, _tenant_id
    for stream in (sys.stdout, sys.stderr):
        # A line is written at once; what has no end of line, when the
        # invocation is over.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    _search_path()
    sys.meta_path.append(_OwnFolder())
    _prepare_logging()
    _prepare_hosts()
    try:
        handler = load(os.environ.get("_HANDLER", ""))
    except Exception as error:
        body = _failure(error, "")
        _log_failure(body)
        content, headers = _error_answer(body)
        api.post("/init/error", content, headers)
        sys.exit(1)
    while True:
        headers, body = api.next()
        _request_id = headers["lambda-runtime-aws-request-id"]
        _tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        handle(api, handler, headers, body)


def handle(api, handler, headers, body):
    try:
        context = LambdaContext(headers)
        event = _decoded(body, headers.get("content-type", "application/json"))
        content, content_type = _encoded(handler(event, context))
    except Exception as error:
        failure = _failure(error, _request_id)
        _log_failure(failure)
        content, error_headers = _error_answer(failure)
        api.answer(headers, "error", content, error_headers)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    api.answer(headers, "response", content, [("Content-Type", content_type)])
