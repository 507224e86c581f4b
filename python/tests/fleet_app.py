"""The app of the workers that the tests start. Where everything is stands in the environment, as JSON in FLEET."""

import json
import os
import time

from celery import Celery

from celery_dynakv.chords import Chords
from whole_messages import write_messages_whole

fleet = json.loads(os.environ["FLEET"])
app = Celery("fleet", broker=fleet["broker"], backend=fleet["backend"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_default_queue=fleet.get("queue", "celery"),
    worker_prefetch_multiplier=1,
    result_cache_max=-1,
    **fleet.get("conf", {}),
)

if app.conf.broker_url.startswith("filesystem:"):
    queue = os.path.join(fleet["folder"], "queue")
    os.makedirs(queue, exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": queue,
        "data_folder_out": queue,
        "control_folder": os.path.join(fleet["folder"], "control"),
        "polling_interval": 0.05,
    }
    write_messages_whole()


def note(line):
    """Appends a line to the fleet's notes, whole, whichever process does so."""
    descriptor = os.open(os.path.join(fleet["folder"], "notes"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


@app.task(name="echo")
def echo(value, seconds=0):
    time.sleep(seconds)
    return value


@app.task(name="pid")
def pid(seconds=0):
    time.sleep(seconds)
    return os.getpid()


@app.task(name="die")
def die():
    os.kill(os.getpid(), 9)


def die_once(at, call):
    """Kills the process of the pool that is in this call of a method of Chords, counted in all processes, and not its worker."""
    method = getattr(Chords, at)
    calls = os.path.join(fleet["folder"], "calls")

    def wrapped(*arguments):
        descriptor = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b".")
        os.close(descriptor)
        is_last = os.path.getsize(calls) == call
        if is_last and at == "part_returned":
            os.kill(os.getpid(), 9)
        returned = method(*arguments)
        if is_last:
            os.kill(os.getpid(), 9)
        return returned

    setattr(Chords, at, wrapped)


if fleet["die_once"]:
    die_once(*fleet["die_once"])


@app.task(name="total", bind=True)
def total(self, numbers, name="", expected=None):
    """The callback of chords. It notes each of its runs, and whether it was given what it should."""
    right = expected is None or sorted(numbers) == list(range(expected))
    note(f"{name} {'right' if right else numbers}")
    return sum(numbers)
