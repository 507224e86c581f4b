"""Tests against a real server on the embedded engine, from the sources of the repository: Node must be there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

#: DynamoDB's TTL leaves a counter's item so long after its expiry, since its increments may be repeated until then.
REMEMBERED_SECONDS = 1200
#: How long a test waits for what has to come, on a machine that is busy with much else as well.
PATIENCE_SECONDS = 300

repository = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(repository / "python" / "src"))
backend_class = "celery_dynakv.backend:DynakvBackend"


class Grounds:
    """The engine, the server, and what loses answers: tests/celery/grounds.ts."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DYNAKV_", "AWS_"))}
        self._program = subprocess.Popen(
            ["node", "--import", "tsx", "tests/celery/grounds.ts"],
            cwd=repository,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        where = self._read()
        #: Hosts and ports of the server: itself, and through what loses its answers.
        self.dynakv: str = where["dynakv"]
        self.lossy: str = where["lossy"]
        #: The URL of the table for Celery's own backend, through what loses the engine's answers.
        self.boto3: str = where["boto3"]
        self.where = where

    def lose(self, engine: float = 0.0, server: float = 0.0) -> dict[str, Any]:
        """Loses these shares of answers from now on, and says how many have been lost."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps({"engine": engine, "server": server}) + "\n")
        self._program.stdin.flush()
        return self._read()

    def stop(self) -> None:
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait(20)

    def _read(self) -> dict[str, Any]:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        assert line, "the grounds have ended"
        return json.loads(line)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def grounds() -> Iterator[Grounds]:
    grounds = Grounds()
    yield grounds
    grounds.stop()


@pytest.fixture
def lossless(grounds: Grounds) -> Iterator[Grounds]:
    """The grounds, which lose nothing any more when the test has ended."""
    yield grounds
    grounds.lose()


def make_app(address: str, scheme: str = "dynakv", name: str = "tests", **conf: Any) -> Celery:
    app = Celery(name, broker="memory://", backend=f"{backend_class}+{scheme}://{address}", set_as_current=False)
    app.conf.update(broker_connection_retry_on_startup=True, **conf)
    return app


@pytest.fixture
def app(grounds: Grounds) -> Iterator[Celery]:
    yield make_app(grounds.dynakv)


@pytest.fixture
def boto3_client(grounds: Grounds) -> Any:
    """For a look at raw items."""
    import boto3

    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=grounds.where["endpoint"],
        aws_access_key_id=grounds.where["accessKeyId"],
        aws_secret_access_key=grounds.where["secretAccessKey"],
    )
