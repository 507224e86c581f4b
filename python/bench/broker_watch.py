"""What Redis has done with each message of Celery's, and which of them it has lost.

Kombu takes a message by BRPOP, and only then notes it in the hash ``unacked``, from which it is delivered again when it is not
acknowledged in time. One whose worker is killed in between is in neither: no result backend can know of it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

queues = ("celery", "callbacks")


class Loss(NamedTuple):
    queue: str
    message: bytes
    #: What was done with it, in order: ``pushed``, ``noted``, ``removed``. It was lost if ``pushed`` is the last.
    events: list[str]


class BrokerWatch:
    """Writes all commands that Redis is given to a file from now on."""

    def __init__(self, url: str, folder: Path) -> None:
        import redis

        self._redis: Any = redis.Redis.from_url(url)
        self._file = folder / "commands"
        with open(self._file, "wb") as file:
            port = str(urlsplit(url).port)
            self._monitor = subprocess.Popen(["redis-cli", "-p", port, "monitor"], stdout=file)

    def stop(self) -> None:
        self._monitor.terminate()
        self._monitor.wait(10)
        self._redis.close()

    def waiting(self) -> int:
        """Messages that are in a queue, or delivered and not acknowledged."""
        return sum(self._redis.llen(each) for each in queues) + int(self._redis.hlen("unacked"))

    def follow(self, task_ids: set[str]) -> dict[str, Loss]:
        """What was done with the messages of these tasks, by the tasks' ids."""
        names = {each.encode() for each in task_ids}
        found: dict[str, Loss] = {}
        by_tag: dict[bytes, Loss] = {}
        with open(self._file, "rb") as file:
            for line in file:
                if b'"LPUSH"' in line or b'"RPUSH"' in line:
                    match = re.search(rb'"[LR]PUSH" "(\w+)" "(.*)"$', line.rstrip(b"\n"))
                    if match is None:
                        continue
                    raw = _unescape(match[2])
                    task_id = re.search(rb'"id": "([^"]+)"', raw)
                    tag = re.search(rb'"delivery_tag": "([^"]+)"', raw)
                    if task_id is None or tag is None or task_id[1] not in names:
                        continue
                    old = by_tag.get(tag[1])
                    loss = Loss(match[1].decode(), raw, [*(old.events if old else []), "pushed"])
                    by_tag[tag[1]] = found[task_id[1].decode()] = loss
                elif b'"HSET" "unacked"' in line or b'"HDEL" "unacked"' in line:
                    match = re.search(rb'"(HSET|HDEL)" "unacked" "([^"]+)"', line)
                    if match is not None and match[2] in by_tag:
                        by_tag[match[2]].events.append("noted" if match[1] == b"HSET" else "removed")
        return found

    def give_back(self, loss: Loss) -> None:
        """Delivers a message once more, as a broker that loses none would have."""
        self._redis.rpush(loss.queue, loss.message)


def _unescape(text: bytes) -> bytes:
    """What Redis has made of a command's argument in the answers to MONITOR."""
    return text.decode("latin-1").encode().decode("unicode_escape").encode("latin-1")
