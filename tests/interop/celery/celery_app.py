"""The tasks that the worker runs. The broker is a folder; the results go to DynamoDB."""

import os
import time
import uuid

from celery import Celery
from kombu.transport import filesystem
from kombu.utils.json import dumps

folder = os.environ["INTEROP_FOLDER"]
queue = os.path.join(folder, "queue")
os.makedirs(queue, exist_ok=True)


def put_whole(self, queue_name, payload, **_):
    """Kombu writes a message where it is looked for, and may find it before it is whole: the worker ends then."""
    name = f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue_name}.msg"
    draft = os.path.join(folder, name)
    with open(draft, "w", encoding="utf-8") as file:
        file.write(dumps(payload))
    os.rename(draft, os.path.join(queue, name))


filesystem.Channel._put = put_whole

app = Celery("interop", broker="filesystem://", backend=os.environ["INTEROP_BACKEND"])
app.conf.update(
    broker_transport_options={
        "data_folder_in": queue,
        "data_folder_out": queue,
        "control_folder": os.path.join(folder, "control"),
        "polling_interval": 0.05,
    },
    broker_connection_retry_on_startup=True,
    # What others change in the table must be seen.
    result_cache_max=-1,
)


@app.task(name="echo")
def echo(value):
    return value


@app.task(name="fail")
def fail(text):
    raise ValueError(text)


@app.task(name="total")
def total(numbers):
    return sum(numbers)


@app.task(name="echo_once_there_is")
def echo_once_there_is(file, value):
    """Waits for a file, so that a test decides when this task ends."""
    while not os.path.exists(file):
        time.sleep(0.05)
    return value
