"""Celery's broker in a folder, without its race. Whoever sends messages must call `write_messages_whole`, workers included."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


def write_messages_whole() -> None:
    """
    Kombu writes a message where workers look for it, and one that finds it before it is whole loses it. It is written
    under a name that they leave alone, and renamed.
    """
    filesystem.Channel._put = _put  # type: ignore[method-assign]


def _put(channel: filesystem.Channel, queue: str, payload: dict[str, Any], **_: Any) -> None:
    name = f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg"
    file = os.path.join(channel.data_folder_out, name)
    draft = f"{file}.draft"
    with open(draft, "w", encoding="utf-8") as opened:
        opened.write(dumps(payload))
    os.rename(draft, file)
