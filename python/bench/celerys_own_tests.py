"""Celery's own integration tests, from its source package, with this backend, with Redis, and with its own for DynamoDB.

    python bench/celerys_own_tests.py [--backends redis boto3 dynakv] [-k EXPRESSION]

It needs what stands in ``tests/requirements.txt`` and in ``bench/celerys_own_tests.txt``, and redis-server. All three take an hour. It
prints how many have passed, and each that has failed with some backend.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from common import Grounds, backend_url, redis_broker, say

files = ["t/integration/test_canvas.py", "t/integration/test_group_chains.py", "t/integration/test_tasks.py"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--backends", nargs="+", default=["redis", "boto3", "dynakv"])
    parser.add_argument("-k", dest="expression", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = fetch_sources(Path(folder))
        outcomes = {name: run(name, sources, arguments.expression) for name in arguments.backends}
    failed = sorted({test for outcome in outcomes.values() for test, result in outcome.items() if result == "FAILED"})
    say(f"\n| test | {' | '.join(outcomes)} |\n|---|{'---|' * len(outcomes)}")
    for test in failed:
        say(f"| {test} | {' | '.join(outcome.get(test, 'left out').lower() for outcome in outcomes.values())} |")
    totals = ["all that ran"]
    for outcome in outcomes.values():
        results = list(outcome.values())
        totals.append(f"{results.count('PASSED')} passed, {results.count('FAILED')} failed")
    say(f"| {' | '.join(totals)} |")


def fetch_sources(folder: Path) -> Path:
    from celery import __version__

    pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    subprocess.run([sys.executable, *pip, f"celery=={__version__}"], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    sources = folder / archive.name.removesuffix(".tar.gz")
    # The tests are to run against the Celery that is installed.
    (sources / "celery").rename(sources / "celery-of-the-archive")
    return sources


def run(name: str, sources: Path, expression: str) -> dict[str, str]:
    grounds = Grounds()
    try:
        with redis_broker() as broker:
            backend = broker.replace("/0", "/1") if name == "redis" else backend_url(grounds, name)
            environment = {
                **os.environ,
                "TEST_BROKER": broker,
                "TEST_BACKEND": backend,
                "REDIS_HOST": "127.0.0.1",
                "REDIS_PORT": broker.rpartition(":")[2].partition("/")[0],
                "PYTHONPATH": str(Path(__file__).resolve().parent.parent / "src"),
            }
            options = ["-q", "-rA", "--timeout=120", "-p", "no:cacheprovider", "-k", expression]
            printed = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *files],
                cwd=sources,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
    finally:
        grounds.stop()
    (Path(tempfile.gettempdir()) / f"celerys-own-tests-{name}.log").write_text(printed, encoding="utf-8")
    found: dict[str, str] = {}
    for result, test in re.findall(r"^(PASSED|FAILED|XFAIL|XPASS) \S*/(\S+)", printed, re.M):
        found[test] = {"XFAIL": "FAILED", "XPASS": "PASSED"}.get(result, result)
    say(f"{name}: {len(found)} ran")
    return found


if __name__ == "__main__":
    main()
