"""What the programs of this folder share: grounds to run on, a broker, and how CPU is measured."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from conftest import Grounds  # noqa: E402
from fleet import Fleet, dynakv_url  # noqa: E402

__all__ = ("Fleet", "Grounds", "backend_url", "cpu_of", "redis_broker", "say")


@contextmanager
def redis_broker() -> Iterator[str]:
    """A Redis of its own, which Debian has as redis-server."""
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is missing: apt install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        redis = subprocess.Popen(
            ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            redis.terminate()
            redis.wait(10)


def backend_url(grounds: Grounds, name: str, lossy: bool = False) -> str:
    """The URL of Celery's own backend, ``"boto3"``, or of this package's, ``"dynakv"``."""
    if name == "dynakv":
        return dynakv_url(grounds.lossy if lossy else grounds.dynakv)
    import boto3

    # It would go on with the credentials of the grounds before these.
    boto3.DEFAULT_SESSION = None
    os.environ["AWS_ACCESS_KEY_ID"] = grounds.where["accessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = grounds.where["secretAccessKey"]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    # With credentials in the URL Celery's backend connects before its processes fork, which then share that connection.
    return f"dynamodb://@{grounds.boto3.partition('@')[2]}"


def cpu_of(group: int) -> float:
    """Seconds of CPU that the processes of a group have used, those that have ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            own = int(fields[11]) + int(fields[12])
            ticks += own + (int(fields[13]) + int(fields[14]) if int(stat.parent.name) == group else 0)
    return ticks / os.sysconf("SC_CLK_TCK")


def say(*words: Any) -> None:
    print(*words, flush=True)
