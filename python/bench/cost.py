"""What a worker spends: this backend beside Celery's own for DynamoDB, in turns, on one engine.

    python bench/cost.py [--rounds 3] [--quick]

Each figure is the CPU of a worker and its processes, by tasks, between two moments at which it is idle. It prints a table of
medians, and the ratios within each round, which is what does not depend on the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from celery import chord
from common import Fleet, Grounds, backend_url, cpu_of, redis_broker, say

kinds = ("plain", "chords of 50", "chord of 300", "chord of 1,000")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-largest", action="store_true", help="leaves the chord of 1,000 out, which takes longest")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to try the program")
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[tuple[float, float]]]] = {name: {kind: [] for kind in kinds} for name in ("boto3", "dynakv")}
    with redis_broker() as broker:
        for number in range(arguments.rounds):
            for name in ("boto3", "dynakv"):
                for kind, cpu_ms, seconds in measure(name, broker, 10 if arguments.quick else 1, not arguments.without_largest):
                    say(f"round {number + 1}, {name}, {kind}: {cpu_ms:.2f} ms of CPU a task, {seconds:.1f} s")
                    found[name][kind].append((cpu_ms, seconds))
    say()
    say("| | boto3's backend | over dynakv | ratio of each round |")
    say("|---|--:|--:|--:|")
    for kind in kinds[:-1] if arguments.without_largest else kinds:
        for what, position, unit in (("worker CPU a task", 0, "ms"), ("time", 1, "s")):
            theirs, ours = ([each[position] for each in found[name][kind]] for name in ("boto3", "dynakv"))
            ratios = ", ".join(f"{our / their:.2f}" for our, their in zip(ours, theirs))
            say(
                f"| {kind}: {what} | {statistics.median(theirs):.1f} {unit} | {statistics.median(ours):.1f} {unit} | {ratios} |"
            )


def measure(name: str, broker: str, divisor: int, with_largest: bool) -> Any:
    grounds = Grounds()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), broker)
        try:
            url = backend_url(grounds, name)
            app = fleet.sender(url)
            _ = app.backend.client
            worker = fleet.start_worker(url, more=("--loglevel", "WARNING"))
            # Both processes have made their connections, and imported what they need.
            warm = [app.send_task("echo", (each,)) for each in range(40)]
            run_chord(app, 10)
            for each in warm:
                each.get(timeout=120)

            def measured(kind: str, tasks: int, run: Any) -> tuple[str, float, float]:
                cpu, began = cpu_of(worker.pid), time.monotonic()
                run()
                seconds = time.monotonic() - began
                # What comes after the last result, such as deleting what a chord was kept in.
                time.sleep(1)
                return kind, (cpu_of(worker.pid) - cpu) * 1000 / tasks, seconds

            def plain() -> None:
                for each in [app.send_task("echo", (number,)) for number in range(500 // divisor)]:
                    each.get(timeout=600, interval=0.2)

            yield measured("plain", 500 // divisor, plain)
            fifties = max(1, 8 // divisor)
            yield measured("chords of 50", fifties * 51, lambda: [run_chord(app, 50) for _ in range(fifties)])
            yield measured("chord of 300", 301, lambda: run_chord(app, 300))
            if with_largest:
                yield measured("chord of 1,000", 1001 // divisor, lambda: run_chord(app, 1000 // divisor))
            assert all(each.endswith(" right") for each in fleet.notes()), fleet.notes()
        finally:
            fleet.stop()
            grounds.stop()


def run_chord(app: Any, size: int) -> None:
    header = [app.signature("echo", args=(each,)) for each in range(size)]
    result = chord(header, app.signature("total", kwargs={"expected": size}), app=app)()
    total = result.get(timeout=600, interval=0.1)
    assert total == sum(range(size)), total


if __name__ == "__main__":
    main()
