"""Chords while answers are lost and workers are killed: this backend beside Celery's own for DynamoDB.

    python bench/faults.py [--backend dynakv] [--chords 1000] [--large 20] [--rate 0.05] [--kill-every 5]

Tasks are acknowledged late, by a Redis of its own with a visibility timeout of some seconds. So many answers are lost between
DynamoDB and whoever asks it, and between dynakv and the workers. A worker of the header's tasks is killed with all its processes every
few seconds, and another one started. The callbacks run in a worker that is not killed, so that one which runs twice was sent twice.
"""

from __future__ import annotations

import argparse
import collections
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from celery import chord
from common import Fleet, Grounds, backend_url, redis_broker, say


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", choices=["dynakv", "boto3"], default="dynakv")
    parser.add_argument("--chords", type=int, default=1000)
    parser.add_argument("--large", type=int, default=20, help="how many of them have 300 tasks; the others have 10")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds; 0: nothing is killed")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no more are started")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds without any callback after which it gives up")
    arguments = parser.parse_args()
    conf = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "broker_transport_options": {"visibility_timeout": 15, "unacked_restore_limit": 1000},
        "task_routes": {"total": {"queue": "callbacks"}},
    }
    grounds = Grounds()
    with redis_broker() as broker, tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), broker, conf)
        try:
            run(arguments, grounds, fleet)
        finally:
            fleet.stop()
            grounds.stop()


def run(arguments: argparse.Namespace, grounds: Grounds, fleet: Fleet) -> None:
    url = backend_url(grounds, arguments.backend, lossy=True)
    app = fleet.sender(url)
    _ = app.backend.client
    fleet.start_worker(url, queue="callbacks", concurrency=1)
    workers = [fleet.start_worker(url) for _ in range(2)]
    grounds.lose(engine=arguments.rate, server=arguments.rate)
    sizes = [300] * arguments.large + [10] * (arguments.chords - arguments.large)
    random.Random(1).shuffle(sizes)
    began = time.monotonic()
    last_kill = last_news = began
    kills = sent = unsent = seen = 0
    headers: dict[str, Any] = {}
    chances = random.Random(2)
    while True:
        notes = fleet.notes()
        ended = len({each.split(" ", 1)[0] for each in notes})
        now = time.monotonic()
        if len(notes) > seen:
            seen, last_news = len(notes), now
        # Not all at once: a queue of minutes would be redelivered while it waits.
        if now - began > arguments.minutes * 60:
            del sizes[sent:]
        while sent < len(sizes) and sent - unsent - ended < 40:
            header = [app.signature("echo", args=(each,)) for each in range(sizes[sent])]
            try:
                callback = app.signature("total", kwargs={"name": str(sent), "expected": sizes[sent]})
                headers[str(sent)] = chord(header, callback, app=app)().parent
            except Exception as error:
                # Whoever sent it knows: a chord that was not started is none that was lost.
                say(f"chord {sent} was not started: {error!r}")
                unsent += 1
            sent += 1
        is_done = sent == len(sizes) and ended >= sent - unsent
        if is_done or now - last_news > arguments.patience:
            break
        if arguments.kill_every and now - last_kill > arguments.kill_every:
            victim = chances.randrange(len(workers))
            fleet.kill_worker(workers[victim])
            workers[victim] = fleet.start_worker(url)
            kills, last_kill = kills + 1, now
        time.sleep(0.2)
        if int(now - began) % 30 == 0:
            say(f"{now - began:.0f} s: {ended} of {sent} sent have ended, {kills} workers killed")
            time.sleep(1)
    # What is redelivered may still send a callback once more.
    time.sleep(40)
    lost = grounds.lose()
    notes = fleet.notes()
    report(arguments, notes, sent - unsent, kills, lost, time.monotonic() - began)
    for name in sorted(headers.keys() - {each.split(" ", 1)[0] for each in notes}):
        # A task that never ran was lost on its way to a worker, which no result backend can help.
        results = headers[name].results
        say(f"  chord {name}: {sum(each.ready() for each in results)} of {len(results)} tasks have a result")


def report(
    arguments: argparse.Namespace, notes: list[str], started: int, kills: int, lost: dict[str, int], seconds: float
) -> None:
    runs = collections.Counter(each.split(" ", 1)[0] for each in notes)
    wrong = [each for each in notes if not each.endswith(" right")]
    twice = [name for name, count in runs.items() if count > 1]
    say(f"{arguments.backend}: {started} chords started, {kills} workers killed, {seconds:.0f} s")
    say(f"answers lost: {lost['engine']} of DynamoDB's, {lost['server']} of dynakv's; requests {lost['requests']}")
    say(f"callbacks: {len(runs)} ran, {started - len(runs)} never, {len(twice)} more than once, {len(wrong)} with wrong results")
    for each in wrong[:5]:
        say(f"  {each[:200]}")


if __name__ == "__main__":
    main()
