"""Makes the calls that lines of JSON on stdin ask for, and prints what they are answered, a line each.

    grpcio_client.py FOLDER_OF_GENERATED_CODE ADDRESS
"""

import base64
import json
import sys

import grpc
from google.protobuf import json_format
from grpc_status import rpc_status

sys.path.insert(0, sys.argv[1])
from dynakv.v1 import key_value_service_pb2 as messages  # noqa: E402
from dynakv.v1 import key_value_service_pb2_grpc as services  # noqa: E402


def call(stub, method, request):
    message = json_format.ParseDict(request, getattr(messages, f"{method}Request")())
    try:
        answer = getattr(stub, method)(message)
        answers = list(answer) if method in ("MGet", "MSet", "MDelete") else [answer]
    except grpc.RpcError as error:
        return read_error(error)
    return {"messages": [json_format.MessageToDict(each) for each in answers]}


def read_error(error):
    status = rpc_status.from_call(error)
    return {
        "code": error.code().value[0],
        "message": error.details(),
        "details": [
            {"type": detail.TypeName(), "value": base64.b64encode(detail.value).decode()}
            for detail in (status.details if status else [])
        ],
    }


with grpc.insecure_channel(sys.argv[2]) as channel:
    stub = services.KeyValueServiceStub(channel)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            printed = {"answer": call(stub, question["method"], question["request"])}
        except Exception as error:
            printed = {"error": repr(error)}
        print(json.dumps(printed), flush=True)
