"""The root logger as the managed runtime has it (Lambda guide, Python
logging). Imported only by functions that log."""

import os
import sys
import time


def configure(logging, current_ids):
    logging.Formatter.converter = time.gmtime
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"

    class Handler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record))

    class Ids(logging.Filter):
        def filter(self, record):
            request_id, tenant_id = current_ids()
            record.aws_request_id = request_id or ""
            record.tenant_id = tenant_id
            return True

    handler = Handler()
    handler.addFilter(Ids())
    if as_json:
        handler.setFormatter(_json_formatter(logging))
    else:
        handler.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n",
                "%Y-%m-%dT%H:%M:%S",
            )
        )
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    if level in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"):
        root.setLevel(level)


def _json_formatter(logging):
    import json
    import traceback

    # What every record has; anything else is the function's own, from extra=.
    standard = set(logging.makeLogRecord({}).__dict__) | {"aws_request_id", "tenant_id", "message", "asctime", "taskName"}

    class Formatter(logging.Formatter):
        def format(self, record):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            entry = {
                "timestamp": "%s.%03dZ" % (stamp, record.msecs),
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info:
                entry["stackTrace"] = traceback.format_tb(record.exc_info[2])
                entry["errorType"] = record.exc_info[0].__name__
                entry["errorMessage"] = str(record.exc_info[1])
                entry["location"] = "%s:%s:%d" % (record.pathname, record.funcName, record.lineno)
            entry["requestId"] = record.aws_request_id
            if record.tenant_id is not None:
                entry["tenantId"] = record.tenant_id
            for name, value in record.__dict__.items():
                if name not in standard and name not in entry:
                    entry[name] = value
            return json.dumps(entry, ensure_ascii=False, default=str) + "\n"

    return Formatter()
