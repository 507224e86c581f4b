"""A fleet that moves from Celery's own backend for DynamoDB to this one and back, in the middle of running chords.

    python bench/moving.py [--chords 200] [--size 10] [--seconds 6]

Two workers and two senders, one of each backend, on one table and a Redis of their own. Every few seconds a worker is ended as an
operator does, and one of the other backend takes its place, so that all are of one, of both, and of the other in turn. It prints what
has become of the callbacks, and how many chords both backends have counted in.
"""

from __future__ import annotations

import argparse
import collections
import tempfile
import time
from pathlib import Path
from typing import Any

from celery import chord
from common import Fleet, Grounds, backend_url, redis_broker, say

kinds = ("boto3", "dynakv")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chords", type=int, default=200)
    parser.add_argument("--size", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=6.0, help="between two workers that are replaced")
    arguments = parser.parse_args()
    grounds = Grounds()
    with redis_broker() as broker, tempfile.TemporaryDirectory() as folder:
        # Each result says which worker it is of.
        fleet = Fleet(Path(folder), broker, {"result_extended": True, "task_acks_late": True})
        try:
            run(arguments, fleet, {kind: backend_url(grounds, kind) for kind in kinds})
        finally:
            fleet.stop()
            grounds.stop()


def run(arguments: argparse.Namespace, fleet: Fleet, urls: dict[str, str]) -> None:
    senders = {kind: fleet.sender(url) for kind, url in urls.items()}
    # The table is there before two workers could want to make it.
    _ = senders["boto3"].backend.client
    workers = [("boto3", fleet.start_worker(urls["boto3"])) for _ in range(2)]
    names = ["boto3", "boto3"]
    started: list[Any] = []
    moves = 0
    last = time.monotonic()
    while len(fleet.notes()) < arguments.chords and time.monotonic() - last < 300:
        while len(started) < arguments.chords and len(started) - len(fleet.notes()) < 20:
            app = senders[kinds[len(started) % 2]]
            header = [app.signature("echo", args=(each, 0.05)) for each in range(arguments.size)]
            body = app.signature("total", kwargs={"name": str(len(started)), "expected": arguments.size})
            started.append(chord(header, body, app=app)())
        if time.monotonic() - last > arguments.seconds and fleet.is_ready(workers[-1][1]):
            # The one that has run longest; until all have moved, and then back.
            kind, worker = workers.pop(0)
            other = kinds[1 - kinds.index(kind)]
            workers.append((other, fleet.start_worker(urls[other])))
            names.append(other)
            fleet.stop_worker(worker, 60)
            moves, last = moves + 1, time.monotonic()
        time.sleep(0.1)
    runs = collections.Counter(each.split(" ", 1)[0] for each in fleet.notes())
    wrong = [each for each in fleet.notes() if not each.endswith(" right")]
    counted: collections.Counter[str] = collections.Counter()
    for result in started:
        metas = [senders["dynakv"].backend.get_task_meta(each.id) for each in result.parent.results]
        # Workers are called w0, w1, …, in the order in which they were started.
        counted[" and ".join(sorted({names[int(each["worker"].split("@")[0][1:])] for each in metas if "worker" in each}))] += 1
    twice = sum(count > 1 for count in runs.values())
    say(f"{len(started)} chords of {arguments.size}, {moves} workers replaced by one of the other backend")
    say(f"callbacks: {len(runs)} ran, {len(started) - len(runs)} never, {twice} more than once, {len(wrong)} with wrong results")
    say(f"chords by whose workers counted in them: {dict(counted)}")


if __name__ == "__main__":
    main()
