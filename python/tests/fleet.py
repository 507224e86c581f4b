"""Workers in processes of their own, and an app that sends them tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from celery import Celery

from conftest import backend_class, repository
from whole_messages import write_messages_whole

here = Path(__file__).resolve().parent


class Fleet:
    """Workers that share a broker, a folder for it and for notes, and the table of a server."""

    def __init__(self, folder: Path, broker: str = "filesystem://", conf: Optional[dict[str, Any]] = None) -> None:
        self.folder = folder
        self.broker = broker
        self.conf = conf or {}
        #: At which call of which method of Chords a process of a pool is killed: fleet_app.die_once.
        self.die_once: Optional[tuple[str, int]] = None
        self._workers: list[subprocess.Popen[bytes]] = []

    def start_worker(
        self, backend: str, pool: str = "prefork", concurrency: int = 2, queue: str = "celery", more: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        arguments = ["--pool", pool, "--concurrency", str(concurrency), "--queues", queue, "--loglevel", "INFO"]
        alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        number = len(self._workers)
        with open(self.folder / f"worker-{number}.log", "wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app", "fleet_app", "worker", "--hostname", f"w{number}@%h"]
                + arguments
                + alone
                + list(more),
                cwd=here,
                env=self._environment(backend),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._workers.append(worker)
        return worker

    def stop_worker(self, worker: subprocess.Popen[bytes], seconds: float = 30) -> None:
        """As an operator does: it ends what it is working on."""
        worker.send_signal(signal.SIGTERM)
        worker.wait(seconds)

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """With all its processes, as when a machine is lost."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)

    def is_ready(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether it has begun to take tasks."""
        log = self.folder / f"worker-{self._workers.index(worker)}.log"
        return " ready." in log.read_text(errors="replace")

    def sender(self, backend: str) -> Celery:
        """An app for sending tasks, set up like the workers'."""
        app = Celery("sender", broker=self.broker, backend=backend, set_as_current=False)
        app.conf.update(**self.conf)
        if self.broker == "filesystem://":
            queue = str(self.folder / "queue")
            os.makedirs(queue, exist_ok=True)
            app.conf.broker_transport_options = {
                "data_folder_in": queue,
                "data_folder_out": queue,
                "control_folder": str(self.folder / "control"),
            }
            write_messages_whole()
        return app

    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def logs(self) -> str:
        return "\n".join(each.read_text(errors="replace") for each in sorted(self.folder.glob("worker-*.log")))

    def stop(self) -> None:
        for each in self._workers:
            if each.poll() is None:
                self.kill_worker(each)

    def _environment(self, backend: str) -> dict[str, str]:
        fleet = {
            "broker": self.broker,
            "backend": backend,
            "folder": str(self.folder),
            "conf": self.conf,
            "die_once": self.die_once,
        }
        return {
            **os.environ,
            "FLEET": json.dumps(fleet),
            "PYTHONPATH": os.pathsep.join([str(repository / "python" / "src"), os.environ.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def dynakv_url(address: str) -> str:
    return f"{backend_class}+dynakv://{address}"
