"""The tasks that the worker runs. The broker is a folder; the results go to DynamoDB."""

import os
import sys
import time
from pathlib import Path

from celery import Celery

sys.path.append(str(Path(__file__).resolve().parents[3] / "python" / "tests"))
from whole_messages import write_messages_whole

folder = os.environ["INTEROP_FOLDER"]
queue = os.path.join(folder, "queue")
os.makedirs(queue, exist_ok=True)

write_messages_whole()

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
