"""Has callers write, read, count and stream, as callers.ts does, until a line comes on stdin; then prints what came of it.

    grpcio_callers.py FOLDER_OF_GENERATED_CODE ADDRESS

Nothing is repeated here: what fails no call is what gRPC does by itself.
"""

import json
import secrets
import sys
import threading
import time
import uuid

import grpc

sys.path.insert(0, sys.argv[1])
from dynakv.v1 import entry_pb2 as entries  # noqa: E402
from dynakv.v1 import key_value_service_pb2 as messages  # noqa: E402
from dynakv.v1 import key_value_service_pb2_grpc as services  # noqa: E402

CALLERS = 4
STREAM_KEYS = 300
SECONDS = 10.0
COUNTER = "grpcio counter"

is_over = threading.Event()
lock = threading.Lock()
done = {"calls": 0, "failed": [], "wrong": []}
increments = {"answered": 0, "doubtful": 0}


def uuid7():
    milliseconds = time.time_ns() // 1_000_000
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)))


def attempt(what, call):
    """The answer; None when the call has failed."""
    started_at = time.monotonic()
    try:
        answer = call()
    except grpc.RpcError as error:
        seconds = time.monotonic() - started_at
        with lock:
            done["failed"].append(f"{what}: {error.code().name} {error.details()} (after {seconds:.1f} s)")
        return None
    with lock:
        done["calls"] += 1
    return answer


def wrong(problem):
    with lock:
        done["wrong"].append(problem)


def set_request(key, value):
    return messages.SetRequest(key=key, value=value)


def run(stub, caller):
    try:
        go(stub, caller)
    except Exception as error:
        wrong(f"caller {caller} has stopped: {error!r}")


def go(stub, caller):
    key = f"grpcio {caller}"
    keys = [key if n % 100 == 0 else f"{key} missing {n}" for n in range(STREAM_KEYS)]
    n = 0
    while not is_over.is_set():
        value = str(n).encode()
        stored = attempt("set", lambda: stub.Set(set_request(key, value), timeout=SECONDS))
        got = attempt(
            "get",
            lambda: stub.Get(messages.GetRequest(key=key, consistency=entries.CONSISTENCY_STRONG), timeout=SECONDS),
        )
        if stored is not None and got is not None and got.entry.value != value:
            wrong(f"{key} is {got.entry.value} after {value} was written")
        counted = attempt("incr", lambda: stub.Incr(messages.IncrRequest(key=COUNTER, request_id=uuid7()), timeout=SECONDS))
        with lock:
            increments["doubtful" if counted is None else "answered"] += 1
        read = attempt("mget", lambda: list(stub.MGet(messages.MGetRequest(keys=keys), timeout=SECONDS)))
        if stored is not None and read is not None:
            found = [each.key for part in read for each in part.results if each.HasField("entry")]
            if key not in found:
                wrong(f"{key} is missing from an mget")
        many = [set_request(f"{key} of many {place}", value) for place in range(20)]
        written = attempt("mset", lambda: list(stub.MSet(messages.MSetRequest(entries=many), timeout=SECONDS)))
        if written is not None:
            count = sum(each.HasField("stored") for part in written for each in part.results)
            if count != len(many):
                wrong(f"{key}: an mset has stored {count} of {len(many)}")
        n += 1


def check_counter(stub):
    entry = stub.Get(messages.GetRequest(key=COUNTER, consistency=entries.CONSISTENCY_STRONG), timeout=SECONDS).entry
    answered, doubtful = increments["answered"], increments["doubtful"]
    if not answered <= entry.counter <= answered + doubtful:
        wrong(f"the counter is {entry.counter} after {answered} answered increments and {doubtful} failed ones")


with grpc.insecure_channel(sys.argv[2]) as channel:
    stub = services.KeyValueServiceStub(channel)
    threads = [threading.Thread(target=run, args=(stub, caller), daemon=True) for caller in range(CALLERS)]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    is_over.set()
    for thread in threads:
        thread.join()
    check_counter(stub)
    print(json.dumps({"answer": done}), flush=True)
