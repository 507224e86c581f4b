"""Chords while answers are lost and workers are killed: this backend beside Celery's own for DynamoDB.

    python bench/faults.py [--backend dynakv] [--chords 1000] [--large 20] [--rate 0.05] [--kill-every 5]

Tasks are acknowledged late, by a Redis of its own with a visibility timeout of some seconds. So many answers are lost between
DynamoDB and whoever asks it, and between dynakv and the workers. A worker of the header's tasks is killed with all its processes every
few seconds, and another one started. The callbacks run in a worker that is not killed, so that one which runs twice was sent twice.

When nothing is left to deliver, the messages that kombu has lost on their way to a worker (broker_watch.py) are delivered once
more, so that what is still missing then is the backend's.
"""

from __future__ import annotations

import argparse
import collections
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from broker_watch import BrokerWatch
from celery import chord
from common import Fleet, Grounds, backend_url, redis_broker, say

#: Seconds without a message in the broker after which nothing is going on any more. A task that has none there may still be at
#: work: it was delivered twice, under one tag, and the other has acknowledged it.
_quiet = 45.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", choices=["dynakv", "boto3", "redis"], default="dynakv")
    parser.add_argument("--chords", type=int, default=1000)
    parser.add_argument("--large", type=int, default=20, help="how many of them have 300 tasks; the others have 10")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds at least; 0: nothing is killed")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no more are started")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds without any callback after which it gives up")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    conf = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "broker_transport_options": {
            "visibility_timeout": 15,
            "unacked_restore_limit": 1000,
            # By default it is looked for what has to be delivered again only every hundred seconds, and not for five minutes after
            # a worker was killed that was looking.
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 5,
        },
        "task_routes": {"total": {"queue": "callbacks"}},
    }
    grounds = Grounds()
    with redis_broker() as broker, tempfile.TemporaryDirectory() as folder:
        fleet, watch = Fleet(Path(folder), broker, conf), BrokerWatch(broker, Path(folder))
        url = broker.replace("/0", "/1") if arguments.backend == "redis" else backend_url(grounds, arguments.backend, lossy=True)
        try:
            Run(arguments, grounds, fleet, watch, url).run()
        finally:
            fleet.stop()
            watch.stop()
            grounds.stop()


class Run:
    def __init__(
        self, arguments: argparse.Namespace, grounds: Grounds, fleet: Fleet, watch: BrokerWatch, url: str
    ) -> None:
        self.arguments, self.grounds, self.fleet, self.watch, self.url = arguments, grounds, fleet, watch, url
        self.app = fleet.sender(url)
        self.kills = self.unsent = self.given_back = 0
        #: The results of chords by their names: the callback's, whose parent is the header's.
        self.started: dict[str, Any] = {}
        self.sizes = [300] * arguments.large + [10] * (arguments.chords - arguments.large)
        random.Random(arguments.seed).shuffle(self.sizes)

    def run(self) -> None:
        _ = self.app.backend.client
        self.fleet.start_worker(self.url, queue="callbacks", concurrency=1)
        workers = [self.fleet.start_worker(self.url) for _ in range(2)]
        rate, kill_every = self.arguments.rate, self.arguments.kill_every
        self.grounds.lose(engine=rate, server=rate)
        chances = random.Random(self.arguments.seed)
        #: The worker that is killed next, once it has begun to work and its time has come.
        victim = 0
        began = last_kill = last_news = last_message = last_said = time.monotonic()
        seen = sent = 0
        while True:
            now = time.monotonic()
            if now - began > self.arguments.minutes * 60:
                del self.sizes[sent:]
            # Not all at once: a queue of minutes would outlive the patience.
            while sent < len(self.sizes) and self.watch.waiting() < 200:
                self.start(str(sent), self.sizes[sent])
                sent += 1
            unfinished = self.unfinished()
            if len(self.fleet.notes()) > seen:
                seen, last_news = len(self.fleet.notes()), now
            if self.watch.waiting() > 0:
                last_message = now
            if now - last_said > 30:
                last_said = now
                say(f"{now - began:.0f} s: {len(unfinished)} of {sent} have not ended, {self.kills} workers killed")
            if now - last_news > self.arguments.patience:
                break
            if now - last_message > _quiet:
                # Nothing is left that may yet send a callback, also not once more.
                if (not unfinished and sent == len(self.sizes)) or not self.give_back(unfinished):
                    break
                last_message = now
            # On a busy machine a worker takes its time to start, and would be killed before it has done anything.
            if kill_every and now - last_kill > kill_every and self.fleet.is_ready(workers[victim]):
                self.fleet.kill_worker(workers[victim])
                workers[victim] = self.fleet.start_worker(self.url)
                self.kills, last_kill, victim = self.kills + 1, now, chances.randrange(len(workers))
            time.sleep(0.2)
        self.report(self.grounds.lose(), time.monotonic() - began)

    def start(self, name: str, size: int) -> None:
        header = [self.app.signature("echo", args=(each,)) for each in range(size)]
        callback = self.app.signature("total", kwargs={"name": name, "expected": size})
        try:
            self.started[name] = chord(header, callback, app=self.app)()
        except Exception as error:
            # Whoever sent it knows: a chord that was not started is none that was lost.
            say(f"chord {name} was not started: {error!r}")
            self.unsent += 1

    def unfinished(self) -> set[str]:
        return self.started.keys() - {each.split(" ", 1)[0] for each in self.fleet.notes()}

    def give_back(self, unfinished: set[str]) -> int:
        """Delivers what was lost on its way to a worker, and says how much that was."""
        tasks = {each.id for name in unfinished for each in self.tasks(name)}
        lost = [each for each in self.watch.follow(tasks).values() if each.events[-1] == "pushed"]
        for each in lost:
            self.watch.give_back(each)
        self.given_back += len(lost)
        say(f"{len(lost)} messages of {len(unfinished)} chords were taken from a queue and never noted: delivered once more")
        return len(lost)

    def tasks(self, name: str) -> list[Any]:
        return [self.started[name], *self.started[name].parent.results]

    def report(self, lost: dict[str, Any], seconds: float) -> None:
        notes = self.fleet.notes()
        runs = collections.Counter(each.split(" ", 1)[0] for each in notes)
        wrong = [each for each in notes if not each.endswith(" right")]
        twice = [name for name, count in runs.items() if count > 1]
        say(f"{self.arguments.backend}: {len(self.started)} chords started, {self.kills} workers killed, {seconds:.0f} s")
        say(f"answers lost: {lost['engine']} of DynamoDB's, {lost['server']} of dynakv's; requests {lost['requests']}")
        say(f"messages that the broker's client lost, of chords that had not ended: {self.given_back}")
        never = sorted(self.unfinished())
        say(f"callbacks: {len(runs)} ran, {len(never)} never, {len(twice)} more than once, {len(wrong)} with wrong results")
        for each in wrong[:5]:
            say(f"  {each[:200]}")
        for name in never:
            callback, *tasks = self.tasks(name)
            say(f"  chord {name}: {sum(each.ready() for each in tasks)} of {len(tasks)} tasks have a result,")
            say(f"    its callback {callback.id} is {callback.state}: {str(callback.info)[:200]}")
            for task_id, message in self.watch.follow({each.id for each in self.tasks(name)}).items():
                say(f"    {task_id}: {' '.join(message.events)}")
            ids = [each.id for each in self.tasks(name)] + [callback.parent.id]
            for line in self.fleet.logs().splitlines():
                if any(each in line for each in ids) and " received" not in line:
                    say(f"    {line[:300]}")


if __name__ == "__main__":
    main()
