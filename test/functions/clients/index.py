# A function for AWS's own Python client: it does what its event says.
import os
import time


def handler(event, context):
    do = event.get("do")
    if do == "error":
        raise Exception(event["text"])
    if do == "exit":
        os._exit(1)
    if do == "hang":
        time.sleep(600)
    if do == "print":
        print(event["text"])
    if do == "context":
        return {
            "requestId": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "deadline": context.get_remaining_time_in_millis() > 0,
        }
    return event
