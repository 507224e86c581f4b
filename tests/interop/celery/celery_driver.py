"""Does with Celery what lines of JSON on stdin ask for, and prints what came of it, a line each."""

import json
import sys

from celery import chord, group, signature
from celery.result import GroupResult

from celery_app import app


def create_table():
    # The backend does so when it first needs its client.
    app.backend.client
    return app.backend.table_name


def run_task(task, args):
    result = signature(task, args, app=app).apply_async()
    return {"id": result.id, "key": str(app.backend.get_key_for_task(result.id))}


def run_group(task, args_of_each):
    result = group(signature(task, args, app=app) for args in args_of_each).apply_async()
    result.save()
    return {
        "id": result.id,
        "key": str(app.backend.get_key_for_group(result.id)),
        "keys": [str(app.backend.get_key_for_task(each.id)) for each in result],
    }


def run_chord(header, body):
    """Each of the header is a task, its arguments, and its queue."""
    tasks = [signature(task, args, app=app, queue=queue) for task, args, queue in header]
    result = chord(tasks, signature(body, app=app))()
    header_result = result.parent
    return {
        "key": str(app.backend.get_key_for_task(result.id)),
        "counter": str(app.backend.get_key_for_chord(header_result.id)),
        "ids": [each.id for each in header_result],
        "keys": [str(app.backend.get_key_for_task(each.id)) for each in header_result],
    }


def read_result(id):
    result = app.AsyncResult(id)
    return {"status": result.status, "result": result.result}


def read_group(id):
    return GroupResult.restore(id, app=app).join(timeout=300)


def store_result(id, value, status, compression):
    backend = app.backend
    backend.compression = backend.prepare_compression(compression)
    backend.store_result(id, value, status)
    return str(backend.get_key_for_task(id))


def forget(id):
    app.AsyncResult(id).forget()
    return id


def increment(id):
    return app.backend.incr(app.backend.get_key_for_chord(id))


actions = {
    each.__name__: each
    for each in (
        create_table,
        run_task,
        run_group,
        run_chord,
        read_result,
        read_group,
        store_result,
        forget,
        increment,
    )
}

for line in sys.stdin:
    question = json.loads(line)
    try:
        printed = {"answer": actions[question.pop("do")](**question)}
    except Exception as error:
        printed = {"error": repr(error)}
    print(json.dumps(printed), flush=True)
