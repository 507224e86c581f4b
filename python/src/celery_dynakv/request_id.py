"""Ids that make a repeated increment count once: UUIDs of version 7, made by a clock that the server agrees with."""

from __future__ import annotations

import secrets
import time
import uuid


class RequestIds:
    def __init__(self) -> None:
        self._ahead = 0.0

    def fresh(self) -> str:
        milliseconds = int((time.time() + self._ahead) * 1000)
        return str(
            uuid.UUID(
                int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
            )
        )

    def follow(self, server_time: float) -> None:
        """Goes by the server's clock from now on: it has refused an id whose time was too far from its own."""
        self._ahead = server_time - time.time()
