"""Keys, as Celery's DynamoDB backend has them."""

from __future__ import annotations

from typing import Union

Key = Union[bytes, str]


def key_text(key: Key) -> str:
    """What ``str()`` makes of a key that is bytes, which is a Python literal: ``b'celery-task-meta-…'`` (celery#5455)."""
    return key if isinstance(key, str) else repr(bytes(key))
